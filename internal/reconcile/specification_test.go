package reconcile

import (
	"encoding/json"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"
)

const customID = "11111111-0000-4000-8000-000000000003"

// custom is a connector whose configuration has a count of a type.
func custom(tag, typeOfCount string) airbytesim.Definition {
	return airbytesim.Definition{
		ID: customID, Kind: airbytesim.Source, Name: "Custom", DockerRepository: "acme/source-custom", DockerImageTag: tag, Custom: true,
		Specification: json.RawMessage(`{"type": "object", "properties": {"count": {"type": "` + typeOfCount + `"}}}`),
		Catalog:       &airbytesim.Catalog{Streams: []airbytesim.CatalogStream{{Name: "things"}}},
	}
}

// A specification is asked for and read once, until the workspace has another
// version of the connector; without a version it may change at any time.
func TestSpecificationsAreThoseOfTheWorkspace(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		before, after, afterType string
		asked, parsed            int // how often, in three looks
		want                     string
	}{
		"nothing changed":                   {before: "1", after: "1", afterType: "integer", asked: 1, parsed: 1, want: "count: is a text; expected a whole number"},
		"another version":                   {before: "1", after: "2", afterType: "boolean", asked: 2, parsed: 2, want: "count: is a text; expected true or false"},
		"no version, and nothing changed":   {afterType: "integer", asked: 3, parsed: 1, want: "count: is a text; expected a whole number"},
		"no version, and something changed": {afterType: "boolean", asked: 3, parsed: 2, want: "count: is a text; expected true or false"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			parsed := map[any]bool{}
			look := func() string {
				spec := must1(b.r.specifications.get(t.Context(), b.r.Client, airbyte.Source, workspace, customID))
				own := must1(spec.parsed())
				parsed[own] = true
				problems := own.Check(map[string]any{"count": "many"})
				if len(problems) != 1 {
					t.Fatal(problems)
				}
				return problems[0].String()
			}
			must(t, 0, b.sim.AddDefinition(custom(test.before, "integer")))
			look()
			must(t, 0, b.sim.AddDefinition(custom(test.after, test.afterType)))
			look()
			if got := look(); got != test.want {
				t.Errorf("the check says %q, want %q", got, test.want)
			}
			asked := len(b.sim.Calls("source_definition_specifications/get", 0))
			if asked != test.asked || len(parsed) != test.parsed {
				t.Errorf("asked %d times and parsed %d times, want %d and %d", asked, len(parsed), test.asked, test.parsed)
			}
		})
	}
}

// What cannot be understood is told, and nothing is written.
func TestUnusableSpecification(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.fault(airbytesim.Fault{Operation: "source_definition_specifications/get", Do: airbytesim.DoAnswer, Status: 200, Body: `{"connectionSpecification": "none"}`})
	failure := b.failure(second(b.try(orders())))
	if failure.Code != workload.CodeRefused || failure.Phase != workload.PhaseSource || !strings.Contains(failure.Text(), "The connector's specification, as Airbyte tells it, cannot be used") {
		t.Errorf("%s in %s: %s", failure.Code, failure.Phase, failure.Text())
	}
	if writes := b.writes(); len(writes) > 0 {
		t.Errorf("%v was called", writes)
	}
	b.sim.RemoveFaults()
	b.provision(orders()) // another connector's answer is not remembered
}

// A secret is read once in an attempt, so that its fingerprint is that of what was sent.
func TestSecretsAreReadOnceInAnAttempt(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	if read := b.secrets.count("SOURCE"); read != 1 {
		t.Errorf("the secret was read %d times", read)
	}
}
