package docs_test

import (
	"regexp"
	"strings"
	"testing"

	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/redistest"
)

// TestRedisUsers holds the users that the documents give to Redis against what
// they are for. The programs' own has a test of its own: TestSecuredRedis.
func TestRedisUsers(t *testing.T) {
	t.Parallel()
	texts := documents(t)
	for _, name := range []string{"docs/install.md", "docs/durability.md"} {
		if !strings.Contains(texts[name], redistest.Rights) {
			t.Errorf("%s does not give the programs' user the rights %s", name, redistest.Rights)
		}
	}
	found := regexp.MustCompile(`(?m)^ +user (keda on >PASSWORD .+)$`).FindStringSubmatch(texts["docs/install.md"])
	if found == nil {
		t.Fatal("docs/install.md has no user for KEDA")
	}
	user := strings.Fields(found[1])

	t.Run("one server", func(t *testing.T) {
		t.Parallel()
		server := redistest.Start(t, redistest.Args(append([]string{"--user"}, user...)...))
		client := redis.NewClient(&redis.Options{Addr: server.Addr(), Username: "keda", Password: "PASSWORD", DB: 3})
		t.Cleanup(func() { _ = client.Close() })
		askAsKEDA(t, client)
	})
	t.Run("cluster", func(t *testing.T) {
		t.Parallel()
		cluster := redistest.StartCluster(t, 3, redistest.Args(append([]string{"--user"}, user...)...))
		client := redis.NewClusterClient(&redis.ClusterOptions{Addrs: cluster.Addrs(), Username: "keda", Password: "PASSWORD"})
		t.Cleanup(func() { _ = client.Close() })
		askAsKEDA(t, client)
	})
}

// askAsKEDA asks for the length of a list in the way of KEDA's scaler.
func askAsKEDA(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	if err := client.Ping(t.Context()).Err(); err != nil {
		t.Errorf("ping: %v", err)
	}
	const script = `local kind = redis.call('type', KEYS[1]).ok; return redis.call(kind == 'zset' and 'zcard' or 'llen', KEYS[1])`
	for _, queue := range []string{"provision", "blue.validate"} {
		length, err := client.Eval(t.Context(), script, []string{"asynq:{" + queue + "}:pending"}).Int()
		if err != nil || length != 0 {
			t.Errorf("the length of %s: %d, %v", queue, length, err)
		}
	}
	if err := client.Set(t.Context(), "asynq:{provision}:paused", 1, 0).Err(); err == nil {
		t.Error("it may write")
	}
}
