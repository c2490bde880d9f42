package chaos

import (
	"math/rand/v2"
	"net/http"
	"testing"

	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// TestOlderBackup restores Redis from a backup while everything runs. What the
// backup does not know is unknown; what was unfinished then is carried out again
// in its order; and requests go on being accepted, without a restart.
func TestOlderBackup(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.AOF())
	h := newHouse(t, redisSettings{"REDIS_URL": redis.URL()}, nil)
	h.staff(1, 2)
	h.open()
	c := newCampaign(h, 1, 3, 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	provision := func(at *component) *accepted {
		t.Helper()
		one, err := c.submit(t.Context(), random, at, func(*rand.Rand) wish {
			return wish{Kind: workload.Provision, Version: at.requests + 1}
		})
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	inAirbyte := func(when string) {
		t.Helper()
		contents := inventory(h.sim.Contents())
		for _, at := range c.components {
			for _, text := range contents[at.digest()].compare(at.content()) {
				t.Errorf("%s, %s %s", when, at, text)
			}
		}
	}
	done := provision(c.components[0])
	h.awaitState(random, done, "COMPLETED")
	h.sim.HoldNext("sources/create", true)
	unfinished := []*accepted{provision(c.components[1]), provision(c.components[1])}
	if err := h.sim.WaitHeld(bounded(t), "sources/create", 1); err != nil {
		t.Fatal(err)
	}
	restore := redis.Backup()

	h.sim.Release("*", 0)
	forgotten := []*accepted{provision(c.components[0]), provision(c.components[2])}
	for _, one := range append(unfinished, forgotten...) {
		h.awaitState(random, one, "COMPLETED")
	}
	inAirbyte("before")
	restore()
	h.awaitState(random, done, "COMPLETED")
	for _, one := range forgotten {
		r, err := h.insist(t.Context(), random, http.MethodGet, one.statusPath(one.token), "", nil)
		if err != nil || r.status != http.StatusBadRequest {
			t.Errorf("a token that the backup does not know is answered with %d: %s %v", r.status, r.body, err)
		}
	}
	for _, one := range unfinished {
		h.awaitState(random, &accepted{wish: one.wish, component: one.component, number: one.number, token: one.token}, "COMPLETED")
	}
	inAirbyte("restored")
	for _, at := range c.components {
		h.awaitState(random, provision(at), "COMPLETED")
	}
	inAirbyte("after")
}

// TestFullRedis has Redis refuse every write, as it does when its memory is full
// and nothing may be evicted.
func TestFullRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.AOF())
	h := newHouse(t, redisSettings{"REDIS_URL": redis.URL()}, nil)
	h.staff(1, 2)
	h.open()
	c := newCampaign(h, 1, 2, 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	h.sim.HoldNext("sources/create", true)
	running, err := c.submit(t.Context(), random, c.components[0], c.components[0].next)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.sim.WaitHeld(bounded(t), "sources/create", 1); err != nil {
		t.Fatal(err)
	}
	client := redis.Client()
	memory := func(bytes string) {
		t.Helper()
		if err := client.ConfigSet(t.Context(), "maxmemory", bytes).Err(); err != nil {
			t.Fatal(err)
		}
	}
	memory("1")
	path, body := wish{Kind: workload.Provision, Version: 1}.request(c.components[1])
	if r := h.apis[0].ask(t.Context(), http.MethodPost, path, "", body); r.status != http.StatusInternalServerError {
		t.Errorf("a request that Redis has no room for is answered with %d: %s %v", r.status, r.body, r.err)
	}
	h.sim.Release("*", 0)
	await(t, "the attempt to be refused", func() bool {
		return h.workers[0].process().said("OOM") || h.workers[1].process().said("OOM")
	})
	if st, err := h.statusOf(t.Context(), random, running); err != nil || st.Status != "RUNNING" {
		t.Errorf("the running operation is %s: %s (%v)", st.Status, st.Result, err)
	}
	memory("0")
	h.awaitState(random, running, "COMPLETED")
	next, err := c.submit(t.Context(), random, c.components[1], c.components[1].next)
	if err != nil {
		t.Fatal(err)
	}
	h.awaitState(random, next, "COMPLETED")
	c.verdict(t)
}
