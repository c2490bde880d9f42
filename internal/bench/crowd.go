package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"
)

// crowd measures what 100,000 waiting operations cost while nothing is done
// about them, and how soon the list of operations is there.
func (b *bench) crowd() ([]limit, error) {
	w, err := b.newWorks()
	if err != nil {
		return nil, err
	}
	var found []limit
	for _, size := range []int{100, backlogSize} {
		r, err := b.startRedis()
		if err != nil {
			return nil, err
		}
		if err := w.fill(r, size); err != nil {
			return nil, err
		}
		worker, err := b.startWorker(r, w.sim.api) // the queue is paused
		if err != nil {
			return nil, err
		}
		cost, err := b.idleCost(r, worker, 10*time.Second)
		if err != nil {
			return nil, err
		}
		_, addr, err := b.startAPI(r)
		if err != nil {
			return nil, err
		}
		list, err := b.pageTime("http://" + addr + "/")
		if err != nil {
			return nil, err
		}
		found = append(found,
			limit{fmt.Sprintf("a worker whose queue is paused while %d operations wait", size), cost},
			limit{fmt.Sprintf("the page that lists operations, of %d", size), figure(list.median()) + " ms"})
	}
	return found, nil
}

// pageTime is how long a page takes, in milliseconds.
func (b *bench) pageTime(url string) (sample, error) {
	var times sample
	for range 21 {
		request, err := http.NewRequestWithContext(b.ctx, http.MethodGet, url, http.NoBody)
		if err != nil {
			return nil, err
		}
		begun := time.Now()
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			return nil, err
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		if err == nil && response.StatusCode != http.StatusOK {
			err = fmt.Errorf("%s answered %d", url, response.StatusCode)
		}
		if err != nil {
			return nil, err
		}
		times = append(times, time.Since(begun).Seconds()*1000)
	}
	return times, nil
}

// clusterSlots is how many slots a Redis Cluster has.
const clusterSlots = 16384

// spread asks a Redis in which slots the keys of operations lie, and reckons how
// evenly clusters of several sizes would share them: nodes own equal ranges of
// slots, and components fall on the tags alike.
func (b *bench) spread() ([]limit, error) {
	r, err := b.startRedis("--cluster-enabled", "yes")
	if err != nil {
		return nil, err
	}
	slotOf := func(key string) (int64, error) { return r.client.ClusterKeySlot(b.ctx, key).Result() }
	var tags, queues []int64
	for tag := range 256 {
		slot, err := slotOf(fmt.Sprintf("airbyte-provisioner:{%02x}:op:token", tag))
		if err != nil {
			return nil, err
		}
		tags = append(tags, slot)
	}
	for domain := range 16 {
		slot, err := slotOf(fmt.Sprintf("asynq:{domain%d-provision}:pending", domain))
		if err != nil {
			return nil, err
		}
		queues = append(queues, slot)
	}
	var found []limit
	for _, nodes := range []int{3, 6, 12} {
		records, err := busiest(tags, nodes)
		if err != nil {
			return nil, err
		}
		busy, err := busiest(queues, nodes)
		if err != nil {
			return nil, err
		}
		found = append(found, limit{
			fmt.Sprintf("a cluster of %d masters: the busiest one's share, times %d", nodes, nodes),
			fmt.Sprintf("records %.2f; provision queues of 16 installations %.2f, of one installation %d", records, busy, nodes),
		})
	}
	return found, nil
}

// busiest is the largest number of slots that one of the nodes owns, by the mean.
func busiest(of []int64, nodes int) (float64, error) {
	if len(of) == 0 {
		return 0, errors.New("no slots")
	}
	counts := make([]int, nodes)
	for _, slot := range of {
		counts[min(int(slot)*nodes/clusterSlots, nodes-1)]++
	}
	return float64(slices.Max(counts)) * float64(nodes) / float64(len(of)), nil
}
