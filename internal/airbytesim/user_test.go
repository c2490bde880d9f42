package airbytesim

import (
	"encoding/json"
	"net/http"
	"slices"
	"testing"
)

func permissionOf(f *fixture, user, kind string) m {
	return m{"userId": user, "permissionType": kind, "workspaceId": workspace}
}

func TestOnePermissionPerUserAndWorkspace(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	ada := f.sim.AddUser(User{Email: "ada@example.com", OrganizationRole: "organization_member"})
	first := f.ok("permissions/create", permissionOf(f, ada, "workspace_reader"))
	again := f.ok("permissions/create", permissionOf(f, ada, "workspace_reader"))
	if first["permissionId"] != again["permissionId"] {
		t.Error("the same grant again made another record")
	}
	f.call(http.StatusInternalServerError, "permissions/create", permissionOf(f, ada, "workspace_admin"))
	f.call(http.StatusNoContent, "permissions/update", m{"permissionId": first["permissionId"], "permissionType": "workspace_admin"})
	if got := f.ok("permissions/get", m{"permissionId": first["permissionId"]})["permissionType"]; got != "workspace_admin" {
		t.Errorf("the role is %v", got)
	}
	f.call(http.StatusInternalServerError, "permissions/update", m{"permissionId": first["permissionId"], "permissionType": "organization_admin"})
	if n := len(f.ok("permissions/list_by_user", m{"userId": ada})["permissions"].([]any)); n != 2 {
		t.Errorf("%d permissions, want the organization's and the workspace's", n)
	}
	revoke := m{"userId": ada, "workspaceId": workspace}
	f.call(http.StatusNoContent, "permissions/delete_user_from_workspace", revoke)
	f.call(http.StatusNoContent, "permissions/delete_user_from_workspace", revoke)
	f.call(http.StatusNotFound, "permissions/get", m{"permissionId": first["permissionId"]})
}

func TestRefusedPermissions(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	ada := f.sim.AddUser(User{Email: "ada@example.com"})
	f.call(http.StatusUnprocessableEntity, "permissions/create", m{"userId": ada, "permissionType": "instance_admin"})
	f.call(http.StatusInternalServerError, "permissions/create", m{"userId": ada, "permissionType": "workspace_reader"})
	f.call(http.StatusNotFound, "permissions/create", permissionOf(f, devNullID, "workspace_reader"))
	admin := f.ok("users/get_by_email", m{"email": "admin@example.com"})["userId"]
	list := f.ok("permissions/list_by_user", m{"userId": admin})["permissions"].([]any)
	f.call(http.StatusConflict, "permissions/delete", m{"permissionId": list[0].(m)["permissionId"]})
}

func TestRedundantPermissions(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	ada := f.sim.AddUser(User{Email: "ada@example.com", OrganizationRole: "organization_editor"})
	f.call(http.StatusConflict, "permissions/create", permissionOf(f, ada, "workspace_reader"))
	above := f.ok("permissions/create", permissionOf(f, ada, "workspace_admin"))
	f.call(http.StatusNoContent, "permissions/update", m{"permissionId": above["permissionId"], "permissionType": "workspace_reader"})
	f.call(http.StatusNotFound, "permissions/get", m{"permissionId": above["permissionId"]}) // covered by the organization's now
	bob := f.sim.AddUser(User{Email: "bob@example.com"})
	below := f.ok("permissions/create", permissionOf(f, bob, "workspace_reader"))
	organization := f.ok("workspaces/get", m{"workspaceId": workspace})["organizationId"]
	f.ok("permissions/create", m{"userId": bob, "permissionType": "organization_admin", "organizationId": organization})
	f.call(http.StatusNotFound, "permissions/get", m{"permissionId": below["permissionId"]})
}

func TestWhoHasAccess(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Users: []User{
		{Email: "member@example.com", OrganizationRole: "organization_member"},
		{Email: "reader@example.com", OrganizationRole: "organization_reader"},
	}})
	ada := f.sim.AddUser(User{Email: "ada@example.com"})
	f.ok("permissions/create", permissionOf(f, ada, "workspace_reader"))
	var emails []string
	for _, u := range f.ok("users/list_access_info_by_workspace_id", m{"workspaceId": workspace})["usersWithAccess"].([]any) {
		emails = append(emails, u.(m)["userEmail"].(string))
	}
	if want := []string{"ada@example.com", "admin@example.com", "reader@example.com"}; !slices.Equal(emails, want) {
		t.Errorf("%v have access, want %v", emails, want)
	}
	organization := f.ok("workspaces/get", m{"workspaceId": workspace})["organizationId"]
	if n := len(f.ok("users/list_by_organization_id", m{"organizationId": organization})["users"].([]any)); n != 3 {
		t.Errorf("%d users of the organization, want 3", n)
	}
	f.call(http.StatusNotFound, "users/list_by_organization_id", m{"organizationId": devNullID})
	check := func(kind, want string) {
		t.Helper()
		if got := f.ok("permissions/check", permissionOf(f, ada, kind))["status"]; got != want {
			t.Errorf("%s: %v, want %s", kind, got, want)
		}
	}
	check("workspace_reader", "succeeded")
	check("workspace_editor", "failed")
	read := f.ok("permissions/check_multiple_workspaces", m{
		"userId": ada, "permissionType": "workspace_reader", "workspaceIds": []any{workspace, devNullID},
	})
	if read["status"] != "failed" {
		t.Errorf("unexpected verdict: %v", read)
	}
}

func TestUsersByEmailNeedAnInstanceAdmin(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Behavior: Behavior{NotInstanceAdmin: true}})
	f.call(http.StatusForbidden, "users/get_by_email", m{"email": "admin@example.com"})
	f.sim.SetBehavior(Behavior{})
	id := f.ok("users/get_by_email", m{"email": "admin@example.com"})["userId"]
	f.ok("users/get", m{"userId": id})
	f.ok("users/get_by_auth_id", m{"authUserId": id})
	f.call(http.StatusNotFound, "users/get_by_email", m{"email": "nobody@example.com"})
	f.call(http.StatusNotFound, "users/get_by_email", m{"email": "Admin@example.com"})
	f.call(http.StatusNotFound, "users/get_by_auth_id", m{"authUserId": "nobody"})
	if read := f.ok("users/get_or_create_by_auth_id", m{"authUserId": "nobody"}); read["newUserCreated"] != true {
		t.Errorf("unexpected answer: %v", read)
	}
}

// pendingInvitations are those to the workspace, as its administrators see them.
func pendingInvitations(f *fixture) (pending []m) {
	f.t.Helper()
	answer := f.call(http.StatusOK, "user_invitations/list_pending", m{"scopeType": "workspace", "scopeId": workspace})
	if err := json.Unmarshal([]byte(answer.raw), &pending); err != nil {
		f.t.Fatal(err)
	}
	return pending
}

func TestInvitations(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	invitation := m{
		"invitedEmail": "new@example.com", "permissionType": "workspace_reader", "scopeType": "workspace", "scopeId": workspace,
	}
	if read := f.call(http.StatusCreated, "user_invitations/create", invitation).body; read["directlyAdded"] != false {
		t.Errorf("unexpected answer: %v", read)
	}
	f.call(http.StatusConflict, "user_invitations/create", invitation)
	f.sim.AddUser(User{Email: "known@example.com", OrganizationRole: "organization_member"})
	known := with(invitation, m{"invitedEmail": "known@example.com"})
	if read := f.call(http.StatusCreated, "user_invitations/create", known).body; read["directlyAdded"] != true {
		t.Errorf("unexpected answer: %v", read)
	}
	held := f.sim.Contents()
	if len(held.Invitations) != 1 || !slices.ContainsFunc(held.Permissions, func(p Permission) bool { return p.WorkspaceID == workspace }) {
		t.Errorf("unexpected contents: %+v %+v", held.Invitations, held.Permissions)
	}
	pending := pendingInvitations(f)
	if len(pending) != 1 || pending[0]["invitedEmail"] != "new@example.com" || pending[0]["inviteCode"] != nil {
		t.Errorf("unexpected pending invitations: %v", pending)
	}
	id := m{"id": pending[0]["id"]}
	f.sim.SetBehavior(Behavior{OldErrors: true})
	f.call(http.StatusBadRequest, "user_invitations/cancel", id)
	code := pendingInvitations(f)[0]["inviteCode"]
	f.sim.SetBehavior(Behavior{})
	f.call(http.StatusBadRequest, "user_invitations/cancel", m{})
	f.call(http.StatusCreated, "user_invitations/cancel", m{"inviteCode": code})
	f.call(http.StatusForbidden, "user_invitations/cancel", id)
	if pending := pendingInvitations(f); len(pending) != 0 {
		t.Errorf("a cancelled invitation is pending: %v", pending)
	}
	f.call(http.StatusNotFound, "user_invitations/create", with(invitation, m{"scopeId": devNullID}))
	f.call(http.StatusNotFound, "user_invitations/create", with(invitation, m{"scopeType": "organization", "scopeId": devNullID}))
}

func TestCoreHasNoPermissions(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Behavior: Behavior{Edition: EditionCommunity}})
	if read := f.ok("instance_configuration", nil); read["edition"] != "community" {
		t.Errorf("unexpected edition: %v", read)
	}
	f.call(http.StatusForbidden, "users/get_by_email", m{"email": "admin@example.com"})
	f.call(http.StatusForbidden, "permissions/create", permissionOf(f, devNullID, "workspace_reader"))
	f.call(http.StatusForbidden, "users/list_access_info_by_workspace_id", m{"workspaceId": workspace})
}
