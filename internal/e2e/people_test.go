package e2e

import (
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
)

// granted is an entry of aclInfo.
type granted struct {
	Identity string `json:"identity"`
	Locked   bool   `json:"locked"`
}

// withPeople lets Airbyte know anna, ben, cleo and dora of example.com.
func withPeople(o *airbytesim.Options) {
	for _, name := range []string{"anna", "ben", "cleo", "dora"} {
		o.Users = append(o.Users, airbytesim.User{Email: name + "@example.com", OrganizationRole: "organization_member"})
	}
}

// user is how Witboost writes a person of example.com.
func user(name string) string { return "user:" + name + "_example.com" }

// aclRequest is an UpdateAclRequest.
type aclRequest struct {
	Refs          []string `json:"refs"`
	ProvisionInfo struct {
		Request string `json:"request"`
		Result  string `json:"result"`
	} `json:"provisionInfo"`
}

// setAccess asks that exactly the refs have access through the component, and waits for the end.
func (s *stack) setAccess(w wish, state string, refs ...string) status {
	s.t.Helper()
	request := aclRequest{Refs: append([]string{}, refs...)}
	request.ProvisionInfo.Request = w.descriptor()
	return s.awaitState(s.accepted("/v1/updateacl", request), state)
}

// roles are the roles given in the workspace itself, by the name in front of @example.com.
func (s *stack) roles() map[string]string {
	contents := s.sim.Contents()
	emails, roles := map[string]string{}, map[string]string{}
	for _, u := range contents.Users {
		emails[u.ID] = strings.TrimSuffix(u.Email, "@example.com")
	}
	for _, p := range contents.Permissions {
		if p.WorkspaceID == airbytesim.DefaultWorkspace {
			roles[emails[p.UserID]] = p.Type
		}
	}
	return roles
}

// grants are the calls that change who has access, in order.
func (s *stack) grants(after int64) []string {
	var found []string
	for _, c := range s.sim.Calls("*", after) {
		if strings.HasPrefix(c.Operation, "permissions/") || strings.HasPrefix(c.Operation, "user_invitations/") {
			found = append(found, c.Operation)
		}
	}
	return found
}

// hands is somebody who works in Airbyte with credentials of their own.
func (s *stack) hands() *airbyte.Client {
	s.t.Helper()
	client, err := airbyte.New(airbyte.Options{
		BaseURL: s.env["AIRBYTE_BASE_URL"], Auth: airbyte.Auth{ClientID: "client", ClientSecret: clientSecret},
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return client
}

// give is an administrator who gives a role by hand.
func (s *stack) give(name, role string) {
	s.t.Helper()
	for _, u := range s.sim.Contents().Users {
		if u.Email == name+"@example.com" {
			if _, err := s.hands().CreatePermission(s.t.Context(), u.ID, airbytesim.DefaultWorkspace, role); err != nil {
				s.t.Fatal(err)
			}
			return
		}
	}
	s.t.Fatalf("Airbyte knows no %s", name)
}
