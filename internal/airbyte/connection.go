package airbyte

import (
	"cmp"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// Connection is ConnectionRead.
type Connection struct {
	ID                  string        `json:"connectionId"`
	Name                string        `json:"name"`
	WorkspaceID         string        `json:"workspaceId"` // absent on older servers
	SourceID            string        `json:"sourceId"`
	DestinationID       string        `json:"destinationId"`
	Status              string        `json:"status"` // active, inactive, deprecated, locked
	NamespaceDefinition string        `json:"namespaceDefinition"`
	NamespaceFormat     string        `json:"namespaceFormat"`
	Prefix              string        `json:"prefix"`
	ScheduleType        string        `json:"scheduleType"` // manual, basic, cron; absent on older servers
	ScheduleData        *ScheduleData `json:"scheduleData"`
	// LegacySchedule is how older servers tell a basic schedule.
	LegacySchedule     *BasicSchedule `json:"schedule"`
	Catalog            Catalog        `json:"syncCatalog"`
	SourceCatalogID    string         `json:"sourceCatalogId"`
	NonBreakingChanges string         `json:"nonBreakingChangesPreference"`
	BreakingChange     bool           `json:"breakingChange"`
}

// Deleted reports whether the connection is gone: Airbyte answers for deleted
// ones too, with this status.
func (c Connection) Deleted() bool { return c.Status == StatusDeprecated }

// Schedule is when the connection syncs, however the server tells it: one of the
// two; neither is manual.
func (c Connection) Schedule() (basic *BasicSchedule, cron *CronSchedule) {
	basic = c.LegacySchedule
	if c.ScheduleData != nil {
		basic, cron = cmp.Or(c.ScheduleData.Basic, basic), c.ScheduleData.Cron
	}
	switch {
	case cron != nil && (c.ScheduleType == "cron" || c.ScheduleType == ""):
		return nil, cron
	case basic != nil && (c.ScheduleType == "basic" || c.ScheduleType == ""): // older servers tell no type
		return basic, nil
	}
	return nil, nil
}

// StatusDeprecated is the status of a deleted connection.
const StatusDeprecated = "deprecated"

// What it joins decides whether a connection is replaced, and its catalog holds
// what people set by hand: neither may be taken for empty.
func (c *Connection) verify(string) error {
	switch {
	case c.ID == "":
		return lacks("a connectionId")
	case c.SourceID == "" || c.DestinationID == "":
		return lacks("a sourceId or a destinationId")
	case c.Status == "":
		return lacks("a connection's status")
	case c.Catalog.Streams == nil:
		return lacks("a syncCatalog")
	}
	return nil
}

// ScheduleData is ConnectionScheduleData: one of the two, by the schedule type.
type ScheduleData struct {
	Basic *BasicSchedule `json:"basicSchedule,omitempty"`
	Cron  *CronSchedule  `json:"cron,omitempty"`
}

// BasicSchedule is every Units TimeUnits.
type BasicSchedule struct {
	TimeUnit string `json:"timeUnit"` // minutes, hours, days, weeks, months
	Units    int64  `json:"units"`
}

// CronSchedule is a Quartz expression in a time zone.
type CronSchedule struct {
	Expression string `json:"cronExpression"`
	TimeZone   string `json:"cronTimeZone"`
}

// ConnectionCreate is what a connection is created from; what is nil or empty is not sent.
type ConnectionCreate struct {
	SourceID            string        `json:"sourceId"`
	DestinationID       string        `json:"destinationId"`
	Status              string        `json:"status"`
	Name                string        `json:"name,omitempty"`
	NamespaceDefinition string        `json:"namespaceDefinition,omitempty"`
	NamespaceFormat     string        `json:"namespaceFormat,omitempty"`
	Prefix              string        `json:"prefix,omitempty"`
	ScheduleType        string        `json:"scheduleType,omitempty"`
	ScheduleData        *ScheduleData `json:"scheduleData,omitempty"`
	Catalog             *Catalog      `json:"syncCatalog,omitempty"`
	SourceCatalogID     string        `json:"sourceCatalogId,omitempty"`
	NonBreakingChanges  string        `json:"nonBreakingChangesPreference,omitempty"`
}

// ConnectionUpdate is a patch: what is nil stays as it is in Airbyte. A catalog
// replaces the whole catalog. An empty prefix clears the prefix. Source and
// destination cannot be changed, and a schedule's type and data go together.
type ConnectionUpdate struct {
	ID                  string        `json:"connectionId"`
	Name                *string       `json:"name,omitempty"`
	Status              *string       `json:"status,omitempty"`
	NamespaceDefinition *string       `json:"namespaceDefinition,omitempty"`
	NamespaceFormat     *string       `json:"namespaceFormat,omitempty"`
	Prefix              *string       `json:"prefix,omitempty"`
	ScheduleType        *string       `json:"scheduleType,omitempty"`
	ScheduleData        *ScheduleData `json:"scheduleData,omitempty"`
	Catalog             *Catalog      `json:"syncCatalog,omitempty"`
	SourceCatalogID     *string       `json:"sourceCatalogId,omitempty"`
	NonBreakingChanges  *string       `json:"nonBreakingChangesPreference,omitempty"`
	BreakingChange      *bool         `json:"breakingChange,omitempty"`
}

// CreateConnection joins a source and a destination. It is not idempotent, and
// Airbyte accepts even a deleted source or destination.
func (c *Client) CreateConnection(ctx context.Context, create ConnectionCreate) (Connection, error) {
	return post[Connection](ctx, c, "connections/create", create)
}

// UpdateConnection patches a connection.
func (c *Client) UpdateConnection(ctx context.Context, update ConnectionUpdate) (Connection, error) {
	return post[Connection](ctx, c, "connections/update", update)
}

// GetConnection reads a connection, deleted ones included: see [Connection.Deleted].
func (c *Client) GetConnection(ctx context.Context, id string) (Connection, error) {
	return post[Connection](ctx, c, "connections/get", connectionID(id))
}

// DeleteConnection deletes a connection.
func (c *Client) DeleteConnection(ctx context.Context, id string) error {
	return c.send(ctx, "connections/delete", connectionID(id))
}

// SyncConnection starts a sync. A running one is a conflict (409).
func (c *Client) SyncConnection(ctx context.Context, id string) (Job, error) {
	return c.job(ctx, "connections/sync", connectionID(id))
}

// ResetConnection starts a reset on older servers: what [Client.ClearConnection] is on newer ones.
func (c *Client) ResetConnection(ctx context.Context, id string) (Job, error) {
	return c.job(ctx, "connections/reset", connectionID(id))
}

// ClearConnection starts a job that deletes the streams' data in the
// destination and the sync state. A running sync is pushed aside, and the call
// returns when the new job exists.
func (c *Client) ClearConnection(ctx context.Context, id string) (Job, error) {
	return c.job(ctx, "connections/clear", connectionID(id))
}

func connectionID(id string) map[string]any { return map[string]any{"connectionId": id} }

// ConnectionSummary is a connection as a listing keeps it, without its catalog.
type ConnectionSummary struct {
	ID            string `json:"connectionId"`
	Name          string `json:"name"`
	SourceID      string `json:"sourceId"`
	DestinationID string `json:"destinationId"`
	Status        string `json:"status"`
}

// ListConnections lists the live connections of a workspace. The API has
// neither pages nor filters for it: the answer holds every connection with its
// catalog, of which only the summary is kept.
func (c *Client) ListConnections(ctx context.Context, workspaceID string) ([]ConnectionSummary, error) {
	var list []ConnectionSummary
	body := map[string]any{"workspaceId": workspaceID}
	err := c.exchange(ctx, http.MethodPost, listConnections, body, func(from io.Reader) (err error) {
		list, err = readConnections(from)
		return err
	})
	return list, err
}

const listConnections = "connections/list"

// readConnections reads ConnectionReadList one connection at a time: a large
// workspace's catalogs need not be held at once.
func readConnections(from io.Reader) ([]ConnectionSummary, error) {
	decoder := json.NewDecoder(from)
	if err := expect(decoder, json.Delim('{')); err != nil {
		return nil, err
	}
	for decoder.More() {
		if err := expect(decoder, "connections"); err == nil {
			return readSummaries(decoder)
		}
		var other json.RawMessage
		if err := decoder.Decode(&other); err != nil {
			return nil, lacks("JSON of the expected form").because(err)
		}
	}
	return nil, lacks("a list of connections")
}

func readSummaries(decoder *json.Decoder) ([]ConnectionSummary, error) {
	if err := expect(decoder, json.Delim('[')); err != nil {
		return nil, err
	}
	list := []ConnectionSummary{}
	for decoder.More() {
		var c ConnectionSummary
		if err := decoder.Decode(&c); err != nil {
			return nil, lacks("JSON of the expected form").because(err)
		}
		if c.ID == "" || c.SourceID == "" || c.DestinationID == "" {
			return nil, lacks("an id of a connection in the list")
		}
		list = append(list, c)
	}
	return list, expect(decoder, json.Delim(']')) // a cut list must not pass as a short one
}

// expect reads one token that must be as given.
func expect(decoder *json.Decoder, want json.Token) error {
	if got, err := decoder.Token(); err != nil || got != want {
		return lacks("a list of connections").because(err)
	}
	return nil
}
