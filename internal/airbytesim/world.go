package airbytesim

import (
	"crypto/sha256"
	"strings"
	"time"
)

// world is everything that the simulated server remembers. It is guarded by
// Sim.mu. What an entity points to (maps, slices) is replaced, never changed,
// so that a copy of the entity may be read after the lock is gone.
type world struct {
	organization     string
	admin            string // the instance's own user
	definitions      map[string]*definition
	workspaces       map[string]*Workspace
	actors           map[string]*Actor // sources and destinations
	lastActor        int64
	connections      map[string]*Connection
	order            []string            // connection ids in the order of creation
	joined           map[string][]string // connection ids by actor id
	jobs             map[int64]*Job
	lastJob          int64
	current          map[string]int64             // the newest job by connection id
	catalogs         map[string]Catalog           // discovered, by catalog id
	catalogIDs       map[[sha256.Size]byte]string // by the hash of the content
	cache            map[string]discovered        // what sources/discover_schema found, by source and configuration
	overrides        map[string]Catalog           // what tests want discovered, by definition id, source id or source name
	users            map[string]*User
	permissions      map[string]*Permission
	groups           map[string]*Group
	groupPermissions map[string]*GroupPermission
	invitations      []Invitation
	tags             map[string]*Tag
	discoveries      int // discovery jobs that really ran
	checks           int // check jobs that really ran
}

// Workspace is one workspace, as Contents lists it.
type Workspace struct {
	ID             string `json:"workspaceId"`
	Name           string `json:"name"`
	Slug           string `json:"slug"`
	OrganizationID string `json:"organizationId"`
}

// Kind tells sources from destinations.
type Kind string

// The kinds of actor and of definition.
const (
	Source      Kind = "source"
	Destination Kind = "destination"
)

// Actor is a source or a destination, as it is stored: with its secrets.
type Actor struct {
	Kind          Kind           `json:"kind"`
	ID            string         `json:"id"`
	Name          string         `json:"name"`
	DefinitionID  string         `json:"definitionId"`
	WorkspaceID   string         `json:"workspaceId"`
	Configuration map[string]any `json:"configuration"`
	Deleted       bool           `json:"deleted"`
	CreatedAt     time.Time      `json:"createdAt"`
	// Updates counts the updates since it was created.
	Updates int `json:"updates"`

	number    int64  // in the order of creation
	lowerName string // what lists are sorted by
}

func (a *Actor) rename(name string) { a.Name, a.lowerName = name, strings.ToLower(name) }

// Connection is one connection, as it is stored: with the streams that reads do not show.
type Connection struct {
	ID                  string         `json:"connectionId"`
	Name                string         `json:"name"`
	WorkspaceID         string         `json:"workspaceId"`
	SourceID            string         `json:"sourceId"`
	DestinationID       string         `json:"destinationId"`
	Status              string         `json:"status"`
	Streams             []Stream       `json:"streams"`
	NamespaceDefinition string         `json:"namespaceDefinition"`
	NamespaceFormat     *string        `json:"namespaceFormat,omitempty"`
	Prefix              *string        `json:"prefix,omitempty"`
	ScheduleType        string         `json:"scheduleType"`
	ScheduleData        map[string]any `json:"scheduleData,omitempty"`
	SourceCatalogID     string         `json:"sourceCatalogId,omitempty"`
	BreakingChange      bool           `json:"breakingChange"`
	CreatedAt           time.Time      `json:"createdAt"`
	// State is what syncs left behind, by stream ("namespace.name", or "name"). It belongs to this id.
	State map[string]StreamState `json:"state"`
	// Updates counts the updates since it was created.
	Updates int `json:"updates"`
	// Other holds the remaining fields as they were written (notifySchemaChanges, tags and the like).
	Other map[string]any `json:"other,omitempty"`
}

// Stream is one stream of a connection as it was written.
type Stream struct {
	Stream map[string]any `json:"stream"`
	Config map[string]any `json:"config"`
}

func (s Stream) key() string {
	name, _ := s.Stream["name"].(string)
	if namespace, _ := s.Stream["namespace"].(string); namespace != "" {
		return namespace + "." + name
	}
	return name
}

func (s Stream) selected() bool {
	selected, _ := s.Config["selected"].(bool)
	return selected
}

// StreamState is how far the syncs of one stream have come.
type StreamState struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	// Syncs counts the syncs since the state began; a lost state begins again at 1.
	Syncs int `json:"syncs"`
}

// Contents is everything that the server holds, deleted entities too, each list
// in the order of creation. Secrets are in it as they were stored.
type Contents struct {
	Workspaces       []Workspace       `json:"workspaces"`
	Sources          []Actor           `json:"sources"`
	Destinations     []Actor           `json:"destinations"`
	Connections      []Connection      `json:"connections"`
	Jobs             []Job             `json:"jobs"`
	Users            []User            `json:"users"`
	Permissions      []Permission      `json:"permissions"`
	Groups           []Group           `json:"groups"`
	GroupPermissions []GroupPermission `json:"groupPermissions"`
	Invitations      []Invitation      `json:"invitations"`
	Tags             []Tag             `json:"tags"`
	// Discoveries and Checks count the jobs that ran; an answer from the cache is none.
	Discoveries int `json:"discoveries"`
	Checks      int `json:"checks"`
}
