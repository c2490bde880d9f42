package access

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"airbyte-provisioner/internal/workload/workloadtest"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

const (
	workspaceID = airbytesim.DefaultWorkspace
	otherID     = "0b6f5c9d-6d0c-4d8e-9d3c-2f5a4b7e1c11"
)

// house is a simulated Airbyte and a real Redis.
type house struct {
	t      *testing.T
	sim    *airbytesim.Sim
	url    string
	redis  redis.UniversalClient
	prefix string
	client *airbyte.Client // somebody else at work in Airbyte
	now    time.Time
}

// newHouse starts a simulator in which anna, ben, cleo and dora are known, and the group Robots, in a Redis that others may share.
func newHouse(t *testing.T, client redis.UniversalClient) *house {
	t.Helper()
	sim, err := airbytesim.New(airbytesim.Options{Seed: 1, WorkspaceIDs: []string{workspaceID, otherID}})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"anna", "ben", "cleo", "dora"} {
		sim.AddUser(airbytesim.User{Email: name + "@acme.com", OrganizationRole: "organization_member"})
	}
	sim.AddGroup(airbytesim.Group{Name: "Robots"})
	server := httptest.NewServer(sim.API())
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close)
	h := &house{t: t, sim: sim, url: server.URL, redis: client, prefix: uuid.NewString() + "-", now: time.Now()}
	h.client = h.airbyte(nil)
	return h
}

func startRedis(t *testing.T) redis.UniversalClient {
	t.Helper()
	return redistest.Start(t).Client()
}

func (h *house) airbyte(transport http.RoundTripper) *airbyte.Client {
	h.t.Helper()
	client, err := airbyte.New(airbyte.Options{BaseURL: h.url, Transport: transport})
	if err != nil {
		h.t.Fatal(err)
	}
	return client
}

// performer makes a performer, with options changed.
func (h *house) performer(change ...func(*Options)) *Performer {
	h.t.Helper()
	options := Options{
		Airbyte: h.client, Redis: h.redis, Instance: h.prefix, Workspace: workspaceID,
		Principals: &Principals{table: map[string]members{robots: {group: "Robots"}}},
		Log:        slog.New(slog.NewTextHandler(h.t.Output(), nil)), Now: func() time.Time { return h.now },
	}
	for _, f := range change {
		f(&options)
	}
	p, err := New(options)
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

// update asks for access through a component and answers what the operation answers.
func (h *house) update(p *Performer, component string, refs ...string) (workload.Outcome, error) {
	return p.Perform(h.t.Context(), workOf(component, refs...), workloadtest.Attempt(h.t, uuid.NewString()))
}

func workOf(component string, refs ...string) workload.Work {
	return workload.Work{
		Component: workload.NewComponent(component, "dev"), Access: &workload.AccessRequest{Refs: refs},
	}
}

// must is update that has to succeed.
func (h *house) must(p *Performer, component string, refs ...string) workload.Outcome {
	h.t.Helper()
	out, err := h.update(p, component, refs...)
	if err != nil {
		h.t.Fatalf("updateacl of %s: %v", component, err)
	}
	return out
}

// roles are the roles given in a workspace itself, or to be given to who accepts, by the name in front of @acme.com or of the group.
func (h *house) roles(workspace string) map[string]string {
	contents := h.sim.Contents()
	emails := map[string]string{}
	for _, u := range contents.Users {
		emails[u.ID] = strings.TrimSuffix(u.Email, "@acme.com")
	}
	roles := map[string]string{}
	for _, p := range contents.Permissions {
		if p.WorkspaceID == workspace {
			roles[emails[p.UserID]] = p.Type
		}
	}
	for _, i := range contents.Invitations {
		if i.ScopeID == workspace {
			roles[i.Email+", invited"] = i.PermissionType
		}
	}
	for _, g := range contents.Groups {
		var given []string
		for _, p := range contents.GroupPermissions {
			if p.GroupID == g.ID && p.WorkspaceID == workspace {
				given = append(given, p.Type)
			}
		}
		if len(given) > 0 {
			slices.Sort(given)
			roles[g.Name] = strings.Join(given, " and ")
		}
	}
	return roles
}

func (h *house) userID(name string) string {
	h.t.Helper()
	for _, u := range h.sim.Contents().Users {
		if u.Email == name+"@acme.com" {
			return u.ID
		}
	}
	h.t.Fatalf("no user %s", name)
	return ""
}

// give is somebody else giving a role by hand; "" takes it away, and another role replaces what is there.
func (h *house) give(name, role string) {
	h.t.Helper()
	ctx, id := h.t.Context(), h.userID(name)
	if err := h.client.DeleteUserFromWorkspace(ctx, id, workspaceID); err != nil {
		h.t.Fatal(err)
	}
	if role == "" {
		return
	}
	if _, err := h.client.CreatePermission(ctx, id, workspaceID, role); err != nil {
		h.t.Fatal(err)
	}
}

// changes are the calls since the last ClearCalls that change something.
func (h *house) changes() []string {
	var calls []string
	for _, c := range h.sim.Calls("*", 0) {
		if about, _, _ := strings.Cut(c.Operation, "/"); strings.HasSuffix(about, "permissions") && c.Operation != "group_permissions/list" ||
			about == "user_invitations" && c.Operation != "user_invitations/list_pending" {
			calls = append(calls, c.Operation)
		}
	}
	return calls
}

// mortal is a process that dies at one of its steps: a step is a command to
// Redis or a call to Airbyte. After its death it can do nothing more.
type mortal struct {
	steps atomic.Int64
	dies  int64 // at this step; 0 never
	after bool  // the step is carried out, but its answer is lost
}

var errDead = errors.New("this process is dead")

// step says whether the step is carried out, and whether its answer arrives.
func (m *mortal) step() (acts, answers bool) {
	n := m.steps.Add(1)
	switch {
	case m.dies == 0 || n < m.dies:
		return true, true
	case n == m.dies:
		return m.after, false
	}
	return false, false
}

// RoundTrip is a call to Airbyte.
func (m *mortal) RoundTrip(r *http.Request) (*http.Response, error) {
	acts, answers := m.step()
	if !acts {
		return nil, errDead
	}
	response, err := http.DefaultTransport.RoundTrip(r)
	if !answers {
		if err == nil {
			_ = response.Body.Close()
		}
		return nil, errDead
	}
	return response, err
}

// DialHook leaves connecting alone.
func (m *mortal) DialHook(next redis.DialHook) redis.DialHook { return next }

// ProcessHook is a command to Redis.
func (m *mortal) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		acts, answers := m.step()
		if !acts {
			cmd.SetErr(errDead)
			return errDead
		}
		err := next(ctx, cmd)
		if !answers {
			cmd.SetErr(errDead)
			return errDead
		}
		return err
	}
}

// ProcessPipelineHook is a pipeline to Redis.
func (m *mortal) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if acts, answers := m.step(); !acts || !answers {
			return errDead
		}
		return next(ctx, cmds)
	}
}

// grants are what the ledger has, by address: for tests that look inside.
func (h *house) ledgerKeys() []string {
	h.t.Helper()
	keys, err := h.redis.Keys(h.t.Context(), h.prefix+"*").Result()
	if err != nil {
		h.t.Fatal(err)
	}
	for i, key := range keys {
		keys[i] = strings.TrimPrefix(key, h.prefix+"airbyte-provisioner:")
	}
	slices.Sort(keys)
	return keys
}
