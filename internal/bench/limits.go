package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hibiken/asynq"
	"golang.org/x/sync/errgroup"

	"airbyte-provisioner/internal/airbytesim"
)

// limit is a figure that tells where growth ends.
type limit struct{ what, measured string }

// limits measures what docs/scaling.md reckons with.
func (b *bench) limits() ([]limit, error) {
	var all []limit
	for i, m := range []struct {
		name string
		take func(*bench) ([]limit, error)
	}{
		{"dequeue", (*bench).dequeue},
		{"polling", (*bench).polling},
		{"slots", (*bench).slots},
		{"lane", (*bench).lane},
		{"safe", (*bench).safe},
		{"crowd", (*bench).crowd},
		{"spread", (*bench).spread},
	} {
		begun, own := time.Now(), b.fork("limit-"+m.name, 100+i)
		found, err := m.take(own)
		own.stopAll()
		if err != nil {
			return all, fmt.Errorf("%s could not be measured: %w", m.name, err)
		}
		all = append(all, found...)
		b.say("%s took %s", m.name, time.Since(begun).Round(100*time.Millisecond))
	}
	return all, b.ctx.Err()
}

// limitsTable is for people, in Markdown.
func (r *report) limitsTable(to io.Writer, all []limit) error {
	var t strings.Builder
	fmt.Fprintf(&t, "%s. Seed %d.\n\n| what | measured |\n|---|---|\n", strings.Join(r.facts(), ". "), r.bench.seed)
	for _, each := range all {
		fmt.Fprintf(&t, "| %s | %s |\n", each.what, each.measured)
	}
	_, err := io.WriteString(to, t.String())
	return err
}

// idleWorker is an asynq server whose handler does nothing. Its arguments are
// Redis's address and the queues, by commas.
func idleWorker(ctx context.Context, args []string) error {
	queues := map[string]int{}
	for name := range strings.SplitSeq(args[1], ",") {
		queues[name] = 1
	}
	server := asynq.NewServer(asynq.RedisClientOpt{Addr: args[0]}, asynq.Config{
		Concurrency: concurrency, Queues: queues, TaskCheckInterval: 25 * time.Millisecond, LogLevel: asynq.ErrorLevel,
	})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })); err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "floor on", args[0])
	<-ctx.Done()
	server.Shutdown()
	return nil
}

// dequeue measures asynq alone: how many tasks that do nothing one process takes
// from one queue, two processes from it, and two from a queue each.
func (b *bench) dequeue() ([]limit, error) {
	const tasks = 20_000
	var found []limit
	for _, of := range []struct {
		what   string
		queues []string // of each process
	}{
		{"asynq alone: empty tasks from one queue by one process", []string{"a"}},
		{"the same by two processes", []string{"a", "a"}},
		{"the same by two processes, a queue each", []string{"a", "b"}},
	} {
		r, err := b.startRedis()
		if err != nil {
			return nil, err
		}
		rate, busy, err := b.emptyTasks(r, of.queues, tasks)
		b.stopAll()
		if err != nil {
			return nil, err
		}
		found = append(found, limit{of.what, fmt.Sprintf("%s tasks/s, Redis busy %.0f %% of one processor", figure(rate), 100*busy)})
	}
	return found, nil
}

// emptyTasks is how many tasks a second the processes end, and the share of a processor that Redis takes.
func (b *bench) emptyTasks(r *redisServer, queues []string, tasks int) (rate, busy float64, err error) {
	names := slices.Compact(slices.Sorted(slices.Values(queues)))
	w := &works{bench: b}
	for _, name := range names {
		if err := r.client.Set(b.ctx, "asynq:{"+name+"}:paused", 1, 0).Err(); err != nil {
			return 0, 0, err
		}
	}
	client := asynq.NewClientFromRedisClient(r.client)
	group, ctx := errgroup.WithContext(b.ctx)
	group.SetLimit(clients)
	for i := range tasks {
		group.Go(func() error {
			_, err := client.EnqueueContext(ctx, asynq.NewTask("empty", nil), asynq.Queue(names[i%len(names)]), asynq.Retention(time.Hour))
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return 0, 0, err
	}
	for _, name := range queues {
		p, err := b.self(nil, "idle-worker", r.addr, name)
		if err != nil {
			return 0, 0, err
		}
		if _, err := p.await(floorAddr); err != nil {
			return 0, 0, err
		}
	}
	used, begun := r.cpu(), time.Now()
	for _, name := range names {
		if err := r.client.Del(b.ctx, "asynq:{"+name+"}:paused").Err(); err != nil {
			return 0, 0, err
		}
	}
	err = b.until(r, "the end of the empty tasks", func() (bool, error) {
		var done int64
		for _, name := range names {
			n, err := w.ended(r, "asynq:{"+name+"}:")
			if err != nil {
				return false, err
			}
			done += n
		}
		return done >= int64(tasks), nil
	})
	elapsed := time.Since(begun).Seconds()
	return float64(tasks) / elapsed, (r.cpu() - used).Seconds() / elapsed, err
}

// polling measures what a worker without work costs, by how often it looks for some.
func (b *bench) polling() ([]limit, error) {
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	var found []limit
	for _, interval := range []string{"25ms", "100ms", "1s"} {
		worker, err := b.startWorker(r, "http://127.0.0.1:1", "QUEUE_POLL_INTERVAL="+interval)
		if err != nil {
			return nil, err
		}
		cost, err := b.idleCost(r, worker, 10*time.Second)
		if err != nil {
			return nil, err
		}
		worker.stop()
		found = append(found, limit{"an idle worker, QUEUE_POLL_INTERVAL=" + interval, cost})
	}
	return found, nil
}

// slots measures one worker with hundreds of operations that wait for Airbyte:
// what they cost is their leases and their logs.
func (b *bench) slots() ([]limit, error) {
	const running = 500
	w, err := b.startWatched()
	if err != nil {
		return nil, err
	}
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	if _, err := w.sim.AddFault(airbytesim.Fault{Operation: "discover_schema", Times: -1, Do: airbytesim.DoHold}); err != nil {
		return nil, err
	}
	worker, err := b.startWorker(r, w.url, "WORKER_CONCURRENCY="+strconv.Itoa(running))
	if err != nil {
		return nil, err
	}
	if err := b.submit(r, running); err != nil {
		return nil, err
	}
	bounded, cancel := context.WithTimeout(b.ctx, time.Minute)
	defer cancel()
	if err := w.sim.WaitHeld(bounded, "discover_schema", running); err != nil {
		return nil, fmt.Errorf("not all operations got to their discovery: %w", err)
	}
	cost, err := b.idleCost(r, worker, 10*time.Second)
	if err != nil {
		return nil, err
	}
	resident, err := worker.resident()
	if err != nil {
		return nil, err
	}
	w.sim.RemoveFaults()
	w.sim.Release("*", 0)
	return []limit{{
		fmt.Sprintf("a worker with %d operations that wait for a discovery", running),
		fmt.Sprintf("%s, %s MB resident", cost, figure(resident/mega)),
	}}, b.awaitCompleted(r, running)
}

// lane measures one component whose operations all wait for one another, beside
// as many operations on components of their own.
func (b *bench) lane() ([]limit, error) {
	w, err := b.newWorks()
	if err != nil {
		return nil, err
	}
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	worker, err := b.startWorker(r, w.sim.api)
	if err != nil {
		return nil, err
	}
	const operations = 200
	rates := map[bool]float64{}
	for _, one := range []bool{false, true} {
		if err := w.empty(r); err != nil {
			return nil, err
		}
		if err := w.fillLanes(r, operations, one); err != nil {
			return nil, err
		}
		var u use
		if rates[one], err = w.drain(r, "provision", worker, operations, &u); err != nil {
			return nil, err
		}
	}
	return []limit{{
		fmt.Sprintf("%d changed provisionings of one component, one after the other; Airbyte answers at once", operations),
		fmt.Sprintf("%s/s, of as many components %s/s", figure(rates[true]), figure(rates[false])),
	}}, nil
}

// fillLanes submits operations to a paused queue, all on one component or each on its own.
func (w *works) fillLanes(r *redisServer, operations int, one bool) error {
	if !one {
		return w.fill(r, operations)
	}
	if err := r.client.Set(w.ctx, "asynq:{provision}:paused", 1, 0).Err(); err != nil {
		return err
	}
	_, q := w.storeOf(r)
	for i := range operations { // one after the other: their order is what is measured
		order := w.orders.of(w.serial)
		order.Work.Source.Name += " " + strconv.Itoa(i)
		if _, err := q.Submit(w.ctx, order); err != nil {
			return err
		}
	}
	w.serial++
	return nil
}

// safe measures what a Redis that loses nothing costs: every write is on its disk before the answer.
func (b *bench) safe() ([]limit, error) {
	text, err := exampleDescriptor()
	if err != nil {
		return nil, err
	}
	shot, err := newShot(text)
	if err != nil {
		return nil, err
	}
	rates := make([]sample, 2)
	for i, persistence := range [][]string{nil, {"--appendonly", "yes", "--appendfsync", "always"}} {
		r, err := b.startRedis(persistence...)
		if err != nil {
			return nil, err
		}
		api, addr, err := b.startAPI(r)
		if err != nil {
			return nil, err
		}
		var u use
		for range 6 { // the first warms up
			rate, err := b.acceptOnto(r, api, addr, shot, time.Second, &u)
			if err != nil {
				return nil, err
			}
			rates[i] = append(rates[i], rate)
		}
		b.stopAll()
	}
	unsafe, safe := rates[0][1:].median(), rates[1][1:].median()
	return []limit{{
		"accepted requests of 2 KB, Redis with appendfsync always",
		fmt.Sprintf("%s/s, %.2f of the %s/s without", figure(safe), safe/unsafe, figure(unsafe)),
	}}, nil
}
