package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/workload"
)

// settle ends the attempt: with the operation, or so that another follows.
func (a *attempt) settle(ctx context.Context, outcome workload.Outcome, err error) error {
	stop := a.lease.Stopped()
	switch {
	case errors.Is(stop, operation.ErrLost):
		return a.lost(ctx)
	case errors.Is(err, operation.ErrLost):
		// Redis was away for as long as the lease lasts. Where nobody else has begun
		// since, that is no death of a worker, and must not count as one.
		a.log.WarnContext(ctx, "an attempt stopped because its lease could not be renewed", "error", err)
		return a.giveBack(ctx, operation.AfterInterruption, &queue.LaterError{Text: "The lease could not be renewed; the operation is continued."})
	case err == nil:
		return a.complete(ctx, outcome)
	case errors.Is(stop, operation.ErrTerminating) || errors.Is(err, operation.ErrTerminating):
		return a.terminate(ctx)
	case errors.Is(stop, errInterrupted) || errors.Is(err, errInterrupted):
		a.lease.Log(workload.Info, workload.PhaseFinish, "The attempt is interrupted, because its worker stops or its task was cancelled; the operation goes back to the queue and is continued.")
		return a.giveBack(ctx, operation.AfterInterruption, &queue.LaterError{Text: "The attempt was interrupted; the operation is continued."})
	}
	var wait *workload.WaitError
	if errors.As(err, &wait) {
		return a.postpone(ctx, wait.For, wait.Why)
	}
	var failure *workload.Failure
	known := errors.As(err, &failure)
	if failure = workload.AsFailure(err); failure.Retry || !known {
		return a.retry(ctx, failure, err)
	}
	a.log.WarnContext(ctx, "an attempt failed for good", causes(err, failure)...)
	return a.fail(ctx, failure)
}

// retry sends the operation into another attempt, or ends it after the last.
func (a *attempt) retry(ctx context.Context, failure *workload.Failure, err error) error {
	a.log.WarnContext(ctx, "an attempt failed", causes(err, failure)...)
	failed := a.lease.Failed + 1
	if failed > a.opts.MaxRetry {
		return a.fail(ctx, exhausted(failure, failed))
	}
	delay := backoff(failed, a.opts.MinDelay, a.opts.MaxDelay, failure.RetryAfter, rand.Float64()) //nolint:gosec // no secret
	a.lease.Log(workload.Warning, failure.Phase, fmt.Sprintf("Attempt %d failed: %s It is tried again in %s (retry %d of %d).",
		a.lease.Number, failure.Message, delay.Round(100*time.Millisecond), failed, a.opts.MaxRetry))
	return a.giveBack(ctx, operation.AfterFailure, &queue.LaterError{Delay: delay, Failed: true, Text: failure.Message})
}

// causes are the log's attributes of a failed attempt.
func causes(err error, failure *workload.Failure) []any {
	attrs := []any{slog.Any("error", err)}
	if cause := errors.Unwrap(failure); cause != nil && cause != err && error(failure) != err { //nolint:errorlint // the very same needs no second mention, and a failure tells its cause itself
		attrs = append(attrs, slog.Any("cause", cause))
	}
	return attrs
}

// exhausted is the failure of an operation whose last attempt failed.
func exhausted(last *workload.Failure, attempts int) *workload.Failure {
	failure := *last
	failure.Code = workload.CodeExhausted
	failure.Retry = false
	failure.Message = fmt.Sprintf("%s This was the last of %d attempts.", last.Message, attempts)
	failure.Solutions = append(append([]string{}, last.Solutions...),
		"Submit the request again once the cause is gone; it goes on from what already exists.")
	return &failure
}

// backoff is the wait before the retry with the number, from 1: it doubles
// from least to most, varied by a fifth so that failures of one moment are not
// repeated in one moment, and is never shorter than the other side asked for.
// random is in [0, 1).
func backoff(retry int, least, most, asked time.Duration, random float64) time.Duration {
	delay := least
	for i := 1; i < retry && delay < most; i++ {
		delay *= 2
	}
	delay = min(delay, most)
	delay = time.Duration(float64(delay) * (0.8 + 0.4*random))
	return max(delay, asked)
}

// postpone sends the operation back without an attempt having failed.
func (a *attempt) postpone(ctx context.Context, delay time.Duration, why string) error {
	if !a.lease.Resumed { // told once, however often it has to wait
		a.lease.Log(workload.Info, "", "The operation waits: "+why)
	}
	return a.giveBack(ctx, operation.Postponed, &queue.LaterError{Delay: delay, Text: why})
}

func (a *attempt) giveBack(ctx context.Context, why operation.Reason, later *queue.LaterError) error {
	err := a.persist(ctx, func(ctx context.Context) error { return a.lease.Release(ctx, why, later.Delay) })
	switch {
	case errors.Is(err, operation.ErrTerminating):
		return a.terminate(ctx)
	case errors.Is(err, operation.ErrLost):
		return a.lost(ctx)
	case err != nil:
		a.log.ErrorContext(ctx, "the end of an attempt could not be recorded; its lease lapses", "error", err)
	}
	a.ended(howReleased(why))
	return later
}

func howReleased(why operation.Reason) string {
	switch why {
	case operation.AfterFailure:
		return AttemptRetried
	case operation.Postponed:
		return AttemptPostponed
	default:
		return AttemptInterrupted
	}
}

func (a *attempt) lost(ctx context.Context) error {
	a.log.WarnContext(ctx, "an attempt lost its lease and writes nothing more")
	a.ended(AttemptLost)
	return &queue.LaterError{Delay: busyDelay, Text: "The attempt lost its lease."}
}

func (a *attempt) complete(ctx context.Context, outcome workload.Outcome) error {
	if a.lease.Number > 1 {
		a.lease.Log(workload.Info, workload.PhaseFinish, fmt.Sprintf("Completed by attempt %d.", a.lease.Number))
	}
	err := a.finish(ctx, operation.End{Outcome: &outcome})
	if errors.Is(err, operation.ErrTerminating) {
		a.lease.Log(workload.Warning, workload.PhaseFinish, "All the work was done before the termination could stop it.")
		return a.terminate(ctx)
	}
	return a.finished(ctx, err, AttemptCompleted, workload.Completed, nil, slog.String("result", outcome.Message))
}

func (a *attempt) fail(ctx context.Context, failure *workload.Failure) error {
	a.lease.Log(workload.Error, failure.Phase, failure.Message)
	err := a.finish(ctx, operation.End{Failure: failure})
	if errors.Is(err, operation.ErrTerminating) {
		return a.terminate(ctx)
	}
	return a.finished(ctx, err, AttemptFailed, workload.Failed, &queue.EndedError{Text: failure.Message}, slog.String("failure", failure.Message))
}

func (a *attempt) terminate(ctx context.Context) error {
	a.lease.Log(workload.Warning, workload.PhaseFinish,
		"The operation ends here because its termination was asked for; what was made so far stays in Airbyte.")
	var next operation.Next
	err := a.persist(ctx, func(ctx context.Context) (err error) {
		next, err = a.lease.FinishTerminated(ctx)
		return err
	})
	if err == nil {
		a.opts.Release(next)
	}
	return a.finished(ctx, err, AttemptTerminated, workload.Terminated, nil)
}

// finish ends the operation and runs the next one of its line.
func (a *attempt) finish(ctx context.Context, end operation.End) error {
	var next operation.Next
	err := a.persist(ctx, func(ctx context.Context) (err error) {
		next, err = a.lease.Finish(ctx, end)
		return err
	})
	if err == nil {
		a.opts.Release(next)
	}
	return err
}

// finished is the answer to the queue once the operation's end was written, or could not be.
func (a *attempt) finished(ctx context.Context, err error, how string, state workload.State, answer error, told ...any) error {
	switch {
	case err == nil:
		a.ended(how)
		a.opts.Hooks.Finished(a.task.Order.Kind, state, a.opts.Now().Sub(a.lease.AcceptedAt))
		a.log.InfoContext(ctx, "an operation ended", append([]any{slog.Any("state", state)}, told...)...)
		return answer
	case errors.Is(err, operation.ErrLost):
		return a.lost(ctx)
	default:
		a.log.ErrorContext(ctx, "the end of an operation could not be recorded; another attempt repeats it", "error", err)
		a.ended(AttemptLost)
		return &queue.LaterError{Delay: redisDelay, Text: "The end of the operation could not be recorded."}
	}
}

func (a *attempt) ended(how string) {
	now := a.opts.Now()
	a.opts.Hooks.Ended(a.task.Order.Kind, how, now.Sub(a.began))
	a.steps.each(now, func(phase workload.Phase, took time.Duration) { a.opts.Hooks.Step(a.task.Order.Kind, phase, took) })
}

// persist writes the end of an attempt, and tries again for a while where Redis is away:
// nobody else can write it, and a write after the lease lapsed is refused only
// if another attempt began. When ctx ends, it tries once more.
func (a *attempt) persist(ctx context.Context, write func(context.Context) error) error {
	patience := time.NewTimer(a.opts.Patience)
	defer patience.Stop()
	for pause := 50 * time.Millisecond; ; pause = min(2*pause, time.Second) {
		last := ctx.Err() != nil
		err := write(context.WithoutCancel(ctx))
		if failure := (*workload.Failure)(nil); !errors.As(err, &failure) || last {
			return err
		}
		timer := time.NewTimer(pause)
		select {
		case <-timer.C:
		case <-ctx.Done():
			timer.Stop()
		case <-patience.C:
			timer.Stop()
			return err
		}
	}
}
