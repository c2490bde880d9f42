package queue

import (
	"context"
	"strconv"
	"time"

	"airbyte-provisioner/internal/operation"

	"github.com/redis/go-redis/v9"
)

// What this package reads of asynq's own keys, because asynq's Inspector asks
// for one task at a time, in two commands, and does not tell of leases. A test
// compares the answers with the Inspector's, so that an update of asynq that
// names its keys otherwise is noticed.

// allQueues holds the names of the queues that asynq's tools see.
const allQueues = "asynq:queues"

func queueKey(queue, rest string) string { return "asynq:{" + queue + "}:" + rest }

// The states of a task; gone means that asynq does not know it.
const (
	gone      = ""
	pending   = "pending"
	active    = "active"
	scheduled = "scheduled"
	retry     = "retry"
	archived  = "archived"
	completed = "completed"
)

// task is what asynq knows of one task.
type task struct {
	state string
	// lease is until when asynq's lease of an active task lasts; zero: none.
	lease time.Time
	// listed says that a task which is gone still stands in one of asynq's
	// lists: it was not deleted, Redis evicted it.
	listed bool
}

// taskScript answers a task's state and lease at one moment. A deleted task is
// in no list; only the start of the long one is searched.
//
//nolint:gochecknoglobals // never changed
var taskScript = redis.NewScript(`
local prefix, id = ARGV[1], ARGV[2]
local state = redis.call('HGET', prefix .. 't:' .. id, 'state')
if state then return {state, redis.call('ZSCORE', prefix .. 'lease', id) or '0'} end
if redis.call('ZSCORE', prefix .. 'scheduled', id) or redis.call('ZSCORE', prefix .. 'retry', id)
  or redis.call('LPOS', prefix .. 'active', id)
  or redis.call('LPOS', prefix .. 'pending', id, 'MAXLEN', 1000)
  or redis.call('LPOS', prefix .. 'pending', id, 'RANK', -1, 'MAXLEN', 1000) then
  return {'listed', '0'}
end
return {'', '0'}
`)

// taskRef names a task.
type taskRef struct{ queue, id string }

// tasks asks asynq's keys for many tasks at once.
func (q *Queue) tasks(ctx context.Context, refs []taskRef) ([]task, error) {
	answers := make([]*redis.Cmd, len(refs))
	ask := func(p redis.Pipeliner) error {
		for i, ref := range refs {
			prefix := queueKey(ref.queue, "")
			answers[i] = taskScript.EvalSha(ctx, p, []string{prefix + "t:" + ref.id}, prefix, ref.id)
		}
		return nil
	}
	_, err := q.opts.Redis.Pipelined(ctx, ask)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err = operation.Teach(ctx, q.opts.Redis, taskScript); err == nil {
			_, err = q.opts.Redis.Pipelined(ctx, ask)
		}
	}
	if err != nil {
		return nil, queueUnavailable(err)
	}
	found := make([]task, len(refs))
	for i, answer := range answers {
		values, err := answer.StringSlice()
		if err != nil {
			return nil, queueUnavailable(err)
		}
		found[i] = readTask(values)
	}
	return found, nil
}

func readTask(values []string) task {
	if values[0] == "listed" {
		return task{listed: true}
	}
	t := task{state: values[0]}
	if seconds, err := strconv.ParseFloat(values[1], 64); err == nil && seconds > 0 {
		t.lease = time.Unix(int64(seconds), 0)
	}
	return t
}

// orphans are the ids of active tasks in a queue whose worker has been silent
// for the length of asynq's lease.
func (q *Queue) orphans(ctx context.Context, queue string, now time.Time) ([]string, error) {
	ids, err := q.opts.Redis.ZRangeByScore(ctx, queueKey(queue, "lease"), &redis.ZRangeBy{
		Min: "-inf", Max: strconv.FormatInt(now.Unix()-1, 10), Count: 1000,
	}).Result()
	if err != nil {
		return nil, queueUnavailable(err)
	}
	return ids, nil
}

// recoverGhost gives an active task without a lease one that has lapsed, so
// that asynq's recoverer takes it up; without it, it would stay active for ever.
func (q *Queue) recoverGhost(ctx context.Context, ref taskRef) error {
	return q.opts.Redis.ZAddNX(ctx, queueKey(ref.queue, "lease"), redis.Z{Score: 1, Member: ref.id}).Err()
}

// Register makes the queues known to asynq's tools. asynq's client does it
// once and remembers it, which is wrong after Redis lost its data.
func (q *Queue) Register(ctx context.Context) error {
	names := q.Names()
	members := make([]any, len(names))
	for i, name := range names {
		members[i] = name
	}
	if err := q.opts.Redis.SAdd(ctx, allQueues, members...).Err(); err != nil {
		return queueUnavailable(err)
	}
	return nil
}
