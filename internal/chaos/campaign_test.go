package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"airbyte-provisioner/internal/workload"
)

// campaign submits requests as many Coordinators would, follows every token,
// and keeps what was accepted.
type campaign struct {
	house      *house
	seed       uint64
	components []*component
	requests   int64 // how many are to be submitted
	duration   time.Duration
	turn       atomic.Int64 // of the next request, so that they are spread over the duration

	gentle bool // nobody asks for terminations

	// failovers counts the changes of Redis's master, each of which may have lost
	// the last moment's writes: a final state may then have to be reached again.
	failovers atomic.Int64
	undone    atomic.Int64 // final states that a failover lost

	repeats, terminations atomic.Int64

	mu          sync.Mutex
	ended       *sync.Cond // of mu: an operation ended, or the duration
	byToken     map[string]*accepted
	unfinished  []*accepted
	validations []*accepted
	wrong       []string
}

func newCampaign(h *house, seed uint64, components, requests int, duration time.Duration) *campaign {
	c := &campaign{house: h, seed: seed, requests: int64(requests), duration: duration, byToken: map[string]*accepted{}}
	c.ended = sync.NewCond(&c.mu)
	for i := range components {
		c.components = append(c.components, &component{index: i})
	}
	return c
}

// complain notes what is wrong; the test fails with it at the end.
func (c *campaign) complain(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.wrong = append(c.wrong, time.Now().Format("15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// most is how many operations may be unfinished at once.
const most = 80

// wake has those look again who wait for an end.
func (c *campaign) wake() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ended.Broadcast()
}

// run submits until the duration is over, and follows tokens until ctx ends.
// What it returns is closed after the last request.
func (c *campaign) run(ctx context.Context, submitters int) <-chan struct{} {
	var submitting sync.WaitGroup
	began := time.Now()
	time.AfterFunc(c.duration, c.wake)
	for i := range submitters {
		submitting.Go(func() { c.submitAll(ctx, began, rand.New(rand.NewPCG(c.seed, uint64(i)))) })
	}
	for i := range 2 {
		go c.follow(ctx, rand.New(rand.NewPCG(c.seed, uint64(1000+i))))
	}
	over := make(chan struct{})
	go func() { submitting.Wait(); close(over) }()
	return over
}

func (c *campaign) submitAll(ctx context.Context, began time.Time, random *rand.Rand) {
	for time.Since(began) < c.duration {
		turn := c.turn.Add(1)
		if turn > c.requests {
			return
		}
		// Nothing is waited for here: requests are spread over the duration.
		time.Sleep(time.Until(began.Add(time.Duration(turn * int64(c.duration) / c.requests))))
		c.mu.Lock()
		for len(c.unfinished) >= most && time.Since(began) < c.duration {
			c.ended.Wait()
		}
		c.mu.Unlock()
		at := c.components[random.IntN(len(c.components))]
		if _, err := c.submit(ctx, random, at, at.next); err != nil {
			c.complain("%v", err)
			return
		}
		if random.IntN(100) < 8 {
			c.validate(ctx, random, at)
		}
		if !c.gentle && random.IntN(100) < 8 {
			c.terminateOne(ctx, random)
		}
	}
}

// next draws what is asked for after the last accepted operation.
func (c *component) next(random *rand.Rand) wish {
	last := c.newest()
	fresh := wish{Kind: workload.Provision, Version: c.requests + 1}
	if last == nil {
		return fresh
	}
	switch p := random.IntN(100); {
	case p < 15: // the same again
		return last.wish
	case p < 30:
		return wish{Kind: workload.Unprovision, Version: last.Version, RemoveData: random.IntN(3) == 0}
	case p < 35: // the same content, be it after an unprovision
		return wish{Kind: workload.Provision, Version: last.Version}
	case p < 45:
		return wish{Kind: workload.UpdateACL, Version: last.Version, People: draw(random, people)}
	default:
		return fresh
	}
}

// draw draws some of the names.
func draw(random *rand.Rand, names []string) string {
	var drawn []string
	for _, name := range names {
		if random.IntN(2) == 0 {
			drawn = append(drawn, name)
		}
	}
	return strings.Join(drawn, " ")
}

// validate asks for a validation of what the component would get next. It
// stands in no line and changes nothing; its token is followed like any other.
func (c *campaign) validate(ctx context.Context, random *rand.Rand, at *component) {
	one := &accepted{wish: wish{Kind: workload.Validate, Version: 1}, component: at}
	path, body := one.request(at)
	r, err := c.house.insist(ctx, random, http.MethodPost, path, "validation", body)
	if err != nil || r.status != http.StatusAccepted {
		c.complain("a validation of %s was answered with %d: %s %v", at, r.status, r.body, err)
		return
	}
	one.token = r.body
	c.mu.Lock()
	defer c.mu.Unlock()
	c.validations = append(c.validations, one)
	c.unfinished = append(c.unfinished, one)
}

// submit submits what choose wants until it is accepted.
func (c *campaign) submit(ctx context.Context, random *rand.Rand, at *component, choose func(*rand.Rand) wish) (*accepted, error) {
	at.submitting.Lock()
	defer at.submitting.Unlock()
	wanted, before := choose(random), at.newest()
	at.requests++
	made := &accepted{wish: wanted, component: at, number: at.requests}
	path, body := wanted.request(at)
	r, err := c.house.insist(ctx, random, http.MethodPost, path, at.trace(made.number), body)
	if err != nil {
		return nil, err
	}
	if r.status != http.StatusAccepted {
		return nil, fmt.Errorf("%s was answered with %d: %s", made, r.status, r.body)
	}
	made.token = r.body
	c.mu.Lock()
	known := c.byToken[made.token]
	if known == nil {
		c.byToken[made.token] = made
		c.unfinished = append(c.unfinished, made)
	}
	c.mu.Unlock()
	if known != nil {
		c.repeats.Add(1)
		if known != before || known.wish != wanted {
			c.complain("%s was answered with the token of %s", made, known)
		}
		return known, nil
	}
	at.mu.Lock()
	at.accepted = append(at.accepted, made)
	at.mu.Unlock()
	if before != nil && before.wish == wanted && c.failovers.Load() == 0 {
		// An equal request gets a token of its own only once the one before is settled.
		if st, err := c.house.statusOf(ctx, random, before); err != nil || st.Status == "RUNNING" {
			c.complain("%s has a token of its own while %s is %s (%v)", made, before, st.Status, err)
		}
	}
	return made, nil
}

// terminateOne asks for the end of an unfinished operation.
func (c *campaign) terminateOne(ctx context.Context, random *rand.Rand) {
	c.mu.Lock()
	var victim *accepted
	if n := len(c.unfinished); n > 0 {
		victim = c.unfinished[random.IntN(n)]
	}
	c.mu.Unlock()
	if victim == nil || victim.Kind == workload.Validate { // the contract knows no termination of those
		return
	}
	c.terminations.Add(1)
	r, err := c.house.insist(ctx, random, http.MethodDelete, "/v1/provision/"+victim.token, "", nil)
	if err != nil || r.status != http.StatusOK && r.status != http.StatusAccepted {
		c.complain("the termination of %s was answered with %d: %s %v", victim, r.status, r.body, err)
	}
}

// follow polls unfinished tokens in turn, as Coordinators do, until ctx ends.
func (c *campaign) follow(ctx context.Context, random *rand.Rand) {
	tick := time.NewTicker(3 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		c.mu.Lock()
		var one *accepted
		if n := len(c.unfinished); n > 0 {
			one = c.unfinished[random.IntN(n)]
		}
		c.mu.Unlock()
		if one != nil {
			c.look(ctx, random, one)
		}
	}
}

// look polls one token.
func (c *campaign) look(ctx context.Context, random *rand.Rand, one *accepted) {
	if !one.asking.TryLock() {
		return // an answer that comes late would look like a step back
	}
	defer one.asking.Unlock()
	before := c.failovers.Load()
	r := c.house.apis[random.IntN(len(c.house.apis))].ask(ctx, http.MethodGet, one.statusPath(one.token), "", nil)
	if r.unanswered() {
		return
	}
	now, err := readStatus(one.token, r)
	if err == nil {
		err = one.see(now)
	}
	switch {
	case err == nil:
	case before > 0 && strings.Contains(err.Error(), "a final state changed"):
		c.undone.Add(1)
	default:
		c.complain("%s: %v", one, err)
		now = status{Status: "FAILED"} // it is not to be polled for ever
	}
	if now.final() {
		c.mu.Lock()
		for i, other := range c.unfinished {
			if other == one {
				c.unfinished = append(c.unfinished[:i:i], c.unfinished[i+1:]...)
				c.ended.Broadcast()
				break
			}
		}
		c.mu.Unlock()
	}
}

// settled waits until every token is final; it gives up after a long time without any progress.
func (c *campaign) settled() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.unfinished) > 0 {
		var late atomic.Bool
		timer := time.AfterFunc(patience, func() { late.Store(true); c.wake() })
		for n := len(c.unfinished); len(c.unfinished) >= n && !late.Load(); {
			c.ended.Wait()
		}
		timer.Stop()
		if !late.Load() {
			continue
		}
		var stuck strings.Builder
		for _, one := range c.unfinished {
			fmt.Fprintf(&stuck, "%s is %s:\n%s", one, one.state().Status, one.state().logText())
		}
		return fmt.Errorf("%d tokens came to no end in %s:\n%s", len(c.unfinished), patience, &stuck)
	}
	return nil
}

// all is every accepted operation.
func (c *campaign) all() []*accepted {
	var all []*accepted
	for _, at := range c.components {
		all = append(all, at.accepted...)
	}
	return append(all, c.validations...)
}
