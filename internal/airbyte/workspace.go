package airbyte

import (
	"context"
	"net/http"
)

// Workspace is WorkspaceRead.
type Workspace struct {
	ID             string `json:"workspaceId"`
	Name           string `json:"name"`
	Slug           string `json:"slug"`
	OrganizationID string `json:"organizationId"` // absent on older servers
	Tombstone      bool   `json:"tombstone"`      // the workspace was deleted
}

func (w *Workspace) verify(string) error {
	if w.ID == "" {
		return lacks("a workspaceId")
	}
	return nil
}

// GetWorkspace reads a workspace.
func (c *Client) GetWorkspace(ctx context.Context, id string) (Workspace, error) {
	return post[Workspace](ctx, c, "workspaces/get", map[string]any{"workspaceId": id})
}

// Instance is InstanceConfigurationResponse.
type Instance struct {
	Edition               string `json:"edition"` // community, pro, enterprise, trial
	Version               string `json:"version"` // absent on older servers
	URL                   string `json:"airbyteUrl"`
	DefaultOrganizationID string `json:"defaultOrganizationId"`
}

func (i *Instance) verify(string) error {
	if *i == (Instance{}) {
		return lacks("the instance's configuration")
	}
	return nil
}

// GetInstance reads what sort of Airbyte this is.
func (c *Client) GetInstance(ctx context.Context) (Instance, error) {
	return call[Instance](ctx, c, http.MethodGet, "instance_configuration", nil)
}

// Health returns nil when Airbyte can be reached with the credentials given and
// says that it is available.
func (c *Client) Health(ctx context.Context) error {
	_, err := call[wireHealth](ctx, c, http.MethodGet, "health", nil)
	return err
}

// wireHealth is HealthCheckRead.
type wireHealth struct {
	Available *bool `json:"available"`
}

func (w *wireHealth) verify(operation string) error {
	switch {
	case w.Available == nil:
		return lacks("whether Airbyte is available")
	case !*w.Available:
		return &Error{
			Operation: operation, Status: http.StatusOK, Class: ClassServer, Retryable: true,
			Message: "it says that it is not available",
		}
	}
	return nil
}
