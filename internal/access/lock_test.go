package access

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
	"airbyte-provisioner/internal/workload/workloadtest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
)

func (h *house) ledger(component string) ledger {
	return ledger{redis: h.redis, prefix: h.prefix + "airbyte-provisioner:", workspace: workspaceID, component: workload.NewComponent(component, "dev")}
}

func TestLocks(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	ctx := t.Context()
	first := workloadtest.Attempt(t, uuid.NewString())
	held, err := h.ledger("orders").lock(ctx, first, []string{"a", "b"})
	if err != nil {
		t.Fatal(err)
	}
	other, err := h.ledger("sales").lock(ctx, workloadtest.Attempt(t, uuid.NewString()), []string{"c"})
	if err != nil {
		t.Fatalf("other users are free: %v", err)
	}
	other.release(ctx)
	var wait *workload.WaitError
	if _, err := h.ledger("sales").lock(ctx, workloadtest.Attempt(t, uuid.NewString()), []string{"b", "c"}); !errors.As(err, &wait) {
		t.Fatalf("one of the users is taken, the error is %v", err)
	}
	if exists, _ := h.redis.Exists(ctx, h.ledger("sales").key("lock", "c")).Result(); exists != 0 {
		t.Error("all users are taken or none")
	}

	// A later attempt at the same operation takes over; the first can write no more.
	later := first
	later.Number++
	heir, err := h.ledger("orders").lock(ctx, later, []string{"a", "b"})
	if err != nil {
		t.Fatalf("a later attempt at the same operation: %v", err)
	}
	if err := held.holds(ctx); err == nil {
		t.Error("the first attempt still holds")
	}
	if err := held.write(ctx, "a", &grant{State: granted}, true); err == nil {
		t.Error("the first attempt can still write")
	}
	held.release(ctx)
	if err := heir.holds(ctx); err != nil {
		t.Errorf("the release of a lock that was lost freed its heir's: %v", err)
	}
	if err := heir.write(ctx, "a", nil, true); err != nil {
		t.Errorf("the heir cannot write: %v", err)
	}
	heir.release(ctx)
	if keys, _ := h.redis.Keys(ctx, h.prefix+"*:lock:*").Result(); len(keys) != 0 {
		t.Errorf("locks are left: %v", keys)
	}
}

// An operation that has to wait gives its worker back and is not a failure.
func TestBusyUsers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.must(p, "orders", anna)
	held, err := h.ledger("sales").lock(t.Context(), workloadtest.Attempt(t, uuid.NewString()), []string{"anna@acme.com"})
	if err != nil {
		t.Fatal(err)
	}
	h.must(p, "orders", anna) // nothing to change, nothing to wait for
	var wait *workload.WaitError
	if _, err := h.update(p, "orders"); !errors.As(err, &wait) || wait.For <= 0 {
		t.Errorf("the error is %v, want one that says to come back", err)
	}
	held.release(t.Context())
	h.must(p, "orders")
}

// A lock that passes to somebody else in the middle stops the attempt before its next call.
func TestLostLock(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	p := h.performer()
	h.sim.HoldNext("permissions/create", true)
	done := make(chan error, 1)
	go func() {
		_, err := h.update(p, "orders", anna, ben)
		done <- err
	}()
	if err := h.sim.WaitHeld(t.Context(), "permissions/create", 1); err != nil {
		t.Fatal(err)
	}
	h.unlock()
	h.must(p, "sales", anna)
	h.sim.Release("*", 0)
	if f := workloadtest.Failure(t, <-done, workload.CodeUnavailable); !f.Retry {
		t.Error("the failure must be tried again")
	}
	if diff := cmp.Diff(map[string]string{"anna": "workspace_reader"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	h.must(p, "orders")
	h.must(p, "sales")
	if got := h.roles(workspaceID); len(got) != 0 {
		t.Errorf("a grant was lost from the ledger: %v", got)
	}
}

// Components that want overlapping users at once: at the end exactly the wanted ones have the role.
func TestManyComponentsAtOnce(t *testing.T) {
	t.Parallel()
	h := newHouse(t, startRedis(t))
	h.give("dora", "workspace_admin")
	people := []string{anna, ben, cleo, "user:dora_acme.com"}
	const components, rounds = 8, 6
	last := make([][]string, components)
	var all sync.WaitGroup
	for i := range components {
		random := rand.New(rand.NewPCG(uint64(i), 1))
		all.Go(func() {
			p := h.performer()
			for range rounds {
				var refs []string
				for _, ref := range people {
					if random.IntN(2) == 0 {
						refs = append(refs, ref)
					}
				}
				last[i] = refs
				h.persist(p, fmt.Sprintf("component-%d", i), refs...)
			}
		})
	}
	all.Wait()
	want := map[string]string{"dora": "workspace_admin"}
	for _, refs := range last {
		for _, ref := range refs {
			if name := strings.TrimSuffix(strings.TrimPrefix(ref, userPrefix), "_acme.com"); name != "dora" {
				want[name] = "workspace_reader"
			}
		}
	}
	if diff := cmp.Diff(want, h.roles(workspaceID)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	for i := range components {
		h.persist(h.performer(), fmt.Sprintf("component-%d", i))
	}
	if diff := cmp.Diff(map[string]string{"dora": "workspace_admin"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("roles when nobody is wanted (-want +got):\n%s", diff)
	}
	if keys := h.ledgerKeys(); len(keys) != 0 {
		t.Errorf("the ledger is not empty: %v", keys)
	}
}

// persist is update that comes back as long as it is told to, as a worker does.
func (h *house) persist(p *Performer, component string, refs ...string) {
	a := workloadtest.Attempt(h.t, uuid.NewString())
	for {
		_, err := p.Perform(h.t.Context(), workOf(component, refs...), a)
		var wait *workload.WaitError
		if errors.As(err, &wait) {
			continue
		}
		if err != nil {
			h.t.Errorf("updateacl of %s: %v", component, err)
		}
		return
	}
}

// On a cluster a script may only touch keys of one slot.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	h := newHouse(t, redistest.StartCluster(t, 1).Client())
	p := h.performer()
	h.must(p, "orders", anna, ben)
	h.must(p, "sales", ben, cleo)
	h.must(p, "orders")
	if diff := cmp.Diff(map[string]string{"ben": "workspace_reader", "cleo": "workspace_reader"}, h.roles(workspaceID)); diff != "" {
		t.Errorf("roles (-want +got):\n%s", diff)
	}
	var foreign []string
	for _, key := range h.ledgerKeys() {
		if !strings.HasPrefix(key, "{"+workspaceID+"}:access:") && !strings.HasPrefix(key, "{"+h.ledger("sales").component.Digest()[:2]+"}:access:") {
			foreign = append(foreign, key)
		}
	}
	if slices.Sort(foreign); len(foreign) != 0 {
		t.Errorf("keys outside of the documented ones: %v", foreign)
	}
}
