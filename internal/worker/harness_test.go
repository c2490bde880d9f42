package worker_test

import (
	"context"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// performer is the work of a test.
type performer func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error)

func (p performer) Perform(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
	return p(ctx, work, attempt)
}

// house is the product's middle, from the order to the performer, on a real Redis.
type house struct {
	t        testing.TB
	instance string
	redis    redis.UniversalClient
	store    *operation.Store
	queue    *queue.Queue

	mu       sync.Mutex
	finished map[string]int
	ends     []workload.State // of operations, by whoever told of them
	changed  chan struct{}    // closed and replaced at each end of an attempt
}

// testLog sends a program's log to the test's.
func testLog(t testing.TB) *slog.Logger {
	return slog.New(slog.NewTextHandler(t.Output(), &slog.HandlerOptions{Level: slog.LevelInfo}))
}

func newHouse(t testing.TB, client redis.UniversalClient, change ...func(*operation.Options)) *house {
	t.Helper()
	return newHouseOf(t, client, "test-", change...)
}

func newHouseOf(t testing.TB, client redis.UniversalClient, instance string, change ...func(*operation.Options)) *house {
	t.Helper()
	opts := operation.Options{
		Redis: client, Instance: instance, StatusTTL: time.Hour, Lease: 5 * time.Second,
		FreshFor: time.Nanosecond, CheckEvery: time.Millisecond,
	}
	for _, f := range change {
		f(&opts)
	}
	h := &house{t: t, instance: instance, redis: client, store: operation.New(opts), finished: map[string]int{}, changed: make(chan struct{})}
	h.queue = queue.New(queue.Options{
		Redis: client, Store: h.store, Instance: instance, TaskTimeout: time.Minute, TaskRetention: time.Hour, Log: testLog(t),
		Ended: h.operationEnded,
	})
	return h
}

// start starts a worker and returns what stops it; it is stopped with the test, too.
func (h *house) start(work performer, change ...func(*worker.Options, *queue.ServerOptions)) (stop func()) {
	h.t.Helper()
	opts := worker.Options{
		Store: h.store, Release: h.queue.Release,
		Performers: map[workload.Kind]worker.Performer{
			workload.Provision: work, workload.Unprovision: work, workload.UpdateACL: work,
			workload.Validate: work, workload.Reverse: work,
		},
		Timeout: time.Minute, MaxRetry: 2, MinDelay: time.Millisecond, MaxDelay: 10 * time.Millisecond,
		Beat: 50 * time.Millisecond, Grace: 50 * time.Millisecond, Log: testLog(h.t),
		Hooks: worker.Hooks{Ended: h.ended, Finished: h.operationEnded},
	}
	serverOpts := queue.ServerOptions{
		Redis: h.redis, Instance: h.instance, Queues: map[string]int{"provision": 6, "unprovision": 3, "access": 2, "validate": 1},
		Concurrency: 8, PollInterval: 5 * time.Millisecond, ShutdownTimeout: 3 * time.Second, Store: h.store, Log: testLog(h.t),
	}
	for _, f := range change {
		f(&opts, &serverOpts)
	}
	if serverOpts.Handler == nil {
		serverOpts.Handler = worker.New(opts).Handle
	}
	server, err := queue.NewServer(serverOpts)
	if err != nil {
		h.t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		h.t.Fatal(err)
	}
	stop = sync.OnceFunc(server.Shutdown)
	h.t.Cleanup(stop)
	return stop
}

func (h *house) ended(_ workload.Kind, how string, _ time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.finished[how]++
	h.wake()
}

// wake wakes who waits; with the lock.
func (h *house) wake() {
	close(h.changed)
	h.changed = make(chan struct{})
}

func (h *house) operationEnded(_ workload.Kind, state workload.State, took time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if took < 0 || took > time.Hour {
		h.t.Errorf("an operation took %s", took)
	}
	h.ends = append(h.ends, state)
	h.wake()
}

// wantEnds waits until as many ends of operations were told as are wanted, and
// checks that they are these, in any order.
func (h *house) wantEnds(want ...workload.State) {
	h.t.Helper()
	deadline := time.After(within)
	for {
		h.mu.Lock()
		got, changed := slices.Sorted(slices.Values(h.ends)), h.changed
		h.mu.Unlock()
		if len(got) >= len(want) {
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				h.t.Errorf("the ends that were told (-want +got):\n%s", diff)
			}
			return
		}
		select {
		case <-changed:
		case <-deadline:
			h.t.Fatalf("the ends that were told are %v, want %v", got, want)
		}
	}
}

func (h *house) submit(t testing.TB, order workload.Order) string {
	t.Helper()
	token, err := h.queue.Submit(context.Background(), order)
	if err != nil {
		t.Fatalf("Submit: %v", err)
	}
	return token
}

// within bounds how long a test waits for what must happen.
const within = 30 * time.Second

// until waits until the status of a token is as wanted; it looks again whenever an attempt ended, and now and then.
func (h *house) until(t testing.TB, token, what string, wanted func(workload.Status) bool) workload.Status {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		status, err := h.queue.Status(context.Background(), token)
		if err == nil && wanted(status) {
			return status
		}
		h.mu.Lock()
		changed := h.changed
		h.mu.Unlock()
		select {
		case <-changed:
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s never happened: %+v, %v", what, status, err)
		}
	}
}

func (h *house) untilTerminal(t testing.TB, token string) workload.Status {
	t.Helper()
	return h.until(t, token, "the end of the operation", func(s workload.Status) bool { return s.State.Terminal() })
}

// sweepUntil sweeps until the status is as wanted.
func (h *house) sweepUntil(t testing.TB, sweeper *queue.Sweeper, token, what string, wanted func(workload.Status) bool) workload.Status {
	t.Helper()
	return h.until(t, token, what, func(s workload.Status) bool {
		if wanted(s) {
			return true
		}
		if err := sweeper.Sweep(context.Background()); err != nil {
			t.Fatalf("Sweep: %v", err)
		}
		return false
	})
}

func order(kind workload.Kind, id string) workload.Order {
	return workload.Order{Kind: kind, TraceID: "trace-" + id, Work: workload.Work{
		Component:   workload.NewComponent(id, "dev"),
		Name:        id,
		DataProduct: workload.DataProduct{Name: "dp", Domain: "sales", Version: "0.1.0"},
		Source:      workload.Actor{Name: "File", Configuration: map[string]any{"url": "https://example.com/" + id}},
		Destination: workload.Actor{Name: "Snowflake", Configuration: map[string]any{"database": "SALES"}},
		Connection:  workload.Connection{Name: "File <> Snowflake"},
	}}
}

// versioned is an order that differs from another of its component by a version.
func versioned(kind workload.Kind, id, version string) workload.Order {
	o := order(kind, id)
	o.Work.DataProduct.Version = version
	return o
}

func done(message string) workload.Outcome { return workload.Outcome{Message: message} }

func newRedis(t testing.TB) redis.UniversalClient { return redistest.Start(t).Client() }
