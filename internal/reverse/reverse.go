package reverse

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/mishap"
	"airbyte-provisioner/internal/workload"
)

// Options are what a Performer needs.
type Options struct {
	Airbyte *airbyte.Client
	// Workspace is the workspace of every environment that Workspaces does not have.
	Workspace string
	// Workspaces are the workspaces of environments.
	Workspaces map[string]string
	// ConnectorName is the catalogue's name of a connector definition, "" for one
	// that it does not have. Nil knows none.
	ConnectorName func(definitionID string) string
	// Completed is what provisioning would make of a configuration: with the
	// catalogue's defaults, derived values and settings, but with place-holders
	// left as they are. An error means that it cannot be told. Nil tells nothing.
	Completed func(ctx context.Context, kind airbyte.ActorKind, actor workload.Actor, specification json.RawMessage) (map[string]any, error)
}

// Performer carries out reverse provisioning. It is safe for concurrent use.
type Performer struct{ options Options }

// New returns a Performer. It opens nothing.
func New(options Options) *Performer {
	if options.ConnectorName == nil {
		options.ConnectorName = func(string) string { return "" }
	}
	return &Performer{options: options}
}

// session is one attempt's work.
type session struct {
	*Performer
	airbyte   *airbyte.Client // asks the attempt before each call
	workspace string
}

// Perform reads the connection that work.Reverse means; Outcome.Updates holds
// paths of catalog-info.yaml and their values. Errors are a *workload.Failure
// or what attempt.Holds returned.
func (p *Performer) Perform(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
	if work.Reverse == nil {
		return workload.Outcome{}, errors.New("reverse: the work holds no request")
	}
	environment := work.Component.Environment
	s := &session{
		Performer: p, airbyte: p.options.Airbyte.Guarded(attempt.Holds),
		workspace: strings.ToLower(cmp.Or(p.options.Workspaces[environment], p.options.Workspace)),
	}
	if s.workspace == "" {
		return workload.Outcome{}, mishap.NoWorkspace(workload.PhaseObserve, environment)
	}
	found, err := s.find(ctx, *work.Reverse)
	if err != nil {
		return workload.Outcome{}, err
	}
	attempt.Log(workload.Info, workload.PhaseObserve, fmt.Sprintf("The connection is %s.", found.ID))
	return s.read(ctx, found, *work.Reverse)
}

// read reads a connection with its source and destination and renders them.
func (s *session) read(ctx context.Context, found airbyte.ConnectionSummary, asked workload.ReverseRequest) (workload.Outcome, error) {
	c, err := s.airbyte.GetConnection(ctx, found.ID)
	if err != nil {
		return workload.Outcome{}, failed(err, "Reading the connection")
	}
	if c.Deleted() {
		return workload.Outcome{}, s.undecided(asked, nil, nil)
	}
	u := &updates{values: map[string]any{}, present: asked.Present}
	h := hiding{known: asked.Placeholders}
	actors := map[airbyte.ActorKind]airbyte.Actor{}
	for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
		id := c.SourceID
		if kind == airbyte.Destination {
			id = c.DestinationID
		}
		actor, err := s.airbyte.GetActor(ctx, kind, id)
		if err != nil {
			return workload.Outcome{}, failed(err, fmt.Sprintf("Reading the %s", kind))
		}
		specification, err := s.airbyte.GetSpecification(ctx, kind, s.workspace, actor.DefinitionID)
		if err != nil {
			return workload.Outcome{}, failed(err, fmt.Sprintf("Reading which fields of the %s are secret", kind))
		}
		configuration, err := h.actor(actor, specification)
		if err != nil {
			return workload.Outcome{}, err
		}
		connector := s.options.ConnectorName(actor.DefinitionID)
		u.actor(actor, connector, configuration)
		s.foresee(ctx, u, kind, workload.Actor{
			Name: plain(actor.Name), Connector: connector, DefinitionID: actor.DefinitionID, Configuration: configuration,
		}, specification.Schema)
		actors[kind] = actor
	}
	u.connection(c)
	return u.outcome(c, actors[airbyte.Source], actors[airbyte.Destination], h.names), nil
}

// foresee notes what the next provisioning changes because the catalogue says
// so, whatever the descriptor holds.
func (s *session) foresee(ctx context.Context, u *updates, kind airbyte.ActorKind, actor workload.Actor, specification json.RawMessage) {
	if s.options.Completed == nil {
		return
	}
	completed, err := s.options.Completed(ctx, kind, actor, specification)
	if err != nil {
		return // provisioning will say what is wrong; it is no fault of this reading
	}
	if paths := differences(configurationPath(string(kind)), actor.Configuration, completed); len(paths) > 0 {
		u.note("The next provisioning will change %s, since the catalogue or the platform's settings decide these fields.", strings.Join(paths, ", "))
	}
}

// failed says what a call to Airbyte ran into; doing is what was being done.
func failed(err error, doing string) error {
	return mishap.Of(workload.PhaseObserve, doing+" failed", err)
}
