package reconcile

import (
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// order lists the writing calls of the last operation as they came.
func (b *bench) order() []string {
	writes := b.writes()
	var all []string
	for _, c := range b.sim.Calls("*", 0) {
		if slices.Contains(writes, c.Operation) {
			all = append(all, c.Operation)
		}
	}
	return all
}

func (b *bench) none() {
	b.t.Helper()
	if l := b.live(); len(l.sources)+len(l.destinations)+len(l.connections) > 0 {
		b.t.Errorf("something is left: %d sources, %d destinations, %d connections\n%s", len(l.sources), len(l.destinations), len(l.connections), b.log())
	}
	if len(b.memory.values) > 0 {
		b.t.Errorf("something is remembered: %v", b.memory.values)
	}
}

func withData() workload.Work {
	w := orders()
	w.RemoveData = true
	return w
}

func TestUnprovision(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		reason string
		before func(b *bench)
		work   func() workload.Work
		order  []string
		logged string
	}{
		{
			"whole", "connection, then destination and source", func(b *bench) { b.provision(orders()) }, orders,
			[]string{"connections/delete", "destinations/delete", "sources/delete"},
			"",
		},
		{"never was", "no call that writes", func(*bench) {}, orders, nil, ""},
		{"never was, with the data", "no call that writes", func(*bench) {}, withData, nil, ""},
		{
			"half-made: a source alone", "the destination's check failed", func(b *bench) {
				w := orders()
				w.Destination.Configuration["host"] = "nowhere.invalid"
				if _, err := b.try(w); err == nil {
					b.t.Fatal("the destination's check must fail")
				}
			}, orders, []string{"sources/delete"}, "",
		},
		{
			"running sync", "it is cancelled first", func(b *bench) {
				b.provision(orders())
				_, _, c := b.one()
				must1(b.r.Client.SyncConnection(b.t.Context(), c.ID))
			}, orders, []string{"jobs/cancel", "connections/delete", "destinations/delete", "sources/delete"}, "Cancelling job",
		},
		{
			"with the data", "Airbyte's clear job is waited for", func(b *bench) { b.provision(orders()) }, withData,
			[]string{"connections/clear", "connections/delete", "destinations/delete", "sources/delete"},
			"is succeeded",
		},
		{
			"with the data, while a sync runs", "it is cancelled, then the data is cleared", func(b *bench) {
				b.provision(orders())
				_, _, c := b.one()
				must1(b.r.Client.SyncConnection(b.t.Context(), c.ID))
			}, withData, []string{"jobs/cancel", "connections/clear", "connections/delete", "destinations/delete", "sources/delete"}, "Cancelling job",
		},
		{
			"with the data, while an earlier clear runs", "the running job counts", func(b *bench) {
				b.provision(orders())
				_, _, c := b.one()
				must1(b.r.Client.ClearConnection(b.t.Context(), c.ID))
			}, withData, []string{"connections/delete", "destinations/delete", "sources/delete"}, "is succeeded",
		},
		{
			"connection gone already", "what is gone is fine", func(b *bench) {
				b.provision(orders())
				_, _, c := b.one()
				must(b.t, 0, b.r.Client.DeleteConnection(b.t.Context(), c.ID))
			}, orders, []string{"destinations/delete", "sources/delete"}, "",
		},
		{
			"source gone already", "its connection went with it", func(b *bench) {
				b.provision(orders())
				s, _, _ := b.one()
				must(b.t, 0, b.r.Client.DeleteActor(b.t.Context(), airbyte.Source, s.ID))
			}, orders, []string{"destinations/delete"}, "",
		},
		{
			"other names in the descriptor", "the digest counts, not the names", func(b *bench) { b.provision(orders()) }, func() workload.Work {
				w := orders()
				w.Source.Name, w.Destination.Name, w.Connection.Name = "A", "B", "C"
				return w
			}, []string{"connections/delete", "destinations/delete", "sources/delete"}, "",
		},
		{
			"renamed by hand", "the recorded ids count", func(b *bench) {
				b.provision(orders())
				s := b.actor(airbyte.Source)
				s.Name = "mine"
				must1(b.r.Client.UpdateActor(b.t.Context(), s))
			}, orders, []string{"connections/delete", "destinations/delete", "sources/delete"}, "was renamed",
		},
		{
			"a secret is missing", "no configuration is needed to remove", func(b *bench) {
				b.provision(orders())
				b.secrets.secrets = nil
			}, orders, []string{"connections/delete", "destinations/delete", "sources/delete"}, "",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			tt.before(b)
			b.unprovision(tt.work())
			if diff := cmp.Diff(tt.order, b.order()); diff != "" {
				t.Errorf("%s\n%s", tt.reason, diff)
			}
			if !strings.Contains(b.log(), tt.logged) {
				t.Errorf("the log does not say %q\n%s", tt.logged, b.log())
			}
			b.none()
			b.unprovision(tt.work())
			if len(b.writes()) > 0 {
				t.Errorf("there was nothing to remove any more: %v", b.writes())
			}
			b.secrets.secrets = map[string]string{"SOURCE": "a", "WAREHOUSE": "b"}
			b.provision(orders())
			b.one()
		})
	}
}

// With nothing remembered and the names changed on both sides, the signed ids of privateInfo are all that is left.
func TestUnprovisionByPrivateInfoAlone(t *testing.T) {
	t.Parallel()
	for name, signed := range map[string]bool{"signed": true, "not signed": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			work := orders()
			work.Source.Name, work.Destination.Name, work.Connection.Name = "A", "B", "C"
			work.Previous = previous(t, b.provision(orders()))
			if !signed {
				work.Previous.Signature = ""
			}
			b.renameAll()
			b.memory.values = map[string][]byte{}
			b.unprovision(work)
			if signed {
				b.none()
				return
			}
			b.one()
			if len(b.writes()) > 0 || !strings.Contains(b.log(), "left alone") {
				t.Errorf("ids that anybody may have written were believed: %v\n%s", b.writes(), b.log())
			}
		})
	}
}

func TestFailedClearDeletesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{Behavior: airbytesim.Behavior{JobPolls: -1}})
	b.provision(orders())
	ended := make(chan error, 1)
	go func() { ended <- second(b.tryUnprovision(withData())) }()
	if err := b.sim.WaitActed(t.Context(), "jobs/get", 1); err != nil {
		t.Fatal(err)
	}
	jobs := b.sim.Contents().Jobs
	must(t, 0, b.sim.FinishJob(jobs[len(jobs)-1].ID, "failed"))
	failure := b.failure(<-ended)
	if failure.Retry || !strings.Contains(failure.Message, "Nothing was deleted") || len(failure.Solutions) == 0 {
		t.Errorf("the failure does not say that nothing was deleted: %s", failure.Text())
	}
	b.one()
	b.sim.SetBehavior(airbytesim.Behavior{})
	b.unprovision(withData())
	b.none()
	if !slices.Contains(b.order(), "connections/clear") {
		t.Errorf("a failed clear must be made again: %v", b.order())
	}
}

// foreign makes a connection by hand between the source and the destination.
func (b *bench) foreign() string {
	b.t.Helper()
	b.one()
	return b.foreignIn(workspace)
}

// foreignIn makes a connection by hand between the source and the destination of a workspace.
func (b *bench) foreignIn(workspace string) string {
	b.t.Helper()
	l := b.live()
	in := func(a airbytesim.Actor) bool { return a.WorkspaceID == workspace }
	s, d := l.sources[slices.IndexFunc(l.sources, in)], l.destinations[slices.IndexFunc(l.destinations, in)]
	found := must1(b.r.Client.DiscoverSource(b.t.Context(), s.ID, false))
	return must1(b.r.Client.CreateConnection(b.t.Context(), airbyte.ConnectionCreate{
		SourceID: s.ID, DestinationID: d.ID, Status: "active", Name: "by hand", Catalog: &found.Catalog,
	})).ID
}

func TestHandMadeConnectionIsLeftAlone(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	id := b.foreign()
	before := b.live()
	for _, work := range []workload.Work{orders(), ordersOnly("orders"), orders()} {
		b.provision(work)
		if !strings.Contains(b.log(), id) {
			t.Errorf("the log does not name it\n%s", b.log())
		}
	}
	if diff := cmp.Diff(before, b.live(), asSeen); diff != "" {
		t.Errorf("something was touched\n%s", diff)
	}
	failure := b.failure(second(b.tryUnprovision(orders())))
	if failure.Retry || failure.Code != workload.CodeConflict || !strings.Contains(failure.Message, id) || len(b.writes()) > 0 {
		t.Errorf("an unprovision that would cascade must fail and say so: %s, %v", failure.Text(), b.writes())
	}
	if diff := cmp.Diff(before, b.live(), asSeen); diff != "" {
		t.Errorf("something was touched\n%s", diff)
	}
	b.unprovision(withData())
	b.none()
}

func TestCascadeAllowedBySetting(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{}, func(o *Options) { o.CascadeForeign = true })
	b.provision(orders())
	id := b.foreign()
	outcome := b.unprovision(orders())
	if !strings.Contains(outcome.Message, "the connection “by hand” (not this component's own)") {
		t.Errorf("the outcome does not name what went down too: %s", outcome.Message)
	}
	if !strings.Contains(b.log(), id) {
		t.Errorf("the log does not name what went down too\n%s", b.log())
	}
	b.none()
}

// A connection that people made with the source and a destination of their own.
func TestReplaceLeavesWhatOthersUse(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	s, _, _ := b.one()
	own := must1(b.r.Client.CreateActor(t.Context(), airbyte.Actor{
		Kind: airbyte.Destination, WorkspaceID: workspace, DefinitionID: localJSON, Name: "somebody's", Configuration: map[string]any{"destination_path": "/x"},
	}))
	found := must1(b.r.Client.DiscoverSource(t.Context(), s.ID, false))
	c := must1(b.r.Client.CreateConnection(t.Context(), airbyte.ConnectionCreate{SourceID: s.ID, DestinationID: own.ID, Status: "active", Name: "theirs", Catalog: &found.Catalog}))
	work := orders()
	work.Source.DefinitionID, work.Source.Configuration = fakerID, map[string]any{"count": 10}
	for range 2 {
		b.provision(work)
		if !strings.Contains(b.log(), "is left there") {
			t.Errorf("the log does not say why the old source stays\n%s", b.log())
		}
		if got := must1(b.r.Client.GetConnection(t.Context(), c.ID)); got.Deleted() {
			t.Fatal("somebody's connection went down with the old source")
		}
	}
	if l := b.live(); len(l.sources) != 2 || len(l.connections) != 2 {
		t.Errorf("there are %d sources and %d connections", len(l.sources), len(l.connections))
	}
	must(t, 0, b.r.Client.DeleteConnection(t.Context(), c.ID))
	b.provision(work)
	if l := b.live(); len(l.sources) != 1 {
		t.Errorf("the old source was not removed although nobody uses it any more: %d sources", len(l.sources))
	}
}

func TestDeletesAreConfirmed(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"connections/delete", "destinations/delete", "sources/delete"} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			b.fault(airbytesim.Fault{Operation: operation, Do: airbytesim.DoAnswer, Status: 204})
			failure := b.failure(second(b.tryUnprovision(orders())))
			if !failure.Retry || !strings.Contains(failure.Message, "still has it") {
				t.Errorf("a delete that did nothing must be noticed: %s", failure.Text())
			}
			b.unprovision(orders())
			b.none()
		})
	}
}

func TestFailedDeleteStopsTheRest(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		operation string
		status    int
		retry     bool
		left      string
	}{
		{"connections/delete", 403, false, "1 sources, 1 destinations, 1 connections"},
		{"connections/delete", 500, true, "1 sources, 1 destinations, 1 connections"},
		{"destinations/delete", 403, false, "1 sources, 1 destinations, 0 connections"},
		{"sources/delete", 503, true, "1 sources, 0 destinations, 0 connections"},
	} {
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		b.sim.AnswerNext(tt.operation, 1, tt.status)
		failure := b.failure(second(b.tryUnprovision(orders())))
		if failure.Retry != tt.retry || b.live().String() != tt.left {
			t.Errorf("%s %d: retry %v, left %s", tt.operation, tt.status, failure.Retry, b.live())
		}
		b.unprovision(orders())
		b.none()
	}
}
