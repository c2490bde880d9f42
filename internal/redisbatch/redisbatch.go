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
	"slices"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// stuckAfter is how long commands wait for the answers to those before them. In
// time no answer takes so long; when Redis hangs, nobody waits twice.
const stuckAfter = 100 * time.Millisecond

// most is how many commands go together: the time-out of reading is for all
// their answers, and must not depend on how many callers there are.
const most = 500

// Client is a Redis client that batches the short commands of operations:
// EVALSHA, HMGET, GET and LINDEX. Everything else goes the usual way. Unlike a
// pipeline it keeps no order between goroutines, and unlike go-redis's own
// automatic pipeliner it heeds the end of a context: a command that is on its
// way may then still be carried out, as with any connection that breaks. In a
// cluster each node has batches of its own, so that one that hangs holds up
// nobody else. It is safe for concurrent use and has nothing to be closed.
//
// A batch whose connection broke is sent again by go-redis, the commands that
// Redis had carried out included, just as a lone command is.
type Client struct {
	redis.UniversalClient

	// patience is for how long a batch may take, repeats included: one that timed
	// out is over it and is not sent again, since its callers have waited enough.
	patience time.Duration

	mu    sync.Mutex
	lines map[string]*line // by the node's address; one, under "", without a cluster
}

// line is what goes one after another.
type line struct {
	client *Client

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
func New(client redis.UniversalClient) *Client {
	c := &Client{UniversalClient: client, lines: map[string]*line{}}
	switch known := client.(type) {
	case *redis.Client:
		c.patience = known.Options().ReadTimeout
	case *redis.ClusterClient:
		c.patience = known.Options().ReadTimeout
	}
	if c.patience <= 0 {
		c.patience = 3 * time.Second
	}
	return c
}

// EvalSha runs a script that Redis knows.
func (c *Client) EvalSha(ctx context.Context, sha1 string, keys []string, args ...any) *redis.Cmd {
	if len(keys) == 0 {
		return c.UniversalClient.EvalSha(ctx, sha1, keys, args...)
	}
	all := make([]any, 0, 3+len(keys)+len(args))
	all = append(all, "evalsha", sha1, len(keys))
	for _, key := range keys {
		all = append(all, key)
	}
	cmd := redis.NewCmd(ctx, append(all, args...)...)
	if err := c.do(ctx, keys[0], cmd); err != nil {
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
	if err := c.do(ctx, key, cmd); err != nil {
		cmd = redis.NewSliceCmd(ctx)
		cmd.SetErr(err)
	}
	return cmd
}

// Get reads a string.
func (c *Client) Get(ctx context.Context, key string) *redis.StringCmd {
	return c.text(ctx, key, "get", key)
}

// LIndex reads an element of a list.
func (c *Client) LIndex(ctx context.Context, key string, index int64) *redis.StringCmd {
	return c.text(ctx, key, "lindex", key, index)
}

func (c *Client) text(ctx context.Context, key string, args ...any) *redis.StringCmd {
	cmd := redis.NewStringCmd(ctx, args...)
	if err := c.do(ctx, key, cmd); err != nil {
		cmd = redis.NewStringCmd(ctx)
		cmd.SetErr(err)
	}
	return cmd
}

// do has the command carried out. After an error, which is the context's, the
// command must not be touched any more: its batch may still write to it.
func (c *Client) do(ctx context.Context, key string, cmd redis.Cmder) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	l := c.lineOf(ctx, key)
	waiting := &call{cmd: cmd, answered: make(chan struct{})}
	l.join(waiting)
	select {
	case <-waiting.answered:
	case <-ctx.Done():
		l.leave(waiting)
		return ctx.Err()
	}
	if refusedForNow(cmd.Err()) {
		_ = c.Process(ctx, cmd) // the command has its own error
	}
	return nil
}

// refusedForNow reports whether go-redis sends a lone command again after an
// error of Redis, elsewhere or a moment later. Of a batch it looks at the first
// command's error alone, so that the others have to go again by themselves.
func refusedForNow(err error) bool {
	return err != nil && (redis.IsReadOnlyError(err) || redis.IsMasterDownError(err) || redis.IsClusterDownError(err) ||
		redis.IsTryAgainError(err) || redis.IsLoadingError(err) || redis.IsNoReplicasError(err))
}

// lineOf is the line of the node that serves the key. Where that is not known,
// or no longer right, go-redis finds the node all the same.
func (c *Client) lineOf(ctx context.Context, key string) *line {
	addr := ""
	if cluster, ok := c.UniversalClient.(*redis.ClusterClient); ok {
		if node, err := cluster.MasterForKey(ctx, key); err == nil {
			addr = node.Options().Addr
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.lines[addr] == nil {
		c.lines[addr] = &line{client: c}
	}
	return c.lines[addr]
}

// join puts a call among the waiting, and starts a flight where none will come for it.
func (l *line) join(waiting *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.waiting = append(l.waiting, waiting)
	if !l.busy {
		l.start()
	}
}

// leave takes a call from among the waiting whose caller has given up.
func (l *line) leave(gone *call) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if i := slices.Index(l.waiting, gone); i >= 0 {
		l.waiting = slices.Delete(l.waiting, i, i+1)
	}
}

// start starts a flight; mu is held.
func (l *line) start() {
	l.busy = true
	l.flight++
	go l.fly(l.flight)
}

// fly carries out what waits until nothing does, or until it was passed.
func (l *line) fly(number int) {
	for {
		batch := l.depart(number)
		if len(batch) == 0 {
			return
		}
		stuck := time.AfterFunc(stuckAfter, func() { l.pass(number) })
		pipe := l.client.Pipeline()
		for _, each := range batch {
			_ = pipe.Process(context.Background(), each.cmd) // it is only kept
		}
		ctx, cancel := context.WithTimeout(context.Background(), l.client.patience)
		_, _ = pipe.Exec(ctx) // each command has its own error
		cancel()
		stuck.Stop()
		for _, each := range batch {
			close(each.answered)
		}
	}
}

// depart takes what waits for a flight; nothing for one that is over.
func (l *line) depart(number int) []*call {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.flight != number {
		return nil // it was passed by another, which goes on
	}
	n := min(len(l.waiting), most)
	batch := l.waiting[:n:n]
	l.waiting, l.busy = slices.Clone(l.waiting[n:]), n > 0
	return batch
}

// pass lets what waits, and what comes, go without a flight that is stuck.
func (l *line) pass(number int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.flight != number:
	case len(l.waiting) > 0:
		l.start()
	default:
		l.flight++
		l.busy = false
	}
}
