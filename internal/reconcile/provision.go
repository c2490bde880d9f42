package reconcile

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/stack"
	"airbyte-provisioner/internal/workload"
)

// provision brings Airbyte to what the work wants.
func (r *Reconciler) provision(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
	s, err := r.begin(ctx, work, attempt)
	if err != nil {
		return workload.Outcome{}, err
	}
	defer s.ledger.end(ctx)
	left := s.settle(moves)
	d, err := s.draft(ctx)
	if err != nil {
		return workload.Outcome{}, err
	}
	s.logPlan(d.plan)
	s.own(d)
	if err := s.act(ctx, d); err != nil {
		return workload.Outcome{}, err
	}
	stays, err := s.leaveFormer(ctx)
	if err != nil {
		return workload.Outcome{}, err
	}
	if err := s.sync(ctx, d); err != nil {
		return workload.Outcome{}, err
	}
	if len(s.ledger.look().Former) > 0 { // until now: another attempt would have to tell what stays, too
		s.ledger.note(func(k *known) { k.Former = nil })
	}
	if d.observed.listed {
		s.ledger.note(func(k *known) { k.Large = len(d.observed.connections) > fewConnections })
	}
	return s.outcome(d, append(left, stays...)), nil
}

// draft is what is wanted, what was observed, and the plan that follows.
type draft struct {
	wanted     wanted
	observed   *observed
	choice     choice
	connection *airbyte.Connection // the component's, as it was read; nil when there is none
	plan       Plan
	before     known // what was known before the writes were intended

	// What came of acting on the plan.
	source, destination, joined string // ids
	done                        []Entry
}

// seed is what is known, or, where nothing is, what the descriptor's privateInfo
// proves to be known.
func (s *session) seed(k known) known {
	p := s.work.Previous
	if k.WorkspaceID != "" || p == nil || p.WorkspaceID == "" || !s.signed() {
		return k
	}
	k.WorkspaceID = strings.ToLower(p.WorkspaceID)
	k.Source = knownActor{ID: p.SourceID, Prints: getPrints(p.Fingerprints, Source)}
	k.Destination = knownActor{ID: p.DestinationID, Prints: getPrints(p.Fingerprints, Destination)}
	k.Connection.ID = p.ConnectionID
	return k
}

// draft observes and plans, and changes nothing in Airbyte.
func (s *session) draft(ctx context.Context) (d *draft, err error) {
	err = s.lookingUp(func() error {
		d, err = s.outline(ctx)
		return err
	})
	return d, err
}

func (s *session) outline(ctx context.Context) (*draft, error) {
	d := &draft{wanted: wanted{workspace: s.workspace}}
	var errSource, errDestination error
	d.wanted.source, errSource = s.wantActor(ctx, airbyte.Source)
	d.wanted.destination, errDestination = s.wantActor(ctx, airbyte.Destination)
	if err := both(errSource, errDestination); err != nil {
		return nil, err
	}
	if err := s.plan(ctx, d); err != nil {
		return nil, err
	}
	return d, nil
}

// plan observes and plans for the source and destination that are wanted.
func (s *session) plan(ctx context.Context, d *draft) (err error) {
	d.observed, d.choice, err = s.observe(ctx, map[airbyte.ActorKind]string{
		airbyte.Source: d.wanted.source.definitionID, airbyte.Destination: d.wanted.destination.definitionID,
	})
	if err != nil {
		return err
	}
	if err := s.refuseOtherConnector(d.choice, d.wanted); err != nil {
		return err
	}
	if err := s.readConnection(ctx, d); err != nil {
		return err
	}
	if err := s.completeBoth(ctx, d); err != nil {
		return err
	}
	s.wantConnection(d)
	d.plan = decide(d.wanted, d.choice, d.connection, s.here())
	return nil
}

// own takes down what is ours, before anything is written: after half of the
// work it could no longer be told from what people made, by name or by digest.
func (s *session) own(d *draft) {
	k := s.here()
	if d.connection != nil && d.connection.ID != k.Connection.ID {
		k.Connection = knownConnection{ID: d.connection.ID, Name: d.connection.Name}
	}
	for _, e := range d.plan.Entries {
		if e.Action == Delete {
			k.leave(e.Entity, e.ID)
		}
	}
	s.ledger.adjust(k)
}

// readConnection reads the component's connection, unless that was done already.
func (s *session) readConnection(ctx context.Context, d *draft) (err error) {
	c := d.choice.connection
	switch {
	case c == nil:
	case d.observed.read != nil && d.observed.read.ID == c.ID:
		d.connection = d.observed.read
	default:
		d.connection, err = s.connection(ctx, c.ID)
	}
	return s.failed(workload.PhaseObserve, "The connection could not be read", err)
}

// completeBoth adds the configurations of what is not just as it was last written.
func (s *session) completeBoth(ctx context.Context, d *draft) error {
	k := s.here()
	complete := func(w *wantedActor, current *found) error {
		if w.configuration != nil || settled(*w, current, k) && current.Name == w.name {
			return nil
		}
		return s.complete(ctx, w)
	}
	return parallel(
		func() error { return complete(&d.wanted.source, d.choice.source) },
		func() error { return complete(&d.wanted.destination, d.choice.destination) },
	)
}

// parallel runs two branches side by side and tells of both their failures.
func parallel(a, b func() error) error {
	ended := make(chan error, 1)
	go func() { ended <- caught(a)() }()
	second := b()
	return both(<-ended, second)
}

// caught makes a branch's panic its error: on a goroutine of its own it would
// end the worker, and with it everybody else's work.
func caught(branch func() error) func() error {
	return func() (err error) {
		stack.Grow()
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v\n%s", p, debug.Stack()) // for the log: it is no Failure
			}
		}()
		return branch()
	}
}

// wantConnection says what connection is wanted. Its streams are those of the
// last discovery, of which only the fingerprint is kept, until one is made.
func (s *session) wantConnection(d *draft) {
	d.wanted.connection = wantedConnection{
		shape: wantedShape(s.work.Connection), wishes: s.keyed.of("wishes", s.work.Connection.Streams),
		rediscover: s.work.Connection.Rediscover, sync: s.work.Connection.SyncOnProvision, hash: s.keyed.of,
	}
}

// logPlan tells what is going to be done.
func (s *session) logPlan(p Plan) {
	for _, note := range p.Notes {
		s.log(workload.Warning, workload.PhasePlan, note)
	}
	if p.Empty() {
		s.log(workload.Info, workload.PhasePlan, "Nothing needs to be changed.")
		return
	}
	for _, e := range p.Entries {
		s.log(workload.Info, workload.PhasePlan, "Plan: "+e.String())
	}
}

// now is the time as it is remembered and told: in whole seconds of UTC.
func (s *session) now() time.Time { return s.Now().UTC().Truncate(time.Second) }
