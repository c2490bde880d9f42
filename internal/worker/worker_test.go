package worker_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

func TestAnOrderIsCompleted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	checkCompletes(t, h)
}

func TestAnOrderIsCompletedOnTheEmbeddedRedis(t *testing.T) {
	t.Parallel()
	embedded := miniredis.RunT(t)
	embedded.ClockTTL(true)
	client := redis.NewClient(&redis.Options{Addr: embedded.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	h := newHouse(t, client)
	checkCompletes(t, h)
	sweeper := queue.NewSweeper(queue.SweeperOptions{Queue: h.queue, Log: testLog(t)})
	if err := sweeper.Sweep(context.Background()); err != nil {
		t.Errorf("Sweep: %v", err)
	}
}

func checkCompletes(t *testing.T, h *house) {
	t.Helper()
	h.start(func(_ context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		attempt.Log(workload.Info, workload.PhaseSource, "The source was made.")
		if err := attempt.Holds(); err != nil {
			return workload.Outcome{}, err
		}
		return workload.Outcome{
			Message: "made " + work.Connection.Name,
			Public:  map[string]workload.PublicEntry{"connection": {Type: "string", Label: "Connection", Value: work.Connection.Name}},
			Private: map[string]any{"connectionId": "c1"},
		}, nil
	})
	o := order(workload.Provision, "urn:dmb:cmp:sales:dp:0:one")
	o.Work.Warnings = []string{"dbtGitUrl is ignored."}
	status := h.untilTerminal(t, h.submit(t, o))
	if status.State != workload.Completed || status.Result != "made File <> Snowflake" || status.Attempts != 1 {
		t.Errorf("status %+v", status)
	}
	if status.Outcome == nil || status.Outcome.Private["connectionId"] != "c1" {
		t.Errorf("outcome %+v", status.Outcome)
	}
	if status.AcceptedAt.IsZero() || status.StartedAt.IsZero() || status.FinishedAt.IsZero() || status.TraceID != o.TraceID {
		t.Errorf("dates or trace: %+v", status)
	}
	if diff := cmp.Diff(o.Work.Component, status.Component); diff != "" {
		t.Errorf("component (-want +got):\n%s", diff)
	}
	if got := messages(status); !strings.Contains(got, "accepted") || !strings.Contains(got, "dbtGitUrl") || !strings.Contains(got, "The source was made.") {
		t.Errorf("log:\n%s", got)
	}
}

func messages(status workload.Status) string {
	var b strings.Builder
	for _, line := range status.Logs {
		fmt.Fprintf(&b, "%s %s %s\n", line.Level, line.Phase, line.Message)
	}
	return b.String()
}

var errBusyAirbyte = &workload.Failure{
	Code: workload.CodeUnavailable, Phase: workload.PhaseDiscovery, Message: "Airbyte did not answer.",
	Solutions: []string{"Look at Airbyte."}, Retry: true,
}

func TestHowAttemptsEnd(t *testing.T) {
	t.Parallel()
	var waits atomic.Int32
	refused := &workload.Failure{Code: workload.CodeRefused, Message: "Airbyte refused the source.", Solutions: []string{"Correct the host."}}
	cases := map[string]struct {
		reason   string
		perform  func(ctx context.Context, attempt workload.Attempt) error
		state    workload.State
		attempts int
		code     workload.Code
		result   []string // what the result says
		hidden   string   // what nobody may see
		logs     []string
		asynq    asynq.TaskState
	}{
		"passes at the second attempt": {
			reason: "a failure that may pass is tried again, and the log tells",
			perform: func(_ context.Context, attempt workload.Attempt) error {
				if attempt.Number == 1 {
					return fmt.Errorf("discover: %w", errBusyAirbyte)
				}
				return nil
			},
			state: workload.Completed, attempts: 2, asynq: asynq.TaskStateCompleted,
			logs: []string{"Attempt 1 failed: Airbyte did not answer. It is tried again in", "retry 1 of 2", "Completed by attempt 2"},
		},
		"never passes": {
			reason:  "after the last attempt it has failed, with what failed and what to do",
			perform: func(context.Context, workload.Attempt) error { return errBusyAirbyte },
			state:   workload.Failed, attempts: 3, code: workload.CodeExhausted, asynq: asynq.TaskStateArchived,
			result: []string{"Airbyte did not answer.", "last of 3 attempts", "What to do: Look at Airbyte.", "Submit the request again"},
		},
		"is refused": {
			reason:  "a permanent failure is not tried again",
			perform: func(context.Context, workload.Attempt) error { return fmt.Errorf("source: %w", refused) },
			state:   workload.Failed, attempts: 1, code: workload.CodeRefused, asynq: asynq.TaskStateArchived,
			result: []string{"Airbyte refused the source.", "What to do: Correct the host."},
		},
		"panics": {
			reason:  "a panic fails the attempt, and its text stays in the program's log",
			perform: func(context.Context, workload.Attempt) error { panic("password=hunter2") },
			state:   workload.Failed, attempts: 3, code: workload.CodeExhausted, asynq: asynq.TaskStateArchived,
			result: []string{"internal error"}, hidden: "hunter2",
		},
		"errs in no known way": {
			reason:  "an error that is no failure may hold anything and is not shown",
			perform: func(context.Context, workload.Attempt) error { return errors.New("token=hunter2") },
			state:   workload.Failed, attempts: 3, code: workload.CodeExhausted, asynq: asynq.TaskStateArchived,
			result: []string{"internal error"}, hidden: "hunter2",
		},
		"takes too long": {
			reason: "the time for one attempt ends it, and another follows",
			perform: func(ctx context.Context, attempt workload.Attempt) error {
				if attempt.Number == 1 {
					<-ctx.Done()
					return ctx.Err()
				}
				return nil
			},
			state: workload.Completed, attempts: 2, asynq: asynq.TaskStateCompleted,
			logs: []string{"it took longer than"},
		},
		"has to wait": {
			reason: "waiting is no failed attempt",
			perform: func(context.Context, workload.Attempt) error {
				if waits.Add(1) <= 4 {
					return fmt.Errorf("discover: %w", &workload.WaitError{For: time.Millisecond, Why: "All places are taken."})
				}
				return nil
			},
			state: workload.Completed, attempts: 1, asynq: asynq.TaskStateCompleted,
			logs: []string{"The operation waits: All places are taken."},
		},
	}
	h := newHouse(t, newRedis(t))
	var byName sync.Map
	h.start(func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		perform, _ := byName.Load(work.Name)
		return workload.Outcome{Message: "done"}, perform.(func(context.Context, workload.Attempt) error)(ctx, attempt)
	}, func(o *worker.Options, _ *queue.ServerOptions) { o.Timeout = 100 * time.Millisecond })
	inspector := asynq.NewInspectorFromRedisClient(h.redis)
	for name, c := range cases {
		byName.Store(name, c.perform)
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			status := h.untilTerminal(t, h.submit(t, order(workload.Provision, name)))
			if status.State != c.state || status.Attempts != c.attempts {
				t.Errorf("%s: %s after %d attempts, want %s after %d; log:\n%s", c.reason, status.State, status.Attempts, c.state, c.attempts, messages(status))
			}
			if c.code != "" && (status.Failure == nil || status.Failure.Code != c.code) {
				t.Errorf("%s: failure %+v, want code %s", c.reason, status.Failure, c.code)
			}
			for _, want := range c.result {
				if !strings.Contains(status.Result, want) {
					t.Errorf("%s: result %q lacks %q", c.reason, status.Result, want)
				}
			}
			for _, want := range c.logs {
				if !strings.Contains(messages(status), want) {
					t.Errorf("%s: log lacks %q:\n%s", c.reason, want, messages(status))
				}
			}
			info := h.untilTask(t, inspector, "test-provision", status.Token, c.asynq)
			if all := status.Result + messages(status) + info.LastErr; c.hidden != "" && strings.Contains(all, c.hidden) {
				t.Errorf("%s: %q is shown in %s", c.reason, c.hidden, all)
			}
		})
	}
}

// untilTask waits until asynq has put a task where it belongs, which it does just after the operation's end.
func (h *house) untilTask(t testing.TB, inspector *asynq.Inspector, queue, id string, state asynq.TaskState) *asynq.TaskInfo {
	t.Helper()
	deadline := time.After(within)
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		info, err := inspector.GetTaskInfo(queue, id)
		if err == nil && info.State == state {
			return info
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("the task never became %v: %+v, %v", state, info, err)
		}
	}
}

func TestARepeatAnswersTheSameToken(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	one := h.submit(t, versioned(workload.Provision, "c", "1"))
	same := versioned(workload.Provision, "C", "1") // ids are compared without case
	same.TraceID = "another"
	same.Work.Name, same.Work.Source = "c", order(workload.Provision, "c").Work.Source
	if got := h.submit(t, same); got != one {
		t.Errorf("a repeat got %s, want %s", got, one)
	}
	two := h.submit(t, versioned(workload.Provision, "c", "2"))
	if two == one {
		t.Error("another content got the same token")
	}
	if got := h.submit(t, versioned(workload.Provision, "c", "1")); got == one || got == two {
		t.Error("a repeat across a different operation got an old token")
	}
	un := h.submit(t, versioned(workload.Unprovision, "c", "1"))
	if got := h.submit(t, versioned(workload.Unprovision, "c", "1")); got != un {
		t.Errorf("a repeat of the unprovision got %s, want %s", got, un)
	}
	h.start(func(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
		return done("ok"), nil
	})
	h.untilTerminal(t, un)
	if got := h.submit(t, versioned(workload.Unprovision, "c", "1")); got == un {
		t.Error("a request after the end got the old token")
	}
}

func TestARepeatMakesATaskThatIsMissing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	accepted, again := order(workload.Provision, "c"), order(workload.Provision, "c")
	accepted.TraceID, again.TraceID = "accepted", "again"
	token := h.submit(t, accepted)
	// As if the API had died between the record and the task.
	if err := asynq.NewInspectorFromRedisClient(h.redis).DeleteTask("test-provision", token); err != nil {
		t.Fatal(err)
	}
	if got := h.submit(t, again); got != token {
		t.Fatalf("a repeat got %s, want %s", got, token)
	}
	h.start(func(_ context.Context, _ workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		return done(attempt.TraceID), nil
	})
	if status := h.untilTerminal(t, token); status.State != workload.Completed || status.Result != "accepted" {
		t.Errorf("status %+v", status)
	}
}

// gatekeeper lets a test hold performers and tells who has come.
type gatekeeper struct {
	came    chan workload.Attempt
	answers chan error
}

func newGatekeeper() *gatekeeper {
	return &gatekeeper{came: make(chan workload.Attempt, 100), answers: make(chan error, 100)}
}

func (g *gatekeeper) perform(ctx context.Context, _ workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
	g.came <- attempt
	select {
	case err := <-g.answers:
		if err == nil {
			err = attempt.Holds()
		}
		return done("ok"), err
	case <-ctx.Done():
		return workload.Outcome{}, ctx.Err()
	}
}

func (g *gatekeeper) next(t *testing.T) workload.Attempt {
	t.Helper()
	select {
	case attempt := <-g.came:
		return attempt
	case <-time.After(within):
		t.Fatal("no attempt came")
		return workload.Attempt{}
	}
}

func TestTermination(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	h.start(g.perform, func(o *worker.Options, _ *queue.ServerOptions) {
		o.MinDelay, o.MaxDelay = time.Hour, time.Hour
		o.Grace = time.Minute // the running call is let finish
	})
	running := h.submit(t, versioned(workload.Provision, "c", "1"))
	waiting := h.submit(t, versioned(workload.Provision, "c", "2"))
	last := h.submit(t, versioned(workload.Provision, "c", "3"))
	first := g.next(t)

	status, err := h.queue.Terminate(ctx, waiting)
	if err != nil || status.State != workload.Terminated || status.Failure != nil || !strings.Contains(status.Result, "terminated") {
		t.Errorf("waiting: %+v, %v", status, err)
	}
	if status, err = h.queue.Terminate(ctx, running); err != nil || status.State != workload.Terminating {
		t.Errorf("running: %+v, %v", status, err)
	}
	if status, err = h.queue.Terminate(ctx, running); err != nil || status.State != workload.Terminating {
		t.Errorf("running, again: %+v, %v", status, err)
	}
	if err := first.Holds(); !errors.Is(err, operation.ErrTerminating) {
		t.Errorf("the next call is let through: %v", err)
	}
	g.answers <- nil
	if status = h.untilTerminal(t, running); status.State != workload.Terminated || !strings.Contains(messages(status), "what was made so far stays") ||
		!strings.Contains(messages(status), "The termination was asked for; the running attempt stops") {
		t.Errorf("running, ended: %+v", status)
	}

	g.next(t) // the next of the component runs, and fails so that it waits for a retry
	g.answers <- errBusyAirbyte
	h.until(t, last, "the wait for a retry", func(s workload.Status) bool { return strings.Contains(messages(s), "tried again") })
	if status, err = h.queue.Terminate(ctx, last); err != nil || status.State != workload.Terminated {
		t.Errorf("waiting for a retry: %+v, %v", status, err)
	}

	fourth := h.submit(t, versioned(workload.Provision, "c", "4"))
	g.next(t)
	g.answers <- nil
	completed := h.untilTerminal(t, fourth)
	if status, err = h.queue.Terminate(ctx, fourth); err != nil || status.State != workload.Completed {
		t.Errorf("completed: %+v, %v, was %+v", status, err, completed)
	}
	for _, token := range []string{"", "nonsense", "00000000-0000-8000-8000-000000000000"} {
		if _, err = h.queue.Terminate(ctx, token); workload.AsFailure(err).Code != workload.CodeUnknownToken {
			t.Errorf("unknown token %q: %v", token, err)
		}
	}
	h.wantEnds(workload.Terminated, workload.Terminated, workload.Terminated, workload.Completed)
}

func TestATerminationEndsTheContextOfACallThatHangs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	h.start(g.perform)
	token := h.submit(t, order(workload.Provision, "c"))
	g.next(t)
	if _, err := h.queue.Terminate(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	if status := h.untilTerminal(t, token); status.State != workload.Terminated {
		t.Errorf("status %+v", status)
	}
}

// A worker that stops has less time than a termination grants.
func TestAStopCutsTheGraceOfATerminationShort(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	stop := h.start(g.perform, func(o *worker.Options, _ *queue.ServerOptions) {
		o.Grace, o.StopGrace = time.Hour, 10*time.Millisecond
	})
	token := h.submit(t, order(workload.Provision, "c"))
	g.next(t)
	if _, err := h.queue.Terminate(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	stop()
	if status, err := h.queue.Status(context.Background(), token); err != nil || status.State != workload.Terminated {
		t.Errorf("status after the stop: %+v, %v", status, err)
	}
}

func TestAStopSendsRunningWorkBack(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	stop := h.start(g.perform, func(o *worker.Options, s *queue.ServerOptions) {
		o.MaxRetry = 0 // not even one attempt may be lost
		s.ShutdownTimeout = 400 * time.Millisecond
	})
	token := h.submit(t, order(workload.Provision, "c"))
	g.next(t)
	stop()
	if status := h.until(t, token, "", func(workload.Status) bool { return true }); status.State != workload.Running {
		t.Fatalf("status after the stop: %+v", status)
	}
	h.start(g.perform, func(o *worker.Options, _ *queue.ServerOptions) { o.MaxRetry = 0 })
	g.next(t)
	g.answers <- nil
	status := h.untilTerminal(t, token)
	if status.State != workload.Completed || status.Attempts != 2 || !strings.Contains(messages(status), "goes back to the queue") {
		t.Errorf("status %+v", status)
	}
}

func TestAStopLetsShortWorkFinish(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	stop := h.start(g.perform)
	token := h.submit(t, order(workload.Provision, "c"))
	g.next(t)
	stopped := make(chan struct{})
	go func() {
		stop()
		close(stopped)
	}()
	g.answers <- nil
	if status := h.untilTerminal(t, token); status.State != workload.Completed || status.Attempts != 1 {
		t.Errorf("status %+v", status)
	}
	<-stopped
}

// clock is a local clock that a test sets forward.
type clock struct{ ahead atomic.Int64 }

func (c *clock) now() time.Time { return time.Now().Add(time.Duration(c.ahead.Load())) }

func TestAHandlerThatWasStoppedWritesNothing(t *testing.T) {
	t.Parallel()
	client := newRedis(t)
	ctx := context.Background()
	clock := &clock{}
	slow := newHouse(t, client, func(o *operation.Options) { o.Now, o.Lease = clock.now, time.Minute })
	component := workload.NewComponent("c", "dev")

	hung := newGatekeeper()
	var remembered error
	slow.start(func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		_, err := hung.perform(ctx, work, attempt)
		remembered = slow.store.Remember(ctx, work.Component, []byte("old"))
		return done("old"), err
	}, func(o *worker.Options, s *queue.ServerOptions) {
		o.Beat = time.Hour // it hangs: nothing renews its lease
		s.Concurrency = 1  // and takes no other task
	})
	token := slow.submit(t, order(workload.Provision, "c"))
	first := hung.next(t)

	// The lease lapses, the sweeper starts the task anew, and another worker takes it.
	lapse(t, client, token)
	clock.ahead.Store(int64(2 * time.Minute))
	other := newHouse(t, client)
	other.start(func(ctx context.Context, work workload.Work, _ workload.Attempt) (workload.Outcome, error) {
		return done("new"), other.store.Remember(ctx, work.Component, []byte("new"))
	}, func(_ *worker.Options, s *queue.ServerOptions) { s.Concurrency = 1 })
	expireAsynqLease(t, client, "test-provision", token)
	sweeper := queue.NewSweeper(queue.SweeperOptions{Queue: other.queue, Log: testLog(t)})
	status := other.sweepUntil(t, sweeper, token, "the end by the other worker", func(s workload.Status) bool { return s.State.Terminal() })
	if status.Result != "new" || status.Attempts != 2 {
		t.Fatalf("status %+v", status)
	}

	// The first goes on: it may not call Airbyte, remember, or end the operation.
	if err := first.Holds(); !errors.Is(err, operation.ErrLost) {
		t.Errorf("the hung handler may go on: %v", err)
	}
	hung.answers <- nil
	slow.untilEnded(t, worker.AttemptLost, 1)
	if !errors.Is(remembered, operation.ErrLost) {
		t.Errorf("the hung handler remembered: %v", remembered)
	}
	if known, err := slow.store.Recall(ctx, component); err != nil || string(known) != "new" {
		t.Errorf("remembered %q, %v", known, err)
	}
	after, err := slow.queue.Status(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(status, after); diff != "" {
		t.Errorf("the finished operation changed (-then +now):\n%s", diff)
	}
}

// lapse puts the end of an operation's lease into the past.
func lapse(t *testing.T, client redis.UniversalClient, token string) {
	t.Helper()
	key := "test-airbyte-provisioner:{" + token[24:26] + "}:op:" + token
	if err := client.HSet(context.Background(), key, "until", 1).Err(); err != nil {
		t.Fatal(err)
	}
}

// expireAsynqLease makes a task look as that of a worker which is silent.
func expireAsynqLease(t *testing.T, client redis.UniversalClient, queue, id string) {
	t.Helper()
	err := client.ZAdd(context.Background(), "asynq:{"+queue+"}:lease", redis.Z{Score: 1, Member: id}).Err()
	if err != nil {
		t.Fatal(err)
	}
}

// untilEnded waits until so many attempts ended in a way.
func (h *house) untilEnded(t testing.TB, how string, count int) {
	t.Helper()
	deadline := time.After(within)
	for {
		h.mu.Lock()
		got, changed := h.finished[how], h.changed
		h.mu.Unlock()
		if got >= count {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			t.Fatalf("%d attempts ended %s, want %d", got, how, count)
		}
	}
}

func TestAnOperationThatKillsItsWorkersEnds(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	token := h.submit(t, order(workload.Provision, "c"))
	for range 3 { // begun, and never heard of again
		if _, err := h.store.Begin(context.Background(), token, workload.Component{}, 0); err != nil {
			t.Fatal(err)
		}
		lapse(t, h.redis, token)
	}
	h.start(func(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
		t.Error("it was tried again")
		return done(""), nil
	}, func(o *worker.Options, _ *queue.ServerOptions) { o.MaxCrashes = 2 })
	status := h.untilTerminal(t, token)
	if status.State != workload.Failed || status.Failure.Code != workload.CodeExhausted || !strings.Contains(status.Result, "3 attempts ended with the end of the worker") {
		t.Errorf("status %+v", status)
	}
}

func TestATaskRunAgainAfterTheEndChangesNothing(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	var calls atomic.Int32
	var out lockedBuffer
	h.start(func(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
		calls.Add(1)
		return workload.Outcome{}, &workload.Failure{Code: workload.CodeRefused, Message: "no"}
	}, func(o *worker.Options, _ *queue.ServerOptions) {
		o.Log = slog.New(slog.NewJSONHandler(&out, nil))
	})
	token := h.submit(t, order(workload.Provision, "c"))
	before := h.untilTerminal(t, token)
	inspector := asynq.NewInspectorFromRedisClient(h.redis)
	h.untilTask(t, inspector, "test-provision", token, asynq.TaskStateArchived)
	if err := inspector.RunTask("test-provision", token); err != nil {
		t.Fatal(err)
	}
	h.untilTask(t, inspector, "test-provision", token, asynq.TaskStateCompleted)
	after := h.untilTerminal(t, token)
	if calls.Load() != 1 || before.FinishedAt != after.FinishedAt || after.State != workload.Failed {
		t.Errorf("%d calls, before %+v, after %+v", calls.Load(), before, after)
	}
	if !slices.ContainsFunc(out.lines(), func(line string) bool {
		return strings.Contains(line, token) && strings.Contains(line, "the request must be submitted again")
	}) {
		t.Errorf("the log does not say what to do: %q", out.lines())
	}
}

func TestARetryThatAnOperatorRunsIsRun(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	h.start(func(_ context.Context, _ workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		if attempt.Number == 1 {
			return workload.Outcome{}, errBusyAirbyte
		}
		return done("ok"), nil
	}, func(o *worker.Options, _ *queue.ServerOptions) { o.MinDelay, o.MaxDelay = time.Hour, time.Hour })
	token := h.submit(t, order(workload.Provision, "c"))
	inspector := asynq.NewInspectorFromRedisClient(h.redis)
	h.untilTask(t, inspector, "test-provision", token, asynq.TaskStateRetry)
	if err := inspector.RunTask("test-provision", token); err != nil {
		t.Fatal(err)
	}
	if status := h.untilTerminal(t, token); status.State != workload.Completed {
		t.Errorf("status %+v", status)
	}
}
