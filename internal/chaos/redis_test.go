package chaos

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// leaseLapsed reports whether the attempt at the operation lost its lease by
// Redis's clock; the record's key and field are those of package operation.
func leaseLapsed(t *testing.T, client *redis.Client, token string) bool {
	t.Helper()
	ctx := t.Context()
	lane := operation.Lane(token)
	until, err := client.HGet(ctx, "airbyte-provisioner:{"+lane[:2]+"}:op:"+token, "until").Int64()
	if err != nil {
		t.Fatal(err)
	}
	now, err := client.Time(ctx).Result()
	if err != nil {
		t.Fatal(err)
	}
	return now.UnixMilli() > until
}

// TestRedisAway has Redis killed, then silent, while requests and an operation
// are under way; then it loses everything. No program is restarted.
func TestRedisAway(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.AOF())
	h := newHouse(t, redisSettings{"REDIS_URL": redis.URL()}, map[string]string{"TASK_LEASE": "15s"})
	h.staff(2, 2)
	api, worker := h.apis[0], h.workers[0]
	for _, s := range []*slot{api, worker} {
		s.start()
		s.await()
	}
	h.apis = h.apis[:1] // the second one starts later
	c := newCampaign(h, 1, 4, 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	provision := func(i int) *accepted {
		t.Helper()
		at := c.components[i]
		one, err := c.submit(t.Context(), random, at, func(*rand.Rand) wish {
			return wish{Kind: workload.Provision, Version: at.requests + 1}
		})
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	done := provision(0)
	h.awaitState(random, done, "COMPLETED")
	h.sim.HoldNext("sources/create", true)
	running := provision(1)
	if err := h.sim.WaitHeld(bounded(t), "sources/create", 1); err != nil {
		t.Fatal(err)
	}

	redis.Kill()
	refused(t, api, done.token, c.components[2])
	// The operation cannot go on: what it is about to do has to be remembered first.
	h.sim.Release("*", 0)
	// Programs that start now wait for Redis.
	late := h.workers[1]
	late.start()
	redis.Restart()
	late.await()
	if st := h.awaitState(random, running, "COMPLETED"); len(st.Logs) == 0 {
		t.Error("the log of an operation that ended while Redis was away is empty")
	}
	h.awaitState(random, provision(2), "COMPLETED")

	redis.Pause()
	refused(t, api, done.token, c.components[3])
	redis.Resume()
	h.awaitState(random, done, "COMPLETED")
	c.verdict(t)

	redis.Wipe()
	r := api.ask(t.Context(), http.MethodGet, "/v1/provision/"+done.token+"/status", "", nil)
	if r.status != http.StatusBadRequest {
		t.Errorf("a token that Redis forgot is answered with %d: %s", r.status, r.body)
	}
	h.awaitState(random, provision(0), "COMPLETED")
	client := redis.Client()
	await(t, "the queues to be registered again", func() bool {
		names, err := client.SMembers(t.Context(), "asynq:queues").Result()
		if err != nil {
			t.Fatal(err)
		}
		slices.Sort(names)
		return slices.Equal(names, slices.Sorted(slices.Values(queue.Queues())))
	})
	c.verdict(t)
}

// quickly bounds an answer of an API whose Redis is away: a request that hangs
// is given up by then. It says what is bearable, not what is usual.
const quickly = 10 * time.Second

// refused makes every sort of request of an API whose Redis is away: each is
// answered with a SystemError.
func refused(t *testing.T, api *slot, token string, at *component) {
	t.Helper()
	requests := []struct {
		method, path string
		body         any
	}{
		{http.MethodPost, "/v1/provision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: at.descriptor(1)}},
		{http.MethodPost, "/v1/unprovision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: at.descriptor(1)}},
		{http.MethodGet, "/v1/provision/" + token + "/status", nil},
		{http.MethodDelete, "/v1/provision/" + token, nil},
	}
	for _, r := range requests {
		ctx, cancel := context.WithTimeout(t.Context(), quickly)
		began := time.Now()
		got := api.ask(ctx, r.method, r.path, "", r.body)
		cancel()
		var body struct {
			Error string `json:"error"`
		}
		if got.err != nil || got.status != http.StatusInternalServerError || json.Unmarshal([]byte(got.body), &body) != nil || body.Error == "" {
			t.Errorf("%s %s without Redis: %d %s %v, want a SystemError", r.method, r.path, got.status, got.body, got.err)
		}
		t.Logf("%s %s without Redis: answered after %s", r.method, r.path, time.Since(began).Round(time.Millisecond))
	}
}

// TestStrangeTasks puts tasks into the queues that no API of this version makes.
func TestStrangeTasks(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	h := newHouse(t, redisSettings{"REDIS_URL": redis.URL()}, nil)
	h.staff(1, 1)
	h.open()
	c := newCampaign(h, 1, 1, 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	client := redis.Client()
	store := operation.New(operation.Options{Redis: client})
	tasks := asynq.NewClientFromRedisClient(client)
	put := func(id, payload string) {
		t.Helper()
		task := asynq.NewTask("provision", []byte(payload))
		if _, err := tasks.EnqueueContext(t.Context(), task, asynq.Queue("provision"), asynq.TaskID(id), asynq.MaxRetry(1_000_000)); err != nil {
			t.Fatal(err)
		}
	}
	accept := func(name, payload string) *accepted {
		t.Helper()
		a, err := store.Accept(t.Context(), operation.Request{
			Kind: workload.Provision, Component: workload.NewComponent(name, "test"), Payload: []byte(payload), Hash: name,
		})
		if err != nil {
			t.Fatal(err)
		}
		put(a.Token, payload)
		return &accepted{wish: wish{Kind: workload.Provision}, component: &component{}, token: a.Token}
	}
	put("no token", "no payload")
	broken := accept("broken", "{")
	newer := []*accepted{
		accept("newer", `{"v":1000,"kind":"provision","work":"in a form of its own"}`),
		accept("newer still", "\x02packed as later versions may"),
	}
	st := h.awaitState(random, broken, "FAILED")
	t.Logf("a payload that cannot be read: %s", st.Result)
	for _, one := range newer {
		await(t, "the newer task to be left to others", func() bool {
			return h.workers[0].process().said(`"msg":"a task of a newer version is left to newer workers","program":"worker","token":"` + one.token + `"`)
		})
	}
	one, err := c.submit(t.Context(), random, c.components[0], c.components[0].next)
	if err != nil {
		t.Fatal(err)
	}
	h.awaitState(random, one, "COMPLETED")
	for _, one := range newer {
		if st, err := h.statusOf(t.Context(), random, one); err != nil || st.Status != "RUNNING" {
			t.Errorf("a task of a newer version is %s: %s (%v)", st.Status, st.Result, err)
		}
		// Who does not want to wait for newer workers can end it.
		if r := h.apis[0].ask(t.Context(), http.MethodDelete, "/v1/provision/"+one.token, "", nil); r.status != http.StatusOK {
			t.Errorf("its termination is answered with %d: %s", r.status, r.body)
		}
		h.awaitState(random, one, "TERMINATED")
	}
	c.verdict(t)
}
