package main

import (
	"fmt"
	"net/http"
	"time"
)

// accept measures the way from POST /v1/provision to its 202.
func (b *bench) accept() ([]result, error) {
	small, err := exampleDescriptor()
	if err != nil {
		return nil, err
	}
	large, err := largeDescriptor()
	if err != nil {
		return nil, err
	}
	var results []result
	for _, of := range []struct {
		name, what, text string
		goal             float64
		quick            int // pairs
	}{
		{"accept-2k", "accept: a request of 2 KB", small, 0.9, 15},
		{"accept-230k", "accept: a data product of 230 KB with 200 components", large, 1.0, 5},
	} {
		c, note, err := b.acceptPairs(of.text, of.quick)
		b.stopAll()
		if err != nil {
			return results, err
		}
		results = append(results, result{
			name: of.name, what: fmt.Sprintf("%s, %d clients", of.what, clients), measured: c.ratio.median(), goal: of.goal,
			floor: "bare Echo handler: JSON, YAML into a map, one asynq enqueue", spread: c.ratio.spread(), note: note,
		})
	}
	return results, nil
}

func (b *bench) acceptPairs(text string, quick int) (compared, string, error) {
	shot, err := newShot(text)
	if err != nil {
		return compared{}, "", err
	}
	r, err := b.startRedis()
	if err != nil {
		return compared{}, "", err
	}
	api, addr, err := b.startAPI(r)
	if err != nil {
		return compared{}, "", err
	}
	floor, floorAddress, err := b.startFloorAPI(r)
	if err != nil {
		return compared{}, "", err
	}
	var used, usedFloor use
	during := b.during(150*time.Millisecond, time.Second)
	c, err := b.pair(b.count(quick, 21),
		func() (float64, error) { return b.acceptRate(r, api, addr, shot, during, &used) },
		func() (float64, error) { return b.acceptRate(r, floor, floorAddress, shot, during, &usedFloor) })
	if err != nil {
		return c, "", err
	}
	return c, fmt.Sprintf("%s requests/s, the floor %s; processor time per request %s and in Redis %s, the floor's %s and %s",
		figure(c.product.median()), figure(c.floor.median()), used.program(), used.redis(), usedFloor.program(), usedFloor.redis()), nil
}

// during is how long one side of a pair lasts.
func (b *bench) during(quick, full time.Duration) time.Duration {
	if b.quick {
		return quick
	}
	return full
}

// startFloorAPI starts the floor's API and returns its address.
func (b *bench) startFloorAPI(r *redisServer) (*process, string, error) {
	p, err := b.self(nil, "floor-api", r.addr)
	if err != nil {
		return nil, "", err
	}
	addr, err := p.await(floorAddr)
	return p, addr, err
}

// use sums what processes have used.
type use struct {
	times           float64
	inProgram, here time.Duration
	inAirbyte       time.Duration // its simulator's, where that is a process
}

func (u use) program() string { return average(u.inProgram, u.times) }
func (u use) redis() string   { return average(u.here, u.times) }
func (u use) airbyte() string { return average(u.inAirbyte, u.times) }

// acceptRate fires requests at an API whose Redis was emptied. Of twenty
// requests one is a further one for a component that has an unfinished one, and
// one repeats the request before it; the others are for new components.
func (b *bench) acceptRate(r *redisServer, p *process, addr string, s *shot, during time.Duration, u *use) (float64, error) {
	if err := r.client.FlushAll(b.ctx).Err(); err != nil {
		return 0, err
	}
	return b.acceptOnto(r, p, addr, s, during, u)
}

// acceptOnto is acceptRate on what Redis holds.
func (b *bench) acceptOnto(r *redisServer, p *process, addr string, s *shot, during time.Duration, u *use) (float64, error) {
	magazines := make([]magazine, clients)
	for i := range magazines {
		magazines[i] = b.requests(s.clone(), int64(i))
	}
	b.serial += 1_000_000 // more than one connection sends in a pair
	program, redis := p.cpu(), r.cpu()
	rate, err := fire(b.ctx, addr, http.StatusAccepted, during, magazines)
	u.times += rate * during.Seconds()
	u.inProgram += p.cpu() - program
	u.here += r.cpu() - redis
	return rate, err
}

// requests are those of one connection.
func (b *bench) requests(s *shot, connection int64) magazine {
	component, n := b.serial+connection-clients, int64(0)
	return func() []byte {
		n++
		switch n % 20 {
		case 7: // a further one, which waits in line
			return s.aim(component, n)
		case 14: // a repeat
			return s.text
		default:
			component += clients
			return s.aim(component, n)
		}
	}
}
