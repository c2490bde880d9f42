package reconcile

import (
	"context"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"

	"golang.org/x/sync/errgroup"
)

// fewConnections is the size of a workspace up to which its connections are
// listed even where nothing hangs on it, to name those that people made with
// our entities. The list has no pages and holds every catalog, so in a large
// workspace it is only asked for where it decides something.
const fewConnections = 500

// observe reads what Airbyte holds of the component. The definitions are those
// wanted; none means that all of it is to be removed.
func (s *session) observe(ctx context.Context, definitions map[airbyte.ActorKind]string) (*observed, choice, error) {
	o := &observed{workspace: s.workspace}
	if err := s.look(ctx, o); err != nil {
		return nil, choice{}, s.failed(workload.PhaseObserve, "What Airbyte holds of this component could not be read", err)
	}
	if definitions != nil {
		if err := s.adopt(ctx, o, definitions); err != nil {
			return nil, choice{}, s.failed(workload.PhaseObserve, "The entities to be taken over could not be read", err)
		}
	}
	h := hints{
		source: definitions[airbyte.Source], destination: definitions[airbyte.Destination],
		connectionName: s.work.Connection.Name, known: s.here(), previous: s.previous(),
	}
	if !o.listed && (definitions == nil && len(o.sources)+len(o.destinations) > 0 || needsConnections(o, h)) {
		if err := s.listConnections(ctx, o); err != nil {
			return nil, choice{}, s.failed(workload.PhaseObserve, "The connections of the workspace could not be read", err)
		}
	}
	c := choose(o, h)
	for _, note := range o.notes {
		s.log(workload.Warning, workload.PhaseObserve, note)
	}
	return o, c, nil
}

// here is what is known of the component in this session's workspace.
func (s *session) here() known {
	k := s.ledger.look()
	if k.WorkspaceID != "" && k.WorkspaceID != s.workspace {
		return known{WorkspaceID: s.workspace}
	}
	return k
}

// look reads sources, destinations and the connection that is known, side by side.
func (s *session) look(ctx context.Context, o *observed) error {
	k := s.here()
	group, ctx := errgroup.WithContext(ctx)
	var sources, destinations observed // apart: two goroutines write notes
	group.Go(caught(func() (err error) {
		sources.sources, err = s.ours(ctx, &sources, airbyte.Source)
		return err
	}))
	group.Go(caught(func() (err error) {
		destinations.destinations, err = s.ours(ctx, &destinations, airbyte.Destination)
		return err
	}))
	if id := s.knownConnection(); id != "" {
		group.Go(caught(func() (err error) {
			o.read, err = s.connection(ctx, id)
			return err
		}))
		if !k.Large {
			group.Go(caught(func() error { return s.listConnections(ctx, o) }))
		}
	}
	if err := group.Wait(); err != nil {
		return err
	}
	o.sources, o.destinations = sources.sources, destinations.destinations
	o.notes = slices.Concat(sources.notes, destinations.notes)
	if o.read != nil && !has(o.sources, o.read.SourceID) && !has(o.destinations, o.read.DestinationID) {
		o.read = nil // not of our entities: whatever told us its id was wrong
	}
	return nil
}

// knownConnection is the id to try first; what it is will be seen from what it
// joins. One that anybody may have written is not even read: a call that fails
// because of it would stop the component for good.
func (s *session) knownConnection() string {
	if id := s.here().Connection.ID; id != "" {
		return id
	}
	if p := s.work.Previous; p != nil && s.signed() && (p.WorkspaceID == "" || strings.EqualFold(p.WorkspaceID, s.workspace)) {
		return strings.ToLower(p.ConnectionID)
	}
	return ""
}

// connection reads a connection; nil when it is gone.
func (s *session) connection(ctx context.Context, id string) (*airbyte.Connection, error) {
	c, err := s.client.GetConnection(ctx, id)
	switch {
	case airbyte.NotFound(err):
		return nil, nil //nolint:nilnil // gone is an answer
	case err != nil:
		return nil, err
	case c.Deleted() || c.WorkspaceID != "" && !strings.EqualFold(c.WorkspaceID, s.workspace):
		return nil, nil //nolint:nilnil // gone is an answer
	}
	return &c, nil
}

// listConnections lists the live connections of the workspace.
func (s *session) listConnections(ctx context.Context, o *observed) error {
	all, err := s.client.ListConnections(ctx, s.workspace)
	if err != nil {
		return err
	}
	o.listed = true
	o.connections = slices.DeleteFunc(all, func(c airbyte.ConnectionSummary) bool { return c.Status == airbyte.StatusDeprecated })
	return nil
}

// needsConnections reports whether something hangs on which connections there are.
func needsConnections(o *observed, h hints) bool {
	if len(o.sources) == 0 && len(o.destinations) == 0 {
		return false
	}
	one := len(o.sources) == 1 && len(o.destinations) == 1
	taken := func(f found) bool { return f.Adopted }
	switch {
	case slices.ContainsFunc(o.sources, taken) || slices.ContainsFunc(o.destinations, taken):
		return true
	case len(o.sources) > 1 || len(o.destinations) > 1 || h.known.pending(Connection):
		return true
	case h.source != "" && len(o.sources) == 1 && o.sources[0].DefinitionID != h.source,
		h.destination != "" && len(o.destinations) == 1 && o.destinations[0].DefinitionID != h.destination:
		return true // something is replaced, and what else uses it decides whether it may go
	}
	return one && (o.read == nil || o.read.SourceID != o.sources[0].ID || o.read.DestinationID != o.destinations[0].ID)
}

// ours lists the component's own sources or destinations: those that carry its
// digest, and those whose ids we know although somebody renamed them.
func (s *session) ours(ctx context.Context, o *observed, kind airbyte.ActorKind) ([]found, error) {
	listed, err := s.client.ListActors(ctx, kind, s.workspace, searchTerm(s.digest))
	if err != nil {
		return nil, err
	}
	var all []found
	for _, a := range listed {
		if ownerOf(a.Name) != s.digest {
			continue
		}
		if a, err = s.whole(ctx, a); err != nil {
			return nil, err
		}
		all = append(all, s.found(a))
	}
	k := s.here()
	for _, id := range append([]string{k.actor(kind).ID}, k.Leftovers[Entity(kind)]...) {
		if id == "" || has(all, id) {
			continue
		}
		if all, err = s.recover(ctx, o, kind, id, all); err != nil {
			return nil, err
		}
	}
	id, trusted := s.previousActor(kind)
	switch {
	case id == "" || has(all, id) || id == k.actor(kind).ID:
	case len(all) > 0:
		o.note("privateInfo names the %s %s, but this component's is %s: that one counts.", kind, id, all[0].ID)
	case !trusted:
		o.note("privateInfo names the %s %s, which does not carry this component's digest and whose id is not signed by this provisioner: it is left alone.", kind, id)
	default:
		return s.recover(ctx, o, kind, id, all)
	}
	return all, nil
}

// previousActor is the id in the descriptor's privateInfo, and whether it is
// proved to be one that we gave out.
func (s *session) previousActor(kind airbyte.ActorKind) (id string, trusted bool) {
	p := s.work.Previous
	if p == nil || p.WorkspaceID != "" && !strings.EqualFold(p.WorkspaceID, s.workspace) {
		return "", false
	}
	id = p.SourceID
	if kind == airbyte.Destination {
		id = p.DestinationID
	}
	return strings.ToLower(id), s.signed()
}

func (s *session) signed() bool {
	return s.former || s.work.Previous != nil && s.keyed.signed(*s.work.Previous)
}

// previous are the ids in the descriptor's privateInfo, if they are proved to be ours.
func (s *session) previous() []string {
	p := s.work.Previous
	if p == nil || !s.signed() {
		return nil
	}
	ids := []string{strings.ToLower(p.SourceID), strings.ToLower(p.DestinationID), strings.ToLower(p.ConnectionID)}
	return slices.DeleteFunc(ids, func(id string) bool { return id == "" })
}

// recover looks for an entity that we know by its id only: it is ours if it is
// alive, in this workspace, and not another component's.
func (s *session) recover(ctx context.Context, o *observed, kind airbyte.ActorKind, id string, all []found) ([]found, error) {
	a, alive, err := s.alive(ctx, kind, id)
	if err != nil || !alive {
		return all, err
	}
	if owner := ownerOf(a.Name); owner != "" && owner != s.digest {
		o.note("The %s %s (%s), which was this component's, now carries another component's digest: it is left alone.", kind, quoted(a.Name), id)
		return all, nil
	}
	o.note("The %s %s was renamed to %s by somebody; it is known by its id.", kind, id, quoted(a.Name))
	return append(all, s.found(a)), nil
}

// alive reads an actor by its id. That it answers says nothing: only the list
// tells whether it was deleted.
func (s *session) alive(ctx context.Context, kind airbyte.ActorKind, id string) (airbyte.Actor, bool, error) {
	a, err := s.client.GetActor(ctx, kind, id)
	if airbyte.NotFound(err) {
		return a, false, nil
	}
	if err != nil {
		return a, false, err
	}
	if a.WorkspaceID != "" && !strings.EqualFold(a.WorkspaceID, s.workspace) {
		return a, false, nil
	}
	listed, err := s.client.ListActors(ctx, kind, s.workspace, a.Name)
	if err != nil {
		return a, false, err
	}
	for _, other := range listed {
		if other.ID == id {
			other, err = s.whole(ctx, other)
			return other, err == nil, err
		}
	}
	return a, false, nil
}

// whole is a listed actor with its configuration, which some servers leave out of lists.
func (s *session) whole(ctx context.Context, a airbyte.Actor) (airbyte.Actor, error) {
	if a.Configuration != nil {
		return a, nil
	}
	return s.client.GetActor(ctx, a.Kind, a.ID)
}

func (s *session) found(a airbyte.Actor) found {
	return found{Actor: a, readHash: s.readPrint(a.Kind, a.Configuration)}
}
