package catalog

import (
	"context"
	"testing"

	"airbyte-provisioner/internal/workload"
)

// BenchmarkConfiguration makes the final configuration of the example's
// destination, as each provisioning does.
func BenchmarkConfiguration(b *testing.B) {
	connectors, err := Load("", WithSettings(snowflakeSettings()))
	if err != nil {
		b.Fatal(err)
	}
	in := Input{
		Role:      Destination,
		Actor:     workload.Actor{Name: "Places", Connector: "destination-snowflake", Configuration: map[string]any{"database": "", "schema": ""}},
		Component: workload.NewComponent("urn:dmb:cmp:finance:cashflow:2:places", "development"), DataProduct: product, Secrets: named{},
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, failure := connectors.Configuration(context.Background(), in, nil); failure != nil {
			b.Fatal(failure.Text())
		}
	}
}
