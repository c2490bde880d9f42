package chaos

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"testing"

	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// TestStoppedWorker stops a worker (SIGSTOP) with one operation at each of
// several calls, lets another worker take all of them over and finish them, and
// goes on with a further version; then the first worker continues (SIGCONT), and
// must change nothing any more.
func TestStoppedWorker(t *testing.T) {
	t.Parallel()
	h := newHouse(t, redisSettings{"REDIS_URL": redistest.Start(t).URL()}, nil)
	h.staff(1, 2)
	first, second := h.workers[0], h.workers[1]
	for _, s := range []*slot{h.apis[0], first} {
		s.start()
		s.await()
	}
	steps := []struct {
		operation string
		acts      bool // before it is held; what does not act then acts when the worker continues
		// beside is the last call of the attempt's other branch, which is awaited, so
		// that it is not taken for a later step's.
		beside string
	}{
		{"sources/list", false, "destinations/list"},
		{"destinations/list", true, "sources/list"},
		{"scheduler/destinations/check_connection", false, "sources/discover_schema"},
		{"sources/create", true, "destinations/create"},
		{"sources/discover_schema", false, "destinations/create"},
		{"destinations/create", true, "sources/discover_schema"},
		{"connections/create", true, "destinations/create"},
	}
	c := newCampaign(h, 1, len(steps), 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	version := func(n int) func(*rand.Rand) wish {
		return func(*rand.Rand) wish { return wish{Kind: workload.Provision, Version: n} }
	}
	provision := func(at *component, n int) *accepted {
		one, err := c.submit(t.Context(), random, at, version(n))
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	var running []*accepted
	for i, step := range steps {
		h.sim.HoldNext(step.operation, step.acts)
		running = append(running, provision(c.components[i], 1))
		if err := h.sim.WaitHeld(bounded(t), step.operation, 1); err != nil {
			t.Fatalf("%s was not called: %v", step.operation, err)
		}
		await(t, step.beside, func() bool {
			return slices.ContainsFunc(visitsOf(h.sim.Calls(step.beside, 0))[c.components[i].String()], func(v visit) bool { return !v.End.IsZero() })
		})
	}
	first.process().signal(syscall.SIGSTOP)
	second.start()
	second.await()
	for _, one := range running {
		h.awaitState(random, one, "COMPLETED")
	}
	for _, at := range c.components {
		h.awaitState(random, provision(at, 2), "COMPLETED")
	}

	calls := h.sim.Calls("*", 0)
	newest := calls[len(calls)-1].Seq
	first.process().signal(syscall.SIGCONT)
	h.sim.Release("*", 0)
	await(t, "every stopped attempt to find that it lost its lease", func() bool {
		return strings.Count(first.process().tail(keep), "an attempt lost its lease") >= len(steps)
	})
	for _, v := range visitsOf(h.sim.Calls("*", newest)) {
		t.Errorf("after it continued, the first worker called %s for %s", v[0].Operation, v[0].component)
	}
	for _, one := range running {
		h.awaitState(random, one, "COMPLETED")
	}
	c.verdict(t)
}

// TestStoppedAlone stops the only worker past its lease: it finishes what
// nobody took over.
func TestStoppedAlone(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t)
	h := newHouse(t, redisSettings{"REDIS_URL": redis.URL()}, nil)
	h.staff(1, 1)
	h.open()
	c := newCampaign(h, 1, 1, 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	h.sim.HoldNext("sources/create", true)
	one, err := c.submit(t.Context(), random, c.components[0], c.components[0].next)
	if err != nil {
		t.Fatal(err)
	}
	if err := h.sim.WaitHeld(bounded(t), "sources/create", 1); err != nil {
		t.Fatal(err)
	}
	p := h.workers[0].process()
	p.signal(syscall.SIGSTOP)
	await(t, "the lease to lapse", func() bool { return leaseLapsed(t, redis.Client(), one.token) })
	p.signal(syscall.SIGCONT)
	h.sim.Release("*", 0)
	h.awaitState(random, one, "COMPLETED")
	c.verdict(t)
}

// bounded is the test's context, for a wait that must not last for ever.
func bounded(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// awaitState waits for a token's end and fails unless it is the state.
func (h *house) awaitState(random *rand.Rand, one *accepted, state string) status {
	h.t.Helper()
	var st status
	await(h.t, one.String()+" to end", func() bool {
		var err error
		if st, err = h.statusOf(h.t.Context(), random, one); err != nil {
			h.t.Fatal(err)
		}
		if err := one.see(st); err != nil {
			h.t.Fatal(err)
		}
		return st.final()
	})
	if st.Status != state {
		h.t.Fatalf("%s is %s, want %s: %s\n%s", one, st.Status, state, st.Result, st.logText())
	}
	return st
}
