package chaos

import (
	"math/rand/v2"
	"strings"
	"syscall"
	"testing"
	"time"

	"airbyte-provisioner/internal/redistest"
)

// TestStopUnderLoad restarts APIs and workers in order (SIGTERM) one after the
// other while requests come, as a rolling upgrade does. No attempt may fail
// because of it: there is no second one after a failure.
func TestStopUnderLoad(t *testing.T) {
	t.Parallel()
	soak{
		settings: redisSettings{"REDIS_URL": redistest.Start(t).URL(), "TASK_MAX_RETRY": "0"},
		duration: *forFlag / 2, requests: *operationsFlag / 2, components: *componentsFlag,
		gentle: true,
	}.run(t)
}

// TestStopWhileACallHangs stops a worker that has little time for it and whose
// operation is in the middle of a call: the operation goes back to the queue all the
// same, and its attempt does not count as one that died.
func TestStopWhileACallHangs(t *testing.T) {
	t.Parallel()
	h := newHouse(t, redisSettings{"REDIS_URL": redistest.Start(t).URL()}, map[string]string{"SHUTDOWN_TIMEOUT": "1s", "TASK_LEASE": "30s"})
	h.staff(1, 2)
	for _, s := range []*slot{h.apis[0], h.workers[0]} {
		s.start()
		s.await()
	}
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
	p := h.workers[0].leave()
	p.signal(syscall.SIGTERM)
	<-p.done
	st, err := h.statusOf(t.Context(), random, one)
	if err != nil || p.err != nil || st.Status != "RUNNING" || !strings.Contains(st.logText(), "goes back to the queue") {
		t.Errorf("the worker ended with %v; the operation is %s (%v):\n%s", p.err, st.Status, err, st.logText())
	}
	h.sim.Release("*", 0)
	h.workers[1].start()
	h.awaitState(random, one, "COMPLETED")
	c.verdict(t)
}

// TestSuddenRedis is TestSoak's question in its purest form: with appendonly and
// appendfsync always, Redis is killed again and again while requests are
// accepted, and no token that was answered is ever unknown. An attempt that
// Redis's death interrupts counts, so that many are allowed; and the lease is
// longer than Redis is away, or living workers would be taken for dead.
func TestSuddenRedis(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.AOF())
	soak{
		settings: redisSettings{"REDIS_URL": redis.URL(), "TASK_MAX_RETRY": "100", "TASK_LEASE": "5s"},
		duration: *forFlag / 4, requests: *operationsFlag, components: *componentsFlag,
		gentle: true,
		harms: func(m *monkey, _ *campaign) []harm {
			return []harm{{"kill of Redis", 20, func() bool {
				if !m.take(redis) {
					return false
				}
				redis.Kill()
				m.later(0, 100*time.Millisecond, func() bool {
					redis.Restart()
					m.later(0, 500*time.Millisecond, func() bool { return m.give(redis) })
					return true
				})
				return true
			}}}
		},
	}.run(t)
}
