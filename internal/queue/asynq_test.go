package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

func newQueue(t *testing.T, client redis.UniversalClient) *Queue {
	t.Helper()
	store := operation.New(operation.Options{Redis: client, StatusTTL: time.Hour})
	return New(Options{Redis: client, Store: store, TaskTimeout: time.Minute, TaskRetention: time.Hour})
}

// What this package reads of asynq's keys is what the Inspector tells, for a task in every state.
func TestTasksAreReadAsTheInspectorTells(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	q := newQueue(t, client)
	const name = "provision"
	enqueue := func(id string, opts ...asynq.Option) {
		opts = append(opts, asynq.TaskID(id), asynq.Queue(name), asynq.Retention(time.Hour), asynq.MaxRetry(9))
		if _, err := q.client.Enqueue(asynq.NewTask("x", nil), opts...); err != nil {
			t.Fatal(err)
		}
	}
	active := make(chan struct{})
	release := make(chan struct{})
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Queues: map[string]int{name: 1}, TaskCheckInterval: time.Millisecond, LogLevel: asynq.FatalLevel,
		RetryDelayFunc: func(int, error, *asynq.Task) time.Duration { return time.Hour },
	})
	enqueue("active")
	enqueue("completed")
	enqueue("retry")
	err := server.Start(asynq.HandlerFunc(func(ctx context.Context, _ *asynq.Task) error {
		switch id, _ := asynq.GetTaskID(ctx); id {
		case "active":
			close(active)
			<-release
		case "retry":
			return errors.New("failed")
		}
		return nil
	}))
	if err != nil {
		t.Fatal(err)
	}
	defer server.Shutdown()
	defer close(release)
	<-active
	deadline := time.After(10 * time.Second)
	for done := false; !done; {
		select {
		case <-deadline:
			t.Fatal("the tasks did not run")
		case <-time.After(time.Millisecond):
			one, err1 := q.inspector.GetTaskInfo(name, "completed")
			two, err2 := q.inspector.GetTaskInfo(name, "retry")
			done = err1 == nil && err2 == nil && one.State == asynq.TaskStateCompleted && two.State == asynq.TaskStateRetry
		}
	}
	if err := q.inspector.PauseQueue(name); err != nil {
		t.Fatal(err)
	}
	enqueue("pending")
	enqueue("scheduled", asynq.ProcessIn(time.Hour))
	enqueue("archived")
	if err := q.inspector.ArchiveTask(name, "archived"); err != nil {
		t.Fatal(err)
	}
	enqueue("deleted")
	if err := q.inspector.DeleteTask(name, "deleted"); err != nil {
		t.Fatal(err)
	}
	for _, evicted := range []string{"evicted pending", "evicted scheduled"} {
		if strings.HasSuffix(evicted, "pending") {
			enqueue(evicted)
		} else {
			enqueue(evicted, asynq.ProcessIn(time.Hour))
		}
		client.Del(ctx, queueKey(name, "t:"+evicted))
	}

	ids := []string{"active", "completed", "retry", "pending", "scheduled", "archived", "deleted", "evicted pending", "evicted scheduled"}
	refs := make([]taskRef, len(ids))
	for i, id := range ids {
		refs[i] = taskRef{queue: name, id: id}
	}
	tasks, err := q.tasks(ctx, refs)
	if err != nil {
		t.Fatal(err)
	}
	for i, id := range ids {
		want := gone
		if info, err := q.inspector.GetTaskInfo(name, id); err == nil {
			want = info.State.String()
		} else if !errors.Is(err, asynq.ErrTaskNotFound) {
			t.Fatal(err)
		}
		if tasks[i].state != want {
			t.Errorf("%s: state %q, the Inspector says %q", id, tasks[i].state, want)
		}
		if listed := strings.HasPrefix(id, "evicted"); tasks[i].listed != listed {
			t.Errorf("%s: listed %v", id, tasks[i].listed)
		}
		if held := !tasks[i].lease.IsZero(); held != (id == "active") {
			t.Errorf("%s: lease until %v", id, tasks[i].lease)
		}
	}
	if orphans, err := q.orphans(ctx, name, time.Now()); err != nil || len(orphans) > 0 {
		t.Errorf("orphans %v, %v", orphans, err)
	}
	if orphans, err := q.orphans(ctx, name, time.Now().Add(time.Hour)); err != nil || cmp.Diff([]string{"active"}, orphans) != "" {
		t.Errorf("orphans in an hour %v, %v", orphans, err)
	}
}

// A task tells its trace id beside what carries on a trace; where there is neither, it has no headers.
func TestHeadersOfTasks(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	trace := func(context.Context) map[string]string { return map[string]string{"traceparent": "00-a-b-01"} }
	for name, test := range map[string]struct {
		headers func(context.Context) map[string]string
		traceID string
		want    map[string]string
	}{
		"nothing":    {nil, "", nil},
		"a trace id": {nil, "abc", map[string]string{"traceId": "abc"}},
		"a trace":    {trace, "", map[string]string{"traceparent": "00-a-b-01"}},
		"both":       {trace, "abc", map[string]string{"traceparent": "00-a-b-01", "traceId": "abc"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			q := newQueue(t, client)
			q.opts.Headers = test.headers
			work := workload.Work{Component: workload.NewComponent(name, "dev")}
			token, err := q.Submit(t.Context(), workload.Order{Kind: workload.Validate, Work: work, TraceID: test.traceID})
			if err != nil {
				t.Fatal(err)
			}
			task, err := q.inspector.GetTaskInfo("validate", token)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, task.Headers, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("headers (-want +got):\n%s", diff)
			}
		})
	}
}

func TestSubmitIsTwoCommands(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	q := newQueue(t, client)
	work := workload.Work{Component: workload.NewComponent("c", "dev")}
	if _, err := q.Submit(ctx, workload.Order{Kind: workload.Validate, Work: work}); err != nil {
		t.Fatal(err) // teaches Redis the scripts and the queue
	}
	var sent []string
	client.AddHook(commands{&sent})
	if _, err := q.Submit(ctx, workload.Order{Kind: workload.Validate, Work: work}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"evalsha", "evalsha"}, sent); diff != "" {
		t.Errorf("commands (-want +got):\n%s", diff)
	}
}

type commands struct{ sent *[]string }

func (c commands) DialHook(next redis.DialHook) redis.DialHook { return next }

func (c commands) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		*c.sent = append(*c.sent, cmd.Name())
		return next(ctx, cmd)
	}
}

func (c commands) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func TestPayloads(t *testing.T) {
	t.Parallel()
	order := workload.Order{Kind: workload.Provision, TraceID: "t", Work: workload.Work{
		Component: workload.NewComponent("c", "dev"),
		Source:    workload.Actor{Configuration: map[string]any{"b": "1", "a": map[string]any{"z": true, "y": nil}}},
	}}
	text, hash, err := encode(order)
	if err != nil {
		t.Fatal(err)
	}
	got, err := decode(text)
	if diff := cmp.Diff(order, got); diff != "" || err != nil {
		t.Errorf("there and back (-want +got):\n%s%v", diff, err)
	}
	other := order
	other.TraceID = "another"
	if _, same, _ := encode(other); same != hash {
		t.Error("the trace changes the hash")
	}
	other.Kind = workload.Unprovision
	if _, same, _ := encode(other); same == hash {
		t.Error("the kind does not change the hash")
	}
	plain, err := operation.Unpack(text)
	if err != nil || len(text) > len(plain)*2/3 {
		t.Errorf("packed %d bytes in %d: %v", len(plain), len(text), err)
	}
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(plain, &fields); err != nil || string(fields["v"]) != "1" {
		t.Errorf("version %s, %v", fields["v"], err)
	}
	fields["fromTheFuture"] = []byte(`{"x":1}`) // a newer program of the same version
	text, _ = json.Marshal(fields)
	if _, err := decode(text); err != nil {
		t.Errorf("an unknown field: %v", err)
	}
	fields["v"] = []byte("2") // it may mean another thing by the same words
	text, _ = json.Marshal(fields)
	if _, err := decode(text); !errors.Is(err, errNewer) {
		t.Errorf("a newer version that can be read: %v", err)
	}
	fields["work"] = []byte(`"of another shape"`)
	text, _ = json.Marshal(fields)
	if _, err := decode(text); !errors.Is(err, errNewer) {
		t.Errorf("a newer version: %v", err)
	}
	if _, err := decode([]byte("\x02packed otherwise")); !errors.Is(err, errNewer) {
		t.Errorf("a newer form: %v", err)
	}
}

// A payload as an earlier version wrote it, plain and packed: it must be
// understood for as long as an upgrade from that is promised. One of another
// form is to be added, none to be changed.
func TestPayloadsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	const plain = `{"v":1,"kind":"provision","traceId":"trace","work":{"component":{"id":"urn:dmb:cmp:d:p:0:c","environment":"dev"},"name":"Customers",` +
		`"dataProduct":{"id":"dp","name":"n","domain":"d","version":"1"},"source":{"name":"File","connector":"source-file","configuration":` +
		`{"dataset_name":"customers","format":"csv","provider":{"storage":"HTTPS","user_agent":false},"url":"https://example.com/c.csv"}},` +
		`"destination":{"name":"Snowflake","connector":"destination-snowflake","configuration":{"schema":"C"}},"connection":{"name":"File to Snowflake",` +
		`"schedule":{"type":"cron","cronExpression":"0 0 3 * * ?","cronTimeZone":"UTC"}},"removeData":true}}`
	packed, err := base64.StdEncoding.DecodeString("AfkEkksPEHRyYWNlGlgJhlAPGGQ6cDowOmNCOw8IZGV2KjQPIEN1c3RvbWVyc1o9DwRkcBm5AG4uNQ8AZDI2DwAxNjkLKqgNOnYCNjIPUgsOKvwOAGMdnu4FDxUA" +
		"C0BleGFtcGxlLmNvbS9jLmNzdk5IAw3IJl4ONs0AXTMyGA9C1wAi1A4AQ0o9Aw1lGEZpbGUgdG8qyw7ubBMVAAsAfQ5mEhUABgR9fQ==")
	if err != nil {
		t.Fatal(err)
	}
	want := workload.Order{Kind: workload.Provision, TraceID: "trace", Work: workload.Work{
		Component:   workload.Component{ID: "urn:dmb:cmp:d:p:0:c", Environment: "dev"},
		Name:        "Customers",
		DataProduct: workload.DataProduct{ID: "dp", Name: "n", Domain: "d", Version: "1"},
		Source: workload.Actor{Name: "File", Connector: "source-file", Configuration: map[string]any{
			"dataset_name": "customers", "format": "csv", "url": "https://example.com/c.csv",
			"provider": map[string]any{"storage": "HTTPS", "user_agent": false},
		}},
		Destination: workload.Actor{Name: "Snowflake", Connector: "destination-snowflake", Configuration: map[string]any{"schema": "C"}},
		Connection: workload.Connection{Name: "File to Snowflake", Schedule: &workload.Schedule{
			Type: "cron", CronExpression: "0 0 3 * * ?", CronTimeZone: "UTC",
		}},
		RemoveData: true,
	}}
	for form, text := range map[string][]byte{"plain": []byte(plain), "packed": packed} {
		got, err := decode(text)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", form, err, diff)
		}
	}
}

func TestTaskIDs(t *testing.T) {
	t.Parallel()
	for id, want := range map[string]struct {
		token  string
		number int
	}{
		"a-b":    {"a-b", 0},
		"a-b.3":  {"a-b", 3},
		"a-b.x":  {"a-b.x", 0},
		"a-b.12": {"a-b", 12},
	} {
		token, number := parseTaskID(id)
		if token != want.token || number != want.number {
			t.Errorf("%s: %s, %d", id, token, number)
		}
		if back := taskID(token, number); back != id {
			t.Errorf("%s and back: %s", id, back)
		}
	}
}

func TestADelayIsNeverCutShort(t *testing.T) {
	t.Parallel()
	for _, delay := range []time.Duration{time.Millisecond, time.Second, 1500 * time.Millisecond} {
		now := time.Now()
		due := time.Unix(now.Add(retryDelay(0, &LaterError{Delay: delay}, nil)).Unix(), 0) // as asynq keeps it
		if due.Before(now.Add(delay)) || due.After(now.Add(delay+time.Second)) {
			t.Errorf("%v became %v", delay, due.Sub(now))
		}
	}
	if got := retryDelay(0, &LaterError{}, nil); got != 0 {
		t.Errorf("no delay became %v", got)
	}
}

func TestServedQueuesAreChecked(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	for _, queues := range []map[string]int{nil, {"provisions": 1}, {"provision": 0}, {"provision": 1, "x": 1}} {
		if _, err := NewServer(ServerOptions{Redis: client, Queues: queues}); err == nil {
			t.Errorf("%v is accepted", queues)
		}
	}
}

// Only an instance that ends so, which the settings refuse, could share a queue with another.
func TestInstancesShareNoQueue(t *testing.T) {
	t.Parallel()
	for _, one := range Queues() {
		for _, other := range Queues() {
			if rest, found := strings.CutSuffix(one, other); found && rest != "" && rest != "un" {
				t.Errorf("with %q in front, %s is another installation's %s", rest, other, one)
			}
		}
	}
}

// TestWhatAsynqSays keeps a failed operation from being called one whose retries are exhausted.
func TestWhatAsynqSays(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	l := &logger{slog.New(slog.NewTextHandler(&out, nil))}
	l.Warn("Retry exhausted for task id=a")
	l.Warn("Could not push task id=", "b")
	l.Error("Dequeue error: ", "refused")
	if text := out.String(); strings.Contains(text, "exhausted") || !strings.Contains(text, "level=WARN msg=asynq text=\"Could not push task id=b\"") || !strings.Contains(text, "level=ERROR") {
		t.Errorf("the log has\n%s", text)
	}
}
