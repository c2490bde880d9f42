package catalog

import "testing"

func loadEmbedded(t testing.TB, options ...Option) *Catalog {
	t.Helper()
	connectors, err := Load("", options...)
	if err != nil {
		t.Fatal(err)
	}
	return connectors
}
