package queue

import (
	"errors"
	"time"

	"github.com/hibiken/asynq"
)

// LaterError is what a handler returns for a task that is to run again.
type LaterError struct {
	// Delay is the least time until then.
	Delay time.Duration
	// Failed says that an attempt failed; otherwise the task merely waits.
	Failed bool
	// Text is shown by asynqmon, so it holds nothing that not everybody may see.
	Text string
}

// Error is the text that asynq stores.
func (l *LaterError) Error() string { return l.Text }

// EndedError is what a handler returns for a task whose operation ended FAILED:
// asynq keeps it among the archived ones, with the text.
type EndedError struct{ Text string }

// Error is the text that asynq stores.
func (e *EndedError) Error() string { return e.Text }

// Is makes asynq archive the task and not retry it.
func (e *EndedError) Is(target error) bool { return target == asynq.SkipRetry }

// retryDelay tells asynq when a task runs again. asynq drops the fraction of
// the second in which it is due, and a wait must not be shorter than was asked for.
func retryDelay(_ int, err error, _ *asynq.Task) time.Duration {
	var later *LaterError
	if !errors.As(err, &later) {
		// asynq gave the task up itself (a lost lease, a cancellation). The
		// record knows whether anybody is at work.
		return time.Second
	}
	if later.Delay <= 0 {
		return 0
	}
	return later.Delay + time.Second - time.Nanosecond
}

// isFailure tells asynq's statistics which tasks failed.
func isFailure(err error) bool {
	var later *LaterError
	return errors.As(err, &later) && later.Failed
}
