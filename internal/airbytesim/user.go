package airbytesim

import (
	"maps"
	"net/http"
	"slices"
	"strings"
)

// User is a person whom the instance knows.
type User struct {
	ID    string `json:"userId,omitempty"` // empty: made from the seed
	Email string `json:"email"`
	Name  string `json:"name,omitempty"`
	// OrganizationRole is a permission type such as organization_member; empty means that only workspaces know the user.
	OrganizationRole string `json:"organizationRole,omitempty"`
	// AuthID is what the identity provider calls the user; empty means the id.
	AuthID string `json:"authUserId,omitempty"`
}

// Permission is one grant.
type Permission struct {
	ID             string `json:"permissionId"`
	Type           string `json:"permissionType"`
	UserID         string `json:"userId"`
	WorkspaceID    string `json:"workspaceId,omitempty"`
	OrganizationID string `json:"organizationId,omitempty"`
}

// AddUser makes a person known and answers the id.
func (s *Sim) AddUser(u User) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addUser(s.world, u)
}

// addUser is AddUser with mu held, also for a world that is being made.
func (s *Sim) addUser(w *world, u User) string {
	if u.ID == "" {
		u.ID = s.newID()
	}
	if u.AuthID == "" {
		u.AuthID = u.ID
	}
	if u.Name == "" {
		u.Name, _, _ = strings.Cut(u.Email, "@")
	}
	w.users[u.ID] = &u
	if u.OrganizationRole != "" {
		p := &Permission{ID: s.newID(), Type: u.OrganizationRole, UserID: u.ID, OrganizationID: w.organization}
		w.permissions[p.ID] = p
	}
	return u.ID
}

// withPermissions refuses an operation on an edition that has one user and no roles.
func withPermissions(h handler) handler {
	return func(s *Sim, c *call) (any, error) {
		if s.behavior.edition() == EditionCommunity {
			return nil, forbidden("User management is not available in this edition")
		}
		return h(s, c)
	}
}

func (u *User) read() map[string]any {
	return map[string]any{
		"userId": u.ID, "email": u.Email, "name": u.Name, "status": "registered", "metadata": map[string]any{}, "news": false,
	}
}

func (s *Sim) user(id string) (*User, error) {
	u, ok := s.world.users[id]
	if !ok {
		return nil, notFound("USER", id)
	}
	return u, nil
}

// people are the users in a fixed order.
func (s *Sim) people() []*User {
	return slices.SortedFunc(maps.Values(s.world.users), func(a, b *User) int { return strings.Compare(a.Email, b.Email) })
}

func (s *Sim) findUser(fits func(*User) bool) *User {
	people := s.people()
	if i := slices.IndexFunc(people, fits); i >= 0 {
		return people[i]
	}
	return nil
}

func getUser(s *Sim, c *call) (any, error) {
	u, err := s.user(c.id("userId"))
	if err != nil {
		return nil, err
	}
	return u.read(), nil
}

// getUserByEmail needs an instance admin, and the address as it is stored, in its very case.
func getUserByEmail(s *Sim, c *call) (any, error) {
	if s.behavior.NotInstanceAdmin {
		return nil, forbidden("Forbidden")
	}
	u := s.findUser(func(u *User) bool { return u.Email == c.text("email") })
	if u == nil {
		return nil, notFound("USER", c.text("email"))
	}
	return u.read(), nil
}

func getUserByAuthID(s *Sim, c *call) (any, error) {
	u := s.findUser(func(u *User) bool { return u.AuthID == c.text("authUserId") })
	if u == nil {
		return nil, notFound("USER", c.text("authUserId"))
	}
	return u.read(), nil
}

func getOrCreateUser(s *Sim, c *call) (any, error) {
	id := c.text("authUserId")
	u := s.findUser(func(u *User) bool { return u.AuthID == id })
	fresh := u == nil
	if fresh {
		u = s.world.users[s.addUser(s.world, User{Email: id + "@example.com", AuthID: id})]
	}
	return map[string]any{"userRead": u.read(), "authUserId": id, "authProvider": "airbyte", "newUserCreated": fresh}, nil
}

// listUsers is users/list_by_organization_id: who has a permission on the organization itself.
func listUsers(s *Sim, c *call) (any, error) {
	organization := c.id("organizationId")
	if organization != s.world.organization {
		return nil, notFound("ORGANIZATION", organization)
	}
	users := []any{}
	for _, u := range s.people() {
		p := s.granted(u.ID, "", organization)
		if p == nil {
			continue
		}
		users = append(users, map[string]any{
			"userId": u.ID, "email": u.Email, "name": u.Name, "permissionId": p.ID, "permissionType": p.Type,
			"organizationId": organization,
		})
	}
	return map[string]any{"users": users}, nil
}

// listAccess is users/list_access_info_by_workspace_id.
func listAccess(s *Sim, c *call) (any, error) {
	w, err := s.workspace(c.id("workspaceId"))
	if err != nil {
		return nil, err
	}
	users := []any{}
	for _, u := range s.people() {
		info := map[string]any{"userId": u.ID, "userEmail": u.Email, "userName": u.Name, "workspaceId": w.ID}
		own, organization := s.granted(u.ID, w.ID, ""), s.granted(u.ID, "", w.OrganizationID)
		if own != nil {
			info["workspacePermission"] = own
		}
		if organization != nil {
			info["organizationPermission"] = organization
		}
		if own != nil || organization != nil && organization.Type != "organization_member" {
			users = append(users, info)
		}
	}
	return map[string]any{"usersWithAccess": users}, nil
}

// granted is the user's one permission on a workspace, or on an organization.
func (s *Sim) granted(user, workspace, organization string) *Permission {
	for _, p := range s.world.permissions {
		if p.UserID == user && p.WorkspaceID == workspace && p.OrganizationID == organization &&
			(workspace != "" || organization != "") {
			return p
		}
	}
	return nil
}

// createPermission answers the existing record for the same grant again.
func createPermission(s *Sim, c *call) (any, error) {
	p := &Permission{
		ID: c.id("permissionId"), Type: c.text("permissionType"), UserID: c.id("userId"),
		WorkspaceID: c.id("workspaceId"), OrganizationID: c.id("organizationId"),
	}
	return s.grant(p)
}

func (s *Sim) grant(p *Permission) (any, error) {
	if _, err := s.user(p.UserID); err != nil {
		return nil, err
	}
	scope, _, _ := strings.Cut(p.Type, "_")
	switch {
	case scope == "instance":
		return nil, unprocessable("instance_admin cannot be granted here")
	case scope == "workspace" && p.WorkspaceID == "", scope == "organization" && p.OrganizationID == "",
		p.WorkspaceID != "" && p.OrganizationID != "":
		return nil, opaque("violates check constraint on a permission's scope")
	}
	if p.WorkspaceID != "" {
		if _, err := s.workspace(p.WorkspaceID); err != nil {
			return nil, err
		}
	}
	if existing := s.granted(p.UserID, p.WorkspaceID, p.OrganizationID); existing != nil {
		if existing.Type == p.Type {
			return existing, nil
		}
		return nil, opaque("duplicate key value violates unique constraint on a user's permission")
	}
	if s.redundant(p) {
		return nil, conflict("The organization's role covers " + p.Type + " for user " + p.UserID)
	}
	if p.ID == "" {
		p.ID = s.newID()
	}
	s.world.permissions[p.ID] = p
	maps.DeleteFunc(s.world.permissions, func(_ string, o *Permission) bool { return o.UserID == p.UserID && s.redundant(o) })
	return p, nil
}

// redundant says whether the user's role in the organization covers a permission on a workspace.
func (s *Sim) redundant(p *Permission) bool {
	if p.WorkspaceID == "" {
		return false
	}
	above := s.granted(p.UserID, "", s.world.organization)
	return above != nil && above.rank() >= p.rank()
}

func (p *Permission) rank() int {
	_, role, _ := strings.Cut(p.Type, "_")
	return ranks[role]
}

func (s *Sim) permission(id string) (*Permission, error) {
	p, ok := s.world.permissions[id]
	if !ok {
		return nil, notFound("PERMISSION", id)
	}
	return p, nil
}

func getPermission(s *Sim, c *call) (any, error) { return s.permission(c.id("permissionId")) }

// updatePermission changes the role; the scope stays.
func updatePermission(s *Sim, c *call) (any, error) {
	p, err := s.permission(c.id("permissionId"))
	if err != nil {
		return nil, err
	}
	wanted := c.text("permissionType")
	was, _, _ := strings.Cut(p.Type, "_")
	now, _, _ := strings.Cut(wanted, "_")
	switch {
	case wanted == "":
		return nil, nil //nolint:nilnil // nothing to change: 204
	case was != now:
		return nil, opaque("a permission cannot change its scope")
	}
	changed := *p
	changed.Type = wanted
	s.world.permissions[p.ID] = &changed
	if s.redundant(&changed) {
		delete(s.world.permissions, p.ID)
	}
	return nil, nil //nolint:nilnil // no body: the answer is 204
}

func deletePermission(s *Sim, c *call) (any, error) {
	p, err := s.permission(c.id("permissionId"))
	if err != nil {
		return nil, err
	}
	if p.Type == "organization_admin" && s.count(func(o *Permission) bool {
		return o.Type == p.Type && o.OrganizationID == p.OrganizationID
	}) == 1 {
		return nil, conflict("Cannot remove the last admin of an organization")
	}
	delete(s.world.permissions, p.ID)
	return nil, nil //nolint:nilnil // no body: the answer is 204
}

func (s *Sim) count(fits func(*Permission) bool) int {
	n := 0
	for _, p := range s.world.permissions {
		if fits(p) {
			n++
		}
	}
	return n
}

// revoke is permissions/delete_user_from_workspace; nothing to revoke is fine.
func revoke(s *Sim, c *call) (any, error) {
	if _, err := s.user(c.id("userId")); err != nil {
		return nil, err
	}
	if _, err := s.workspace(c.id("workspaceId")); err != nil {
		return nil, err
	}
	if p := s.granted(c.id("userId"), c.id("workspaceId"), ""); p != nil {
		delete(s.world.permissions, p.ID)
	}
	return nil, nil //nolint:nilnil // no body: the answer is 204
}

func listPermissions(s *Sim, c *call) (any, error) {
	user := c.id("userId")
	permissions := []*Permission{}
	for _, id := range slices.Sorted(maps.Keys(s.world.permissions)) {
		if p := s.world.permissions[id]; p.UserID == user {
			permissions = append(permissions, p)
		}
	}
	return map[string]any{"permissions": permissions}, nil
}

// ranks order the roles of a workspace.
var ranks = map[string]int{
	"reader": 1, "runner": 2, "source_editor": 3, "destination_editor": 3, "editor": 3, "admin": 4, "owner": 4,
}

// may says whether the user has at least the role in the workspace.
func (s *Sim) may(user, role, workspace string) bool {
	_, wanted, _ := strings.Cut(role, "_")
	for _, p := range s.world.permissions {
		if p.UserID != user || p.WorkspaceID != "" && p.WorkspaceID != workspace {
			continue
		}
		_, has, _ := strings.Cut(p.Type, "_")
		if p.Type == "instance_admin" || ranks[has] >= ranks[wanted] && ranks[wanted] > 0 {
			return true
		}
	}
	return false
}

func checkPermission(s *Sim, c *call) (any, error) {
	return verdict(s.may(c.id("userId"), c.text("permissionType"), c.id("workspaceId"))), nil
}

func checkPermissions(s *Sim, c *call) (any, error) {
	workspaces, _ := c.body["workspaceIds"].([]any)
	return verdict(!slices.ContainsFunc(workspaces, func(w any) bool {
		id, _ := w.(string)
		return !s.may(c.id("userId"), c.text("permissionType"), strings.ToLower(id))
	})), nil
}

func verdict(allowed bool) map[string]any {
	if allowed {
		return map[string]any{"status": "succeeded"}
	}
	return map[string]any{"status": "failed", "message": http.StatusText(http.StatusForbidden)}
}
