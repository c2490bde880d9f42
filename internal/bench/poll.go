package main

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redisbatch"
	"airbyte-provisioner/internal/workload"
)

// poll measures GET status of running tokens.
func (b *bench) poll() ([]result, error) {
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	api, addr, err := b.startAPI(r)
	if err != nil {
		return nil, err
	}
	floor, floorAddress, err := b.startFloorAPI(r)
	if err != nil {
		return nil, err
	}
	tokens, err := b.runningTokens(r, clients)
	if err != nil {
		return nil, err
	}
	if err := b.copyAnswers(r, addr, tokens); err != nil {
		return nil, err
	}
	var used, usedFloor use
	during := b.during(150*time.Millisecond, time.Second)
	c, err := b.pair(b.count(21, 21),
		func() (float64, error) { return b.pollRate(r, api, addr, tokens, during, &used) },
		func() (float64, error) { return b.pollRate(r, floor, floorAddress, tokens, during, &usedFloor) })
	if err != nil {
		return nil, err
	}
	return []result{{
		name: "poll", what: fmt.Sprintf("poll: status of a running token, %d clients", clients), measured: c.ratio.median(), goal: 0.85,
		floor: "bare Echo handler: one Redis GET of the same answer", spread: c.ratio.spread(),
		note: fmt.Sprintf("%s requests/s, the floor %s; processor time per request %s and in Redis %s, the floor's %s and %s",
			figure(c.product.median()), figure(c.floor.median()), used.program(), used.redis(), usedFloor.program(), usedFloor.redis()),
	}}, nil
}

func statusRequest(token string) []byte {
	return []byte("GET /v1/provision/" + token + "/status HTTP/1.1\r\nHost: bench\r\n\r\n")
}

func (b *bench) pollRate(r *redisServer, p *process, addr string, tokens []string, during time.Duration, u *use) (float64, error) {
	magazines := make([]magazine, len(tokens))
	for i, token := range tokens {
		request := statusRequest(token)
		magazines[i] = func() []byte { return request }
	}
	program, redis := p.cpu(), r.cpu()
	rate, err := fire(b.ctx, addr, http.StatusOK, during, magazines)
	u.times += rate * during.Seconds()
	u.inProgram += p.cpu() - program
	u.here += r.cpu() - redis
	return rate, err
}

// store and queue of the product, in this process.
func (b *bench) storeOf(r *redisServer) (*operation.Store, *queue.Queue) {
	batched := redisbatch.New(r.client)
	store := operation.New(operation.Options{Redis: r.client, Batched: batched, Lease: time.Minute})
	return store, queue.New(queue.Options{Redis: r.client, Batched: batched, Store: store, TaskRetention: 24 * time.Hour})
}

// runningTokens are those of operations at which attempts are at work, with the
// log of a provisioning that waits for its discovery.
func (b *bench) runningTokens(r *redisServer, n int) ([]string, error) {
	orders, err := newOrders()
	if err != nil {
		return nil, err
	}
	store, q := b.storeOf(r)
	tokens := make([]string, n)
	for i := range tokens {
		if tokens[i], err = q.Submit(b.ctx, orders.of(b.serial+int64(i))); err != nil {
			return nil, err
		}
		lease, err := store.Begin(b.ctx, tokens[i], workload.Component{}, 0)
		if err != nil {
			return nil, err
		}
		for _, line := range []struct {
			phase workload.Phase
			text  string
		}{
			{workload.PhasePlan, `Plan: create the source "finance.cashflow.1.File [wb-0123456789abcdef]".`},
			{workload.PhasePlan, `Plan: create the destination "finance.cashflow.1.Snowflake [wb-0123456789abcdef]".`},
			{workload.PhasePlan, `Plan: create the connection "finance.cashflow.1.File <> Snowflake".`},
			{workload.PhaseSource, `Created the source "finance.cashflow.1.File [wb-0123456789abcdef]" (5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6).`},
			{workload.PhaseDiscovery, "Asking the source for its schema."},
		} {
			lease.Log(workload.Info, line.phase, line.text)
		}
		if err := lease.Renew(b.ctx); err != nil {
			return nil, err
		}
	}
	b.serial += int64(n)
	return tokens, nil
}

// copyAnswers lets the floor answer the same bytes.
func (b *bench) copyAnswers(r *redisServer, addr string, tokens []string) error {
	g, err := dial(b.ctx, addr)
	if err != nil {
		return err
	}
	defer func() { _ = g.conn.Close() }()
	var body bytes.Buffer
	for _, token := range tokens {
		status, err := g.send(statusRequest(token), &body)
		if err != nil || status != http.StatusOK || !strings.Contains(body.String(), `"RUNNING"`) {
			return fmt.Errorf("the status of a running token: %d, %w: %s", status, err, body.String())
		}
		if err := r.client.Set(b.ctx, "floor:"+token, body.Bytes(), 0).Err(); err != nil {
			return err
		}
	}
	return nil
}
