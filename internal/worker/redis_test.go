package worker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

func TestRedisMayBeKilledAtAnyTime(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := redistest.Start(t, redistest.AOF())
	h := newHouse(t, server.Client())
	h.start(func(_ context.Context, _ workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		return done("ok"), attempt.Holds()
	})
	var (
		mu       sync.Mutex
		accepted []string
		refused  int
		enough   atomic.Bool
		all      sync.WaitGroup
	)
	for s := range 4 {
		all.Go(func() {
			for n := 0; !enough.Load(); n++ {
				token, err := h.queue.Submit(ctx, order(workload.Provision, fmt.Sprintf("c%d.%d", s, n)))
				mu.Lock()
				if err == nil {
					accepted = append(accepted, token)
				} else if refused++; workload.AsFailure(err).Code != workload.CodeUnavailable {
					t.Errorf("Submit: %v", err)
				}
				mu.Unlock()
			}
		})
	}
	for range 3 {
		untilMore(t, &mu, &accepted)
		server.Kill()
		server.Restart()
	}
	enough.Store(true)
	all.Wait()
	t.Logf("%d accepted, %d refused", len(accepted), refused)
	sweeper := h.sweeper(t)
	for _, token := range accepted {
		status := h.sweepUntil(t, sweeper, token, "the end", func(s workload.Status) bool { return s.State.Terminal() })
		if status.State != workload.Completed {
			t.Errorf("%s: %+v", token, status)
		}
	}
}

// untilMore waits until the submitters are in full swing.
func untilMore(t *testing.T, mu *sync.Mutex, accepted *[]string) {
	t.Helper()
	count := func() int {
		mu.Lock()
		defer mu.Unlock()
		return len(*accepted)
	}
	deadline := time.After(within)
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for before := count(); count() < before+50; {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("nothing is accepted any more")
		}
	}
}

func TestAnAbsentRedisIsToldAtOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1, DialTimeout: time.Second, ReadTimeout: time.Second})
	t.Cleanup(func() { _ = client.Close() })
	h := newHouse(t, client)
	token := h.submit(t, order(workload.Provision, "c"))
	server.Kill()
	_, submit := h.queue.Submit(ctx, order(workload.Provision, "d"))
	_, status := h.queue.Status(ctx, token)
	_, terminate := h.queue.Terminate(ctx, token)
	for name, err := range map[string]error{"Submit": submit, "Status": status, "Terminate": terminate} {
		if workload.AsFailure(err).Code != workload.CodeUnavailable {
			t.Errorf("%s: %v", name, err)
		}
	}
	server.Restart()
	// The pool takes a moment to see that Redis is back; nothing has to be started again.
	deadline := time.After(within)
	for {
		_, err := h.queue.Status(ctx, token)
		if failure := workload.AsFailure(err); err == nil || failure.Code == workload.CodeUnknownToken {
			return // without AOF it knows nothing any more, and says so
		}
		select {
		case <-deadline:
			t.Fatal(err)
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestWorkIsRecordedOnceRedisIsBack(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.AOF())
	h := newHouse(t, server.Client())
	g := newGatekeeper()
	h.start(g.perform)
	token := h.submit(t, order(workload.Provision, "c"))
	attempt := g.next(t)
	server.Kill()
	if err := attempt.Holds(); err != nil {
		t.Errorf("an absent Redis stops work at once: %v", err)
	}
	g.answers <- nil
	server.Restart()
	if status := h.untilTerminal(t, token); status.State != workload.Completed || status.Attempts != 1 {
		t.Errorf("%+v", status)
	}
}

// A Redis that hangs keeps connections open and answers nothing.
func TestWorkGoesOnWhileRedisHangs(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, redistest.AOF())
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ReadTimeout: 100 * time.Millisecond, MaxRetries: -1, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	h := newHouse(t, client, func(o *operation.Options) { o.Lease = time.Minute })
	g := newGatekeeper()
	h.start(g.perform)
	token := h.submit(t, order(workload.Provision, "c"))
	attempt := g.next(t)
	server.Pause()
	for range 10 {
		if err := attempt.Holds(); err != nil {
			t.Errorf("a Redis that hangs stops work at once: %v", err)
		}
	}
	g.answers <- nil
	server.Resume()
	if status := h.untilTerminal(t, token); status.State != workload.Completed || status.Attempts != 1 {
		t.Errorf("%+v", status)
	}
}

func TestQueuesAreRegisteredAgainAfterALossOfData(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	h := newHouse(t, server.Client())
	h.start(completing)
	lost := h.submit(t, order(workload.Provision, "c"))
	h.untilTerminal(t, lost)
	server.Wipe()
	token := h.submit(t, order(workload.Provision, "c"))
	if status := h.untilTerminal(t, token); status.State != workload.Completed {
		t.Errorf("%+v", status)
	}
	if _, err := h.queue.Status(context.Background(), lost); workload.AsFailure(err).Code != workload.CodeUnknownToken {
		t.Errorf("a lost token: %v", err)
	}
	if err := h.sweeper(t).Sweep(context.Background()); err != nil {
		t.Fatal(err)
	}
	queues, err := asynq.NewInspectorFromRedisClient(h.redis).Queues()
	if err != nil || len(queues) != 4 {
		t.Errorf("queues %v, %v", queues, err)
	}
}

func TestATaskWithoutARecordDoesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	token := h.submit(t, order(workload.Provision, "c"))
	h.redis.Del(context.Background(), "test-airbyte-provisioner:{"+token[24:26]+"}:op:"+token)
	h.start(func(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
		t.Error("it was worked on")
		return done(""), nil
	})
	h.untilTask(t, asynq.NewInspectorFromRedisClient(h.redis), provisionQueue, token, asynq.TaskStateCompleted)
}

func TestANewerVersionIsLeftToNewerWorkers(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	change := map[string]func(t *testing.T, h *house, token string){
		"payload": func(t *testing.T, h *house, token string) {
			inspector := asynq.NewInspectorFromRedisClient(h.redis)
			info, err := inspector.GetTaskInfo(provisionQueue, token)
			if err != nil {
				t.Fatal(err)
			}
			plain, err := operation.Unpack(info.Payload)
			if err != nil {
				t.Fatal(err)
			}
			var payload map[string]any
			if err := json.Unmarshal(plain, &payload); err != nil {
				t.Fatal(err)
			}
			payload["v"] = 2
			text, _ := json.Marshal(payload)
			// The Inspector changes payloads of scheduled tasks only, so make it anew.
			if err := inspector.DeleteTask(provisionQueue, token); err != nil {
				t.Fatal(err)
			}
			_, err = asynq.NewClientFromRedisClient(h.redis).Enqueue(asynq.NewTask("provision", text),
				asynq.TaskID(token), asynq.Queue(provisionQueue), asynq.MaxRetry(1000))
			if err != nil {
				t.Fatal(err)
			}
		},
		"record": func(t *testing.T, h *house, token string) {
			if err := h.redis.HSet(ctx, "test-airbyte-provisioner:{"+token[24:26]+"}:op:"+token, "v", 2).Err(); err != nil {
				t.Fatal(err)
			}
		},
	}
	for name, change := range change {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, newRedis(t))
			token := h.submit(t, order(workload.Provision, "c"))
			change(t, h, token)
			h.start(func(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
				t.Error("it was worked on")
				return done(""), nil
			})
			info := h.untilTask(t, asynq.NewInspectorFromRedisClient(h.redis), provisionQueue, token, asynq.TaskStateRetry)
			if info.Retried != 0 {
				t.Errorf("it counts as %d failures", info.Retried)
			}
			if status, err := h.queue.Status(ctx, token); err != nil || status.State != workload.Running || status.Attempts != 0 {
				t.Errorf("%+v, %v", status, err)
			}
		})
	}
}

func TestAPayloadThatCannotBeReadFailsItsOperationAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	token := h.submit(t, order(workload.Provision, "c"))
	inspector := asynq.NewInspectorFromRedisClient(h.redis)
	if err := inspector.DeleteTask(provisionQueue, token); err != nil {
		t.Fatal(err)
	}
	_, err := asynq.NewClientFromRedisClient(h.redis).Enqueue(asynq.NewTask("provision", []byte("{")),
		asynq.TaskID(token), asynq.Queue(provisionQueue))
	if err != nil {
		t.Fatal(err)
	}
	h.start(completing)
	status := h.untilTerminal(t, token)
	if status.State != workload.Failed || status.Failure.Code != workload.CodeInternal {
		t.Errorf("%+v", status)
	}
	if status := h.untilTerminal(t, h.submit(t, order(workload.Provision, "c"))); status.State != workload.Completed {
		t.Errorf("%+v", status)
	}
}

func TestInstancesDoNotSeeEachOther(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	h := newHouse(t, client)
	h.start(completing)
	other := newHouseOf(t, client, "other-")
	token := other.submit(t, order(workload.Provision, "c"))
	h.untilTerminal(t, h.submit(t, order(workload.Provision, "c")))
	if status, err := other.queue.Status(context.Background(), token); err != nil || status.State != workload.Running {
		t.Errorf("%+v, %v", status, err)
	}
	if _, err := h.queue.Status(context.Background(), token); workload.AsFailure(err).Code != workload.CodeUnknownToken {
		t.Errorf("%v", err)
	}
}
