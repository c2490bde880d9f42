package catalog

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/workload"
)

// TestAdopted gives a configuration that was read from Airbyte: it must come
// out as it went in, but for what it lacks and the settings have.
func TestAdopted(t *testing.T) {
	t.Parallel()
	c, err := Load("", WithSettings(map[string]string{"SNOWFLAKE_HOST": "other.snowflakecomputing.com", "SNOWFLAKE_ROLE": "LOADER"}))
	if err != nil {
		t.Fatal(err)
	}
	read := map[string]any{
		"host": "account.snowflakecomputing.com", "warehouse": "W", "username": "U", "database": "sales", "schema": "s",
		"credentials": map[string]any{"auth_type": "Username and Password", "password": "${secret:P}"},
	}
	in := Input{
		Role: Destination, Actor: workload.Actor{Connector: "destination-snowflake", Configuration: read},
		DataProduct: workload.DataProduct{Name: "Orders", Domain: "finance", Version: "1.0"}, Secrets: named{values: map[string]string{"P": "p"}}, Adopted: true,
	}
	final, failure := c.Configuration(t.Context(), in)
	if failure != nil {
		t.Fatal(failure.Text())
	}
	want := map[string]any{
		"host": "account.snowflakecomputing.com", "warehouse": "W", "username": "U", "database": "sales", "schema": "s", "role": "LOADER",
		"credentials": map[string]any{"auth_type": "Username and Password", "password": "p"},
	}
	if diff := cmp.Diff(want, final.Configuration); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	in.Adopted = false
	if final, failure = c.Configuration(t.Context(), in); failure != nil || final.Configuration["database"] != "SALES" {
		t.Errorf("without adoption the database is %v (%v), want the rule's SALES", final.Configuration["database"], failure)
	}
}
