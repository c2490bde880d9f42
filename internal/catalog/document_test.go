package catalog

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
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

// The file that the document shows must do what is said of it.
func TestDocumentedFile(t *testing.T) {
	t.Parallel()
	_, rest, _ := strings.Cut(ownFile, "```yaml\n")
	text, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("no file is shown")
	}
	dir := t.TempDir()
	write(t, dir, "source-hr.yaml", text)
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	actor := workload.Actor{Connector: "source-hr"}
	accepted := c.Accept(Source, actor, fields(t, `{"tenant": "", "legacy": 1}`))
	if want := []string{"legacy: is ignored: the connector has no such field any more"}; accepted.Problems != nil || !slices.Equal(lines(accepted.Warnings), want) {
		t.Errorf("problems %v, warnings %v", lines(accepted.Problems), lines(accepted.Warnings))
	}
	actor.Configuration = accepted.Configuration
	final, failure := c.Configuration(t.Context(), Input{
		Role: Source, Actor: actor, DataProduct: product, Component: workload.Component{Environment: "production"}, Secrets: named{values: map[string]string{"HR_KEY": "key"}},
	}, nil)
	if failure != nil {
		t.Fatal(failure.Text())
	}
	want := fields(t, `{"tenant": "finance", "api_key": "key", "page_size": 100, "user_agent": "Cash Flow in production"}`)
	if diff := cmp.Diff(want, final.Configuration); diff != "" {
		t.Error(diff)
	}
	if problems := c.Accept(Source, actor, fields(t, `{"proxy": {"host": "h"}}`)).Problems; !slices.Equal(lines(problems), []string{"proxy.host: may not be set by a descriptor: the platform has one proxy for all"}) {
		t.Errorf("the problems are %v", lines(problems))
	}
}
