package redistest_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/redistest"
)

func TestAnswersAndStaysAtItsAddressOverARestart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := redistest.Start(t, redistest.AOF())
	client := server.Client()
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	server.Kill()
	if err := client.Get(ctx, "k").Err(); err == nil {
		t.Fatal("a killed server answered")
	}
	server.Restart()
	got, err := client.Get(ctx, "k").Result()
	if err != nil || got != "v" {
		t.Fatalf("after a kill and a restart with AOF: %q, %v", got, err)
	}
	server.Wipe()
	if n := client.DBSize(ctx).Val(); n != 0 {
		t.Fatalf("%d keys left after Wipe", n)
	}
}

func TestABackupIsWhatItWasThen(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := redistest.Start(t, redistest.AOF())
	client := server.Client()
	client.Set(ctx, "k", "then", 0)
	restore := server.Backup()
	client.Set(ctx, "k", "later", 0)
	restore()
	if got, err := client.Get(ctx, "k").Result(); err != nil || got != "then" {
		t.Errorf("%q, %v", got, err)
	}
}

func TestServersAreApart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	one, two := redistest.Start(t), redistest.Start(t)
	if one.Addr() == two.Addr() {
		t.Fatal("two servers at one address")
	}
	one.Client().Set(ctx, "k", "v", 0)
	if n := two.Client().DBSize(ctx).Val(); n != 0 {
		t.Fatalf("the other server holds %d keys", n)
	}
}

func TestClusterServesAllSlots(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.StartCluster(t, 3).Client()
	for n := range 100 {
		if err := client.Set(ctx, fmt.Sprintf("{%d}", n), n, 0).Err(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestSentinelsReplaceADeadMaster(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	sentinels := redistest.StartSentinels(t)
	client := sentinels.Client()
	if err := client.Set(ctx, "k", "v", 0).Err(); err != nil {
		t.Fatal(err)
	}
	if n, err := client.Wait(ctx, 1, 5*time.Second).Result(); n != 1 || err != nil {
		t.Fatalf("%d replicas, %v", n, err)
	}
	sentinels.KillMaster()
	if got, err := client.Get(ctx, "k").Result(); got != "v" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestSecuredServersKnowTheirUsersAlone(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	security := redistest.Secure(t)
	server := redistest.Start(t, security.Option())
	if err := server.Client().Set(ctx, "a", "b", 0).Err(); err != nil {
		t.Error(err)
	}
	open := redis.NewClient(&redis.Options{Addr: server.Addr(), MaxRetries: -1})
	defer func() { _ = open.Close() }()
	if err := open.Ping(ctx).Err(); err == nil {
		t.Error("the server answers without TLS")
	}
	cluster := redistest.StartCluster(t, 3, security.Option())
	if err := cluster.Client().Set(ctx, "a", "b", 0).Err(); err != nil {
		t.Error(err)
	}
	sentinels := redistest.StartSentinels(t, security.Option())
	sentinels.KillMaster()
	if err := sentinels.Client().Set(ctx, "a", "b", 0).Err(); err != nil {
		t.Error(err)
	}
}
