package airbyte

import "context"

// User is a person that Airbyte knows.
type User struct {
	ID    string `json:"userId"`
	Email string `json:"email"`
	Name  string `json:"name"`
}

func (u *User) verify(string) error {
	if u.ID == "" {
		return lacks("a userId")
	}
	return nil
}

// GetUserByEmail finds a user; it needs an instance admin's credentials. An
// unknown address is a 404.
func (c *Client) GetUserByEmail(ctx context.Context, email string) (User, error) {
	return post[User](ctx, c, "users/get_by_email", map[string]any{"email": email})
}

// ListOrganizationUsers lists the users of an organization.
func (c *Client) ListOrganizationUsers(ctx context.Context, organizationID string) ([]User, error) {
	got, err := post[wireUsers](ctx, c, "users/list_by_organization_id", map[string]any{"organizationId": organizationID})
	return got.Users, err
}

// wireUsers is OrganizationUserReadList.
type wireUsers struct {
	Users []User `json:"users"`
}

func (w *wireUsers) verify(operation string) error {
	if w.Users == nil {
		return lacks("a list of users")
	}
	for i := range w.Users {
		if err := w.Users[i].verify(operation); err != nil {
			return err
		}
	}
	return nil
}

// Permission is PermissionRead.
type Permission struct {
	ID             string `json:"permissionId"`
	Type           string `json:"permissionType"` // such as "workspace_reader"
	UserID         string `json:"userId"`
	WorkspaceID    string `json:"workspaceId"`    // empty for one that is not about a workspace
	OrganizationID string `json:"organizationId"` // empty for one that is not about an organization
}

func (p *Permission) verify(string) error {
	if p.ID == "" {
		return lacks("a permissionId")
	}
	return nil
}

// Access is what one user may do in a workspace.
type Access struct {
	UserID       string      `json:"userId"`
	Email        string      `json:"userEmail"`
	Workspace    *Permission `json:"workspacePermission"`    // granted for the workspace itself; may be nil
	Organization *Permission `json:"organizationPermission"` // inherited; may be nil
}

// ListAccess lists the users that have access to a workspace.
func (c *Client) ListAccess(ctx context.Context, workspaceID string) ([]Access, error) {
	got, err := post[wireAccess](ctx, c, "users/list_access_info_by_workspace_id", map[string]any{"workspaceId": workspaceID})
	return got.Users, err
}

// wireAccess is WorkspaceUserAccessInfoReadList.
type wireAccess struct {
	Users []Access `json:"usersWithAccess"`
}

func (w *wireAccess) verify(string) error {
	if w.Users == nil {
		return lacks("a list of users with access")
	}
	for _, u := range w.Users {
		if u.UserID == "" {
			return lacks("a userId")
		}
	}
	return nil
}

// CreatePermission grants a role in a workspace. The same grant again answers
// the existing permission; a user has one permission per workspace.
func (c *Client) CreatePermission(ctx context.Context, userID, workspaceID, permissionType string) (Permission, error) {
	return post[Permission](ctx, c, "permissions/create", map[string]any{
		"userId": userID, "workspaceId": workspaceID, "permissionType": permissionType,
	})
}

// UpdatePermission changes the role of a permission.
func (c *Client) UpdatePermission(ctx context.Context, permissionID, permissionType string) error {
	return c.send(ctx, "permissions/update", map[string]any{
		"permissionId": permissionID, "permissionType": permissionType,
	})
}

// DeleteUserFromWorkspace takes back what a user was granted in a workspace.
func (c *Client) DeleteUserFromWorkspace(ctx context.Context, userID, workspaceID string) error {
	return c.send(ctx, "permissions/delete_user_from_workspace", map[string]any{
		"userId": userID, "workspaceId": workspaceID,
	})
}
