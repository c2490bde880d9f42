package chaos

import (
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
