package operation

import (
	"encoding/hex"
	"strings"

	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
)

// Tags is in how many parts the keys are spread over a Redis Cluster.
const Tags = 256

// InLine reports whether operations of the kind stand in line for their
// component. Those that only read do not.
func InLine(kind workload.Kind) bool {
	return kind != workload.Validate && kind != workload.Reverse
}

// newToken returns a UUID of version 8: 74 random bits and the lane, which is
// the start of the component's digest, or random for an operation that stands in no line.
func newToken(kind workload.Kind, component workload.Component) string {
	id := uuid.New()
	if InLine(kind) {
		lane, err := hex.DecodeString(component.Digest()[:12])
		if err != nil {
			panic("operation: a digest is not hexadecimal") // cannot be
		}
		copy(id[10:], lane)
	}
	id[6] = id[6]&0x0f | 0x80
	return id.String()
}

// laneOf returns the token's lane and the token in its canonical form; ok is
// false for what cannot be a token of ours.
func laneOf(token string) (canonical, lane string, ok bool) {
	id, err := uuid.Parse(token)
	if err != nil || len(token) != 36 || id.Version() != 8 {
		return "", "", false
	}
	canonical = strings.ToLower(token)
	return canonical, canonical[24:], true
}

// keys are the names of what one lane has in Redis.
type keys struct {
	prefix, lane string // prefix ends with the tag
}

func (s *Store) keysOf(lane string) keys {
	return keys{prefix: s.prefix + "{" + lane[:2] + "}:", lane: lane}
}

func (k keys) op(token string) string { return k.prefix + "op:" + token }
func (k keys) line() string           { return k.prefix + "line:" + k.lane }
func (k keys) live() string           { return k.prefix + "live" }

func (s *Store) known(component workload.Component) string {
	digest := component.Digest()
	return s.prefix + "{" + digest[:2] + "}:known:" + digest
}
