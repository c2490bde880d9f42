package main

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/airbytesim"
)

const (
	mega = 1 << 20
	kilo = 1 << 10
)

// memory measures what api and worker take at rest, after they have been at work.
func (b *bench) memory() ([]result, error) {
	w, err := b.startWatched()
	if err != nil {
		return nil, err
	}
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	api, addr, err := b.startAPI(r)
	if err != nil {
		return nil, err
	}
	worker, err := b.startWorker(r, w.url)
	if err != nil {
		return nil, err
	}
	text, err := exampleDescriptor()
	if err != nil {
		return nil, err
	}
	shot, err := newShot(text)
	if err != nil {
		return nil, err
	}
	fresh := map[*process]float64{}
	for _, p := range []*process{api, worker} {
		if fresh[p], err = p.resident(); err != nil {
			return nil, err
		}
	}
	g, err := dial(b.ctx, addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = g.conn.Close() }()
	for i := range 50 {
		if status, err := g.send(shot.aim(b.serial+int64(i), 0), nil); err != nil || status != http.StatusAccepted {
			return nil, fmt.Errorf("accept: %d, %w", status, err)
		}
	}
	b.serial += 50
	time.Sleep(b.during(5*time.Second, 15*time.Second))
	var results []result
	for _, p := range []*process{api, worker} {
		rest, err := p.resident()
		if err != nil {
			return nil, err
		}
		name := map[*process]string{api: "api", worker: "worker"}[p]
		results = append(results, result{
			name: "memory-" + name, what: "memory: " + name + " at rest, after 50 provisionings", measured: rest / mega, goal: 40, atMost: true, unit: " MB",
			note: figure(fresh[p]/mega) + " MB right after its start",
		})
	}
	return results, nil
}

// redis measures what an operation takes in Redis, with all that belongs to it:
// its record, its place in line, its task, what is remembered of its component.
func (b *bench) redis() ([]result, error) {
	w, err := b.startWatched()
	if err != nil {
		return nil, err
	}
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	waiting, err := b.waiting(r)
	if err != nil {
		return nil, err
	}
	running, finished, err := b.runningThenFinished(r, w)
	if err != nil {
		return nil, err
	}
	row := func(state string, h held, goal float64) result {
		return result{
			name: "redis-" + state, what: "memory: Redis for one " + state + " operation", measured: h.total() / kilo, goal: goal, atMost: true, unit: " KB",
			note: h.String(),
		}
	}
	return []result{row("waiting", waiting, 6), row("running", running, 6), row("finished", finished, 4)}, nil
}

// heldBy is of how many operations the memory is measured.
const heldBy = 200

func (b *bench) waiting(r *redisServer) (held, error) {
	if err := b.submit(r, heldBy); err != nil {
		return nil, err
	}
	return b.held(r)
}

// submit submits provisionings of components of their own.
func (b *bench) submit(r *redisServer, n int64) error {
	orders, err := newOrders()
	if err != nil {
		return err
	}
	_, q := b.storeOf(r)
	for i := range n {
		if _, err := q.Submit(b.ctx, orders.of(b.serial+i)); err != nil {
			return err
		}
	}
	b.serial += n
	return nil
}

// runningThenFinished lets all operations get to their discovery, and then to their end.
func (b *bench) runningThenFinished(r *redisServer, w *watched) (running, finished held, err error) {
	if _, err = w.sim.AddFault(airbytesim.Fault{Operation: "discover_schema", Times: -1, Do: airbytesim.DoHold}); err != nil {
		return nil, nil, err
	}
	worker, err := b.startWorker(r, w.url, "WORKER_CONCURRENCY="+strconv.Itoa(heldBy))
	if err != nil {
		return nil, nil, err
	}
	bounded, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := w.sim.WaitHeld(bounded, "discover_schema", heldBy); err != nil {
		return nil, nil, fmt.Errorf("not all operations got to their discovery: %w", err)
	}
	// The heartbeat of asynq, every 5 s, lists the tasks under way; what a running one takes counts that in.
	if err := b.awaitHeartbeat(r); err != nil {
		return nil, nil, err
	}
	if running, err = b.held(r); err != nil {
		return nil, nil, err
	}
	w.sim.RemoveFaults()
	w.sim.Release("*", 0)
	if err := b.awaitCompleted(r, heldBy); err != nil {
		return nil, nil, err
	}
	worker.stop() // and with it what it tells of itself
	finished, err = b.held(r)
	return running, finished, err
}

// held is what operations hold of Redis's memory, each, by the sort of key.
type held map[string]float64

// sorts are the sorts of keys, each with what its names hold.
var sorts = []struct{ sort, in string }{
	{"record", ":op:"},
	{"line", ":line:"},
	{"live lanes", ":live"},
	{"component", ":known:"},
	{"list of operations", ":listed:"},
	{"task", "}:t:"},
	{"workers' heartbeat", "asynq:workers"},
	{"task lists", "asynq:{"},
}

// held measures all keys by MEMORY USAGE.
func (b *bench) held(r *redisServer) (held, error) {
	found := held{}
	keys := r.client.Scan(b.ctx, 0, "*", 1000).Iterator()
	for keys.Next(b.ctx) {
		bytes, err := r.client.MemoryUsage(b.ctx, keys.Val(), 0).Result()
		if err != nil && err != redis.Nil { //nolint:errorlint // go-redis answers redis.Nil itself; it has just expired
			return nil, err
		}
		sort := "other"
		for _, s := range sorts {
			if strings.Contains(keys.Val(), s.in) {
				sort = s.sort
				break
			}
		}
		found[sort] += float64(bytes) / heldBy
	}
	return found, keys.Err()
}

func (h held) total() (sum float64) {
	for _, bytes := range h {
		sum += bytes
	}
	return sum
}

func (h held) String() string {
	var parts []string
	for _, sort := range slices.SortedFunc(maps.Keys(h), func(a, b string) int { return cmp.Compare(h[b], h[a]) }) {
		if h[sort] >= 8 {
			parts = append(parts, fmt.Sprintf("%s %.0f", sort, h[sort]))
		}
	}
	return strings.Join(parts, ", ") + " bytes"
}

func (b *bench) awaitHeartbeat(r *redisServer) error {
	return b.until(r, "a heartbeat that lists the tasks", func() (bool, error) {
		keys, err := r.client.Keys(b.ctx, "asynq:workers:*").Result()
		return len(keys) > 0, err
	})
}

func (b *bench) awaitCompleted(r *redisServer, n int) error {
	return b.until(r, "the end of all tasks", func() (bool, error) {
		done, err := r.client.ZCard(b.ctx, "asynq:{provision}:completed").Result()
		return done >= int64(n), err
	})
}

func (b *bench) until(_ *redisServer, what string, condition func() (bool, error)) error {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if fulfilled, err := condition(); err != nil || fulfilled {
			return err
		}
	}
	return fmt.Errorf("%s did not come in a minute", what)
}
