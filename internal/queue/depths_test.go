package queue

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"

	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// TestDepthsAreWhatTheInspectorTells has tasks in every state in which tasks stay.
func TestDepthsAreWhatTheInspectorTells(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	q := newQueue(t, client)
	if err := q.Register(ctx); err != nil {
		t.Fatal(err)
	}
	enqueue := func(id string, opts ...asynq.Option) {
		if _, err := q.client.Enqueue(asynq.NewTask("x", nil), append(opts, asynq.TaskID(id), asynq.Queue("provision"))...); err != nil {
			t.Fatal(err)
		}
	}
	enqueue("a")
	enqueue("b")
	enqueue("c", asynq.ProcessIn(time.Hour))
	enqueue("d")
	if err := q.inspector.ArchiveTask("provision", "d"); err != nil {
		t.Fatal(err)
	}
	depths, err := q.Depths(ctx)
	if err != nil {
		t.Fatal(err)
	}
	for _, depth := range depths {
		info, err := q.inspector.GetQueueInfo(depth.Queue)
		if err != nil {
			t.Fatal(err)
		}
		want := map[string]int{
			"pending": info.Pending, "active": info.Active, "scheduled": info.Scheduled, "retry": info.Retry,
			"archived": info.Archived, "completed": info.Completed,
		}
		if diff := cmp.Diff(want, depth.Tasks); diff != "" {
			t.Errorf("tasks of %s (-want +got):\n%s", depth.Queue, diff)
		}
		if depth.OldestWaiting > info.Latency || (depth.OldestWaiting > 0) != (info.Pending > 0) {
			t.Errorf("the oldest of %s has waited for %v, the Inspector said later %v", depth.Queue, depth.OldestWaiting, info.Latency)
		}
	}
	if len(depths) != 4 || depths[0].Tasks["pending"] != 2 {
		t.Errorf("got %+v, want two pending tasks in the first of four queues", depths)
	}
}

func TestTaskOf(t *testing.T) {
	t.Parallel()
	q := New(Options{Redis: redistest.Start(t).Client(), Instance: "blue-"})
	for _, c := range []struct {
		status    workload.Status
		queue, id string
	}{
		{workload.Status{Token: "t", Kind: workload.Provision}, "blue-provision", "t"},
		{workload.Status{Token: "t", Kind: workload.UpdateACL, Task: 2}, "blue-access", "t.2"},
	} {
		if queue, id := q.TaskOf(c.status); queue != c.queue || id != c.id {
			t.Errorf("the task of %+v is %s in %s", c.status, id, queue)
		}
	}
}
