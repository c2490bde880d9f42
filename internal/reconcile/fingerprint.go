package reconcile

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"airbyte-provisioner/internal/workload"
)

// fingerprints makes keyed hashes for one component: equal values have equal
// ones, and without the key nobody can guess a value from them or make one up.
type fingerprints struct {
	key    []byte
	digest string
}

// of is the fingerprint of a value that can be JSON, for one purpose.
func (f fingerprints) of(purpose string, value any) string {
	mac := hmac.New(sha256.New, f.key)
	// An encoder sorts the keys of maps, so equal values have equal texts.
	err := json.NewEncoder(mac).Encode([]any{purpose, f.digest, value})
	if err != nil {
		return "" // never equal to a fingerprint, so the value counts as unknown
	}
	return hex.EncodeToString(mac.Sum(nil)[:16])
}

// signature proves that ids which come back from outside were given out by us for this component.
func (f fingerprints) signature(e workload.Entities) string {
	e.Signature = ""
	return f.of("entities", e)
}

// signed reports whether the signature is ours.
func (f fingerprints) signed(e workload.Entities) bool {
	return e.Signature != "" && hmac.Equal([]byte(e.Signature), []byte(f.signature(e)))
}

// same reports whether two fingerprints are known and equal.
func same(a, b string) bool { return a != "" && a == b }
