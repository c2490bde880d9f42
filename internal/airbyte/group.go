package airbyte

import "context"

// Groups of users are newer than the rest of the API and need an edition that
// has them: elsewhere the calls are a 403 or a 404.

// Group is GroupRead: users of one organization.
type Group struct {
	ID   string `json:"groupId"`
	Name string `json:"name"` // no other group of the organization has it
}

func (g *Group) verify(string) error {
	if g.ID == "" {
		return lacks("a groupId")
	}
	return nil
}

// ListGroups lists the groups of an organization; it needs the organization's admin.
func (c *Client) ListGroups(ctx context.Context, organizationID string) ([]Group, error) {
	got, err := post[wireGroups](ctx, c, "groups/list", map[string]any{"organizationId": organizationID})
	return got.Groups, err
}

// wireGroups is GroupReadList.
type wireGroups struct {
	Groups []Group `json:"groups"`
}

func (w *wireGroups) verify(operation string) error {
	if w.Groups == nil {
		return lacks("a list of groups")
	}
	for i := range w.Groups {
		if err := w.Groups[i].verify(operation); err != nil {
			return err
		}
	}
	return nil
}

// GetGroup reads a group; one that was deleted is a 404.
func (c *Client) GetGroup(ctx context.Context, groupID string) (Group, error) {
	return post[Group](ctx, c, "groups/get", map[string]any{"groupId": groupID})
}

// ListGroupPermissions lists what a group was granted, in all workspaces.
// Unlike a user, a group may have several roles in one workspace.
func (c *Client) ListGroupPermissions(ctx context.Context, groupID string) ([]Permission, error) {
	got, err := post[wirePermissions](ctx, c, "group_permissions/list", map[string]any{"groupId": groupID})
	return got.Permissions, err
}

// wirePermissions is GroupPermissionReadList.
type wirePermissions struct {
	Permissions []Permission `json:"permissions"`
}

func (w *wirePermissions) verify(operation string) error {
	if w.Permissions == nil {
		return lacks("a list of permissions")
	}
	for i := range w.Permissions {
		if err := w.Permissions[i].verify(operation); err != nil {
			return err
		}
	}
	return nil
}

// CreateGroupPermission grants a group a role in a workspace; one that it has is a 409.
func (c *Client) CreateGroupPermission(ctx context.Context, groupID, workspaceID, permissionType string) (Permission, error) {
	return post[Permission](ctx, c, "group_permissions/create", map[string]any{
		"groupId": groupID, "workspaceId": workspaceID, "permissionType": permissionType,
	})
}

// DeleteGroupPermission takes a group's permission back; one that is gone is a 404.
func (c *Client) DeleteGroupPermission(ctx context.Context, groupID, permissionID string) error {
	return c.send(ctx, "group_permissions/delete", map[string]any{"groupId": groupID, "permissionId": permissionID})
}
