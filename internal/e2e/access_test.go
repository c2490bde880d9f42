package e2e

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"

	"airbyte-provisioner/internal/airbytesim"
)

// TestAccessEndsWithTheComponent grants through two components, and
// unprovisions them one after the other.
func TestAccessEndsWithTheComponent(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil, withPeople)
	s.startAPI()
	s.startWorker()
	one, two := wish{}, wish{ID: "urn:dmb:cmp:finance:orders:0:two"}
	for _, w := range []wish{one, two} {
		s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
	}
	s.setAccess(one, "COMPLETED", user("anna"), user("ben"))
	s.setAccess(two, "COMPLETED", user("ben"))
	gone := s.awaitState(s.submit("unprovision", one.descriptor()), "COMPLETED")
	if diff := cmp.Diff(map[string]string{"ben": "workspace_reader"}, s.roles()); diff != "" {
		t.Errorf("after the first component's end (-want +got):\n%s", diff)
	}
	mentions(t, gone.Result, "Removed", "anna@example.com lost workspace_reader")
	s.awaitState(s.submit("unprovision", two.descriptor()), "COMPLETED")
	if diff := cmp.Diff(map[string]string{}, s.roles()); diff != "" {
		t.Errorf("after the second component's end (-want +got):\n%s", diff)
	}
}

// TestAccessOfPrincipals resolves people, groups of people and a group of Airbyte's by the table, which changes meanwhile.
func TestAccessOfPrincipals(t *testing.T) {
	t.Parallel()
	table := filepath.Join(t.TempDir(), "principals.yaml")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(table, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("group:analysts: [anna@example.com, ben@example.com]\nuser:c.leo_acme.com: cleo@example.com\n")
	s := newStack(t, map[string]string{"PRINCIPALS_FILE": table, "ACL_ROLE": "workspace_editor"}, withPeople)
	s.startAPI()
	s.startWorker()
	st := s.setAccess(wish{}, "COMPLETED", "group:analysts", "c.leo_acme.com")
	want := map[string]string{"anna": "workspace_editor", "ben": "workspace_editor", "cleo": "workspace_editor"}
	if diff := cmp.Diff(want, s.roles()); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]granted{{Identity: "group:analysts"}, {Identity: "c.leo_acme.com"}}, st.Info.ACLInfo); diff != "" {
		t.Errorf("aclInfo (-want +got):\n%s", diff)
	}
	write("group:analysts: [anna@example.com, dora@example.com]\n")
	s.setAccess(wish{}, "COMPLETED", "group:analysts")
	if diff := cmp.Diff(map[string]string{"anna": "workspace_editor", "dora": "workspace_editor"}, s.roles()); diff != "" {
		t.Errorf("roles by the changed table (-want +got):\n%s", diff)
	}

	group := s.sim.AddGroup(airbytesim.Group{Name: "Analysts"})
	write("group:analysts: {airbyteGroup: Analysts}\n")
	mentions(t, s.setAccess(wish{}, "COMPLETED", "group:analysts").Result, `the Airbyte group "Analysts" was granted workspace_editor`)
	if given := s.sim.Contents().GroupPermissions; len(given) != 1 || given[0].GroupID != group || given[0].Type != "workspace_editor" {
		t.Errorf("the groups' permissions are %v, want that of %s as an editor", given, group)
	}
	if diff := cmp.Diff(map[string]string{}, s.roles()); diff != "" {
		t.Errorf("roles of users once the group is Airbyte's (-want +got):\n%s", diff)
	}
	s.setAccess(wish{}, "COMPLETED")
	if given := s.sim.Contents().GroupPermissions; len(given) != 0 {
		t.Errorf("the groups' permissions are %v when nobody is wanted", given)
	}
}

// TestAccessThatCannotBeGiven fails before the first change.
func TestAccessThatCannotBeGiven(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil, withPeople)
	s.startAPI()
	s.startWorker()
	s.setAccess(wish{}, "COMPLETED", user("anna"))
	cases := []struct {
		name   string
		refs   []string
		wanted []string
	}{
		{"nobody in Airbyte", []string{user("ben"), user("zoe")}, []string{"zoe@example.com", "refs[1]", "What to do"}},
		{"a group that the table lacks", []string{user("ben"), "group:analysts"}, []string{"group:analysts", "PRINCIPALS_FILE"}},
		{"no address", []string{user("ben"), "somebody"}, []string{"somebody", "refs[1]"}},
	}
	for _, c := range cases {
		s.unchanged(t, func() { mentions(t, s.setAccess(wish{}, "FAILED", c.refs...).Result, c.wanted...) })
	}
	s.sim.SetBehavior(airbytesim.Behavior{Edition: airbytesim.EditionCommunity})
	s.unchanged(t, func() {
		mentions(t, s.setAccess(wish{}, "FAILED", user("ben")).Result, "edition", "community", "What to do")
	})
	// Where nothing was granted, an edition without roles stops no unprovision.
	s.awaitState(s.submit("unprovision", wish{ID: "urn:dmb:cmp:finance:orders:0:other"}.descriptor()), "COMPLETED")
}

// TestInvitations lets who is wanted and unknown be invited.
func TestInvitations(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"ACL_INVITE": "true"}, withPeople)
	s.startAPI()
	s.startWorker()
	mentions(t, s.setAccess(wish{}, "COMPLETED", user("zoe"), user("anna")).Result, "zoe@example.com is unknown to Airbyte and was invited")
	invitations := s.sim.Contents().Invitations
	if len(invitations) != 1 || invitations[0].Email != "zoe@example.com" || invitations[0].PermissionType != "workspace_reader" {
		t.Errorf("the invitations are %v, want zoe's as a reader", invitations)
	}
	s.setAccess(wish{}, "COMPLETED", user("zoe"), user("anna"))
	if n := len(s.sim.Contents().Invitations); n != 1 {
		t.Errorf("%d invitations after the same request again, want 1", n)
	}
	mentions(t, s.setAccess(wish{}, "COMPLETED", user("anna")).Result, "zoe@example.com is no longer invited")
	if n := len(s.sim.Contents().Invitations); n != 0 {
		t.Errorf("%d invitations that nobody wants, want none", n)
	}
}

// TestAccessRequests sends the descriptor in each form in which it may come back, and wrong ones.
func TestAccessRequests(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil, withPeople)
	s.startAPI()
	s.startWorker()
	var parsed any
	if err := yaml.Unmarshal([]byte(wish{}.descriptor()), &parsed); err != nil {
		t.Fatal(err)
	}
	asJSON, err := json.Marshal(parsed)
	if err != nil {
		t.Fatal(err)
	}
	s.setAccess(wish{}, "COMPLETED", user("anna"))
	request := aclRequest{Refs: []string{}}
	request.ProvisionInfo.Request = string(asJSON)
	s.awaitState(s.accepted("/v1/updateacl", request), "COMPLETED")
	if roles := s.roles(); len(roles) != 0 {
		t.Errorf("the descriptor as JSON is another component: %v are left", roles)
	}
	for name, c := range map[string]struct {
		request string
		wanted  []string
	}{
		"not YAML":     {"a: [b", []string{"provisionInfo.request", "YAML"}},
		"no component": {"dataProduct: {name: a, components: []}\ncomponentIdToProvision: b", []string{"provisionInfo.request.componentIdToProvision"}},
		"no id":        {"dataProduct: {name: a, components: []}", []string{"provisionInfo.request.componentIdToProvision"}},
	} {
		bad := aclRequest{Refs: []string{user("anna")}}
		bad.ProvisionInfo.Request = c.request
		got := s.request(http.MethodPost, "/v1/updateacl", bad)
		if got.status != http.StatusBadRequest {
			t.Errorf("%s: answered %d, want 400: %s", name, got.status, got.body)
		}
		mentions(t, got.body, c.wanted...)
	}
}
