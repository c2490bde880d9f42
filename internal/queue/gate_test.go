package queue

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/hibiken/asynq"

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
		Store:   operation.New(operation.Options{Redis: client, StatusTTL: time.Hour}),
		Handler: func(_ context.Context, task Task) error { handled <- task.Token; return nil },
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
