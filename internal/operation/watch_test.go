package operation

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

// watched is a store that listens, and a lease of it.
type watched struct {
	*Store
	asks  *asks
	lease *Lease
	other *Store // another process
}

// asks counts the questions that a client sends.
type asks struct{ sent atomic.Int64 }

func (a *asks) DialHook(next redis.DialHook) redis.DialHook { return next }

func (a *asks) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		a.sent.Add(1)
		return next(ctx, cmd)
	}
}

func (a *asks) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func watching(t *testing.T, server *redistest.Server) *watched {
	t.Helper()
	component := workload.NewComponent("watched", "dev")
	w := &watched{asks: &asks{}, other: New(Options{Redis: server.Client()})}
	client := server.Client()
	client.AddHook(w.asks)
	// Not a moment of freshness: what is not asked is known from listening.
	w.Store = New(Options{Redis: client, FreshFor: time.Nanosecond})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		w.Watch(ctx)
	}()
	t.Cleanup(func() { cancel(); <-ended })
	accepted, err := w.other.Accept(t.Context(), Request{Kind: workload.Provision, Component: component, Payload: []byte("p"), Hash: "x"})
	if err != nil {
		t.Fatal(err)
	}
	if w.lease, err = w.Begin(t.Context(), accepted.Token, component, 0); err != nil {
		t.Fatal(err)
	}
	return w
}

// until waits for what Redis tells; how soon is not told.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !holds(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("never: " + what)
		}
	}
}

// quiet waits until the lease is known to hold without a question.
func (w *watched) quiet(t *testing.T) {
	t.Helper()
	until(t, "Holds asks nothing", func() bool {
		before := w.asks.sent.Load()
		if err := w.lease.Holds(t.Context()); err != nil {
			t.Fatal(err)
		}
		return w.asks.sent.Load() == before
	})
}

func TestWhoListensNeedNotAsk(t *testing.T) {
	t.Parallel()
	w := watching(t, redistest.Start(t))
	w.quiet(t)
	if _, err := w.other.Terminate(t.Context(), w.lease.Token); err != nil {
		t.Fatal(err)
	}
	until(t, "the termination is heard", func() bool { return errors.Is(w.lease.Holds(t.Context()), ErrTerminating) })
}

// By its own clock a lease may still last when another attempt begins.
func TestATakeOverIsHeard(t *testing.T) {
	t.Parallel()
	for name, take := range map[string]func(w *watched) error{
		"another attempt begins": func(w *watched) error {
			_, err := w.other.Begin(t.Context(), w.lease.Token, workload.Component{}, 0)
			return err
		},
		"it is given up": func(w *watched) error {
			_, err := w.other.Abandon(t.Context(), w.lease.Token, 0, &workload.Failure{Code: workload.CodeRemoved, Message: "gone"})
			return err
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := watching(t, redistest.Start(t))
			w.quiet(t)
			key := w.keysOf(w.lease.lane).op(w.lease.Token)
			if err := w.other.redis.HSet(t.Context(), key, "until", 1).Err(); err != nil { // Redis's clock jumps
				t.Fatal(err)
			}
			if err := take(w); err != nil {
				t.Fatal(err)
			}
			until(t, "the lease is known to be lost", func() bool { return errors.Is(w.lease.Holds(t.Context()), ErrLost) })
		})
	}
}

// A word may be lost with the subscription; from then on it is asked again.
func TestABrokenSubscriptionHidesNothing(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	w := watching(t, server)
	w.quiet(t)
	if _, err := w.lease.store.redis.Do(t.Context(), "client", "kill", "type", "pubsub").Result(); err != nil {
		t.Fatal(err)
	}
	until(t, "the broken subscription is noticed", func() bool { return !w.watch.silent(w.lease.Token, w.opts.Now()) })
	if _, err := w.other.Terminate(t.Context(), w.lease.Token); err != nil {
		t.Fatal(err)
	}
	if err := w.lease.Holds(t.Context()); !errors.Is(err, ErrTerminating) {
		t.Errorf("while nobody listens: %v", err)
	}
}

// TestAHangingRedisIsNotHeard takes a subscription that gives no sign of life for none.
func TestAHangingRedisIsNotHeard(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	w := watching(t, server)
	w.quiet(t)
	server.Pause()
	defer server.Resume()
	until(t, "the silence is noticed", func() bool { return !w.watch.silent(w.lease.Token, w.opts.Now()) })
}

func TestWhatWasToldIsBounded(t *testing.T) {
	t.Parallel()
	var w watch
	start := time.Now()
	w.stands(start)
	w.tell("first", start)
	before := start.Add(time.Second)
	if w.silent("first", before) || !w.silent("second", before) || w.silent("second", start) {
		t.Error("it does not tell what was told")
	}
	for range maxTold {
		w.tell(newCaller(), start.Add(time.Minute))
	}
	if len(w.told) > maxTold || w.silent("second", before) || !w.silent("second", start.Add(time.Hour)) {
		t.Errorf("after %d words it does not begin anew", maxTold)
	}
}
