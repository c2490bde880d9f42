package workload

// Work is what one operation wants of Airbyte, parsed from a descriptor. It
// travels in the task's payload and so holds no secret: a configuration may
// name secrets (${secret:NAME}), which the worker resolves at the last moment.
type Work struct {
	Component   Component   `json:"component"`
	Name        string      `json:"name,omitempty"` // the component's own name, for people
	DataProduct DataProduct `json:"dataProduct"`
	Source      Actor       `json:"source"`
	Destination Actor       `json:"destination"`
	Connection  Connection  `json:"connection"`
	// RemoveData asks an unprovision to clear the streams' data too.
	RemoveData bool `json:"removeData,omitempty"`
	// Adopt names a connection to take over with its source and destination.
	Adopt string `json:"adopt,omitempty"`
	// Previous holds the ids in privateInfo of latestEnrichedDescriptor: hints, to be verified.
	Previous *Entities `json:"previous,omitempty"`
	// Warnings are about the descriptor; they become log lines of the operation.
	Warnings []string `json:"warnings,omitempty"`
	// Access is set for an updateacl alone.
	Access *AccessRequest `json:"access,omitempty"`
	// Reverse is set for a reverse-provision alone.
	Reverse *ReverseRequest `json:"reverse,omitempty"`
}

// AccessRequest is what an updateacl wants.
type AccessRequest struct {
	// Refs are Witboost's users and groups, such as "user:john.doe_acme.com": all
	// that are to have access through this component. None means that nobody is.
	Refs []string `json:"refs"`
}

// ReverseRequest says which connection a reverse-provision is to read, by its
// id, its name, or the names of its source and destination.
type ReverseRequest struct {
	ConnectionID    string `json:"connectionId,omitempty"`
	ConnectionName  string `json:"connectionName,omitempty"`
	SourceName      string `json:"sourceName,omitempty"`
	DestinationName string `json:"destinationName,omitempty"`
	// Present lists the paths of catalog-info.yaml that hold a value now, below
	// its specific block; their values stay behind, since they may be secrets.
	Present []string `json:"present,omitempty"`
	// Placeholders are the ${secret:NAME} texts that catalog-info.yaml holds now, by path.
	Placeholders map[string]string `json:"placeholders,omitempty"`
}

// DataProduct holds the facts of the data product that derived values and people need.
type DataProduct struct {
	ID      string `json:"id,omitempty"`
	Name    string `json:"name"`
	Domain  string `json:"domain"`
	Version string `json:"version"`
}

// Actor is Airbyte's word for a source or a destination.
type Actor struct {
	// Name is the descriptor's own name, without the digest.
	Name string `json:"name"`
	// Connector is the catalogue's name; empty where only a definition id was given.
	Connector string `json:"connector,omitempty"`
	// DefinitionID is Airbyte's id of the connector; empty where the worker takes the catalogue's or the settings'.
	DefinitionID string `json:"definitionId,omitempty"`
	// Configuration is connectionConfiguration with nulls removed.
	Configuration map[string]any `json:"configuration"`
}

// Connection is what is wanted of the connection. A nil pointer or an empty
// value means that the descriptor is silent.
type Connection struct {
	Name                string    `json:"name"`
	Schedule            *Schedule `json:"schedule,omitempty"`
	Streams             []Stream  `json:"streams,omitempty"`
	NamespaceDefinition string    `json:"namespaceDefinition,omitempty"`
	NamespaceFormat     string    `json:"namespaceFormat,omitempty"`
	Prefix              string    `json:"prefix,omitempty"`
	// NonBreakingChanges is Airbyte's nonBreakingChangesPreference.
	NonBreakingChanges string `json:"nonBreakingChangesPreference,omitempty"`
	Status             string `json:"status,omitempty"`
	SyncOnProvision    bool   `json:"syncOnProvision,omitempty"`
	Rediscover         bool   `json:"rediscover,omitempty"`
}

// Schedule is a connection's schedule. Type is "manual", "basic" (every Units
// TimeUnits) or "cron" (Quartz expression in a time zone).
type Schedule struct {
	Type           string `json:"type"`
	Units          int64  `json:"units,omitempty"`
	TimeUnit       string `json:"timeUnit,omitempty"` // minutes, hours, days, weeks, months
	CronExpression string `json:"cronExpression,omitempty"`
	CronTimeZone   string `json:"cronTimeZone,omitempty"`
}

// Stream chooses or excludes one stream. Empty modes mean the best that source
// and destination both support.
type Stream struct {
	Name                string     `json:"name"`
	Namespace           string     `json:"namespace,omitempty"`
	Exclude             bool       `json:"exclude,omitempty"`
	SyncMode            string     `json:"syncMode,omitempty"`
	DestinationSyncMode string     `json:"destinationSyncMode,omitempty"`
	CursorField         []string   `json:"cursorField,omitempty"`
	PrimaryKey          [][]string `json:"primaryKey,omitempty"`
	SelectedFields      []string   `json:"selectedFields,omitempty"`
}

// Entities are the ids of what a component has in Airbyte; an empty id means none.
type Entities struct {
	WorkspaceID   string `json:"workspaceId,omitempty"`
	SourceID      string `json:"sourceId,omitempty"`
	DestinationID string `json:"destinationId,omitempty"`
	ConnectionID  string `json:"connectionId,omitempty"`
	// Fingerprints are keyed hashes of what was last sent to Airbyte; only reconcile reads them.
	Fingerprints map[string]string `json:"fingerprints,omitempty"`
	// Signature proves that ids and fingerprints were given out by this product for this component.
	Signature string `json:"signature,omitempty"`
}
