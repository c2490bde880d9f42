package workload

import (
	"crypto/sha256"
	"encoding/hex"
	"strings"
)

// Component says whose entities an operation is about: one component of a data
// product in one environment.
type Component struct {
	// ID is the component's id in lower case; Witboost compares ids without case.
	ID string `json:"id"`
	// Environment is dataProduct.environment as the descriptor writes it; an id never holds it.
	Environment string `json:"environment"`
}

// NewComponent returns the identity for an id and environment as a descriptor writes them.
func NewComponent(id, environment string) Component {
	return Component{ID: strings.ToLower(strings.TrimSpace(id)), Environment: strings.TrimSpace(environment)}
}

// String names the component for people, in log lines and messages; it is empty
// where there is none, as with a reverse provisioning.
func (c Component) String() string {
	if c.Environment == "" || c.ID == "" {
		return c.ID
	}
	return c.ID + " in " + c.Environment
}

// Digest is 16 hexadecimal digits (64 bits of SHA-256) that stand for the
// component in Airbyte's names and in Redis keys.
func (c Component) Digest() string {
	// The zero byte keeps ("a", "bc") and ("ab", "c") apart: neither part can hold one.
	sum := sha256.Sum256([]byte(c.ID + "\x00" + c.Environment))
	return hex.EncodeToString(sum[:8])
}
