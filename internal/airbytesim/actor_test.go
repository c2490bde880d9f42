package airbytesim

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const otherWorkspace = "11111111-2222-4333-8444-555555555555"

func TestTrap2_CreateIsNotIdempotentAndNamesAreNotUnique(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	first, second := f.source("same", fakerID, m{}), f.source("same", fakerID, m{})
	if first == second {
		t.Fatal("two creates made one entity")
	}
	if n := len(f.sim.Contents().Sources); n != 2 {
		t.Fatalf("%d sources, want 2", n)
	}
}

func TestTrap3_DeletesAreSoftAndCascade(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"source", "destination"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := start(t, Options{})
			connection, source, destination := f.connection()
			id := map[string]string{"source": source, "destination": destination}[kind]
			before := f.ok(kind+"s/get", m{kind + "Id": id})
			f.call(http.StatusNoContent, kind+"s/delete", m{kind + "Id": id})
			after := f.ok(kind+"s/get", m{kind + "Id": id})
			for _, field := range []string{"status", "numConnections"} { // these follow the connection
				delete(before, field)
				delete(after, field)
			}
			if diff := cmp.Diff(before, after); diff != "" {
				t.Errorf("get tells that the %s is gone (-alive +deleted):\n%s", kind, diff)
			}
			if n := len(named(f.ok(kind+"s/list", m{"workspaceId": workspace}), kind+"s")); n != 0 {
				t.Errorf("the list shows a deleted %s", kind)
			}
			if read := f.ok("connections/get", m{"connectionId": connection}); read["status"] != "deprecated" {
				t.Errorf("the connection is %v, want deprecated", read["status"])
			}
			if n := len(named(f.ok("connections/list", m{"workspaceId": workspace}), "connections")); n != 0 {
				t.Error("connections/list shows a deprecated connection")
			}
			if n := len(named(f.ok("connections/list_all", m{"workspaceId": workspace}), "connections")); n != 1 {
				t.Error("connections/list_all hides a deprecated connection")
			}
		})
	}
}

func TestTrap3_UpdatingADeletedActorStumbles(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("a", fakerID, m{})
	f.call(http.StatusNoContent, "sources/delete", m{"sourceId": id})
	for operation, body := range map[string]m{
		"sources/update":                      {"sourceId": id, "name": "b", "connectionConfiguration": m{}},
		"sources/partial_update":              {"sourceId": id, "name": "b"},
		"sources/check_connection_for_update": {"sourceId": id, "name": "b", "connectionConfiguration": m{}},
	} {
		f.call(http.StatusInternalServerError, operation, body)
	}
	f.call(http.StatusNoContent, "sources/delete", m{"sourceId": id}) // again is fine
}

func TestTrap3_ConnectionsAcceptDeletedActors(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	_, source, destination := f.connection()
	f.call(http.StatusNoContent, "sources/delete", m{"sourceId": source})
	read := f.ok("connections/create", m{"sourceId": source, "destinationId": destination, "status": "active"})
	if read["status"] != "active" || read["name"] != "shop <> warehouse" {
		t.Errorf("unexpected connection: %v", read)
	}
}

func TestTrap3_DeletedConnectionIsDeprecated(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	connection, _, _ := f.connection()
	f.call(http.StatusNoContent, "connections/delete", m{"connectionId": connection})
	if read := f.ok("connections/get", m{"connectionId": connection}); read["status"] != "deprecated" {
		t.Errorf("status is %v", read["status"])
	}
	f.call(http.StatusNoContent, "connections/delete", m{"connectionId": connection})
}

func TestTrap5_SecretsReadMasked(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.connection()
	for _, operation := range []string{"sources/list", "destinations/list"} {
		a := f.call(http.StatusOK, operation, m{"workspaceId": workspace})
		if strings.Contains(a.raw, "s3cret") || !strings.Contains(a.raw, mask) {
			t.Errorf("%s does not mask: %s", operation, a.raw)
		}
	}
	held := f.sim.Contents()
	if got := held.Destinations[0].Configuration["credentials"].(m)["password"]; got != "s3cret-snow" {
		t.Errorf("the stored secret is %v", got)
	}
}

func TestTrap5_SecretsInEveryAlternativeAndArray(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Definitions: []Definition{{
		ID: devNullID, Kind: Source, Name: "Nested", Specification: []byte(`{"type":"object","properties":{
			"list":{"type":"array","items":{"type":"object","properties":{"token":{"type":"string","airbyte_secret":true},"open":{"type":"string"}}}},
			"auth":{"oneOf":[{"properties":{"kind":{"const":"a"},"key":{"type":"string","airbyte_secret":true}}},
				{"properties":{"kind":{"const":"b"},"key":{"type":"string"}}}]}}}`),
	}}})
	id := f.source("n", devNullID, m{
		"list": []any{m{"token": "one", "open": "o"}, m{"token": "two"}}, "auth": m{"kind": "b", "key": "three"}, "extra": "kept",
	})
	read := f.ok("sources/get", m{"sourceId": id})["connectionConfiguration"].(m)
	want := m{
		"list": []any{m{"token": mask, "open": "o"}, m{"token": mask}}, "auth": m{"kind": "b", "key": mask}, "extra": "kept",
	}
	if diff := cmp.Diff(want, read); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	f.ok("sources/update", m{"sourceId": id, "name": "n", "connectionConfiguration": want})
	if got := f.sim.Contents().Sources[0].Configuration["list"].([]any)[1].(m)["token"]; got != "two" {
		t.Errorf("the masked token of an array became %v", got)
	}
}

func TestTrap5_UpdateReplacesAndMaskKeepsTheSecret(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("shop", postgresID, postgres("db.example.com"))
	stored := func() m { return f.sim.Contents().Sources[0].Configuration }
	wanted := postgres("other.example.com")
	wanted["password"] = mask
	f.ok("sources/update", m{"sourceId": id, "name": "renamed", "connectionConfiguration": wanted})
	if stored()["password"] != "s3cret-password" || stored()["host"] != "other.example.com" {
		t.Errorf("a mask did not keep the secret: %v", stored())
	}
	delete(wanted, "password")
	delete(wanted, "schemas")
	f.ok("sources/update", m{"sourceId": id, "name": "renamed", "connectionConfiguration": wanted})
	if _, kept := stored()["password"]; kept {
		t.Error("a secret that was left out is still there")
	}
	if _, kept := stored()["schemas"]; kept {
		t.Error("update did not replace the whole configuration")
	}
}

func TestTrap5_LeavingOutARequiredSecretIsUnprocessable(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.destination("warehouse", snowflakeID, snowflake())
	wanted := snowflake()
	delete(wanted["credentials"].(m), "password")
	f.call(http.StatusUnprocessableEntity, "destinations/update", m{
		"destinationId": id, "name": "warehouse", "connectionConfiguration": wanted,
	})
	if got := f.sim.Contents().Destinations[0].Configuration["credentials"].(m)["password"]; got != "s3cret-snow" {
		t.Errorf("a refused update changed the secret to %v", got)
	}
}

func TestTrap5_PartialUpdateMergesAndStoresAMaskLiterally(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("shop", postgresID, postgres("db.example.com"))
	f.ok("sources/partial_update", m{"sourceId": id, "connectionConfiguration": m{
		"replication_method": m{"note": "kept beside the method"}, "port": 6543,
	}})
	stored := f.sim.Contents().Sources[0].Configuration
	if stored["password"] != "s3cret-password" || stored["replication_method"].(m)["method"] != "Standard" {
		t.Errorf("what was left out is not kept: %v", stored)
	}
	f.ok("sources/partial_update", m{"sourceId": id, "name": "new", "connectionConfiguration": m{"password": mask}})
	if got := f.sim.Contents().Sources[0].Configuration["password"]; got != mask {
		t.Errorf("the mask was stored as %v", got)
	}
	destination := f.destination("warehouse", snowflakeID, snowflake())
	f.ok("destinations/partial_update", m{"destinationId": destination, "name": "new"})
	f.call(http.StatusInternalServerError, "destinations/partial_update", m{"name": "without an id"})
}

func TestTrap9_OtherWorkspacesIDsStumble(t *testing.T) {
	t.Parallel()
	f := start(t, Options{WorkspaceIDs: []string{workspace, otherWorkspace}})
	source := f.source("here", fakerID, m{})
	read := f.ok("destinations/create", m{
		"name": "there", "workspaceId": otherWorkspace, "destinationDefinitionId": devNullID,
		"connectionConfiguration": m{"test_destination": m{"test_destination_type": "SILENT"}},
	})
	f.call(http.StatusInternalServerError, "connections/create", m{
		"sourceId": source, "destinationId": read["destinationId"], "status": "active",
	})
	f.call(http.StatusInternalServerError, "scheduler/sources/check_connection", m{
		"sourceId": source, "sourceDefinitionId": fakerID, "workspaceId": otherWorkspace, "connectionConfiguration": m{},
	})
	if n := len(named(f.ok("sources/list", m{"workspaceId": otherWorkspace}), "sources")); n != 0 {
		t.Error("a workspace lists another one's source")
	}
}

func TestUnknownIDsAreNotFound(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	const nobody = "99999999-9999-4999-8999-999999999999"
	for operation, body := range map[string]m{
		"workspaces/get":                            {"workspaceId": nobody},
		"sources/get":                               {"sourceId": nobody},
		"sources/update":                            {"sourceId": nobody, "name": "x", "connectionConfiguration": m{}},
		"sources/delete":                            {"sourceId": nobody},
		"sources/discover_schema":                   {"sourceId": nobody},
		"destinations/check_connection":             {"destinationId": nobody},
		"connections/get":                           {"connectionId": nobody},
		"connections/update":                        {"connectionId": nobody},
		"connections/sync":                          {"connectionId": nobody},
		"jobs/get":                                  {"id": 99},
		"source_definitions/get":                    {"sourceDefinitionId": nobody},
		"source_definitions/get_for_workspace":      {"sourceDefinitionId": snowflakeID, "workspaceId": workspace},
		"destination_definition_specifications/get": {"destinationDefinitionId": nobody, "workspaceId": workspace},
		"users/list_access_info_by_workspace_id":    {"workspaceId": nobody},
		"connections/create":                        {"sourceId": nobody, "destinationId": nobody, "status": "active"},
		"sources/list":                              {"workspaceId": nobody},
	} {
		f.call(http.StatusNotFound, operation, body)
	}
}

func TestDefinitionsOfAWorkspace(t *testing.T) {
	t.Parallel()
	const custom = "22222222-2222-4222-8222-222222222222"
	f := start(t, Options{
		WorkspaceIDs: []string{workspace, otherWorkspace},
		Definitions: []Definition{{
			ID: custom, Kind: Source, Name: "Ours", DockerRepository: "acme/source-ours", DockerImageTag: "1.2.3", Custom: true,
			WorkspaceIDs: []string{otherWorkspace}, Specification: []byte(`{"type":"object","properties":{}}`),
		}},
	})
	if read := f.ok("source_definitions/get_for_workspace", m{"sourceDefinitionId": custom, "workspaceId": otherWorkspace}); read["custom"] != true {
		t.Errorf("unexpected definition: %v", read)
	}
	f.call(http.StatusNotFound, "source_definitions/get_for_workspace", m{"sourceDefinitionId": custom, "workspaceId": workspace})
	all := len(f.ok("source_definitions/list_for_workspace", m{"workspaceId": otherWorkspace})["sourceDefinitions"].([]any))
	public := len(f.ok("source_definitions/list", m{})["sourceDefinitions"].([]any))
	if all != 7 || public != 6 {
		t.Errorf("%d definitions for the workspace and %d public ones, want 7 and 6", all, public)
	}
	f.source("a", fakerID, m{})
	used := f.ok("source_definitions/list_for_workspace", m{"workspaceId": workspace, "filterByUsed": true})["sourceDefinitions"].([]any)
	if len(used) != 1 || used[0].(m)["sourceDefinitionId"] != fakerID {
		t.Errorf("used definitions: %v", used)
	}
	read := f.ok("destination_definition_specifications/get", m{"destinationDefinitionId": snowflakeID, "workspaceId": workspace})
	if diff := cmp.Diff([]any{"overwrite", "append", "append_dedup"}, read["supportedDestinationSyncModes"]); diff != "" {
		t.Error(diff)
	}
}
