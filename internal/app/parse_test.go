package app

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/workload"
)

const accessDescriptor = `
dataProduct:
  name: Orders
  environment: development
  components:
    - {id: "urn:dmb:cmp:finance:orders:0:Ingest", name: Ingest, kind: workload, info: {privateInfo: {sourceId: 0198c8a2-5f0e-8c3a-9b1d-1f2e3d4c5b6a}}, specific: {source: nonsense}}
componentIdToProvision: urn:dmb:cmp:finance:orders:0:ingest
`

func loaded(t *testing.T) *catalog.Catalog {
	t.Helper()
	connectors, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return connectors
}

// Of the descriptor in a request to change access only the identity counts.
func TestParseAccess(t *testing.T) {
	t.Parallel()
	work, failure := parseAccess(httpapi.UpdateACLRequest{Refs: []string{"user:a_b.c"}, Request: accessDescriptor}, loaded(t))
	if failure != nil {
		t.Fatal(failure.Text())
	}
	want := workload.Work{
		Component: workload.NewComponent("urn:dmb:cmp:finance:orders:0:ingest", "development"), Name: "Ingest",
		DataProduct: workload.DataProduct{Name: "Orders"}, Access: &workload.AccessRequest{Refs: []string{"user:a_b.c"}},
	}
	if diff := cmp.Diff(want, work); diff != "" {
		t.Error(diff)
	}
}

// Whatever stands where the descriptor should be, the paths of its problems lead into the request.
func TestParseAccessOfAnything(t *testing.T) {
	t.Parallel()
	connectors := loaded(t)
	line := rapid.SampledFrom(append(strings.SplitAfter(accessDescriptor, "\n"), "\t", "descriptor: {a: b}\n", "\x00", "componentIdToProvision: [x]\n"))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(line, 0, 12).Draw(t, "lines"), "")
		if rapid.Bool().Draw(t, "any text") {
			text = rapid.String().Draw(t, "text")
		}
		_, failure := parseAccess(httpapi.UpdateACLRequest{Request: text}, connectors)
		if failure == nil {
			return
		}
		if len(failure.Problems) == 0 || len(failure.Solutions) == 0 {
			t.Fatalf("%q: the failure says neither what is wrong nor what to do: %+v", text, failure)
		}
		for _, problem := range failure.Problems {
			if !strings.HasPrefix(problem.Path, "provisionInfo.request") {
				t.Fatalf("%q: the path %q leads nowhere", text, problem.Path)
			}
		}
	})
}
