package airbytesim

import (
	"net/http"
	"strings"
	"testing"
	"time"
)

func TestTrap4_FailedCheckIsStatus200(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	for _, c := range []struct {
		reason, host string
		status, kind any
		succeeded    bool
	}{
		{"a good host", "db.example.com", "succeeded", nil, true},
		{"a host that does not exist", "db.invalid", "failed", nil, true},
		{"a URL on one", "https://x.invalid:443/a", "failed", nil, true},
		{"a host that times out", "db.timeout.invalid", "failed", "transient_error", false},
		{"a host on which the job dies", "db.died.invalid", nil, "system_error", false},
		{"a text that only ends alike", "is this host.invalid", "succeeded", nil, true},
	} {
		read := f.ok("scheduler/sources/check_connection", m{
			"sourceDefinitionId": postgresID, "workspaceId": workspace, "connectionConfiguration": postgres(c.host),
		})
		info := read["jobInfo"].(m)
		reason, _ := info["failureReason"].(m)
		var kind any
		if reason != nil {
			kind = reason["failureType"]
		}
		if read["status"] != c.status || info["succeeded"] != c.succeeded || kind != c.kind {
			t.Errorf("%s: %v", c.reason, read)
		}
		if _, told := read["message"].(string); told != (c.status == "failed") {
			t.Errorf("%s: message is %v", c.reason, read["message"])
		}
	}
}

func TestTrap4_FailedDiscoveryIsStatus200WithoutCatalog(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("shop", postgresID, postgres("db.invalid"))
	for operation, body := range map[string]m{
		"sources/discover_schema": {"sourceId": id},
		"scheduler/sources/discover_schema": {
			"sourceDefinitionId": postgresID, "workspaceId": workspace, "connectionConfiguration": postgres("db.invalid"),
		},
	} {
		read := f.ok(operation, body)
		info := read["jobInfo"].(m)
		reason := info["failureReason"].(m)
		if read["catalog"] != nil || read["catalogId"] != nil || info["succeeded"] != false {
			t.Errorf("%s: %v", operation, read)
		}
		for _, field := range []string{"failureOrigin", "failureType", "externalMessage", "internalMessage", "stacktrace"} {
			if text, _ := reason[field].(string); text == "" {
				t.Errorf("%s: no %s", operation, field)
			}
		}
		if !strings.Contains(reason["internalMessage"].(string), "s3cret-password") || strings.Contains(reason["externalMessage"].(string), "s3cret") {
			t.Error("the internal message must hold a secret, as careless connectors let slip, and the external one must not")
		}
	}
}

func TestTrap4_EveryCheckOfAStoredOrProposedActor(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	source := f.source("shop", postgresID, postgres("db.example.com"))
	destination := f.destination("warehouse", snowflakeID, snowflake())
	failing := f.destination("null", devNullID, m{"test_destination": m{"test_destination_type": "FAILING", "num_messages": 1}})
	masked := postgres("db.example.com")
	masked["password"] = mask
	for _, c := range []struct {
		operation string
		body      m
		want      string
	}{
		{"sources/check_connection", m{"sourceId": source}, "succeeded"},
		{"sources/check_connection_for_update", m{"sourceId": source, "name": "shop", "connectionConfiguration": masked}, "succeeded"},
		{"sources/check_connection_for_update", m{"sourceId": source, "name": "shop", "connectionConfiguration": postgres("x.invalid")}, "failed"},
		{"destinations/check_connection", m{"destinationId": destination}, "succeeded"},
		{"destinations/check_connection", m{"destinationId": failing}, "failed"},
		{"destinations/check_connection_for_update", m{"destinationId": destination, "name": "w", "connectionConfiguration": snowflake()}, "succeeded"},
		{"scheduler/destinations/check_connection", m{
			"destinationDefinitionId": snowflakeID, "workspaceId": workspace, "connectionConfiguration": snowflake(),
		}, "succeeded"},
	} {
		if read := f.ok(c.operation, c.body); read["status"] != c.want {
			t.Errorf("%s answered %v, want %s", c.operation, read["status"], c.want)
		}
	}
	if n := f.sim.Contents().Checks; n != 7 {
		t.Errorf("%d check jobs ran, want 7", n)
	}
	if f.sim.Contents().Sources[0].Configuration["host"] != "db.example.com" {
		t.Error("a check for an update changed the source")
	}
}

func TestTrap4_FaultsFailChecksAndDiscoveries(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	source := f.source("shop", postgresID, postgres("db.example.com"))
	f.fault(Fault{Operation: "check_connection", Do: DoFail, Failure: &JobFailure{Message: "the password is wrong"}})
	f.fault(Fault{Operation: "check_connection", Do: DoFail, Failure: &JobFailure{Died: true, Internal: "OOM"}})
	f.fault(Fault{Operation: "discover_schema", Do: DoFail, Failure: &JobFailure{Type: "transient_error", Message: "come again"}})
	if read := f.ok("sources/check_connection", m{"sourceId": source}); read["status"] != "failed" || read["message"] != "the password is wrong" {
		t.Errorf("unexpected check: %v", read)
	}
	read := f.ok("sources/check_connection", m{"sourceId": source})
	if reason := read["jobInfo"].(m)["failureReason"].(m); read["status"] != nil || reason["internalMessage"] != "OOM" {
		t.Errorf("unexpected check: %v", read)
	}
	read = f.ok("sources/discover_schema", m{"sourceId": source})
	if reason := read["jobInfo"].(m)["failureReason"].(m); reason["failureType"] != "transient_error" || reason["externalMessage"] != "come again" {
		t.Errorf("unexpected discovery: %v", read)
	}
	if read := f.ok("sources/discover_schema", m{"sourceId": source}); read["catalog"] == nil {
		t.Error("a failed discovery was cached")
	}
}

func TestTrap10_DiscoveryIsCachedByConfiguration(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("shop", postgresID, postgres("db.example.com"))
	ran := func(want int, why string) {
		t.Helper()
		if got := f.sim.Contents().Discoveries; got != want {
			t.Errorf("%s: %d discovery jobs ran, want %d", why, got, want)
		}
	}
	first := f.ok("sources/discover_schema", m{"sourceId": id})
	f.sim.SetCatalog("shop", &Catalog{Streams: []CatalogStream{{Name: "changed"}}})
	again := f.ok("sources/discover_schema", m{"sourceId": id})
	ran(1, "the same configuration")
	if first["catalogId"] != again["catalogId"] {
		t.Error("the cached catalog has another id")
	}
	fresh := f.ok("sources/discover_schema", m{"sourceId": id, "disable_cache": true})
	ran(2, "without the cache")
	if streams := fresh["catalog"].(m)["streams"].([]any); len(streams) != 1 {
		t.Errorf("the change of the source was not seen: %v", streams)
	}
	f.ok("sources/update", m{"sourceId": id, "name": "shop", "connectionConfiguration": postgres("db2.example.com")})
	f.ok("sources/discover_schema", m{"sourceId": id})
	ran(3, "another configuration")
	unsaved := m{"sourceDefinitionId": postgresID, "workspaceId": workspace, "connectionConfiguration": postgres("db2.example.com")}
	f.ok("scheduler/sources/discover_schema", unsaved)
	f.ok("scheduler/sources/discover_schema", unsaved)
	ran(5, "the scheduler's discovery runs every time")
}

func TestTrap10_JobGoesOnWhenAProxyCutsItOff(t *testing.T) {
	t.Parallel()
	timers := make(chan chan time.Time, 16)
	f := start(t, Options{
		Latencies: map[string]Latency{"discover_schema": {Min: time.Hour}},
		Behavior:  Behavior{ProxyTimeout: Latency{Min: time.Minute}},
		After: func(d time.Duration) <-chan time.Time {
			c := make(chan time.Time, 1)
			if d == time.Minute {
				c <- time.Time{} // the proxy's patience is over at once
				return c
			}
			timers <- c // the job's time passes when the test wants it
			return c
		},
	})
	f.faulty = true
	id := f.source("shop", postgresID, postgres("db.example.com"))
	cut := f.call(http.StatusGatewayTimeout, "sources/discover_schema", m{"sourceId": id})
	if !strings.Contains(cut.raw, "<html>") {
		t.Errorf("a proxy does not speak JSON: %s", cut.raw)
	}
	(<-timers) <- time.Time{}
	if err := f.sim.WaitActed(patience(t), "discover_schema", 1); err != nil {
		t.Fatal(err)
	}
	f.sim.SetBehavior(Behavior{})
	if read := f.ok("sources/discover_schema", m{"sourceId": id}); read["catalog"] == nil {
		t.Errorf("asking again did not find the cached result: %v", read)
	}
	if n := f.sim.Contents().Discoveries; n != 1 {
		t.Errorf("%d discovery jobs ran, want 1", n)
	}
}

func TestTrap10_DiscoveryWithAConnectionMayDisableIt(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	connection, source, _ := f.connection()
	f.sim.SetCatalog(source, &Catalog{Streams: []CatalogStream{
		{Name: "customers", Namespace: "public", JSONSchema: columns("name:string")}, // the key is gone
		{Name: "news", Namespace: "public"},
	}})
	read := f.ok("sources/discover_schema", m{"sourceId": source, "connectionId": connection, "disable_cache": true})
	if read["breakingChange"] != true || read["connectionStatus"] != "inactive" {
		t.Errorf("unexpected discovery: %v", read)
	}
	if n := len(read["catalogDiff"].(m)["transforms"].([]any)); n != 3 {
		t.Errorf("%d transforms, want two removed and one added", n)
	}
	got := f.ok("connections/get", m{"connectionId": connection})
	if got["status"] != "inactive" || got["breakingChange"] != true {
		t.Errorf("the connection is %v", got["status"])
	}
	f.ok("connections/update", m{"connectionId": connection, "status": "active", "breakingChange": false})
	other := f.source("other", fakerID, m{})
	f.call(http.StatusInternalServerError, "sources/discover_schema", m{"sourceId": other, "connectionId": connection})
}

func TestDiscoveredCatalogs(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	cdc := postgres("db.example.com")
	cdc["schemas"] = []any{"a", "b"}
	cdc["replication_method"] = m{"method": "CDC", "replication_slot": "s", "publication": "p"}
	for _, c := range []struct {
		reason, definition string
		configuration      m
		streams            int
		mode, destination  string
	}{
		{"a file has one stream", fileID, m{
			"dataset_name": "sales", "format": "csv", "url": "https://example.com/a.csv", "provider": m{"storage": "HTTPS"},
		}, 1, "full_refresh", "overwrite"},
		{"faker has three with cursor and key", fakerID, m{}, 3, "incremental", "append_dedup"},
		{"a database has tables by schema, without a cursor of the source's", postgresID, postgres("db.example.com"), 3, "full_refresh", "overwrite"},
		{"change data capture has a cursor", postgresID, cdc, 6, "incremental", "append_dedup"},
		{"a bucket has what is listed", "69589781-7828-43c5-9f63-8925b1c1ccc2", m{
			"bucket": "b", "streams": []any{m{"name": "one", "format": m{"filetype": "csv"}}, m{"name": "two", "format": m{"filetype": "csv"}}},
		}, 2, "full_refresh", "overwrite"},
	} {
		id := f.source(c.reason, c.definition, c.configuration)
		read := f.ok("sources/discover_schema", m{"sourceId": id})
		streams := read["catalog"].(m)["streams"].([]any)
		config := streams[0].(m)["config"].(m)
		if len(streams) != c.streams || config["syncMode"] != c.mode || config["destinationSyncMode"] != c.destination {
			t.Errorf("%s: %d streams, %v with %v", c.reason, len(streams), config["syncMode"], config["destinationSyncMode"])
		}
	}
}

func TestCatalogOfADefinitionOrASource(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("named", fakerID, m{})
	discover := func() string {
		read := f.ok("sources/discover_schema", m{"sourceId": id, "disable_cache": true})
		return read["catalog"].(m)["streams"].([]any)[0].(m)["stream"].(m)["name"].(string)
	}
	f.sim.SetCatalog(strings.ToUpper(fakerID), &Catalog{Streams: []CatalogStream{{Name: "of the definition"}}})
	if got := discover(); got != "of the definition" {
		t.Error(got)
	}
	f.sim.SetCatalog("named", &Catalog{Streams: []CatalogStream{{Name: "of the name"}}})
	if got := discover(); got != "of the name" {
		t.Error(got)
	}
	f.sim.SetCatalog(id, &Catalog{Streams: []CatalogStream{{Name: "of the source"}}})
	if got := discover(); got != "of the source" {
		t.Error(got)
	}
	for _, key := range []string{id, "named", fakerID} {
		f.sim.SetCatalog(key, nil)
	}
	if got := discover(); got != "users" {
		t.Error(got)
	}
}
