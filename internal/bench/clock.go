package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"airbyte-provisioner/internal/airbytesim"
)

// What Airbyte takes for a check and a discovery where time by the clock is measured.
const (
	checkTime    = 2 * time.Second
	discoverTime = 5 * time.Second
)

// clock measures one provisioning by the clock, and one that has nothing to do.
func (b *bench) clock() ([]result, error) {
	r, err := b.startRedis()
	if err != nil {
		return nil, err
	}
	calls, err := b.record(r)
	if err != nil {
		return nil, err
	}
	w, err := b.startWatched()
	if err != nil {
		return nil, err
	}
	_, addr, err := b.startAPI(r)
	if err != nil {
		return nil, err
	}
	if _, err := b.startWorker(r, w.url); err != nil {
		return nil, err
	}
	player, err := newReplayer(w.url, calls)
	if err != nil {
		return nil, err
	}
	c := &clocks{bench: b, addr: addr, player: player}
	rounds := b.count(1, 5)
	if err := c.prepare(rounds); err != nil {
		return nil, err
	}
	w.sim.SetLatencies(map[string]airbytesim.Latency{"check_connection": {Min: checkTime}, "discover_schema": {Min: discoverTime}})
	for round := range rounds {
		if err := c.round(round); err != nil {
			return nil, err
		}
	}
	return []result{
		{
			name: "clock", what: "wall-clock: one provisioning, POST to COMPLETED; checks take 2 s, discoveries 5 s",
			measured: c.first.median(), goal: 1.05, atMost: true, spread: c.first.spread(),
			floor: "the longest chain of its calls that cannot overlap: " + strings.Join(c.chain, ", "),
			note:  fmt.Sprintf("%s s, the chain %s s", figure(c.seconds.median()), figure(c.chainSeconds.median())),
		},
		{
			name: "unchanged", what: "unchanged: provisioning what is there already, POST to COMPLETED",
			measured: c.unchanged.median(), goal: 0.05, atMost: true, spread: c.unchanged.spread(),
			floor: "the old provisioner's sequence: list, delete, create, discover",
			note:  fmt.Sprintf("%s s, the old sequence %s s", figure(c.unchangedSeconds.median()), figure(c.oldSeconds.median())),
		},
	}, nil
}

// clocks collects rounds. In one, product and floors run at the same time:
// they nearly only wait, and what disturbs one disturbs all.
type clocks struct {
	*bench
	addr   string
	player *replayer
	chain  []string
	before []map[string]string // what the old provisioner finds, by round

	first, seconds, chainSeconds            sample
	unchanged, unchangedSeconds, oldSeconds sample
}

// prepare makes what the old provisioner finds, while Airbyte is quick.
func (c *clocks) prepare(rounds int) error {
	for round := range rounds {
		made := map[string]string{}
		if err := c.create(c.old(round), made); err != nil {
			return err
		}
		c.before = append(c.before, made)
	}
	return nil
}

// old is the component of the old provisioner.
func (c *clocks) old(round int) int64 { return c.serial + 2_000_000 + int64(round) }

func (c *clocks) round(round int) error {
	component := c.serial + int64(round)
	var (
		group                 sync.WaitGroup
		chain, old            float64
		errChain, errOld, err error
		took, again           float64
	)
	group.Go(func() { chain, errChain = c.playChain(component + 1_000_000) })
	group.Go(func() { old, errOld = c.playOld(round) })
	if took, err = c.provision(component); err == nil {
		again, err = c.provision(component)
	}
	group.Wait()
	for _, err := range []error{err, errChain, errOld} {
		if err != nil {
			return err
		}
	}
	c.first, c.seconds, c.chainSeconds = append(c.first, took/chain), append(c.seconds, took), append(c.chainSeconds, chain)
	c.unchanged, c.unchangedSeconds, c.oldSeconds = append(c.unchanged, again/old), append(c.unchangedSeconds, again), append(c.oldSeconds, old)
	return nil
}

// provision is the time from the POST to the first poll that finds the operation completed, in seconds.
func (c *clocks) provision(component int64) (float64, error) {
	text, err := exampleDescriptor()
	if err != nil {
		return 0, err
	}
	shot, err := newShot(text)
	if err != nil {
		return 0, err
	}
	g, err := dial(c.ctx, c.addr)
	if err != nil {
		return 0, err
	}
	defer func() { _ = g.conn.Close() }()
	var answer bytes.Buffer
	begun := time.Now()
	status, err := g.send(shot.aim(component, 0), &answer)
	if err != nil || status != http.StatusAccepted {
		return 0, fmt.Errorf("accept: %d, %w: %s", status, err, &answer)
	}
	poll := statusRequest(answer.String())
	for {
		status, err := g.send(poll, &answer)
		if err != nil || status != http.StatusOK {
			return 0, fmt.Errorf("poll: %d, %w: %s", status, err, &answer)
		}
		var state struct{ Status, Result string }
		if err := json.Unmarshal(answer.Bytes(), &state); err != nil {
			return 0, err
		}
		switch {
		case state.Status == "COMPLETED":
			return time.Since(begun).Seconds(), nil
		case state.Status != "RUNNING" || time.Since(begun) > time.Minute:
			return 0, fmt.Errorf("the provisioning is %s: %s", state.Status, state.Result)
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// playChain makes those calls of a first provisioning of which each needs the
// one before: look whether there is a source, create it, discover it, join it.
// The destination's calls overlap with them; so that the connection can be
// made, its destination is made before the clock starts.
func (c *clocks) playChain(component int64) (float64, error) {
	onChain := func(path string) bool {
		return slices.Contains([]string{"sources/list", "sources/create", "sources/discover_schema", "connections/create"}, below(path))
	}
	var names []string
	begun, waited := time.Now(), time.Duration(0)
	err := c.player.walk(c.ctx, digest(component), func(at call, post func() error) error {
		if onChain(at.Path) {
			names = append(names, below(at.Path))
			return post()
		}
		if below(at.Path) != "destinations/create" {
			return nil
		}
		paused := time.Now()
		defer func() { waited += time.Since(paused) }()
		return post()
	}, nil)
	c.chain = names
	return (time.Since(begun) - waited).Seconds(), err
}

// below is a call's path below the API's.
func below(path string) string { return strings.TrimPrefix(path, "/api/v1/") }

// digest is that of a component of the example.
func digest(component int64) string { return fmt.Sprintf("%016x", component) }

// create makes source, destination and connection as the old provisioner did.
func (c *clocks) create(component int64, made map[string]string) error {
	return c.player.walk(c.ctx, digest(component), func(at call, post func() error) error {
		switch below(at.Path) {
		case "sources/list", "destinations/list", "sources/create", "destinations/create", "sources/discover_schema", "connections/create":
			return post()
		}
		return nil
	}, made)
}

// playOld does what the old provisioner did at each provisioning: list, delete,
// create, discover. Its lists are those that creating begins with.
func (c *clocks) playOld(round int) (float64, error) {
	begun, made := time.Now(), c.before[round]
	for _, one := range []struct{ path, field string }{
		{"connections/delete", "connectionId"}, {"sources/delete", "sourceId"}, {"destinations/delete", "destinationId"},
	} {
		if _, err := c.player.post(c.ctx, "/api/v1/"+one.path, map[string]string{one.field: made[one.field]}); err != nil {
			return 0, err
		}
	}
	err := c.create(c.old(round), map[string]string{})
	return time.Since(begun).Seconds(), err
}
