package config

import (
	"crypto/tls"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/redis/go-redis/v9"
)

func TestRedisOptions(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason string
		redis  Redis
		want   redis.UniversalOptions
		where  string
	}{
		{"nothing: the default", Redis{}, redis.UniversalOptions{Addrs: []string{"127.0.0.1:6379"}}, "127.0.0.1:6379/0"},
		{
			"one server with an ACL user and a database",
			Redis{URL: "redis://me:p%40ss@redis:6380/3"},
			redis.UniversalOptions{Addrs: []string{"redis:6380"}, Username: "me", Password: "p@ss", DB: 3},
			"redis:6380/3",
		},
		{"password only", Redis{URL: "redis://:pw@redis"}, redis.UniversalOptions{Addrs: []string{"redis:6379"}, Password: "pw"}, "redis:6379/0"},
		{
			"TLS by URL",
			Redis{URL: "rediss://redis:6380"},
			redis.UniversalOptions{Addrs: []string{"redis:6380"}, TLSConfig: &tls.Config{ServerName: "redis", MinVersion: tls.VersionTLS12}},
			"redis:6380/0",
		},
		{
			"TLS by setting",
			Redis{URL: "redis://redis:6380", TLS: true},
			redis.UniversalOptions{Addrs: []string{"redis:6380"}, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
			"redis:6380/0",
		},
		{
			"the URL's own parameters",
			Redis{URL: "redis://redis:1?dial_timeout=3s&pool_size=7&client_name=x&max_retries=-1"},
			redis.UniversalOptions{Addrs: []string{"redis:1"}, DialTimeout: 3 * time.Second, PoolSize: 7, ClientName: "x", MaxRetries: -1},
			"redis:1/0",
		},
		{
			"credentials beside the URL",
			Redis{URL: "redis://redis:1/2", Username: "me", Password: "pw"},
			redis.UniversalOptions{Addrs: []string{"redis:1"}, DB: 2, Username: "me", Password: "pw"},
			"redis:1/2",
		},
		{"IPv6", Redis{URL: "redis://[::1]:6380/1"}, redis.UniversalOptions{Addrs: []string{"[::1]:6380"}, DB: 1}, "[::1]:6380/1"},
		{
			"sentinels with everything",
			Redis{URL: "redis-sentinel://me:p%40ss@s1:26379,s2,[::1]:3/4?master=mymaster&sentinel_username=su&sentinel_password=s%26p&tls=true"},
			redis.UniversalOptions{
				Addrs: []string{"s1:26379", "s2:26379", "[::1]:3"}, Username: "me", Password: "p@ss", DB: 4, MasterName: "mymaster",
				SentinelUsername: "su", SentinelPassword: "s&p", TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12},
			},
			"master mymaster by sentinels s1:26379,s2:26379,[::1]:3",
		},
		{
			"sentinels without a database",
			Redis{URL: "redis-sentinel://s1:1?master=m&tls=false"},
			redis.UniversalOptions{Addrs: []string{"s1:1"}, MasterName: "m"},
			"master m by sentinels s1:1",
		},
		{
			"a cluster",
			Redis{ClusterAddrs: []string{"a:1", "b:2"}, Username: "me", Password: "pw", TLS: true},
			redis.UniversalOptions{Addrs: []string{"a:1", "b:2"}, Username: "me", Password: "pw", IsClusterMode: true, TLSConfig: &tls.Config{MinVersion: tls.VersionTLS12}},
			"cluster a:1,b:2",
		},
		{"a cluster known by one address", Redis{ClusterAddrs: []string{"a:1"}}, redis.UniversalOptions{Addrs: []string{"a:1"}, IsClusterMode: true}, "cluster a:1"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			got, err := test.redis.Options()
			if err != nil {
				t.Fatal(err)
			}
			test.want.ContextTimeoutEnabled = true
			if diff := cmp.Diff(test.want, *got, cmpopts.IgnoreUnexported(tls.Config{})); diff != "" {
				t.Error(diff)
			}
			if got := test.redis.Where(); got != test.where {
				t.Errorf("is at %s, want %s", got, test.where)
			}
		})
	}
	if got := (Redis{URL: "bad"}).Where(); got != "" {
		t.Errorf("an address that cannot be read is nowhere: %s", got)
	}
}

func TestRedisClients(t *testing.T) {
	t.Parallel()
	for reason, test := range map[string]struct {
		redis Redis
		is    func(redis.UniversalClient) bool
	}{
		"one server": {Redis{}, func(c redis.UniversalClient) bool { _, ok := c.(*redis.Client); return ok }},
		"sentinels":  {Redis{URL: "redis-sentinel://s:1,t:2?master=m"}, func(c redis.UniversalClient) bool { _, ok := c.(*redis.Client); return ok }},
		"cluster":    {Redis{ClusterAddrs: []string{"a:1"}}, func(c redis.UniversalClient) bool { _, ok := c.(*redis.ClusterClient); return ok }},
	} {
		options, err := test.redis.Options()
		if err != nil {
			t.Fatal(err)
		}
		client := redis.NewUniversalClient(options)
		if !test.is(client) {
			t.Errorf("%s: got %T", reason, client)
		}
		_ = client.Close()
	}
}
