package worker_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const provisionQueue = "test-provision"

func (h *house) sweeper(t *testing.T) *queue.Sweeper {
	return queue.NewSweeper(queue.SweeperOptions{Queue: h.queue, Doubt: time.Nanosecond, Log: testLog(t)})
}

// removedByOperator is what a token must say whose task an operator removed.
func removedByOperator(status workload.Status) bool {
	return status.State == workload.Failed && status.Failure.Code == workload.CodeRemoved &&
		strings.Contains(status.Result, "operator removed the task")
}

func TestATaskThatAnOperatorRemovesEndsItsOperation(t *testing.T) {
	t.Parallel()
	remove := map[string]func(*asynq.Inspector, string) error{
		"deleted":  func(i *asynq.Inspector, id string) error { return i.DeleteTask(provisionQueue, id) },
		"archived": func(i *asynq.Inspector, id string) error { return i.ArchiveTask(provisionQueue, id) },
	}
	for how, remove := range remove {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			client := newRedis(t)
			h := newHouse(t, client)
			inspector := asynq.NewInspectorFromRedisClient(client)
			sweeper := h.sweeper(t)

			pending := h.submit(t, versioned(workload.Provision, "c", "1"))
			first := h.submit(t, versioned(workload.Provision, "c", "2")) // scheduled, will be run
			scheduled := h.submit(t, versioned(workload.Provision, "c", "3"))
			last := h.submit(t, versioned(workload.Provision, "c", "4"))
			for _, id := range []string{pending, scheduled} {
				if err := remove(inspector, id); err != nil {
					t.Fatal(err)
				}
			}
			for _, token := range []string{pending, scheduled} {
				status := h.sweepUntil(t, sweeper, token, "the end", func(s workload.Status) bool { return s.State.Terminal() })
				if !removedByOperator(status) || status.Attempts != 0 {
					t.Errorf("%+v", status)
				}
			}

			// The others run, one of them into a retry, whose task is removed too.
			h.start(func(_ context.Context, work workload.Work, _ workload.Attempt) (workload.Outcome, error) {
				if work.DataProduct.Version == "2" {
					return workload.Outcome{}, errBusyAirbyte
				}
				return done("ok"), nil
			}, func(o *worker.Options, _ *queue.ServerOptions) { o.MinDelay, o.MaxDelay = time.Hour, time.Hour })
			h.untilTask(t, inspector, provisionQueue, first, asynq.TaskStateRetry)
			if err := remove(inspector, first); err != nil {
				t.Fatal(err)
			}
			status := h.sweepUntil(t, sweeper, first, "the end", func(s workload.Status) bool { return s.State.Terminal() })
			if !removedByOperator(status) || status.Attempts != 1 {
				t.Errorf("%+v", status)
			}
			if status := h.untilTerminal(t, last); status.State != workload.Completed {
				t.Errorf("the component's last operation: %+v", status)
			}
			h.wantEnds(workload.Failed, workload.Failed, workload.Failed, workload.Completed)
		})
	}
}

func completing(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
	return done("ok"), nil
}

func TestALostTaskIsStartedAnew(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	taskKey := func(id string) string { return "asynq:{" + provisionQueue + "}:t:" + id }
	cases := map[string]struct {
		reason string
		ghost  bool // the old task was active, and has to be taken up by asynq in the end
		lose   func(t *testing.T, server *redistest.Server, client redis.UniversalClient, token string)
	}{
		"evicted": {
			reason: "Redis dropped the task and not its place in the list",
			lose: func(t *testing.T, _ *redistest.Server, client redis.UniversalClient, token string) {
				if err := client.Del(ctx, taskKey(token)).Err(); err != nil {
					t.Fatal(err)
				}
			},
		},
		"lost with the end of its Redis": {
			reason: "a Redis that was replaced may have lost the last writes",
			lose: func(t *testing.T, server *redistest.Server, client redis.UniversalClient, token string) {
				client.Del(ctx, taskKey(token))
				client.LRem(ctx, "asynq:{"+provisionQueue+"}:pending", 0, token)
				server.Restart()
			},
		},
		"active without a lease": {
			ghost:  true,
			reason: "asynq never recovers it",
			lose: func(t *testing.T, _ *redistest.Server, client redis.UniversalClient, token string) {
				client.RPopLPush(ctx, "asynq:{"+provisionQueue+"}:pending", "asynq:{"+provisionQueue+"}:active")
				client.HSet(ctx, taskKey(token), "state", "active")
			},
		},
		"its worker died before it began": {
			ghost:  true,
			reason: "asynq's lease has lapsed and there is none of ours",
			lose: func(t *testing.T, _ *redistest.Server, client redis.UniversalClient, token string) {
				client.RPopLPush(ctx, "asynq:{"+provisionQueue+"}:pending", "asynq:{"+provisionQueue+"}:active")
				client.HSet(ctx, taskKey(token), "state", "active")
				expireAsynqLease(t, client, provisionQueue, token)
			},
		},
		"its worker does not work on it": {
			reason: "asynq's lease is alive, and nobody has begun for long",
			lose: func(t *testing.T, _ *redistest.Server, client redis.UniversalClient, token string) {
				client.RPopLPush(ctx, "asynq:{"+provisionQueue+"}:pending", "asynq:{"+provisionQueue+"}:active")
				client.HSet(ctx, taskKey(token), "state", "active")
				client.ZAdd(ctx, "asynq:{"+provisionQueue+"}:lease", redis.Z{Score: float64(time.Now().Add(time.Hour).Unix()), Member: token})
			},
		},
		"never made": {
			reason: "who started it anew died before the new task was there",
			lose: func(t *testing.T, _ *redistest.Server, client redis.UniversalClient, token string) {
				store := operation.New(operation.Options{Redis: client, Instance: "test-"})
				if _, err := store.Anew(ctx, token, 0, "anew"); err != nil {
					t.Fatal(err)
				}
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, redistest.AOF())
			client := server.Client()
			h := newHouse(t, client)
			sweeper := h.sweeper(t)
			token := h.submit(t, order(workload.Provision, "c"))
			if err := sweeper.Sweep(ctx); err != nil { // as it has, long before
				t.Fatal(err)
			}
			c.lose(t, server, client, token)
			h.sweepUntil(t, sweeper, token, "the new task", func(s workload.Status) bool {
				return strings.Contains(messages(s), "started anew")
			})
			h.start(completing)
			if status := h.untilTerminal(t, token); status.State != workload.Completed || status.Attempts != 1 {
				t.Errorf("%s: %+v\n%s", c.reason, status, messages(status))
			}
			if c.ghost {
				h.untilNoneActive(t, client)
			}
		})
	}
}

// untilNoneActive waits until asynq has taken up what was left active; its
// recoverer does so when a server starts.
func (h *house) untilNoneActive(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	deadline := time.After(within)
	for client.LLen(context.Background(), "asynq:{"+provisionQueue+"}:active").Val() > 0 {
		select {
		case <-deadline:
			t.Fatal("a task stays active for ever")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// A worker that dies is replaced when its lease has lapsed; asynq's own lease,
// which lasts longer, need not be waited for.
func TestTheWorkOfADeadWorkerIsTakenOver(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, newRedis(t))
	token := h.submit(t, order(workload.Provision, "c"))
	// As of a worker that took the task, began, and died.
	h.redis.RPopLPush(ctx, "asynq:{"+provisionQueue+"}:pending", "asynq:{"+provisionQueue+"}:active")
	h.redis.HSet(ctx, "asynq:{"+provisionQueue+"}:t:"+token, "state", "active")
	h.redis.ZAdd(ctx, "asynq:{"+provisionQueue+"}:lease", redis.Z{Score: float64(time.Now().Add(time.Hour).Unix()), Member: token})
	if _, err := h.store.Begin(ctx, token, workload.Component{}, 0); err != nil {
		t.Fatal(err)
	}
	sweeper := queue.NewSweeper(queue.SweeperOptions{Queue: h.queue, Doubt: time.Hour, Log: testLog(t)})
	h.start(completing)
	if err := sweeper.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	if status, err := h.queue.Status(ctx, token); err != nil || status.State != workload.Running || status.Attempts != 1 {
		t.Fatalf("while the lease lasts: %+v, %v", status, err)
	}
	lapse(t, h.redis, token)
	status := h.sweepUntil(t, sweeper, token, "the end", func(s workload.Status) bool { return s.State.Terminal() })
	if status.State != workload.Completed || status.Attempts != 2 {
		t.Errorf("%+v", status)
	}
}

func TestALostHandOverIsMadeGood(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, newRedis(t))
	first := h.submit(t, versioned(workload.Provision, "c", "1"))
	second := h.submit(t, versioned(workload.Provision, "c", "2"))
	lease, err := h.store.Begin(ctx, first, workload.Component{}, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := lease.Finish(ctx, operation.End{Outcome: &workload.Outcome{Message: "ok"}}); err != nil {
		t.Fatal(err) // and the worker dies before it runs the next task
	}
	h.start(completing)
	if status := h.sweepUntil(t, h.sweeper(t), second, "the end", func(s workload.Status) bool { return s.State.Terminal() }); status.State != workload.Completed {
		t.Errorf("%+v", status)
	}
}

// terminatingWithoutWorker is the token of an operation that is to be terminated
// and whose worker died.
func (h *house) terminatingWithoutWorker(t *testing.T) string {
	t.Helper()
	ctx := context.Background()
	token := h.submit(t, order(workload.Provision, "c"))
	if _, err := h.store.Begin(ctx, token, workload.Component{}, 0); err != nil {
		t.Fatal(err)
	}
	if status, err := h.queue.Terminate(ctx, token); err != nil || status.State != workload.Terminating {
		t.Fatalf("%+v, %v", status, err)
	}
	lapse(t, h.redis, token)
	return token
}

func TestATerminationWhoseWorkerDiedEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	token := h.terminatingWithoutWorker(t)
	status := h.sweepUntil(t, h.sweeper(t), token, "the end", func(s workload.Status) bool { return s.State.Terminal() })
	if status.State != workload.Terminated || !strings.Contains(messages(status), "worker that ran the operation is gone") {
		t.Errorf("%+v", status)
	}
}

// The task may run again before the sweeper comes to it.
func TestATerminationWhoseWorkerDiedEndsWithItsTask(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	token := h.terminatingWithoutWorker(t)
	h.start(func(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
		t.Error("work was begun on what was to be terminated")
		return workload.Outcome{}, nil
	})
	if status := h.untilTerminal(t, token); status.State != workload.Terminated {
		t.Errorf("%+v", status)
	}
	h.wantEnds(workload.Terminated)
}

// An attempt that cannot renew its lease while Redis is away stops, as if it had
// lost it; where nobody else began, its worker did not die.
func TestALeaseThatRanOutIsNoDeath(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	var attempts atomic.Int64
	h.start(func(_ context.Context, _ workload.Work, _ workload.Attempt) (workload.Outcome, error) {
		if attempts.Add(1) <= 4 {
			return workload.Outcome{}, fmt.Errorf("%w: Redis does not answer", operation.ErrLost) // as Holds says it
		}
		return workload.Outcome{Message: "done"}, nil
	}, func(o *worker.Options, _ *queue.ServerOptions) { o.MaxCrashes = 1 })
	token := h.submit(t, order(workload.Provision, "c"))
	if status := h.untilTerminal(t, token); status.State != workload.Completed || status.Attempts != 5 {
		t.Errorf("%+v", status)
	}
}

func TestHealthyOperationsAreLeftAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	h.start(g.perform, func(o *worker.Options, s *queue.ServerOptions) {
		o.MinDelay, o.MaxDelay, s.Concurrency = time.Hour, time.Hour, 1
	})
	retrying := h.submit(t, order(workload.Provision, "retrying"))
	g.next(t)
	g.answers <- errBusyAirbyte
	h.untilTask(t, asynq.NewInspectorFromRedisClient(h.redis), provisionQueue, retrying, asynq.TaskStateRetry)
	running := h.submit(t, order(workload.Provision, "running"))
	g.next(t)
	waiting := h.submit(t, versioned(workload.Provision, "running", "2"))
	pending := h.submit(t, order(workload.Provision, "pending"))
	var did []string
	sweeper := queue.NewSweeper(queue.SweeperOptions{Queue: h.queue, Doubt: time.Hour, Log: testLog(t), Done: func(what string, kind workload.Kind) {
		did = append(did, fmt.Sprint(what, kind))
	}})
	for range 20 {
		if err := sweeper.Sweep(ctx); err != nil {
			t.Fatal(err)
		}
	}
	if len(did) > 0 {
		t.Errorf("the sweeper did %v", did)
	}
	for _, token := range []string{retrying, running, waiting, pending} {
		if status, err := h.queue.Status(ctx, token); err != nil || status.State != workload.Running {
			t.Errorf("%+v, %v", status, err)
		}
	}
}

func TestAFinishedLaneLeavesTheIndex(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, newRedis(t))
	h.start(completing)
	h.untilTerminal(t, h.submit(t, order(workload.Provision, "c")))
	h.untilTerminal(t, h.submit(t, order(workload.Validate, "c")))
	due, err := h.store.Due(ctx, 10)
	if err != nil || len(due) != 0 {
		t.Errorf("due lanes %v, %v", due, err)
	}
	keys, err := h.redis.Keys(ctx, "test-airbyte-provisioner:*").Result()
	if err != nil {
		t.Fatal(err)
	}
	for _, key := range keys {
		if ttl := h.redis.TTL(ctx, key).Val(); ttl <= 0 {
			t.Errorf("%s stays for ever", key)
		}
	}
}
