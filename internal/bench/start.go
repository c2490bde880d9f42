package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"time"

	"airbyte-provisioner/internal/airbytesim"
)

// watched is a simulator in this process that tells of every call as it comes in.
type watched struct {
	sim   *airbytesim.Sim
	url   string
	calls chan time.Time
}

// startWatched starts it; a call that nobody waits for is dropped from the channel.
func (b *bench) startWatched() (*watched, error) {
	sim, err := airbytesim.New(airbytesim.Options{Seed: int64(b.seed)})
	if err != nil {
		return nil, err
	}
	w := &watched{sim: sim, calls: make(chan time.Time, 1)}
	api := sim.API()
	server := httptest.NewServer(http.HandlerFunc(func(writer http.ResponseWriter, r *http.Request) {
		select {
		case w.calls <- time.Now():
		default:
		}
		api.ServeHTTP(writer, r)
	}))
	w.url = server.URL
	b.closers = append(b.closers, server.Close, sim.Close)
	return w, nil
}

// start measures an idle system: from the 202 to the first call that reaches Airbyte.
func (b *bench) start() ([]result, error) {
	w, err := b.startWatched()
	if err != nil {
		return nil, err
	}
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	_, addr, err := b.startAPI(r)
	if err != nil {
		return nil, err
	}
	worker, err := b.startWorker(r, w.url)
	if err != nil {
		return nil, err
	}
	times, err := b.starts(w, addr, b.count(50, 300))
	if err != nil {
		return nil, err
	}
	cost, err := b.idleCost(r, worker, b.during(time.Second, 10*time.Second))
	if err != nil {
		return nil, err
	}
	const what = "start: idle system, 202 to the first call at Airbyte, "
	floor := "asynq's default: mean 640 ms, at most 1.3 s"
	return []result{
		{
			name: "start-p50", what: what + "p50", measured: times.median(), goal: 25, atMost: true, unit: " ms",
			floor: floor, spread: times.spread(), note: "an idle worker costs " + cost,
		},
		{
			name: "start-p99", what: what + "p99", measured: times.quantile(0.99), goal: 60, atMost: true, unit: " ms",
			floor: floor, spread: "most " + figure(times.quantile(1)), note: fmt.Sprintf("of %d starts", len(times)),
		},
	}, nil
}

// starts are times from a 202 to the first call, in milliseconds. Before each
// the system rests for a random time, so that it meets the worker's polling anywhere.
func (b *bench) starts(w *watched, addr string, n int) (sample, error) {
	text, err := exampleDescriptor()
	if err != nil {
		return nil, err
	}
	shot, err := newShot(text)
	if err != nil {
		return nil, err
	}
	g, err := dial(b.ctx, addr)
	if err != nil {
		return nil, err
	}
	defer func() { _ = g.conn.Close() }()
	var times sample
	for i := range n + 1 { // the first meets cold caches and does not count
		select { // a call of the operation before
		case <-w.calls:
		default:
		}
		status, err := g.send(shot.aim(int64(i), 0), nil)
		accepted := time.Now()
		if err != nil || status != http.StatusAccepted {
			return nil, fmt.Errorf("accept: %d, %w", status, err)
		}
		select {
		case called := <-w.calls:
			if i > 0 {
				times = append(times, max(0, called.Sub(accepted).Seconds()*1000))
			}
		case <-time.After(10 * time.Second):
			return nil, errors.New("no call reached Airbyte")
		}
		bounded, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		err = w.sim.WaitFinished(bounded, "connections/create", i+1)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("the provisioning before did not end: %w", err)
		}
		time.Sleep(20*time.Millisecond + time.Duration(b.random.IntN(50_000))*time.Microsecond)
	}
	return times, nil
}

// idleCost is what an idle worker costs Redis and its machine.
func (b *bench) idleCost(r *redisServer, worker *process, during time.Duration) (string, error) {
	before, err := b.commands(r)
	if err != nil {
		return "", err
	}
	used, usedRedis := worker.cpu(), r.cpu()
	time.Sleep(during)
	after, err := b.commands(r)
	if err != nil {
		return "", err
	}
	percent := func(used time.Duration) float64 { return 100 * used.Seconds() / during.Seconds() }
	return fmt.Sprintf("%.0f Redis commands/s, %.1f %% of a processor, and %.1f %% in Redis",
		(after-before)/during.Seconds(), percent(worker.cpu()-used), percent(r.cpu()-usedRedis)), nil
}

var processed = regexp.MustCompile(`total_commands_processed:(\d+)`)

// commands is how many commands Redis has carried out, those within scripts included.
func (b *bench) commands(r *redisServer) (float64, error) {
	text, err := r.client.Info(b.ctx, "stats").Bytes()
	if err != nil {
		return 0, err
	}
	found := processed.FindSubmatch(text)
	if found == nil {
		return 0, fmt.Errorf("Redis tells no number of commands: %s", bytes.TrimSpace(text)) //nolint:staticcheck // Redis is a name
	}
	return strconv.ParseFloat(string(found[1]), 64)
}
