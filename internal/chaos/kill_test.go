package chaos

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// TestOperationThatKillsItsWorkers kills whichever worker comes to a certain
// call of one operation: only that operation fails, after a bounded number of attempts.
func TestOperationThatKillsItsWorkers(t *testing.T) {
	t.Parallel()
	h := newHouse(t, redisSettings{"REDIS_URL": redistest.Start(t).URL()}, nil)
	h.staff(1, 2)
	h.open()
	c := newCampaign(h, 1, 12, 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	submit := func(i int) *accepted {
		t.Helper()
		one, err := c.submit(t.Context(), random, c.components[i], c.components[i].next)
		if err != nil {
			t.Fatal(err)
		}
		return one
	}
	for _, deed := range []string{airbytesim.DoHold, airbytesim.DoDrop} { // held, and never carried out
		_, err := h.sim.AddFault(airbytesim.Fault{
			Operation: "sources/create", Contains: c.components[0].digest(), Do: deed, Times: -1,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	poisoned := submit(0)
	var others []*accepted
	deaths := 0
	await(t, poisoned.String()+" to end", func() bool {
		st, err := h.statusOf(t.Context(), random, poisoned)
		if err != nil {
			t.Fatal(err)
		}
		for _, held := range h.sim.Held() {
			name, _, _ := strings.Cut(held.Header.Get(processHeader), ".")
			s := h.workers[slices.IndexFunc(h.workers, func(s *slot) bool { return s.name == name })]
			s.leave().kill()
			h.sim.Release("*", held.Seq)
			if deaths++; deaths < len(c.components) {
				others = append(others, submit(deaths))
			}
			s.start()
		}
		return st.final()
	})
	h.sim.RemoveFaults()
	st := h.awaitState(random, poisoned, "FAILED")
	t.Logf("after %d deaths: %s", deaths, st.Result)
	if deaths < 2 || !strings.Contains(st.Result, "given up") {
		t.Errorf("the operation ended after %d deaths: %s", deaths, st.Result)
	}
	for _, one := range others {
		h.awaitState(random, one, "COMPLETED")
	}
	again, err := c.submit(t.Context(), random, c.components[0], func(*rand.Rand) wish { return poisoned.wish })
	if err != nil {
		t.Fatal(err)
	}
	h.awaitState(random, again, "COMPLETED")
	c.verdict(t)
}

// TestRecovery measures how long after a worker's death (SIGKILL) another one
// makes the next call of each operation that it had. The numbers are for
// docs/durability.md; nothing depends on them.
func TestRecovery(t *testing.T) {
	if !*longFlag {
		t.Skip("it takes minutes: -chaos.long")
	}
	for _, lease := range []string{"1s", "5s", "15s", "30s"} {
		t.Run("TASK_LEASE="+lease, func(t *testing.T) {
			var times []time.Duration
			for range 3 {
				times = append(times, recoveries(t, lease)...)
			}
			slices.Sort(times)
			round := func(d time.Duration) time.Duration { return d.Round(100 * time.Millisecond) }
			fmt.Printf("TASK_LEASE=%s: %d operations of a killed worker went on after %s at least, %s in the median, %s at most\n",
				lease, len(times), round(times[0]), round(times[len(times)/2]), round(times[len(times)-1]))
		})
	}
}

// recoveries kills a worker with sixteen operations and returns how long each waited for its next call.
func recoveries(t *testing.T, lease string) []time.Duration {
	t.Helper()
	h := newHouse(t, redisSettings{"REDIS_URL": redistest.Start(t, redistest.AOF()).URL()}, map[string]string{"TASK_LEASE": lease})
	h.staff(1, 2)
	first, second := h.workers[0], h.workers[1]
	for _, s := range []*slot{h.apis[0], first} {
		s.start()
		s.await()
	}
	const operations = 16
	if _, err := h.sim.AddFault(airbytesim.Fault{Operation: "sources/discover_schema", Do: airbytesim.DoHold, Times: operations}); err != nil {
		t.Fatal(err)
	}
	c := newCampaign(h, 1, operations, 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	var running []*accepted
	for _, at := range c.components {
		one, err := c.submit(t.Context(), random, at, func(*rand.Rand) wish { return wish{Kind: workload.Provision, Version: 1} })
		if err != nil {
			t.Fatal(err)
		}
		running = append(running, one)
	}
	if err := h.sim.WaitHeld(bounded(t), "sources/discover_schema", operations); err != nil {
		t.Fatal(err)
	}
	second.start()
	second.await()
	first.leave().kill()
	died := time.Now()
	h.sim.Release("*", 0)
	for _, one := range running {
		h.awaitState(random, one, "COMPLETED")
	}
	c.verdict(t)
	var times []time.Duration
	for _, visits := range visitsOf(h.sim.Calls("*", 0)) {
		next := slices.IndexFunc(visits, func(v visit) bool { return strings.HasPrefix(v.Header.Get(processHeader), second.name) })
		times = append(times, visits[next].Start.Sub(died))
	}
	return times
}
