package chaos

import (
	"math/rand/v2"
	"strings"
	"testing"

	"airbyte-provisioner/internal/redistest"
)

// TestSecuredRedis speaks TLS, as an ACL user that may do nothing dangerous, to
// one server, to a master behind sentinels, and to a cluster; each loses a
// server, and gets one back.
func TestSecuredRedis(t *testing.T) {
	t.Parallel()
	security := redistest.Secure(t)
	cases := []struct {
		name  string
		start func(t *testing.T) (settings redisSettings, harm func())
	}{
		{"one server", func(t *testing.T) (redisSettings, func()) {
			server := redistest.Start(t, redistest.AOF(), security.Option())
			return redisSettings{"REDIS_URL": server.URL()}, server.Restart
		}},
		{"sentinels", func(t *testing.T) (redisSettings, func()) {
			sentinels := redistest.StartSentinels(t, redistest.AOF(), security.Option(), following)
			return redisSettings{"REDIS_URL": sentinels.URL()}, func() { sentinels.KillMaster(); sentinels.Revive() }
		}},
		{"cluster", func(t *testing.T) (redisSettings, func()) {
			cluster := redistest.StartCluster(t, 3, redistest.AOF(), security.Option())
			return redisSettings{
				"REDIS_CLUSTER_ADDRS": strings.Join(cluster.Addrs(), ","), "REDIS_TLS": "true",
				"REDIS_USERNAME": security.User, "REDIS_PASSWORD": security.Password,
			}, cluster.Nodes[0].Restart
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			settings, harm := c.start(t)
			h := newHouse(t, settings, map[string]string{"SSL_CERT_FILE": security.CAFile, "FINGERPRINT_KEY": ""})
			h.staff(1, 1)
			h.open()
			campaign := newCampaign(h, 1, 4, 0, 0)
			random := rand.New(rand.NewPCG(1, 1))
			for range 2 {
				var all []*accepted
				for _, at := range campaign.components {
					one, err := campaign.submit(t.Context(), random, at, at.next)
					if err != nil {
						t.Fatal(err)
					}
					all = append(all, one)
				}
				harm()
				harm = func() {}
				for _, one := range all {
					h.awaitState(random, one, "COMPLETED")
				}
			}
			campaign.verdict(t)
			for _, s := range []*slot{h.apis[0], h.workers[0]} {
				if p := s.process(); p.said("NOPERM") || p.said("Redis is not set up") {
					t.Errorf("%s complains of Redis:\n%s", p.name, p.tail(40))
				}
			}
		})
	}
}
