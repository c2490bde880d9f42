package airbytesim

import (
	"context"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// later makes a call in the background; its outcome comes from the channel.
func (f *fixture) later(operation string, body any) <-chan got {
	outcome := make(chan got, 1)
	go func() {
		a, err := f.send(operation, body)
		if err != nil {
			a.status = 0
		}
		outcome <- a
	}()
	return outcome
}

func TestFaultAnswersWithoutActing(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.fault(Fault{
		Operation: "sources/create", Times: 2, Do: DoAnswer, Status: 429, Body: `{"message":"slow down"}`,
		Header: map[string]string{"Retry-After": "7"},
	})
	body := m{"name": "x", "workspaceId": workspace, "sourceDefinitionId": fakerID, "connectionConfiguration": m{}}
	for range 2 {
		a := f.call(http.StatusTooManyRequests, "sources/create", body)
		if a.header.Get("Retry-After") != "7" || a.raw != `{"message":"slow down"}` {
			t.Errorf("unexpected answer: %v %s", a.header, a.raw)
		}
	}
	if n := len(f.sim.Contents().Sources); n != 0 {
		t.Fatalf("%d sources were made by calls that were refused", n)
	}
	f.ok("sources/create", body)
	if n := len(f.sim.Faults()); n != 0 {
		t.Errorf("%d faults are left", n)
	}
}

func TestFaultsThatSpoilAnswers(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason string
		fault  Fault
		status int  // 0: no answer at all
		acted  bool // an entity was made
		holds  func(got) bool
	}{
		{"dropped before acting", Fault{Do: DoDrop}, 0, false, func(got) bool { return true }},
		{"dropped after acting", Fault{Do: DoDrop, Acts: true}, 0, true, func(got) bool { return true }},
		{"a proxy's 504 after acting", Fault{Do: DoAnswer, Status: 504, Acts: true}, 504, true, func(a got) bool { return a.raw == "" }},
		{"an empty 200 before acting", Fault{Do: DoEmpty}, 200, false, func(a got) bool { return a.raw == "" }},
		{"an empty 200 after acting", Fault{Do: DoEmpty, Acts: true}, 200, true, func(a got) bool { return a.raw == "" }},
		{"JSON cut in the middle", Fault{Do: DoMalformed}, 200, true, func(a got) bool { return a.raw != "" && a.body == nil }},
		{"an answer without its id", Fault{Do: DoOmit, Omit: []string{"sourceId"}}, 200, true, func(a got) bool {
			_, has := a.body["sourceId"]
			return !has && a.body["name"] == "x"
		}},
	} {
		t.Run(c.reason, func(t *testing.T) {
			t.Parallel()
			f := start(t, Options{})
			c.fault.Operation = "create"
			f.fault(c.fault)
			a, err := f.send("sources/create", m{
				"name": "x", "workspaceId": workspace, "sourceDefinitionId": fakerID, "connectionConfiguration": m{},
			})
			if (err != nil) != (c.status == 0) || a.status != c.status || !c.holds(a) {
				t.Errorf("%d %q %v", a.status, a.raw, err)
			}
			if got := len(f.sim.Contents().Sources) == 1; got != c.acted {
				t.Errorf("acted: %v, want %v", got, c.acted)
			}
			if err := f.sim.WaitFinished(patience(t), "sources/create", 1); err != nil {
				t.Fatal(err)
			}
			logged := f.sim.Calls("sources/create", 0)[0]
			if logged.Status != c.status || logged.Acted != c.acted || logged.Fault == 0 || logged.End.IsZero() {
				t.Errorf("unexpected log: %+v", logged)
			}
			if dropped := f.sim.Counters()["sources/create"].Dropped; (dropped == 1) != (c.status == 0) {
				t.Errorf("%d dropped", dropped)
			}
		})
	}
}

func TestFaultChoosesCalls(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	create := func(name string) int {
		a, err := f.send("sources/create", m{
			"name": name, "workspaceId": workspace, "sourceDefinitionId": fakerID, "connectionConfiguration": m{},
		})
		if err != nil {
			t.Fatal(err)
		}
		return a.status
	}
	f.fault(Fault{Operation: "create", Contains: "unlucky", Do: DoAnswer, Status: 503})
	f.fault(Fault{Operation: "create", Skip: 2, Do: DoAnswer, Status: 502})
	for i, c := range []struct {
		name string
		want int
	}{{"a", 200}, {"unlucky", 503}, {"b", 200}, {"c", 502}, {"unlucky", 200}} {
		if got := create(c.name); got != c.want {
			t.Errorf("call %d (%s): %d, want %d", i, c.name, got, c.want)
		}
	}
	id := f.fault(Fault{Operation: "*", Times: -1, Do: DoAnswer, Status: 500})
	for range 3 {
		f.call(http.StatusInternalServerError, "health", nil)
	}
	if faults := f.sim.Faults(); len(faults) != 1 || faults[0].Hits != 3 {
		t.Errorf("unexpected faults: %+v", faults)
	}
	f.sim.RemoveFault(id)
	f.ok("health", nil)
}

func TestFaultsThatCannotBe(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	for reason, fault := range map[string]Fault{
		"no operation": {Do: DoDrop}, "no deed": {Operation: "*"}, "no status": {Operation: "*", Do: DoAnswer},
		"nothing to omit": {Operation: "*", Do: DoOmit},
	} {
		if _, err := f.sim.AddFault(fault); err == nil {
			t.Errorf("%s: accepted", reason)
		}
	}
}

func TestHeldCallActsWhenItIsReleased(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.sim.HoldNext("sources/create", false)
	outcome := f.later("sources/create", m{
		"name": "held", "workspaceId": workspace, "sourceDefinitionId": fakerID, "connectionConfiguration": m{},
	})
	if err := f.sim.WaitHeld(patience(t), "create", 1); err != nil {
		t.Fatal(err)
	}
	if held := f.sim.Held(); len(held) != 1 || !strings.Contains(held[0].Body, "held") || !held[0].End.IsZero() {
		t.Errorf("unexpected held calls: %+v", held)
	}
	if n := len(f.sim.Contents().Sources); n != 0 {
		t.Fatal("a held call has acted")
	}
	f.ok("workspaces/get", m{"workspaceId": workspace}) // others go on meanwhile
	if n := f.sim.Release("create", 0); n != 1 {
		t.Errorf("%d calls were released", n)
	}
	if a := <-outcome; a.status != http.StatusOK {
		t.Errorf("the held call got %d", a.status)
	}
	if n := len(f.sim.Contents().Sources); n != 1 {
		t.Errorf("%d sources", n)
	}
}

func TestHeldCallWhoseCallerDiedActsAllTheSame(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.sim.HoldNext("sources/create", false)
	ctx, die := context.WithCancel(t.Context())
	gone := make(chan error, 1)
	go func() {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, f.url+"/api/v1/sources/create", strings.NewReader(
			`{"name":"x","workspaceId":"`+workspace+`","sourceDefinitionId":"`+fakerID+`","connectionConfiguration":{}}`))
		if err != nil {
			gone <- err
			return
		}
		request.Header = f.header.Clone()
		response, err := http.DefaultClient.Do(request)
		if err == nil {
			err = response.Body.Close()
		}
		gone <- err
	}()
	if err := f.sim.WaitHeld(patience(t), "*", 1); err != nil {
		t.Fatal(err)
	}
	die()
	if err := <-gone; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	f.sim.Release("*", f.sim.Held()[0].Seq)
	if err := f.sim.WaitActed(patience(t), "sources/create", 1); err != nil {
		t.Fatal(err)
	}
	if n := len(f.sim.Contents().Sources); n != 1 {
		t.Errorf("%d sources, want the one that nobody waited for", n)
	}
}

func TestHoldAfterActingThenDrop(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.sim.HoldNext("create", true)
	f.sim.DropNext("create", 1, true)
	f.faulty = true
	outcome := f.later("sources/create", m{
		"name": "x", "workspaceId": workspace, "sourceDefinitionId": fakerID, "connectionConfiguration": m{},
	})
	if err := f.sim.WaitHeld(patience(t), "create", 1); err != nil {
		t.Fatal(err)
	}
	if n := len(f.sim.Contents().Sources); n != 1 {
		t.Error("the call was held before it acted")
	}
	f.sim.Release("create", 0)
	if a := <-outcome; a.status != 0 {
		t.Errorf("a dropped call got %d", a.status)
	}
}

func TestWaitsEndWithTheirContext(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, wait := range []func(context.Context, string, int) error{
		f.sim.WaitStarted, f.sim.WaitFinished, f.sim.WaitHeld, f.sim.WaitActed,
	} {
		if err := wait(ctx, "*", 1); !errors.Is(err, context.Canceled) {
			t.Errorf("a wait ended with %v", err)
		}
	}
}

func TestLatenciesAreDrawnFromTheSeed(t *testing.T) {
	t.Parallel()
	draw := func(seed int64) []time.Duration {
		waited := make(chan time.Duration, 16)
		f := start(t, Options{Seed: seed, After: func(d time.Duration) <-chan time.Time {
			waited <- d
			c := make(chan time.Time, 1)
			c <- time.Time{}
			return c
		}})
		f.sim.SetLatencies(map[string]Latency{
			"*": {Min: time.Second}, "workspaces/get": {Min: time.Second, Max: time.Hour}, "discover_schema": {Min: time.Minute},
		})
		id := f.source("a", fakerID, m{})
		f.ok("sources/discover_schema", m{"sourceId": id})
		f.ok("sources/discover_schema", m{"sourceId": id}) // from the cache: no job, no wait
		f.ok("workspaces/get", m{"workspaceId": workspace})
		close(waited)
		var all []time.Duration
		for d := range waited {
			all = append(all, d)
		}
		return all
	}
	first, again, other := draw(1), draw(1), draw(2)
	if len(first) != 3 || first[0] != time.Second || first[1] != time.Minute {
		t.Fatalf("unexpected waits: %v", first)
	}
	if first[2] != again[2] || first[2] == other[2] || first[2] < time.Second || first[2] > time.Hour {
		t.Errorf("the jitter does not follow the seed: %v %v %v", first[2], again[2], other[2])
	}
}

func TestSeedMakesIDsTheSame(t *testing.T) {
	t.Parallel()
	id := func(f *fixture) string { return f.source("a", fakerID, m{}) }
	one, same, other := start(t, Options{Seed: 1}), start(t, Options{Seed: 1}), start(t, Options{Seed: 2})
	first := id(one)
	if first != id(same) || first == id(other) {
		t.Error("ids do not follow the seed")
	}
	if err := one.sim.Reset(); err != nil {
		t.Fatal(err)
	}
	if first != id(one) {
		t.Error("ids do not begin again after a reset")
	}
}

func TestResetForgetsAndLetsGo(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.connection()
	f.sim.HoldNext("health", false)
	outcome := f.later("health", nil)
	if err := f.sim.WaitHeld(patience(t), "health", 1); err != nil {
		t.Fatal(err)
	}
	f.sim.AnswerNext("*", 5, 500)
	if err := f.sim.Reset(); err != nil {
		t.Fatal(err)
	}
	if a := <-outcome; a.status != http.StatusOK {
		t.Errorf("the held call got %d", a.status)
	}
	held := f.sim.Contents()
	if len(held.Sources)+len(held.Destinations)+len(held.Connections)+len(f.sim.Faults()) != 0 {
		t.Errorf("something is left: %+v", held)
	}
}

func TestCallLogKeepsTheNewest(t *testing.T) {
	t.Parallel()
	f := start(t, Options{CallLimit: 10})
	for range 40 {
		f.ok("health", nil)
	}
	calls := f.sim.Calls("*", 0)
	if n := len(calls); n < 10 || n > 13 || calls[n-1].Seq != 40 {
		t.Errorf("%d calls, the last is %d", n, calls[n-1].Seq)
	}
	if n := f.sim.Counters()["health"].Started; n != 40 {
		t.Errorf("%d calls were counted", n)
	}
	if n := len(f.sim.Calls("*", 38)); n != 2 {
		t.Errorf("%d calls after 38", n)
	}
	f.sim.ClearCalls()
	if len(f.sim.Calls("*", 0)) != 0 || len(f.sim.Counters()) != 0 {
		t.Error("calls are left")
	}
}

func TestCallLogHoldsRequestsAsTheyCame(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.header.Set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
	f.header.Set("Authorization", "Bearer token")
	f.source("shop", postgresID, postgres("db.example.com"))
	c := f.sim.Calls("sources/create", 0)[0]
	if !strings.Contains(c.Body, "s3cret-password") || c.Header.Get("Authorization") != "Bearer token" || c.Header.Get("Traceparent") == "" {
		t.Errorf("unexpected call: %+v", c)
	}
}

// TestManyCallersAtOnce is for the race detector: every kind of call and control, overlapping.
func TestManyCallersAtOnce(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Latencies: map[string]Latency{"*": {Min: time.Microsecond, Max: 100 * time.Microsecond}}})
	f.faulty = true // kin-openapi's schemas are compiled on first use; one caller at a time suffices for the contract
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			for range 10 {
				connection, source, _ := f.connection()
				f.sync(connection)
				f.ok("connections/update", m{"connectionId": connection, "prefix": "x_"})
				f.ok("sources/check_connection", m{"sourceId": source})
				f.ok("sources/list", m{"workspaceId": workspace, "filters": m{"searchTerm": "sh_p"}})
				f.ok("connections/list", m{"workspaceId": workspace})
				f.call(http.StatusNoContent, "sources/delete", m{"sourceId": source})
				f.sim.Contents()
				f.sim.Calls("create", 0)
				f.sim.SetCatalog(source, &Catalog{})
				f.sim.SetBehavior(Behavior{})
			}
		})
	}
	group.Wait()
	held := f.sim.Contents()
	if len(held.Sources) != 80 || len(held.Connections) != 80 {
		t.Errorf("%d sources and %d connections, want 80 of each", len(held.Sources), len(held.Connections))
	}
}
