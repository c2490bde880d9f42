package descriptor_test

import (
	"strings"
	"testing"

	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// base is a descriptor without fault, which each case spoils in its own way.
const base = `dataProduct:
  id: urn:dmb:dp:sales:orders:1
  name: Orders
  domain: sales
  environment: production
  version: 1.0.0
  components:
    - id: urn:dmb:cmp:sales:orders:1:storage
      name: Storage
      kind: storage
      specific: {}
    - id: urn:dmb:cmp:sales:orders:1:ingestion
      name: Ingestion
      kind: workload
      specific:
        source:
          name: Orders database
          connector: source-postgres
          connectionConfiguration:
            host: db.example.com
            port: 5432
            database: orders
            username: airbyte
            password: ${secret:DB}
        destination:
          name: Warehouse
          connector: destination-snowflake
          connectionConfiguration:
            database: SALES
        connection:
          name: Orders to warehouse
componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion
`

const (
	source      = "          connector: source-postgres\n"
	connection  = "          name: Orders to warehouse\n"
	componentID = "urn:dmb:cmp:sales:orders:1:ingestion"
)

// swap replaces a text of base, which must be there.
func swap(t *testing.T, old, with string) string {
	t.Helper()
	if !strings.Contains(base, old) {
		t.Fatalf("base does not hold %q", old)
	}
	return strings.Replace(base, old, with, 1)
}

func parse(t testing.TB, kind workload.Kind, text string) (workload.Work, *workload.Failure) {
	t.Helper()
	return descriptor.Parse(descriptor.Request{Kind: kind, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text}, load(t))
}

// told are a failure's problems, as people read them.
func told(failure *workload.Failure) []string {
	if failure == nil {
		return nil
	}
	var lines []string
	for _, problem := range failure.Problems {
		lines = append(lines, problem.String())
	}
	return lines
}

func TestProblemsOfDescriptors(t *testing.T) {
	t.Parallel()
	for name, test := range problemCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := test.text
			if test.old != "" {
				text = swap(t, test.old, test.with)
			}
			_, failure := parse(t, workload.Provision, text)
			if failure == nil {
				t.Fatal("the descriptor was accepted")
			}
			if failure.Code != workload.CodeInvalid || failure.Message == "" || len(failure.Solutions) == 0 || failure.Retry {
				t.Errorf("the failure is %+v", failure)
			}
			if diff := cmp.Diff(test.want, told(failure)); diff != "" {
				t.Error(diff)
			}
		})
	}
}
