package operation

import (
	"context"
	"crypto/rand"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

// Jobs bounds how many checks and discoveries run at once over all workers.
// A place whose worker dies is free again after the time of a lease.
type Jobs struct {
	store *Store
	max   int
	wait  time.Duration
}

// Jobs returns the bound; max is the number of places, 0 or less for no bound.
// wait is after how long an attempt that found no place is to try again (2 s when zero).
func (s *Store) Jobs(maximum int, wait time.Duration) *Jobs {
	if wait <= 0 {
		wait = 2 * time.Second
	}
	return &Jobs{store: s, max: maximum, wait: wait}
}

//nolint:gochecknoglobals // never changed
var acquireScript = redis.NewScript(`
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
if not redis.call('ZSCORE', KEYS[1], ARGV[1]) and redis.call('ZCARD', KEYS[1]) >= tonumber(ARGV[2]) then return 0 end
redis.call('ZADD', KEYS[1], string.format('%d', now + ARGV[3]), ARGV[1])
redis.call('PEXPIRE', KEYS[1], 2 * ARGV[3])
return 1
`)

// Acquire takes a place; release gives it back. The error is a *workload.WaitError when
// there is none: the caller returns it, so that its attempt ends and its slot
// is free for other work.
func (j *Jobs) Acquire(ctx context.Context) (release func(), err error) {
	if j.max <= 0 {
		return func() {}, nil
	}
	holder := rand.Text()
	free, err := j.take(ctx, holder)
	if err != nil {
		return nil, err
	}
	if !free {
		return nil, &workload.WaitError{For: j.wait, Why: "As many checks and discoveries as AIRBYTE_MAX_JOBS allows are running."}
	}
	keep, stop := context.WithCancel(context.WithoutCancel(ctx))
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		j.keep(keep, holder)
	}()
	return func() {
		stop()
		<-kept // or a renewal on its way would take the place again
		j.give(context.WithoutCancel(ctx), holder)
	}, nil
}

func (j *Jobs) key() string { return j.store.prefix + "jobs" }

func (j *Jobs) take(ctx context.Context, holder string) (bool, error) {
	free, err := acquireScript.Run(ctx, j.store.redis, []string{j.key()}, holder, j.max, j.store.opts.Lease.Milliseconds()).Bool()
	if err != nil {
		return false, unavailable(err)
	}
	return free, nil
}

// keep holds the place until the context ends.
func (j *Jobs) keep(ctx context.Context, holder string) {
	ticker := time.NewTicker(j.store.opts.Lease / 3)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_, _ = j.take(ctx, holder) // while Redis is away the place may be lost: one job too many is bearable
		}
	}
}

func (j *Jobs) give(ctx context.Context, holder string) {
	ctx, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_ = j.store.redis.ZRem(ctx, j.key(), holder).Err() // otherwise it lapses
}
