package reconcile

import (
	"context"
	"fmt"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// adopt finds what is to be taken over: exactly the connection that the
// descriptor names, or, once, entities that the old provisioner made under the
// plain name.
func (s *session) adopt(ctx context.Context, o *observed, definitions map[airbyte.ActorKind]string) error {
	if s.work.Adopt != "" {
		return s.adoptConnection(ctx, o, strings.ToLower(s.work.Adopt))
	}
	if !s.Adopt {
		return nil
	}
	for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
		if len(o.actors(kind)) > 0 {
			continue // it has its own already
		}
		if err := s.adoptNamed(ctx, o, kind, definitions[kind]); err != nil {
			return err
		}
	}
	return nil
}

// adoptNamed takes over the one source or destination with exactly the plain
// name and the connector that is wanted.
func (s *session) adoptNamed(ctx context.Context, o *observed, kind airbyte.ActorKind, definition string) error {
	name := s.actorWork(kind).Name
	if name == "" || definition == "" {
		return nil
	}
	listed, err := s.client.ListActors(ctx, kind, s.workspace, name)
	if err != nil {
		return err
	}
	var matching []airbyte.Actor
	for _, a := range listed {
		if a.Name == name && ownerOf(a.Name) == "" && a.DefinitionID == definition {
			matching = append(matching, a)
		}
	}
	switch len(matching) {
	case 0:
	case 1:
		old, err := s.whole(ctx, matching[0])
		if err != nil {
			return err
		}
		o.note("The %s %s (%s) of the old provisioner is taken over.", kind, quoted(name), old.ID)
		o.add(kind, adopted(s.found(old)))
	default:
		o.note("There are %d %ss with the name %s, so none can be taken over: a new one is made.", len(matching), kind, quoted(name))
	}
	return nil
}

func (o *observed) add(kind airbyte.ActorKind, f found) {
	switch {
	case has(o.actors(kind), f.ID):
	case kind == airbyte.Source:
		o.sources = append(o.sources, f)
	default:
		o.destinations = append(o.destinations, f)
	}
}

// adoptConnection takes over a connection with its source and destination.
func (s *session) adoptConnection(ctx context.Context, o *observed, id string) error {
	if o.read != nil && o.read.ID == id && has(o.sources, o.read.SourceID) && has(o.destinations, o.read.DestinationID) {
		o.adopted = id // it is ours already
		return nil
	}
	c, err := s.client.GetConnection(ctx, id)
	if airbyte.NotFound(err) {
		return adoptFailure("There is no connection "+id+" in Airbyte.", "Correct specific.adopt.connectionId.")
	}
	if err != nil {
		return err
	}
	if c.WorkspaceID != "" && !strings.EqualFold(c.WorkspaceID, s.workspace) {
		return adoptFailure("The connection "+id+" is in another workspace than this environment's.", "Correct specific.adopt.connectionId, or the environment's workspace in the settings.")
	}
	if c.Deleted() {
		o.note("The connection %s, which was to be taken over, has been deleted: what is missing is made anew.", id)
		return nil
	}
	for kind, actor := range map[airbyte.ActorKind]string{airbyte.Source: c.SourceID, airbyte.Destination: c.DestinationID} {
		if err := s.adoptActor(ctx, o, kind, actor); err != nil {
			return err
		}
	}
	o.adopted, o.read = id, &c
	return nil
}

func (s *session) adoptActor(ctx context.Context, o *observed, kind airbyte.ActorKind, id string) error {
	if has(o.actors(kind), id) {
		return nil
	}
	a, alive, err := s.alive(ctx, kind, id)
	if err != nil {
		return err
	}
	if !alive {
		return adoptFailure(fmt.Sprintf("The %s of the connection to be taken over has been deleted.", kind), "Remove specific.adopt to have new entities made.")
	}
	if owner := ownerOf(a.Name); owner != "" && owner != s.digest {
		return adoptFailure(fmt.Sprintf("The %s %s of the connection to be taken over belongs to another component.", kind, quoted(a.Name)),
			"Correct specific.adopt.connectionId, or unprovision the component that owns the connection first.")
	}
	o.add(kind, adopted(s.found(a)))
	return nil
}

// refuseOtherConnector keeps a take-over from becoming a replacement.
func (s *session) refuseOtherConnector(c choice, w wanted) error {
	for _, pair := range []struct {
		current *found
		wanted  wantedActor
	}{{c.source, w.source}, {c.destination, w.destination}} {
		if pair.current != nil && pair.current.Adopted && pair.current.DefinitionID != pair.wanted.definitionID {
			return adoptFailure(fmt.Sprintf("The %s %s is to be taken over, but it has another connector than the descriptor wants.", pair.wanted.kind, quoted(pair.current.Name)),
				fmt.Sprintf("Set specific.%s.definitionId to %s, or do not take the entity over.", pair.wanted.kind, pair.current.DefinitionID))
		}
	}
	return nil
}

func adoptFailure(message, solution string) *workload.Failure {
	return &workload.Failure{Code: workload.CodeConflict, Phase: workload.PhaseObserve, Message: message, Solutions: []string{solution}}
}

func adopted(f found) found {
	f.Adopted = true
	return f
}
