package operation

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// watch is what a store hears while it listens.
type watch struct {
	mu sync.Mutex
	// since is when the subscription that stands was confirmed; zero where none does.
	since time.Time
	told  map[string]bool // tokens of which was told since that their holder is to ask
}

const (
	// pingAfter is for how long a subscription may be silent before it is asked for
	// a sign of life, and how long that may take.
	pingAfter = time.Second
	// maxTold bounds the tokens that are kept.
	maxTold = 10_000
)

// Watch listens until ctx ends to what the scripts tell holders: that a termination
// was asked for, or that another attempt began. While it hears, Holds need not ask
// Redis before each call. It does nothing in a cluster, where nodes pass such words
// on among themselves and may lose them.
func (s *Store) Watch(ctx context.Context) {
	if _, cluster := s.redis.(*redis.ClusterClient); cluster {
		return
	}
	for ctx.Err() == nil {
		s.listen(ctx)
		s.watch.stands(time.Time{})
		select {
		case <-ctx.Done():
		case <-time.After(pingAfter):
		}
	}
}

// listen takes in what one subscription tells, until it breaks.
func (s *Store) listen(ctx context.Context) {
	words := s.redis.Subscribe(ctx, s.prefix+"tell")
	defer context.AfterFunc(ctx, func() { _ = words.Close() })()
	defer func() { _ = words.Close() }()
	for pinged := false; ; {
		word, err := words.ReceiveTimeout(ctx, pingAfter)
		var silence net.Error
		if errors.As(err, &silence) && silence.Timeout() && !pinged {
			pinged = true
			err = words.Ping(ctx)
		} else {
			pinged = false
		}
		if err != nil {
			return
		}
		switch word := word.(type) {
		case *redis.Subscription:
			s.watch.stands(s.opts.Now())
		case *redis.Message:
			s.watch.tell(word.Payload, s.opts.Now())
		}
	}
}

// stands begins anew: of what was told before, nothing is known.
func (w *watch) stands(since time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.since, w.told = since, nil
}

func (w *watch) tell(token string, now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.told) >= maxTold {
		w.since, w.told = now, nil
	}
	if w.told == nil {
		w.told = map[string]bool{}
	}
	w.told[token] = true
}

// silent reports whether nothing can have been told of an operation since a time
// that was not heard.
func (w *watch) silent(token string, since time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return !w.since.IsZero() && since.After(w.since) && !w.told[token]
}
