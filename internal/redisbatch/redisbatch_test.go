package redisbatch_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/redisbatch"
	"airbyte-provisioner/internal/redistest"
)

// mine sends every batched command for a key of its own and compares the answers.
func mine(ctx context.Context, client redis.UniversalClient, script *redis.Script, key string) error {
	if got, err := script.Run(ctx, client, []string{"{" + key + "}:l", "{" + key + "}:h", "{" + key + "}:s"}, key).Text(); got != key || err != nil {
		return fmt.Errorf("the script answered %q, %w", got, err)
	}
	if got, err := client.HMGet(ctx, "{"+key+"}:h", "a", "none", "b").Result(); err != nil || fmt.Sprint(got) != fmt.Sprint([]any{key, nil, "2"}) {
		return fmt.Errorf("HMGET answered %v, %w", got, err)
	}
	if got, err := client.Get(ctx, "{"+key+"}:s").Result(); got != key || err != nil {
		return fmt.Errorf("GET answered %q, %w", got, err)
	}
	if got, err := client.LIndex(ctx, "{"+key+"}:l", -1).Result(); got != key || err != nil {
		return fmt.Errorf("LINDEX answered %q, %w", got, err)
	}
	if err := client.Get(ctx, "{"+key+"}:none").Err(); !errors.Is(err, redis.Nil) {
		return fmt.Errorf("GET of nothing: %w", err)
	}
	if err := client.Get(ctx, "{"+key+"}:h").Err(); !redis.HasErrorPrefix(err, "WRONGTYPE") {
		return fmt.Errorf("GET of a hash: %w", err)
	}
	return nil
}

func newScript() *redis.Script {
	return redis.NewScript(`
redis.call('RPUSH', KEYS[1], ARGV[1])
redis.call('HSET', KEYS[2], 'a', ARGV[1], 'b', '2')
redis.call('SET', KEYS[3], ARGV[1])
return ARGV[1]`)
}

func TestEachGetsItsOwnAnswers(t *testing.T) {
	t.Parallel()
	for name, client := range map[string]redis.UniversalClient{
		"one node": redistest.Start(t).Client(),
		"cluster":  redistest.StartCluster(t, 3).Client(),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			batched := redisbatch.New(client)
			script := newScript() // Redis does not know it: the first in need of it teach it
			var group sync.WaitGroup
			for i := range 50 {
				group.Go(func() {
					for j := range 20 {
						if err := mine(t.Context(), batched, script, fmt.Sprintf("key-%d-%d", i, j)); err != nil {
							t.Error(err)
							return
						}
					}
				})
			}
			group.Wait()
		})
	}
}

// counts counts pipelines and the commands in them, but for those by which a
// connection is set up.
type counts struct {
	mu               sync.Mutex
	flights, carried int
	largest          int
}

func (c *counts) DialHook(next redis.DialHook) redis.DialHook          { return next }
func (c *counts) ProcessHook(next redis.ProcessHook) redis.ProcessHook { return next }

func (c *counts) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		if cmds[0].Name() == "client" {
			return next(ctx, cmds)
		}
		c.mu.Lock()
		c.flights++
		c.carried += len(cmds)
		c.largest = max(c.largest, len(cmds))
		c.mu.Unlock()
		return next(ctx, cmds)
	}
}

// While Redis is stopped, those who come later are not held up by those before,
// and everybody can give up. When it goes on, all who waited are answered.
func TestAStoppedRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ReadTimeout: time.Minute, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	counted := &counts{}
	client.AddHook(counted)
	batched := redisbatch.New(client)
	if err := batched.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Fatal(err)
	}
	server.Pause()
	patient := make(chan error, 1)
	go func() { patient <- batched.Get(t.Context(), "k").Err() }()
	for range 8 { // longer than any time of its own that a batch might have
		short, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		if err := batched.HMGet(short, "k", "f").Err(); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a command of a caller who gives up: %v", err)
		}
		cancel()
	}
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	if err := batched.EvalSha(gone, "sha", []string{"k"}).Err(); !errors.Is(err, context.Canceled) {
		t.Errorf("a command of a caller who is gone: %v", err)
	}
	counted.mu.Lock()
	flights := counted.flights
	counted.mu.Unlock()
	if flights < 3 {
		t.Errorf("%d flights: later commands wait behind one that is stuck", flights)
	}
	server.Resume()
	if err := <-patient; !errors.Is(err, redis.Nil) {
		t.Errorf("who waited got %v", err)
	}
	if err := mine(t.Context(), batched, newScript(), "after"); err != nil {
		t.Error(err)
	}
}

// What comes while others are under way goes together.
func TestWhatWaitsGoesTogether(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := server.Client()
	counted := &counts{}
	client.AddHook(counted)
	batched := redisbatch.New(client)
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			for range 20 {
				_ = batched.Get(t.Context(), "k").Err()
			}
		})
	}
	group.Wait()
	if counted.flights > 2000 {
		t.Errorf("%d commands in %d flights", counted.carried, counted.flights)
	}
}

// Nobody waits for the node of somebody else's key.
func TestAStoppedNodeHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	nodes := redistest.StartCluster(t, 3)
	client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: nodes.Addrs(), ReadTimeout: time.Minute, ContextTimeoutEnabled: true})
	t.Cleanup(func() { _ = client.Close() })
	batched := redisbatch.New(client)
	stopped := nodes.Nodes[0]
	there, elsewhere := "", ""
	for i := 0; there == "" || elsewhere == ""; i++ {
		key := fmt.Sprintf("key-%d", i)
		node, err := client.MasterForKey(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		if node.Options().Addr == stopped.Addr() {
			there = key
		} else {
			elsewhere = key
		}
	}
	stopped.Pause()
	over := make(chan struct{})
	var hopeless sync.WaitGroup
	for range 20 { // they come again and again, so that each batch would have one of them
		hopeless.Go(func() {
			for {
				select {
				case <-over:
					return
				default:
				}
				short, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
				if err := batched.Get(short, there).Err(); !errors.Is(err, context.DeadlineExceeded) {
					t.Errorf("a command for a node that is stopped: %v", err)
				}
				cancel()
			}
		})
	}
	for range 50 {
		bounded, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		if err := batched.Get(bounded, elsewhere).Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("a command for a node that works: %v", err)
			cancel()
			break
		}
		cancel()
	}
	close(over)
	hopeless.Wait()
	stopped.Resume()
	if err := batched.Get(t.Context(), there).Err(); !errors.Is(err, redis.Nil) {
		t.Errorf("a command for the node that goes on: %v", err)
	}
}

// However many wait, no batch is so large that its answers take long.
func TestABatchIsBounded(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ReadTimeout: time.Minute})
	t.Cleanup(func() { _ = client.Close() })
	counted := &counts{}
	client.AddHook(counted)
	batched := redisbatch.New(client)
	server.Pause()
	var group sync.WaitGroup
	for range 2000 {
		group.Go(func() {
			if err := batched.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
				t.Error(err)
			}
		})
	}
	server.Resume()
	group.Wait()
	if counted.carried != 2000 || counted.largest > 500 {
		t.Errorf("%d commands, up to %d at once", counted.carried, counted.largest)
	}
}

// What nobody waits for any more is not sent. A busy machine may take so long
// that a new flight is under way before the caller gives up, which is right, too:
// so it is tried again.
func TestWhoGivesUpBeforeItsCommandGoesSendsNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	for range 20 {
		if giveUp(t, server) == 2 {
			return
		}
	}
	t.Error("the command of who gave up was always sent")
}

// giveUp has one command of three given up while the first is on its way, and
// returns how many were sent.
func giveUp(t *testing.T, server *redistest.Server) int {
	t.Helper()
	client := redis.NewClient(&redis.Options{Addr: server.Addr(), ReadTimeout: time.Minute, ContextTimeoutEnabled: true})
	defer func() { _ = client.Close() }()
	counted := &counts{}
	client.AddHook(counted)
	batched := redisbatch.New(client)
	server.Pause()
	first := make(chan error, 1)
	go func() { first <- batched.Get(t.Context(), "k").Err() }()
	for gone := false; !gone; { // until the first is on its way
		counted.mu.Lock()
		gone = counted.flights > 0
		counted.mu.Unlock()
	}
	short, cancel := context.WithTimeout(t.Context(), time.Millisecond)
	defer cancel()
	if err := batched.Get(short, "k").Err(); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("who gave up got %v", err)
	}
	server.Resume()
	if err := <-first; !errors.Is(err, redis.Nil) {
		t.Error(err)
	}
	if err := batched.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) {
		t.Error(err)
	}
	counted.mu.Lock()
	defer counted.mu.Unlock()
	return counted.carried
}

// A server that became a replica refuses writes. A lone command then goes over a
// new connection, which may lead to another server; so must one in a batch
// whose first command is not refused.
func TestARefusedCommandOfABatchGoesAgain(t *testing.T) {
	t.Parallel()
	before, after := redistest.Start(t), redistest.Start(t)
	var addr atomic.Value
	addr.Store(before.Addr())
	client := redis.NewClient(&redis.Options{
		PoolSize: 1, ReadTimeout: time.Minute,
		Dialer: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, addr.Load().(string))
		},
	})
	t.Cleanup(func() { _ = client.Close() })
	batched := redisbatch.New(client)
	script := newScript()
	for _, server := range []*redistest.Server{before, after} {
		if err := script.Load(t.Context(), server.Client()).Err(); err != nil {
			t.Fatal(err)
		}
	}
	if err := batched.Get(t.Context(), "k").Err(); !errors.Is(err, redis.Nil) { // the connection is there
		t.Fatal(err)
	}
	old := before.Client()
	if err := old.Do(t.Context(), "replicaof", "127.0.0.1", after.Port()).Err(); err != nil {
		t.Fatal(err)
	}
	addr.Store(after.Addr())
	before.Pause()
	var group sync.WaitGroup
	read := func() {
		group.Go(func() {
			if err := batched.HMGet(t.Context(), "h", "f").Err(); err != nil {
				t.Errorf("a read: %v", err)
			}
		})
	}
	for range 100 {
		read()
	}
	group.Go(func() {
		if err := script.Run(t.Context(), batched, []string{"l", "h", "s"}, "v").Err(); err != nil {
			t.Errorf("a write: %v", err)
		}
	})
	for range 100 {
		read()
	}
	before.Resume()
	group.Wait()
	if got := after.Client().Get(t.Context(), "s").Val(); got != "v" {
		t.Errorf("the new master holds %q", got)
	}
}
