package airbyte

import (
	"bytes"
	"context"
	"encoding/json"
	"strings"
)

// ActorKind says which of Airbyte's two sorts of actor is meant.
type ActorKind string

// The kinds of actor.
const (
	Source      ActorKind = "source"
	Destination ActorKind = "destination"
)

// path is an operation on actors of this kind, such as "sources/create".
func (k ActorKind) path(verb string) string { return string(k) + "s/" + verb }

// idField is "sourceId" or "destinationId".
func (k ActorKind) idField() string { return string(k) + "Id" }

// definitionIDField is "sourceDefinitionId" or "destinationDefinitionId".
func (k ActorKind) definitionIDField() string { return string(k) + "DefinitionId" }

// kindOf is the kind of actor that an operation is about.
func kindOf(operation string) ActorKind {
	if strings.HasPrefix(operation, string(Source)) {
		return Source
	}
	return Destination
}

// Actor is a source or a destination.
type Actor struct {
	Kind         ActorKind
	ID           string
	DefinitionID string // which connector it is
	WorkspaceID  string
	Name         string
	// Configuration is connectionConfiguration. Reads give secrets as a mask of
	// asterisks and numbers as json.Number.
	Configuration map[string]any
}

// IsMask reports whether a value of a configuration is what Airbyte shows instead of a secret.
func IsMask(value any) bool {
	text, ok := value.(string)
	return ok && len(text) >= 5 && strings.Trim(text, "*") == ""
}

// configuration is never null in a request: the API requires an object.
func configuration(c map[string]any) map[string]any {
	if c == nil {
		return map[string]any{}
	}
	return c
}

// CreateActor creates a source or destination from everything in the actor but
// its id. It is not idempotent: two calls make two entities.
func (c *Client) CreateActor(ctx context.Context, actor Actor) (Actor, error) {
	return c.actor(ctx, actor.Kind, "create", map[string]any{
		"workspaceId":                  actor.WorkspaceID,
		actor.Kind.definitionIDField(): actor.DefinitionID,
		"name":                         actor.Name,
		"connectionConfiguration":      configuration(actor.Configuration),
	})
}

// UpdateActor replaces the name and the whole configuration of the actor with
// this kind and id. A secret given as Airbyte's mask stays as it is stored.
func (c *Client) UpdateActor(ctx context.Context, actor Actor) (Actor, error) {
	return c.actor(ctx, actor.Kind, "update", map[string]any{
		actor.Kind.idField():      actor.ID,
		"name":                    actor.Name,
		"connectionConfiguration": configuration(actor.Configuration),
	})
}

// GetActor reads a source or destination. Airbyte answers for a deleted one
// too, and nothing in the answer tells: only [Client.ListActors] does.
func (c *Client) GetActor(ctx context.Context, kind ActorKind, id string) (Actor, error) {
	return c.actor(ctx, kind, "get", map[string]any{kind.idField(): id})
}

// DeleteActor deletes a source or destination; Airbyte then deprecates its connections.
func (c *Client) DeleteActor(ctx context.Context, kind ActorKind, id string) error {
	return c.send(ctx, kind.path("delete"), map[string]any{kind.idField(): id})
}

func (c *Client) actor(ctx context.Context, kind ActorKind, verb string, body map[string]any) (Actor, error) {
	got, err := post[wireActor](ctx, c, kind.path(verb), body)
	if err != nil {
		return Actor{}, err
	}
	return got.actor(kind), nil
}

// wireActor is SourceRead and DestinationRead in one.
type wireActor struct {
	SourceID                string  `json:"sourceId"`
	DestinationID           string  `json:"destinationId"`
	SourceDefinitionID      string  `json:"sourceDefinitionId"`
	DestinationDefinitionID string  `json:"destinationDefinitionId"`
	WorkspaceID             string  `json:"workspaceId"`
	Name                    *string `json:"name"`
	Configuration           object  `json:"connectionConfiguration"`
}

// object is one whose numbers may be larger than a float64 can hold.
type object map[string]any

// UnmarshalJSON leaves numbers as they are written.
func (o *object) UnmarshalJSON(raw []byte) error {
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	return decoder.Decode((*map[string]any)(o))
}

// The name says whose it is, and the definition whether it is replaced: neither
// may be taken for empty.
func (w *wireActor) verify(operation string) error {
	kind := kindOf(operation)
	switch a := w.actor(kind); {
	case a.ID == "":
		return lacks("a " + kind.idField())
	case a.DefinitionID == "":
		return lacks("a " + kind.definitionIDField())
	case w.Name == nil:
		return lacks("the name of a " + string(kind))
	}
	return nil
}

func (w *wireActor) actor(kind ActorKind) Actor {
	a := Actor{Kind: kind, WorkspaceID: w.WorkspaceID, Configuration: w.Configuration}
	if w.Name != nil {
		a.Name = *w.Name
	}
	if kind == Source {
		a.ID, a.DefinitionID = w.SourceID, w.SourceDefinitionID
	} else {
		a.ID, a.DefinitionID = w.DestinationID, w.DestinationDefinitionID
	}
	return a
}

// CheckActor has Airbyte's connector check a configuration that need not be
// stored: definition, workspace and configuration of the actor count, and its id,
// if it has one, says whose stored secrets a mask stands for. It returns nil
// when the check succeeded and a *JobFailure when it did not. It starts a
// container: seconds to many minutes.
func (c *Client) CheckActor(ctx context.Context, actor Actor) error {
	_, err := post[wireCheck](ctx, c, "scheduler/"+actor.Kind.path("check_connection"), coreConfig(actor))
	return err
}

// coreConfig is the body of the scheduler's calls.
func coreConfig(actor Actor) map[string]any {
	body := map[string]any{
		"workspaceId":                  actor.WorkspaceID,
		actor.Kind.definitionIDField(): actor.DefinitionID,
		"connectionConfiguration":      configuration(actor.Configuration),
	}
	if actor.ID != "" {
		body[actor.Kind.idField()] = actor.ID
	}
	return body
}

// Definition is a connector as a workspace has it.
type Definition struct {
	Kind             ActorKind
	ID               string
	Name             string
	DockerRepository string // such as "airbyte/source-postgres"
	DockerImageTag   string
}

// GetDefinition reads the connector that a workspace has under a definition id.
func (c *Client) GetDefinition(ctx context.Context, kind ActorKind, workspaceID, definitionID string) (Definition, error) {
	got, err := post[wireDefinition](ctx, c, string(kind)+"_definitions/get_for_workspace", map[string]any{
		"workspaceId":            workspaceID,
		kind.definitionIDField(): definitionID,
	})
	if err != nil {
		return Definition{}, err
	}
	return got.definition(kind), nil
}

// ListDefinitions lists the connectors that a workspace can use.
func (c *Client) ListDefinitions(ctx context.Context, kind ActorKind, workspaceID string) ([]Definition, error) {
	got, err := post[wireDefinitions](ctx, c, string(kind)+"_definitions/list_for_workspace", map[string]any{
		"workspaceId": workspaceID,
	})
	if err != nil {
		return nil, err
	}
	wire := got.of(kind)
	all := make([]Definition, 0, len(wire))
	for i := range wire {
		all = append(all, wire[i].definition(kind))
	}
	return all, nil
}

// wireDefinition is SourceDefinitionRead and DestinationDefinitionRead in one.
type wireDefinition struct {
	SourceDefinitionID      string `json:"sourceDefinitionId"`
	DestinationDefinitionID string `json:"destinationDefinitionId"`
	Name                    string `json:"name"`
	DockerRepository        string `json:"dockerRepository"`
	DockerImageTag          string `json:"dockerImageTag"`
}

func (w *wireDefinition) verify(operation string) error {
	if kind := kindOf(operation); w.definition(kind).ID == "" {
		return lacks("a " + kind.definitionIDField())
	}
	return nil
}

func (w *wireDefinition) definition(kind ActorKind) Definition {
	d := Definition{
		Kind: kind, ID: w.SourceDefinitionID, Name: w.Name,
		DockerRepository: w.DockerRepository, DockerImageTag: w.DockerImageTag,
	}
	if kind == Destination {
		d.ID = w.DestinationDefinitionID
	}
	return d
}

// wireDefinitions is SourceDefinitionReadList and DestinationDefinitionReadList in one.
type wireDefinitions struct {
	Sources      []wireDefinition `json:"sourceDefinitions"`
	Destinations []wireDefinition `json:"destinationDefinitions"`
}

func (w *wireDefinitions) of(kind ActorKind) []wireDefinition {
	if kind == Source {
		return w.Sources
	}
	return w.Destinations
}

func (w *wireDefinitions) verify(operation string) error {
	wire := w.of(kindOf(operation))
	if wire == nil {
		return lacks("a list of definitions")
	}
	for i := range wire {
		if err := wire[i].verify(operation); err != nil {
			return err
		}
	}
	return nil
}

// Specification says what a connector must be given.
type Specification struct {
	// Schema is connectionSpecification, a JSON Schema.
	Schema json.RawMessage
	// DestinationSyncModes is supportedDestinationSyncModes; nil for sources.
	DestinationSyncModes []string
}

// GetSpecification reads the specification of a connector in a workspace.
func (c *Client) GetSpecification(ctx context.Context, kind ActorKind, workspaceID, definitionID string) (Specification, error) {
	got, err := post[wireSpecification](ctx, c, string(kind)+"_definition_specifications/get", map[string]any{
		"workspaceId":            workspaceID,
		kind.definitionIDField(): definitionID,
	})
	if err != nil {
		return Specification{}, err
	}
	return Specification{Schema: got.Schema, DestinationSyncModes: got.SyncModes}, nil
}

// wireSpecification is the two kinds' SpecificationRead in one.
type wireSpecification struct {
	Schema    json.RawMessage `json:"connectionSpecification"`
	SyncModes []string        `json:"supportedDestinationSyncModes"`
	JobInfo   *wireJobInfo    `json:"jobInfo"`
}

func (w *wireSpecification) verify(operation string) error {
	if absent(w.Schema) {
		return w.JobInfo.failureOr(operation, lacks("a connectionSpecification"))
	}
	return nil
}

// absent reports whether a raw value is missing or null.
func absent(raw json.RawMessage) bool { return len(raw) == 0 || string(raw) == "null" }
