package airbytesim

import (
	"net/http"
	"testing"
)

func TestGroups(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	organization := f.ok("workspaces/get", m{"workspaceId": workspace})["organizationId"]
	f.sim.AddGroup(Group{Name: "zebras"})
	id := f.sim.AddGroup(Group{Name: "Analysts"})
	var names []string
	for _, g := range f.ok("groups/list", m{"organizationId": organization})["groups"].([]any) {
		names = append(names, g.(m)["name"].(string))
	}
	if len(names) != 2 || names[0] != "Analysts" || names[1] != "zebras" {
		t.Errorf("groups %v, want Analysts and zebras", names)
	}
	if name := f.ok("groups/get", m{"groupId": id})["name"]; name != "Analysts" {
		t.Errorf("the group is called %v", name)
	}

	grant := m{"groupId": id, "workspaceId": workspace, "permissionType": "workspace_reader"}
	given := f.ok("group_permissions/create", grant)
	f.call(http.StatusConflict, "group_permissions/create", grant)
	second := f.ok("group_permissions/create", m{"groupId": id, "workspaceId": workspace, "permissionType": "workspace_editor"})
	if n := len(f.ok("group_permissions/list", m{"groupId": id})["permissions"].([]any)); n != 2 {
		t.Errorf("%d permissions, want 2: a group may have several roles", n)
	}
	taken := m{"groupId": id, "permissionId": given["permissionId"]}
	f.call(http.StatusNoContent, "group_permissions/delete", taken)
	f.call(http.StatusNotFound, "group_permissions/delete", taken)

	f.sim.RemoveGroup(id)
	f.call(http.StatusNotFound, "groups/get", m{"groupId": id})
	f.call(http.StatusNotFound, "group_permissions/list", m{"groupId": id})
	f.call(http.StatusNotFound, "group_permissions/delete", m{"groupId": id, "permissionId": second["permissionId"]})
}

func TestGroupPermissionsHaveOneScope(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	organization := f.ok("workspaces/get", m{"workspaceId": workspace})["organizationId"]
	id := f.sim.AddGroup(Group{Name: "Analysts"})
	for _, grant := range []m{
		{"permissionType": "workspace_reader"},
		{"permissionType": "workspace_reader", "workspaceId": workspace, "organizationId": organization},
		{"permissionType": "organization_reader", "workspaceId": workspace},
		{"permissionType": "instance_admin", "organizationId": organization},
	} {
		grant["groupId"] = id
		f.call(http.StatusBadRequest, "group_permissions/create", grant)
	}
	f.call(http.StatusNotFound, "group_permissions/create", m{"groupId": id, "permissionType": "organization_reader", "organizationId": devNullID})
	f.ok("group_permissions/create", m{"groupId": id, "permissionType": "organization_reader", "organizationId": organization})
}

func TestEditionsWithoutGroups(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Behavior: Behavior{NoGroups: true}})
	organization := f.ok("workspaces/get", m{"workspaceId": workspace})["organizationId"]
	f.call(http.StatusForbidden, "groups/list", m{"organizationId": organization})
	f.sim.SetBehavior(Behavior{Edition: EditionCommunity})
	f.call(http.StatusForbidden, "groups/list", m{"organizationId": organization})
}
