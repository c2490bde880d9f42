package airbytesim

import "strings"

// side holds the words in which the API speaks of sources or of destinations.
type side struct {
	kind         Kind
	id           string // the field of its id
	definitionID string // the field of its definition's id
	name         string // the field of its definition's name
	list         string // the field of a list
}

var sides = map[Kind]side{
	Source:      {Source, "sourceId", "sourceDefinitionId", "sourceName", "sources"},
	Destination: {Destination, "destinationId", "destinationDefinitionId", "destinationName", "destinations"},
}

// actor finds a source or destination, deleted ones too; mu is held.
func (s *Sim) actor(kind Kind, id string) (*Actor, error) {
	a, ok := s.world.actors[id]
	if !ok || a.Kind != kind {
		what := map[Kind]string{Source: "SOURCE_CONNECTION", Destination: "DESTINATION_CONNECTION"}[kind]
		return nil, notFound(what, id)
	}
	return a, nil
}

// create is {sources,destinations}/create: not idempotent, names need not be unique (trap 2).
func (side side) create(s *Sim, c *call) (any, error) {
	workspace := c.id("workspaceId")
	if _, err := s.workspace(workspace); err != nil {
		return nil, err
	}
	d, err := s.definition(side.kind, c.id(side.definitionID), workspace)
	if err != nil {
		return nil, err
	}
	configuration, _ := c.body["connectionConfiguration"].(map[string]any)
	if err := d.validate(configuration); err != nil {
		return nil, err
	}
	return s.readActor(s.addActor(side.kind, workspace, d.ID, c.text("name"), configuration)), nil
}

// addActor stores a new entity; mu is held.
func (s *Sim) addActor(kind Kind, workspace, definition, name string, configuration map[string]any) *Actor {
	s.world.lastActor++
	a := &Actor{
		Kind: kind, ID: s.newID(), DefinitionID: definition, WorkspaceID: workspace, Configuration: configuration,
		CreatedAt: s.now(), number: s.world.lastActor,
	}
	a.rename(name)
	s.world.actors[a.ID] = a
	return a
}

// readActor is a SourceRead or a DestinationRead, with its secrets masked (trap 5). A
// deleted one reads like any other (trap 3).
func (s *Sim) readActor(a *Actor) map[string]any {
	side := sides[a.Kind]
	d := s.world.definitions[a.DefinitionID]
	status := "inactive"
	connections := 0
	for _, id := range s.world.joined[a.ID] {
		switch s.world.connections[id].Status {
		case "active":
			status = "active"
			connections++
		case "deprecated":
		default:
			connections++
		}
	}
	return map[string]any{
		side.id: a.ID, side.definitionID: a.DefinitionID, "workspaceId": a.WorkspaceID, "name": a.Name,
		side.name: d.Name, "connectionConfiguration": d.masked(a.Configuration), "createdAt": a.CreatedAt.Unix(),
		"isVersionOverrideApplied": false, "isEntitled": true, "supportState": "supported", "status": status,
		"numConnections": connections,
	}
}

func (side side) get(s *Sim, c *call) (any, error) {
	a, err := s.actor(side.kind, c.id(side.id))
	if err != nil {
		return nil, err
	}
	return s.readActor(a), nil
}

// alive finds one that may be updated; updating a deleted one is an opaque 500 (trap 3).
func (side side) alive(s *Sim, c *call) (*Actor, *definition, error) {
	id := c.id(side.id)
	if id == "" { // destinations/partial_update does not require it, and stumbles
		return nil, nil, opaque("Parameter specified as non-null is null: %s", side.id)
	}
	a, err := s.actor(side.kind, id)
	if err != nil {
		return nil, nil, err
	}
	if a.Deleted {
		return nil, nil, opaque("%s %s is tombstoned", side.kind, id)
	}
	return a, s.world.definitions[a.DefinitionID], nil
}

// update is {sources,destinations}/update: the whole configuration is replaced. A mask
// keeps the stored secret, a secret left out is dropped (trap 5).
func (side side) update(s *Sim, c *call) (any, error) {
	a, d, err := side.alive(s, c)
	if err != nil {
		return nil, err
	}
	wanted, _ := c.body["connectionConfiguration"].(map[string]any)
	configuration := d.unmasked(wanted, a.Configuration)
	if err := d.validate(configuration); err != nil {
		return nil, err
	}
	a.rename(c.text("name"))
	a.Configuration = configuration
	a.Updates++
	return s.readActor(a), nil
}

// partialUpdate merges, keeps what is left out, and stores a mask literally (trap 5).
func (side side) partialUpdate(s *Sim, c *call) (any, error) {
	a, d, err := side.alive(s, c)
	if err != nil {
		return nil, err
	}
	partial, _ := c.body["connectionConfiguration"].(map[string]any)
	configuration := merged(a.Configuration, partial)
	if err := d.validate(configuration); err != nil {
		return nil, err
	}
	if name := c.text("name"); name != "" {
		a.rename(name)
	}
	a.Configuration = configuration
	a.Updates++
	return s.readActor(a), nil
}

// delete is soft and cascades: the connections become deprecated (trap 3).
func (side side) delete(s *Sim, c *call) (any, error) {
	a, err := s.actor(side.kind, c.id(side.id))
	if err != nil {
		return nil, err
	}
	a.Deleted = true
	for _, id := range s.world.joined[a.ID] {
		s.deprecate(s.world.connections[id])
	}
	return nil, nil //nolint:nilnil // no body: the answer is 204
}

// workspace finds a workspace; mu is held.
func (s *Sim) workspace(id string) (*Workspace, error) {
	w, ok := s.world.workspaces[id]
	if !ok {
		return nil, notFound("STANDARD_WORKSPACE", id)
	}
	return w, nil
}

// getWorkspace is workspaces/get.
func getWorkspace(s *Sim, c *call) (any, error) {
	w, err := s.workspace(c.id("workspaceId"))
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"workspaceId": w.ID, "customerId": w.OrganizationID, "name": w.Name, "slug": w.Slug,
		"organizationId": w.OrganizationID, "initialSetupComplete": true, "displaySetupWizard": false,
		"anonymousDataCollection": false, "news": false, "securityUpdates": false, "notifications": []any{},
		"email": "admin@example.com", "tombstone": false,
	}, nil
}

// instanceConfiguration tells which edition this is.
func instanceConfiguration(s *Sim, _ *call) (any, error) {
	mode := "none"
	if s.options.Auth.Mode == AuthBasic || s.options.Auth.Mode == AuthClient {
		mode = "simple"
	}
	w := s.world.workspaces[s.defaultWorkspace()]
	return map[string]any{
		"edition": s.behavior.edition(), "version": "2.0.1", "licenseStatus": "pro", "auth": map[string]any{"mode": mode},
		"airbyteUrl": "http://localhost:8000", "initialSetupComplete": true, "defaultUserId": s.world.admin,
		"defaultOrganizationId": w.OrganizationID, "defaultOrganizationEmail": "admin@example.com",
		"defaultWorkspaceId": w.ID, "trackingStrategy": "logging",
	}, nil
}

func health(*Sim, *call) (any, error) { return map[string]any{"available": true}, nil }

func (s *Sim) defaultWorkspace() string {
	if len(s.options.WorkspaceIDs) == 0 {
		return DefaultWorkspace
	}
	return strings.ToLower(s.options.WorkspaceIDs[0])
}
