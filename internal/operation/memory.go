package operation

import (
	"context"
	"errors"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

type leaseKey struct{}

// With returns a context in which Remember and Forget act for the lease's attempt.
func With(ctx context.Context, lease *Lease) context.Context {
	return context.WithValue(ctx, leaseKey{}, lease)
}

// Recall returns what was last remembered of a component, nil when nothing is.
// What a newer version remembered in a form of its own is a *workload.WaitError.
func (s *Store) Recall(ctx context.Context, component workload.Component) ([]byte, error) {
	known, err := s.batched.Get(ctx, s.known(component)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, nil
	}
	if err != nil {
		return nil, unavailable(err)
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

// Remember keeps a value, at least one byte, for a component until it is
// replaced or forgotten. The context must be an attempt's (see With) that
// still holds its lease on an operation of the component; ErrLost otherwise.
func (s *Store) Remember(ctx context.Context, component workload.Component, value []byte) error {
	if len(value) == 0 {
		return errors.New("operation: nothing to remember")
	}
	return s.setKnown(ctx, component, value)
}

// Forget removes what is remembered of a component, under the same conditions.
func (s *Store) Forget(ctx context.Context, component workload.Component) error {
	return s.setKnown(ctx, component, nil)
}

func (s *Store) setKnown(ctx context.Context, component workload.Component, value []byte) error {
	lease, ok := ctx.Value(leaseKey{}).(*Lease)
	if !ok || lease.lane != component.Digest()[:12] {
		return ErrLost
	}
	if stop := lease.Stopped(); errors.Is(stop, ErrLost) {
		return stop
	}
	k, sent := s.keysOf(lease.lane), s.opts.Now()
	state, err := rememberScript.Run(ctx, s.batched, []string{k.line(), k.live(), k.op(lease.Token), s.known(component)},
		k.prefix+"op:", lease.Token, lease.lane, lease.holder, Pack(value), s.opts.Lease.Milliseconds()).Text()
	if err != nil {
		return unavailable(err)
	}
	// A termination does not keep an attempt from remembering what it has done; it
	// is noticed before the next call.
	if err := lease.heard(state, sent, lease.store.opts.Replicas <= 0); errors.Is(err, ErrLost) {
		return err
	}
	return nil
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
