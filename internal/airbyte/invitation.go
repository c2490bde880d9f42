package airbyte

import "context"

// Invitation tells what an invitation did.
type Invitation struct {
	// DirectlyAdded is set when the address belonged to a known user, who now has the role.
	DirectlyAdded bool `json:"directlyAdded"`
}

func (*Invitation) verify(string) error { return nil }

// CreateInvitation invites an address to a workspace with a role.
func (c *Client) CreateInvitation(ctx context.Context, email, workspaceID, permissionType string) (Invitation, error) {
	return post[Invitation](ctx, c, "user_invitations/create", map[string]any{
		"invitedEmail": email, "permissionType": permissionType, "scopeType": "workspace", "scopeId": workspaceID,
	})
}

// PendingInvitation is one that was neither accepted nor cancelled.
type PendingInvitation struct {
	ID    string `json:"id"`
	Code  string `json:"inviteCode"` // older servers only
	Email string `json:"invitedEmail"`
}

// ListInvitations lists the invitations to a workspace that are pending.
func (c *Client) ListInvitations(ctx context.Context, workspaceID string) ([]PendingInvitation, error) {
	got, err := post[wireInvitations](ctx, c, "user_invitations/list_pending", map[string]any{
		"scopeType": "workspace", "scopeId": workspaceID,
	})
	return got, err
}

// wireInvitations is the answer of list_pending.
type wireInvitations []PendingInvitation

func (w *wireInvitations) verify(string) error {
	if *w == nil {
		return lacks("a list of invitations")
	}
	for _, i := range *w {
		if i.ID == "" && i.Code == "" {
			return lacks("an id of an invitation")
		}
	}
	return nil
}

// CancelInvitation withdraws an invitation. Older servers know it by its code alone.
func (c *Client) CancelInvitation(ctx context.Context, i PendingInvitation) error {
	body := map[string]any{"id": i.ID}
	if i.Code != "" {
		body = map[string]any{"inviteCode": i.Code}
	}
	return c.send(ctx, "user_invitations/cancel", body)
}
