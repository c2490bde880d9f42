package airbytesim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"testing"
)

// manage makes one call to the management and answers the body.
func manage(t *testing.T, want int, method, url string, body any) m {
	t.Helper()
	var reader io.Reader = http.NoBody
	if body != nil {
		raw, err := json.Marshal(body)
		if err != nil {
			t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	request, err := http.NewRequestWithContext(t.Context(), method, url, reader)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	if response.StatusCode != want {
		t.Fatalf("%s %s answered %d, want %d: %s", method, url, response.StatusCode, want, raw)
	}
	var decoded m
	_ = json.Unmarshal(raw, &decoded) // a 204 has no body
	return decoded
}

func TestManagement(t *testing.T) {
	t.Parallel()
	sim, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := sim.Listen(t.Context(), "127.0.0.1:0", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Error(err)
		}
	})
	f := &fixture{t: t, sim: sim, url: "http://" + server.API, header: http.Header{"Content-Type": {"application/json"}}}
	base := "http://" + server.Management
	manage(t, 200, "GET", base+"/healthz", nil)

	manage(t, 200, "POST", base+"/faults", m{"operation": "health", "do": "answer", "status": 503})
	id := manage(t, 200, "POST", base+"/faults", m{"operation": "*", "do": "drop", "times": -1, "contains": "never"})["id"].(float64)
	manage(t, 400, "POST", base+"/faults", m{"operation": "*", "do": "explode"})
	manage(t, 400, "POST", base+"/faults", m{"operation": "*", "dou": "drop"})
	if n := len(manage(t, 200, "GET", base+"/faults", nil)["faults"].([]any)); n != 2 {
		t.Errorf("%d faults", n)
	}
	f.faulty = true
	f.call(http.StatusServiceUnavailable, "health", nil)
	f.faulty = false
	if id != 2 {
		t.Errorf("the fault's id is %v", id)
	}
	manage(t, 204, "DELETE", base+"/faults/2", nil)
	manage(t, 400, "DELETE", base+"/faults/two", nil)

	manage(t, 200, "POST", base+"/faults", m{"operation": "workspaces/get", "do": "hold"})
	outcome := f.later("workspaces/get", m{"workspaceId": workspace})
	manage(t, 204, "GET", base+"/wait/held?operation=workspaces/get&count=1", nil)
	manage(t, 408, "GET", base+"/wait/finished?operation=workspaces/get&timeout=1ms", nil)
	manage(t, 400, "GET", base+"/wait/finished?timeout=soon", nil)
	if held := manage(t, 200, "GET", base+"/held", nil)["calls"].([]any); len(held) != 1 {
		t.Errorf("held: %v", held)
	}
	if n := manage(t, 200, "POST", base+"/release", m{"operation": "workspaces/get"})["released"]; n != 1.0 {
		t.Errorf("%v released", n)
	}
	if a := <-outcome; a.status != http.StatusOK {
		t.Errorf("the held call got %d", a.status)
	}
	manage(t, 204, "GET", base+"/wait/finished?operation=workspaces/get", nil)
	manage(t, 204, "GET", base+"/wait/started?operation=health", nil)
	manage(t, 204, "GET", base+"/wait/acted?operation=workspaces/get", nil)
	manage(t, 204, "DELETE", base+"/faults", nil)

	manage(t, 204, "PUT", base+"/latencies", m{"create": "1ms", "*": "1us..2us"})
	manage(t, 400, "PUT", base+"/latencies", m{"create": "long"})
	manage(t, 204, "POST", base+"/fill", m{"sources": 30, "destinations": 2, "connections": 4})
	manage(t, 400, "POST", base+"/fill", m{"connections": 4})
	manage(t, 204, "PUT", base+"/catalogs", m{"key": fakerID, "catalog": m{"streams": []any{m{"name": "only"}}}})
	source := f.source("a", fakerID, m{})
	if n := len(f.ok("sources/discover_schema", m{"sourceId": source})["catalog"].(m)["streams"].([]any)); n != 1 {
		t.Errorf("%d streams", n)
	}
	manage(t, 204, "POST", base+"/definitions", m{
		"definitionId": otherWorkspace, "kind": "source", "name": "Ours", "connectionSpecification": m{"type": "object"},
	})
	manage(t, 400, "POST", base+"/definitions", m{"kind": "source"})
	f.source("b", otherWorkspace, m{})

	connection, _, _ := f.connection()
	job := f.ok("connections/sync", m{"connectionId": connection})["job"].(m)
	manage(t, 204, "POST", base+"/jobs/finish", m{"id": job["id"], "status": "failed"})
	manage(t, 400, "POST", base+"/jobs/finish", m{"id": job["id"], "status": "failed"})
	manage(t, 204, "POST", base+"/connections/status", m{"connectionId": connection, "status": "locked"})
	f.call(http.StatusConflict, "connections/update", m{"connectionId": connection})
	if user := manage(t, 200, "POST", base+"/users", m{"email": "ada@example.com"}); !isUUID(user["userId"].(string)) {
		t.Errorf("unexpected user: %v", user)
	}
	manage(t, 200, "PUT", base+"/behavior", m{"oldErrors": true, "proxyTimeout": "1m"})
	if b := manage(t, 200, "GET", base+"/behavior", nil); b["oldErrors"] != true || b["proxyTimeout"] != "1m0s" {
		t.Errorf("unexpected behavior: %v", b)
	}
	manage(t, 400, "PUT", base+"/behavior", m{"edition": "gold"})
	manage(t, 204, "POST", base+"/tokens/expire", nil)

	if n := len(manage(t, 200, "GET", base+"/contents", nil)["sources"].([]any)); n != 33 {
		t.Errorf("%d sources, want 30 and three", n)
	}
	calls := manage(t, 200, "GET", base+"/calls?operation=create", nil)["calls"].([]any)
	if len(calls) != 5 {
		t.Errorf("%d creates in the log", len(calls))
	}
	if n := manage(t, 200, "GET", base+"/counters", nil)["health"].(m)["statuses"].(m)["503"]; n != 1.0 {
		t.Errorf("%v answers of 503", n)
	}
	manage(t, 204, "DELETE", base+"/calls", nil)
	manage(t, 204, "POST", base+"/reset", nil)
	if n := len(manage(t, 200, "GET", base+"/contents", nil)["sources"].([]any)); n != 0 {
		t.Errorf("%d sources after the reset", n)
	}
	a := f.call(http.StatusNotFound, "../contents", nil)
	if a.body["message"] != "Not Found" {
		t.Errorf("the API serves the management: %s", a.raw)
	}
}

func TestListenOnATakenAddress(t *testing.T) {
	t.Parallel()
	sim, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	server, err := sim.Listen(t.Context(), "127.0.0.1:0", "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sim.Listen(t.Context(), server.API, ""); err == nil {
		t.Error("two servers on one address")
	}
	if _, err := sim.Listen(t.Context(), "127.0.0.1:0", server.API); err == nil {
		t.Error("a management on the API's address")
	}
	if err := server.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	t.Parallel()
	for reason, options := range map[string]Options{
		"a workspace that is no UUID":   {WorkspaceIDs: []string{"main"}},
		"a directory that is not there": {ConnectorsDir: t.TempDir() + "/none"},
		"an edition that is none":       {Behavior: Behavior{Edition: "gold"}},
		"a specification that is none": {Definitions: []Definition{{
			ID: otherWorkspace, Kind: Source, Name: "x", Specification: []byte(`{"type":7}`),
		}}},
		"a specification that is no object": {Definitions: []Definition{{
			ID: otherWorkspace, Kind: Source, Name: "x", Specification: []byte(`[]`),
		}}},
	} {
		if _, err := New(options); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}
