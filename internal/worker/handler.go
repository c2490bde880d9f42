package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/workload"
)

// Performer does the work of one kind of operation.
type Performer interface {
	// Perform does the work, or what is left of it. A *workload.Failure in the
	// error says whether another attempt may help. The errors of attempt.Holds
	// are passed on.
	Perform(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error)
}

// Hooks are told what happens, for metrics. Each may be nil.
type Hooks struct {
	// Began: an attempt begins; waited is the time since the operation was accepted, 0 after the first attempt.
	Began func(kind workload.Kind, waited time.Duration)
	// Ended: an attempt ended, in one of the words of the Attempt constants.
	Ended func(kind workload.Kind, how string, took time.Duration)
	// Step: an attempt that ended spent a time in a phase.
	Step func(kind workload.Kind, phase workload.Phase, took time.Duration)
	// Finished: the operation ended; took is the time since it was accepted.
	Finished func(kind workload.Kind, state workload.State, took time.Duration)
}

// How an attempt ended.
const (
	AttemptCompleted   = "completed"
	AttemptFailed      = "failed"
	AttemptRetried     = "retried"
	AttemptInterrupted = "interrupted"
	AttemptPostponed   = "postponed"
	AttemptTerminated  = "terminated"
	AttemptLost        = "lost"
)

// Options are what a Handler needs.
type Options struct {
	Store *operation.Store
	// Release runs the task of the operation that may run next: Queue.Release.
	Release func(operation.Next)
	// Performers do the work. A kind without one is left to other workers.
	Performers map[workload.Kind]Performer
	// Timeout is the time for one attempt.
	Timeout time.Duration
	// MaxRetry is how many attempts may follow a failed first one.
	MaxRetry int
	// MinDelay and MaxDelay bound the back-off between attempts.
	MinDelay, MaxDelay time.Duration
	// MaxCrashes is how many attempts may end without a word before the
	// operation is given up (5 when zero).
	MaxCrashes int
	// Beat is the time between renewals of the lease where nothing else renews it (1 s when zero).
	Beat time.Duration
	// Grace is the time that a running call gets when the attempt has to stop (10 s when zero).
	Grace time.Duration
	// StopGrace bounds it where the worker stops (2 s when zero): it and what is
	// written afterwards have to fit into the time that a process has to end.
	StopGrace time.Duration
	// Patience is how long the end of an attempt waits for an absent Redis (1 min when zero).
	Patience time.Duration
	Hooks    Hooks
	Log      *slog.Logger
	// Now is the local clock (time.Now when nil).
	Now func() time.Time
}

// Handler works on tasks. It is safe for concurrent use.
type Handler struct{ opts Options }

// New returns a Handler.
func New(opts Options) *Handler {
	defaults(&opts)
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Hooks.Began == nil {
		opts.Hooks.Began = func(workload.Kind, time.Duration) {}
	}
	if opts.Hooks.Ended == nil {
		opts.Hooks.Ended = func(workload.Kind, string, time.Duration) {}
	}
	if opts.Hooks.Step == nil {
		opts.Hooks.Step = func(workload.Kind, workload.Phase, time.Duration) {}
	}
	if opts.Hooks.Finished == nil {
		opts.Hooks.Finished = func(workload.Kind, workload.State, time.Duration) {}
	}
	return &Handler{opts: opts}
}

func defaults(opts *Options) {
	for _, d := range []struct {
		value    *time.Duration
		whenZero time.Duration
	}{
		{&opts.Timeout, 30 * time.Minute},
		{&opts.MinDelay, 2 * time.Second},
		{&opts.MaxDelay, 5 * time.Minute},
		{&opts.Beat, time.Second},
		{&opts.Grace, 10 * time.Second},
		{&opts.StopGrace, 2 * time.Second},
		{&opts.Patience, time.Minute},
	} {
		if *d.value <= 0 {
			*d.value = d.whenZero
		}
	}
	if opts.MaxCrashes <= 0 {
		opts.MaxCrashes = 5
	}
}

const (
	// waitingDelay is for a task that ran although it is not its turn: the
	// operation before it runs it when it ends, and the sweeper sees to a lost hand-over.
	waitingDelay = 10 * time.Minute
	// busyDelay bounds the wait for another attempt that holds the lease.
	busyDelay = 5 * time.Second
	// leaveDelay is for a task that this worker cannot do and others may.
	leaveDelay = 10 * time.Second
	// redisDelay is for a task whose record could not be read.
	redisDelay = 2 * time.Second
)

// Handle works on a task; it is a queue.Handler.
func (h *Handler) Handle(ctx context.Context, task queue.Task) error {
	about := []any{
		"token", task.Token, "kind", task.Order.Kind, "component", task.Order.Work.Component.String(), "traceId", task.Order.TraceID,
	}
	lease, err := h.opts.Store.Begin(ctx, task.Token, task.Order.Work.Component, task.Number)
	if err != nil {
		return h.notBegun(ctx, h.opts.Log.With(about...), task, err)
	}
	a := &attempt{
		Handler: h, log: h.opts.Log.With(append(about, "attempt", lease.Number)...), task: task, lease: lease, began: h.opts.Now(),
	}
	a.steps.last = a.began
	return a.run(ctx)
}

// notBegun decides what becomes of a task whose operation was not lent.
func (h *Handler) notBegun(ctx context.Context, log *slog.Logger, task queue.Task, err error) error {
	var busy *operation.BusyError
	switch {
	case errors.Is(err, operation.ErrUnknown):
		log.WarnContext(ctx, "a task without a record does nothing: Redis lost it or it has expired; the request must be submitted again")
		return nil
	case errors.Is(err, operation.ErrDone):
		log.InfoContext(ctx, "the task of a finished operation does nothing; to repeat the work the request must be submitted again")
		return nil
	case errors.Is(err, operation.ErrStale):
		log.InfoContext(ctx, "the task was replaced by a newer one and does nothing")
		return nil
	case errors.Is(err, operation.ErrNewer):
		return &queue.LaterError{Delay: leaveDelay, Text: "Only a newer version of the worker understands this operation."}
	case errors.Is(err, operation.ErrWaiting):
		return &queue.LaterError{Delay: waitingDelay, Text: "Waiting for an earlier operation on the same component."}
	case errors.As(err, &busy):
		return &queue.LaterError{Delay: min(busy.For, busyDelay), Text: "Another attempt at this operation is at work."}
	case errors.Is(err, operation.ErrTerminating):
		return h.abandon(ctx, log, task)
	default:
		log.WarnContext(ctx, "an operation could not be begun", "error", err)
		return &queue.LaterError{Delay: redisDelay, Text: "The operation's record could not be read."}
	}
}

// abandon ends an operation that was to be terminated and whose worker died.
func (h *Handler) abandon(ctx context.Context, log *slog.Logger, task queue.Task) error {
	next, err := h.opts.Store.AbandonTerminating(ctx, task.Token)
	if err != nil {
		return &queue.LaterError{Delay: redisDelay, Text: "The operation is being terminated."}
	}
	h.opts.Release(next)
	log.InfoContext(ctx, "an operation ended", "state", workload.Terminated)
	// Of the time that it took only the record knows; without an answer none is told.
	if status, err := h.opts.Store.Status(ctx, task.Token); err == nil {
		h.opts.Hooks.Finished(task.Order.Kind, workload.Terminated, status.FinishedAt.Sub(status.AcceptedAt))
	}
	return nil
}

// unfit returns why the operation has to end without another attempt at the work.
func (a *attempt) unfit() *workload.Failure {
	switch {
	case a.lease.Crashes > a.opts.MaxCrashes:
		return &workload.Failure{
			Code: workload.CodeExhausted,
			Message: fmt.Sprintf("The operation was given up: %d attempts ended with the end of the worker that ran them.",
				a.lease.Crashes),
			Solutions: []string{"Ask the operators of the Airbyte provisioner to look up this operation's token in the logs of the workers, then submit the request again."},
		}
	case a.task.Broken != nil:
		return workload.AsFailure(fmt.Errorf("the task cannot be read: %w", a.task.Broken))
	}
	return nil
}
