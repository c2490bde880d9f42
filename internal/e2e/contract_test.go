package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
)

// TestCallsKeepTheContract holds every call that the programs make in a whole
// life of a component, good and bad, against Airbyte's own description.
func TestCallsKeepTheContract(t *testing.T) {
	t.Parallel()
	dir := contractDir(t)
	document, err := openapi3.NewLoader().LoadFromFile(filepath.Join(dir, "airbyte-config-api.openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	// The description leaves some of Airbyte's routes out; of those the path alone is known.
	paths, err := os.ReadFile(filepath.Join(dir, "airbyte-paths.txt"))
	if err != nil {
		t.Fatal(err)
	}
	undescribed := strings.Fields(string(paths))
	s := newStack(t, map[string]string{"ACL_INVITE": "true"}, withPeople)
	s.startAPI()
	s.startWorker()
	rich := wish{SourceSpec: postgres, Extra: `          schedule: {type: cron, cronExpression: "0 0 3 * * ?", cronTimeZone: UTC}
          prefix: raw_
          namespaceDefinition: customformat
          namespaceFormat: "${SOURCE_NAMESPACE}"
          nonBreakingChangesPreference: propagate_columns
          syncOnProvision: true`}
	s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	s.awaitState(s.submit("provision", rich.descriptor()), "COMPLETED")
	s.sim.AnswerNext("connections/update", 1, 503)
	rich.Connection, rich.Source = "another name", "another source"
	s.awaitState(s.submit("provision", rich.descriptor()), "COMPLETED")
	s.validate(rich.descriptor())
	s.setAccess(rich, "COMPLETED", user("anna"), user("zoe"))
	s.setAccess(rich, "COMPLETED", user("ben"))
	s.readBack("COMPLETED", map[string]any{"connectionName": "another name"})
	s.awaitState(s.submitAll("unprovision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: rich.descriptor(), RemoveData: true}), "COMPLETED")
	s.none()

	seen := map[string]bool{}
	for _, call := range s.sim.Calls("*", 0) {
		path := "/v1/" + call.Operation
		seen[call.Operation] = true
		item := document.Paths.Value(path)
		if item == nil && slices.Contains(undescribed, path) {
			continue
		}
		if item == nil || item.GetOperation(call.Method) == nil {
			t.Errorf("%s %s is not in the contract", call.Method, path)
			continue
		}
		body := item.GetOperation(call.Method).RequestBody
		if body == nil {
			if call.Body != "" {
				t.Errorf("%s takes no body, got %s", path, call.Body)
			}
			continue
		}
		var value any
		if err := json.Unmarshal([]byte(call.Body), &value); err != nil {
			t.Errorf("%s: %v", path, err)
			continue
		}
		schema := body.Value.Content.Get("application/json").Schema.Value
		if err := schema.VisitJSON(value); err != nil {
			t.Errorf("%s is not valid: %v", path, err)
		}
		for _, unknown := range unknownFields(schema, value, "") {
			t.Errorf("%s sends %s, which the contract lacks", path, unknown)
		}
	}
	for _, want := range []string{
		"sources/list", "sources/create", "sources/update", "sources/discover_schema", "sources/delete",
		"destinations/list", "destinations/create", "destinations/delete", "scheduler/destinations/check_connection",
		"connections/create", "connections/update", "connections/delete", "connections/sync",
		"source_definition_specifications/get", "destination_definition_specifications/get", "applications/token",
		"workspaces/get", "scheduler/sources/check_connection", "scheduler/sources/discover_schema",
		"instance_configuration", "users/list_access_info_by_workspace_id", "users/get_by_email", "user_invitations/create",
		"permissions/create", "permissions/delete_user_from_workspace", "sources/get", "destinations/get", "connections/list",
	} {
		if !seen[want] {
			t.Errorf("%s was never called, so it was not checked", want)
		}
	}
}

// unknownFields are the members of a value that its schema does not name;
// OpenAPI lets them pass, servers may not.
func unknownFields(schema *openapi3.Schema, value any, at string) []string {
	var found []string
	switch value := value.(type) {
	case map[string]any:
		if len(schema.Properties) == 0 {
			return nil // a free-form object, such as a configuration
		}
		for name, member := range value {
			property := schema.Properties[name]
			if property == nil {
				found = append(found, at+"."+name)
				continue
			}
			found = append(found, unknownFields(property.Value, member, at+"."+name)...)
		}
	case []any:
		if schema.Items == nil {
			return nil
		}
		for i, item := range value {
			found = append(found, unknownFields(schema.Items.Value, item, fmt.Sprintf("%s[%d]", at, i))...)
		}
	}
	slices.Sort(found)
	return found
}

// TestOldProvisionersDefaults provisions what the old provisioner's template
// gave it, and compares what Airbyte gets with what it got then.
func TestOldProvisionersDefaults(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	s.startWorker()
	cases := []struct {
		name                    string
		source, destination     string
		wantDatabase            string
		wantSchema, wantOptions string
		reason                  string
	}{
		{"silent", "format: csv", "", "FINANCE", "ORDERS_0", `"keep_default_na":false`, "domain and name are the defaults; csv keeps its NA spellings"},
		{"empty", "format: excel", `database: "", schema: ""`, "FINANCE", "ORDERS_0", `"keep_default_na":false`, "empty counts as absent"},
		{"own", `format: csv, reader_options: '{"sep": ";"}'`, "database: sales, schema: Sales_v1", "SALES", "Sales_v1", `{"sep": ";"}`, "the database is upper case, the schema as it is, own reader options stay"},
		{"json", "format: json", "database: sales", "SALES", "ORDERS_0", "", "only csv and excel get reader options"},
	}
	for i, c := range cases {
		w := wish{
			ID:              fmt.Sprintf("urn:dmb:cmp:finance:orders:0:default-%d", i),
			SourceSpec:      "          connectionConfiguration: {dataset_name: orders, url: 'https://example.com/o', provider: {storage: HTTPS}, " + c.source + "}",
			DestinationSpec: "          connectionConfiguration: {" + c.destination + "}",
		}
		s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
		a := s.one()
		got := a.destinations[0].Configuration
		if got["database"] != c.wantDatabase || got["schema"] != c.wantSchema {
			t.Errorf("%s: database %v and schema %v, want %s and %s: %s", c.name, got["database"], got["schema"], c.wantDatabase, c.wantSchema, c.reason)
		}
		for field, want := range map[string]string{
			"host": s.env["SNOWFLAKE_HOST"], "username": s.env["SNOWFLAKE_USER"],
			"role": s.env["SNOWFLAKE_ROLE"], "warehouse": s.env["SNOWFLAKE_WAREHOUSE"],
		} {
			if got[field] != want {
				t.Errorf("%s: %s is %v, want the setting's %s", c.name, field, got[field], want)
			}
		}
		credentials, _ := got["credentials"].(map[string]any)
		if credentials["auth_type"] != "Key Pair Authentication" || credentials["private_key"] != snowflakeKey {
			t.Errorf("%s: the credentials are not today's shape of a key pair: %v", c.name, credentials)
		}
		options, _ := a.sources[0].Configuration["reader_options"].(string)
		if c.wantOptions == "" && options != "" || !strings.Contains(options, c.wantOptions) {
			t.Errorf("%s: reader_options %q, want %q: %s", c.name, options, c.wantOptions, c.reason)
		}
		s.awaitState(s.submit("unprovision", w.descriptor()), "COMPLETED")
	}
}

// TestLocalCSVAsDefault sets AIRBYTE_DESTINATION_ID to the local CSV connector,
// for which the old example gave only a path.
func TestLocalCSVAsDefault(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{
		"AIRBYTE_DESTINATION_ID":     "8be1cf83-fde1-477f-a4ad-318d23c9f3c6",
		"AIRBYTE_BASIC_AUTH_ENABLED": "'false'",
	})
	s.startAPI()
	s.startWorker()
	w := wish{DestinationSpec: "          connectionConfiguration: {destination_path: /local/orders}"}
	s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
	if got := fmt.Sprint(s.one().destinations[0].Configuration); got != "map[destination_path:/local/orders]" {
		t.Errorf("the destination's configuration is %s, want the path alone", got)
	}
}
