package main

import (
	"fmt"
	"strconv"
	"strings"
)

// What Airbyte takes and what a worker does at once where workers are added:
// so little work for the processors that they are not the limit.
const (
	scaleConcurrency = 4
	scaleRounds      = 4 // provisionings of each slot
)

func scaleLatencies() []string {
	return []string{"*=20ms", "check_connection=250ms", "discover_schema=500ms"}
}

// scale measures how the rate grows with the number of workers.
func (b *bench) scale() ([]result, error) {
	w, err := b.newWorks(scaleLatencies()...)
	if err != nil {
		return nil, err
	}
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	counts := []int{1, 2, 4, 8}
	if b.quick {
		counts = []int{1, 8}
	}
	rates := make([]sample, len(counts))
	var eight sample
	for range b.count(1, 3) {
		if err := w.scaleRound(r, counts, rates); err != nil {
			return nil, err
		}
		eight = append(eight, rates[len(rates)-1][len(eight)]/rates[0][len(eight)]/8)
	}
	var notes []string
	for i, n := range counts {
		median := rates[i].median()
		notes = append(notes, fmt.Sprintf("%d: %s/s (%.2f)", n, figure(median), median/rates[0].median()/float64(n)))
	}
	return []result{{
		name: "scale-out", what: "scale-out: 8 workers, Airbyte takes its time", measured: eight.median(), goal: 0.9,
		floor: "8 times the rate of one worker", spread: eight.spread(),
		note: fmt.Sprintf("workers with %d slots: %s", scaleConcurrency, strings.Join(notes, ", ")),
	}}, nil
}

// scaleRound measures once with each number of workers.
func (w *works) scaleRound(r *redisServer, counts []int, rates []sample) error {
	var workers []*process
	for i, count := range counts {
		for len(workers) < count {
			p, err := w.startWorker(r, w.sim.api, "WORKER_CONCURRENCY="+strconv.Itoa(scaleConcurrency))
			if err != nil {
				return err
			}
			workers = append(workers, p)
		}
		if err := w.empty(r); err != nil {
			return err
		}
		n := count * scaleConcurrency * scaleRounds
		if err := w.fill(r, n); err != nil {
			return err
		}
		var u use
		rate, err := w.drain(r, "provision", workers[0], n, &u)
		if err != nil {
			return err
		}
		rates[i] = append(rates[i], rate)
	}
	for _, p := range workers {
		p.stop()
	}
	return nil
}
