package airbytesim

import (
	"net/http"
	"testing"
)

func (f *fixture) job(id any) m {
	f.t.Helper()
	return f.ok("jobs/get_without_logs", m{"id": id})["job"].(m)
}

// sync runs a sync to its end.
func (f *fixture) sync(connection string) {
	f.t.Helper()
	job := f.ok("connections/sync", m{"connectionId": connection})["job"].(m)
	for range 10 {
		if f.job(job["id"])["status"] == "succeeded" {
			return
		}
	}
	f.t.Fatal("the sync does not end")
}

func (f *fixture) syncs(connection string) map[string]int {
	counts := map[string]int{}
	for _, c := range f.sim.Contents().Connections {
		if c.ID == connection {
			for key, state := range c.State {
				counts[key] = state.Syncs
			}
		}
	}
	return counts
}

func TestTrap8_StateSurvivesUpdatesAndDiesWithTheConnection(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	connection, source, destination := f.connection()
	f.sync(connection)
	f.ok("connections/update", m{"connectionId": connection, "name": "renamed", "prefix": "x_", "status": "inactive"})
	f.ok("connections/update", m{"connectionId": connection, "status": "active"})
	f.sync(connection)
	if got := f.syncs(connection); len(got) != 3 || got["public.orders"] != 2 {
		t.Errorf("the state did not survive updates: %v", got)
	}
	if read := f.ok("state/get", m{"connectionId": connection}); read["stateType"] != "stream" {
		t.Errorf("state/get answered %v", read)
	}
	f.call(http.StatusNoContent, "connections/delete", m{"connectionId": connection})
	again := f.ok("connections/create", m{"sourceId": source, "destinationId": destination, "status": "active"})
	id := again["connectionId"].(string)
	if got := f.syncs(id); len(got) != 0 {
		t.Errorf("a connection that was created again has state: %v", got)
	}
	if read := f.ok("state/get", m{"connectionId": id}); read["stateType"] != "not_set" {
		t.Errorf("state/get answered %v", read)
	}
}

func TestTrap8_AStreamWhoseSyncModeChangedLosesItsState(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	read := f.ok("connections/create", with(f.pair(), m{"syncCatalog": catalogOf(stream("a", nil), stream("b", nil), stream("c", nil))}))
	connection := read["connectionId"].(string)
	f.sync(connection)
	f.ok("connections/update", m{"connectionId": connection, "syncCatalog": catalogOf(
		stream("a", m{"syncMode": "full_refresh"}), stream("b", m{"destinationSyncMode": "append"}),
	)})
	f.sync(connection)
	got := f.syncs(connection)
	if got["public.a"] != 1 || got["public.b"] != 2 || got["public.c"] != 1 {
		t.Errorf("syncs by stream: %v, want a begun again, b going on, c kept", got)
	}
}

func TestSyncLifecycle(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Behavior: Behavior{JobPolls: 3}})
	connection, _, _ := f.connection()
	info := f.ok("connections/sync", m{"connectionId": connection})
	job := info["job"].(m)
	if job["status"] != "pending" || job["configId"] != connection || job["configType"] != "sync" {
		t.Errorf("unexpected job: %v", job)
	}
	f.call(http.StatusConflict, "connections/sync", m{"connectionId": connection})
	for i, want := range []string{"running", "running", "succeeded", "succeeded"} {
		if got := f.job(job["id"])["status"]; got != want {
			t.Errorf("poll %d: %v, want %s", i+1, got, want)
		}
	}
	f.ok("connections/update", m{"connectionId": connection, "status": "inactive"})
	f.call(http.StatusInternalServerError, "connections/sync", m{"connectionId": connection})
}

func TestJobsEndOnCommand(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Behavior: Behavior{JobPolls: -1}})
	connection, _, _ := f.connection()
	for _, end := range []string{"failed", "cancelled", "succeeded"} {
		job := f.ok("connections/sync", m{"connectionId": connection})["job"].(m)
		id := int64(job["id"].(float64))
		for range 5 {
			if got := f.job(id)["status"]; got != "running" {
				t.Fatalf("the job is %v", got)
			}
		}
		if err := f.sim.FinishJob(id, end); err != nil {
			t.Fatal(err)
		}
		if got := f.job(id)["status"]; got != end {
			t.Errorf("the job is %v, want %s", got, end)
		}
		if err := f.sim.FinishJob(id, end); err == nil {
			t.Error("a job ended twice")
		}
	}
	if err := f.sim.FinishJob(99, "failed"); err == nil {
		t.Error("a job that is not there ended")
	}
	if got := f.syncs(connection)["public.orders"]; got != 1 {
		t.Errorf("%d syncs left state, want the one that succeeded", got)
	}
}

func TestCancelAndList(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	connection, source, _ := f.connection()
	f.sync(connection)
	job := f.ok("connections/sync", m{"connectionId": connection})["job"].(m)
	list := func(changes m) []any {
		return f.ok("jobs/list", with(m{"configTypes": []any{"sync"}, "configId": connection}, changes))["jobs"].([]any)
	}
	if all := list(nil); len(all) != 2 || all[0].(m)["job"].(m)["id"] != job["id"] {
		t.Errorf("the newest job is not first: %v", all)
	}
	if running := list(m{"statuses": []any{"pending", "running"}}); len(running) != 1 {
		t.Errorf("%d jobs run, want 1", len(running))
	}
	if got := f.ok("jobs/cancel", m{"id": job["id"]})["job"].(m)["status"]; got != "cancelled" {
		t.Errorf("the job is %v", got)
	}
	if none := list(m{"configTypes": []any{"clear"}}); len(none) != 0 {
		t.Errorf("unexpected jobs: %v", none)
	}
	if page := list(m{"pagination": m{"pageSize": 1, "rowOffset": 1}, "orderByMethod": "ASC", "orderByField": "createdAt"}); len(page) != 1 ||
		page[0].(m)["job"].(m)["id"] != job["id"] {
		t.Errorf("unexpected page: %v", page)
	}
	f.ok("connections/sync", m{"connectionId": connection})
	f.call(http.StatusNoContent, "sources/delete", m{"sourceId": source})
	if running := list(m{"statuses": []any{"pending", "running"}}); len(running) != 0 {
		t.Error("a job runs on for a deleted source")
	}
}

func TestClearAndResetPushARunningJobAside(t *testing.T) {
	t.Parallel()
	for operation, kind := range map[string]string{"clear": "clear", "reset": "reset_connection"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			f := start(t, Options{})
			connection, _, _ := f.connection()
			f.sync(connection)
			running := f.ok("connections/sync", m{"connectionId": connection})["job"].(m)
			job := f.ok("connections/"+operation, m{"connectionId": connection})["job"].(m)
			if job["configType"] != kind {
				t.Errorf("the job is a %v", job["configType"])
			}
			if got := f.job(running["id"])["status"]; got != "cancelled" {
				t.Errorf("the running job is %v", got)
			}
			if got := f.syncs(connection)["public.orders"]; got != 1 {
				t.Errorf("the state was gone before the job was done: %d", got)
			}
			f.job(job["id"])
			f.job(job["id"])
			if got := f.syncs(connection); len(got) != 0 {
				t.Errorf("the state is still there: %v", got)
			}
			f.call(http.StatusNoContent, "connections/delete", m{"connectionId": connection})
			f.call(http.StatusInternalServerError, "connections/"+operation, m{"connectionId": connection})
		})
	}
}

func TestStateCanBeWritten(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	connection, _, _ := f.connection()
	body := m{"connectionId": connection, "connectionState": m{
		"stateType": "stream", "connectionId": connection, "streamState": []any{
			m{"streamDescriptor": m{"name": "orders", "namespace": "public"}, "streamState": m{"syncs": 7}},
		},
	}}
	f.ok("state/create_or_update", body)
	if got := f.syncs(connection)["public.orders"]; got != 7 {
		t.Errorf("the state is %d", got)
	}
	f.ok("connections/sync", m{"connectionId": connection})
	f.call(http.StatusLocked, "state/create_or_update_safe", body)
}
