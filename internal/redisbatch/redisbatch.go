// Package redisbatch sends Redis commands of many goroutines together. A command
// that comes while others are on their way waits for their answers and then
// goes with all that have come meanwhile, as one pipeline. So a lone command
// goes at once, and under load the system calls of one round trip are shared by
// dozens of commands, which is most of what a command costs client and server.
//
// It imports nothing else of this module.
package redisbatch

import (
	"context"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// stuckAfter is how long commands wait for the answers to those before them. In
// time no answer takes so long; when Redis hangs, nobody waits twice.
const stuckAfter = 100 * time.Millisecond

// repeatFor is for how long a batch whose connection broke is sent again by
// go-redis. One that timed out is over this time and is not: its callers have
// waited enough.
const repeatFor = time.Second

// Client is a Redis client that batches the short commands of operations:
// EVALSHA, HMGET, GET and LINDEX. Everything else goes the usual way. Unlike a
// pipeline it keeps no order between goroutines, and unlike go-redis's own
// automatic pipeliner it heeds the end of a context: the command may then still
// be carried out, as with any connection that breaks. It is safe for concurrent
// use and has nothing to be closed.
type Client struct {
	redis.UniversalClient

	mu      sync.Mutex
	waiting []*call
	busy    bool // a flight will take what waits
	flight  int  // its number
}

// call is a command on its way. It belongs to the batch until answered is closed.
type call struct {
	cmd      redis.Cmder
	answered chan struct{}
}

// New returns a Client over another, which stays the caller's to close.
func New(client redis.UniversalClient) *Client { return &Client{UniversalClient: client} }

// EvalSha runs a script that Redis knows.
func (c *Client) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, "evalsha", sha1, len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	cmd := redis.NewCmd(ctx, append(all, args...)...)
	if err := c.do(ctx, cmd); err != nil {
		cmd = redis.NewCmd(ctx)
		cmd.SetErr(err)
	}
	return cmd
}

// HMGet reads fields of a hash.
func (c *Client) HMGet(ctx context.Context, key string, fields ...string) *redis.SliceCmd {
	all := make([]any, 0, 2+len(fields))
	all = append(all, "hmget", key)
	for _, field := range fields {
		all = append(all, field)
	}
	cmd := redis.NewSliceCmd(ctx, all...)
	if err := c.do(ctx, cmd); err != nil {
		cmd = redis.NewSliceCmd(ctx)
		cmd.SetErr(err)
	}
	return cmd
}

// Get reads a string.
func (c *Client) Get(ctx context.Context, key string) *redis.StringCmd {
	return c.text(ctx, "get", key)
}

// LIndex reads an element of a list.
func (c *Client) LIndex(ctx context.Context, key string, index int64) *redis.StringCmd {
	return c.text(ctx, "lindex", key, index)
}

func (c *Client) text(ctx context.Context, args ...any) *redis.StringCmd {
	cmd := redis.NewStringCmd(ctx, args...)
	if err := c.do(ctx, cmd); err != nil {
		cmd = redis.NewStringCmd(ctx)
		cmd.SetErr(err)
	}
	return cmd
}

// do has the command carried out. After an error, which is the context's, the
// command must not be touched any more: its batch may still write to it.
func (c *Client) do(ctx context.Context, cmd redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	waiting := &call{cmd: cmd, answered: make(chan struct{})}
	c.join(waiting)
	select {
	case <-waiting.answered:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// join puts a call among the waiting, and starts a flight where none will come for it.
func (c *Client) join(waiting *call) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.waiting = append(c.waiting, waiting)
	if !c.busy {
		c.start()
	}
}

// start starts a flight; mu is held.
func (c *Client) start() {
	c.busy = true
	c.flight++
	go c.fly(c.flight)
}

// fly carries out what waits until nothing does, or until it was passed.
func (c *Client) fly(number int) {
	for {
		batch := c.depart(number)
		if len(batch) == 0 {
			return
		}
		stuck := time.AfterFunc(stuckAfter, func() { c.pass(number) })
		pipe := c.Pipeline()
		for _, each := range batch {
			_ = pipe.Process(context.Background(), each.cmd) // it is only kept
		}
		ctx, cancel := context.WithTimeout(context.Background(), repeatFor)
		_, _ = pipe.Exec(ctx) // each command has its own error
		cancel()
		stuck.Stop()
		for _, each := range batch {
			close(each.answered)
		}
	}
}

// depart takes what waits for a flight; nothing for one that is over.
func (c *Client) depart(number int) []*call {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.flight != number {
		return nil // it was passed by another, which goes on
	}
	batch := c.waiting
	c.waiting, c.busy = nil, len(batch) > 0
	return batch
}

// pass lets what waits, and what comes, go without a flight that is stuck.
func (c *Client) pass(number int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.flight != number:
	case len(c.waiting) > 0:
		c.start()
	default:
		c.flight++
		c.busy = false
	}
}
