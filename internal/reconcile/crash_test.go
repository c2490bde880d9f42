package reconcile

import (
	"context"
	"errors"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// story is a bench brought to some point, and what is done there.
type story struct {
	name   string
	before func(b *bench)
	act    func(b *bench) error
	// check looks at the end, after the act was repeated until it succeeded.
	check func(b *bench)
}

func stories() []story {
	provision := func(work func() workload.Work) func(b *bench) error {
		return func(b *bench) error { return second(b.try(work())) }
	}
	unprovision := func(work func() workload.Work) func(b *bench) error {
		return func(b *bench) error { return second(b.tryUnprovision(work())) }
	}
	onceThere := func(b *bench) { b.provision(orders()) }
	moved := func() workload.Work {
		w := orders()
		w.Destination.DefinitionID, w.Destination.Configuration = localJSON, map[string]any{"destination_path": "/json_data"}
		return w
	}
	changed := func() workload.Work {
		w := ordersOnly("orders", "customers")
		w.Source.Name, w.Destination.Name, w.Connection.Name = "A", "B", "C"
		w.Source.Configuration["host"], w.Destination.Configuration["schema"] = "new.example", "other"
		return w
	}
	one := func(work func() workload.Work) func(b *bench) {
		return func(b *bench) { b.one(); b.provision(work()); b.one(); b.unchanged(work()) }
	}
	none := func(b *bench) {
		if l := b.live(); len(l.sources)+len(l.destinations)+len(l.connections) > 0 {
			b.t.Errorf("something is left: %+v\n%s", l, b.log())
		}
		b.provision(orders())
		b.one()
	}
	return []story{
		{"first provision", func(*bench) {}, provision(orders), one(orders)},
		{"changed", onceThere, provision(changed), one(changed)},
		{"another connector", onceThere, provision(moved), one(moved)},
		{"another name and connector at once", onceThere, provision(func() workload.Work {
			w := moved()
			w.Connection.Name = "Renamed"
			return w
		}), func(b *bench) { b.one() }},
		{"unprovision", onceThere, unprovision(orders), none},
		{"unprovision with the data", onceThere, unprovision(withData), none},
		{"unprovision with the data, from another workspace", func(b *bench) {
			b.provision(orders())
			b.r.Workspaces = map[string]string{"development": otherPlace}
		}, unprovision(withData), none},
		{"another workspace", onceThere, func(b *bench) error {
			b.r.Workspaces = map[string]string{"development": otherPlace}
			return second(b.try(orders()))
		}, func(b *bench) {
			b.one()
			if s, _, _ := b.one(); s.WorkspaceID != otherPlace {
				b.t.Errorf("the source is in %s", s.WorkspaceID)
			}
		}},
	}
}

// again repeats the act as the queue would, until it succeeds.
func (b *bench) again(act func(b *bench) error) {
	b.t.Helper()
	for range 5 {
		b.restart()
		err := act(b)
		if err == nil {
			return
		}
		if !workload.AsFailure(err).Retry {
			b.t.Fatalf("not worth another try: %v\n%s", err, b.log())
		}
	}
	b.t.Fatalf("it does not end well\n%s", b.log())
}

// How a call can be lost, and whether what the attempt noted is lost with it.
var losses = map[string]struct {
	fault airbytesim.Fault
	dies  bool
}{
	"dropped after acting":                       {airbytesim.Fault{Operation: "*", Do: airbytesim.DoDrop, Acts: true}, false},
	"dropped before acting":                      {airbytesim.Fault{Operation: "*", Do: airbytesim.DoDrop}, false},
	"cut after acting":                           {airbytesim.Fault{Operation: "*", Do: airbytesim.DoMalformed}, false},
	"dropped after acting, and the worker dies":  {airbytesim.Fault{Operation: "*", Do: airbytesim.DoDrop, Acts: true}, true},
	"dropped before acting, and the worker dies": {airbytesim.Fault{Operation: "*", Do: airbytesim.DoDrop}, true},
}

// TestEveryCallLost loses each call of each story in turn: the next attempt must
// find its way, and everything must be there exactly once.
func TestEveryCallLost(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		for how, loss := range losses {
			t.Run(s.name+"/"+how, func(t *testing.T) {
				t.Parallel()
				for at := 0; ; at++ {
					b := newBench(t, airbytesim.Options{Seed: int64(at)})
					s.before(b)
					b.bystander()
					untouched := b.bystanders()
					fault := loss.fault
					fault.Skip = at
					if _, err := b.sim.AddFault(fault); err != nil {
						t.Fatal(err)
					}
					b.memory.dies = loss.dies
					err := s.act(b)
					b.memory.dies = false
					if len(b.sim.Faults()) > 0 { // there are no more calls to lose
						if err != nil || at == 0 {
							t.Fatalf("call %d: %v", at, err)
						}
						return
					}
					if err != nil {
						b.again(s.act)
					}
					if diff := cmp.Diff(untouched, b.bystanders(), asSeen); diff != "" {
						t.Errorf("call %d: somebody else's entities were touched\n%s", at, diff)
					}
					b.only = orders().Component.Digest()
					s.check(b)
					if t.Failed() {
						t.Fatalf("call %d", at)
					}
				}
			})
		}
	}
}

var errCrash = errors.New("the process died here")

// TestCrashAtEveryRecord ends the process between Airbyte's answer and our
// record of it, at each record in turn.
func TestCrashAtEveryRecord(t *testing.T) {
	t.Parallel()
	for _, s := range stories() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				b := newBench(t, airbytesim.Options{Seed: int64(at)})
				s.before(b)
				b.memory.writes = 0
				b.memory.fails = func(n int) error {
					if n >= at {
						return errCrash
					}
					return nil
				}
				err := s.act(b)
				b.memory.fails = nil
				if err == nil {
					if at == 1 {
						t.Skip("nothing is recorded")
					}
					return
				}
				if !errors.Is(err, errCrash) {
					t.Fatalf("record %d: %v", at, err)
				}
				b.again(s.act)
				s.check(b)
				if t.Failed() {
					t.Fatalf("record %d", at)
				}
			}
		})
	}
}

// TestMemoryLost forgets all that is remembered: everything is found again by the digest.
func TestMemoryLost(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	source, destination, connection := b.one()
	b.memory.values = map[string][]byte{}
	b.provision(orders())
	if diff := cmp.Diff([]string{"destinations/update", "sources/update"}, b.writes()); diff != "" {
		t.Errorf("what is not known is sent once\n%s", diff)
	}
	s, d, c := b.one()
	if diff := cmp.Diff([]string{source.ID, destination.ID, connection.ID}, []string{s.ID, d.ID, c.ID}); diff != "" {
		t.Error(diff)
	}
	b.unchanged(orders())
}

// bystander makes another component's entities with the same names.
func (b *bench) bystander() {
	b.t.Helper()
	b.provision(other())
}

// bystanders are the entities of the other component.
func (b *bench) bystanders() live {
	b.only = other().Component.Digest()
	defer func() { b.only = "" }()
	return b.live()
}

// other is another component with the same names.
func other() workload.Work {
	work := orders()
	work.Component = workload.NewComponent("urn:dmb:cmp:sales:orders:0:other", "test")
	return work
}

// TestCreateThatActsLate lets a create act when its attempt is long over and the
// next one has already looked.
func TestCreateThatActsLate(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"sources/create", "destinations/create", "connections/create"} {
		for how, dies := range map[string]bool{"cancelled": false, "died": true} {
			t.Run(operation+"/"+how, func(t *testing.T) {
				t.Parallel()
				actsLate(t, operation, dies)
			})
		}
	}
}

func actsLate(t *testing.T, operation string, dies bool) {
	t.Helper()
	b := newBench(t, airbytesim.Options{})
	b.sim.HoldNext(operation, false)
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	b.memory.dies = dies
	go func() { first <- second(b.r.Provision().Perform(ctx, orders(), b.attempt())) }()
	must(t, 0, b.sim.WaitHeld(t.Context(), operation, 1))
	for _, other := range []string{"sources/create", "destinations/create"} {
		if other != operation { // that one is not to be late as well
			must(t, 0, b.sim.WaitFinished(t.Context(), other, 1))
		}
	}
	cancel()
	if err := <-first; err == nil {
		t.Fatal("a cancelled attempt succeeded")
	}
	b.memory.dies = false
	late := b.sim.Held()[0].Seq

	b.sim.HoldNext(operation, false)
	again := make(chan error, 1)
	go func() { again <- second(b.r.Provision().Perform(t.Context(), orders(), b.attempt())) }()
	must(t, 0, b.sim.WaitHeld(t.Context(), operation, 2))
	b.sim.Release(operation, late)
	must(t, 0, b.sim.WaitActed(t.Context(), operation, 1))
	b.sim.Release(operation, 0)
	must(t, 0, <-again)
	if operation == "connections/create" { // which is looked for at the next provisioning
		b.provision(orders())
	}
	b.one()
	b.unchanged(orders())
}

// TestAWriteThatNobodyHeardOf acts in Airbyte while its worker dies. The operation
// never gets another attempt, and the next one must not go by what was known before.
func TestAWriteThatNobodyHeardOf(t *testing.T) {
	t.Parallel()
	syncing := func(prefix string) workload.Work {
		w := orders()
		w.Connection.Prefix, w.Connection.SyncOnProvision = prefix, true
		return w
	}
	rotated := orders()
	rotated.Source.Configuration["password"] = "${secret:ROTATED}"
	renamed := orders()
	renamed.Destination.DefinitionID, renamed.Destination.Configuration = localJSON, map[string]any{"destination_path": "/json_data"}
	renamed.Connection.Name = "Another"
	for name, tt := range map[string]struct {
		before, dying, after workload.Work
		lost                 string // the call that nobody heard of
		want                 []string
	}{
		"a secret is put back":  {orders(), rotated, orders(), "sources/update", []string{"sources/update"}},
		"a sync is still due":   {orders(), syncing("raw_"), syncing("raw_"), "connections/update", []string{"connections/sync"}},
		"a connection is found": {orders(), renamed, orders(), "connections/create", []string{"connections/delete", "destinations/delete", "destinations/update"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(tt.before)
			b.fault(airbytesim.Fault{Operation: tt.lost, Do: airbytesim.DoDrop, Acts: true})
			b.memory.dies = true
			_ = b.failure(second(b.try(tt.dying)))
			b.memory.dies = false
			b.provision(tt.after)
			if diff := cmp.Diff(tt.want, b.writes()); diff != "" {
				t.Errorf("%s\n%s", diff, b.log())
			}
			b.one()
		})
	}
}

// TestAnIntentThatWasNotBegun fails before what was intended: nothing is left open by it.
func TestAnIntentThatWasNotBegun(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	work := orders()
	work.Connection.SyncOnProvision = true
	b.provision(work)
	wrong := orders()
	wrong.Connection.SyncOnProvision = true
	wrong.Destination.Configuration["host"] = "x.invalid"
	if failure := b.failure(second(b.try(wrong))); failure.Code != workload.CodeCheck {
		t.Fatal(failure.Text())
	}
	b.unchanged(work)
}
