package airbytesim

import (
	"crypto/sha256"
	"slices"
)

// discovered is one result of a discovery.
type discovered struct {
	catalogID string
	streams   []any
}

// discoverStored is sources/discover_schema: cached by configuration (trap 10).
func discoverStored(s *Sim, c *call) (any, error) {
	s.mu.Lock()
	t, err := sides[Source].stored(s, c)
	var connection *Connection
	if id := c.id("connectionId"); err == nil && id != "" {
		connection, err = s.connectionOf(id, t.actor)
	}
	if err != nil {
		s.mu.Unlock()
		return nil, err
	}
	key := t.actor.ID + "\x00" + t.definition.DockerImageTag + "\x00" + fingerprint(t.configuration)
	found, cached := s.world.cache[key]
	s.mu.Unlock()
	if cached && !c.flag("disable_cache") && c.failure == nil {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.discovery(t, found, connection), nil
	}
	// The job goes on although its caller may be gone: the result is in the cache when it asks again.
	s.wait(c.ctx, s.traffic.latency(c.op))
	s.mu.Lock()
	defer s.mu.Unlock()
	found, failed := s.discover(c, t)
	if failed != nil {
		return failed, nil
	}
	s.world.cache[key] = found
	return s.discovery(t, found, connection), nil
}

// discoverUnsaved is scheduler/sources/discover_schema: it runs every time.
func discoverUnsaved(s *Sim, c *call) (any, error) {
	s.mu.Lock()
	t, err := sides[Source].unsaved(s, c)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	s.wait(c.ctx, s.traffic.latency(c.op))
	s.mu.Lock()
	defer s.mu.Unlock()
	found, failed := s.discover(c, t)
	if failed != nil {
		return failed, nil
	}
	return s.discovery(t, found, nil), nil
}

// discover runs the job: a result, or the 200 that tells of its failure (trap 4). mu is held.
func (s *Sim) discover(c *call, t *target) (discovered, map[string]any) {
	s.world.discoveries++
	failure := c.failure
	if failure == nil {
		failure = trouble(t.configuration)
	}
	if failure != nil {
		reason := s.reason(failure, "source", t.definition, t.configuration)
		return discovered{}, map[string]any{"jobInfo": s.jobInfo("discover_schema", t.definition.ID, reason)}
	}
	catalog := s.catalogOf(t.definition, t.actor, t.configuration)
	streams := catalog.discoveredStreams()
	found := discovered{catalogID: s.catalogID(streams), streams: streams}
	s.world.catalogs[found.catalogID] = catalog
	return found, nil
}

// catalogID is the id under which a catalog is kept: one that was discovered
// before keeps the id that it got then. mu is held.
func (s *Sim) catalogID(streams []any) string {
	content := sha256.Sum256([]byte(fingerprint(map[string]any{"streams": streams})))
	id, known := s.world.catalogIDs[content]
	if !known {
		id = s.newID()
		s.world.catalogIDs[content] = id
	}
	return id
}

// discovery is the answer of a discovery that went well. mu is held.
func (s *Sim) discovery(t *target, found discovered, connection *Connection) map[string]any {
	body := map[string]any{
		"catalog": map[string]any{"streams": found.streams}, "catalogId": found.catalogID,
		"jobInfo": s.jobInfo("discover_schema", t.definition.ID, nil),
	}
	if connection != nil {
		breaking := s.compare(connection, s.world.catalogs[found.catalogID])
		body["breakingChange"] = breaking
		body["catalogDiff"] = map[string]any{"transforms": s.transforms(connection, s.world.catalogs[found.catalogID])}
		body["connectionStatus"] = connection.Status
	}
	return body
}

// connectionOf finds a connection of the source; another source's is an opaque 500.
func (s *Sim) connectionOf(id string, source *Actor) (*Connection, error) {
	c, err := s.connection(id)
	if err != nil {
		return nil, err
	}
	if c.SourceID != source.ID {
		return nil, opaque("connection %s does not belong to source %s", id, source.ID)
	}
	return c, nil
}

// compare disables the connection when a selected stream lost its cursor or its key (trap 10).
func (s *Sim) compare(connection *Connection, catalog Catalog) bool {
	breaking := slices.ContainsFunc(connection.Streams, func(stream Stream) bool {
		return stream.selected() && stream.brokenBy(catalog)
	})
	if breaking {
		connection.BreakingChange = true
		if connection.Status == "active" {
			connection.Status = "inactive"
		}
	}
	return breaking
}

func (c Catalog) find(stream Stream) *CatalogStream {
	name, _ := stream.Stream["name"].(string)
	namespace, _ := stream.Stream["namespace"].(string)
	for i := range c.Streams {
		if c.Streams[i].Name == name && c.Streams[i].Namespace == namespace {
			return &c.Streams[i]
		}
	}
	return nil
}

func (s Stream) brokenBy(catalog Catalog) bool {
	now := catalog.find(s)
	if now == nil {
		return false // a stream that is gone breaks nothing: the others go on
	}
	fields := now.fields()
	var needed []any
	cursor, _ := s.Config["cursorField"].([]any)
	if s.Config["syncMode"] == "incremental" && len(cursor) > 0 {
		needed = append(needed, cursor[0])
	}
	keys, _ := s.Config["primaryKey"].([]any)
	for _, key := range keys {
		if path, _ := key.([]any); len(path) > 0 {
			needed = append(needed, path[0])
		}
	}
	return slices.ContainsFunc(needed, func(field any) bool {
		name, _ := field.(string)
		return !fields[name]
	})
}

// transforms tell which streams came and went since the connection was written.
func (s *Sim) transforms(connection *Connection, catalog Catalog) []any {
	transforms := []any{}
	known := map[string]bool{}
	for _, stream := range connection.Streams {
		known[stream.key()] = true
		if catalog.find(stream) == nil {
			transforms = append(transforms, transform("remove_stream", stream.Stream["name"], stream.Stream["namespace"]))
		}
	}
	for _, stream := range catalog.Streams {
		key := Stream{Stream: map[string]any{"name": stream.Name, "namespace": stream.Namespace}}.key()
		if !known[key] {
			transforms = append(transforms, transform("add_stream", stream.Name, stream.Namespace))
		}
	}
	return transforms
}

func transform(kind string, name, namespace any) map[string]any {
	descriptor := map[string]any{"name": name}
	if namespace != nil && namespace != "" {
		descriptor["namespace"] = namespace
	}
	return map[string]any{"transformType": kind, "streamDescriptor": descriptor}
}
