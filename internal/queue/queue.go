package queue

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/workload"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

const (
	// maxRetry is out of reach: the operation's own record counts attempts.
	maxRetry = 1_000_000
	// safetyNet is when a waiting task runs without having been released.
	safetyNet = time.Hour
	// timeoutReserve is added to asynq's time-out of a task: the handler ends
	// its attempt itself, and asynq, which would start another while the first
	// still runs, is only to see to handlers that do not.
	timeoutReserve = time.Minute
	// undoTimeout bounds what has to be done after the caller may have gone.
	undoTimeout = 3 * time.Second
)

// Options are what a Queue needs.
type Options struct {
	Redis redis.UniversalClient
	// Batched, if set, takes the commands that make tasks; see operation.Options.
	Batched redis.UniversalClient
	Store   *operation.Store
	// Instance separates installations that share one Redis; it starts every queue's name.
	Instance string
	// TaskTimeout is the time for one attempt.
	TaskTimeout time.Duration
	// TaskRetention is how long asynq keeps a finished task to be looked at.
	TaskRetention time.Duration
	// Headers returns the headers that carry the context's trace to the worker; may be nil.
	Headers func(context.Context) map[string]string
	// Accepted, if set, is told of every operation that was given a token; a repeat is none.
	Accepted func(workload.Kind)
	// Ended, if set, is told of every operation that ended without an attempt,
	// and of the time since it was accepted.
	Ended func(kind workload.Kind, state workload.State, took time.Duration)
	Log   *slog.Logger
}

// Queue accepts orders and answers for them. It is safe for concurrent use.
type Queue struct {
	opts      Options
	store     *operation.Store
	client    *asynq.Client
	inspector *asynq.Inspector
}

// New returns a Queue. It opens nothing; the Redis client stays the caller's to close.
func New(opts Options) *Queue {
	if opts.TaskTimeout <= 0 {
		opts.TaskTimeout = 30 * time.Minute
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Batched == nil {
		opts.Batched = opts.Redis
	}
	return &Queue{
		opts:      opts,
		store:     opts.Store,
		client:    asynq.NewClientFromRedisClient(opts.Batched),
		inspector: asynq.NewInspectorFromRedisClient(opts.Redis),
	}
}

// Names are the names of all queues in Redis.
func (q *Queue) Names() []string {
	names := Queues()
	for i, name := range names {
		names[i] = q.opts.Instance + name
	}
	return names
}

func (q *Queue) name(kind workload.Kind) string { return q.opts.Instance + queueOf(kind) }

// Submit accepts an order and returns the token of its operation: a new one,
// or that of an equal, unfinished operation which was the last to be accepted
// for the component. A token that is returned without an error ends in a final
// state. The error is a Failure with CodeUnavailable; the operation may then be
// carried out all the same, and who submits it again gets its token or finds its work done.
func (q *Queue) Submit(ctx context.Context, order workload.Order) (string, error) {
	text, hash, err := encode(order)
	if err != nil {
		return "", err
	}
	accepted, err := q.store.Accept(ctx, operation.Request{
		Kind: order.Kind, Component: order.Work.Component, TraceID: order.TraceID, Payload: text, Hash: hash,
		Name: order.Work.Name, DataProduct: order.Work.DataProduct,
	})
	if err != nil {
		q.withdraw(ctx, accepted.Token, order) // it may have been accepted, and the answer lost
		return "", err
	}
	next := operation.Next{Token: accepted.Token, Kind: order.Kind, Task: accepted.Task}
	// A repeat's task is there, unless who accepted it has not come to it yet,
	// or died: to make sure costs nothing, since a second one is refused. It is
	// the accepted request's work, whose trace the operation has.
	trace := order.TraceID
	if accepted.Repeat {
		trace, text = accepted.TraceID, accepted.Payload
	}
	if err := q.enqueue(ctx, next, trace, text, accepted.Head); err != nil {
		if !accepted.Repeat {
			q.withdraw(ctx, accepted.Token, order)
		}
		return "", queueUnavailable(err)
	}
	if q.opts.Accepted != nil && !accepted.Repeat {
		q.opts.Accepted(order.Kind)
	}
	return accepted.Token, nil
}

// traceHeader is the header of a task that tells people its trace id: the
// payload, where the worker finds it, may be packed.
const traceHeader = "traceId"

// headers are what a task carries beside its payload.
func (q *Queue) headers(ctx context.Context, traceID string) map[string]string {
	var headers map[string]string
	if q.opts.Headers != nil {
		headers = q.opts.Headers(ctx)
	}
	if traceID == "" {
		return headers
	}
	if headers == nil {
		headers = make(map[string]string, 1)
	}
	headers[traceHeader] = traceID
	return headers
}

// enqueue makes the task, pending or scheduled; one that exists is left as it is.
func (q *Queue) enqueue(ctx context.Context, next operation.Next, traceID string, text []byte, head bool) error {
	opts := []asynq.Option{
		asynq.TaskID(taskID(next.Token, next.Task)),
		asynq.Queue(q.name(next.Kind)),
		asynq.MaxRetry(maxRetry),
		asynq.Timeout(q.opts.TaskTimeout + timeoutReserve),
		asynq.Retention(q.opts.TaskRetention),
	}
	if !head {
		opts = append(opts, asynq.ProcessIn(safetyNet))
	}
	task := asynq.NewTaskWithHeaders(string(next.Kind), text, q.headers(ctx, traceID))
	if _, err := q.client.EnqueueContext(ctx, task, opts...); err != nil && !errors.Is(err, asynq.ErrTaskIDConflict) {
		return err
	}
	if head {
		return nil
	}
	// Its predecessor may have ended before the task was there to be released.
	first, err := q.store.IsHead(ctx, next.Token)
	if err != nil {
		return err
	}
	if first {
		q.Release(next)
	}
	return nil
}

func (q *Queue) withdraw(ctx context.Context, token string, order workload.Order) {
	if token == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), undoTimeout)
	defer cancel()
	next, err := q.store.Withdraw(ctx, token)
	if err != nil {
		// Nobody has the token; the sweeper finds the record, and ends it or has it carried out.
		q.opts.Log.WarnContext(ctx, "an operation whose task could not be queued stays behind", "token", token,
			"component", order.Work.Component.String(), "traceId", order.TraceID, "error", err)
		return
	}
	q.Release(next)
}

// Release runs the task of an operation that has become the first of its line.
// A task that is not there yet is run by whoever is making it; a failure is
// made good by the sweeper.
func (q *Queue) Release(next operation.Next) {
	if next.Token == "" {
		return
	}
	err := q.inspector.RunTask(q.name(next.Kind), taskID(next.Token, next.Task))
	if err != nil {
		q.opts.Log.Debug("the next operation's task was not there to be run", "token", next.Token, "error", err)
	}
}

// Status returns what is known of an operation, in one Redis command. The
// error is a Failure with CodeUnknownToken or CodeUnavailable.
func (q *Queue) Status(ctx context.Context, token string) (workload.Status, error) {
	return q.store.Status(ctx, token)
}

// Poll is Status without what the operation is about (see operation.Store.Poll).
func (q *Queue) Poll(ctx context.Context, token string) (workload.Status, error) {
	return q.store.Poll(ctx, token)
}

// Terminate asks for the end of an operation and returns its status
// afterwards: TERMINATED where no attempt was at work, TERMINATING where one
// is, as it was where it had ended. The error is that of Status.
func (q *Queue) Terminate(ctx context.Context, token string) (workload.Status, error) {
	termination, err := q.store.Terminate(ctx, token)
	if err != nil {
		return workload.Status{}, err
	}
	if termination.Ended {
		q.Release(termination.Next) // first of all: nobody but the sweeper would do it later
	}
	status, err := q.store.Status(ctx, token)
	if err != nil {
		return workload.Status{}, err
	}
	if termination.Ended {
		q.ended(ctx, status)
		// The task would do nothing; it goes where it can, and otherwise finds that out itself.
		if err := q.inspector.DeleteTask(q.name(termination.Kind), taskID(status.Token, termination.Task)); err != nil {
			q.opts.Log.DebugContext(ctx, "the task of a terminated operation stays", "token", status.Token,
				"component", status.Component.String(), "traceId", status.TraceID, "error", err)
		}
	}
	return status, nil
}

// ended tells of an operation that ended without an attempt: the handler of tasks
// tells of all others.
func (q *Queue) ended(ctx context.Context, status workload.Status) {
	log := q.opts.Log.With("token", status.Token, "kind", status.Kind, "component", status.Component.String(), "traceId", status.TraceID)
	if status.Failure != nil {
		log = log.With("failure", status.Failure.Message)
	}
	log.InfoContext(ctx, "an operation ended", "state", status.State)
	if q.opts.Ended != nil {
		q.opts.Ended(status.Kind, status.State, status.FinishedAt.Sub(status.AcceptedAt))
	}
}

func queueUnavailable(err error) error {
	var failure *workload.Failure
	if errors.As(err, &failure) {
		return failure
	}
	return (&workload.Failure{
		Code:      workload.CodeUnavailable,
		Message:   "The queue of the Airbyte provisioner cannot be used now; the request may not have been accepted.",
		Solutions: []string{"Submit the request again in a moment, which does nothing twice; if it stays so, ask the operators to check Redis."},
		Retry:     true,
	}).Because(err)
}
