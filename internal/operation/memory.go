package operation

import (
	"context"
	"errors"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

type leaseKey struct{}

// With returns a context in which Remember and Note act for the lease's attempt.
func With(ctx context.Context, lease *Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, lease)
}

// Recall returns what was last remembered of a component, nil when nothing is.
// What a newer version remembered in a form of its own is a *workload.WaitError.
func (s *Store) Recall(ctx context.Context, component workload.Component) ([]byte, error) {
	known, err := s.packed(ctx, component)
	if err != nil || len(known) == 0 {
		return nil, err
	}
	value, err := Unpack(known)
	switch {
	case errors.Is(err, ErrNewer):
		return nil, workload.LeftToNewer("What is remembered of this component")
	case err != nil:
		return known, nil //nolint:nilerr // what it was is lost; the caller finds that out and begins anew
	}
	return value, nil
}

// packed is what Redis has of a component. In an attempt that is what Begin read,
// since nobody else may write it.
func (s *Store) packed(ctx context.Context, component workload.Component) ([]byte, error) {
	if lease, err := leaseOn(ctx, component); err == nil {
		lease.mu.Lock()
		known := lease.known
		lease.mu.Unlock()
		if known.at == s.known(component) {
			return known.packed, nil
		}
	}
	known, err := s.batched.Get(ctx, s.known(component)).Bytes()
	if err != nil && !errors.Is(err, redis.Nil) {
		return nil, unavailable(err)
	}
	return known, nil
}

// Remember keeps a value, at least one byte, for a component until it is
// replaced or forgotten. The context must be an attempt's (see With) that
// still holds its lease on an operation of the component; ErrLost otherwise.
func (s *Store) Remember(ctx context.Context, component workload.Component, value []byte) error {
	if len(value) == 0 {
		return errors.New("operation: nothing to remember")
	}
	lease, err := leaseOn(ctx, component)
	if err != nil {
		return err
	}
	if stop := lease.Stopped(); errors.Is(stop, ErrLost) {
		return stop
	}
	sent := s.opts.Now()
	now := storedKnown{at: s.known(component), packed: Pack(value)}
	r, err := s.run(ctx, rememberScript, target{lease.Token, lease.lane, now.at},
		lease.holder, now.packed, s.opts.Lease.Milliseconds())
	if err != nil {
		return err
	}
	// A termination does not keep an attempt from remembering what it has done; it
	// is noticed before the next call.
	if err := lease.heard(r.word(), sent, s.opts.Replicas <= 0); errors.Is(err, ErrLost) {
		return err
	}
	lease.mu.Lock()
	defer lease.mu.Unlock()
	lease.known, lease.note = now, nil // it is newer than what was noted
	return nil
}

// Note is a Remember that is written with the end of the attempt, in one step
// with it; no value forgets the component. An attempt that ends without a word
// takes its note along, and without a lease on the component nothing is noted.
func (s *Store) Note(ctx context.Context, component workload.Component, value []byte) {
	if lease, err := leaseOn(ctx, component); err == nil {
		lease.noting(&note{at: s.known(component), value: value})
	}
}

// leaseOn is the lease of the context's attempt on an operation of the component.
func leaseOn(ctx context.Context, component workload.Component) (*Lease, error) {
	lease, ok := ctx.Value(leaseKey{}).(*Lease)
	if !ok || lease.lane != component.Digest()[:12] {
		return nil, ErrLost
	}
	return lease, nil
}

// storedKnown is what is known of a component as Redis holds it.
type storedKnown struct {
	at     string // its key
	packed []byte
}

// note is a value for what is known of a component.
type note struct {
	at    string // its key
	value []byte
}

// key is where the value belongs; empty where there is no note.
func (n *note) key() string {
	if n == nil {
		return ""
	}
	return n.at
}

// packed is the value for Redis; empty to forget.
func (n *note) packed() []byte {
	if n == nil || len(n.value) == 0 {
		return nil
	}
	return Pack(n.value)
}

func (l *Lease) noting(n *note) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.note = n
}

func (l *Lease) noted() *note {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.note
}

// Keep returns the installation's value of a name, which the first caller
// gives it: for what must be made once, like a key. made says that this call did.
func (s *Store) Keep(ctx context.Context, name string, value []byte) (kept []byte, made bool, err error) {
	key := s.prefix + "kept:" + name
	if made, err = s.redis.SetNX(ctx, key, value, 0).Result(); err != nil {
		return nil, false, unavailable(err)
	}
	if kept, err = s.redis.Get(ctx, key).Bytes(); err != nil {
		return nil, false, unavailable(err)
	}
	return kept, made, nil
}
