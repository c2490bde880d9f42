package queue

import (
	"context"
	"errors"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"
)

// Depth is what one queue holds at a moment.
type Depth struct {
	Queue string // its name in Redis, with the instance
	// Tasks is the number of tasks by asynq's word for their state.
	Tasks map[string]int
	// OldestWaiting is for how long the oldest pending task has waited for a
	// worker; zero when none waits. Tasks that wait for their date, or for an
	// earlier operation on their component, are not pending.
	OldestWaiting time.Duration
}

// states of which asynq keeps a list or a sorted set of that name.
//
//nolint:gochecknoglobals // a constant list
var states = []string{pending, active, scheduled, retry, archived, completed}

// Depths looks at all queues, in two round trips. asynq's Inspector could tell
// the same, but it also samples memory, which a scrape need not cost.
func (q *Queue) Depths(ctx context.Context) ([]Depth, error) {
	names := q.Names()
	counts := make([][]*redis.IntCmd, len(names))
	oldest := make([]*redis.StringCmd, len(names))
	_, err := q.opts.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			for _, state := range states {
				count := p.ZCard
				if state == pending || state == active {
					count = p.LLen
				}
				counts[i] = append(counts[i], count(ctx, queueKey(name, state)))
			}
			oldest[i] = p.LIndex(ctx, queueKey(name, pending), -1)
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, queueUnavailable(err)
	}
	since, err := q.pendingSince(ctx, names, oldest)
	if err != nil {
		return nil, err
	}
	now, depths := time.Now(), make([]Depth, len(names))
	for i, name := range names {
		depths[i] = Depth{Queue: name, Tasks: map[string]int{}}
		for j, state := range states {
			depths[i].Tasks[state] = int(counts[i][j].Val())
		}
		if !since[i].IsZero() {
			depths[i].OldestWaiting = max(0, now.Sub(since[i]))
		}
	}
	return depths, nil
}

// pendingSince tells since when tasks are pending; zero where there is none.
func (q *Queue) pendingSince(ctx context.Context, names []string, tasks []*redis.StringCmd) ([]time.Time, error) {
	answers := make([]*redis.StringCmd, len(names))
	_, err := q.opts.Redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, name := range names {
			if id := tasks[i].Val(); id != "" {
				answers[i] = p.HGet(ctx, queueKey(name, "t:"+id), "pending_since")
			}
		}
		return nil
	})
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, queueUnavailable(err)
	}
	since := make([]time.Time, len(names))
	for i, answer := range answers {
		if answer == nil {
			continue
		}
		if nanoseconds, err := strconv.ParseInt(answer.Val(), 10, 64); err == nil {
			since[i] = time.Unix(0, nanoseconds)
		}
	}
	return since, nil
}
