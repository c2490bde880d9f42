package reconcile

import (
	"context"
	"slices"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"
)

// Rehearsal goes through a provision and changes nothing: neither Airbyte nor
// what is remembered. Its steps are apart, so that one which finds something
// wrong does not keep the others from being taken. Check, Discover, Streams and
// Plan come after Configure; steps of the source and of the destination may run
// side by side. Errors are as a provision's.
type Rehearsal struct {
	session             *session
	source, destination wantedActor
	discovery           *airbyte.Discovery
}

// Rehearse begins a rehearsal.
func (r *Reconciler) Rehearse(ctx context.Context, work workload.Work, attempt workload.Attempt) (*Rehearsal, error) {
	s, err := r.frozen().begin(ctx, work, attempt)
	if err != nil {
		return nil, err
	}
	// What a rehearsal has found is remembered nowhere: another attempt would check all of it again.
	s.places.patience = s.PollInterval
	s.settle(moves)
	return &Rehearsal{session: s}, nil
}

// Located is the workspace in which a component was last provisioned; empty
// when none is remembered.
func (r *Reconciler) Located(ctx context.Context, component workload.Component) (string, error) {
	ledger, _, err := openLedger(ctx, r.Memory, component)
	if err != nil {
		return "", err
	}
	return ledger.look().WorkspaceID, nil
}

// Workspace proves the credentials and that the workspace is there.
func (r *Rehearsal) Workspace(ctx context.Context) error {
	s := r.session
	workspace, err := s.client.GetWorkspace(ctx, s.workspace)
	if err != nil {
		return s.failed(workload.PhaseObserve, "The Airbyte workspace of this environment could not be read", err)
	}
	if workspace.Tombstone {
		return &workload.Failure{
			Code: workload.CodeRefused, Phase: workload.PhaseObserve,
			Message:   "The Airbyte workspace of this environment (" + s.workspace + ") has been deleted.",
			Solutions: []string{"Ask the operators of the Airbyte provisioner to name another workspace for this environment in its settings."},
		}
	}
	return nil
}

// Configure finds an actor's connector, makes its final configuration and
// checks it with the connector's specification.
func (r *Rehearsal) Configure(ctx context.Context, kind airbyte.ActorKind) error {
	return r.session.lookingUp(func() error { return r.configure(ctx, kind) })
}

func (r *Rehearsal) configure(ctx context.Context, kind airbyte.ActorKind) error {
	s := r.session
	w, err := s.wantActor(ctx, kind)
	*r.wanted(kind) = w
	if missing, ok := secretFailure(err); ok {
		return both(err, r.besides(ctx, w, missing))
	}
	if err != nil {
		return err
	}
	if err := s.complete(ctx, &w); err != nil {
		return err
	}
	*r.wanted(kind) = w
	return nil
}

// besides is what is wrong with a configuration besides its secrets that cannot
// be had, so that it is told too.
func (r *Rehearsal) besides(ctx context.Context, w wantedActor, missing *workload.Failure) error {
	s, phase := r.session, phaseOf(w.kind)
	spec, err := s.specification(ctx, w.kind, w.definitionID)
	if err != nil {
		return s.failed(phase, "The specification of the "+string(w.kind)+"'s connector could not be read", err)
	}
	own, err := spec.parsed()
	if err != nil {
		return inPhase(err, phase)
	}
	_, failure := s.Catalog.Configuration(ctx, s.input(w.kind, catalog.Forgiving(s.Secrets)), own)
	if failure == nil {
		return nil
	}
	if failure.Code != workload.CodeInvalid {
		return failure
	}
	others := *failure
	others.Problems = slices.DeleteFunc(slices.Clone(failure.Problems), func(p workload.Problem) bool {
		return slices.ContainsFunc(missing.Problems, func(m workload.Problem) bool { return m.Path == p.Path })
	})
	if len(others.Problems) == 0 {
		return nil
	}
	return &others
}

// Check has Airbyte check the connection of an actor that is not stored.
func (r *Rehearsal) Check(ctx context.Context, kind airbyte.ActorKind) error {
	return r.session.check(ctx, *r.wanted(kind))
}

// Discover reads the schema of the source that is not stored.
func (r *Rehearsal) Discover(ctx context.Context) error {
	s := r.session
	s.log(workload.Info, workload.PhaseDiscovery, "Reading the source's schema; this may take minutes.")
	var found airbyte.Discovery
	err := s.slow(ctx, func() (err error) {
		found, err = s.client.DiscoverUnsaved(ctx, r.source.actor(s.workspace))
		return err
	})
	if err != nil {
		return s.failed(workload.PhaseDiscovery, "The source's schema could not be read", err)
	}
	r.discovery = &found
	s.log(workload.Info, workload.PhaseDiscovery, "The source has %s.", count(len(found.Catalog.Streams), "stream"))
	return nil
}

// Streams holds the wanted streams against what was discovered, where there is no plan.
func (r *Rehearsal) Streams(ctx context.Context) error {
	s := r.session
	if r.discovery == nil {
		return nil
	}
	d := &draft{}
	s.wantConnection(d)
	pick := selection{
		discovered: r.discovery.Catalog.Streams, modes: r.modes(ctx),
		wishes: s.work.Connection.Streams, namespace: d.wanted.connection.namespacing(),
	}
	_, problems := pick.choose()
	return streamFailure(problems)
}

// modes are the destination's sync modes; none where they cannot be told, which
// Configure has said then.
func (r *Rehearsal) modes(ctx context.Context) []string {
	if r.destination.definitionID == "" {
		return nil
	}
	spec, err := r.session.specification(ctx, airbyte.Destination, r.destination.definitionID)
	if err != nil {
		return nil
	}
	return spec.DestinationSyncModes
}

// Plan observes and plans, with what Discover found where the plan asks for a
// discovery. A failure that is about the streams alone comes with the plan.
func (r *Rehearsal) Plan(ctx context.Context) (Plan, error) {
	s := r.session
	d := &draft{wanted: wanted{workspace: s.workspace, source: r.source, destination: r.destination}}
	if err := s.plan(ctx, d); err != nil {
		return Plan{}, err
	}
	if r.discovery == nil {
		return d.plan, nil
	}
	if d.plan.of(Discovery).Action == Run {
		_, err := s.planStreams(d, r.discovery, r.modes(ctx))
		return d.plan, err
	}
	_, problems := s.selection(d, r.discovery, r.modes(ctx)).choose()
	return d.plan, streamFailure(problems)
}

func (r *Rehearsal) wanted(kind airbyte.ActorKind) *wantedActor {
	if kind == airbyte.Source {
		return &r.source
	}
	return &r.destination
}
