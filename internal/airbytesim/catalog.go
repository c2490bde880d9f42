package airbytesim

import (
	"encoding/json"
	"slices"
	"strings"
)

// Catalog is what a source holds. A stream needs at least a name; what its config
// leaves out is filled with discovery's defaults.
type Catalog struct {
	Streams []CatalogStream `json:"streams"`
}

// CatalogStream is one stream of a Catalog.
type CatalogStream struct {
	Name                    string          `json:"name"`
	Namespace               string          `json:"namespace,omitempty"`
	JSONSchema              json.RawMessage `json:"jsonSchema,omitempty"` // none: an id and an updated_at
	SupportedSyncModes      []string        `json:"supportedSyncModes,omitempty"`
	SourceDefinedCursor     bool            `json:"sourceDefinedCursor,omitempty"`
	DefaultCursorField      []string        `json:"defaultCursorField,omitempty"`
	SourceDefinedPrimaryKey [][]string      `json:"sourceDefinedPrimaryKey,omitempty"`
}

// columns makes a jsonSchema from "name:type" words.
func columns(words ...string) json.RawMessage {
	properties := map[string]any{}
	for _, word := range words {
		name, kind, _ := strings.Cut(word, ":")
		property := map[string]any{"type": []string{"null", kind}}
		if kind == "timestamp" {
			property = map[string]any{"type": []string{"null", "string"}, "format": "date-time", "airbyte_type": "timestamp_with_timezone"}
		}
		properties[name] = property
	}
	return encode(map[string]any{"type": "object", "properties": properties})
}

// SetCatalog replaces what is discovered for a definition id, a source id or a
// source's exact name; the source's own goes before its definition's. A nil
// catalog takes the replacement back. What sources/discover_schema has cached
// stays cached, as on a real server.
func (s *Sim) SetCatalog(key string, catalog *Catalog) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if isUUID(key) {
		key = strings.ToLower(key)
	}
	if catalog == nil {
		delete(s.world.overrides, key)
		return
	}
	s.world.overrides[key] = *catalog
}

// catalogOf is what a source of the definition holds; a is nil for one that is not stored. mu is held.
func (s *Sim) catalogOf(d *definition, a *Actor, configuration map[string]any) Catalog {
	if a != nil {
		for _, key := range []string{a.ID, a.Name} {
			if c, ok := s.world.overrides[key]; ok {
				return c
			}
		}
	}
	if c, ok := s.world.overrides[d.ID]; ok {
		return c
	}
	if d.Catalog != nil {
		return *d.Catalog
	}
	switch {
	case d.DockerRepository == "airbyte/source-file":
		return fileCatalog(configuration)
	case d.DockerRepository == "airbyte/source-faker":
		return fakerCatalog()
	case d.DockerRepository == "airbyte/source-s3":
		return bucketCatalog(configuration)
	case d.SourceType == "database":
		return databaseCatalog(d, configuration)
	}
	return Catalog{Streams: []CatalogStream{{Name: "records", SupportedSyncModes: []string{"full_refresh"}}}}
}

func fileCatalog(configuration map[string]any) Catalog {
	name, _ := configuration["dataset_name"].(string)
	return Catalog{Streams: []CatalogStream{{
		Name: name, JSONSchema: columns("key:string", "date:string", "amount:number"), SupportedSyncModes: []string{"full_refresh"},
	}}}
}

func fakerCatalog() Catalog {
	var c Catalog
	for _, name := range []string{"users", "products", "purchases"} {
		c.Streams = append(c.Streams, CatalogStream{
			Name:                name,
			JSONSchema:          columns("id:integer", "name:string", "user_id:integer", "created_at:timestamp", "updated_at:timestamp"),
			SupportedSyncModes:  []string{"full_refresh", "incremental"},
			SourceDefinedCursor: true, DefaultCursorField: []string{"updated_at"}, SourceDefinedPrimaryKey: [][]string{{"id"}},
		})
	}
	return c
}

// bucketCatalog holds the streams that the configuration lists; files have a cursor, but no key.
func bucketCatalog(configuration map[string]any) Catalog {
	var c Catalog
	streams, _ := configuration["streams"].([]any)
	for _, stream := range streams {
		s, _ := stream.(map[string]any)
		name, _ := s["name"].(string)
		c.Streams = append(c.Streams, CatalogStream{
			Name:                name,
			JSONSchema:          columns("id:integer", "_ab_source_file_last_modified:timestamp", "_ab_source_file_url:string"),
			SupportedSyncModes:  []string{"full_refresh", "incremental"},
			SourceDefinedCursor: true, DefaultCursorField: []string{"_ab_source_file_last_modified"},
		})
	}
	return c
}

// databaseCatalog has three tables a schema: two with a key, one without. With
// change data capture the source defines the cursor too.
func databaseCatalog(d *definition, configuration map[string]any) Catalog {
	var schemas []string
	list, _ := configuration["schemas"].([]any)
	for _, item := range list {
		if name, ok := item.(string); ok {
			schemas = append(schemas, name)
		}
	}
	if len(schemas) == 0 {
		schemas = []string{defaultSchema(d, configuration)}
	}
	method, _ := configuration["replication_method"].(map[string]any)
	var c Catalog
	for _, schema := range schemas {
		for _, table := range []string{"customers", "orders", "audit_log"} {
			c.Streams = append(c.Streams, tableStream(schema, table, method["method"] == "CDC"))
		}
	}
	return c
}

// defaultSchema is what a database is read from when no schema is named; MySQL has none beside its databases.
func defaultSchema(d *definition, configuration map[string]any) string {
	switch d.DockerRepository {
	case "airbyte/source-mysql":
		database, _ := configuration["database"].(string)
		return database
	case "airbyte/source-mssql":
		return "dbo"
	default:
		return "public"
	}
}

func tableStream(schema, table string, cdc bool) CatalogStream {
	stream := CatalogStream{
		Name: table, Namespace: schema, SupportedSyncModes: []string{"full_refresh", "incremental"},
		JSONSchema: columns("id:integer", "name:string", "updated_at:timestamp"),
	}
	if table != "audit_log" {
		stream.SourceDefinedPrimaryKey = [][]string{{"id"}}
	}
	if cdc {
		stream.JSONSchema = columns("id:integer", "name:string", "updated_at:timestamp", "_ab_cdc_lsn:number", "_ab_cdc_deleted_at:string")
		stream.SourceDefinedCursor, stream.DefaultCursorField = true, []string{"_ab_cdc_lsn"}
	}
	return stream
}

// discoveredStreams is a catalog in the form in which discovery answers it, with
// discovery's defaults.
func (c Catalog) discoveredStreams() []any {
	streams := []any{}
	for _, stream := range c.Streams {
		schema := stream.JSONSchema
		if schema == nil {
			schema = columns("id:integer", "updated_at:timestamp")
		}
		body := map[string]any{
			"name": stream.Name, "jsonSchema": schema, "supportedSyncModes": stream.modes(),
			"sourceDefinedCursor": stream.SourceDefinedCursor, "defaultCursorField": orEmpty(stream.DefaultCursorField),
			"sourceDefinedPrimaryKey": orEmpty(stream.SourceDefinedPrimaryKey), "isResumable": false, "isFileBased": false,
		}
		if stream.Namespace != "" {
			body["namespace"] = stream.Namespace
		}
		streams = append(streams, map[string]any{"stream": body, "config": stream.defaults()})
	}
	return streams
}

func (s CatalogStream) modes() []string {
	if len(s.SupportedSyncModes) == 0 {
		return []string{"full_refresh"}
	}
	return s.SupportedSyncModes
}

// defaults is incremental with append_dedup where the source defines a cursor
// and a key, otherwise full_refresh with overwrite.
func (s CatalogStream) defaults() map[string]any {
	mode, destinationMode := "full_refresh", "overwrite"
	if s.SourceDefinedCursor && len(s.SourceDefinedPrimaryKey) > 0 && slices.Contains(s.modes(), "incremental") {
		mode, destinationMode = "incremental", "append_dedup"
	}
	return map[string]any{
		"syncMode": mode, "destinationSyncMode": destinationMode, "cursorField": orEmpty(s.DefaultCursorField),
		"primaryKey": orEmpty(s.SourceDefinedPrimaryKey), "aliasName": alias(s.Name), "selected": true, "suggested": true,
		"fieldSelectionEnabled": false, "selectedFields": []any{}, "hashedFields": []any{}, "mappers": []any{}, "includeFiles": false,
	}
}

// alias is the name that the server makes of a stream's (trap 13).
func alias(name string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, name)
}

func orEmpty[T any](list []T) []T {
	if list == nil {
		return []T{}
	}
	return list
}

// fields are the top-level fields of a stream.
func (s CatalogStream) fields() map[string]bool {
	schema := s.JSONSchema
	if schema == nil {
		schema = columns("id:integer", "updated_at:timestamp")
	}
	var parsed struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	fields := map[string]bool{}
	if json.Unmarshal(schema, &parsed) == nil {
		for name := range parsed.Properties {
			fields[name] = true
		}
	}
	return fields
}
