package operation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"airbyte-provisioner/internal/workload"
)

// Why Begin lends nothing.
var (
	ErrUnknown     = errors.New("there is no record of the operation")
	ErrDone        = errors.New("the operation is finished")
	ErrNewer       = errors.New("the record is of a newer version")
	ErrStale       = errors.New("the task was replaced by a newer one")
	ErrWaiting     = errors.New("an earlier operation on the component is unfinished")
	ErrTerminating = errors.New("the termination of the operation was asked for")
)

// ErrLost says that the attempt's lease is lost: another attempt may be at work.
var ErrLost = errors.New("the attempt has lost its lease")

// BusyError says that another attempt holds the lease for at least a while.
type BusyError struct{ For time.Duration }

// Error is the text for the log.
func (e *BusyError) Error() string { return "another attempt at the operation is at work" }

// Lease is an attempt's right to work on an operation. Its methods are safe
// for concurrent use.
type Lease struct {
	// Token is the operation's.
	Token string
	// Number counts the attempts begun, from 1; Failed those that failed and
	// were to be repeated; Crashes those that ended without a word.
	Number, Failed, Crashes int
	AcceptedAt, StartedAt   time.Time
	// First says that no attempt began before; Resumed that the one before was postponed.
	First, Resumed bool

	store  *Store
	lane   string
	holder string
	kind   string
	meta   string
	task   int

	mu       sync.Mutex
	renewed  time.Time // when the last successful renewal was sent, of which the replicas know that are waited for
	asked    time.Time // when the last question whether the attempt may act, a renewal or not, was sent
	failed   time.Time // when a renewal last failed, if none has succeeded since
	stop     error     // set once: why nothing more may be done
	unsent   []workload.LogLine
	known    storedKnown // of the component, as Begin found it or Remember left it
	note     *note       // what is to be known of the component with the end of the attempt
	renewing sync.Mutex
	log      storedLog // as the record should hold it; guarded by renewing
}

// Begin lends the operation to a new attempt, for the task with the number
// (0 for an operation's first). What is remembered of the component is read with
// it, for Recall. The error is one of the above, a *BusyError, or a Failure with
// CodeUnavailable.
func (s *Store) Begin(ctx context.Context, token string, component workload.Component, task int) (*Lease, error) {
	token, lane, ok := laneOf(token)
	if !ok {
		return nil, ErrUnknown
	}
	lease := &Lease{Token: token, task: task, store: s, lane: lane, holder: newCaller(), renewed: s.opts.Now()}
	lease.asked = lease.renewed
	if s.opts.Replicas > 0 {
		lease.renewed = time.Time{} // not before a replica knows; the first question sees to that
	}
	on := target{token: token, lane: lane}
	if strings.HasPrefix(component.Digest(), lane) {
		on.known = s.known(component)
	}
	r, err := s.run(ctx, beginScript, on, lease.holder, s.opts.Lease.Milliseconds(), task, Version)
	if err != nil {
		lease.undo(ctx)
		return nil, err
	}
	switch r.word() {
	case "begun":
		lease.Number, lease.Failed, lease.Crashes = r.int(1), r.int(2), r.int(3)
		lease.AcceptedAt, lease.StartedAt = r.time(4), r.time(5)
		lease.First, lease.Resumed = r.int(6) == 1, r.int(7) == 1
		lease.kind, lease.meta = r.at(8), r.at(9)
		lease.log = storedLog{lines: r.int(10), head: r.at(11), tail: r.at(12)}
		if on.known != "" {
			lease.known = storedKnown{at: on.known, packed: []byte(r.at(13))}
		}
		return lease, nil
	case "unknown":
		return nil, ErrUnknown
	case "done":
		return nil, ErrDone
	case "newer":
		return nil, ErrNewer
	case "stale":
		return nil, ErrStale
	case "waiting":
		return nil, ErrWaiting
	case "terminating":
		return nil, ErrTerminating
	default:
		return nil, &BusyError{For: time.Duration(r.int(1)) * time.Millisecond}
	}
}

// undoTimeout bounds the attempt to take a begin back.
const undoTimeout = time.Second

// undo takes a begin back whose answer was lost: who was lent the operation
// without knowing it would count as one that died with it. Where that fails, the
// lease lapses.
func (l *Lease) undo(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	_ = l.Release(ctx, unheard, 0)
}

// Log keeps a line for the operation's log; the next renewal or the end of the
// attempt writes it.
func (l *Lease) Log(level workload.Level, phase workload.Phase, message string) {
	line := workload.LogLine{Time: l.store.opts.Now(), Level: level, Phase: phase, Message: message}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsent = append(l.unsent, line)
}

// Unsent reports whether lines wait to be written.
func (l *Lease) Unsent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.unsent) > 0
}

// Stop makes Holds answer the error from now on. The first call counts, unless
// a later one is with ErrLost, which leaves nothing to be written.
func (l *Lease) Stop(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.stop == nil || errors.Is(why, ErrLost) {
		l.stop = why
	}
}

// Stopped is why nothing more may be done, nil while the attempt may go on.
func (l *Lease) Stopped() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.stop
}

// Renew prolongs the lease and writes the log lines. ErrLost and ErrTerminating
// also stop the lease; another error is that of an absent Redis and stops nothing.
func (l *Lease) Renew(ctx context.Context) error {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	return l.renew(ctx)
}

// renewalWait is how long a renewal waits for replicas; no call to Airbyte may have to wait for long.
const renewalWait = 100 * time.Millisecond

// renew does what Renew says; the caller has locked renewing.
func (l *Lease) renew(ctx context.Context) error {
	sent := l.store.opts.Now()
	lines := l.take()
	texts := lines.encode()
	// A renewal that a failover loses is none: whoever takes over goes by the one before.
	r, have, err := l.store.replicate(ctx, min(l.store.opts.ReplicaWait, renewalWait), renewScript, target{token: l.Token, lane: l.lane},
		args(texts, l.holder, l.store.opts.Lease.Milliseconds())...)
	if err != nil {
		l.putBack(lines)
		l.unheard()
		return err
	}
	if r.word() != lost {
		l.log.append(texts)
	}
	return l.heard(r.word(), sent, have)
}

// lost is the scripts' word for a holder that is none any more.
const lost = "lost"

// heard takes in Redis's answer: the operation's state, or lost. The error is
// ErrLost or ErrTerminating, by which the lease is stopped.
func (l *Lease) heard(state string, sent time.Time, renewed bool) error {
	if state == lost {
		l.Stop(ErrLost)
		return ErrLost
	}
	l.mu.Lock()
	l.asked, l.failed = latest(l.asked, sent), time.Time{}
	if renewed {
		l.renewed = latest(l.renewed, sent)
	}
	l.mu.Unlock()
	if workload.State(state) == workload.Terminating {
		l.Stop(ErrTerminating)
		return ErrTerminating
	}
	return nil
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// ask is a renewal that, while much of the lease is left, only looks: that costs
// Redis a tenth, and leaves nobody else more right to begin.
func (l *Lease) ask(ctx context.Context) error {
	l.mu.Lock()
	renewed := l.renewed
	l.mu.Unlock()
	sent := l.store.opts.Now()
	if since(sent, renewed) > l.store.opts.Lease/3 {
		return l.renew(ctx)
	}
	values, err := l.store.batched.HMGet(ctx, l.store.keysOf(l.lane).op(l.Token), "state", "holder").Result()
	if err != nil {
		l.unheard()
		return unavailable(err)
	}
	r := answerOf(values)
	if r.at(1) != l.holder {
		return l.heard(lost, sent, false)
	}
	return l.heard(r.word(), sent, false)
}

// unheard notes that Redis did not answer.
func (l *Lease) unheard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.failed = l.store.opts.Now()
}

// Holds returns nil while the attempt may still act. It asks Redis where the
// last answer is older than a moment and Watch does not hear, so that a handler
// which was stopped, or whose operation is being terminated, finds out before its
// next call; while Redis is away it goes by the lease's own end.
func (l *Lease) Holds(ctx context.Context) error {
	if known, err := l.knows(); known {
		return err
	}
	l.renewing.Lock()
	defer l.renewing.Unlock()
	if known, err := l.knows(); known { // another renewal was on its way
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, l.store.opts.Lease/3)
	defer cancel()
	err := l.ask(ctx)
	if stop := l.Stopped(); stop != nil {
		return stop
	}
	if err != nil && !l.alive(l.store.opts.Now()) {
		return fmt.Errorf("%w: %w", ErrLost, err)
	}
	return nil
}

// knows answers Holds where Redis need not be asked.
func (l *Lease) knows() (known bool, err error) {
	l.mu.Lock()
	now, asked, renewed, failed, stop := l.store.opts.Now(), l.asked, l.renewed, l.failed, l.stop
	l.mu.Unlock()
	switch {
	case stop != nil:
		return true, stop
	case since(now, asked) < l.store.opts.FreshFor:
		return true, nil
	case since(now, renewed) <= l.store.opts.Lease/3 && l.store.watch.silent(l.Token, asked):
		return true, nil // nobody else can have begun, and nobody asked for an end
	default:
		// Where Redis did not answer a moment ago, do not wait for it before each call.
		return !failed.IsZero() && since(now, failed) < time.Second && l.alive(now), nil
	}
}

// alive reports whether the lease cannot have lapsed yet. A tenth of it is
// kept in reserve for clocks that run apart.
func (l *Lease) alive(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return since(now, l.renewed) < l.store.opts.Lease*9/10
}

// since is the time that passed by the clock that says more: the monotonic one
// stands still while a machine sleeps, the wall clock may be set back.
func since(now, then time.Time) time.Duration {
	return max(now.Sub(then), now.Round(0).Sub(then.Round(0)))
}

// Reason is why an operation is given back.
type Reason string

// The reasons to give an operation back.
const (
	AfterFailure      Reason = "failed"      // the attempt counts as a failed one
	AfterInterruption Reason = "interrupted" // it does not
	Postponed         Reason = "postponed"   // it does not even count as begun
	unheard           Reason = "unheard"     // nobody knows that it began
)

// Release gives the operation back for a further attempt after the delay.
func (l *Lease) Release(ctx context.Context, why Reason, delay time.Duration) error {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	lines, noted := l.take(), l.noted()
	r, err := l.store.run(ctx, releaseScript, target{l.Token, l.lane, noted.key()},
		args(lines.encode(), l.holder, string(why), delay.Milliseconds(), noted.packed())...)
	if err != nil {
		l.putBack(lines)
		return err
	}
	switch r.word() {
	case "lost":
		l.Stop(ErrLost)
		return ErrLost
	case string(workload.Terminating):
		l.putBack(lines)
		l.Stop(ErrTerminating)
		return ErrTerminating
	}
	return nil
}

// Finish ends the operation. ErrTerminating says that its termination was
// asked for in the meantime: it is then to be finished as terminated.
func (l *Lease) Finish(ctx context.Context, end End) (Next, error) {
	l.renewing.Lock()
	defer l.renewing.Unlock()
	lines := l.take()
	next, err := l.store.finish(ctx, ending{
		token: l.Token, lane: l.lane, holder: l.holder, end: end, lines: lines.encode(), lease: l, note: l.noted(),
	})
	if err != nil {
		l.putBack(lines)
	}
	if errors.Is(err, ErrLost) {
		l.Stop(ErrLost)
	}
	return next, err
}

// FinishTerminated ends the operation as one whose termination was asked for.
func (l *Lease) FinishTerminated(ctx context.Context) (Next, error) {
	return l.Finish(ctx, End{Failure: terminated()})
}

func (l *Lease) take() lines {
	l.mu.Lock()
	defer l.mu.Unlock()
	taken := l.unsent
	l.unsent = nil
	return taken
}

func (l *Lease) putBack(taken lines) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsent = append(taken, l.unsent...)
}
