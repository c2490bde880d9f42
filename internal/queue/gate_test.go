package queue

import (
	"context"
	"errors"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// A slow task that asynq gives up before its handler begins gives its slot back:
// its deadline may have passed, or it is cancelled in the moment it is taken.
func TestADroppedTaskGivesItsSlotBack(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	q := newQueue(t, client)
	const concurrency = 4 // so that slow tasks may hold two slots
	for range concurrency {
		late := asynq.NewTask("validate", nil)
		if _, err := q.client.Enqueue(late, asynq.Queue(validateQueue), asynq.Deadline(time.Now().Add(-time.Minute)), asynq.MaxRetry(0)); err != nil {
			t.Fatal(err)
		}
	}
	work := workload.Work{Component: workload.NewComponent("c", "dev")}
	token, err := q.Submit(t.Context(), workload.Order{Kind: workload.Validate, Work: work})
	if err != nil {
		t.Fatal(err)
	}
	handled := make(chan string, 1)
	server, err := NewServer(ServerOptions{
		Redis: client, Queues: map[string]int{validateQueue: 1, provisionQueue: 1}, Concurrency: concurrency, PollInterval: time.Millisecond,
		Store: operation.New(operation.Options{Redis: client, StatusTTL: time.Hour}),
		// What failed is told to who gives the slots of dropped tasks back, too.
		Handler: func(_ context.Context, task Task) error { handled <- task.Token; return &LaterError{Delay: time.Hour} },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	stop := sync.OnceFunc(server.Shutdown)
	defer stop()
	select {
	case got := <-handled:
		if got != token {
			t.Errorf("the handler got %q, want only %q, which can still be worked on", got, token)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("the tasks that were dropped still hold all slots for slow ones")
	}
	stop()
	if taken := server.gate.taken.Load(); taken != 0 {
		t.Errorf("%d slots are taken by nothing", taken)
	}
}

func TestAnEmptyQueueRests(t *testing.T) {
	t.Parallel()
	keys := func(queue string) []string {
		return []string{queueKey(queue, "pending"), queueKey(queue, "paused"), queueKey(queue, "active"), queueKey(queue, "lease")}
	}
	for name, tt := range map[string]struct {
		rest time.Duration
		asks map[string][]error // by queue, what each question is answered with, asked or not
		want map[string]int     // questions asked
	}{
		"while it rests": {time.Hour, map[string][]error{"a": {redis.Nil, redis.Nil, redis.Nil}}, map[string]int{"a": 1}},
		"after its rest": {0, map[string][]error{"a": {redis.Nil, redis.Nil, redis.Nil}}, map[string]int{"a": 3}},
		"not the others": {time.Hour, map[string][]error{"a": {redis.Nil, redis.Nil}, "b": {nil, nil}}, map[string]int{"a": 1, "b": 2}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g, asked := &gate{rest: tt.rest}, map[string]int{}
			for queue, answers := range tt.asks {
				for _, answer := range answers {
					cmd := g.take(t.Context(), keys(queue), func() *redis.Cmd {
						asked[queue]++
						cmd := redis.NewCmd(t.Context())
						cmd.SetErr(answer)
						return cmd
					})
					if !errors.Is(cmd.Err(), answer) {
						t.Errorf("%s answers %v, want %v", queue, cmd.Err(), answer)
					}
				}
			}
			if diff := cmp.Diff(tt.want, asked); diff != "" {
				t.Error(diff)
			}
		})
	}
}
