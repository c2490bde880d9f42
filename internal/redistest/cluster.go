package redistest

import (
	"context"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// slots is how many slots a Redis Cluster has.
const slots = 16384

// Cluster is a Redis Cluster of masters without replicas.
type Cluster struct {
	t     testing.TB
	Nodes []*Server
}

// StartCluster starts a Redis Cluster of so many masters and returns once all slots are served.
func StartCluster(t testing.TB, masters int, opts ...Option) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for range masters {
		c.Nodes = append(c.Nodes, Start(t, append([]Option{Args("--cluster-enabled", "yes", "--cluster-node-timeout", "2000")}, opts...)...))
	}
	ctx := context.Background()
	first := c.Nodes[0].Client()
	for i, node := range c.Nodes {
		client := node.Client()
		from, to := i*slots/masters, (i+1)*slots/masters-1
		if err := client.ClusterAddSlotsRange(ctx, from, to).Err(); err != nil {
			t.Fatalf("redistest: %v", err)
		}
		if err := first.ClusterMeet(ctx, "127.0.0.1", strconv.Itoa(node.Port())).Err(); err != nil {
			t.Fatalf("redistest: %v", err)
		}
	}
	for _, node := range c.Nodes {
		client := node.Client()
		waitFor(t, "the cluster", func() bool {
			info, err := client.ClusterInfo(ctx).Result()
			return err == nil && strings.Contains(info, "cluster_state:ok") &&
				strings.Contains(info, "cluster_known_nodes:"+strconv.Itoa(masters))
		})
	}
	return c
}

// Addrs are the nodes' addresses.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.Nodes))
	for i, node := range c.Nodes {
		addrs[i] = node.Addr()
	}
	return addrs
}

// Client returns a new client of the cluster, closed when the test ends.
func (c *Cluster) Client() *redis.ClusterClient {
	o := c.Nodes[0].security.options("")
	client := redis.NewClusterClient(&redis.ClusterOptions{
		Addrs: c.Addrs(), Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
	})
	c.t.Cleanup(func() { _ = client.Close() })
	return client
}

// waitFor asks until what is wanted is so; Redis tells nobody when its nodes have agreed.
func waitFor(t testing.TB, what string, wanted func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !wanted() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("redistest: %s did not come to be", what)
		}
	}
}
