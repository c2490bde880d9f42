package reconcile

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

func TestFailuresExplain(t *testing.T) {
	t.Parallel()
	bad := func(change func(w *workload.Work)) func(b *bench) workload.Work {
		return func(*bench) workload.Work {
			w := orders()
			change(&w)
			return w
		}
	}
	fault := func(f airbytesim.Fault) func(b *bench) workload.Work {
		return func(b *bench) workload.Work {
			b.fault(f)
			return orders()
		}
	}
	answer := func(operation string, status int) func(b *bench) workload.Work {
		return fault(airbytesim.Fault{Operation: operation, Do: airbytesim.DoAnswer, Status: status, Body: `{"message":"in Airbyte's words"}`})
	}
	hrSystem := func(b *bench) workload.Work {
		dir, work := b.t.TempDir(), orders()
		if err := os.WriteFile(filepath.Join(dir, "source-hr-system.yaml"), []byte("name: source-hr-system\nkind: source\n"), 0o600); err != nil {
			b.t.Fatal(err)
		}
		b.r.Catalog = must1(catalog.Load(dir))
		work.Source.DefinitionID, work.Source.Connector = "", "source-hr-sistem"
		return work
	}
	for _, tt := range []struct {
		name  string
		work  func(b *bench) workload.Work
		code  workload.Code
		phase workload.Phase
		retry bool
		says  []string
	}{
		{"destination's check fails", bad(func(w *workload.Work) { w.Destination.Configuration["host"] = "x.invalid" }), workload.CodeCheck, workload.PhaseDestination, false, []string{"The check of the destination failed", "x.invalid"}},
		{"destination's check breaks", bad(func(w *workload.Work) { w.Destination.Configuration["host"] = "x.died.invalid" }), workload.CodeCheck, workload.PhaseDestination, true, []string{"The check of the destination failed"}},
		{"discovery fails", bad(func(w *workload.Work) { w.Source.Configuration["host"] = "x.invalid" }), workload.CodeCheck, workload.PhaseDiscovery, false, []string{"schema could not be read", "x.invalid"}},
		{"discovery times out", bad(func(w *workload.Work) { w.Source.Configuration["host"] = "x.timeout.invalid" }), workload.CodeCheck, workload.PhaseDiscovery, true, []string{"schema could not be read"}},
		{"both fail", bad(func(w *workload.Work) {
			w.Source.Configuration["host"], w.Destination.Configuration["host"] = "s.invalid", "d.invalid"
		}), workload.CodeCheck, "", false, []string{"s.invalid", "d.invalid"}},
		{"one fails for good, one may pass", bad(func(w *workload.Work) {
			w.Source.Configuration["host"], w.Destination.Configuration["host"] = "s.timeout.invalid", "d.invalid"
		}), workload.CodeCheck, workload.PhaseDestination, false, []string{"s.timeout.invalid", "d.invalid"}},
		{"a secret is missing", bad(func(w *workload.Work) { w.Source.Configuration["password"] = "${secret:NONE}" }), workload.CodeSecret, workload.PhaseSource, false, []string{"NONE"}},
		{"a mask for a secret", bad(func(w *workload.Work) { w.Source.Configuration["password"] = "**********" }), workload.CodeInvalid, workload.PhaseSource, false, []string{"mask", "password"}},
		{"asterisks for a secret", bad(func(w *workload.Work) { w.Source.Configuration["username"] = "******" }), workload.CodeInvalid, workload.PhaseSource, false, []string{"asterisks", "username"}},
		{"unknown definition", bad(func(w *workload.Work) { w.Source.DefinitionID = "00000000-0000-4000-8000-000000000000" }), workload.CodeInvalid, workload.PhaseSource, false, []string{"specific.source.definitionId: is 00000000-0000-4000-8000-000000000000, which the Airbyte workspace does not have"}},
		{"unknown connector", bad(func(w *workload.Work) { w.Source.DefinitionID, w.Source.Connector = "", "source-postgras" }), workload.CodeInvalid, workload.PhaseObserve, false, []string{`specific.source.connector: is “source-postgras”, which neither the catalogue nor the Airbyte workspace has; did you mean source-postgres?`}},
		{"unknown connector, like one of the catalogue", hrSystem, workload.CodeInvalid, workload.PhaseObserve, false, []string{"did you mean source-hr-system?"}},
		{"unknown workspace", func(b *bench) workload.Work { b.r.Workspace = "00000000-0000-4000-8000-000000000000"; return orders() }, workload.CodeRefused, "", false, []string{"404", "workspace"}},
		{"no workspace", func(b *bench) workload.Work { b.r.Workspace = ""; return orders() }, workload.CodeInvalid, workload.PhaseObserve, false, []string{"development"}},
		{"unknown stream", bad(func(w *workload.Work) { w.Connection.Streams = []workload.Stream{{Name: "ordrs"}} }), workload.CodeInvalid, workload.PhaseDiscovery, false, []string{"specific.connection.streams[0].name", "public.orders"}},
		{"source refused", answer("sources/create", 422), workload.CodeRefused, workload.PhaseSource, false, []string{"could not be created", "in Airbyte's words"}},
		{"destination refused", answer("destinations/create", 400), workload.CodeRefused, workload.PhaseDestination, false, []string{"could not be created", "in Airbyte's words"}},
		{"connection refused", answer("connections/create", 422), workload.CodeRefused, workload.PhaseConnection, false, []string{"could not be created", "in Airbyte's words"}},
		{"forbidden", answer("sources/list", 403), workload.CodeRefused, workload.PhaseObserve, false, []string{"role"}},
		{"conflict", answer("connections/create", 409), workload.CodeConflict, workload.PhaseConnection, false, nil},
		{"rate limited", answer("sources/create", 429), workload.CodeUnavailable, workload.PhaseSource, true, nil},
		{"server's fault", answer("sources/create", 500), workload.CodeUnavailable, workload.PhaseSource, true, nil},
		{"discovery cut off by a proxy", answer("sources/discover_schema", 504), workload.CodeUnavailable, workload.PhaseDiscovery, true, nil},
		{"no id", fault(airbytesim.Fault{Operation: "sources/create", Do: airbytesim.DoOmit, Omit: []string{"sourceId"}}), workload.CodeUnavailable, workload.PhaseSource, true, []string{"sourceId"}},
		{"no catalog", fault(airbytesim.Fault{Operation: "sources/discover_schema", Do: airbytesim.DoOmit, Omit: []string{"catalog"}}), workload.CodeUnavailable, workload.PhaseDiscovery, true, []string{"catalog"}},
		{"no connection id", fault(airbytesim.Fault{Operation: "connections/create", Do: airbytesim.DoOmit, Omit: []string{"connectionId"}}), workload.CodeUnavailable, workload.PhaseConnection, true, []string{"connectionId"}},
		{"no list", fault(airbytesim.Fault{Operation: "sources/list", Do: airbytesim.DoOmit, Omit: []string{"sources"}}), workload.CodeUnavailable, workload.PhaseObserve, true, nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			failure := b.failure(second(b.try(tt.work(b))))
			if failure.Code != tt.code || failure.Retry != tt.retry || tt.phase != "" && failure.Phase != tt.phase {
				t.Errorf("code %s, phase %s, retry %v: %s", failure.Code, failure.Phase, failure.Retry, failure.Text())
			}
			for _, text := range tt.says {
				if !strings.Contains(failure.Text(), text) {
					t.Errorf("it does not say %q: %s", text, failure.Text())
				}
			}
			if len(failure.Solutions) == 0 && failure.Code != workload.CodeSecret {
				t.Errorf("it does not say what to do: %s", failure.Text())
			}
			if text := failure.Text() + b.log(); strings.Contains(text, "s3cret") || strings.Contains(text, "jsonSchema") || strings.Contains(text, "airbyte_secret") {
				t.Errorf("it says too much: %s", text)
			}
			b.sim.RemoveFaults()
			b.r.Workspace = workspace
			b.provision(orders()) // goes on from whatever is there
			b.one()
			b.unchanged(orders())
		})
	}
}

// A source that is in use holds its new configuration before its discovery proves it: that is said, and it is
// corrected by the next provisioning, back included.
func TestFailedDiscoveryOfASourceInUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	before := ids(b)
	work := orders()
	work.Source.Configuration["host"] = "x.invalid"
	for range 2 { // the second time there is nothing to write, and the schema is asked for still
		failure := b.failure(second(b.try(work)))
		if !strings.Contains(failure.Message, "has stored the new configuration") || failure.Retry {
			t.Errorf("it is not said what the source holds: %s", failure.Text())
		}
	}
	b.provision(orders())
	if diff := cmp.Diff(before, ids(b)); diff != "" {
		t.Error(diff)
	}
	b.unchanged(orders())
}

func TestRetryAfterIsPassedOn(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.fault(airbytesim.Fault{Operation: "sources/create", Do: airbytesim.DoAnswer, Status: 429, Header: map[string]string{"Retry-After": "17"}})
	if failure := b.failure(second(b.try(orders()))); failure.RetryAfter.Seconds() != 17 {
		t.Errorf("%v", failure.RetryAfter)
	}
}

func TestBranchesRunSideBySide(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.sim.HoldNext("sources/discover_schema", false)
	b.sim.HoldNext("scheduler/destinations/check_connection", false)
	ended := make(chan error, 1)
	go func() { ended <- second(b.try(orders())) }()
	for _, operation := range []string{"sources/discover_schema", "scheduler/destinations/check_connection"} {
		if err := b.sim.WaitHeld(t.Context(), operation, 1); err != nil {
			t.Fatal(err)
		}
	}
	b.sim.Release("*", 0)
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	b.one()
}

// handled sends requests straight to a handler.
type handled struct{ http.Handler }

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	return recorder.Result(), nil
}

// A first provisioning takes as long as the longer branch and the connection. The clock is the bubble's: it moves
// only while everything waits, so the time is exact.
func TestFirstProvisioningTakesTheLongerBranch(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name             string
		discovery, check time.Duration
		want             time.Duration
	}{
		{"slow discovery", 60 * time.Second, 20 * time.Second, (2 + 4 + 1 + 60 + 1) * time.Second},
		{"slow check", 20 * time.Second, 60 * time.Second, (2 + 4 + 60 + 1 + 1) * time.Second},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				sim := must1(airbytesim.New(airbytesim.Options{WorkspaceIDs: []string{workspace}, Latencies: map[string]airbytesim.Latency{
					"sources/discover_schema": {Min: tt.discovery, Max: tt.discovery}, "scheduler/destinations/check_connection": {Min: tt.check, Max: tt.check},
					"create":                                    {Min: time.Second, Max: time.Second},
					"get_for_workspace":                         {Min: 2 * time.Second, Max: 2 * time.Second},
					"source_definition_specifications/get":      {Min: 4 * time.Second, Max: 4 * time.Second},
					"destination_definition_specifications/get": {Min: 4 * time.Second, Max: 4 * time.Second},
				}}))
				defer sim.Close()
				b := benchOf(t, sim, airbyte.Options{BaseURL: "http://airbyte.example", Transport: handled{sim.API()}})
				begun := time.Now()
				b.provision(orders())
				if took := time.Since(begun); took != tt.want {
					t.Errorf("it took %s, want %s", took, tt.want)
				}
			})
		})
	}
}

func TestOneBranchGoesOnWhereTheOtherFails(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.sim.AnswerNext("sources/create", 1, 503)
	if failure := b.failure(second(b.try(orders()))); !failure.Retry {
		t.Fatal(failure.Text())
	}
	if !slices.Contains(b.calls(), "destinations/create") {
		t.Error("the destination's branch was given up")
	}
	b.provision(orders())
	if slices.Contains(b.calls(), "destinations/create") || slices.Contains(b.calls(), "scheduler/destinations/check_connection") {
		t.Errorf("what was done was done again: %v", b.calls())
	}
	b.one()
}

// TestCancelledAtTheNextCall gives up while a call runs, in each branch and where they meet.
func TestCancelledAtTheNextCall(t *testing.T) {
	t.Parallel()
	const discovery, check = "sources/discover_schema", "scheduler/destinations/check_connection"
	for operation, other := range map[string]string{ // with what the other branch is at
		"sources/list": "", "sources/create": check, discovery: check, check: discovery, "destinations/create": discovery, "connections/create": "",
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			if other != "" {
				b.sim.HoldNext(other, true)
			}
			b.sim.HoldNext(operation, true)
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			go func() { ended <- second(b.r.Provision().Perform(ctx, orders(), b.attempt())) }()
			must(t, 0, b.sim.WaitHeld(t.Context(), operation, 1))
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Fatalf("%v", err)
			}
			sent := len(b.calls())
			b.sim.Release("*", 0)
			b.sim.RemoveFaults()
			if after := len(b.calls()); after != sent || slices.Contains(b.calls(), "connections/create") && operation != "connections/create" {
				t.Errorf("%d calls were sent, then %d: %v", sent, after, b.calls())
			}
			b.provision(orders())
			b.one()
			b.unchanged(orders())
		})
	}
}

var errNotOurs = errors.New("the lease is lost")

// TestGuardStops asks before each call whether the attempt still holds, and sends nothing after that.
func TestGuardStops(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for at := int64(1); ; at++ {
				b := newBench(t, airbytesim.Options{Seed: at})
				s.before(b)
				var asked atomic.Int64
				b.holds = func() error {
					if asked.Add(1) >= at {
						return errNotOurs
					}
					return nil
				}
				err := s.act(b)
				if err == nil {
					return
				}
				if !errors.Is(err, errNotOurs) {
					t.Fatalf("call %d: %v", at, err)
				}
				if n := int64(len(b.calls())); n >= at {
					t.Fatalf("call %d: %d calls were sent", at, n)
				}
				b.holds = nil
				b.again(s.act)
				s.check(b)
			}
		})
	}
}

func TestOnePlaceForJobsIsEnough(t *testing.T) {
	t.Parallel()
	place := make(chan struct{}, 1)
	errFull := errors.New("no place")
	var refusals atomic.Int64
	b := newBench(t, airbytesim.Options{}, func(o *Options) {
		o.Job = func(context.Context) (func(), error) {
			select {
			case place <- struct{}{}:
				return func() { <-place }, nil
			default:
				refusals.Add(1)
				return nil, errFull
			}
		}
	})
	b.provision(orders())
	b.one()
	if len(place) != 0 {
		t.Error("a place was not given back")
	}
	place <- struct{}{} // somebody else has it
	work := orders()
	work.Destination.Configuration["schema"] = "other"
	if err := second(b.try(work)); !errors.Is(err, errFull) || len(b.writes()) > 0 {
		t.Errorf("%v, %v", err, b.writes())
	}
	<-place
	b.provision(work)
}

func TestProxyCutsDiscoveryOff(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.fault(airbytesim.Fault{Operation: "sources/discover_schema", Do: airbytesim.DoAnswer, Status: http.StatusGatewayTimeout, Acts: true})
	work := orders()
	work.Connection.Rediscover = true
	if failure := b.failure(second(b.try(work))); !failure.Retry {
		t.Fatal(failure.Text())
	}
	b.number = 2
	b.provision(work)
	if n := b.sim.Contents().Discoveries; n != 1 {
		t.Errorf("the source was asked %d times, although the answer was there", n)
	}
	b.number = 1
	b.provision(work)
	if n := b.sim.Contents().Discoveries; n != 2 {
		t.Errorf("rediscover must ask the source again: %d", n)
	}
	if len(b.writes()) > 0 {
		t.Errorf("nothing changed: %v", b.writes())
	}
}

// An answer that lacks a part is not one that says that the part is empty:
// nothing is replaced, doubled or renamed because of it.
func TestAnswersThatLackAPart(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		operation, part, reason string
	}{
		{"connections/get", "sourceId", "it would look like a connection of another source, to be replaced"},
		{"connections/get", "destinationId", "the same of a destination"},
		{"connections/get", "status", "it would be set again"},
		{"connections/get", "syncCatalog", "it would be set again, without what people set on its streams"},
	} {
		t.Run(test.operation+" without "+test.part, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			_, _, before := b.one()
			b.fault(airbytesim.Fault{Operation: test.operation, Do: airbytesim.DoOmit, Omit: []string{test.part}})
			if failure := b.failure(second(b.try(orders()))); !failure.Retry || failure.Code != workload.CodeUnavailable {
				t.Errorf("%s: %s", test.reason, failure.Text())
			}
			if writes := b.writes(); len(writes) > 0 {
				t.Errorf("%s: %v was called", test.reason, writes)
			}
			b.provision(orders())
			if _, _, after := b.one(); after.ID != before.ID || len(b.writes()) > 0 {
				t.Errorf("%s: %v was called afterwards", test.reason, b.writes())
			}
		})
	}
}

// After a refusal nothing was done; after anything else it may have been.
func TestRefused(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		err  error
		want bool
	}{
		"a wrong configuration":   {&airbyte.Error{Status: 422, Class: airbyte.ClassInvalid}, true},
		"too many requests":       {&airbyte.Error{Status: 429, Class: airbyte.ClassRateLimited}, true},
		"a failed job":            {&airbyte.JobFailure{}, true},
		"a proxy that was tired":  {&airbyte.Error{Status: 408, Class: airbyte.ClassTimeout}, false},
		"a fault of the server":   {&airbyte.Error{Status: 500, Class: airbyte.ClassServer}, false},
		"no answer":               {&airbyte.Error{Class: airbyte.ClassNetwork}, false},
		"an answer without an id": {&airbyte.Error{Status: 200, Class: airbyte.ClassMalformed}, false},
		"nothing":                 {nil, false},
	} {
		if got := refused(tt.err); got != tt.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A null that was sent and is not answered is no difference.
func TestNullIsAbsent(t *testing.T) {
	t.Parallel()
	if changes := configurationChanges(map[string]any{"a": nil, "b": 1}, map[string]any{"b": 1, "c": nil}, nil); len(changes) > 0 {
		t.Errorf("%v", changes)
	}
}
