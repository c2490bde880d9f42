package reconcile

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"path"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"
)

// wantActor says what source or destination is wanted, as far as that can be
// told without the connector's specification.
func (s *session) wantActor(ctx context.Context, kind airbyte.ActorKind) (wantedActor, error) {
	actor, phase := s.actorWork(kind), phaseOf(kind)
	w := wantedActor{kind: kind, name: actorName(actor.Name, s.digest), connector: actor.Connector}
	definition, err := s.definitionOf(ctx, kind, actor)
	if err != nil {
		return w, s.failed(phase, "The connector of the "+string(kind)+" could not be found", err)
	}
	w.definitionID = definition
	draft, failure := s.Catalog.Draft(ctx, s.input(kind, s.Secrets))
	if failure != nil && failure.Code == workload.CodeSecret {
		return w, failure
	}
	w.draft = draft
	s.secrets.Add(draft.Revealed...)
	if failure == nil {
		w.marks.Wanted = s.keyed.of(string(kind)+" wanted", []any{definition, draft.Configuration})
	}
	return w, nil
}

// input is what the configuration of the work's source or destination is made from.
func (s *session) input(kind airbyte.ActorKind, secrets catalog.Secrets) catalog.Input {
	return catalog.Input{
		Role: catalog.Role(kind), Actor: s.actorWork(kind), Component: s.work.Component, DataProduct: s.work.DataProduct,
		Secrets: secrets, Adopted: s.work.Adopt != "",
	}
}

func (s *session) actorWork(kind airbyte.ActorKind) workload.Actor {
	if kind == airbyte.Source {
		return s.work.Source
	}
	return s.work.Destination
}

// complete adds the configuration, checked with the connector's specification.
func (s *session) complete(ctx context.Context, w *wantedActor) error {
	phase := phaseOf(w.kind)
	spec, err := s.specification(ctx, w.kind, w.definitionID)
	if hasClass(err, airbyte.ClassNotFound) {
		if s.recalled(w.kind) == w.definitionID {
			return &gone{w.kind}
		}
		return unknownDefinition(w.kind, w.definitionID)
	}
	if err != nil {
		return s.failed(phase, "The specification of the "+string(w.kind)+"'s connector could not be read", err)
	}
	own, err := spec.parsed()
	if err != nil {
		return inPhase(err, phase)
	}
	final, failure := w.draft.Final(ctx, own)
	if failure != nil {
		return failure
	}
	s.secrets.Add(final.Revealed...)
	for _, warning := range final.Warnings {
		s.log(workload.Warning, phase, "%s", warning)
	}
	if masked(final.Configuration) {
		return maskFailure(w.kind, masks("", final.Configuration))
	}
	w.configuration, w.secrets = final.Configuration, slices.Sorted(maps.Keys(final.Secrets))
	if len(w.secrets) > 0 {
		w.marks.Secrets = s.keyed.of(string(w.kind)+" secrets", valuesAt(w.configuration, w.secrets))
	}
	return nil
}

func unknownDefinition(kind airbyte.ActorKind, id string) error {
	return &workload.Failure{
		Code: workload.CodeInvalid, Phase: phaseOf(kind),
		Message:   fmt.Sprintf("The Airbyte workspace has no %s connector with the definition id %s.", kind, id),
		Problems:  []workload.Problem{{Path: "specific." + string(kind) + ".definitionId", Message: "is " + id + ", which the Airbyte workspace does not have; expected the id of one of its connectors"}},
		Solutions: []string{"Correct specific." + string(kind) + ".connector or definitionId, or ask the platform team to add the connector to the workspace."},
	}
}

// maskFailure refuses to send what Airbyte shows instead of a secret.
func maskFailure(kind airbyte.ActorKind, hidden []string) error {
	failure := &workload.Failure{
		Code: workload.CodeInvalid, Phase: phaseOf(kind),
		Message:   "The configuration of the " + string(kind) + " holds asterisks, as Airbyte shows them, instead of a secret.",
		Solutions: []string{"Write the secret itself as a reference such as ${secret:NAME}."},
	}
	for _, at := range hidden {
		failure.Problems = append(failure.Problems, workload.Problem{
			Path: "specific." + string(kind) + ".connectionConfiguration." + at, Message: "expected a reference to a secret, found asterisks",
		})
	}
	return failure
}

// definitionOf returns the definition id of an actor's connector, from the
// descriptor, the catalogue, what is known, or the workspace's own list.
func (s *session) definitionOf(ctx context.Context, kind airbyte.ActorKind, actor workload.Actor) (string, error) {
	if id := s.Catalog.DefinitionID(catalog.Role(kind), actor); id != "" {
		return strings.ToLower(id), nil
	}
	if id := s.recalled(kind); id != "" {
		return id, nil
	}
	definitions, err := s.client.ListDefinitions(ctx, kind, s.workspace)
	if err != nil {
		return "", err
	}
	return definitionNamed(kind, actor.Connector, definitions, s.Catalog.Names(catalog.Role(kind)))
}

// recalled is the definition id that the actor's connector had when it was last
// looked up by its name; empty when it was not.
func (s *session) recalled(kind airbyte.ActorKind) string {
	k, actor := s.ledger.look(), s.actorWork(kind)
	last := k.actor(kind)
	if last.Connector != actor.Connector || k.WorkspaceID != s.workspace || s.Catalog.DefinitionID(catalog.Role(kind), actor) != "" {
		return ""
	}
	return last.DefinitionID
}

// gone tells that the workspace no longer has a connector under the id that is
// recalled: it may have another one by now.
type gone struct{ kind airbyte.ActorKind }

func (g *gone) Error() string { return "the recalled connector of the " + string(g.kind) + " is gone" }

// lookingUp runs again what met a connector that is gone, without what is recalled of it.
func (s *session) lookingUp(run func() error) error {
	for {
		err := run()
		var lost *gone
		if !errors.As(err, &lost) {
			return err
		}
		k := s.ledger.look()
		k.actor(lost.kind).DefinitionID = ""
		s.ledger.adjust(k)
	}
}

// definitionNamed finds a connector by the last part of its image's name, or by its name in Airbyte.
func definitionNamed(kind airbyte.ActorKind, connector string, definitions []airbyte.Definition, names []string) (string, error) {
	var ids []string
	for _, d := range definitions {
		image := path.Base(d.DockerRepository)
		names = append(names, image)
		if strings.EqualFold(image, connector) || strings.EqualFold(d.Name, connector) {
			ids = append(ids, d.ID)
		}
	}
	if len(ids) == 1 {
		return strings.ToLower(ids[0]), nil
	}
	failure := &workload.Failure{
		Code: workload.CodeInvalid, Phase: workload.PhaseObserve,
		Message:   fmt.Sprintf("The Airbyte workspace has %d %s connectors %s.", len(ids), kind, quoted(connector)),
		Solutions: []string{"Correct specific." + string(kind) + ".connector, or name the connector's id in specific." + string(kind) + ".definitionId."},
	}
	problem := fmt.Sprintf("is %s, of which the Airbyte workspace has %d; expected definitionId to say which", quoted(connector), len(ids))
	if len(ids) == 0 {
		failure.Message = fmt.Sprintf("There is no %s connector %s.", kind, quoted(connector))
		problem = fmt.Sprintf("is %s, which neither the catalogue nor the Airbyte workspace has", quoted(connector))
		slices.Sort(names)
		problem += hint(connector, slices.Compact(names))
	}
	failure.Problems = []workload.Problem{{Path: "specific." + string(kind) + ".connector", Message: problem}}
	return "", failure
}
