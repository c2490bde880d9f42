package airbyte_test

import (
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"

	"github.com/google/go-cmp/cmp"
)

// oneAnswer answers one body and keeps the path and the body that it was asked with.
type oneAnswer struct {
	answer string
	path   string
	body   map[string]any
}

func (o *oneAnswer) RoundTrip(r *http.Request) (*http.Response, error) {
	o.path = r.URL.Path
	if err := json.NewDecoder(r.Body).Decode(&o.body); err != nil {
		return nil, err
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: r, Body: io.NopCloser(strings.NewReader(o.answer)),
	}, nil
}

func (o *oneAnswer) client(t *testing.T) *airbyte.Client {
	t.Helper()
	client, err := airbyte.New(airbyte.Options{BaseURL: "http://airbyte.test", Transport: o})
	if err != nil {
		t.Fatal(err)
	}
	return client
}

// The description that CONTRACT_DIR holds leaves these calls out, so what is sent is written down here.
func TestCallsBeyondTheDescription(t *testing.T) {
	t.Parallel()
	const answer = `{"groupId":"g","name":"Robots","groups":[{"groupId":"g","name":"Robots"}],"permissionId":"p",
		"permissions":[{"permissionId":"p","groupId":"g","permissionType":"workspace_reader","workspaceId":"w"}]}`
	for operation, test := range map[string]struct {
		call func(*airbyte.Client) error
		body map[string]any
	}{
		"groups/list": {
			func(c *airbyte.Client) error { _, err := c.ListGroups(ctx, otherID); return err },
			map[string]any{"organizationId": otherID},
		},
		"groups/get": {
			func(c *airbyte.Client) error { _, err := c.GetGroup(ctx, otherID); return err },
			map[string]any{"groupId": otherID},
		},
		"group_permissions/list": {
			func(c *airbyte.Client) error { _, err := c.ListGroupPermissions(ctx, otherID); return err },
			map[string]any{"groupId": otherID},
		},
		"group_permissions/create": {
			func(c *airbyte.Client) error {
				_, err := c.CreateGroupPermission(ctx, otherID, workspaceID, "workspace_reader")
				return err
			},
			map[string]any{"groupId": otherID, "workspaceId": workspaceID, "permissionType": "workspace_reader"},
		},
		"user_invitations/list_pending": {
			func(c *airbyte.Client) error { _, err := c.ListInvitations(ctx, otherID); return err },
			map[string]any{"scopeType": "workspace", "scopeId": otherID},
		},
		"user_invitations/cancel": {
			func(c *airbyte.Client) error { return c.CancelInvitation(ctx, airbyte.PendingInvitation{ID: otherID}) },
			map[string]any{"id": otherID},
		},
		"group_permissions/delete": {
			func(c *airbyte.Client) error { return c.DeleteGroupPermission(ctx, otherID, sourceID) },
			map[string]any{"groupId": otherID, "permissionId": sourceID},
		},
	} {
		t.Run(operation, func(t *testing.T) {
			t.Parallel()
			server := &oneAnswer{answer: answer}
			if operation == "user_invitations/list_pending" {
				server.answer = `[{"id":"i","invitedEmail":"a@example.com"}]`
			}
			if err := test.call(server.client(t)); err != nil {
				t.Fatal(err)
			}
			if server.path != "/api/v1/"+operation {
				t.Errorf("asked %s", server.path)
			}
			if diff := cmp.Diff(test.body, server.body); diff != "" {
				t.Errorf("body (-want +got):\n%s", diff)
			}
			if dir := os.Getenv("CONTRACT_DIR"); dir != "" {
				paths, err := os.ReadFile(filepath.Join(dir, "airbyte-paths.txt"))
				if err != nil || !slices.Contains(strings.Fields(string(paths)), "/v1/"+operation) {
					t.Errorf("Airbyte has no %s (%v)", operation, err)
				}
			}
		})
	}
}

// An answer that lacks what is read of it is an error, not an empty list.
func TestTheirAnswersMustHaveWhatIsRead(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{}`, `{"groups":[{}],"permissions":[{}]}`, `null`, `[{}]`} {
		client := (&oneAnswer{answer: answer}).client(t)
		for name, call := range map[string]func() error{
			"groups":      func() error { _, err := client.ListGroups(ctx, otherID); return err },
			"invitations": func() error { _, err := client.ListInvitations(ctx, otherID); return err },
			"group":       func() error { _, err := client.GetGroup(ctx, otherID); return err },
			"permissions": func() error { _, err := client.ListGroupPermissions(ctx, otherID); return err },
			"permission":  func() error { _, err := client.CreateGroupPermission(ctx, otherID, workspaceID, "r"); return err },
		} {
			var failure *airbyte.Error
			if err := call(); !errors.As(err, &failure) {
				t.Errorf("%s of %s: error %v", name, answer, err)
			}
		}
	}
}
