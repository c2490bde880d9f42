package operation_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"
	"pgregory.net/rapid"
)

// life is the model of one operation: what its token may go through.
type life struct {
	token     string
	component int // index; -1 for an operation that stands in no line
	kind      workload.Kind
	hash      string
	state     workload.State
	task      int
	attempts  int
	failed    int
	crashes   int
	shared    bool
	passed    bool // another was accepted after it, and has ended
	began     bool
	holder    *operation.Lease // who began last and has not ended its attempt
	lapsed    bool             // the holder's lease has lapsed
	released  *operation.Lease // who gave it back last
	gone      bool             // it was withdrawn
	by        *operation.Lease // who ended it, if an attempt did
	asked     bool             // it ended because a termination was asked for while nobody held it
	final     *workload.Status // as it was when it was first seen finished
}

func (l *life) held() bool { return l.holder != nil && !l.lapsed }

// model walks random sequences of events over the records and keeps a simple
// account of what must hold.
type model struct {
	store  *operation.Store
	redis  *redis.Client
	prefix string
	ops    []*life
	lines  map[int][]*life
	leases []*operation.Lease // all that were ever lent
	owner  map[*operation.Lease]*life
	known  map[int]string              // what is remembered of a component
	notes  map[*operation.Lease]string // what an attempt's end is to make of it
}

func (m *model) head(l *life) bool {
	return l.component < 0 || len(m.lines[l.component]) > 0 && m.lines[l.component][0] == l
}

func (m *model) leave(l *life) {
	line := m.lines[l.component]
	for i, other := range line {
		if other == l {
			m.lines[l.component] = append(append([]*life{}, line[:i]...), line[i+1:]...)
			return
		}
	}
}

func (m *model) end(l *life, state workload.State) {
	l.state, l.holder, l.lapsed = state, nil, false
	if line := m.lines[l.component]; l.component >= 0 && len(line) > 1 && line[len(line)-1] == l {
		line[len(line)-2].passed = true
	}
	m.leave(l)
}

func (m *model) pick(t *rapid.T) *life {
	if len(m.ops) == 0 {
		t.Skip("nothing was accepted yet")
	}
	return rapid.SampledFrom(m.ops).Draw(t, "operation")
}

func (m *model) pickLease(t *rapid.T) (*operation.Lease, *life) {
	if len(m.leases) == 0 {
		t.Skip("nothing was lent yet")
	}
	lease := rapid.SampledFrom(m.leases).Draw(t, "lease")
	return lease, m.owner[lease]
}

// next is what must be answered as the operation that may run now.
func (m *model) next(l *life) string {
	line := m.lines[l.component]
	if l.component < 0 || len(line) == 0 || line[0].holder == nil && line[0].released != nil {
		return "" // the first one waits for its next attempt, for a minute
	}
	return line[0].token
}

func componentOf(i int) workload.Component {
	return workload.NewComponent(fmt.Sprintf("urn:dmb:cmp:d:p:0:c%d", i), "dev")
}

func (m *model) accept(t *rapid.T) {
	kind := rapid.SampledFrom([]workload.Kind{
		workload.Provision, workload.Provision, workload.Unprovision, workload.UpdateACL, workload.Validate,
	}).Draw(t, "kind")
	component := rapid.IntRange(0, 1).Draw(t, "component")
	hash := rapid.SampledFrom([]string{"x", "y"}).Draw(t, "hash")
	got, err := m.store.Accept(context.Background(), operation.Request{
		Kind: kind, Component: componentOf(component), Payload: []byte("p"), Hash: hash,
	})
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	if !operation.InLine(kind) {
		component = -1
	} else if line := m.lines[component]; len(line) > 0 {
		last := line[len(line)-1]
		if last.state == workload.Running && last.kind == kind && last.hash == hash && !last.passed {
			want := operation.Accepted{Token: last.token, Head: m.head(last), Repeat: true, Task: last.task, Payload: []byte("p")}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("repeat (-want +got):\n%s", diff)
			}
			last.shared = true
			return
		}
	}
	l := &life{token: got.Token, component: component, kind: kind, hash: hash, state: workload.Running}
	m.ops = append(m.ops, l)
	if component >= 0 {
		m.lines[component] = append(m.lines[component], l)
	}
	want := operation.Accepted{Token: l.token, Head: m.head(l)}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("accept (-want +got):\n%s", diff)
	}
}

func (m *model) begin(t *rapid.T) {
	l := m.pick(t)
	task := rapid.SampledFrom([]int{l.task, l.task, l.task, max(0, l.task-1)}).Draw(t, "task")
	lease, err := m.store.Begin(context.Background(), l.token, componentOf(l.component), task)
	var busy *operation.BusyError
	switch {
	case l.gone:
		wantError(t, err, operation.ErrUnknown)
	case l.state.Terminal():
		wantError(t, err, operation.ErrDone)
	case task < l.task:
		wantError(t, err, operation.ErrStale)
	case l.held():
		if !errors.As(err, &busy) {
			t.Fatalf("Begin of a held operation: %v", err)
		}
	case l.state == workload.Terminating:
		wantError(t, err, operation.ErrTerminating)
	case !m.head(l):
		wantError(t, err, operation.ErrWaiting)
	default:
		if err != nil {
			t.Fatalf("Begin: %v", err)
		}
		if lease.First == l.began {
			t.Fatalf("first %v although begun before is %v", lease.First, l.began)
		}
		l.began = true
		l.attempts++
		if l.holder != nil {
			l.crashes++
		}
		if known, err := m.store.Recall(operation.With(context.Background(), lease), componentOf(l.component)); err != nil || string(known) != m.known[l.component] {
			t.Fatalf("recalled %q, %v, want %q", known, err, m.known[l.component])
		}
		l.holder, l.lapsed = lease, false
		m.leases = append(m.leases, lease)
		m.owner[lease] = l
		if lease.Number != l.attempts || lease.Failed != l.failed || lease.Crashes != l.crashes {
			t.Fatalf("lease %d/%d/%d, want %d/%d/%d", lease.Number, lease.Failed, lease.Crashes, l.attempts, l.failed, l.crashes)
		}
	}
}

func (m *model) renew(t *rapid.T) {
	lease, l := m.pickLease(t)
	lease.Log(workload.Info, workload.PhaseSource, "a line")
	err := lease.Renew(context.Background())
	switch {
	case l.holder != lease:
		wantError(t, err, operation.ErrLost)
		wantError(t, lease.Holds(context.Background()), operation.ErrLost)
	case l.state == workload.Terminating:
		wantError(t, err, operation.ErrTerminating)
		wantError(t, lease.Holds(context.Background()), operation.ErrTerminating)
		l.lapsed = false
	default:
		wantError(t, err, nil)
		wantError(t, lease.Holds(context.Background()), nil)
		l.lapsed = false
	}
}

// remember writes at once, or with the end of the attempt.
func (m *model) remember(t *rapid.T) {
	lease, l := m.pickLease(t)
	if l.component < 0 {
		t.Skip("it has no lane of its component")
	}
	held := operation.With(context.Background(), lease)
	value := rapid.SampledFrom([]string{"", "one", "two"}).Draw(t, "value")
	if value == "" || rapid.Bool().Draw(t, "later") {
		m.store.Note(held, componentOf(l.component), []byte(value))
		m.notes[lease] = value
		return
	}
	err := m.store.Remember(held, componentOf(l.component), []byte(value))
	if l.holder != lease {
		wantError(t, err, operation.ErrLost)
		return
	}
	wantError(t, err, nil)
	m.known[l.component], l.lapsed = value, false
	delete(m.notes, lease)
}

// noted is the end of an attempt, with which its note is written.
func (m *model) noted(lease *operation.Lease, l *life) {
	if value, ok := m.notes[lease]; ok {
		m.known[l.component] = value
	}
}

func (m *model) lapse(t *rapid.T) {
	l := m.pick(t)
	if !l.held() {
		t.Skip("nobody holds it")
	}
	// Time cannot be made to pass in Redis: put the lease's end into the past.
	if err := m.redis.HSet(context.Background(), m.prefix+"{"+l.token[24:26]+"}:op:"+l.token, "until", 1).Err(); err != nil {
		t.Fatal(err)
	}
	l.lapsed = true
}

func (m *model) release(t *rapid.T) {
	lease, l := m.pickLease(t)
	why := rapid.SampledFrom([]operation.Reason{
		operation.AfterFailure, operation.AfterInterruption, operation.Postponed,
	}).Draw(t, "why")
	err := lease.Release(context.Background(), why, time.Minute)
	switch {
	case l.holder == nil && l.released == lease && !l.state.Terminal():
		wantError(t, err, nil) // as when the client repeats a script
	case l.holder != lease:
		wantError(t, err, operation.ErrLost)
	case l.state == workload.Terminating:
		wantError(t, err, operation.ErrTerminating)
	default:
		wantError(t, err, nil)
		switch why {
		case operation.AfterFailure:
			l.failed++
		case operation.Postponed:
			l.attempts--
		}
		l.holder, l.lapsed, l.released = nil, false, lease
		m.noted(lease, l)
	}
}

func (m *model) finish(t *rapid.T) {
	lease, l := m.pickLease(t)
	ends := map[workload.State]operation.End{
		workload.Completed:  {Outcome: &workload.Outcome{Message: "done"}},
		workload.Failed:     {Failure: &workload.Failure{Code: workload.CodeRefused, Message: "refused"}},
		workload.Terminated: {Failure: &workload.Failure{Code: workload.CodeTerminated, Message: "terminated"}},
	}
	state := rapid.SampledFrom([]workload.State{workload.Completed, workload.Failed, workload.Terminated}).Draw(t, "state")
	next, err := lease.Finish(context.Background(), ends[state])
	switch {
	case l.state.Terminal() && l.by == lease:
		wantError(t, err, nil) // as when the client repeats a script
	case l.state.Terminal() || l.holder != lease:
		wantError(t, err, operation.ErrLost)
		return
	case l.state == workload.Terminating && state != workload.Terminated:
		wantError(t, err, operation.ErrTerminating)
		return
	default:
		wantError(t, err, nil)
		m.end(l, state)
		l.by = lease
		m.noted(lease, l)
	}
	if next.Token != m.next(l) {
		t.Fatalf("next %q, want %q", next.Token, m.next(l))
	}
}

func (m *model) terminate(t *rapid.T) {
	l := m.pick(t)
	got, err := m.store.Terminate(context.Background(), l.token)
	switch {
	case l.gone:
		if workload.AsFailure(err).Code != workload.CodeUnknownToken {
			t.Fatalf("Terminate of an unknown token: %v", err)
		}
	case l.state.Terminal() || l.held():
		if err != nil || got.Ended {
			t.Fatalf("Terminate: %+v, %v", got, err)
		}
		if l.held() {
			l.state = workload.Terminating
		}
	default:
		if err != nil || !got.Ended {
			t.Fatalf("Terminate of a waiting operation: %+v, %v", got, err)
		}
		m.end(l, workload.Terminated)
		l.asked = true
		if got.Next.Token != m.next(l) {
			t.Fatalf("next %q, want %q", got.Next.Token, m.next(l))
		}
	}
}

func (m *model) withdraw(t *rapid.T) {
	l := m.pick(t)
	_, err := m.store.Withdraw(context.Background(), l.token)
	wantError(t, err, nil)
	if l.state == workload.Running && !l.began && !l.shared && !l.gone {
		l.gone = true
		m.leave(l)
	}
}

func (m *model) abandon(t *rapid.T) {
	l := m.pick(t)
	_, err := m.store.Abandon(context.Background(), l.token, l.task, &workload.Failure{Code: workload.CodeRemoved, Message: "removed"})
	var busy *operation.BusyError
	switch {
	case l.gone:
		wantError(t, err, operation.ErrUnknown)
	case l.state.Terminal() && (l.by != nil || l.asked):
		wantError(t, err, operation.ErrLost)
	case l.state.Terminal():
		wantError(t, err, nil)
	case l.held():
		if !errors.As(err, &busy) {
			t.Fatalf("Abandon of a held operation: %v", err)
		}
	case l.state == workload.Terminating:
		wantError(t, err, operation.ErrTerminating)
		_, err = m.store.AbandonTerminating(context.Background(), l.token)
		wantError(t, err, nil)
		m.end(l, workload.Terminated)
	default:
		wantError(t, err, nil)
		m.end(l, workload.Failed)
	}
}

func (m *model) anew(t *rapid.T) {
	l := m.pick(t)
	anew, err := m.store.Anew(context.Background(), l.token, l.task, "anew")
	if l.gone || l.state.Terminal() || l.held() {
		wantError(t, err, operation.ErrStale)
		return
	}
	wantError(t, err, nil)
	l.task++
	if anew.Task != l.task || string(anew.Payload) != "p" || anew.Kind != l.kind || anew.Head != m.head(l) {
		t.Fatalf("anew %+v, want task %d of %s, head %v", anew, l.task, l.kind, m.head(l))
	}
}

// check compares every record with the model.
func (m *model) check(t *rapid.T) {
	for _, l := range m.ops {
		status, err := m.store.Status(context.Background(), l.token)
		if l.gone {
			if workload.AsFailure(err).Code != workload.CodeUnknownToken {
				t.Fatalf("status of a withdrawn operation: %+v, %v", status, err)
			}
			continue
		}
		if err != nil {
			t.Fatalf("Status: %v", err)
		}
		if status.Task != l.task {
			t.Fatalf("task %d, want %d", status.Task, l.task)
		}
		if status.State != l.state || status.Attempts != l.attempts || status.Kind != l.kind {
			t.Fatalf("status %s after %d attempts, want %s after %d", status.State, status.Attempts, l.state, l.attempts)
		}
		if !l.state.Terminal() {
			continue
		}
		if l.final == nil {
			l.final = &status
		} else if diff := cmp.Diff(*l.final, status, cmpopts.IgnoreUnexported(workload.Failure{})); diff != "" {
			t.Fatalf("a finished operation changed (-then +now):\n%s", diff)
		}
	}
	for component, line := range m.lines {
		m.checkLine(t, component, line)
		m.checkKnown(t, component)
	}
}

func (m *model) checkLine(t *rapid.T, component int, line []*life) {
	if component < 0 {
		return
	}
	found, err := m.store.Look(context.Background(), []string{componentOf(component).Digest()[:12]})
	if err != nil {
		t.Fatalf("Look: %v", err)
	}
	var want, got []string
	for _, l := range line {
		want = append(want, fmt.Sprint(l.token, l.state, l.held(), l.task))
	}
	for _, op := range found {
		got = append(got, fmt.Sprint(op.Token, op.State, op.Held, op.Task))
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("the line (-want +got):\n%s", diff)
	}
}

func (m *model) checkKnown(t *rapid.T, component int) {
	if component < 0 {
		return
	}
	known, err := m.store.Recall(context.Background(), componentOf(component))
	if err != nil || string(known) != m.known[component] {
		t.Fatalf("known is %q, %v, want %q", known, err, m.known[component])
	}
}

func wantError(t *rapid.T, got, want error) {
	t.Helper()
	if !errors.Is(got, want) || (want == nil) != (got == nil) {
		t.Fatalf("error %v, want %v", got, want)
	}
}

func TestRandomEventsFollowTheModel(t *testing.T) {
	t.Parallel()
	t.Run("each script once", func(t *testing.T) {
		t.Parallel()
		followTheModel(t, redistest.Start(t).Client())
	})
	t.Run("each script twice", func(t *testing.T) {
		t.Parallel()
		client := redistest.Start(t).Client()
		client.AddHook(&twice{})
		followTheModel(t, client)
	})
}

func followTheModel(t *testing.T, client *redis.Client) {
	t.Helper()
	run := 0
	rapid.Check(t, func(t *rapid.T) {
		run++
		instance := fmt.Sprintf("run%d-", run)
		m := &model{
			store:  operation.New(operation.Options{Redis: client, Instance: instance, StatusTTL: time.Hour, FreshFor: time.Nanosecond}),
			redis:  client,
			prefix: instance + "airbyte-provisioner:",
			lines:  map[int][]*life{},
			owner:  map[*operation.Lease]*life{},
			known:  map[int]string{},
			notes:  map[*operation.Lease]string{},
		}
		t.Repeat(map[string]func(*rapid.T){
			"accept": m.accept, "begin": m.begin, "begin again": m.begin, "renew": m.renew, "remember": m.remember, "lapse": m.lapse,
			"release": m.release, "finish": m.finish, "terminate": m.terminate, "withdraw": m.withdraw,
			"abandon": m.abandon, "anew": m.anew, "": m.check,
		})
	})
}
