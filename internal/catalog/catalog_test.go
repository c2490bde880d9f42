package catalog

import (
	"sync"
	"testing"
)

// shared is one catalogue for all tests without options: it never changes.
var shared = sync.OnceValues(func() (*Catalog, error) { return Load("") })

func loadEmbedded(t testing.TB, options ...Option) *Catalog {
	t.Helper()
	connectors, err := shared()
	if len(options) > 0 {
		connectors, err = Load("", options...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return connectors
}
