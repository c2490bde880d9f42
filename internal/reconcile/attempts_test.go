package reconcile

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"
)

// A later attempt tells of all that its operation did, not of its own part alone.
func TestLaterAttemptsTellOfTheWholeOperation(t *testing.T) {
	t.Parallel()
	nothing := func(*bench) {}
	there := func(b *bench) { b.provision(orders()) }
	renamed := func() workload.Work {
		w := orders()
		w.Connection.Name = "Renamed"
		return w
	}
	for _, tt := range []struct {
		name, reason string
		before       func(b *bench)
		fault        airbytesim.Fault
		remove       bool
		work         func() workload.Work
		says         []string
	}{
		{
			"created, then a call is refused", "the source was made by the first attempt", nothing,
			airbytesim.Fault{Operation: "connections/create", Do: airbytesim.DoAnswer, Status: 503},
			false, orders,
			[]string{"reated the source, created the destination, created the connection"},
		},
		{
			"created, and the answer is lost", "the connection is found by the second attempt", nothing,
			airbytesim.Fault{Operation: "connections/create", Do: airbytesim.DoDrop, Acts: true},
			false, orders,
			[]string{"reated the source, created the destination, created the connection"},
		},
		{
			"updated, and the answer is lost", "the second attempt has nothing to do", there,
			airbytesim.Fault{Operation: "connections/update", Do: airbytesim.DoDrop, Acts: true},
			false, renamed,
			[]string{"pdated the connection", "Renamed"},
		},
		{
			"removed, and the answer is lost", "the connection is gone for the second attempt", there,
			airbytesim.Fault{Operation: "connections/delete", Do: airbytesim.DoDrop, Acts: true},
			true, orders,
			[]string{"emoved the connection “Orders to warehouse”, ", "the destination “Warehouse", "the source “Orders database"},
		},
		{
			"removed in part", "the source is all that is left for the second attempt", there,
			airbytesim.Fault{Operation: "sources/delete", Do: airbytesim.DoAnswer, Status: 503},
			true, orders,
			[]string{"emoved the connection “Orders to warehouse”, ", "the destination “Warehouse", "the source “Orders database"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			tt.before(b)
			b.fault(tt.fault)
			act := b.try
			if tt.remove {
				act = b.tryUnprovision
			}
			if failure := b.failure(second(act(tt.work()))); !failure.Retry {
				t.Fatal(failure.Text())
			}
			b.number = 2
			b.restart()
			outcome, err := act(tt.work())
			if err != nil {
				t.Fatal(err)
			}
			for _, text := range tt.says {
				if !strings.Contains(outcome.Message, text) {
					t.Errorf("%s: it does not say %q: %s", tt.reason, text, outcome.Message)
				}
			}
			b.number = 1
			if outcome, err = act(tt.work()); err != nil || len(b.writes()) > 0 {
				t.Fatalf("%v %v", err, b.writes())
			}
			if want := map[bool]string{false: "no changes", true: "Nothing had to be removed"}[tt.remove]; !strings.Contains(outcome.Message, want) {
				t.Errorf("another operation has nothing to do with it: %s", outcome.Message)
			}
		})
	}
}

// What comes last may fail when all is removed already.
func TestLastStepsAreTakenAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	taken := 0
	step := func(_ context.Context, component workload.Component, _ workload.Attempt) ([]string, error) {
		if taken++; taken == 1 {
			return nil, &workload.Failure{Code: workload.CodeUnavailable, Message: "not now", Retry: true}
		}
		return []string{"let go of " + component.ID}, nil
	}
	unprovision := b.r.Unprovision(step)
	if failure := b.failure(second(unprovision.Perform(t.Context(), orders(), b.attempt()))); failure.Message != "not now" {
		t.Fatal(failure.Text())
	}
	b.number = 2
	outcome, err := unprovision.Perform(t.Context(), orders(), b.attempt())
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Removed the connection “Orders to warehouse”, the destination", "\n- let go of " + orders().Component.ID} {
		if !strings.Contains(outcome.Message, text) {
			t.Errorf("it does not say %q: %s", text, outcome.Message)
		}
	}
	b.none()
}

// What came back after a clear is cleared too.
func TestDataThatCameBackIsClearedAgain(t *testing.T) {
	t.Parallel()
	for name, between := range map[string]func(b *bench, connection string){
		"a sync by schedule":         func(b *bench, connection string) { b.synced(connection) },
		"provisioned, then a sync":   func(b *bench, connection string) { b.provision(orders()); b.synced(connection) },
		"a clear that nobody awaits": func(b *bench, connection string) { must1(b.r.Client.ClearConnection(b.t.Context(), connection)) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			_, _, c := b.one()
			b.sim.AnswerNext("connections/delete", 1, 403)
			_ = b.failure(second(b.tryUnprovision(withData())))
			if !slices.Contains(b.writes(), "connections/clear") {
				t.Fatal(b.writes())
			}
			between(b, c.ID)
			b.unprovision(withData())
			b.none()
			jobs := b.sim.Contents().Jobs
			if last := jobs[len(jobs)-1]; last.ConfigType != airbyte.JobClear || last.Status != airbyte.JobSucceeded {
				t.Errorf("the last job of the connection is %s, %s", last.ConfigType, last.Status)
			}
		})
	}
}

// A clear that is done is not done again because a later call failed.
func TestClearIsMadeOnce(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	b.sim.AnswerNext("connections/delete", 1, 503)
	_ = b.failure(second(b.tryUnprovision(withData())))
	b.number = 2
	b.unprovision(withData())
	b.none()
	if n := len(b.sim.Contents().Jobs); n != 1 {
		t.Errorf("the data was cleared by %d jobs", n)
	}
}

// A wish to look at the source again is not met by what was found before it.
func TestRediscoverIsNotLostWithItsAnswer(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]airbytesim.Fault{
		"the server starts anew": {Operation: "sources/discover_schema", Do: airbytesim.DoAnswer, Status: 503},
		"a proxy gives up":       {Operation: "sources/discover_schema", Do: airbytesim.DoAnswer, Status: 504},
		"the line is cut":        {Operation: "sources/discover_schema", Do: airbytesim.DoDrop},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			s, _, _ := b.one()
			b.sim.SetCatalog(s.ID, &airbytesim.Catalog{Streams: []airbytesim.CatalogStream{{Name: "orders", Namespace: "public"}, {Name: "new", Namespace: "public"}}})
			work := orders()
			work.Connection.Rediscover = true
			b.fault(fault)
			_ = b.failure(second(b.try(work)))
			b.number = 2
			b.provision(work)
			if _, _, c := b.one(); len(streamsOf(c)) != 2 || !strings.Contains(streamsOf(c)[0], "new") {
				t.Errorf("the streams are those from before: %v", streamsOf(c))
			}
		})
	}
}

// A rediscovery that goes on behind a proxy for minutes must come to an end, though it brings no news.
func TestRediscoveryWithoutNewsEnds(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	now := b.r.Now()
	b.r.Now = func() time.Time { return now }
	work := orders()
	work.Connection.Rediscover = true
	cut := func() {
		t.Helper()
		b.fault(airbytesim.Fault{Operation: "sources/discover_schema", Contains: "disable_cache", Do: airbytesim.DoAnswer, Status: 504, Acts: true})
		if failure := b.failure(second(b.try(work))); !failure.Retry {
			t.Fatal(failure.Text())
		}
	}
	cut()
	b.number = 2
	cut() // what is kept is no news, so the source is asked again
	if n := b.sim.Contents().Discoveries; n != 3 {
		t.Errorf("the source was asked %d times", n)
	}
	now = now.Add(discoveryTime)
	b.number = 3
	b.provision(work)
	if n := b.sim.Contents().Discoveries; n != 3 || len(b.writes()) > 0 {
		t.Errorf("the source was asked %d times, %v", n, b.writes())
	}
	b.number = 1
	b.unchanged(orders())
}
