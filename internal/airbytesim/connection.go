package airbytesim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// kept are the fields of a connection that the simulator only stores, with
// what they read as when they were never written.
var kept = map[string]any{
	"operationIds": []any{}, "resourceRequirements": nil, "destinationCatalogId": nil, "dataplaneGroupId": nil,
	"notifySchemaChanges": false, "notifySchemaChangesByEmail": false, "nonBreakingChangesPreference": "ignore",
	"backfillPreference": "disabled", "tags": []any{}, "onDemandEnabled": false,
}

// connection finds one, deprecated ones too; mu is held.
func (s *Sim) connection(id string) (*Connection, error) {
	c, ok := s.world.connections[id]
	if !ok {
		return nil, notFound("STANDARD_SYNC", id)
	}
	return c, nil
}

// createConnection is connections/create. It does not mind deleted actors (trap 3).
func createConnection(s *Sim, c *call) (any, error) {
	source, err := s.actor(Source, c.id("sourceId"))
	if err != nil {
		return nil, err
	}
	destination, err := s.actor(Destination, c.id("destinationId"))
	if err != nil {
		return nil, err
	}
	if source.WorkspaceID != destination.WorkspaceID {
		return nil, opaque("source and destination are in different workspaces")
	}
	connection := &Connection{
		Name: source.Name + " <> " + destination.Name, WorkspaceID: source.WorkspaceID, SourceID: source.ID,
		DestinationID: destination.ID, NamespaceDefinition: "source", Status: c.text("status"), ScheduleType: "manual",
		State: map[string]StreamState{}, Other: map[string]any{}, CreatedAt: s.now(),
	}
	if err := s.scheduleNew(connection, c.body); err != nil {
		return nil, err
	}
	if err := s.patch(connection, c.body); err != nil {
		return nil, err
	}
	connection.ID = s.newID()
	s.join(connection)
	return s.readConnection(connection), nil
}

// join makes a connection known; mu is held.
func (s *Sim) join(c *Connection) {
	s.world.connections[c.ID] = c
	s.world.order = append(s.world.order, c.ID)
	s.world.joined[c.SourceID] = append(s.world.joined[c.SourceID], c.ID)
	s.world.joined[c.DestinationID] = append(s.world.joined[c.DestinationID], c.ID)
}

// updateConnection is connections/update: a patch, in which null means "as it is" (trap 7).
func updateConnection(s *Sim, c *call) (any, error) {
	stored, err := s.connection(c.id("connectionId"))
	if err != nil {
		return nil, err
	}
	if err := locked409(stored); err != nil {
		return nil, err
	}
	patched := *stored
	patched.Other, patched.State = maps.Clone(stored.Other), maps.Clone(stored.State)
	if err := s.reschedule(&patched, c.body); err != nil {
		return nil, err
	}
	if err := s.patch(&patched, c.body); err != nil {
		return nil, err
	}
	patched.forget(stored)
	if b, ok := c.body["breakingChange"].(bool); ok {
		patched.BreakingChange = b
	}
	patched.Updates++
	*stored = patched
	return s.readConnection(stored), nil
}

// locked409 refuses to touch a locked connection (trap 9).
func locked409(c *Connection) error {
	if c.Status != "locked" {
		return nil
	}
	return typed(http.StatusConflict, "error:connection/locked", "Connection is locked",
		"This connection is locked. Contact support.", map[string]any{"connectionId": c.ID, "statusReason": nil})
}

// patch writes the fields that a request holds. mu is held; an error leaves the connection unusable.
func (s *Sim) patch(c *Connection, body map[string]any) error {
	if catalog, ok := body["syncCatalog"].(map[string]any); ok {
		streams, err := s.configured(catalog)
		if err != nil {
			return err
		}
		c.Streams = streams
	}
	if id, ok := body["sourceCatalogId"].(string); ok {
		if _, known := s.world.catalogs[strings.ToLower(id)]; !known {
			return opaque("violates foreign key constraint \"connection_source_catalog_id_fkey\"")
		}
		c.SourceCatalogID = strings.ToLower(id)
	}
	if err := s.tagsExist(body["tags"], c.WorkspaceID); err != nil {
		return err
	}
	if text, ok := body["name"].(string); ok {
		c.Name = text
	}
	if text, ok := body["status"].(string); ok {
		c.Status = text
	}
	if text, ok := body["namespaceDefinition"].(string); ok {
		c.NamespaceDefinition = text
	}
	if text, ok := body["namespaceFormat"].(string); ok {
		c.NamespaceFormat = &text
	}
	if text, ok := body["prefix"].(string); ok {
		c.Prefix = &text
	}
	for field := range kept {
		if value := body[field]; value != nil {
			c.Other[field] = value
		}
	}
	return nil
}

// forget drops the state of streams whose sync mode changed; all other state stays (trap 8).
func (c *Connection) forget(before *Connection) {
	modes := map[string]any{}
	for _, stream := range before.Streams {
		modes[stream.key()] = stream.Config["syncMode"]
	}
	for _, stream := range c.Streams {
		if mode, known := modes[stream.key()]; known && stream.selected() && mode != stream.Config["syncMode"] {
			delete(c.State, stream.key())
		}
	}
}

// readConnection is a ConnectionRead (trap 13).
func (s *Sim) readConnection(c *Connection) map[string]any {
	body := map[string]any{
		"connectionId": c.ID, "name": c.Name, "sourceId": c.SourceID, "destinationId": c.DestinationID,
		"workspaceId": c.WorkspaceID, "status": c.Status, "namespaceDefinition": c.NamespaceDefinition,
		"syncCatalog": map[string]any{"streams": c.readStreams()}, "scheduleType": c.ScheduleType,
		"breakingChange": c.BreakingChange, "created_at": c.CreatedAt.Unix(),
	}
	if c.NamespaceFormat != nil {
		body["namespaceFormat"] = *c.NamespaceFormat
	}
	if c.Prefix != nil {
		body["prefix"] = *c.Prefix
	}
	if c.SourceCatalogID != "" {
		body["sourceCatalogId"] = c.SourceCatalogID
	}
	if c.ScheduleData != nil {
		body["scheduleData"] = c.ScheduleData
		if basic, ok := c.ScheduleData["basicSchedule"]; ok {
			body["schedule"] = basic // the legacy form, still answered
		}
	}
	for field, missing := range kept {
		if value, written := c.Other[field]; written {
			body[field] = value
		} else if missing != nil {
			body[field] = missing
		}
	}
	return body
}

func getConnection(s *Sim, c *call) (any, error) {
	connection, err := s.connection(c.id("connectionId"))
	if err != nil {
		return nil, err
	}
	return s.readConnection(connection), nil
}

// listConnections is connections/list, which hides deprecated ones, or, with all, list_all. Neither has pages (trap 1).
func listConnections(all bool) handler {
	return func(s *Sim, c *call) (any, error) {
		workspace := c.id("workspaceId")
		if _, err := s.workspace(workspace); err != nil {
			return nil, err
		}
		reads := []any{}
		for _, id := range s.world.order {
			connection := s.world.connections[id]
			if connection.WorkspaceID == workspace && (all || connection.Status != "deprecated") {
				reads = append(reads, s.readConnection(connection))
			}
		}
		return map[string]any{"connections": reads}, nil
	}
}

func deleteConnection(s *Sim, c *call) (any, error) {
	connection, err := s.connection(c.id("connectionId"))
	if err != nil {
		return nil, err
	}
	s.deprecate(connection)
	return nil, nil //nolint:nilnil // no body: the answer is 204
}

// deprecate is what deleting means for a connection; its running job ends.
func (s *Sim) deprecate(c *Connection) {
	c.Status = "deprecated"
	if job := s.running(c.ID); job != nil {
		s.finish(job, "cancelled")
	}
}

// SetStatus sets a connection's status as the platform itself does, for example
// to locked, which no caller can undo (trap 9).
func (s *Sim) SetStatus(connectionID, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, err := s.connection(strings.ToLower(connectionID))
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"active", "inactive", "deprecated", "locked"}, status) {
		return badRequest("no such status: %s", status)
	}
	c.Status = status
	return nil
}
