package redistest

import (
	"context"
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"
)

// MasterName is the name by which the sentinels know the master.
const MasterName = "mymaster"

// Sentinels are three sentinels with a master and its replica.
type Sentinels struct {
	t         testing.TB
	Sentinels []*Server
	// Data are the two servers with data; the first is the master until a failover.
	Data []*Server
}

// StartSentinels starts a master, a replica and three sentinels, and returns
// once a failover is possible. It takes half a second of silence for one to begin.
func StartSentinels(t testing.TB, opts ...Option) *Sentinels {
	t.Helper()
	master := Start(t, opts...)
	port := strconv.Itoa(master.Port())
	replica := Start(t, append(slices.Clip(opts), func(s *Server) { s.follow(port) })...)
	s := &Sentinels{t: t, Data: []*Server{master, replica}}
	for range 3 {
		config := Write(t, "sentinel.conf", fmt.Sprintf(
			"sentinel monitor %[1]s 127.0.0.1 %[2]s 2\nsentinel down-after-milliseconds %[1]s 500\nsentinel failover-timeout %[1]s 3000\n",
			MasterName, port)+master.security.sentinelConfig())
		s.Sentinels = append(s.Sentinels, Start(t, sentinel(config), func(s *Server) { s.security = master.security }))
	}
	ctx := context.Background()
	for _, sentinel := range s.Sentinels {
		client := redis.NewSentinelClient(sentinel.security.options(sentinel.Addr()))
		waitFor(t, "the sentinels' agreement", func() bool {
			known, err := client.Master(ctx, MasterName).Result()
			return err == nil && known["num-other-sentinels"] == "2" && known["num-slaves"] == "1" && known["flags"] == "master"
		})
		_ = client.Close()
	}
	waitFor(t, "the replica", func() bool {
		info, err := master.Client().Info(ctx, "replication").Result()
		return err == nil && strings.Contains(info, "state=online")
	})
	return s
}

// sentinel makes the server a sentinel with the configuration file, which it rewrites.
func sentinel(config string) Option {
	return func(s *Server) {
		s.args = []string{s.args[0], config, "--sentinel", "--bind", "127.0.0.1"}
	}
}

// Addrs are the sentinels' addresses.
func (s *Sentinels) Addrs() []string {
	addrs := make([]string, len(s.Sentinels))
	for i, sentinel := range s.Sentinels {
		addrs[i] = sentinel.Addr()
	}
	return addrs
}

// URL is the sentinels' address as REDIS_URL writes it.
func (s *Sentinels) URL() string {
	query := url.Values{"master": {MasterName}}
	security := s.Data[0].security
	if security != nil {
		query.Set("tls", "true")
		query.Set("sentinel_username", security.User)
		query.Set("sentinel_password", security.Password)
	}
	return security.url("redis-sentinel", strings.Join(s.Addrs(), ","), query.Encode())
}

// Client returns a new client of whoever is the master, closed when the test ends.
func (s *Sentinels) Client() *redis.Client {
	o := s.Data[0].security.options("")
	client := redis.NewFailoverClient(&redis.FailoverOptions{
		MasterName: MasterName, SentinelAddrs: s.Addrs(), SentinelUsername: o.Username, SentinelPassword: o.Password,
		Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
	})
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// KillMaster kills the server that the sentinels call the master, and returns
// once all of them call the other one the master.
func (s *Sentinels) KillMaster() {
	s.t.Helper()
	before := s.master()
	for _, server := range s.Data {
		if strconv.Itoa(server.Port()) == before {
			server.Kill()
		}
	}
	waitFor(s.t, "the failover", func() bool {
		for _, sentinel := range s.Sentinels {
			if now := s.masterBy(sentinel); now == "" || now == before {
				return false
			}
		}
		return true
	})
}

// master is the master's port, as the first sentinel has it.
func (s *Sentinels) master() string {
	s.t.Helper()
	port := s.masterBy(s.Sentinels[0])
	if port == "" {
		s.t.Fatal("redistest: the sentinel does not tell the master")
	}
	return port
}

// masterBy is the master's port as a sentinel has it; empty when it does not tell.
func (s *Sentinels) masterBy(sentinel *Server) string {
	client := redis.NewSentinelClient(sentinel.security.options(sentinel.Addr()))
	defer func() { _ = client.Close() }()
	addr, err := client.GetMasterAddrByName(context.Background(), MasterName).Result()
	if err != nil {
		return ""
	}
	return addr[1]
}

// Revive starts the servers with data that were killed, as replicas of the master from the start.
func (s *Sentinels) Revive() {
	s.t.Helper()
	master := s.master()
	for _, server := range s.Data {
		if server.Pid() == 0 {
			server.follow(master)
			server.Restart()
		}
	}
}

// Whole reports whether all servers with data live and the replica has all that the master has.
func (s *Sentinels) Whole() bool {
	for _, server := range s.Data {
		if server.Pid() == 0 {
			return false
		}
	}
	client := s.Client()
	defer func() { _ = client.Close() }()
	info, err := client.Info(context.Background(), "replication").Result()
	return err == nil && strings.Contains(info, "role:master") && strings.Contains(info, "state=online")
}
