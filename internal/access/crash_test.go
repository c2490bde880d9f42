package access

import (
	"errors"
	"maps"
	"testing"

	"airbyte-provisioner/internal/workload/workloadtest"

	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

// mortal is a performer in a process that dies.
func (h *house) mortal(server *redistest.Server, m *mortal, change ...func(*Options)) *Performer {
	h.t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr()})
	h.t.Cleanup(func() { _ = client.Close() })
	client.AddHook(m)
	return h.performer(append([]func(*Options){func(o *Options) {
		o.Redis, o.Airbyte = client, h.airbyte(m)
	}}, change...)...)
}

// A story is what happens before a process dies in the middle of an update, and what has to be true once
// another attempt has finished it.
type story struct {
	before func(*house)
	role   string
	refs   []string
	roles  map[string]string // after the update
	empty  map[string]string // after nobody is wanted any more by orders
}

func stories() map[string]story {
	return map[string]story{
		"grants": {
			refs:  []string{anna, ben},
			roles: map[string]string{"anna": "workspace_reader", "ben": "workspace_reader"}, empty: map[string]string{},
		},
		"revokes": {
			before: func(h *house) { h.must(h.performer(), "orders", anna, ben) },
			refs:   []string{}, roles: map[string]string{}, empty: map[string]string{},
		},
		"replaces one by another, beside another component": {
			before: func(h *house) {
				h.must(h.performer(), "orders", anna, ben)
				h.must(h.performer(), "sales", ben)
			},
			refs:  []string{cleo},
			roles: map[string]string{"ben": "workspace_reader", "cleo": "workspace_reader"}, empty: map[string]string{"ben": "workspace_reader"},
		},
		"raises a role and leaves a higher one": {
			before: func(h *house) {
				h.give("anna", "workspace_reader")
				h.give("ben", "workspace_admin")
			},
			role: "workspace_editor", refs: []string{anna, ben, cleo},
			roles: map[string]string{"anna": "workspace_editor", "ben": "workspace_admin", "cleo": "workspace_editor"},
			empty: map[string]string{"anna": "workspace_reader", "ben": "workspace_admin"},
		},
		"gives a raised role back": {
			before: func(h *house) {
				h.give("anna", "workspace_reader")
				h.must(h.performer(func(o *Options) { o.Role = "workspace_editor" }), "orders", anna, ben)
			},
			role: "workspace_editor", refs: []string{ben},
			roles: map[string]string{"anna": "workspace_reader", "ben": "workspace_editor"}, empty: map[string]string{"anna": "workspace_reader"},
		},
		"changes its own role": {
			before: func(h *house) {
				h.must(h.performer(func(o *Options) { o.Role = "workspace_admin" }), "orders", anna)
			},
			role: "workspace_runner", refs: []string{anna},
			roles: map[string]string{"anna": "workspace_runner"}, empty: map[string]string{},
		},
		"grants to a group, and takes back from a user": {
			before: func(h *house) { h.must(h.performer(), "orders", anna) },
			refs:   []string{robots},
			roles:  map[string]string{"Robots": "workspace_reader"}, empty: map[string]string{},
		},
		"replaces the role of a group": {
			before: func(h *house) {
				h.giveGroup("workspace_reader")
				h.must(h.performer(func(o *Options) { o.Role = "workspace_admin" }), "orders", robots)
			},
			role: "workspace_runner", refs: []string{robots},
			roles: map[string]string{"Robots": "workspace_reader and workspace_runner"}, empty: map[string]string{"Robots": "workspace_reader"},
		},
		"takes back from a group": {
			before: func(h *house) { h.must(h.performer(), "orders", robots, ben) },
			refs:   []string{ben},
			roles:  map[string]string{"ben": "workspace_reader"}, empty: map[string]string{},
		},
		"invites": {
			refs:  []string{anna, "user:eve_acme.com"},
			roles: map[string]string{"anna": "workspace_reader", "eve@acme.com, invited": "workspace_reader"}, empty: map[string]string{},
		},
		"takes an invitation back": {
			before: func(h *house) { h.must(h.performer(inviting), "orders", "user:eve_acme.com", ben) },
			refs:   []string{ben},
			roles:  map[string]string{"ben": "workspace_reader"}, empty: map[string]string{},
		},
		"moves to another workspace": {
			before: func(h *house) {
				moved := h.performer(func(o *Options) { o.Workspace = otherID })
				h.must(moved, "orders", anna, ben)
			},
			refs: []string{anna}, roles: map[string]string{"anna": "workspace_reader"}, empty: map[string]string{},
		},
	}
}

func inviting(o *Options) { o.Invite = true }

// The process dies at each of its steps, before and after the step is carried out; another attempt then finishes.
func TestCrashes(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, story := range stories() {
		for _, after := range []bool{false, true} {
			if after {
				name += ", its answer lost"
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				for dies := int64(1); ; dies++ {
					if survived := crash(t, server, story, &mortal{dies: dies, after: after}); survived {
						t.Logf("%d steps", dies-1)
						if dies < 5 {
							t.Errorf("only %d steps: the story does nothing", dies-1)
						}
						return
					}
				}
			})
		}
	}
}

// crash tells the story with a process that dies; it reports whether it got to the end.
func crash(t *testing.T, server *redistest.Server, story story, m *mortal) (survived bool) {
	t.Helper()
	h := newHouse(t, server.Client())
	if story.before != nil {
		story.before(h)
	}
	role := func(o *Options) { o.Role, o.Invite = story.role, true }
	work, first := workOf("orders", story.refs...), workloadtest.Attempt(t, uuid.NewString())
	_, err := h.mortal(server, m, role).Perform(t.Context(), work, first)

	p := h.performer(role)
	if err != nil {
		second := first
		second.Number++
		if _, err := p.Perform(t.Context(), work, second); err != nil {
			t.Fatalf("the attempt after a death at step %d: %v", m.dies, err)
		}
	}
	h.unlock() // what time does where it died while it gave its locks up
	if diff := cmp.Diff(story.roles, h.roles(workspaceID)); diff != "" {
		t.Errorf("death at step %d: roles (-want +got):\n%s", m.dies, diff)
	}
	if got := h.roles(otherID); len(got) != 0 {
		t.Errorf("death at step %d: left behind: %v", m.dies, got)
	}
	h.sim.ClearCalls()
	h.must(p, "orders", story.refs...)
	if calls := h.changes(); len(calls) != 0 {
		t.Errorf("death at step %d: a repetition still changes something: %v", m.dies, calls)
	}
	h.must(p, "orders")
	if diff := cmp.Diff(story.empty, h.roles(workspaceID)); diff != "" {
		t.Errorf("death at step %d: roles when nobody is wanted (-want +got):\n%s", m.dies, diff)
	}
	return m.steps.Load() < m.dies
}

// After a death in the middle, another component may come first.
func TestCrashBetweenComponents(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for name, after := range map[string]bool{"dies": false, "dies, its answer lost": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for dies := int64(1); ; dies++ {
				if survived := crashBetween(t, server, &mortal{dies: dies, after: after}); survived {
					return
				}
			}
		})
	}
}

// crashBetween lets another component come between a death and the next
// attempt; it reports whether the process got to the end.
func crashBetween(t *testing.T, server *redistest.Server, m *mortal) (survived bool) {
	t.Helper()
	h := newHouse(t, server.Client())
	h.must(h.performer(), "orders", anna, ben)
	work, first := workOf("orders", cleo), workloadtest.Attempt(t, uuid.NewString())
	_, err := h.mortal(server, m).Perform(t.Context(), work, first)
	h.unlock() // what time does

	h.must(h.performer(), "sales", anna, cleo)
	second := first
	second.Number++
	if _, err := h.performer().Perform(t.Context(), work, second); err != nil {
		t.Fatal(err)
	}
	for _, then := range []struct {
		when  string
		leave string // the component that wants nobody any more
		want  map[string]string
	}{
		{when: "after the next attempt", want: map[string]string{"anna": "workspace_reader", "cleo": "workspace_reader"}},
		{when: "when sales wants nobody", leave: "sales", want: map[string]string{"cleo": "workspace_reader"}},
		{when: "when nobody is wanted", leave: "orders", want: map[string]string{}},
	} {
		if then.leave != "" {
			h.must(h.performer(), then.leave)
		}
		if diff := cmp.Diff(then.want, h.roles(workspaceID)); diff != "" {
			t.Errorf("death at step %d: roles %s (-want +got):\n%s", m.dies, then.when, diff)
		}
	}
	return err == nil && m.steps.Load() < m.dies
}

// unlock lets all locks lapse.
func (h *house) unlock() {
	h.t.Helper()
	keys, err := h.redis.Keys(h.t.Context(), h.prefix+"*:lock:*").Result()
	if err != nil {
		h.t.Fatal(err)
	}
	for _, key := range keys {
		if err := h.redis.Del(h.t.Context(), key).Err(); err != nil {
			h.t.Fatal(err)
		}
	}
}

// Each call's answer is lost once, and the same attempt's successor goes on; faults of Airbyte, not of the process.
func TestFaultAtEachCall(t *testing.T) {
	t.Parallel()
	server := startRedis(t)
	for _, fault := range []string{"dropped before", "dropped after", "bad gateway"} {
		t.Run(fault, func(t *testing.T) {
			t.Parallel()
			for _, operation := range []string{
				"instance_configuration", "users/list_access_info_by_workspace_id", "users/get_by_email", "permissions/create",
				"permissions/update", "permissions/delete_user_from_workspace",
			} {
				if operation == "instance_configuration" && fault != "bad gateway" {
					continue // a GET: the HTTP client itself sends it again
				}
				h := newHouse(t, server)
				h.give("ben", "workspace_reader")
				p := h.performer(func(o *Options) { o.Role = "workspace_runner" })
				h.must(p, "orders", "user:dora_acme.com")
				switch fault {
				case "dropped before":
					h.sim.DropNext(operation, 1, false)
				case "dropped after":
					h.sim.DropNext(operation, 1, true)
				default:
					h.sim.AnswerNext(operation, 1, 502)
				}
				work, a := workOf("orders", anna, ben), workloadtest.Attempt(t, uuid.NewString())
				_, err := p.Perform(t.Context(), work, a)
				if f := workloadtest.Failure(t, err, workload.CodeUnavailable); !f.Retry {
					t.Errorf("%s: the failure must be tried again: %s", operation, f.Text())
				}
				if _, err := p.Perform(t.Context(), work, a); err != nil {
					t.Fatalf("%s: %v", operation, err)
				}
				want := map[string]string{"anna": "workspace_runner", "ben": "workspace_runner"}
				if diff := cmp.Diff(want, h.roles(workspaceID)); diff != "" {
					t.Errorf("%s: roles (-want +got):\n%s", operation, diff)
				}
				h.must(p, "orders")
				if diff := cmp.Diff(map[string]string{"ben": "workspace_reader"}, h.roles(workspaceID)); diff != "" {
					t.Errorf("%s: roles at the end (-want +got):\n%s", operation, diff)
				}
			}
		})
	}
}

// While Redis is away nothing is granted, since it could not be known as ours.
func TestRedisIsAway(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := newHouse(t, server.Client())
	p := h.performer()
	h.must(p, "orders", anna)
	before := maps.Clone(h.roles(workspaceID))
	server.Kill()
	_, err := h.update(p, "orders", ben)
	if f := workloadtest.Failure(t, err, workload.CodeUnavailable); !f.Retry {
		t.Error("the failure must be tried again")
	}
	if diff := cmp.Diff(before, h.roles(workspaceID)); diff != "" {
		t.Errorf("roles (-before +after):\n%s", diff)
	}
	if errors.Is(err, errDead) {
		t.Error("the test's own death got in")
	}
}
