package chaos

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// TestPutRightInTime has tasks disappear in every way, and its operations end
// within two minutes with the settings that everybody has.
func TestPutRightInTime(t *testing.T) {
	if !*longFlag {
		t.Skip("it takes minutes: -chaos.long")
	}
	t.Parallel()
	server := redistest.Start(t, redistest.AOF())
	h := newHouse(t, redisSettings{"REDIS_URL": server.URL()}, map[string]string{"TASK_LEASE": "15s"})
	h.staff(1, 2)
	h.open()
	client := server.Client()
	inspector := asynq.NewInspectorFromRedisClient(client)
	const queue = "provision"
	if err := inspector.PauseQueue(queue); err != nil {
		t.Fatal(err)
	}
	cases := []struct {
		name, ends string
		harm       func(id string) error
	}{
		{"deleted by an operator", "FAILED", func(id string) error { return inspector.DeleteTask(queue, id) }},
		{"archived by an operator", "FAILED", func(id string) error { return inspector.ArchiveTask(queue, id) }},
		{"evicted by Redis", "COMPLETED", func(id string) error {
			return client.Del(t.Context(), "asynq:{provision}:t:"+id).Err()
		}},
		{"active without a lease", "COMPLETED", func(id string) error {
			_, err := client.TxPipelined(t.Context(), func(p redis.Pipeliner) error {
				p.LRem(t.Context(), "asynq:{provision}:pending", 1, id)
				p.LPush(t.Context(), "asynq:{provision}:active", id)
				p.HSet(t.Context(), "asynq:{provision}:t:"+id, "state", "active")
				return nil
			})
			return err
		}},
	}
	c := newCampaign(h, 1, len(cases), 0, 0)
	random := rand.New(rand.NewPCG(1, 1))
	var all []*accepted
	for i, one := range cases {
		made, err := c.submit(t.Context(), random, c.components[i], func(*rand.Rand) wish { return wish{Kind: workload.Provision, Version: 1} })
		if err != nil {
			t.Fatal(err)
		}
		if err := one.harm(made.token); err != nil {
			t.Fatalf("%s: %v", one.name, err)
		}
		all = append(all, made)
	}
	if err := inspector.UnpauseQueue(queue); err != nil {
		t.Fatal(err)
	}
	harmed, deadline, tick := time.Now(), time.After(2*time.Minute), time.NewTicker(100*time.Millisecond)
	defer tick.Stop()
	for left := len(all); left > 0; {
		for i, one := range all {
			if one.state().final() {
				continue
			}
			st, err := h.statusOf(t.Context(), random, one)
			if err != nil {
				t.Fatal(err)
			}
			if err := one.see(st); err != nil {
				t.Fatal(err)
			}
			if !st.final() {
				continue
			}
			left--
			fmt.Printf("a task %s: %s after %s: %s\n", cases[i].name, st.Status, time.Since(harmed).Round(time.Second), st.Result)
			if st.Status != cases[i].ends {
				t.Errorf("%s: %s, want %s\n%s", cases[i].name, st.Status, cases[i].ends, st.logText())
			}
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%d operations came to no end in two minutes", left)
		}
	}
}
