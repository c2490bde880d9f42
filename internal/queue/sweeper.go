package queue

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
)

// SweeperOptions are what a Sweeper needs.
type SweeperOptions struct {
	Queue *Queue
	// Every is the time between two sweeps (5 s when zero).
	Every time.Duration
	// Doubt is how long a task may look gone before it is taken for gone, where
	// a moment's look can be wrong (20 s when zero).
	Doubt time.Duration
	// Done, if set, is told what was done for an operation: run, anew, removed, terminated.
	Done func(what string, kind workload.Kind)
	Log  *slog.Logger
}

// Sweeper finds unfinished operations whose task is gone or does not run, and
// puts them back to work or ends them. One Sweeper of all that run is at work.
//
//	task                                        the operation is
//	pending, retry before its date, active      left alone
//	scheduled and first in line                 run
//	active, and its worker or attempt silent    started anew
//	active without asynq's lease                started anew
//	active, but no attempt at work for long     started anew
//	completed, the record's end was lost        run again
//	archived                                    ended: an operator removed the task
//	gone, Redis evicted or lost it              started anew
//	gone otherwise                              ended: an operator removed the task
//
// Redis is taken to have lost a task that is gone if the task's node restarted
// or was replaced since the task was last known to exist: a crash or a failover
// loses the last moment's writes, which can be a task but not its record. It is
// the safe way to be wrong: the operation runs once more than wanted.
// While an attempt holds the operation's lease, nothing is done.
type Sweeper struct {
	opts  SweeperOptions
	queue *Queue
	store *operation.Store
	id    string
}

// NewSweeper returns a Sweeper that does nothing yet.
func NewSweeper(opts SweeperOptions) *Sweeper {
	if opts.Every <= 0 {
		opts.Every = 5 * time.Second
	}
	if opts.Doubt <= 0 {
		opts.Doubt = 20 * time.Second
	}
	if opts.Done == nil {
		opts.Done = func(string, workload.Kind) {}
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	return &Sweeper{opts: opts, queue: opts.Queue, store: opts.Queue.store, id: uuid.NewString()}
}

// Run sweeps until the context ends.
func (s *Sweeper) Run(ctx context.Context) {
	for {
		pause := s.opts.Every/2 + rand.N(s.opts.Every) //nolint:gosec // no secret: keeps many workers apart
		timer := time.NewTimer(pause)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		leads, err := s.store.Lead(ctx, "sweeper", s.id, 3*s.opts.Every)
		if err == nil && leads {
			err = s.Sweep(ctx)
		}
		if err != nil && ctx.Err() == nil {
			s.opts.Log.WarnContext(ctx, "the sweep of operations and tasks was not finished", "error", err)
		}
	}
}

// batch is how many lanes are looked at together.
const batch = 100

// Sweep looks once at every lane that is due, and at those of tasks whose worker is silent.
func (s *Sweeper) Sweep(ctx context.Context) error {
	if err := s.queue.Register(ctx); err != nil {
		return err
	}
	breaks, err := s.breaks(ctx)
	if err != nil {
		return err
	}
	lanes, err := s.orphaned(ctx)
	if err != nil {
		return err
	}
	for {
		due, err := s.store.Due(ctx, batch)
		if err != nil {
			return err
		}
		lanes = append(lanes, due...)
		if len(lanes) == 0 {
			return nil
		}
		for len(lanes) > 0 {
			n := min(batch, len(lanes))
			if err := s.sweepLanes(ctx, lanes[:n], breaks); err != nil {
				return err
			}
			lanes = lanes[n:]
		}
		if len(due) < batch { // no tag can have more
			return nil
		}
	}
}

// orphaned are the lanes of active tasks whose worker is silent.
func (s *Sweeper) orphaned(ctx context.Context) ([]string, error) {
	var lanes []string
	for _, name := range s.queue.Names() {
		ids, err := s.queue.orphans(ctx, name, time.Now())
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			token, _ := parseTaskID(id)
			if lane := operation.Lane(token); lane != "" {
				lanes = append(lanes, lane)
			}
		}
	}
	return lanes, nil
}

// breaks tells for each queue since when its node runs without a break.
func (s *Sweeper) breaks(ctx context.Context) (map[string]time.Time, error) {
	breaks := map[string]time.Time{}
	for _, name := range s.queue.Names() {
		since, err := s.store.Unbroken(ctx, queueKey(name, "pending"))
		if err != nil {
			return nil, err
		}
		breaks[name] = since
	}
	return breaks, nil
}

func (s *Sweeper) sweepLanes(ctx context.Context, lanes []string, breaks map[string]time.Time) error {
	found, err := s.store.Look(ctx, lanes)
	if err != nil || len(found) == 0 {
		return err
	}
	refs := make([]taskRef, len(found))
	for i, op := range found {
		refs[i] = taskRef{queue: s.queue.name(op.Kind), id: taskID(op.Token, op.Task)}
	}
	tasks, err := s.queue.tasks(ctx, refs)
	if err != nil {
		return err
	}
	for i, op := range found {
		if err := s.sweep(ctx, op, refs[i], tasks[i], breaks[refs[i].queue]); err != nil {
			return err
		}
	}
	return nil
}

// sweep decides for one operation and its task.
func (s *Sweeper) sweep(ctx context.Context, op operation.Unfinished, ref taskRef, t task, unbroken time.Time) error {
	if op.Held {
		return nil
	}
	if op.State == workload.Terminating {
		next, err := s.store.AbandonTerminating(ctx, op.Token)
		return s.ended(ctx, "terminated", op, next, err)
	}
	// Whether its task was seen since the node's last break.
	sure := op.SeenTask >= op.Task && !latest(op.Accepted, op.SeenAt).Before(unbroken)
	switch {
	case t.state == gone && (t.listed || !sure):
		return s.anew(ctx, op, "The task was lost from the queue; it is started anew.")
	case t.state == gone && op.LookedAt.Sub(op.Accepted) < s.opts.Doubt:
		return nil // who accepted it may be about to make the task
	case t.state == gone || t.state == archived:
		return s.remove(ctx, op)
	case t.state == active:
		return s.sweepActive(ctx, op, ref, t)
	}
	if !sure {
		if err := s.store.Seen(ctx, op.Token); err != nil {
			return err
		}
	}
	if op.First && !s.comes(op, t) {
		s.done(ctx, "run", op)
		s.queue.Release(operation.Next{Token: op.Token, Kind: op.Kind, Task: op.Task})
	}
	return nil
}

// comes reports whether the first operation's task runs by itself soon enough.
func (s *Sweeper) comes(op operation.Unfinished, t task) bool {
	switch t.state {
	case scheduled, completed:
		return false
	case retry:
		// Without a date of its own it only waited for its turn, for which it stands too long.
		return !op.RetryAt.IsZero() && op.LookedAt.Sub(op.RetryAt) < s.opts.Doubt
	default:
		return true
	}
}

// sweepActive sees to a task that asynq calls active while no attempt holds the operation.
func (s *Sweeper) sweepActive(ctx context.Context, op operation.Unfinished, ref taskRef, t task) error {
	if t.lease.IsZero() {
		if err := s.queue.recoverGhost(ctx, ref); err != nil {
			return queueUnavailable(err)
		}
	}
	switch {
	case op.Lapsed || t.lease.Before(time.Now()):
		return s.anew(ctx, op, "The worker that had the task is gone; it is started anew.")
	case op.SuspectAt.IsZero():
		return s.store.Suspect(ctx, op.Token) // it may be about to begin, or about to be put back
	case op.LookedAt.Sub(op.SuspectAt) >= s.opts.Doubt:
		return s.anew(ctx, op, "The worker that had the task does not work on it; it is started anew.")
	}
	return nil
}

func (s *Sweeper) anew(ctx context.Context, op operation.Unfinished, why string) error {
	anew, err := s.store.Anew(ctx, op.Token, op.Task, why)
	if errors.Is(err, operation.ErrStale) {
		return nil
	}
	if err != nil {
		return err
	}
	s.done(ctx, "anew", op)
	order, _ := decode(anew.Payload) // what cannot be read has no trace id, and is the worker's to judge
	if err := s.queue.enqueue(ctx, anew.Next, order.TraceID, anew.Payload, anew.Head); err != nil {
		return queueUnavailable(err)
	}
	return nil
}

func (s *Sweeper) remove(ctx context.Context, op operation.Unfinished) error {
	next, err := s.store.Abandon(ctx, op.Token, op.Task, &workload.Failure{
		Code:    workload.CodeRemoved,
		Message: "An operator removed the task of this operation from the queue before it was finished.",
		Solutions: []string{
			"Ask the operators of the Airbyte provisioner why, or submit the request again: it goes on from what already exists.",
		},
	})
	return s.ended(ctx, "removed", op, next, err)
}

func (s *Sweeper) ended(ctx context.Context, what string, op operation.Unfinished, next operation.Next, err error) error {
	var busy *operation.BusyError
	if errors.Is(err, operation.ErrStale) || errors.Is(err, operation.ErrTerminating) || errors.Is(err, operation.ErrLost) ||
		errors.Is(err, operation.ErrUnknown) || errors.As(err, &busy) {
		return nil // it moved on since it was looked at
	}
	if err != nil {
		return err
	}
	if status := s.done(ctx, what, op); status.State.Terminal() {
		s.queue.ended(ctx, status)
	}
	s.queue.Release(next)
	return nil
}

// done tells what was done for an operation, and returns its status afterwards, as far as it is known.
func (s *Sweeper) done(ctx context.Context, what string, op operation.Unfinished) workload.Status {
	status, _ := s.store.Status(ctx, op.Token) // for the log; without an answer the line says less
	s.opts.Log.InfoContext(ctx, "the sweeper saw to an operation", "what", what, "token", op.Token, "kind", op.Kind,
		"component", status.Component.String(), "traceId", status.TraceID)
	s.opts.Done(what, op.Kind)
	return status
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
