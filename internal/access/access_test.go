package access

import (
	"errors"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/workload/workloadtest"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

const (
	anna = "user:anna_acme.com"
	ben  = "user:ben_acme.com"
	cleo = "user:cleo_acme.com"
	// robots is mapped to a group of Airbyte's.
	robots = "group:robots"
)

func TestFullSnapshot(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()

	out := h.must(p, "orders", anna, ben)
	if diff := cmp.Diff(map[string]string{"anna": "workspace_reader", "ben": "workspace_reader"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("after the first request (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]workload.Grant{{Identity: anna}, {Identity: ben}}, out.Access); diff != "" {
		t.Errorf("aclInfo (-want +got):\n%s", diff)
	}
	workloadtest.Mentions(t, out.Message, "user:anna_acme.com: anna@acme.com was granted workspace_reader", "user:ben_acme.com: ben@acme.com was granted")

	out = h.must(p, "orders", ben, cleo)
	if diff := cmp.Diff(map[string]string{"ben": "workspace_reader", "cleo": "workspace_reader"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("the refs are the whole wanted set (-want +got):\n%s", diff)
	}
	workloadtest.Mentions(t, out.Message, "ben@acme.com keeps workspace_reader", "cleo@acme.com was granted", "no longer wanted: anna@acme.com lost workspace_reader")

	out = h.must(p, "orders")
	if got := h.roles(workspaceID); len(got) != 0 {
		t.Errorf("an empty list must revoke everything of the component's, left: %v", got)
	}
	if out.Access == nil || len(out.Access) != 0 {
		t.Errorf("aclInfo must be an empty list, since nobody has access; it is %#v", out.Access)
	}
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger must be empty when nothing is granted, left: %v", keys)
	}
}

func TestRepetitionChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	first := h.must(p, "orders", anna, ben)
	h.sim.ClearCalls()
	again := h.must(p, "orders", anna, ben)
	if calls := h.changes(); len(calls) != 0 {
		t.Errorf("a repetition changed something: %v", calls)
	}
	if n := len(h.sim.Calls("*", 0)); n != 2 {
		t.Errorf("a repetition made %d calls, want 2 (edition, access)", n)
	}
	if diff := cmp.Diff(first.Access, again.Access); diff != "" {
		t.Errorf("a repetition answers another aclInfo (-first +again):\n%s", diff)
	}
	workloadtest.Mentions(t, again.Message, "no changes")
	h.must(p, "orders")
	h.sim.ClearCalls()
	h.must(p, "orders")
	if calls := h.changes(); len(calls) != 0 {
		t.Errorf("a repeated revocation changed something: %v", calls)
	}
}

// What others gave is never lowered, and never revoked.
func TestProtectedGrants(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	for name, test := range map[string]struct {
		given         string // by somebody else, before
		role          string // to be granted
		during, after string // anna's role while it is wanted, and when it no longer is
		locked        bool   // whether aclInfo says that Witboost cannot manage it
	}{
		"a higher role is kept":                    {"workspace_admin", "workspace_reader", "workspace_admin", "workspace_admin", true},
		"the same role stays somebody else's":      {"workspace_reader", "workspace_reader", "workspace_reader", "workspace_reader", true},
		"a lower role is raised and given back":    {"workspace_reader", "workspace_editor", "workspace_editor", "workspace_reader", false},
		"an actor's editor may run, so it is kept": {"workspace_source_editor", "workspace_runner", "workspace_source_editor", "workspace_source_editor", true},
		"no role before, none after":               {"", "workspace_runner", "workspace_runner", "", false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, server)
			h.give("anna", test.given)
			p := h.performer(func(o *Options) { o.Role = test.role })
			out := h.must(p, "orders", anna)
			if got := h.roles(workspaceID)["anna"]; got != test.during {
				t.Errorf("while wanted anna has %q, want %q", got, test.during)
			}
			if diff := cmp.Diff([]workload.Grant{{Identity: anna, Locked: test.locked}}, out.Access); diff != "" {
				t.Errorf("aclInfo (-want +got):\n%s", diff)
			}
			h.must(p, "orders", anna)
			if got := h.roles(workspaceID)["anna"]; got != test.during {
				t.Errorf("after a repetition anna has %q, want %q", got, test.during)
			}
			h.must(p, "orders")
			if got := h.roles(workspaceID)["anna"]; got != test.after {
				t.Errorf("when no longer wanted anna has %q, want %q", got, test.after)
			}
		})
	}
}

func TestInheritedRoleIsEnough(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	h.sim.AddUser(airbytesim.User{Email: "olga@acme.com", OrganizationRole: "organization_editor"})
	p := h.performer()
	out := h.must(p, "orders", "olga_acme.com")
	if got := h.roles(workspaceID); len(got) != 0 {
		t.Errorf("who may read through the organization needs no grant, got %v", got)
	}
	if diff := cmp.Diff([]workload.Grant{{Identity: "olga_acme.com", Locked: true}}, out.Access); diff != "" {
		t.Errorf("aclInfo (-want +got):\n%s", diff)
	}
	p = h.performer(func(o *Options) { o.Role = "workspace_admin" })
	h.must(p, "orders", "olga_acme.com")
	if got := h.roles(workspaceID)["olga"]; got != "workspace_admin" {
		t.Errorf("an inherited lower role is not enough: got %q", got)
	}
}

// Somebody changes by hand what this product granted: from then on it is theirs.
func TestHandEdits(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	for name, test := range map[string]struct {
		edit          string // anna's role by hand, after the grant of workspace_runner
		again, empty  string // anna's role after the same request again, and after an empty one
		withoutRepeat string // anna's role after an empty request right after the edit
	}{
		"raised by hand stays":              {"workspace_admin", "workspace_admin", "workspace_admin", "workspace_admin"},
		"lowered by hand is raised again":   {"workspace_reader", "workspace_runner", "workspace_reader", "workspace_reader"},
		"removed by hand is granted again":  {"", "workspace_runner", "", ""},
		"made anew by hand is somebody's":   {"workspace_runner", "workspace_runner", "workspace_runner", "workspace_runner"},
		"another editor by hand is enough":  {"workspace_editor", "workspace_editor", "workspace_editor", "workspace_editor"},
		"an actor's editor by hand is kept": {"workspace_destination_editor", "workspace_destination_editor", "workspace_destination_editor", "workspace_destination_editor"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, repeat := range []bool{true, false} {
				h := newHouse(t, server)
				p := h.performer(func(o *Options) { o.Role = "workspace_runner" })
				h.must(p, "orders", anna)
				h.give("anna", test.edit)
				want := test.withoutRepeat
				if repeat {
					h.must(p, "orders", anna)
					if got := h.roles(workspaceID)["anna"]; got != test.again {
						t.Errorf("after the request again: %q, want %q", got, test.again)
					}
					want = test.empty
				}
				h.must(p, "orders")
				if got := h.roles(workspaceID)["anna"]; got != want {
					t.Errorf("after an empty request (repeated before: %v): %q, want %q", repeat, got, want)
				}
			}
		})
	}
}

func TestComponentsShareAGrant(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.must(p, "orders", anna)
	h.must(p, "sales", anna, ben)
	out := h.must(p, "orders")
	if got := h.roles(workspaceID)["anna"]; got != "workspace_reader" {
		t.Errorf("another component wants anna, and she lost her role: %q", got)
	}
	workloadtest.Mentions(t, out.Message, "anna@acme.com keeps the role: sales in dev wants it too")
	h.must(p, "sales", ben)
	if diff := cmp.Diff(map[string]string{"ben": "workspace_reader"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("nobody wants anna any more (-want +got):\n%s", diff)
	}
}

// A component that found a role by somebody else still counts when that is gone and another component granted it.
func TestWantIsKeptWithoutAGrant(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.give("anna", "workspace_reader")
	h.must(p, "orders", anna)
	h.give("anna", "")
	h.must(p, "sales", anna)
	h.must(p, "sales")
	if got := h.roles(workspaceID)["anna"]; got != "workspace_reader" {
		t.Errorf("orders still wants anna, her role is %q", got)
	}
}

func TestTheSettingChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	as := func(role string) *Performer { return h.performer(func(o *Options) { o.Role = role }) }
	h.give("ben", "workspace_runner")
	for _, test := range []struct{ role, anna, ben string }{
		{"workspace_reader", "workspace_reader", "workspace_runner"},
		{"workspace_editor", "workspace_editor", "workspace_editor"},
		{"workspace_reader", "workspace_reader", "workspace_runner"},
	} {
		h.must(as(test.role), "orders", anna, ben)
		want := map[string]string{"anna": test.anna, "ben": test.ben}
		if diff := cmp.Diff(want, h.roles(workspaceID)); diff != "" {
			t.Errorf("with the setting %s (-want +got):\n%s", test.role, diff)
		}
	}
	h.must(as("workspace_reader"), "orders")
	if diff := cmp.Diff(map[string]string{"ben": "workspace_runner"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("at the end (-want +got):\n%s", diff)
	}
}

func TestNothingChangesWhen(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	for name, test := range map[string]struct {
		prepare func(*house)
		change  func(*Options)
		refs    []string
		code    workload.Code
		says    []string
	}{
		"a user is unknown to Airbyte": {
			refs: []string{cleo, "user:nobody_acme.com", "user:noone_acme.com"}, code: workload.CodeInvalid,
			says: []string{"refs[1]", "user:nobody_acme.com", "nobody@acme.com", "refs[2]", "noone@acme.com", "nothing was changed"},
		},
		"a group is not in the table": {
			refs: []string{cleo, "group:analysts"}, code: workload.CodeInvalid,
			says: []string{"refs[1]", "group:analysts", "principals"},
		},
		"a ref is no user": {
			refs: []string{cleo, "user:x", ""}, code: workload.CodeInvalid,
			says: []string{"refs[1]", "user:x", "refs[2]"},
		},
		"a user is unknown and cannot be looked up by address": {
			prepare: func(h *house) { h.sim.SetBehavior(airbytesim.Behavior{NotInstanceAdmin: true}) },
			refs:    []string{cleo, "user:nobody_acme.com"}, code: workload.CodeInvalid, says: []string{"nobody@acme.com"},
		},
		"the edition has no roles": {
			prepare: func(h *house) { h.sim.SetBehavior(airbytesim.Behavior{Edition: airbytesim.EditionCommunity}) },
			refs:    []string{cleo}, code: workload.CodeUnsupported, says: []string{"community", "nothing was changed"},
		},
		"a role can neither be replaced nor added to": {
			prepare: func(h *house) { h.give("cleo", "workspace_source_editor") },
			change:  func(o *Options) { o.Role = "workspace_destination_editor" },
			refs:    []string{cleo, "user:dora_acme.com"}, code: workload.CodeConflict,
			says: []string{"cleo@acme.com", "workspace_source_editor"},
		},
		"Airbyte does not have a group": {
			change: func(o *Options) {
				o.Principals = &Principals{table: map[string]members{"group:ops": {group: "Operations"}, robots: {group: "Robots"}}}
			},
			refs: []string{robots, cleo, "group:ops"}, code: workload.CodeInvalid, says: []string{"refs[2]", "group:ops", "Operations", "nothing was changed"},
		},
		"the edition has no groups": {
			prepare: func(h *house) { h.sim.SetBehavior(airbytesim.Behavior{NoGroups: true}) },
			refs:    []string{cleo, robots}, code: workload.CodeUnsupported, says: []string{"refs[1]", robots, "Robots", "no groups", "nothing was changed"},
		},
		"the server is too old for groups": {
			prepare: func(h *house) { h.sim.AnswerNext("groups/list", -1, http.StatusNotFound) },
			refs:    []string{cleo, robots}, code: workload.CodeUnsupported, says: []string{"no groups"},
		},
		"what a group was granted cannot be read": {
			prepare: func(h *house) { h.sim.AnswerNext("group_permissions/list", -1, http.StatusForbidden) },
			refs:    []string{cleo, robots}, code: workload.CodeRefused, says: []string{`the Airbyte group "Robots"`},
		},
		"the environment has no workspace": {
			change: func(o *Options) { o.Workspace = "" },
			refs:   []string{cleo}, code: workload.CodeInvalid, says: []string{"“dev”"},
		},
		"the list of those with access is forbidden": {
			prepare: func(h *house) { h.sim.AnswerNext("users/list_access_info_by_workspace_id", -1, http.StatusForbidden) },
			refs:    []string{cleo}, code: workload.CodeRefused, says: []string{"administrator"},
		},
		"Airbyte is away": {
			prepare: func(h *house) { h.sim.AnswerNext("*", -1, http.StatusBadGateway) },
			refs:    []string{cleo}, code: workload.CodeUnavailable, says: []string{"502"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, server)
			h.must(h.performer(), "orders", anna, ben) // which the refs below would revoke
			if test.prepare != nil {
				test.prepare(h)
			}
			p := h.performer()
			if test.change != nil {
				p = h.performer(test.change)
			}
			before, keys := h.roles(workspaceID), h.ledgerKeys()
			h.sim.ClearCalls()
			_, err := h.update(p, "orders", test.refs...)
			f := workloadtest.Failure(t, err, test.code)
			workloadtest.Mentions(t, f.Text(), test.says...)
			if f.Retry != (test.code == workload.CodeUnavailable) {
				t.Errorf("retry is %v", f.Retry)
			}
			if diff := cmp.Diff(before, h.roles(workspaceID)); diff != "" {
				t.Errorf("something was changed (-before +after):\n%s", diff)
			}
			if calls := h.changes(); len(calls) != 0 {
				t.Errorf("changing calls were made: %v", calls)
			}
			if diff := cmp.Diff(keys, h.ledgerKeys()); diff != "" {
				t.Errorf("the ledger was changed (-before +after):\n%s", diff)
			}
		})
	}
}

// Airbyte looks addresses up in the case in which the identity provider wrote them; Witboost writes them in lower case.
func TestAddressesInAnotherCase(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	for name, behavior := range map[string]airbytesim.Behavior{"by address": {}, "in the organization": {NotInstanceAdmin: true}} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, server)
			h.sim.SetBehavior(behavior)
			h.sim.AddUser(airbytesim.User{Email: "Eve.Doe@acme.com", OrganizationRole: "organization_member"})
			h.must(h.performer(), "orders", "user:eve.doe_acme.com", anna)
			want := map[string]string{"anna": "workspace_reader", "Eve.Doe": "workspace_reader"}
			if diff := cmp.Diff(want, h.roles(workspaceID)); diff != "" {
				t.Errorf("roles (-want +got):\n%s", diff)
			}
		})
	}
}

// Users who have no access yet are found without the rights of an instance admin.
func TestOrganizationInsteadOfLookUp(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	h.sim.SetBehavior(airbytesim.Behavior{NotInstanceAdmin: true})
	h.must(h.performer(), "orders", anna, ben, cleo)
	if n := len(h.roles(workspaceID)); n != 3 {
		t.Errorf("%d users have a role, want 3", n)
	}
	if n := len(h.sim.Calls("users/get_by_email", 0)); n != 1 {
		t.Errorf("%d forbidden look-ups, want 1", n)
	}
}

func TestGroupsThroughTheTable(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	path := filepath.Join(t.TempDir(), "principals.yaml")
	write(t, path, "group:analysts: [anna@acme.com, Ben@Acme.com]\nuser:boss_acme.com: cleo@acme.com\ngroup:nobody: []\n")
	principals, err := LoadPrincipals(path, nil)
	if err != nil {
		t.Fatal(err)
	}
	p := h.performer(func(o *Options) { o.Principals = principals })
	out := h.must(p, "orders", "group:analysts", "user:boss_acme.com", anna, "group:nobody")
	want := map[string]string{"anna": "workspace_reader", "ben": "workspace_reader", "cleo": "workspace_reader"}
	if diff := cmp.Diff(want, h.roles(workspaceID)); diff != "" {
		t.Errorf("the table's users (-want +got):\n%s", diff)
	}
	workloadtest.Mentions(t, out.Message, "group:analysts: anna@acme.com was granted", "Ben@Acme.com was granted", "group:nobody: has no members")

	write(t, path, "group:analysts: [dora@acme.com]\n")
	h.must(p, "orders", "group:analysts", anna)
	want = map[string]string{"anna": "workspace_reader", "dora": "workspace_reader"}
	if diff := cmp.Diff(want, h.roles(workspaceID)); diff != "" {
		t.Errorf("after the table changed (-want +got):\n%s", diff)
	}
}

func TestInvitation(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer(func(o *Options) { o.Invite = true })
	const eve = "user:eve_acme.com"
	out := h.must(p, "orders", anna, eve)
	if diff := cmp.Diff([]workload.Grant{{Identity: anna}}, out.Access); diff != "" {
		t.Errorf("who is invited has no access yet (-want +got):\n%s", diff)
	}
	workloadtest.Mentions(t, out.Message, "eve@acme.com is unknown to Airbyte and was invited with workspace_reader")
	if got := h.sim.Contents().Invitations; len(got) != 1 || got[0].Email != "eve@acme.com" || got[0].ScopeID != workspaceID {
		t.Errorf("invitations: %+v", got)
	}
	h.sim.ClearCalls()
	out = h.must(p, "orders", anna, eve)
	workloadtest.Mentions(t, out.Message, "eve@acme.com was invited before")
	if calls := h.changes(); len(calls) != 0 {
		t.Errorf("a repetition changed something: %v", calls)
	}

	h.now = h.now.Add(8 * 24 * time.Hour) // Airbyte's invitations are good for seven days
	out = h.must(p, "orders", anna, eve)
	workloadtest.Mentions(t, out.Message, "was invited with")

	h.sim.AddUser(airbytesim.User{Email: "eve@acme.com", OrganizationRole: "organization_member"})
	h.accept("eve", "workspace_reader")
	h.sim.ClearCalls()
	out = h.must(p, "orders", anna, eve)
	if calls := h.changes(); len(calls) != 0 {
		t.Errorf("an accepted invitation is the grant: %v", calls)
	}
	if diff := cmp.Diff([]workload.Grant{{Identity: anna}, {Identity: eve}}, out.Access); diff != "" {
		t.Errorf("aclInfo (-want +got):\n%s", diff)
	}
	h.must(p, "orders", anna)
	if diff := cmp.Diff(map[string]string{"anna": "workspace_reader"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("what an invitation gave is revoked as well (-want +got):\n%s", diff)
	}
}

// accept is a known user accepting the one invitation that is pending.
func (h *house) accept(name, role string) {
	h.t.Helper()
	h.give(name, role)
	pending, err := h.client.ListInvitations(h.t.Context(), workspaceID)
	if err != nil || len(pending) != 1 {
		h.t.Fatalf("pending: %v, %v", pending, err)
	}
	if err := h.client.CancelInvitation(h.t.Context(), pending[0]); err != nil { // it is pending no more
		h.t.Fatal(err)
	}
}

func TestInvitationIsNoLongerWanted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer(func(o *Options) { o.Invite = true })
	h.must(p, "orders", "user:eve_acme.com")
	h.must(p, "sales", "user:eve_acme.com")
	workloadtest.Mentions(t, h.must(p, "orders").Message, "eve@acme.com keeps the role: sales in dev wants it too")
	if n := len(h.sim.Contents().Invitations); n != 1 {
		t.Errorf("%d invitations while another component wants it, want 1", n)
	}
	workloadtest.Mentions(t, h.must(p, "sales").Message, "eve@acme.com is no longer invited")
	if got := h.sim.Contents().Invitations; len(got) != 0 {
		t.Errorf("an invitation can still be accepted: %+v", got)
	}
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger is not empty: %v", keys)
	}
}

// An older server knows invitations by their code.
func TestInvitationOnAnOlderServer(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	h.sim.SetBehavior(airbytesim.Behavior{OldErrors: true})
	p := h.performer(func(o *Options) { o.Invite = true })
	h.must(p, "orders", "user:eve_acme.com")
	h.must(p, "orders")
	if got := h.sim.Contents().Invitations; len(got) != 0 {
		t.Errorf("an invitation can still be accepted: %+v", got)
	}
}

// What somebody else invited to stays.
func TestInvitationOfSomebodyElse(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	if _, err := h.client.CreateInvitation(t.Context(), "eve@acme.com", workspaceID, "workspace_admin"); err != nil {
		t.Fatal(err)
	}
	p := h.performer(func(o *Options) { o.Invite = true })
	for range 2 {
		workloadtest.Mentions(t, h.must(p, "orders", "user:eve_acme.com").Message, "eve@acme.com was invited before by somebody else")
	}
	h.must(p, "orders")
	if n := len(h.sim.Contents().Invitations); n != 1 {
		t.Errorf("%d invitations, want somebody else's", n)
	}
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger is not empty: %v", keys)
	}
}

// Who joins without accepting must not be able to accept later, when the role was taken back.
func TestInvitationOfWhoJoinedOtherwise(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer(func(o *Options) { o.Invite = true })
	h.must(p, "orders", "user:eve_acme.com")
	h.sim.AddUser(airbytesim.User{Email: "eve@acme.com", OrganizationRole: "organization_member"})
	workloadtest.Mentions(t, h.must(p, "orders", "user:eve_acme.com").Message, "eve@acme.com was granted workspace_reader")
	h.must(p, "orders")
	if got := h.sim.Contents(); len(got.Invitations) != 0 || len(h.roles(workspaceID)) != 0 {
		t.Errorf("left: %+v, %v", got.Invitations, h.roles(workspaceID))
	}
}

func TestEnvironmentsHaveWorkspaces(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	h.must(h.performer(), "orders", anna, ben)
	moved := h.performer(func(o *Options) { o.Workspaces = map[string]string{"dev": otherID} })
	out := h.must(moved, "orders", anna)
	if diff := cmp.Diff(map[string]string{"anna": "workspace_reader"}, h.roles(otherID)); diff != "" {
		t.Errorf("in the environment's workspace (-want +got):\n%s", diff)
	}
	if got := h.roles(workspaceID); len(got) != 0 {
		t.Errorf("nothing may be left behind in the workspace of before: %v", got)
	}
	workloadtest.Mentions(t, out.Message, "in the workspace "+workspaceID, "ben@acme.com lost")
}

func TestRelease(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.give("cleo", "workspace_editor")
	h.must(p, "orders", anna, ben, cleo)
	h.must(p, "sales", ben)
	lines, err := p.Release(t.Context(), workload.NewComponent("Orders", "dev"), workloadtest.Attempt(t, uuid.NewString()))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(map[string]string{"ben": "workspace_reader", "cleo": "workspace_editor"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("after the release (-want +got):\n%s", diff)
	}
	workloadtest.Mentions(t, strings.Join(lines, "\n"), "anna@acme.com lost", "ben@acme.com keeps the role: sales in dev", "cleo@acme.com keeps workspace_editor")
	h.sim.ClearCalls()
	lines, err = p.Release(t.Context(), workload.NewComponent("Orders", "dev"), workloadtest.Attempt(t, uuid.NewString()))
	if err != nil || len(lines) != 0 {
		t.Errorf("a repeated release: %v, %v", lines, err)
	}
	if calls := h.sim.Calls("*", 0); len(calls) != 0 {
		t.Errorf("where nothing was granted Airbyte is not called: %d calls", len(calls))
	}
}

func TestReleaseInAWorkspaceThatIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.must(p, "orders", anna)
	h.sim.AnswerNext("users/list_access_info_by_workspace_id", -1, http.StatusNotFound)
	h.sim.AnswerNext("workspaces/get", -1, http.StatusNotFound)
	if _, err := p.Release(t.Context(), workload.NewComponent("orders", "dev"), workloadtest.Attempt(t, uuid.NewString())); err != nil {
		t.Fatalf("grants are gone with their workspace: %v", err)
	}
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger must forget them, left: %v", keys)
	}
}

// What two components want is forgotten by one of them only: should the workspace be there after all, the other
// one still takes it back.
func TestOneOfTwoForgetsAWorkspaceThatIsGone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.must(p, "orders", anna)
	h.must(p, "invoices", anna)
	h.sim.AnswerNext("users/list_access_info_by_workspace_id", -1, http.StatusNotFound)
	h.sim.AnswerNext("workspaces/get", -1, http.StatusNotFound)
	release := func(component string) {
		t.Helper()
		if _, err := p.Release(t.Context(), workload.NewComponent(component, "dev"), workloadtest.Attempt(t, uuid.NewString())); err != nil {
			t.Fatal(err)
		}
	}
	release("orders")
	h.sim.RemoveFaults()
	release("invoices")
	if got := h.roles(workspaceID); len(got) != 0 {
		t.Errorf("our grant was left: %v", got)
	}
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger still has %v", keys)
	}
}

func TestAnAddressChanges(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.must(p, "orders", anna)
	h.sim.AddUser(airbytesim.User{ID: h.userID("anna"), Email: "anna.new@acme.com"})
	h.sim.ClearCalls()
	h.must(p, "orders", "user:anna.new_acme.com")
	if calls := h.changes(); len(calls) != 0 {
		t.Errorf("the same user under another address keeps the grant, but: %v", calls)
	}
	h.must(p, "orders")
	if got := h.roles(workspaceID); len(got) != 0 {
		t.Errorf("the grant is still known as ours, left: %v", got)
	}
}

// A refused grant must not turn what somebody else grants later into ours.
func TestRefusedGrantIsForgotten(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.sim.AnswerNext("permissions/create", 1, http.StatusForbidden)
	_, err := h.update(p, "orders", anna)
	workloadtest.Mentions(t, workloadtest.Failure(t, err, workload.CodeRefused).Text(), "anna@acme.com", "403")
	h.give("anna", "workspace_reader")
	h.must(p, "orders", anna)
	h.must(p, "orders")
	if got := h.roles(workspaceID)["anna"]; got != "workspace_reader" {
		t.Errorf("somebody else's grant was revoked: %q", got)
	}
}

// An attempt that may not go on sends nothing more and tells why.
func TestAttemptThatMayNotGoOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	stop := errors.New("stopped")
	for calls := range 4 {
		h.sim.ClearCalls()
		a := workloadtest.Attempt(t, uuid.NewString())
		left := calls
		a.Holds = func() error {
			if left--; left < 0 {
				return stop
			}
			return nil
		}
		if _, err := p.Perform(t.Context(), workOf("orders", anna), a); !errors.Is(err, stop) {
			t.Fatalf("after %d calls the error is %v", calls, err)
		}
		if n := len(h.sim.Calls("*", 0)); n != calls {
			t.Errorf("%d calls were sent, allowed were %d", n, calls)
		}
	}
	if got := h.roles(workspaceID); len(got) != 0 {
		t.Errorf("nothing was to be granted: %v", got)
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	if _, err := New(Options{Role: "organization_admin"}); err == nil || !strings.Contains(err.Error(), "organization_admin") {
		t.Errorf("a role that no workspace has: %v", err)
	}
	for _, role := range Roles() {
		if _, err := New(Options{Role: role}); err != nil {
			t.Errorf("%s: %v", role, err)
		}
	}
	if !slices.Contains(Roles(), "workspace_reader") {
		t.Error("the default is no role")
	}
}
