package worker_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"testing"

	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"

	"golang.org/x/sync/errgroup"
)

// ledger notes who works on which component and complains about two at once.
type ledger struct {
	mu    sync.Mutex
	busy  map[string]string
	order map[string][]string
	wrong []string
}

func newLedger() *ledger { return &ledger{busy: map[string]string{}, order: map[string][]string{}} }

func (l *ledger) enter(component, token string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if other := l.busy[component]; other != "" {
		l.wrong = append(l.wrong, fmt.Sprintf("%s and %s work on %s at once", other, token, component))
	}
	l.busy[component] = token
	l.order[component] = append(l.order[component], token)
}

func (l *ledger) leave(component string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.busy, component)
}

// The order in which operations on a component are accepted is that in which
// they run, whoever submits and works; each component is submitted to by one
// goroutine after another's hand-over, so that the order is known.
func TestOrderHoldsWithManySubmittersAndWorkers(t *testing.T) {
	t.Parallel()
	const components, operations, submitters, workers = 12, 15, 4, 3
	server := redistest.Start(t)
	book := newLedger()
	work := func(_ context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		book.enter(work.Component.ID, attempt.Token)
		defer book.leave(work.Component.ID)
		if err := attempt.Holds(); err != nil {
			return workload.Outcome{}, err
		}
		return done("ok"), nil
	}
	houses := make([]*house, workers)
	for i := range houses {
		houses[i] = newHouse(t, server.Client())
		houses[i].start(work, func(_ *worker.Options, s *queue.ServerOptions) { s.Concurrency = 3 })
	}
	var (
		group    errgroup.Group
		mu       sync.Mutex
		accepted = map[string][]string{}
		locks    [components]sync.Mutex // submissions to one component are one after the other
	)
	for s := range submitters {
		h := newHouse(t, server.Client())
		group.Go(func() error {
			for n := range operations {
				for c := range components {
					id := "c" + strconv.Itoa(c)
					kind := []workload.Kind{workload.Provision, workload.Unprovision, workload.UpdateACL}[n%3]
					locks[c].Lock()
					token, err := h.queue.Submit(context.Background(), versioned(kind, id, fmt.Sprintf("%d.%d", s, n)))
					if err == nil {
						mu.Lock()
						accepted[id] = append(accepted[id], token)
						mu.Unlock()
					}
					locks[c].Unlock()
					if err != nil {
						return err
					}
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, tokens := range accepted {
		for _, token := range tokens {
			if status := houses[0].untilTerminal(t, token); status.State != workload.Completed {
				t.Errorf("%s ended %s: %s", token, status.State, status.Result)
			}
		}
	}
	book.mu.Lock()
	defer book.mu.Unlock()
	for _, wrong := range book.wrong {
		t.Error(wrong)
	}
	for id, tokens := range accepted {
		if len(tokens) != submitters*operations {
			t.Errorf("%s: %d operations accepted", id, len(tokens))
		}
		if fmt.Sprint(book.order[id]) != fmt.Sprint(tokens) {
			t.Errorf("%s: accepted %v, done %v", id, tokens, book.order[id])
		}
	}
}

func TestWaitingOperationsTakeNoSlot(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	h.start(func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		if work.Component.ID == "slow" {
			return g.perform(ctx, work, attempt)
		}
		return done("ok"), nil
	}, func(_ *worker.Options, s *queue.ServerOptions) { s.Concurrency = 2 })
	var slow []string
	for n := range 10 {
		slow = append(slow, h.submit(t, versioned(workload.Provision, "slow", strconv.Itoa(n))))
	}
	g.next(t)
	for n := range 10 { // with one slot left, the others pass
		if status := h.untilTerminal(t, h.submit(t, order(workload.Provision, "quick"+strconv.Itoa(n)))); status.State != workload.Completed {
			t.Fatalf("status %+v", status)
		}
	}
	for n, token := range slow {
		g.answers <- nil
		if status := h.untilTerminal(t, token); status.State != workload.Completed || status.Attempts != 1 {
			t.Fatalf("waiting operation %d: %+v", n, status)
		}
	}
}

func TestValidationsTakeAtMostHalfOfTheSlots(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	validations, provisions := newGatekeeper(), newGatekeeper()
	for n := range 6 {
		h.submit(t, order(workload.Validate, "v"+strconv.Itoa(n)))
	}
	h.start(func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		if work.Component.ID[0] == 'v' {
			return validations.perform(ctx, work, attempt)
		}
		return provisions.perform(ctx, work, attempt)
	}, func(_ *worker.Options, s *queue.ServerOptions) { s.Concurrency = 4 })
	validations.next(t)
	validations.next(t)
	for n := range 2 { // half of the slots are there for others, however many validations wait
		h.submit(t, order(workload.Provision, "p"+strconv.Itoa(n)))
		provisions.next(t)
	}
	if n := len(validations.came); n != 0 {
		t.Errorf("%d validations more than half of the slots", n)
	}
	for range 4 { // as one ends, the next begins
		validations.answers <- nil
		validations.next(t)
	}
	if n := len(validations.came); n != 0 {
		t.Errorf("%d validations more than half of the slots", n)
	}
}

func TestAPoolForValidationsAloneUsesAllSlots(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	h.start(g.perform, func(_ *worker.Options, s *queue.ServerOptions) {
		s.Concurrency, s.Queues = 3, map[string]int{"validate": 1}
	})
	for n := range 3 {
		h.submit(t, order(workload.Validate, "v"+strconv.Itoa(n)))
	}
	for range 3 {
		g.next(t)
	}
}

// A pool takes from its own queues alone; the line of a component goes through all of them.
func TestPoolsServeTheirQueuesAlone(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	pool := func(queues ...string) func(*worker.Options, *queue.ServerOptions) {
		return func(_ *worker.Options, s *queue.ServerOptions) {
			s.Queues = map[string]int{}
			for _, name := range queues {
				s.Queues[name] = 1
			}
		}
	}
	only := func(kinds ...workload.Kind) performer {
		return func(_ context.Context, work workload.Work, _ workload.Attempt) (workload.Outcome, error) {
			if kind := workload.Kind(work.DataProduct.Version); !slices.Contains(kinds, kind) {
				t.Errorf("a pool for %v got a %s", kinds, kind)
			}
			return done("ok"), nil
		}
	}
	h.start(only(workload.UpdateACL, workload.Validate), pool("access", "validate"))
	of := func(kind workload.Kind) workload.Order { return versioned(kind, "c", string(kind)) }
	first := h.submit(t, of(workload.Provision))
	second := h.submit(t, of(workload.UpdateACL)) // stands behind the first
	h.untilTerminal(t, h.submit(t, of(workload.Validate)))
	for _, token := range []string{first, second} {
		if status, err := h.queue.Status(context.Background(), token); err != nil || status.State != workload.Running || status.Attempts != 0 {
			t.Errorf("%+v, %v", status, err)
		}
	}
	h.start(only(workload.Provision), pool("provision"))
	for _, token := range []string{first, second} {
		if status := h.untilTerminal(t, token); status.State != workload.Completed {
			t.Errorf("%+v", status)
		}
	}
}

func TestReadingOperationsOnOneComponentRunTogether(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	g := newGatekeeper()
	h.start(g.perform)
	h.submit(t, order(workload.Provision, "c"))
	h.submit(t, order(workload.Validate, "c"))
	h.submit(t, order(workload.Validate, "c"))
	h.submit(t, order(workload.Reverse, ""))
	for range 4 {
		g.next(t)
	}
}
