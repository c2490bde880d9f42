package airbytesim

import (
	"maps"
	"slices"
)

// configured reads a syncCatalog. The server checks very little of it, and
// stumbles where something is missing (trap 6). mu is held.
func (s *Sim) configured(catalog map[string]any) ([]Stream, error) {
	entries, _ := catalog["streams"].([]any)
	streams := make([]Stream, 0, len(entries))
	seen := map[string]bool{}
	for _, entry := range entries {
		members, _ := entry.(map[string]any)
		stream, _ := members["stream"].(map[string]any)
		config, _ := members["config"].(map[string]any)
		if stream == nil || config == nil {
			return nil, opaque("null pointer: an entry lacks its stream or its config")
		}
		if _, present := config["selected"].(bool); !present {
			return nil, opaque("null pointer: selected")
		}
		written := Stream{Stream: stream, Config: s.withMapperIDs(config)}
		if seen[written.key()] {
			return nil, opaque("the catalog names the stream %s twice", written.key())
		}
		seen[written.key()] = true
		if err := written.validSelection(); err != nil {
			return nil, err
		}
		streams = append(streams, written)
	}
	return streams, nil
}

// withMapperIDs gives every mapper without an id one.
func (s *Sim) withMapperIDs(config map[string]any) map[string]any {
	mappers, _ := config["mappers"].([]any)
	if len(mappers) == 0 {
		return config
	}
	named := make([]any, len(mappers))
	for i, m := range mappers {
		mapper, _ := m.(map[string]any)
		if mapper["id"] == nil {
			mapper = maps.Clone(mapper)
			mapper["id"] = s.newID()
		}
		named[i] = mapper
	}
	config = maps.Clone(config)
	config["mappers"] = named
	return config
}

// selection is the top-level fields that a stream is cut to; ok is false when it is not.
func (s Stream) selection() (fields []string, ok bool) {
	enabled, _ := s.Config["fieldSelectionEnabled"].(bool)
	if !enabled {
		return nil, false
	}
	selected, _ := s.Config["selectedFields"].([]any)
	for _, entry := range selected {
		members, _ := entry.(map[string]any)
		path, _ := members["fieldPath"].([]any)
		if len(path) > 0 {
			name, _ := path[0].(string)
			fields = append(fields, name)
		}
	}
	return fields, true
}

// validSelection checks what the server does check of a selection of fields.
func (s Stream) validSelection() error {
	fields, on := s.selection()
	if !on || !s.selected() {
		return nil
	}
	selected, given := s.Config["selectedFields"].([]any)
	if !given {
		return unprocessable("field selection is on, but selectedFields is missing")
	}
	for _, entry := range selected {
		members, _ := entry.(map[string]any)
		switch path, _ := members["fieldPath"].([]any); {
		case len(path) == 0:
			return unprocessable("a selected field has no path")
		case len(path) > 1:
			return opaque("a selected field lies below the top level")
		}
	}
	properties := s.properties()
	if properties == nil {
		return unprocessable("field selection is on, but the stream has no properties")
	}
	for _, field := range fields {
		if _, known := properties[field]; !known {
			return unprocessable("the stream has no field %s to select", field)
		}
	}
	return s.keysSelected(fields)
}

// keysSelected refuses a selection without the cursor or, where duplicates are removed, the key.
func (s Stream) keysSelected(fields []string) error {
	if cursor := firsts(s.Config["cursorField"]); s.Config["syncMode"] == "incremental" && len(cursor) > 0 &&
		!slices.Contains(fields, cursor[0]) {
		return unprocessable("an incremental sync needs its cursor among the selected fields")
	}
	mode := s.Config["destinationSyncMode"]
	if mode != "append_dedup" && mode != "overwrite_dedup" {
		return nil
	}
	for _, key := range firsts(s.Config["primaryKey"]) {
		if !slices.Contains(fields, key) {
			return unprocessable("deduplication needs its key among the selected fields")
		}
	}
	return nil
}

// firsts are the texts of a list, or the first texts of its lists.
func firsts(value any) []string {
	list, _ := value.([]any)
	var found []string
	for _, item := range list {
		if inner, ok := item.([]any); ok && len(inner) > 0 {
			item = inner[0]
		}
		if text, ok := item.(string); ok {
			found = append(found, text)
		}
	}
	return found
}

func (s Stream) properties() map[string]any {
	schema, _ := s.Stream["jsonSchema"].(map[string]any)
	properties, _ := schema["properties"].(map[string]any)
	return properties
}

// readStreams is what of a catalog is read back: not what was written (trap 13).
func (c *Connection) readStreams() []any {
	reads := []any{}
	for _, stream := range c.Streams {
		if stream.selected() {
			reads = append(reads, stream.read())
		}
	}
	return reads
}

func (s Stream) read() map[string]any {
	stream, config := maps.Clone(s.Stream), maps.Clone(s.Config)
	name, _ := s.Stream["name"].(string)
	config["aliasName"], config["suggested"] = alias(name), false
	for field, missing := range map[string]any{
		"cursorField": []any{}, "primaryKey": []any{}, "mappers": []any{}, "hashedFields": []any{}, "includeFiles": false,
	} {
		if config[field] == nil {
			config[field] = missing
		}
	}
	fields, on := s.selection()
	config["fieldSelectionEnabled"] = on
	config["selectedFields"] = []any{}
	if on {
		stream["jsonSchema"] = s.cutSchema(fields)
		config["selectedFields"] = s.Config["selectedFields"]
	}
	for field, value := range config {
		if value == nil {
			delete(config, field)
		}
	}
	return map[string]any{"stream": stream, "config": config}
}

// cutSchema is the jsonSchema with the selected fields alone.
func (s Stream) cutSchema(fields []string) map[string]any {
	schema, _ := s.Stream["jsonSchema"].(map[string]any)
	cut := maps.Clone(schema)
	properties := map[string]any{}
	for name, property := range s.properties() {
		if slices.Contains(fields, name) {
			properties[name] = property
		}
	}
	if cut == nil {
		cut = map[string]any{}
	}
	cut["properties"] = properties
	return cut
}
