package descriptor_test

import (
	"os"
	"sync"
	"testing"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// embedded is one catalogue for all tests without options: it never changes.
var embedded = sync.OnceValues(func() (*catalog.Catalog, error) { return catalog.Load("") })

func load(t testing.TB, options ...catalog.Option) *catalog.Catalog {
	t.Helper()
	connectors, err := embedded()
	if len(options) > 0 {
		connectors, err = catalog.Load("", options...)
	}
	if err != nil {
		t.Fatal(err)
	}
	return connectors
}

func read(t testing.TB, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestTheTemplatesDescriptorIsReadWhole(t *testing.T) {
	t.Parallel()
	work, failure := descriptor.Parse(descriptor.Request{
		Kind:           workload.Provision,
		DescriptorKind: "COMPONENT_DESCRIPTOR",
		Descriptor:     read(t, "../../examples/descriptor.yaml"),
	}, load(t))
	if failure != nil {
		t.Fatal(failure.Text())
	}
	want := workload.Work{
		Component: workload.Component{ID: "urn:dmb:cmp:finance:cashflow:1:places-ingestion", Environment: "development"},
		Name:      "Places ingestion",
		DataProduct: workload.DataProduct{
			ID: "urn:dmb:dp:finance:cashflow:1", Name: "Cash Flow", Domain: "finance", Version: "1.2.0",
		},
		Source: workload.Actor{
			Name: "finance.cashflow.1.File", Connector: "source-file", DefinitionID: "778daa7c-feaf-4db6-96f3-70fd645acc77",
			Configuration: map[string]any{
				"dataset_name": "places", "format": "csv",
				"url":      "https://storage.googleapis.com/covid19-open-data/v2/latest/epidemiology.csv",
				"provider": map[string]any{"storage": "HTTPS", "user_agent": false},
			},
		},
		Destination: workload.Actor{
			Name: "finance.cashflow.1.Snowflake", Connector: "destination-snowflake", DefinitionID: "424892c4-daac-4491-b35d-c6688ba547ba",
			Configuration: map[string]any{"database": "", "schema": ""},
		},
		Connection: workload.Connection{Name: "finance.cashflow.1.File <> Snowflake"},
	}
	if diff := cmp.Diff(want, work); diff != "" {
		t.Error(diff)
	}
}
