package airbytesim

import (
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
)

// newWorld is what the options describe; mu is held.
func (s *Sim) newWorld() (*world, error) {
	definitions, err := loadDefinitions(s.options)
	if err != nil {
		return nil, err
	}
	w := &world{
		definitions: definitions, workspaces: map[string]*Workspace{}, actors: map[string]*Actor{},
		connections: map[string]*Connection{}, jobs: map[int64]*Job{}, current: map[string]int64{},
		catalogs: map[string]Catalog{}, catalogIDs: map[[sha256.Size]byte]string{}, cache: map[string]discovered{}, overrides: map[string]Catalog{},
		users: map[string]*User{}, permissions: map[string]*Permission{}, tags: map[string]*Tag{},
		groups: map[string]*Group{}, groupPermissions: map[string]*GroupPermission{},
		joined: map[string][]string{}, organization: strings.ToLower(s.options.OrganizationID),
	}
	if w.organization == "" {
		w.organization = s.newID()
	}
	ids := s.options.WorkspaceIDs
	if len(ids) == 0 {
		ids = []string{DefaultWorkspace}
	}
	for i, id := range ids {
		if !isUUID(id) {
			return nil, fmt.Errorf("airbytesim: workspace id %q is not a UUID", id)
		}
		id = strings.ToLower(id)
		name := fmt.Sprintf("Workspace %d", i+1)
		w.workspaces[id] = &Workspace{ID: id, Name: name, Slug: fmt.Sprintf("workspace-%d", i+1), OrganizationID: w.organization}
	}
	w.admin = s.addUser(w, User{Email: "admin@example.com", Name: "Administrator", OrganizationRole: "organization_admin"})
	for _, u := range s.options.Users {
		s.addUser(w, u)
	}
	return w, nil
}

// Contents answers everything that the server holds.
func (s *Sim) Contents() Contents {
	s.mu.Lock()
	defer s.mu.Unlock()
	w := s.world
	c := Contents{
		Workspaces:       collect(w.workspaces, func(a, b *Workspace) int { return strings.Compare(a.Name, b.Name) }),
		Sources:          []Actor{},
		Destinations:     []Actor{},
		Connections:      []Connection{},
		Jobs:             collect(w.jobs, func(a, b *Job) int { return cmp.Compare(a.ID, b.ID) }),
		Users:            collect(w.users, func(a, b *User) int { return strings.Compare(a.Email, b.Email) }),
		Permissions:      collect(w.permissions, func(a, b *Permission) int { return strings.Compare(a.ID, b.ID) }),
		Groups:           collect(w.groups, func(a, b *Group) int { return strings.Compare(a.Name, b.Name) }),
		GroupPermissions: collect(w.groupPermissions, func(a, b *GroupPermission) int { return strings.Compare(a.ID, b.ID) }),
		Invitations:      append([]Invitation{}, w.invitations...),
		Tags:             collect(w.tags, func(a, b *Tag) int { return strings.Compare(a.Name, b.Name) }),
		Discoveries:      w.discoveries, Checks: w.checks,
	}
	for _, a := range collect(w.actors, func(a, b *Actor) int { return cmp.Compare(a.number, b.number) }) {
		if a.Kind == Source {
			c.Sources = append(c.Sources, a)
		} else {
			c.Destinations = append(c.Destinations, a)
		}
	}
	for _, id := range w.order {
		connection := *w.connections[id]
		connection.State, connection.Other = maps.Clone(connection.State), maps.Clone(connection.Other)
		c.Connections = append(c.Connections, connection)
	}
	return c
}

// collect copies the values of a map into a sorted list.
func collect[K comparable, V any](from map[K]*V, order func(a, b *V) int) []V {
	list := make([]V, 0, len(from))
	for _, v := range slices.SortedFunc(maps.Values(from), order) {
		list = append(list, *v)
	}
	return list
}

// Filler says how many entities Fill makes.
type Filler struct {
	WorkspaceID  string `json:"workspaceId"` // empty: the default one
	Sources      int    `json:"sources"`
	Destinations int    `json:"destinations"`
	Connections  int    `json:"connections"` // each joins a source and a destination that Fill made
	// Name is the beginning of their names; empty means "filler". Numbers follow.
	Name string `json:"name"`
}

// Fill makes many entities at once, without checks and without traces in the
// call log: faker sources and silent dev-null destinations.
func (s *Sim) Fill(f Filler) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	workspace := cmp.Or(strings.ToLower(f.WorkspaceID), s.defaultWorkspace())
	if _, err := s.workspace(workspace); err != nil {
		return err
	}
	if f.Connections > 0 && (f.Sources == 0 || f.Destinations == 0) {
		return errors.New("airbytesim: filler connections need filler sources and destinations")
	}
	name := cmp.Or(f.Name, "filler")
	silent := map[string]any{"test_destination": map[string]any{"test_destination_type": "SILENT"}}
	var sources, destinations []*Actor
	for i := range f.Sources {
		sources = append(sources, s.addActor(Source, workspace, fakerID, fmt.Sprintf("%s source %d", name, i), map[string]any{}))
	}
	for i := range f.Destinations {
		destinations = append(destinations, s.addActor(Destination, workspace, devNullID, fmt.Sprintf("%s destination %d", name, i), silent))
	}
	for i := range f.Connections {
		source, destination := sources[i%len(sources)], destinations[i%len(destinations)]
		s.join(&Connection{
			ID: s.newID(), Name: fmt.Sprintf("%s connection %d", name, i), WorkspaceID: workspace, SourceID: source.ID,
			DestinationID: destination.ID, NamespaceDefinition: "source", Status: "active", ScheduleType: "manual",
			State: map[string]StreamState{}, Other: map[string]any{}, CreatedAt: s.now(),
		})
	}
	return nil
}

// The connectors of filler entities.
const (
	fakerID   = "dfd88b22-b603-4c3d-aad7-3701784586b1"
	devNullID = "a7bcc9d8-13b3-4e49-b80d-d020b90045e3"
)
