package access

import (
	"testing"

	"airbyte-provisioner/internal/workload/workloadtest"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// groupID is the id of the group Robots.
func (h *house) groupID() string { return h.sim.Contents().Groups[0].ID }

// giveGroup is somebody else giving the group Robots a role by hand.
func (h *house) giveGroup(role string) {
	h.t.Helper()
	if _, err := h.client.CreateGroupPermission(h.t.Context(), h.groupID(), workspaceID, role); err != nil {
		h.t.Fatal(err)
	}
}

// takeGroup is somebody else taking all roles from the group Robots.
func (h *house) takeGroup() {
	h.t.Helper()
	for _, p := range h.sim.Contents().GroupPermissions {
		if err := h.client.DeleteGroupPermission(h.t.Context(), p.GroupID, p.ID); err != nil {
			h.t.Fatal(err)
		}
	}
}

func (h *house) sees(when string, want map[string]string) {
	h.t.Helper()
	if diff := cmp.Diff(want, h.roles(workspaceID)); diff != "" {
		h.t.Errorf("%s: roles (-want +got):\n%s", when, diff)
	}
}

func TestAirbyteGroups(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	out := h.must(p, "orders", robots, anna)
	h.sees("after the first request", map[string]string{"Robots": "workspace_reader", "anna": "workspace_reader"})
	workloadtest.Mentions(t, out.Message, `group:robots: the Airbyte group "Robots" was granted workspace_reader.`)
	if diff := cmp.Diff([]workload.Grant{{Identity: robots}, {Identity: anna}}, out.Access); diff != "" {
		t.Errorf("aclInfo (-want +got):\n%s", diff)
	}

	h.sim.ClearCalls()
	workloadtest.Mentions(t, h.must(p, "orders", robots, anna).Message, "no changes", `the Airbyte group "Robots" keeps workspace_reader`)
	if calls := h.changes(); len(calls) != 0 {
		t.Errorf("a repetition changes something: %v", calls)
	}

	h.must(p, "sales", robots)
	workloadtest.Mentions(t, h.must(p, "orders", anna).Message, `no longer wanted: the Airbyte group "Robots" keeps the role: sales in dev wants it too`)
	h.sees("while another component wants it", map[string]string{"Robots": "workspace_reader", "anna": "workspace_reader"})
	workloadtest.Mentions(t, h.must(p, "sales").Message, `no longer wanted: the Airbyte group "Robots" lost workspace_reader`)
	h.sees("when nobody wants the group", map[string]string{"anna": "workspace_reader"})

	h.must(p, "orders")
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger is not empty: %v", keys)
	}
}

// What somebody else gave a group stays, whatever it is; ours may be beside it.
func TestHandEditsOfGroups(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	editor := func(o *Options) { o.Role = "workspace_editor" }
	for name, test := range map[string]struct {
		before func(*house)
		after  func(*house) // between the first request and its repetition
		says   string       // of the repetition
		locked bool
		roles  map[string]string // then
		empty  map[string]string // when nobody is wanted
	}{
		"a higher role is enough": {
			before: func(h *house) { h.giveGroup("workspace_admin") },
			says:   "has workspace_admin already", locked: true,
			roles: map[string]string{"Robots": "workspace_admin"}, empty: map[string]string{"Robots": "workspace_admin"},
		},
		"the same role stays somebody else's": {
			before: func(h *house) { h.giveGroup("workspace_editor") },
			says:   "has workspace_editor already", locked: true,
			roles: map[string]string{"Robots": "workspace_editor"}, empty: map[string]string{"Robots": "workspace_editor"},
		},
		"a lower role stays beside ours": {
			before: func(h *house) { h.giveGroup("workspace_reader") },
			says:   "keeps workspace_editor",
			roles:  map[string]string{"Robots": "workspace_editor and workspace_reader"}, empty: map[string]string{"Robots": "workspace_reader"},
		},
		"removed by hand is granted again": {
			after: func(h *house) { h.takeGroup() },
			says:  "was granted workspace_editor",
			roles: map[string]string{"Robots": "workspace_editor"}, empty: map[string]string{},
		},
		"made anew by hand is somebody's": {
			after: func(h *house) {
				h.takeGroup()
				h.giveGroup("workspace_editor")
			},
			says: "given by somebody else", locked: true,
			roles: map[string]string{"Robots": "workspace_editor"}, empty: map[string]string{"Robots": "workspace_editor"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, server)
			p := h.performer(editor)
			if test.before != nil {
				test.before(h)
			}
			h.must(p, "orders", robots)
			if test.after != nil {
				test.after(h)
			}
			out := h.must(p, "orders", robots)
			workloadtest.Mentions(t, out.Message, test.says)
			if diff := cmp.Diff([]workload.Grant{{Identity: robots, Locked: test.locked}}, out.Access); diff != "" {
				t.Errorf("aclInfo (-want +got):\n%s", diff)
			}
			h.sees("after the repetition", test.roles)
			h.must(p, "orders")
			h.sees("when nobody is wanted", test.empty)
			if keys := h.ledgerKeys(); len(keys) != 0 {
				t.Errorf("the ledger is not empty: %v", keys)
			}
		})
	}
}

// A group that was deleted in Airbyte takes its grants along.
func TestDeletedGroup(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.must(p, "orders", robots, anna)
	h.sim.RemoveGroup(h.groupID())
	_, err := h.update(p, "orders", robots, anna)
	workloadtest.Mentions(t, workloadtest.Failure(t, err, workload.CodeInvalid).Text(), "refs[0]", `the Airbyte group "Robots"`)
	workloadtest.Mentions(t, h.must(p, "orders", anna).Message, "had no access any more")
	h.must(p, "orders")
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger is not empty: %v", keys)
	}
}

// A role in the organization is the group's in each of its workspaces.
func TestOrganizationRoleOfAGroup(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	h.sim.GrantGroup(airbytesim.GroupPermission{GroupID: h.groupID(), Type: "organization_reader"})
	out := h.must(h.performer(), "orders", robots)
	workloadtest.Mentions(t, out.Message, "has organization_reader already")
	h.sees("afterwards", map[string]string{})
}
