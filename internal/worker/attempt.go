package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"sync"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/workload"
)

var (
	errInterrupted = errors.New("the attempt was interrupted: its worker stops, or its task was cancelled")
	errTimeout     = errors.New("the attempt took too long")
)

// attempt is one attempt at an operation.
type attempt struct {
	*Handler
	log   *slog.Logger
	task  queue.Task
	lease *operation.Lease
	began time.Time
	steps steps
	// cutOff says that the last renewal failed, so that it is told once; beat's alone.
	cutOff bool
}

// run makes the attempt. The context ends when the attempt is to stop.
func (a *attempt) run(ctx context.Context) error {
	kind := a.task.Order.Kind
	performer, ok := a.opts.Performers[kind]
	a.begins()
	if failure := a.unfit(); failure != nil {
		a.log.WarnContext(ctx, "an operation cannot be carried out", causes(failure, failure)...)
		return a.fail(ctx, failure)
	}
	if !ok {
		return a.postpone(ctx, leaveDelay, "This worker cannot do this kind of operation; others may.")
	}
	a.greet()
	work, cancel := context.WithCancelCause(operation.With(context.WithoutCancel(ctx), a.lease))
	defer cancel(nil)
	timed, cancelTimed := context.WithTimeoutCause(work, a.opts.Timeout, errTimeout)
	defer cancelTimed()

	over := make(chan struct{})
	wait := a.attend(ctx, over, cancel)
	outcome, err := a.perform(timed, performer)
	if context.Cause(timed) == errTimeout && err != nil { //nolint:errorlint // a cause is what it was set to
		err = timedOut(err, a.opts.Timeout)
	}
	settled := a.settle(ctx, outcome, err)
	close(over)
	wait()
	return settled
}

// attend has beat look after the attempt until over, from its first beat on: many
// an attempt ends before that. It returns how to wait for the end of beat.
func (a *attempt) attend(ctx context.Context, over <-chan struct{}, cancel context.CancelCauseFunc) (wait func()) {
	ended := make(chan struct{})
	beat := sync.OnceFunc(func() {
		defer close(ended)
		a.beat(ctx, over, cancel)
	})
	first := time.AfterFunc(min(flushEvery, a.opts.Beat), beat)
	unhook := context.AfterFunc(ctx, beat)
	return func() {
		if timely, unhooked := first.Stop(), unhook(); !timely || !unhooked {
			<-ended
		}
	}
}

// begins tells the hooks; each of them is told of the end, too.
func (a *attempt) begins() {
	waited := time.Duration(0)
	if a.lease.First {
		waited = a.lease.StartedAt.Sub(a.lease.AcceptedAt)
	}
	a.opts.Hooks.Began(a.task.Order.Kind, waited)
}

// greet writes the first lines of the attempt to the operation's log.
func (a *attempt) greet() {
	if a.lease.First {
		for _, warning := range a.task.Order.Work.Warnings {
			a.note(workload.Warning, workload.PhaseAccept, warning)
		}
	}
	if a.lease.Number > 1 && !a.lease.Resumed {
		a.log.InfoContext(context.Background(), "another attempt begins")
		a.note(workload.Info, "", fmt.Sprintf("Attempt %d begins.", a.lease.Number))
	}
}

// perform calls the performer and turns a panic into an error.
func (a *attempt) perform(ctx context.Context, performer Performer) (outcome workload.Outcome, err error) {
	defer func() {
		if p := recover(); p != nil {
			a.log.ErrorContext(ctx, "an attempt panicked", "panic", fmt.Sprint(p), "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p) // for the log: it is no Failure, so its text goes nowhere else
		}
	}()
	return performer.Perform(ctx, a.task.Order.Work, workload.Attempt{
		Token:   a.task.Token,
		TraceID: a.task.Order.TraceID,
		Number:  a.lease.Number,
		Log:     a.note,
		Holds: func() error {
			if err := ctx.Err(); err != nil {
				return context.Cause(ctx)
			}
			return a.lease.Holds(ctx)
		},
	})
}

// note writes a line to the operation's log and to the program's, where its
// steps are for who looks for them: what it came to is told by its end.
func (a *attempt) note(level workload.Level, phase workload.Phase, message string) {
	a.steps.reach(phase, a.opts.Now())
	a.lease.Log(level, phase, message)
	if at := logLevel(level); a.log.Enabled(context.Background(), at) {
		a.log.Log(context.Background(), at, "operation", "phase", phase, "text", message)
	}
}

// logLevel is the program's word for an operation's level.
func logLevel(level workload.Level) slog.Level {
	switch level {
	case workload.Warning:
		return slog.LevelWarn
	case workload.Error:
		return slog.LevelError
	default:
		return slog.LevelDebug
	}
}

// flushEvery is how soon a log line can be seen from outside.
const flushEvery = 200 * time.Millisecond

// beat keeps the lease until over, writes log lines soon, and stops the
// attempt when it has to: the lease is lost, a termination was asked for, or
// ctx ends.
func (a *attempt) beat(ctx context.Context, over <-chan struct{}, cancel context.CancelCauseFunc) {
	ticker := time.NewTicker(min(flushEvery, a.opts.Beat))
	defer ticker.Stop()
	grace := time.NewTimer(math.MaxInt64) // of the running call, once the attempt is to stop
	defer grace.Stop()
	interrupt, renewed, granted := ctx.Done(), time.Now(), time.Duration(math.MaxInt64)
	due := func() {
		if a.lease.Unsent() || time.Since(renewed) >= a.opts.Beat {
			a.renew()
			renewed = time.Now()
		}
	}
	due()
	for {
		select {
		case <-over:
			return
		case <-grace.C:
			cancel(a.lease.Stopped())
		case <-interrupt:
			interrupt = nil
			a.interrupted()
		case <-ticker.C:
			due()
		}
		// A further reason may leave less time than the first one did, never more.
		if stop := a.lease.Stopped(); stop != nil {
			if least := a.graceFor(stop, interrupt == nil); least < granted {
				granted = least
				grace.Reset(granted)
			}
		}
	}
}

// graceFor is the time that the running call gets: to end a call in its middle
// leaves open whether Airbyte still acts on it, while the next operation begins.
func (a *attempt) graceFor(stop error, interrupted bool) time.Duration {
	switch {
	case errors.Is(stop, operation.ErrLost):
		return 0 // another attempt is at work already
	case interrupted:
		return min(a.opts.Grace, a.opts.StopGrace)
	default:
		return a.opts.Grace
	}
}

// interrupted stops the attempt; where a termination was asked for, that is why.
func (a *attempt) interrupted() {
	a.renew()
	a.lease.Stop(errInterrupted)
}

func (a *attempt) renew() {
	ctx, cancel := context.WithTimeout(context.Background(), a.opts.Store.Lease()/3)
	defer cancel()
	err := a.lease.Renew(ctx)
	if err != nil && !a.cutOff && a.lease.Stopped() == nil {
		a.log.WarnContext(ctx, "the lease could not be renewed; work goes on until it lapses", "error", err)
	}
	a.cutOff = err != nil
}

func timedOut(err error, after time.Duration) error {
	phase := workload.AsFailure(err).Phase
	return (&workload.Failure{
		Code: workload.CodeUnavailable, Phase: phase, Retry: true,
		Message:   fmt.Sprintf("The attempt was stopped because it took longer than %s.", after),
		Solutions: []string{"Look at Airbyte: a check or a discovery may hang, or be slower than TASK_TIMEOUT allows."},
	}).Because(err)
}
