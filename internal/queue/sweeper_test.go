package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// sweepOnce sweeps and returns what was done.
func sweepOnce(t *testing.T, q *Queue, doubt time.Duration) []string {
	t.Helper()
	var done []string
	sweeper := NewSweeper(SweeperOptions{Queue: q, Doubt: doubt, Done: func(what string, _ workload.Kind) { done = append(done, what) }})
	if err := sweeper.Sweep(t.Context()); err != nil {
		t.Fatal(err)
	}
	return done
}

// sweptQueue is a Queue whose operations are always due for a look.
func sweptQueue(t *testing.T, client redis.UniversalClient) *Queue {
	t.Helper()
	store := operation.New(operation.Options{Redis: client, StatusTTL: time.Hour, FreshFor: time.Nanosecond, CheckEvery: time.Nanosecond})
	return New(Options{Redis: client, Store: store, TaskTimeout: time.Minute, TaskRetention: time.Hour})
}

// An operation without a task may be in the middle of its acceptance: only when it
// stays so, its task was removed.
func TestWhoIsBeingAcceptedIsLeftAlone(t *testing.T) {
	t.Parallel()
	q := sweptQueue(t, redistest.Start(t).Client())
	accepted, err := q.store.Accept(t.Context(), operation.Request{
		Kind: workload.Provision, Component: workload.NewComponent("c", "dev"), Payload: []byte("p"), Hash: "h",
	})
	if err != nil {
		t.Fatal(err)
	}
	if done := sweepOnce(t, q, time.Hour); len(done) > 0 {
		t.Errorf("the sweeper did %v", done)
	}
	if status, err := q.Status(t.Context(), accepted.Token); err != nil || status.State != workload.Running {
		t.Errorf("the operation is %s, %v", status.State, err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for {
		if status, err := q.Status(t.Context(), accepted.Token); err == nil && status.State == workload.Failed && status.Failure.Code == workload.CodeRemoved {
			return
		}
		if time.Now().After(deadline) {
			t.Fatal("the operation never ends")
		}
		sweepOnce(t, q, time.Nanosecond)
	}
}

// A task in retry runs by itself at its date. Without one it stands in retry for
// its turn, and with one that is long over asynq has not seen to it.
func TestRetriesThatDoNotComeAreRun(t *testing.T) {
	t.Parallel()
	const doubt = time.Minute
	for name, test := range map[string]struct {
		due  time.Duration // from now; 0: no date
		want []string
	}{
		"without a date":         {0, []string{"run"}},
		"its date is to come":    {time.Hour, nil},
		"its date is just over":  {-doubt / 2, nil},
		"its date is long over":  {-2 * doubt, []string{"run"}},
		"its date is in seconds": {3 * time.Second, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := redistest.Start(t).Client()
			q := sweptQueue(t, client)
			token, err := q.Submit(t.Context(), workload.Order{Kind: workload.Provision, Work: workload.Work{Component: workload.NewComponent("c", "dev")}})
			if err != nil {
				t.Fatal(err)
			}
			intoRetry(t, client, q, token)
			if test.due != 0 {
				key := "airbyte-provisioner:{" + operation.Lane(token)[:2] + "}:op:" + token
				if err := client.HSet(t.Context(), key, "retry", time.Now().Add(test.due).UnixMilli()).Err(); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(test.want, sweepOnce(t, q, doubt)); diff != "" {
				t.Errorf("the sweeper did (-want +got):\n%s", diff)
			}
			state := asynq.TaskStateRetry
			if test.want != nil {
				state = asynq.TaskStatePending
			}
			if info, err := q.inspector.GetTaskInfo(provisionQueue, token); err != nil || info.State != state {
				t.Errorf("the task is %v, %v, want %v", info, err, state)
			}
		})
	}
}

// intoRetry has the operation's task fail once, for asynq to run it again in an hour.
func intoRetry(t *testing.T, client redis.UniversalClient, q *Queue, token string) {
	t.Helper()
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Queues: map[string]int{provisionQueue: 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour },
	})
	failed := make(chan struct{})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { close(failed); return errors.New("no") })); err != nil {
		t.Fatal(err)
	}
	<-failed
	server.Shutdown()
	if info, err := q.inspector.GetTaskInfo(provisionQueue, token); err != nil || info.State != asynq.TaskStateRetry {
		t.Fatalf("the task is %+v, %v", info, err)
	}
}
