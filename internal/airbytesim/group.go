package airbytesim

import (
	"maps"
	"slices"
	"strings"
)

// Group is a group of users of the organization. Who is in it is not simulated.
type Group struct {
	ID   string `json:"groupId,omitempty"` // empty: made from the seed
	Name string `json:"name"`
}

// GroupPermission is one grant to a group.
type GroupPermission struct {
	ID             string `json:"permissionId"`
	GroupID        string `json:"groupId"`
	Type           string `json:"permissionType"`
	WorkspaceID    string `json:"workspaceId,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
}

// AddGroup makes a group and answers the id.
func (s *Sim) AddGroup(g Group) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g.ID == "" {
		g.ID = s.newID()
	}
	s.world.groups[g.ID] = &g
	return g.ID
}

// RemoveGroup deletes a group with its grants.
func (s *Sim) RemoveGroup(id string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.world.groups, id)
	maps.DeleteFunc(s.world.groupPermissions, func(_ string, p *GroupPermission) bool { return p.GroupID == id })
}

// GrantGroup gives a group a role, in the organization where no workspace is named.
func (s *Sim) GrantGroup(p GroupPermission) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.WorkspaceID == "" {
		p.OrganizationID = s.world.organization
	}
	p.ID = s.newID()
	s.world.groupPermissions[p.ID] = &p
}

// withGroups refuses an operation where the edition or its licence has no groups.
func withGroups(h handler) handler {
	return func(s *Sim, c *call) (any, error) {
		if s.behavior.NoGroups {
			return nil, forbidden("The license for this organization is not entitled to user groups")
		}
		return h(s, c)
	}
}

func (s *Sim) group(id string) (*Group, error) {
	g, ok := s.world.groups[id]
	if !ok {
		return nil, notFound("GROUP", id)
	}
	return g, nil
}

func (s *Sim) readGroup(g *Group) map[string]any {
	return map[string]any{"groupId": g.ID, "name": g.Name, "organizationId": s.world.organization, "memberCount": 0}
}

func listGroups(s *Sim, c *call) (any, error) {
	if c.id("organizationId") != s.world.organization {
		return nil, forbidden("Forbidden")
	}
	groups := []any{}
	for _, g := range collect(s.world.groups, func(a, b *Group) int { return strings.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) }) {
		groups = append(groups, s.readGroup(&g))
	}
	return map[string]any{"groups": groups}, nil
}

func getGroup(s *Sim, c *call) (any, error) {
	g, err := s.group(c.id("groupId"))
	if err != nil {
		return nil, err
	}
	return s.readGroup(g), nil
}

func listGroupPermissions(s *Sim, c *call) (any, error) {
	g, err := s.group(c.id("groupId"))
	if err != nil {
		return nil, err
	}
	permissions := []*GroupPermission{}
	for _, id := range slices.Sorted(maps.Keys(s.world.groupPermissions)) {
		if p := s.world.groupPermissions[id]; p.GroupID == g.ID {
			permissions = append(permissions, p)
		}
	}
	return map[string]any{"permissions": permissions}, nil
}

// createGroupPermission refuses an equal grant, unlike that of a user.
func createGroupPermission(s *Sim, c *call) (any, error) {
	g, err := s.group(c.id("groupId"))
	if err != nil {
		return nil, err
	}
	p := &GroupPermission{
		GroupID: g.ID, Type: c.text("permissionType"), WorkspaceID: c.id("workspaceId"), OrganizationID: c.id("organizationId"),
	}
	scope, _, _ := strings.Cut(p.Type, "_")
	switch {
	case (p.WorkspaceID == "") == (p.OrganizationID == ""):
		return nil, badRequest("Provide exactly one of workspaceId or organizationId")
	case scope == "workspace" && p.WorkspaceID == "", scope == "organization" && p.OrganizationID == "", scope == "instance":
		return nil, badRequest("Permission type %s cannot be granted in this scope", p.Type)
	case p.WorkspaceID == "" && p.OrganizationID != s.world.organization:
		return nil, notFound("ORGANIZATION", p.OrganizationID)
	}
	if p.WorkspaceID != "" {
		if _, err := s.workspace(p.WorkspaceID); err != nil {
			return nil, err
		}
	}
	for _, o := range s.world.groupPermissions {
		if same := *o; same.GroupID == p.GroupID && same.Type == p.Type && same.WorkspaceID == p.WorkspaceID && same.OrganizationID == p.OrganizationID {
			return nil, conflict("Group already has " + p.Type)
		}
	}
	p.ID = s.newID()
	s.world.groupPermissions[p.ID] = p
	return p, nil
}

func deleteGroupPermission(s *Sim, c *call) (any, error) {
	if _, err := s.group(c.id("groupId")); err != nil {
		return nil, err
	}
	p, ok := s.world.groupPermissions[c.id("permissionId")]
	if !ok || p.GroupID != c.id("groupId") {
		return nil, notFound("PERMISSION", c.id("permissionId"))
	}
	delete(s.world.groupPermissions, p.ID)
	return nil, nil //nolint:nilnil // no body: the answer is 204
}
