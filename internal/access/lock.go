package access

import (
	"context"
	"encoding/json"
	"math/rand/v2"
	"sync"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
)

const (
	// lockTime is for how long a silent holder keeps others out.
	lockTime = 30 * time.Second
	// patience is how long an operation waits for a lock before it gives its worker's slot back.
	patience = 2 * time.Second
	// again is when an operation that did so comes back.
	again = time.Second
)

// lock is the right to change some users of a workspace.
type lock struct {
	ledger
	owner string
	keys  []string
	done  chan struct{}
	beats sync.WaitGroup
}

// lock waits a little for the users to be free and takes them all. Where they
// stay busy it returns a *workload.WaitError.
func (l ledger) lock(ctx context.Context, attempt workload.Attempt, users []string) (*lock, error) {
	held := &lock{ledger: l, owner: ownerOf(attempt), done: make(chan struct{})}
	for _, user := range users {
		held.keys = append(held.keys, l.key("lock", user))
	}
	over := time.NewTimer(patience)
	defer over.Stop()
	for pause := 20 * time.Millisecond; ; pause = min(2*pause, 300*time.Millisecond) {
		taken, err := lockScript.Run(ctx, l.redis, held.keys, held.owner, attempt.Token+":", lockTime.Milliseconds()).Int()
		if err != nil {
			return nil, unavailable(err)
		}
		if taken == 1 {
			held.beats.Go(func() { held.beat(ctx) })
			return held, nil
		}
		select {
		case <-time.After(pause/2 + rand.N(pause)): //nolint:gosec // no secret
		case <-over.C:
			return nil, &workload.WaitError{For: again, Why: "Waiting for another component's change of access for the same users."}
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ownerOf names an attempt; all attempts at one operation start with its token.
func ownerOf(attempt workload.Attempt) string {
	return attempt.Token + ":" + uuid.NewString()
}

// beat prolongs the lock until it is given up: a call to Airbyte may take longer than lockTime.
func (l *lock) beat(ctx context.Context) {
	ticker := time.NewTicker(lockTime / 4)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			_ = l.holds(ctx) // whether it is lost shows at the next write
		case <-l.done:
			return
		case <-ctx.Done():
			return
		}
	}
}

// holds returns nil while the lock is this attempt's, and prolongs it.
func (l *lock) holds(ctx context.Context) error {
	all, err := holdScript.Run(ctx, l.redis, l.keys, l.owner, lockTime.Milliseconds()).Int()
	if err != nil {
		return unavailable(err)
	}
	if all == 0 {
		return lost()
	}
	return nil
}

// release gives the lock up. Where Redis is away, it lapses.
func (l *lock) release(ctx context.Context) {
	close(l.done)
	l.beats.Wait()
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = holdScript.Run(bounded, l.redis, l.keys, l.owner, 0).Err()
}

// write writes what is known of a user: the grant, nil for none, and whether the component wants it.
func (l *lock) write(ctx context.Context, user string, g *grant, wanted bool) error {
	text := ""
	if g != nil {
		raw, err := json.Marshal(g)
		if err != nil {
			return err
		}
		text = string(raw)
	}
	want := 0
	if wanted {
		want = 1
	}
	keys := []string{l.key("lock", user), l.key("user", user), l.key("wanted", user), l.wants()}
	written, err := writeScript.Run(ctx, l.redis, keys, l.owner, text, l.member(), user, want).Int()
	if err != nil {
		return unavailable(err)
	}
	if written == 0 {
		return lost()
	}
	return nil
}

// lost is the failure of an attempt that was silent for longer than lockTime.
func lost() error {
	return &workload.Failure{
		Code: workload.CodeUnavailable, Phase: workload.PhaseAccess,
		Message:   "Another operation took over the users whose access was being changed, because this one was silent for too long.",
		Solutions: []string{"Ask the operators of the Airbyte provisioner whether its workers or Redis have too much to do."},
		Retry:     true,
	}
}
