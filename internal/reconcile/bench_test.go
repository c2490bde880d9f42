package reconcile

import (
	"encoding/json"
	"os"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"
)

// BenchmarkConfigure makes both configurations of the example's descriptor, with
// their fingerprints, as each provisioning does; what Airbyte is asked is left out.
func BenchmarkConfigure(b *testing.B) {
	s := exampleSession(b)
	for name, again := range map[string]bool{"first": false, "settled": true} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.secrets = &airbyte.Concealed{}
				for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
					w, err := s.wantActor(b.Context(), kind)
					if err == nil && !again {
						err = s.complete(b.Context(), &w)
					}
					if err != nil || w.marks.Wanted == "" {
						b.Fatal(err)
					}
				}
			}
		})
	}
}

// BenchmarkFingerprint makes the fingerprints of a configuration and of a connection.
func BenchmarkFingerprint(b *testing.B) {
	s := exampleSession(b)
	w, err := s.wantActor(b.Context(), airbyte.Destination)
	if err != nil {
		b.Fatal(err)
	}
	for name, value := range map[string]any{
		"configuration": []any{w.definitionID, w.draft.Configuration},
		"connection":    wantedShape(s.work.Connection),
		"entities":      workload.Entities{WorkspaceID: workspace, SourceID: postgresID, DestinationID: warehouse, ConnectionID: fakerID},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				s.keyed.of("wanted", value)
			}
		})
	}
}

// exampleSession is an attempt at the example's descriptor.
func exampleSession(tb testing.TB) *session {
	tb.Helper()
	text := must1(os.ReadFile("../../examples/descriptor.yaml"))
	work, failure := descriptor.Parse(descriptor.Request{Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: string(text)}, connectors())
	if failure != nil {
		tb.Fatal(failure.Text())
	}
	return sessionOf(tb, work)
}

// sessionOf is an attempt at the work that has read the specifications of its connectors.
func sessionOf(tb testing.TB, work workload.Work) *session {
	tb.Helper()
	bench := newBench(tb, airbytesim.Options{})
	s := must1(bench.r.begin(tb.Context(), work, bench.attempt()))
	for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
		var file struct {
			Schema json.RawMessage `json:"connectionSpecification"`
		}
		if err := json.Unmarshal(must1(os.ReadFile("../airbytesim/connectors/"+s.actorWork(kind).Connector+".json")), &file); err != nil {
			tb.Fatal(err)
		}
		s.specs.read[kind] = specificationOf(airbyte.Specification{Schema: file.Schema})
	}
	return s
}
