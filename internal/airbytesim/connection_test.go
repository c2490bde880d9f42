package airbytesim

import (
	"maps"
	"net/http"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// stream is one entry of a syncCatalog; changes go over its config.
func stream(name string, changes m) m {
	config := m{
		"syncMode": "incremental", "destinationSyncMode": "append_dedup", "cursorField": []any{"updated_at"},
		"primaryKey": []any{[]any{"id"}}, "selected": true,
	}
	maps.Copy(config, changes)
	return m{"config": config, "stream": m{
		"name": name, "namespace": "public", "supportedSyncModes": []any{"full_refresh", "incremental"},
		"jsonSchema": m{"type": "object", "properties": m{
			"id": m{"type": "integer"}, "updated_at": m{"type": "string"}, "note": m{"type": "string"},
		}},
	}}
}

func catalogOf(streams ...any) m { return m{"streams": streams} }

// pair is a source and a destination to connect.
func (f *fixture) pair() m {
	f.t.Helper()
	return m{
		"sourceId":      f.source("shop", postgresID, postgres("db.example.com")),
		"destinationId": f.destination("warehouse", snowflakeID, snowflake()), "status": "active",
	}
}

func with(base, changes m) m {
	merged := maps.Clone(base)
	maps.Copy(merged, changes)
	return merged
}

func TestTrap6_WhatASyncCatalogMustHold(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	base := f.pair()
	unselected, nulled := stream("a", nil), stream("a", m{"mappers": nil})
	delete(unselected["config"].(m), "selected")
	for _, c := range []struct {
		reason  string
		catalog m
		want    int
	}{
		{"a usual stream", catalogOf(stream("a", nil)), 200},
		{"no syncMode", catalogOf(stream("a", m{"syncMode": nil})), 400},
		{"no destinationSyncMode", catalogOf(stream("a", m{"destinationSyncMode": nil})), 400},
		{"an unknown mode", catalogOf(stream("a", m{"syncMode": "cdc"})), 400},
		{"selected is missing", catalogOf(unselected), 500},
		{"mappers are null", catalogOf(nulled), 500},
		{"no mappers", catalogOf(stream("a", m{"mappers": []any{}})), 200},
		{"a mapper", catalogOf(stream("a", m{"mappers": []any{m{
			"type": "field-renaming", "mapperConfiguration": m{"newFieldName": "remark", "originalFieldName": "note"},
		}}})), 200},
		{"a mapper that is none", catalogOf(stream("a", m{"mappers": []any{m{"type": "hashing", "mapperConfiguration": m{"x": 1}}}})), 400},
		{"a stream without config", m{"streams": []any{m{"stream": m{"name": "a"}}}}, 500},
		{"the same stream twice", catalogOf(stream("a", nil), stream("a", nil)), 500},
		{"the server does not check modes, cursors or keys", catalogOf(stream("a", m{
			"destinationSyncMode": "soft_delete", "cursorField": []any{}, "primaryKey": []any{},
		})), 200},
		{"a selection", catalogOf(stream("a", selection("id", "updated_at"))), 200},
		{"a nested selection", catalogOf(stream("a", m{
			"fieldSelectionEnabled": true, "selectedFields": []any{m{"fieldPath": []any{"note", "x"}}},
		})), 500},
		{"a selection of nothing named", catalogOf(stream("a", m{"fieldSelectionEnabled": true})), 422},
		{"an empty path", catalogOf(stream("a", m{"fieldSelectionEnabled": true, "selectedFields": []any{m{}}})), 422},
		{"a field that is not there", catalogOf(stream("a", selection("id", "updated_at", "nope"))), 422},
		{"a selection without the cursor", catalogOf(stream("a", selection("id"))), 422},
		{"a selection without the key", catalogOf(stream("a", selection("updated_at"))), 422},
		{"the python client's json_schema", m{"streams": []any{m{
			"stream": m{"name": "a", "json_schema": m{}}, "config": stream("a", nil)["config"],
		}}}, 400},
	} {
		a, err := f.send("connections/create", with(base, m{"syncCatalog": c.catalog}))
		if err != nil {
			t.Fatal(err)
		}
		if a.status != c.want {
			t.Errorf("%s: %d, want %d: %s", c.reason, a.status, c.want, a.raw)
		}
	}
	f.call(http.StatusInternalServerError, "connections/create", with(base, m{"tags": nil}))
	f.call(http.StatusInternalServerError, "connections/create", with(base, m{"sourceCatalogId": devNullID}))
	f.call(http.StatusInternalServerError, "connections/create", with(base, m{
		"tags": []any{m{"tagId": devNullID, "workspaceId": workspace, "name": "n", "color": "c"}},
	}))
}

func selection(fields ...string) m {
	selected := []any{}
	for _, field := range fields {
		selected = append(selected, m{"fieldPath": []any{field}})
	}
	return m{"fieldSelectionEnabled": true, "selectedFields": selected}
}

func TestTrap7_ScheduleOnCreate(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	base := f.pair()
	basic := m{"basicSchedule": m{"timeUnit": "hours", "units": 6}}
	for _, c := range []struct {
		reason  string
		changes m
		status  int
		kind    any
	}{
		{"nothing is manual", m{}, 200, "manual"},
		{"data without a type silently becomes manual", m{"scheduleData": basic}, 200, "manual"},
		{"basic", m{"scheduleType": "basic", "scheduleData": basic}, 200, "basic"},
		{"the legacy field still works", m{"schedule": m{"units": 2, "timeUnit": "days"}}, 200, "basic"},
		{"old and new", m{"schedule": m{"units": 2, "timeUnit": "days"}, "scheduleType": "manual"}, 422, nil},
		{"basic without data", m{"scheduleType": "basic"}, 422, nil},
		{"basic with cron's data", m{"scheduleType": "basic", "scheduleData": m{"cron": cron("0 0 3 * * ?", "UTC")}}, 422, nil},
		{"cron", m{"scheduleType": "cron", "scheduleData": m{"cron": cron("0 0 3 * * ?", "UTC")}}, 200, "cron"},
		{"cron without a zone", m{"scheduleType": "cron", "scheduleData": m{"cron": m{"cronExpression": "0 0 3 * * ?"}}}, 400, nil},
	} {
		a, err := f.send("connections/create", with(base, c.changes))
		if err != nil {
			t.Fatal(err)
		}
		if a.status != c.status || a.body["scheduleType"] != c.kind {
			t.Errorf("%s: %d with %v, want %d with %v: %s", c.reason, a.status, a.body["scheduleType"], c.status, c.kind, a.raw)
		}
	}
}

func cron(expression, zone string) m { return m{"cronExpression": expression, "cronTimeZone": zone} }

func TestTrap7_ScheduleOnUpdate(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id, _, _ := f.connection()
	basic := m{"basicSchedule": m{"timeUnit": "hours", "units": 6}}
	for _, c := range []struct {
		reason string
		patch  m
		want   int
	}{
		{"data without a type", m{"scheduleData": basic}, 500},
		{"manual with data", m{"scheduleType": "manual", "scheduleData": basic}, 500},
		{"basic without data", m{"scheduleType": "basic"}, 500},
		{"cron without data", m{"scheduleType": "cron"}, 500},
		{"the legacy field", m{"schedule": m{"units": 2, "timeUnit": "days"}}, 500},
		{"another source", m{"sourceId": devNullID}, 400},
		{"another destination", m{"destinationId": devNullID}, 400},
		{"basic", m{"scheduleType": "basic", "scheduleData": basic}, 200},
		{"manual", m{"scheduleType": "manual"}, 200},
		{"nothing", m{}, 200},
	} {
		if a, err := f.send("connections/update", with(m{"connectionId": id}, c.patch)); err != nil || a.status != c.want {
			t.Errorf("%s: %d, want %d: %s %v", c.reason, a.status, c.want, a.raw, err)
		}
	}
}

func TestTrap7_NullMeansAsItIs(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id, _, _ := f.connection()
	read := f.ok("connections/update", m{
		"connectionId": id, "prefix": "raw_", "namespaceDefinition": "customformat", "namespaceFormat": "x", "name": "n",
		"scheduleType": "basic", "scheduleData": m{"basicSchedule": m{"timeUnit": "hours", "units": 6}},
		"nonBreakingChangesPreference": "propagate_fully", "notifySchemaChanges": true,
	})
	again := f.ok("connections/update", m{
		"connectionId": id, "prefix": nil, "namespaceDefinition": nil, "namespaceFormat": nil, "name": nil, "scheduleType": nil,
		"scheduleData": nil, "nonBreakingChangesPreference": nil, "syncCatalog": nil, "status": nil, "tags": nil, "operationIds": nil,
	})
	if diff := cmp.Diff(read, again); diff != "" {
		t.Errorf("nulls changed something (-before +after):\n%s", diff)
	}
	if cleared := f.ok("connections/update", m{"connectionId": id, "prefix": ""}); cleared["prefix"] != "" {
		t.Errorf("the prefix is %v", cleared["prefix"])
	}
}

func TestTrap7_ARefusedUpdateChangesNothing(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id, _, _ := f.connection()
	before := f.ok("connections/get", m{"connectionId": id})
	f.call(http.StatusUnprocessableEntity, "connections/update", m{
		"connectionId": id, "name": "changed", "scheduleType": "cron", "scheduleData": m{"cron": cron("0 0 3 * * ?", "UTC")},
		"syncCatalog": catalogOf(stream("a", selection("nope"))),
	})
	if diff := cmp.Diff(before, f.ok("connections/get", m{"connectionId": id})); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
}

func TestTrap7_CronExpressions(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id, _, _ := f.connection()
	for _, c := range []struct {
		reason, expression, zone string
		want                     int
	}{
		{"six fields", "0 0 3 * * ?", "UTC", 200},
		{"seven fields", "0 0 3 * * ? 2030", "Europe/Rome", 200},
		{"hourly is often enough", "0 0 * * * ?", "UTC", 200},
		{"names, ranges, steps and lists", "0 15 8-18/2 ? JAN,JUL MON-FRI", "UTC", 200},
		{"the last day", "0 0 12 L * ?", "UTC", 200},
		{"the last weekday", "0 0 12 LW * ?", "UTC", 200},
		{"some days before the last", "0 0 12 L-3 * ?", "UTC", 200},
		{"the weekday nearest to", "0 0 12 15W * ?", "UTC", 200},
		{"the last Friday", "0 0 12 ? * 6L", "UTC", 200},
		{"the third Friday", "0 0 12 ? * FRI#3", "UTC", 200},
		{"five fields, as in Unix", "0 3 * * *", "UTC", 400},
		{"both days", "0 0 3 * * *", "UTC", 400},
		{"neither day", "0 0 3 ? * ?", "UTC", 400},
		{"a number out of range", "0 0 24 * * ?", "UTC", 400},
		{"a weekday of Unix", "0 0 3 ? * 0", "UTC", 400},
		{"a sixth Friday", "0 0 3 ? * FRI#6", "UTC", 400},
		{"a step of zero", "0 0/0 3 * * ?", "UTC", 400},
		{"a range backwards", "0 0 9-5 * * ?", "UTC", 400},
		{"words", "every day at noon", "UTC", 400},
		{"every minute", "0 * * * * ?", "UTC", 400},
		{"twice an hour", "0 0,30 * * * ?", "UTC", 400},
		{"twice within one hour a day", "0 0/30 3 * * ?", "UTC", 400},
		{"every second", "* 0 3 * * ?", "UTC", 400},
		{"a zone that starts with Etc", "0 0 3 * * ?", "Etc/UTC", 400},
		{"a zone that does not exist", "0 0 3 * * ?", "Mars/Base", 400},
	} {
		a, err := f.send("connections/update", m{
			"connectionId": id, "scheduleType": "cron", "scheduleData": m{"cron": cron(c.expression, c.zone)},
		})
		if err != nil {
			t.Fatal(err)
		}
		if a.status != c.want {
			t.Errorf("%s (%s): %d, want %d: %s", c.reason, c.expression, a.status, c.want, a.raw)
		}
		if kind, _ := a.body["type"].(string); a.status == 400 && kind == "" {
			t.Errorf("%s: no problem body: %s", c.reason, a.raw)
		}
	}
	often := m{"connectionId": id, "scheduleType": "cron", "scheduleData": m{"cron": cron("0 0/15 * * * ?", "UTC")}}
	minutes := m{"connectionId": id, "scheduleType": "basic", "scheduleData": m{"basicSchedule": m{"timeUnit": "minutes", "units": 15}}}
	f.call(http.StatusBadRequest, "connections/update", minutes)
	f.sim.SetBehavior(Behavior{SubHourly: true})
	f.ok("connections/update", often)
	f.ok("connections/update", minutes)
}

func TestTrap13_ReadsAreNotWhatWasWritten(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	read := f.ok("connections/create", with(f.pair(), m{"syncCatalog": catalogOf(
		stream("dropped", m{"selected": false}),
		stream("my orders!", m{"suggested": true, "aliasName": "mine"}),
		stream("unused selection", m{"selectedFields": []any{m{"fieldPath": []any{"id"}}}}),
		stream("cut", selection("id", "updated_at")),
	)}))
	if read["namespaceDefinition"] != "source" {
		t.Errorf("namespaceDefinition reads %v when unset", read["namespaceDefinition"])
	}
	streams := streamsOf(f.ok("connections/get", m{"connectionId": read["connectionId"]}))
	if len(streams) != 3 {
		t.Fatalf("%d streams come back, want the 3 selected ones", len(streams))
	}
	config := func(i int) m { return streams[i].(m)["config"].(m) }
	properties := func(i int) int {
		return len(streams[i].(m)["stream"].(m)["jsonSchema"].(m)["properties"].(m))
	}
	if config(0)["suggested"] != false || config(0)["aliasName"] != "my_orders_" {
		t.Errorf("suggested %v, aliasName %v", config(0)["suggested"], config(0)["aliasName"])
	}
	if len(config(1)["selectedFields"].([]any)) != 0 || properties(1) != 3 {
		t.Error("a selection that is off is not emptied")
	}
	if len(config(2)["selectedFields"].([]any)) != 2 || properties(2) != 2 {
		t.Error("a selection that is on does not cut the schema")
	}
	held := f.sim.Contents().Connections[0].Streams
	if len(held) != 4 || len(held[3].properties()) != 3 {
		t.Error("Contents does not hold the catalog as it was written")
	}
}

func TestLegacyScheduleIsStillRead(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	basic := m{"timeUnit": "hours", "units": 6.0}
	read := f.ok("connections/create", with(f.pair(), m{"scheduleType": "basic", "scheduleData": m{"basicSchedule": basic}}))
	if diff := cmp.Diff(any(basic), read["schedule"]); diff != "" {
		t.Error(diff)
	}
}

func TestMappersGetIDs(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	read := f.ok("connections/create", with(f.pair(), m{"syncCatalog": catalogOf(stream("a", m{"mappers": []any{m{
		"type": "field-filtering", "mapperConfiguration": m{"targetField": "note"},
	}}}))}))
	mapper := streamsOf(read)[0].(m)["config"].(m)["mappers"].([]any)[0].(m)
	if id, _ := mapper["id"].(string); !isUUID(id) {
		t.Errorf("the mapper's id is %v", mapper["id"])
	}
}

func TestTags(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	tag := f.ok("tags/create", m{"workspaceId": workspace, "name": "gold", "color": "FFFF00"})
	f.call(http.StatusConflict, "tags/create", m{"workspaceId": workspace, "name": "gold", "color": "000000"})
	read := f.ok("connections/create", with(f.pair(), m{"tags": []any{tag}}))
	if len(read["tags"].([]any)) != 1 {
		t.Errorf("tags: %v", read["tags"])
	}
	f.ok("tags/update", with(tag, m{"name": "silver"}))
	if a := f.call(http.StatusOK, "tags/list", m{"workspaceId": workspace}); a.raw == "[]" {
		t.Error("the tag is not listed")
	}
	f.ok("tags/delete", m{"tagId": tag["tagId"], "workspaceId": workspace})
	f.call(http.StatusNotFound, "tags/delete", m{"tagId": tag["tagId"], "workspaceId": workspace})
}
