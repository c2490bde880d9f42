package airbyte

import (
	"encoding/json"
	"slices"
)

// Catalog is AirbyteCatalog: the streams of a source and how each is synced.
type Catalog struct {
	Streams []ConfiguredStream `json:"streams"`
}

// ConfiguredStream is AirbyteStreamAndConfiguration.
type ConfiguredStream struct {
	Stream Stream       `json:"stream"`
	Config StreamConfig `json:"config"`
}

// Stream is AirbyteStream as the source describes it. It holds every property
// of the API's description, so that what was discovered can be sent back whole,
// and no other: servers may refuse those.
type Stream struct {
	Name string `json:"name"`
	// Namespace may be absent, which is not the same as empty; see [Stream.Key].
	Namespace               *string    `json:"namespace,omitempty"`
	JSONSchema              Schema     `json:"jsonSchema,omitempty"`
	SupportedSyncModes      []string   `json:"supportedSyncModes,omitzero"`
	SourceDefinedCursor     *bool      `json:"sourceDefinedCursor,omitempty"`
	DefaultCursorField      []string   `json:"defaultCursorField,omitzero"`
	SourceDefinedPrimaryKey [][]string `json:"sourceDefinedPrimaryKey,omitzero"`
	IsResumable             *bool      `json:"isResumable,omitempty"`
	IsFileBased             *bool      `json:"isFileBased,omitempty"`
}

// Schema is the JSON schema of a stream's records, as the source tells it.
type Schema json.RawMessage

// UnmarshalJSON takes null for none, since it must not be sent back.
func (s *Schema) UnmarshalJSON(raw []byte) error {
	*s = nil
	if !absent(raw) {
		*s = slices.Clone(raw)
	}
	return nil
}

// MarshalJSON returns the schema as it was read.
func (s Schema) MarshalJSON() ([]byte, error) { return json.RawMessage(s).MarshalJSON() }

// StreamKey is what tells the streams of one source apart.
type StreamKey struct {
	Namespace string
	Name      string
}

// String names the stream for people.
func (k StreamKey) String() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "." + k.Name
}

// Key returns the stream's key; an absent namespace counts as an empty one.
func (s Stream) Key() StreamKey {
	key := StreamKey{Name: s.Name}
	if s.Namespace != nil {
		key.Namespace = *s.Namespace
	}
	return key
}

// CursorDefined reports whether the source defines the cursor itself.
func (s Stream) CursorDefined() bool { return s.SourceDefinedCursor != nil && *s.SourceDefinedCursor }

// Fields returns the names of the top-level properties of the stream's schema,
// sorted; nil when there is no schema or it tells none.
func (s Stream) Fields() []string {
	var schema struct {
		Properties map[string]json.RawMessage `json:"properties"`
	}
	if absent(json.RawMessage(s.JSONSchema)) || json.Unmarshal(s.JSONSchema, &schema) != nil || len(schema.Properties) == 0 {
		return nil
	}
	names := make([]string, 0, len(schema.Properties))
	for name := range schema.Properties {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// StreamConfig is AirbyteStreamConfiguration with every property of the API's
// description. A nil slice, pointer or empty text is left out of requests;
// an empty slice that is not nil is sent as such.
type StreamConfig struct {
	SyncMode              string            `json:"syncMode"`
	DestinationSyncMode   string            `json:"destinationSyncMode"`
	Selected              bool              `json:"selected"` // always sent: a server fails without it
	CursorField           []string          `json:"cursorField,omitzero"`
	PrimaryKey            [][]string        `json:"primaryKey,omitzero"`
	Namespace             *string           `json:"namespace,omitempty"`
	AliasName             string            `json:"aliasName,omitempty"`
	Suggested             *bool             `json:"suggested,omitempty"`
	DestinationObjectName string            `json:"destinationObjectName,omitempty"`
	IncludeFiles          *bool             `json:"includeFiles,omitempty"`
	FieldSelectionEnabled *bool             `json:"fieldSelectionEnabled,omitempty"`
	SelectedFields        []SelectedField   `json:"selectedFields,omitzero"`
	HashedFields          []SelectedField   `json:"hashedFields,omitzero"`
	Mappers               []json.RawMessage `json:"mappers,omitzero"` // never null in a request
	MinimumGenerationID   *int64            `json:"minimumGenerationId,omitempty"`
	GenerationID          *int64            `json:"generationId,omitempty"`
	SyncID                *int64            `json:"syncId,omitempty"`
}

// SelectedField is the path of a field; only paths of one part have a meaning to Airbyte.
type SelectedField struct {
	FieldPath []string `json:"fieldPath,omitzero"`
}
