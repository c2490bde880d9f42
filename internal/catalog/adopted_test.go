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
	final, failure := c.Configuration(t.Context(), in, nil)
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
	if final, failure = c.Configuration(t.Context(), in, nil); failure != nil || final.Configuration["database"] != "SALES" {
		t.Errorf("without adoption the database is %v (%v), want the rule's SALES", final.Configuration["database"], failure)
	}
}

// TestCredentialsStayWithTheirHost names hosts in a descriptor: the platform's
// password goes to the platform's own alone.
func TestCredentialsStayWithTheirHost(t *testing.T) {
	t.Parallel()
	own := map[string]any{"auth_type": "Username and Password", "password": "p"}
	platforms := map[string]any{"auth_type": "Username and Password", "password": "hunter2"}
	for name, test := range map[string]struct {
		settings      map[string]string
		configuration map[string]any
		adopted       bool
		host          string
		credentials   any
		warned        bool
	}{
		"the platform's host": {
			settings: snowflakeSettings(), configuration: map[string]any{}, host: "acme.snowflakecomputing.com", credentials: platforms,
		},
		"another one, which the platform's replaces": {
			settings: snowflakeSettings(), configuration: map[string]any{"host": "evil.snowflakecomputing.com"},
			host: "acme.snowflakecomputing.com", credentials: platforms, warned: true,
		},
		"another one, and the platform has none": {
			settings:      without(snowflakeSettings(), map[string]string{"SNOWFLAKE_HOST": ""}),
			configuration: map[string]any{"host": "evil.snowflakecomputing.com"},
			host:          "evil.snowflakecomputing.com", warned: true,
		},
		"another one with its own password": {
			settings:      without(snowflakeSettings(), map[string]string{"SNOWFLAKE_HOST": ""}),
			configuration: map[string]any{"host": "ours.snowflakecomputing.com", "credentials": map[string]any{"auth_type": "Username and Password", "password": "${secret:P}"}},
			host:          "ours.snowflakecomputing.com", credentials: own,
		},
		"another one, taken over from Airbyte": {
			settings: snowflakeSettings(), configuration: map[string]any{"host": "evil.snowflakecomputing.com"}, adopted: true,
			host: "evil.snowflakecomputing.com", warned: true,
		},
		"the platform's, taken over from Airbyte": {
			settings: snowflakeSettings(), configuration: map[string]any{"host": "acme.snowflakecomputing.com"}, adopted: true,
			host: "acme.snowflakecomputing.com", credentials: platforms,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Load("", WithSettings(test.settings))
			if err != nil {
				t.Fatal(err)
			}
			if test.adopted { // nothing is derived for what is taken over
				test.configuration["database"], test.configuration["schema"] = "D", "S"
			}
			final, failure := c.Configuration(t.Context(), Input{
				Role: Destination, Actor: workload.Actor{Connector: "destination-snowflake", Configuration: test.configuration},
				Component: workload.NewComponent("urn:dmb:cmp:finance:cashflow:2:places", "development"), DataProduct: product,
				Secrets: named{values: map[string]string{"P": "p"}}, Adopted: test.adopted,
			}, nil)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if got := final.Configuration["host"]; got != test.host {
				t.Errorf("the host is %v, want %v", got, test.host)
			}
			if diff := cmp.Diff(test.credentials, final.Configuration["credentials"]); diff != "" {
				t.Errorf("credentials (-want +got):\n%s", diff)
			}
			if warned := len(final.Warnings) > 0; warned != test.warned {
				t.Errorf("warnings %q, want some: %t", final.Warnings, test.warned)
			}
		})
	}
}

// TestNamesThatLookLikePaths writes fields whose names could be read as the path of
// a field that the platform sets: they are the descriptor's all the same, so
// secrets.allow is asked about their references.
func TestNamesThatLookLikePaths(t *testing.T) {
	t.Parallel()
	for name, configuration := range map[string]map[string]any{
		"a dot":            {"credentials.note": "${secret:P}"},
		"a bracket":        {"credentials[0]": "${secret:P}"},
		"an empty name":    {"": map[string]any{"credentials": "${secret:P}"}},
		"quotes":           {`"credentials`: "${secret:P}"},
		"one that is none": {"note": "${secret:P}"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c, err := Load("", WithSettings(snowflakeSettings()))
			if err != nil {
				t.Fatal(err)
			}
			var users []SecretUser
			_, failure := c.Configuration(t.Context(), Input{
				Role: Destination, Actor: workload.Actor{Connector: "destination-snowflake", Configuration: configuration},
				Component: workload.NewComponent("urn:dmb:cmp:finance:cashflow:2:places", "development"), DataProduct: product,
				Secrets: named{values: map[string]string{"P": "p"}, users: &users},
			}, nil)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if diff := cmp.Diff([]SecretUser{{Domain: product.Domain, DataProduct: product.Name, ID: product.ID}}, users); diff != "" {
				t.Errorf("the secret is asked for on behalf of (-want +got):\n%s", diff)
			}
		})
	}
}
