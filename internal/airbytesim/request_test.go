package airbytesim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestStrictRequests(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	good := m{"name": "x", "workspaceId": workspace, "sourceDefinitionId": fakerID, "connectionConfiguration": m{}}
	for _, c := range []struct {
		reason, operation string
		body              any
		want              int
	}{
		{"a good request", "sources/create", good, 200},
		{"an id in upper case", "sources/create", with(good, m{"workspaceId": strings.ToUpper(workspace)}), 200},
		{"an optional null", "sources/create", with(good, m{"secretId": nil}), 200},
		{"an unknown field", "sources/create", with(good, m{"surprise": 1}), 400},
		{"a nested unknown field", "sources/list", m{"workspaceId": workspace, "filters": m{"term": "x"}}, 400},
		{"a missing field", "sources/create", m{"name": "x"}, 400},
		{"a required null", "sources/create", with(good, m{"name": nil}), 400},
		{"a number for a text", "sources/create", with(good, m{"name": 7}), 400},
		{"a text for a number", "sources/list", m{"workspaceId": workspace, "pageSize": "20"}, 400},
		{"a fraction for an integer", "sources/list", m{"workspaceId": workspace, "pageSize": 1.5}, 400},
		{"a text for a boolean", "sources/discover_schema", m{"sourceId": fakerID, "disable_cache": "yes"}, 400},
		{"a list for an object", "sources/create", with(good, m{"connectionConfiguration": []any{}}), 400},
		{"an object for a list", "jobs/list", m{"configTypes": m{}}, 400},
		{"an id that is no UUID", "sources/get", m{"sourceId": "7"}, 400},
		{"a UUID without dashes", "sources/get", m{"sourceId": strings.ReplaceAll(fakerID, "-", "")}, 400},
		{"an unknown value", "sources/list", m{"workspaceId": workspace, "sortKey": "size"}, 400},
		{"an unknown value in a list", "jobs/list", m{"configTypes": []any{"sink"}}, 400},
		{"a time that is none", "jobs/list", m{"configTypes": []any{"sync"}, "createdAtStart": "yesterday"}, 400},
		{"an address that is none", "user_invitations/create", m{
			"invitedEmail": "nobody", "permissionType": "workspace_reader", "scopeType": "workspace", "scopeId": workspace,
		}, 400},
		{"no JSON", "sources/create", "{", 400},
		{"no object", "sources/create", "[]", 400},
		{"two bodies", "sources/create", "{}{}", 400},
		{"no UTF-8", "sources/create", "{\"name\":\"\xff\"}", 400},
		{"no body", "sources/create", "", 400},
		{"no body where none is needed", "source_definitions/list", "", 200},
		{"a wrong method", "sources/create", nil, 405},
		{"a path that does not exist", "sources/make", m{}, 404},
		{"dbt operations, which are gone", "operations/create", m{}, 404},
	} {
		a, err := f.send(c.operation, c.body)
		if err != nil {
			t.Fatal(err)
		}
		if a.status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.reason, a.status, c.want, a.raw)
		}
	}
	f.header.Set("Content-Type", "text/plain")
	f.call(http.StatusUnsupportedMediaType, "sources/create", good)
	f.header.Set("Content-Type", "Application/JSON; charset=utf-8")
	f.ok("sources/create", good)
}

func TestTrap11_BodyLimit(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	body := m{"name": "x", "workspaceId": workspace, "sourceDefinitionId": fakerID, "connectionConfiguration": m{
		"note": strings.Repeat("x", bodyLimit-1000),
	}}
	f.ok("sources/create", body)
	body["name"] = strings.Repeat("x", 1000)
	f.call(http.StatusRequestEntityTooLarge, "sources/create", body)
}

func TestTrap9_ErrorBodiesOfBothGenerations(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("a", fakerID, m{})
	f.call(http.StatusNoContent, "sources/delete", m{"sourceId": id})
	cases := []struct {
		status    int
		operation string
		body      m
		opaque    bool // since 2.0
	}{
		{404, "sources/get", m{"sourceId": devNullID}, true},
		{500, "sources/update", m{"sourceId": id, "name": "a", "connectionConfiguration": m{}}, true},
		{400, "sources/get", m{"sourceId": "x"}, false},
		{422, "sources/create", m{
			"name": "x", "workspaceId": workspace, "sourceDefinitionId": fileID, "connectionConfiguration": m{},
		}, false},
	}
	for _, c := range cases {
		a := f.call(c.status, c.operation, c.body)
		errorID, _ := a.body["errorId"].(string)
		message, _ := a.body["message"].(string)
		if c.opaque != (isUUID(errorID) && len(a.body) == 1) || c.opaque == (message != "") {
			t.Errorf("new %d: %s", c.status, a.raw)
		}
	}
	f.sim.SetBehavior(Behavior{OldErrors: true})
	for _, c := range cases {
		a := f.call(c.status, c.operation, c.body)
		if a.body["message"] == nil || a.body["exceptionClassName"] == nil {
			t.Errorf("old %d: %s", c.status, a.raw)
		}
	}
}

func TestTrap9_A422EmbedsTheWholeSchema(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	for _, c := range []struct {
		reason, definition string
		configuration      m
		want               string
	}{
		{"a missing field", postgresID, m{"port": 1, "database": "d", "username": "u"}, "$.host: is required, but missing"},
		{"a wrong type", fakerID, m{"count": "many"}, "$.count: "},
		{"a value out of range", fakerID, m{"count": 0}, "$.count: "},
	} {
		a := f.call(http.StatusUnprocessableEntity, "sources/create", m{
			"name": "x", "workspaceId": workspace, "sourceDefinitionId": c.definition, "connectionConfiguration": c.configuration,
		})
		message, _ := a.body["message"].(string)
		before, schema, found := strings.Cut(message, "\nSchema:")
		if !found || !strings.Contains(schema, `"properties"`) || !strings.Contains(before, c.want) {
			t.Errorf("%s: %s", c.reason, message)
		}
	}
	old := snowflake()
	old["credentials"] = m{"password": "s3cret-snow"}
	a := f.call(http.StatusUnprocessableEntity, "destinations/create", m{
		"name": "x", "workspaceId": workspace, "destinationDefinitionId": snowflakeID, "connectionConfiguration": old,
	})
	if strings.Contains(a.raw, "s3cret") {
		t.Error("the message tells a secret")
	}
	f.call(http.StatusUnprocessableEntity, "scheduler/destinations/check_connection", m{
		"workspaceId": workspace, "destinationDefinitionId": snowflakeID, "connectionConfiguration": old,
	})
	f.call(http.StatusUnprocessableEntity, "destinations/create", m{
		"name": "x", "workspaceId": workspace, "destinationDefinitionId": "8be1cf83-fde1-477f-a4ad-318d23c9f3c6",
		"connectionConfiguration": m{"destination_path": "/local", "unknown": true},
	})
}

func TestTrap9_LockedConnectionIsAProblem(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	connection, _, _ := f.connection()
	if err := f.sim.SetStatus(connection, "locked"); err != nil {
		t.Fatal(err)
	}
	for _, old := range []bool{false, true} {
		f.sim.SetBehavior(Behavior{OldErrors: old})
		a := f.call(http.StatusConflict, "connections/update", m{"connectionId": connection, "status": "active"})
		if a.body["type"] != "error:connection/locked" || a.body["status"] != 409.0 || a.body["title"] == nil ||
			a.body["detail"] == nil || a.body["documentationUrl"] == nil || a.body["data"] == nil {
			t.Errorf("unexpected problem: %s", a.raw)
		}
	}
	f.call(http.StatusInternalServerError, "connections/sync", m{"connectionId": connection})
	if f.sim.SetStatus(devNullID, "locked") == nil || f.sim.SetStatus(connection, "open") == nil {
		t.Error("a status was set that cannot be")
	}
}

func TestAuthentication(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	clock := make(chan time.Duration, 1) // how much later it is
	clock <- 0
	f := start(t, Options{
		Auth: Auth{Mode: AuthClient, ClientID: "id", ClientSecret: "secret", TokenLifetime: 3 * time.Minute},
		Now: func() time.Time {
			later := <-clock
			clock <- later
			return now.Add(later)
		},
	})
	get := func(want int) { t.Helper(); f.call(want, "workspaces/get", m{"workspaceId": workspace}) }
	get(http.StatusUnauthorized)
	a := f.call(http.StatusBadRequest, "applications/token", m{"client_id": "id", "client_secret": "wrong"})
	if embedded, _ := a.body["_embedded"].(m); embedded["errors"] == nil {
		t.Errorf("Core nests the message: %s", a.raw)
	}
	token, _ := f.ok("applications/token", m{"client_id": "id", "client_secret": "secret"})["access_token"].(string)
	if strings.Count(token, ".") != 2 {
		t.Fatalf("no JWT: %q", token)
	}
	f.header.Set("Authorization", "Bearer "+token)
	get(http.StatusOK)
	f.header.Set("Authorization", "Bearer "+token+"x")
	get(http.StatusUnauthorized)
	f.header.Set("Authorization", "Bearer "+token)
	<-clock
	clock <- 3 * time.Minute
	get(http.StatusUnauthorized)
	token, _ = f.ok("applications/token", m{"client_id": "id", "client_secret": "secret"})["access_token"].(string)
	f.header.Set("Authorization", "Bearer "+token)
	get(http.StatusOK)
	f.sim.ExpireTokens()
	get(http.StatusUnauthorized)
	f.header.Del("Authorization")
	f.ok("health", nil)
}

func TestBadCredentialsElsewhereAre401(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Auth: Auth{Mode: AuthClient, ClientID: "id", ClientSecret: "s", BadCredentials: 401}})
	f.call(http.StatusUnauthorized, "applications/token", m{"client_id": "id", "client_secret": "wrong"})
	if _, err := New(Options{Auth: Auth{Mode: AuthClient}}); err == nil {
		t.Error("client credentials without any were accepted")
	}
}

func TestBasicAuthentication(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Auth: Auth{Mode: AuthBasic, Username: "airbyte", Password: "password"}})
	f.call(http.StatusUnauthorized, "workspaces/get", m{"workspaceId": workspace})
	request := http.Request{Header: f.header}
	request.SetBasicAuth("airbyte", "password")
	f.ok("workspaces/get", m{"workspaceId": workspace})
	if read := f.ok("instance_configuration", nil); read["auth"].(m)["mode"] != "simple" {
		t.Errorf("unexpected instance: %v", read)
	}
}
