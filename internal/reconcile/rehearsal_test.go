package reconcile

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"
)

// rehearse begins a rehearsal of the work.
func (b *bench) rehearse(work workload.Work) *Rehearsal {
	b.t.Helper()
	r, err := b.r.Rehearse(b.t.Context(), work, b.attempt())
	if err != nil {
		b.t.Fatal(err)
	}
	return r
}

// configured is a rehearsal whose configurations are made.
func (b *bench) configured(work workload.Work) *Rehearsal {
	b.t.Helper()
	r := b.rehearse(work)
	for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
		if err := r.Configure(b.t.Context(), kind); err != nil {
			b.t.Fatal(err)
		}
	}
	return r
}

// A rehearsal plans what the provision then does.
func TestRehearsalPlansWhatProvisioningDoes(t *testing.T) {
	t.Parallel()
	changed := orders()
	changed.Connection.Prefix = "raw_"
	changed.Connection.Streams = []workload.Stream{{Name: "orders", SyncMode: "full_refresh", DestinationSyncMode: "overwrite"}}
	b := newBench(t, airbytesim.Options{})
	for _, work := range []workload.Work{orders(), orders(), changed, changed} {
		b.sim.ClearCalls()
		r := b.configured(work)
		if err := r.Discover(t.Context()); err != nil {
			t.Fatal(err)
		}
		plan, err := r.Plan(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		if writes := b.writes(); len(writes) > 0 {
			t.Errorf("the rehearsal wrote: %v", writes)
		}
		b.provision(work)
		var want []string
		for _, e := range plan.Entries {
			switch e.Action {
			case Create, Update, Delete:
				want = append(want, string(e.Entity)+"s/"+string(e.Action))
			default:
			}
		}
		got := b.writes()
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(got, want) {
			t.Errorf("provisioning made %v, the plan was\n%s", got, plan)
		}
	}
}

// What has been checked is not checked again because the next check has to wait for a place.
func TestRehearsalWaitsForAPlace(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	asked, full := 0, errors.New("no place")
	b := newBench(t, airbytesim.Options{}, func(o *Options) {
		o.PollInterval = time.Millisecond
		o.Job = func(context.Context) (func(), error) {
			mu.Lock()
			defer mu.Unlock()
			if asked++; asked == 1 || asked == 3 || asked == 4 {
				return nil, full
			}
			return func() {}, nil
		}
	})
	r := b.configured(orders())
	if err := r.Check(t.Context(), airbyte.Source); !errors.Is(err, full) {
		t.Errorf("without any place the attempt ends with %v, want the limit's error: its slot is free for other work then", err)
	}
	if err := r.Check(t.Context(), airbyte.Source); err != nil {
		t.Fatal(err)
	}
	if err := r.Check(t.Context(), airbyte.Destination); err != nil {
		t.Errorf("after a first check the next one does not wait: %v", err)
	}
	if asked != 5 {
		t.Errorf("a place was asked for %d times, want 5", asked)
	}
}

// A component is looked for where it was provisioned.
func TestLocated(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	work := orders()
	located := func() string {
		t.Helper()
		where, err := b.r.Located(t.Context(), work.Component)
		if err != nil {
			t.Fatal(err)
		}
		return where
	}
	if where := located(); where != "" {
		t.Errorf("a component that never was is in %q", where)
	}
	b.provision(work)
	if where := located(); where != workspace {
		t.Errorf("the component is in %q, want %s", where, workspace)
	}
	b.unprovision(work)
	if where := located(); where != "" {
		t.Errorf("after its end the component is in %q", where)
	}
}
