package operation_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// mute loses the answers to the next scripts, which Redis carries out.
type mute struct{ next int }

func (m *mute) DialHook(next redis.DialHook) redis.DialHook { return next }

func (m *mute) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if m.next > 0 {
			m.next--
			err = errors.New("the connection broke")
			cmd.SetErr(err)
		}
		return err
	}
}

func (m *mute) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// Who was lent an operation without knowing it has not died with it.
func TestABeginWhoseAnswerIsLostIsTakenBack(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	hook := &mute{}
	client.AddHook(hook)
	store := newStore(t, client)
	other := newStore(t, client, func(o *operation.Options) { o.Instance = "other" })
	begin(t, other, accept(t, other, "x")) // teaches Redis the scripts
	token := accept(t, store, "x")
	for range 2 {
		hook.next = 1
		if _, err := store.Begin(t.Context(), token, component, 0); workload.AsFailure(err).Code != workload.CodeUnavailable {
			t.Fatalf("begun: %v", err)
		}
		if status, err := store.Status(t.Context(), token); err != nil || status.Attempts != 0 || !status.StartedAt.IsZero() {
			t.Errorf("%+v, %v", status, err)
		}
	}
	lease := begin(t, store, token)
	if lease.Number != 1 || lease.Crashes != 0 || !lease.First || lease.Resumed {
		t.Errorf("%+v", lease)
	}
	if err := lease.Release(t.Context(), operation.AfterFailure, 0); err != nil {
		t.Fatal(err)
	}
	hook.next = 1
	_, err := store.Begin(t.Context(), token, component, 0)
	if lease := begin(t, store, token); err == nil || lease.Number != 2 || lease.Crashes != 0 || lease.First {
		t.Errorf("%+v, %v", lease, err)
	}
}

// twice sends every script a second time and hands out the second answer, as a
// client does whose connection broke after Redis had carried the script out.
type twice struct {
	between func() // happens once, before the next second time
}

func (w *twice) DialHook(next redis.DialHook) redis.DialHook { return next }

func (w *twice) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		err := next(ctx, cmd)
		if err != nil || cmd.Name() != "evalsha" && cmd.Name() != "eval" {
			return err
		}
		if between := w.between; between != nil {
			w.between = nil
			between()
		}
		return next(ctx, cmd)
	}
}

func (w *twice) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

// An acceptance whose answer was lost is repeated after more has happened.
func TestARepeatedAcceptanceChangesNothing(t *testing.T) {
	t.Parallel()
	request := func(hash string) operation.Request {
		return operation.Request{Kind: workload.Provision, Component: component, Payload: []byte("p"), Hash: hash}
	}
	only := func(t *testing.T, store *operation.Store) operation.Unfinished {
		t.Helper()
		found, err := store.Look(t.Context(), []string{component.Digest()[:12]})
		if err != nil || len(found) == 0 {
			t.Fatalf("%+v, %v", found, err)
		}
		return found[0]
	}
	cases := map[string]struct {
		meanwhile func(t *testing.T, other *operation.Store)
		left      int // unfinished operations afterwards
		head      bool
	}{
		"another operation was accepted": {
			meanwhile: func(t *testing.T, other *operation.Store) { accept(t, other, "y") },
			left:      2, head: true,
		},
		"it has begun": {
			meanwhile: func(t *testing.T, other *operation.Store) { begin(t, other, only(t, other).Token) },
			left:      1, head: true,
		},
		"a repeat of the request was told its token, and it has ended": {
			meanwhile: func(t *testing.T, other *operation.Store) {
				token := accept(t, other, "x")
				if _, err := begin(t, other, token).Finish(t.Context(), operation.End{Outcome: &workload.Outcome{}}); err != nil {
					t.Fatal(err)
				}
			},
		},
		"it has ended, and another was accepted": {
			meanwhile: func(t *testing.T, other *operation.Store) {
				if _, err := other.Terminate(t.Context(), only(t, other).Token); err != nil {
					t.Fatal(err)
				}
				accept(t, other, "y")
			},
			left: 1,
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t)
			other := newStore(t, server.Client())
			client := server.Client()
			var before workload.Status
			client.AddHook(&twice{between: func() {
				token := only(t, other).Token
				c.meanwhile(t, other)
				var err error
				if before, err = other.Status(t.Context(), token); err != nil {
					t.Fatal(err)
				}
			}})
			got, err := newStore(t, client).Accept(t.Context(), request("x"))
			if want := (operation.Accepted{Token: before.Token, Head: c.head}); err != nil || !cmp.Equal(got, want) {
				t.Errorf("accepted %+v, %v, want %+v", got, err, want)
			}
			after, err := other.Status(t.Context(), before.Token)
			if err != nil || after.State != before.State || after.Attempts != before.Attempts || !after.AcceptedAt.Equal(before.AcceptedAt) {
				t.Errorf("it was %+v and is %+v, %v", before, after, err)
			}
			found, err := other.Look(t.Context(), []string{component.Digest()[:12]})
			if err != nil || len(found) != c.left {
				t.Errorf("%d operations are unfinished, want %d: %+v, %v", len(found), c.left, found, err)
			}
		})
	}
}

// A release whose answer was lost must not look like a lost lease, or the
// back-off would be cut short.
func TestARepeatedReleaseIsRefusedOnlyOnceAnotherBegan(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	other, client := newStore(t, server.Client()), server.Client()
	hook := &twice{}
	client.AddHook(hook)
	store := newStore(t, client)
	lease := begin(t, store, accept(t, store, "x"))
	if err := lease.Release(t.Context(), operation.AfterFailure, time.Minute); err != nil {
		t.Errorf("released: %v", err)
	}
	lease = begin(t, store, lease.Token)
	if lease.Failed != 1 {
		t.Errorf("%d failures are counted", lease.Failed)
	}
	hook.between = func() { begin(t, other, lease.Token) }
	if err := lease.Release(t.Context(), operation.AfterInterruption, 0); !errors.Is(err, operation.ErrLost) {
		t.Errorf("released after another began: %v", err)
	}
}
