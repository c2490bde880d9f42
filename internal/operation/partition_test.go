package operation_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"

	"github.com/redis/go-redis/v9"
)

// follow makes one server a replica of another and returns once it is in step.
func follow(t *testing.T, replica, master *redistest.Server) *redis.Client {
	t.Helper()
	client := replica.Client()
	if err := client.Do(t.Context(), "replicaof", "127.0.0.1", master.Port()).Err(); err != nil {
		t.Fatal(err)
	}
	deadline, tick := time.After(30*time.Second), time.NewTicker(5*time.Millisecond)
	defer tick.Stop()
	for !strings.Contains(client.Info(t.Context(), "replication").Val(), "master_link_status:up") {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the replica does not follow")
		}
	}
	return client
}

// A master that was cut off from its replica still answers its holder. What it
// renews there, the replica, which is promoted, knows nothing of.
func TestARenewalThatNoReplicaHasProlongsNothing(t *testing.T) {
	t.Parallel()
	master, replica := redistest.Start(t, redistest.Args("--repl-diskless-sync-delay", "0")), redistest.Start(t)
	promoted := follow(t, replica, master)
	now := time.Now()
	store := newStore(t, master.Client(), func(o *operation.Options) {
		o.Replicas, o.Lease, o.ReplicaWait = 1, 30*time.Second, time.Second
		o.Now = func() time.Time { return now }
	})
	lease := begin(t, store, accept(t, store, "x"))
	pass := func(d time.Duration) { now = now.Add(d) }
	pass(time.Second)
	if err := lease.Holds(t.Context()); err != nil { // the replica has this
		t.Fatal(err)
	}
	if err := promoted.Do(t.Context(), "replicaof", "no", "one").Err(); err != nil {
		t.Fatal(err)
	}
	pass(20 * time.Second)
	if err := lease.Holds(t.Context()); err != nil {
		t.Errorf("the master takes writes, the lease has not lapsed: %v", err)
	}
	// Only now does the master notice that nobody follows it.
	if err := master.Client().ConfigSet(t.Context(), "min-replicas-to-write", "1").Err(); err != nil {
		t.Fatal(err)
	}
	pass(5 * time.Second)
	if err := lease.Holds(t.Context()); err != nil {
		t.Errorf("25 of 30 seconds after the replica's last renewal: %v", err)
	}
	pass(5 * time.Second)
	if err := lease.Holds(t.Context()); !errors.Is(err, operation.ErrLost) {
		t.Errorf("30 of 30 seconds after the replica's last renewal: %v", err)
	}
}
