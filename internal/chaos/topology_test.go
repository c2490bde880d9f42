package chaos

import (
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/redistest"
)

// following makes a server refuse writes while no replica follows it.
var following = redistest.Args("--min-replicas-to-write", "1", "--min-replicas-max-lag", "10")

// TestSoakSentinel kills the master that three sentinels watch. With
// REDIS_REPLICAS=1, the default there, a token is answered when the replica has it, and the next
// operation runs when the replica knows the end of the one before; and Redis
// takes no write while no replica follows (it would answer without). So a
// failover loses no token and turns no order round.
func TestSoakSentinel(t *testing.T) {
	t.Parallel()
	sentinels := redistest.StartSentinels(t, redistest.AOF(), following)
	const failover = "failover"
	soak{
		settings: redisSettings{"REDIS_URL": sentinels.URL()},
		duration: *forFlag / 2, requests: *operationsFlag / 3, components: *componentsFlag / 3,
		harms: func(_ *monkey, c *campaign) []harm {
			next := time.Now().Add(*forFlag / 10)
			return []harm{{failover, 10, func() bool {
				if time.Now().Before(next) || !sentinels.Whole() {
					return false
				}
				c.failovers.Add(1) // from before anything can be lost
				sentinels.KillMaster()
				sentinels.Revive()
				next = time.Now().Add(10 * time.Second) // sentinels take their time between two failovers
				return true
			}}}
		},
		enough: func(m *monkey) bool { return m.counts[failover] > 0 },
	}.run(t)
}

// TestSoakCluster kills and pauses the nodes of a cluster of three masters.
func TestSoakCluster(t *testing.T) {
	t.Parallel()
	cluster := redistest.StartCluster(t, 3, redistest.AOF())
	soak{
		settings: redisSettings{"REDIS_CLUSTER_ADDRS": strings.Join(cluster.Addrs(), ","), "AIRBYTE_MAX_JOBS": "4"},
		duration: *forFlag / 2, requests: *operationsFlag / 3, components: *componentsFlag / 3,
		harms: func(m *monkey, _ *campaign) []harm {
			node := func() *redistest.Server { return cluster.Nodes[m.random.IntN(len(cluster.Nodes))] }
			return []harm{
				{"kill of a node", 2, func() bool {
					n := node()
					if !m.take(n) {
						return false
					}
					n.Kill()
					m.later(0, 1200*time.Millisecond, func() bool { n.Restart(); return m.give(n) })
					return true
				}},
				{"pause of a node", 1, func() bool {
					n := node()
					if !m.take(n) {
						return false
					}
					n.Pause()
					m.later(100*time.Millisecond, 900*time.Millisecond, func() bool { n.Resume(); return m.give(n) })
					return true
				}},
			}
		},
	}.run(t)
}
