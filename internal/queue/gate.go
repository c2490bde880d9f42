package queue

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
)

// errorPause keeps asynq, which asks again at once after an error, from
// spinning while Redis is away.
const errorPause = 100 * time.Millisecond

// gate is the Redis client of asynq's server. It lets the server take tasks
// from a queue of slow ones only while they hold less than a given number of
// slots; asynq itself cannot bound one queue of several. A task that is not
// taken stays in the queue for other workers. And it lets a queue rest in which
// there was nothing a moment ago: before each task, asynq asks the empty ones too
// that happen to come first. It goes by the script with which
// asynq takes a task: its first key is the queue's list of pending tasks, its
// second says whether the queue is paused.
type gate struct {
	redis.UniversalClient
	pending string // the slow queue's list of pending tasks; empty: no bound
	limit   int64
	taken   atomic.Int64
	rest    time.Duration // less than asynq's pause between two looks at queues that are all empty
	empty   sync.Map      // when a list of pending tasks was last found empty
}

// Eval runs a script, or answers that there is no task.
func (g *gate) Eval(ctx context.Context, script string, keys []string, args ...any) *redis.Cmd {
	return g.take(ctx, keys, func() *redis.Cmd { return g.UniversalClient.Eval(ctx, script, keys, args...) })
}

// EvalSha runs a known script, or answers that there is no task.
func (g *gate) EvalSha(ctx context.Context, sha string, keys []string, args ...any) *redis.Cmd {
	return g.take(ctx, keys, func() *redis.Cmd { return g.UniversalClient.EvalSha(ctx, sha, keys, args...) })
}

func (g *gate) take(ctx context.Context, keys []string, run func() *redis.Cmd) *redis.Cmd {
	if len(keys) != 4 || !isPaused(keys[1]) {
		return run()
	}
	bounded := keys[0] == g.pending
	if bounded && g.taken.Load() >= g.limit || g.rests(keys[0]) {
		closed := redis.NewCmd(ctx)
		closed.SetErr(redis.Nil)
		return closed
	}
	cmd := run()
	switch err := cmd.Err(); {
	case err == nil && bounded:
		g.taken.Add(1)
	case errors.Is(err, redis.Nil):
		g.empty.Store(keys[0], time.Now())
	case err != nil && !redis.HasErrorPrefix(err, "NOSCRIPT"):
		time.Sleep(errorPause)
	}
	return cmd
}

func (g *gate) rests(list string) bool {
	since, ok := g.empty.Load(list)
	return ok && time.Since(since.(time.Time)) < g.rest //nolint:forcetypeassert // nothing else is stored
}

func isPaused(key string) bool {
	const end = ":paused"
	return len(key) > len(end) && key[len(key)-len(end):] == end
}

// A slot that take counted is given back by the task's handler, or, where asynq
// gives the task up before its handler begins, by what asynq calls instead.
// Both have the task's context, which holds who of them came first.

// visit is the key of that in a task's context.
type visit struct{}

// visited is the context that asynq derives a task's from.
func visited() context.Context {
	return context.WithValue(context.Background(), visit{}, new(atomic.Bool))
}

// first reports whether the task is a slow one whose slot nobody has seen to:
// the caller is to give it back.
func (g *gate) first(ctx context.Context) bool {
	if queue, _ := asynq.GetQueueName(ctx); g.pending == "" || g.pending != queueKey(queue, pending) {
		return false
	}
	seen, ok := ctx.Value(visit{}).(*atomic.Bool)
	return ok && seen.CompareAndSwap(false, true)
}

// dropped is asynq's, for every task that failed.
func (g *gate) dropped(ctx context.Context, _ *asynq.Task, _ error) {
	if g.first(ctx) {
		g.done()
	}
}

// done gives the slot of a slow task back.
func (g *gate) done() { g.taken.Add(-1) }
