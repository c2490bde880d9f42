package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"airbyte-provisioner/internal/workload"
)

// concurrency is the default of WORKER_CONCURRENCY, which the floor has too.
const concurrency = 16

// floorWorker is an asynq server whose handler makes recorded calls, and
// nothing else. Its arguments are the addresses of Redis and of Airbyte and the file of the calls.
func floorWorker(ctx context.Context, args []string) error {
	text, err := os.ReadFile(args[2])
	if err != nil {
		return err
	}
	var calls []call
	if err := json.Unmarshal(text, &calls); err != nil {
		return err
	}
	player, err := newReplayer(args[1], calls)
	if err != nil {
		return err
	}
	server := asynq.NewServer(asynq.RedisClientOpt{Addr: args[0]}, asynq.Config{
		Concurrency: concurrency, Queues: map[string]int{"floor": 1}, TaskCheckInterval: 25 * time.Millisecond,
		LogLevel: asynq.ErrorLevel,
	})
	err = server.Start(asynq.HandlerFunc(func(ctx context.Context, t *asynq.Task) error {
		var order struct{ Work workload.Work }
		if err := json.Unmarshal(t.Payload(), &order); err != nil {
			return err
		}
		return player.play(ctx, order.Work.Component.Digest())
	}))
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "floor on", args[0])
	<-ctx.Done()
	server.Shutdown()
	return nil
}

// works is what the measurements of work share.
type works struct {
	*bench
	orders *orders
	sim    *simulator
	script string // file of the floor's calls
}

func (b *bench) newWorks(latencies ...string) (*works, error) {
	orders, err := newOrders()
	if err != nil {
		return nil, err
	}
	sim, err := b.startSim(latencies...)
	if err != nil {
		return nil, err
	}
	return &works{bench: b, orders: orders, sim: sim}, nil
}

// work measures provisionings per second of one worker that waits for nothing.
func (b *bench) work() ([]result, error) {
	w, err := b.newWorks()
	if err != nil {
		return nil, err
	}
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	calls, err := b.record(r)
	if err != nil {
		return nil, err
	}
	if w.script, err = b.keepScript(calls); err != nil {
		return nil, err
	}
	worker, err := b.startWorker(r, w.sim.api)
	if err != nil {
		return nil, err
	}
	floor, err := b.self(nil, "floor-worker", r.addr, w.sim.api, w.script)
	if err != nil {
		return nil, err
	}
	if _, err := floor.await(floorAddr); err != nil {
		return nil, err
	}
	n := 300
	if b.quick {
		n = 100
	}
	var used, usedFloor use
	c, err := b.pair(b.count(7, 15),
		func() (float64, error) { return w.productRate(r, worker, n, &used) },
		func() (float64, error) { return w.floorRate(r, floor, n, &usedFloor) })
	if err != nil {
		return nil, err
	}
	return []result{{
		name: "work", what: "work: first provisionings by one worker, Airbyte answers at once", measured: c.ratio.median(), goal: 0.8,
		floor: fmt.Sprintf("bare asynq handler that makes the same %d calls", len(calls)), spread: c.ratio.spread(),
		note: fmt.Sprintf("%s provisionings/s, the floor %s; processor time each %s, in Redis %s and in the simulator %s, the floor's %s, %s and %s",
			figure(c.product.median()), figure(c.floor.median()), used.program(), used.redis(), used.airbyte(), usedFloor.program(), usedFloor.redis(), usedFloor.airbyte()),
	}}, nil
}

// productRate is how many of n waiting operations one worker ends a second.
func (w *works) productRate(r *redisServer, p *process, n int, u *use) (float64, error) {
	if err := w.empty(r); err != nil {
		return 0, err
	}
	if err := w.fill(r, n); err != nil {
		return 0, err
	}
	return w.drain(r, "provision", p, n, u)
}

// floorRate is productRate of the floor.
func (w *works) floorRate(r *redisServer, p *process, n int, u *use) (float64, error) {
	if err := w.empty(r); err != nil {
		return 0, err
	}
	client := asynq.NewClientFromRedisClient(r.client)
	if err := r.client.Set(w.ctx, "asynq:{floor}:paused", 1, 0).Err(); err != nil {
		return 0, err
	}
	for i := range n {
		text, err := json.Marshal(w.orders.of(w.serial + int64(i)))
		if err != nil {
			return 0, err
		}
		if _, err := client.EnqueueContext(w.ctx, asynq.NewTask("provision", text), asynq.Queue("floor"), asynq.Retention(24*time.Hour)); err != nil {
			return 0, err
		}
	}
	w.serial += int64(n)
	return w.drain(r, "floor", p, n, u)
}

// empty makes Redis and Airbyte as they were at the start.
func (w *works) empty(r *redisServer) error {
	if err := r.client.FlushAll(w.ctx).Err(); err != nil {
		return err
	}
	return w.reset()
}

// reset empties the simulator.
func (w *works) reset() error {
	request, err := http.NewRequestWithContext(w.ctx, http.MethodPost, w.sim.management+"/reset", http.NoBody)
	if err != nil {
		return err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	return response.Body.Close()
}

// fill submits n operations to a queue that is paused first.
func (w *works) fill(r *redisServer, n int) error {
	if err := r.client.Set(w.ctx, "asynq:{provision}:paused", 1, 0).Err(); err != nil {
		return err
	}
	_, q := w.storeOf(r)
	group, ctx := errgroup.WithContext(w.ctx)
	group.SetLimit(64)
	for i := range n {
		serial := w.serial + int64(i)
		group.Go(func() error {
			_, err := q.Submit(ctx, w.orders.of(serial))
			return err
		})
	}
	w.serial += int64(n)
	return group.Wait()
}

// drain lets a paused queue go and returns how many of its tasks are ended a
// second, until n are.
func (w *works) drain(r *redisServer, name string, p *process, n int, u *use) (float64, error) {
	key := "asynq:{" + name + "}:"
	before, err := w.ended(r, key)
	if err != nil {
		return 0, err
	}
	program, inRedis, inAirbyte := p.cpu(), r.cpu(), w.sim.cpu()
	begun := time.Now()
	if err := r.client.Del(w.ctx, key+"paused").Err(); err != nil {
		return 0, err
	}
	for {
		now, err := w.ended(r, key)
		if err != nil {
			return 0, err
		}
		if now-before >= int64(n) {
			break
		}
		if time.Since(begun) > 2*time.Minute {
			return 0, fmt.Errorf("only %d of %d tasks ended in two minutes", now-before, n)
		}
		time.Sleep(time.Millisecond)
	}
	elapsed := time.Since(begun)
	u.times += float64(n)
	u.inProgram += p.cpu() - program
	u.here += r.cpu() - inRedis
	u.inAirbyte += w.sim.cpu() - inAirbyte
	return float64(n) / elapsed.Seconds(), nil
}

// ended is how many tasks of a queue were completed; any that failed is an error.
func (w *works) ended(r *redisServer, key string) (int64, error) {
	var completed, retried, archived *redis.IntCmd
	_, err := r.client.Pipelined(w.ctx, func(p redis.Pipeliner) error {
		completed, retried, archived = p.ZCard(w.ctx, key+"completed"), p.ZCard(w.ctx, key+"retry"), p.ZCard(w.ctx, key+"archived")
		return nil
	})
	if err != nil {
		return 0, err
	}
	if retried.Val()+archived.Val() > 0 {
		return 0, errors.New("tasks failed: " + w.failure(r, key))
	}
	return completed.Val(), nil
}

// failure is the message of a failed task.
func (w *works) failure(r *redisServer, key string) string {
	inspector := asynq.NewInspectorFromRedisClient(r.client)
	name := key[len("asynq:{") : len(key)-len("}:")]
	tasks, err := inspector.ListRetryTasks(name)
	if err != nil || len(tasks) == 0 {
		tasks, err = inspector.ListArchivedTasks(name)
	}
	if err != nil || len(tasks) == 0 {
		return "for a reason that is not told"
	}
	return tasks[0].LastErr
}
