package catalog

import (
	"flag"
	"os"
	"testing"
)

var updateDocument = flag.Bool("update", false, "write docs/connectors.md anew")

// TestDocumentOfConnectors holds docs/connectors.md against the catalogue.
func TestDocumentOfConnectors(t *testing.T) {
	t.Parallel()
	const file = "../../docs/connectors.md"
	want := loadEmbedded(t).Markdown()
	if *updateDocument {
		if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("docs/connectors.md is not what the catalogue says: run go test ./internal/catalog -run Document -update")
	}
}
