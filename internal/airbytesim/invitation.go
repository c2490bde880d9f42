package airbytesim

import (
	"slices"
	"strings"
	"time"
)

// Invitation is a grant for an email that nobody has yet.
type Invitation struct {
	ID             string `json:"id"`
	Email          string `json:"invitedEmail"`
	PermissionType string `json:"permissionType"`
	ScopeType      string `json:"scopeType"`
	ScopeID        string `json:"scopeId"`

	code string // what the invited follow
}

// read is what administrators see: older servers show the code, newer ones keep it from them.
func (s *Sim) readInvitation(i Invitation, status string) map[string]any {
	now := s.now().Format(time.RFC3339)
	read := map[string]any{
		"id": i.ID, "inviterUserId": s.world.admin, "invitedEmail": i.Email, "permissionType": i.PermissionType,
		"scopeType": i.ScopeType, "scopeId": i.ScopeID, "status": status, "createdAt": now, "updatedAt": now,
	}
	if s.behavior.OldErrors {
		read["inviteCode"] = i.code
	}
	return read
}

// invite is user_invitations/create: whom the organization knows is added at once.
func invite(s *Sim, c *call) (any, error) {
	i := Invitation{
		Email: c.text("invitedEmail"), PermissionType: c.text("permissionType"), ScopeType: c.text("scopeType"), ScopeID: c.id("scopeId"),
	}
	if i.ScopeType == "workspace" {
		if _, err := s.workspace(i.ScopeID); err != nil {
			return nil, err
		}
	} else if i.ScopeID != s.world.organization {
		return nil, notFound("ORGANIZATION", i.ScopeID)
	}
	u := s.findUser(func(u *User) bool { return strings.EqualFold(u.Email, i.Email) })
	if u != nil && i.ScopeType == "workspace" && s.granted(u.ID, "", s.world.organization) != nil {
		if _, err := s.grant(&Permission{Type: i.PermissionType, UserID: u.ID, WorkspaceID: i.ScopeID}); err != nil {
			return nil, err
		}
		return created{map[string]any{"directlyAdded": true}}, nil
	}
	if slices.ContainsFunc(s.world.invitations, func(o Invitation) bool {
		return strings.EqualFold(o.Email, i.Email) && o.ScopeID == i.ScopeID
	}) {
		return nil, conflict("Already has a pending invitation: " + i.Email)
	}
	i.ID, i.code = s.newID(), s.newID()
	s.world.invitations = append(s.world.invitations, i)
	return created{map[string]any{"directlyAdded": false}}, nil
}

// listInvitations is user_invitations/list_pending.
func listInvitations(s *Sim, c *call) (any, error) {
	pending := []any{}
	for _, i := range s.world.invitations {
		if i.ScopeType == c.text("scopeType") && i.ScopeID == c.id("scopeId") {
			pending = append(pending, s.readInvitation(i, "pending"))
		}
	}
	return pending, nil
}

// cancelInvitation wants the code of an older server; a newer one takes the id too.
func cancelInvitation(s *Sim, c *call) (any, error) {
	id, code := c.id("id"), c.text("inviteCode")
	if id == "" && code == "" || code == "" && s.behavior.OldErrors {
		return nil, badRequest("Either id or inviteCode must be provided.")
	}
	at := slices.IndexFunc(s.world.invitations, func(i Invitation) bool { return id != "" && i.ID == id || code != "" && i.code == code })
	if at < 0 {
		return nil, forbidden("Admin authorization failed for the invitation") // so it is, where there is none
	}
	cancelled := s.world.invitations[at]
	s.world.invitations = slices.Delete(slices.Clone(s.world.invitations), at, at+1)
	return created{s.readInvitation(cancelled, "cancelled")}, nil
}
