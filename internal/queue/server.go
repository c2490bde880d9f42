package queue

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/stack"
	"airbyte-provisioner/internal/workload"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// Task is one task that is to be worked on.
type Task struct {
	Token  string
	Number int // of the operation's tasks: 0 for the first
	Order  workload.Order
	// Headers carry the trace of who submitted it.
	Headers map[string]string
	// Broken is set where the payload cannot be read.
	Broken error
}

// Handler works on a task. It returns nil when nothing remains to be done, a
// *LaterError or an *EndedError. Its context ends when the handler is to stop, because
// the worker stops or somebody cancelled the task; the handler then returns as
// soon as it can.
type Handler func(ctx context.Context, task Task) error

// ServerOptions are what a Server needs.
type ServerOptions struct {
	Redis redis.UniversalClient
	// Instance is that of Options.
	Instance string
	// Queues gives each queue to be served its weight; names without the instance.
	Queues map[string]int
	// Concurrency is how many tasks are worked on at once.
	Concurrency int
	// PollInterval is how often an idle server looks for tasks.
	PollInterval time.Duration
	// ShutdownTimeout is the time for running work at a stop.
	ShutdownTimeout time.Duration
	Handler         Handler
	// Store tells the log of what component a task is whose payload cannot be read.
	Store *operation.Store
	// Unknown is how long a task that only a newer worker understands is left to others (10 s when zero).
	Unknown time.Duration
	Log     *slog.Logger
}

// Server takes tasks from the queues and hands them to the handler.
type Server struct {
	opts  ServerOptions
	asynq *asynq.Server
	gate  *gate
	// stopping ends the contexts of all handlers.
	stopping context.Context //nolint:containedctx // the signal to all handlers, not a call's context
	stop     context.CancelFunc
}

// NewServer returns a Server that takes nothing yet.
func NewServer(opts ServerOptions) (*Server, error) {
	weights, err := weightsOf(opts)
	if err != nil {
		return nil, err
	}
	if opts.Log == nil {
		opts.Log = slog.New(slog.DiscardHandler)
	}
	if opts.Unknown <= 0 {
		opts.Unknown = 10 * time.Second
	}
	if opts.ShutdownTimeout <= 0 {
		opts.ShutdownTimeout = 25 * time.Second
	}
	s := &Server{opts: opts, gate: &gate{UniversalClient: opts.Redis, rest: opts.PollInterval / 4}}
	s.stopping, s.stop = context.WithCancel(context.Background())
	if slow := opts.Instance + validateQueue; len(weights) > 1 && weights[slow] > 0 {
		s.gate.pending, s.gate.limit = queueKey(slow, pending), int64(max(1, opts.Concurrency/2))
	}
	s.asynq = asynq.NewServerFromRedisClient(s.gate, asynq.Config{
		Concurrency:              opts.Concurrency,
		Queues:                   weights,
		TaskCheckInterval:        opts.PollInterval,
		DelayedTaskCheckInterval: 500 * time.Millisecond,
		ShutdownTimeout:          opts.ShutdownTimeout,
		RetryDelayFunc:           retryDelay,
		IsFailure:                isFailure,
		BaseContext:              visited,
		ErrorHandler:             asynq.ErrorHandlerFunc(s.gate.dropped),
		Logger:                   &logger{opts.Log},
		LogLevel:                 asynq.InfoLevel,
	})
	return s, nil
}

func weightsOf(opts ServerOptions) (map[string]int, error) {
	weights := map[string]int{}
	for _, name := range Queues() {
		if weight := opts.Queues[name]; weight > 0 {
			weights[opts.Instance+name] = weight
		}
	}
	if len(weights) == 0 || len(weights) != len(opts.Queues) {
		return nil, fmt.Errorf("queues to serve: %v, want some of %v, each with a weight above 0", opts.Queues, Queues())
	}
	return weights, nil
}

// reserve is the part of the time for a stop that is left for handlers that
// did not finish by themselves to give their work back.
func (s *Server) reserve() time.Duration { return min(5*time.Second, s.opts.ShutdownTimeout/2) }

// Start starts taking tasks.
func (s *Server) Start() error {
	return s.asynq.Start(asynq.HandlerFunc(s.process))
}

// Shutdown stops in order: no task is taken any more, running work gets the
// time for a stop to finish, the last seconds of it to go back to the queue,
// and what does neither is put back by asynq.
func (s *Server) Shutdown() {
	timer := time.AfterFunc(s.opts.ShutdownTimeout-s.reserve(), func() {
		s.opts.Log.Info("running work goes back to the queue")
		s.stop()
	})
	s.asynq.Shutdown()
	timer.Stop()
	s.stop()
}

// process is asynq's handler.
func (s *Server) process(ctx context.Context, t *asynq.Task) error {
	stack.Grow() // asynq runs each task on a goroutine of its own
	if s.gate.first(ctx) {
		defer s.gate.done()
	}
	id, _ := asynq.GetTaskID(ctx)
	token, number := parseTaskID(id)
	order, err := decode(t.Payload())
	if errors.Is(err, errNewer) || err == nil && !known(order.Kind) {
		about := s.about(ctx, token)
		s.opts.Log.WarnContext(ctx, "a task of a newer version is left to newer workers", "token", token,
			"component", about.Work.Component.String(), "traceId", about.TraceID)
		return &LaterError{Delay: s.opts.Unknown, Text: "Only a newer version of the worker understands this task."}
	}
	if err != nil {
		order = s.about(ctx, token)
		order.Kind = workload.Kind(t.Type())
	}
	// asynq's context ends on a cancellation and a lost lease; both are only
	// hints, since the record knows better.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(s.stopping, cancel)()
	return s.opts.Handler(ctx, Task{Token: token, Number: number, Order: order, Headers: t.Headers(), Broken: err})
}

// about is whose operation a task is where its payload does not tell: what the
// record says. Without an answer nothing is known of it.
func (s *Server) about(ctx context.Context, token string) workload.Order {
	status, _ := s.opts.Store.Status(ctx, token)
	return workload.Order{TraceID: status.TraceID, Work: workload.Work{Component: status.Component}}
}

func known(kind workload.Kind) bool {
	switch kind {
	case workload.Provision, workload.Unprovision, workload.UpdateACL, workload.Validate, workload.Reverse:
		return true
	}
	return false
}

// logger carries asynq's log lines over. What asynq calls information is of no
// interest to operators.
type logger struct{ log *slog.Logger }

// Debug logs at the level debug.
func (l *logger) Debug(args ...any) { l.log.Debug("asynq", "text", fmt.Sprint(args...)) }

// Info logs at the level debug.
func (l *logger) Info(args ...any) { l.Debug(args...) }

// Warn logs at the level warning, apart from what asynq says of each operation
// that failed: the handler has said it better, and no retries were exhausted.
func (l *logger) Warn(args ...any) {
	text := fmt.Sprint(args...)
	if strings.HasPrefix(text, "Retry exhausted") {
		l.Debug(text)
		return
	}
	l.log.Warn("asynq", "text", text)
}

// Error logs at the level error.
func (l *logger) Error(args ...any) { l.log.Error("asynq", "text", fmt.Sprint(args...)) }

// Fatal logs at the level error; it ends nothing.
func (l *logger) Fatal(args ...any) { l.Error(args...) }
