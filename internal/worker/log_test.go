package worker_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"time"

	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"github.com/hibiken/asynq"
)

// lockedBuffer is a buffer that many write to.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) lines() []string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return strings.Split(strings.TrimSpace(l.b.String()), "\n")
}

// TestTheProgramsLog has an operation's steps in the program's log for who looks
// for them, and its warnings and errors for everybody, each with what an operator searches for, and no key twice.
func TestTheProgramsLog(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	var out lockedBuffer
	said := []struct {
		level workload.Level
		want  string
	}{{workload.Debug, "DEBUG"}, {workload.Info, "DEBUG"}, {workload.Warning, "WARN"}, {workload.Error, "ERROR"}}
	h.start(func(_ context.Context, _ workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		for _, s := range said {
			attempt.Log(s.level, workload.PhaseSource, "said at "+string(s.level))
		}
		return done("made"), nil
	}, func(o *worker.Options, _ *queue.ServerOptions) {
		o.Log = slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{Level: slog.LevelDebug}))
	})
	o := order(workload.Provision, "urn:dmb:cmp:sales:dp:0:logged")
	token := h.submit(t, o)
	h.untilTerminal(t, token)

	levels, infos := map[string]string{}, []string{}
	for _, line := range out.lines() {
		var got map[string]any
		if err := json.Unmarshal([]byte(line), &got); err != nil {
			t.Fatalf("%v in the line %s", err, line)
		}
		if got["token"] != token || got["traceId"] != o.TraceID || got["component"] != o.Work.Component.String() {
			t.Errorf("a line lacks token, component or trace id: %s", line)
		}
		if strings.Count(line, `"level":`) != 1 {
			t.Errorf("a line has not one level: %s", line)
		}
		if got["level"] == "INFO" {
			infos = append(infos, fmt.Sprint(got["msg"], ": ", got["result"]))
		}
		if text, ok := got["text"].(string); ok {
			levels[text], _ = got["level"].(string)
		}
	}
	want := map[string]string{}
	for _, s := range said {
		want["said at "+string(s.level)] = s.want
	}
	if diff := cmp.Diff(want, levels); diff != "" {
		t.Errorf("levels of the operation's lines (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"an operation ended: made"}, infos); diff != "" {
		t.Errorf("what everybody sees (-want +got):\n%s", diff)
	}
}

// TestTheLogOfTasksThatCannotBeRead has the record tell what the payload does not.
func TestTheLogOfTasksThatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct{ payload, want string }{
		"of a newer version": {`{"v":1000,"work":"of another shape"}`, "a task of a newer version is left to newer workers"},
		"broken":             {"nothing of ours", `"state":"FAILED","failure":"An internal error stopped the operation."`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t, newRedis(t))
			o := order(workload.Provision, "urn:dmb:cmp:sales:dp:0:unread")
			token := h.submit(t, o)
			if err := asynq.NewInspectorFromRedisClient(h.redis).DeleteTask("test-provision", token); err != nil {
				t.Fatal(err)
			}
			task := asynq.NewTask(string(workload.Provision), []byte(c.payload))
			if _, err := asynq.NewClientFromRedisClient(h.redis).Enqueue(task, asynq.Queue("test-provision"), asynq.TaskID(token)); err != nil {
				t.Fatal(err)
			}
			lines := make(lineWriter, 100)
			h.start(func(context.Context, workload.Work, workload.Attempt) (workload.Outcome, error) {
				t.Error("it was worked on")
				return done("made"), nil
			}, func(w *worker.Options, s *queue.ServerOptions) {
				w.Log = slog.New(slog.NewJSONHandler(lines, nil))
				s.Log = w.Log
			})
			deadline := time.After(within)
			for seen := ""; ; {
				select {
				case line := <-lines:
					seen += line
					if !strings.Contains(line, o.TraceID) || !strings.Contains(line, o.Work.Component.String()) || !strings.Contains(line, token) {
						t.Errorf("a line lacks token, component or trace id: %s", line)
					}
					if !strings.Contains(line, c.want) {
						continue
					}
					if name == "broken" && !strings.Contains(seen, "the task cannot be read") {
						t.Errorf("the log does not say why:\n%s", seen)
					}
					return
				case <-deadline:
					t.Fatalf("the log never says: %s", c.want)
				}
			}
		})
	}
}

// lineWriter passes a log's lines on.
type lineWriter chan string

func (l lineWriter) Write(line []byte) (int, error) {
	l <- string(line)
	return len(line), nil
}

// TestStepsOfAnAttempt divides an attempt's time among its phases, by a clock of the test's.
func TestStepsOfAnAttempt(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	clock := &handClock{now: time.Now()}
	took := make(chan map[workload.Phase]time.Duration, 1)
	gathered := map[workload.Phase]time.Duration{}
	h.start(func(_ context.Context, _ workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		say := func(after time.Duration, phase workload.Phase) {
			clock.pass(after)
			attempt.Log(workload.Info, phase, "said")
		}
		say(2*time.Second, workload.PhasePlan)
		say(time.Second, workload.PhaseSource)
		say(0, workload.PhaseDiscovery) // announces
		say(7*time.Second, workload.PhaseDiscovery)
		say(time.Second, "")
		say(time.Second, workload.PhaseSource)
		clock.pass(3 * time.Second)
		return done("made"), nil
	}, func(o *worker.Options, _ *queue.ServerOptions) {
		o.Now = clock.read
		o.Hooks.Step = func(kind workload.Kind, phase workload.Phase, d time.Duration) {
			if kind != workload.Provision {
				t.Errorf("a step of the kind %s", kind)
			}
			gathered[phase] = d
			if len(gathered) == 4 {
				took <- gathered
			}
		}
	})
	h.untilTerminal(t, h.submit(t, order(workload.Provision, "urn:dmb:cmp:sales:dp:0:steps")))
	want := map[workload.Phase]time.Duration{
		workload.PhasePlan: 2 * time.Second, workload.PhaseSource: 3 * time.Second,
		workload.PhaseDiscovery: 7 * time.Second, workload.PhaseFinish: 3 * time.Second,
	}
	select {
	case got := <-took:
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("times of the steps (-want +got):\n%s", diff)
		}
	case <-time.After(within):
		t.Fatalf("the steps were not told")
	}
}

// handClock is a clock that stands still until it is moved.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) read() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}
