package worker_test

import (
	"context"
	"fmt"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

func TestOnARedisCluster(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	cluster := redistest.StartCluster(t, 3)
	h := newHouse(t, cluster.Client())
	sweeper := h.sweeper(t)
	g := newGatekeeper()
	book := newLedger()
	var tokens []string
	for c := range 20 { // components in many slots, each with a line
		for n := range 4 {
			tokens = append(tokens, h.submit(t, versioned(workload.Provision, "c"+strconv.Itoa(c), strconv.Itoa(n))))
		}
	}
	tokens = append(tokens, h.submit(t, order(workload.Validate, "c1")), h.submit(t, order(workload.Reverse, "")))
	if err := sweeper.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	held := h.submit(t, order(workload.Provision, "held"))
	h.start(func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		if work.Component.ID == "held" {
			return g.perform(ctx, work, attempt)
		}
		lane := work.Component.ID + work.DataProduct.ID
		if attempt.Token[len(attempt.Token)-12:] == work.Component.Digest()[:12] {
			book.enter(lane, work.DataProduct.Version)
			defer book.leave(lane)
			if err := h.store.Remember(ctx, work.Component, []byte(work.DataProduct.Version)); err != nil {
				return workload.Outcome{}, err
			}
		}
		return done("ok"), attempt.Holds()
	})
	for _, token := range tokens {
		if status := h.untilTerminal(t, token); status.State != workload.Completed {
			t.Errorf("%+v", status)
		}
	}
	if len(book.wrong) > 0 {
		t.Error(book.wrong)
	}
	for c := range 20 {
		id := "c" + strconv.Itoa(c)
		if got := fmt.Sprint(book.order[id]); got != "[0 1 2 3]" {
			t.Errorf("%s ran in the order %s", id, got)
		}
		if known, err := h.store.Recall(ctx, workload.NewComponent(id, "dev")); string(known) != "3" || err != nil {
			t.Errorf("%s: %q, %v", id, known, err)
		}
	}
	g.next(t)
	if status, err := h.queue.Terminate(ctx, held); err != nil || status.State != workload.Terminating {
		t.Errorf("%+v, %v", status, err)
	}
	if status := h.untilTerminal(t, held); status.State != workload.Terminated {
		t.Errorf("%+v", status)
	}
	if risks, err := h.store.Risks(ctx); err != nil || len(risks) != 1 {
		t.Errorf("risks %q, %v", risks, err)
	}
}

// A failover loses what no replica had yet: the token is answered when one has
// the record, and a task that is lost is made again.
func TestASentinelFailoverLosesNoAcceptedToken(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	sentinels := redistest.StartSentinels(t, redistest.AOF())
	client := sentinels.Client()
	h := newHouse(t, client, func(o *operation.Options) { o.Replicas = 1 })
	// As every worker does from its start: by the node that it knows it tells what a failover lost from what an operator removed.
	sweeper := h.sweeper(t)
	if err := sweeper.Sweep(ctx); err != nil {
		t.Fatal(err)
	}
	h.start(func(_ context.Context, _ workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		return done("ok"), attempt.Holds()
	})
	var (
		mu       sync.Mutex
		accepted []string
		enough   atomic.Bool
		all      sync.WaitGroup
	)
	for s := range 4 {
		all.Go(func() {
			for n := 0; !enough.Load(); n++ {
				token, err := h.queue.Submit(ctx, order(workload.Provision, fmt.Sprintf("c%d.%d", s, n)))
				if err != nil {
					continue
				}
				mu.Lock()
				accepted = append(accepted, token)
				mu.Unlock()
			}
		})
	}
	more := func() { untilMore(t, &mu, &accepted) }
	more()
	sentinels.KillMaster()
	more()
	enough.Store(true)
	all.Wait()
	t.Logf("%d accepted", len(accepted))
	for _, token := range accepted {
		status := h.sweepUntil(t, sweeper, token, "the end", func(s workload.Status) bool { return s.State.Terminal() })
		if status.State != workload.Completed {
			t.Errorf("%s: %+v", token, status)
		}
	}
}

func TestANodeIsAskedWhereItsKeysAre(t *testing.T) {
	t.Parallel()
	var client redis.UniversalClient = redistest.StartCluster(t, 3).Client()
	store := operation.New(operation.Options{Redis: client})
	for _, key := range []string{"a", "b", "c", "d"} {
		if since, err := store.Unbroken(context.Background(), key); !since.IsZero() || err != nil {
			t.Errorf("%s: %v, %v", key, since, err)
		}
	}
}
