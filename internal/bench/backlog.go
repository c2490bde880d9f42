package main

import (
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"
)

// backlogSize is how many operations wait.
const backlogSize = 100_000

// backlog measures whether accept, poll and work keep their rates while many
// operations wait: the same product, once with a Redis in which they do, and
// once with an empty one.
func (b *bench) backlog() ([]result, error) {
	w, err := b.newWorks()
	if err != nil {
		return nil, err
	}
	var results []result
	full, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	empty, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	begun := time.Now()
	if err := w.fill(full, backlogSize); err != nil {
		return nil, fmt.Errorf("fill: %w", err)
	}
	note := fmt.Sprintf("%d operations wait, accepted in %s", backlogSize, time.Since(begun).Round(time.Second/10))
	for _, take := range []struct {
		name string
		of   func(full, empty *redisServer) (compared, error)
	}{
		{"accept", w.acceptBacklog}, {"poll", w.pollBacklog}, {"work", w.workBacklog},
	} {
		c, err := take.of(full, empty)
		if err != nil {
			return results, fmt.Errorf("%s: %w", take.name, err)
		}
		results = append(results, result{
			name: "backlog-" + take.name, what: take.name + " while 100,000 operations wait", measured: c.ratio.median(), goal: 0.9,
			floor: "the same without a backlog", spread: c.ratio.spread(),
			note: fmt.Sprintf("%s/s, without %s; %s", figure(c.product.median()), figure(c.floor.median()), note),
		})
		note = ""
	}
	return results, nil
}

func (w *works) acceptBacklog(full, empty *redisServer) (compared, error) {
	text, err := exampleDescriptor()
	if err != nil {
		return compared{}, err
	}
	shot, err := newShot(text)
	if err != nil {
		return compared{}, err
	}
	fullAPI, fullAddr, err := w.startAPI(full)
	if err != nil {
		return compared{}, err
	}
	defer fullAPI.stop()
	emptyAPI, emptyAddr, err := w.startAPI(empty)
	if err != nil {
		return compared{}, err
	}
	defer emptyAPI.stop()
	var u use
	during := w.during(150*time.Millisecond, time.Second)
	return w.pair(w.count(9, 15),
		func() (float64, error) { return w.acceptOnto(full, fullAPI, fullAddr, shot, during, &u) },
		func() (float64, error) { return w.acceptRate(empty, emptyAPI, emptyAddr, shot, during, &u) })
}

func (w *works) pollBacklog(full, empty *redisServer) (compared, error) {
	fullAPI, fullAddr, err := w.startAPI(full)
	if err != nil {
		return compared{}, err
	}
	defer fullAPI.stop()
	emptyAPI, emptyAddr, err := w.startAPI(empty)
	if err != nil {
		return compared{}, err
	}
	defer emptyAPI.stop()
	fullTokens, err := w.runningTokens(full, clients)
	if err != nil {
		return compared{}, err
	}
	emptyTokens, err := w.runningTokens(empty, clients)
	if err != nil {
		return compared{}, err
	}
	var u use
	during := w.during(100*time.Millisecond, time.Second)
	return w.pair(w.count(7, 15),
		func() (float64, error) { return w.pollRate(full, fullAPI, fullAddr, fullTokens, during, &u) },
		func() (float64, error) { return w.pollRate(empty, emptyAPI, emptyAddr, emptyTokens, during, &u) })
}

// workBacklog lets a worker take from the backlog, and another one from a queue
// that holds just what is measured.
func (w *works) workBacklog(full, empty *redisServer) (compared, error) {
	onFull, err := w.startWorker(full, w.sim.api)
	if err != nil {
		return compared{}, err
	}
	onEmpty, err := w.startWorker(empty, w.sim.api)
	if err != nil {
		return compared{}, err
	}
	n := 300
	if w.quick {
		n = 100
	}
	var u use
	return w.pair(w.count(9, 11),
		func() (float64, error) { return w.slice(full, onFull, n, &u) },
		func() (float64, error) { return w.productRate(empty, onEmpty, n, &u) })
}

// slice lets a worker end n operations of a backlog.
func (w *works) slice(r *redisServer, p *process, n int, u *use) (float64, error) {
	if err := w.reset(); err != nil {
		return 0, err
	}
	rate, err := w.drain(r, "provision", p, n, u)
	if err != nil {
		return 0, err
	}
	if err := r.client.Set(w.ctx, "asynq:{provision}:paused", 1, 0).Err(); err != nil {
		return 0, err
	}
	return rate, w.settle(r)
}

// settle waits until the tasks that were taken before the pause are ended.
func (w *works) settle(r *redisServer) error {
	return w.until(r, "the end of the tasks under way", func() (bool, error) {
		active, err := r.client.LLen(w.ctx, "asynq:{provision}:active").Result()
		return active == 0 || err == redis.Nil, err //nolint:errorlint // go-redis answers redis.Nil itself
	})
}
