package chaos

import (
	"context"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// soak is one soak: how long, on which Redis, and what is done to it.
type soak struct {
	settings   redisSettings
	duration   time.Duration
	requests   int
	components int
	// gentle means that processes are only stopped in order, Airbyte is well, and
	// nobody asks for terminations: then every operation completes.
	gentle bool
	// harms are done to Redis, beside the usual ones.
	harms func(*monkey, *campaign) []harm
	// enough says whether what has to be done at least once was done; nil: it was.
	enough func(*monkey) bool
}

// TestSoak harms everything, on one redis-server that writes every command to disk.
func TestSoak(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.AOF())
	soak{
		settings: redisSettings{"REDIS_URL": redis.URL()},
		duration: *forFlag, requests: *operationsFlag, components: *componentsFlag,
		harms: func(m *monkey, _ *campaign) []harm {
			return []harm{
				{"kill of Redis", 2, func() bool {
					if !m.take(redis) {
						return false
					}
					redis.Kill()
					m.later(0, 1200*time.Millisecond, func() bool { redis.Restart(); return m.give(redis) })
					return true
				}},
				{"pause of Redis", 1, func() bool {
					if !m.take(redis) {
						return false
					}
					redis.Pause()
					m.later(100*time.Millisecond, 900*time.Millisecond, func() bool { redis.Resume(); return m.give(redis) })
					return true
				}},
			}
		},
	}.run(t)
}

// latencies are those of a slow Airbyte, well below a lease.
var latencies = map[string]airbytesim.Latency{
	"*": {Max: 8 * time.Millisecond},
	"scheduler/destinations/check_connection": {Min: 5 * time.Millisecond, Max: 60 * time.Millisecond},
	"sources/discover_schema":                 {Min: 5 * time.Millisecond, Max: 120 * time.Millisecond},
}

func (s soak) run(t *testing.T) {
	seed := seed(t)
	h := newHouse(t, s.settings, nil)
	h.staff(2, 3)
	h.sim.SetLatencies(latencies)
	h.open()
	c := newCampaign(h, seed, s.components, s.requests, s.duration)
	m := newMonkey(h, seed)
	if c.gentle = s.gentle; s.gentle {
		m.harms = []harm{{"SIGTERM", 5, func() bool { return m.stop(m.pick()) }}}
	}
	if s.harms != nil {
		m.harms = append(m.harms, s.harms(m, c)...)
	}

	began := time.Now()
	following, stopFollowing := context.WithCancel(t.Context())
	defer stopFollowing()
	over := c.run(following, 6)
	for working := true; working; {
		m.step()
		select {
		case <-over:
			working = s.enough != nil && !s.enough(m) && time.Since(began) < s.duration+patience
		default:
		}
	}
	if s.enough != nil && !s.enough(m) {
		t.Errorf("what had to be done was not done: %s", m.tally())
	}
	// From here on all is well, and every token has to come to its end.
	h.sim.RemoveFaults()
	m.repair(true)
	go func() { // a call that met its fault before may come to be held only now
		for h.sim.WaitHeld(following, "*", 1) == nil {
			h.sim.Release("*", 0)
		}
	}()
	t.Logf("%s of harm: %s", time.Since(began).Round(time.Second), m.tally())
	if err := c.settled(); err != nil {
		t.Error(err)
	}
	c.settlement(t)
	stopFollowing()
	for _, text := range m.errs {
		t.Error(text)
	}
	c.verdict(t)
}

// usual is how an operation may fail in a soak: by what was done to it.
var usual = regexp.MustCompile(`This was the last of \d+ attempts|attempts ended with the end of the worker|422|as the test wants it`)

// settlement tells how operations ended, and submits again, in quiet, what did not complete.
func (c *campaign) settlement(t *testing.T) {
	t.Helper()
	random := rand.New(rand.NewPCG(c.seed, 1<<41))
	states := map[string]int{}
	for _, one := range c.all() {
		one.asking.Lock()
		st, err := c.house.statusOf(t.Context(), random, one)
		if err == nil {
			err = one.see(st)
		}
		one.asking.Unlock()
		if err != nil && (c.failovers.Load() == 0 || !st.final()) {
			t.Errorf("%s: %v", one, err)
		}
		states[st.Status]++
		if one.Kind == workload.Validate {
			continue // what it finds is told elsewhere; that it ended is what counts
		}
		if c.gentle && st.Status != "COMPLETED" || st.Status == "FAILED" && !usual.MatchString(st.Result) {
			t.Errorf("%s is %s: %s\n%s", one, st.Status, st.Result, st.logText())
		}
	}
	t.Logf("%d operations on %d components: %v; %d repeats, %d terminations asked for, %d final states undone by failovers",
		len(c.all()), len(c.components), states, c.repeats.Load(), c.terminations.Load(), c.undone.Load())
	var again []*accepted
	for _, at := range c.components {
		for _, wanted := range at.unsettled() {
			one, err := c.submit(t.Context(), random, at, func(*rand.Rand) wish { return wanted })
			if err != nil {
				t.Fatal(err)
			}
			again = append(again, one)
		}
	}
	if err := c.settled(); err != nil {
		t.Error(err)
	}
	for _, one := range again {
		if st := one.state(); st.Status != "COMPLETED" {
			t.Errorf("%s was submitted again in quiet and is %s: %s\n%s", one, st.Status, st.Result, st.logText())
		}
	}
	t.Logf("%d operations submitted again in quiet", len(again))
}

// unsettled is what has to be submitted again because an operation did not
// complete: the last content, and then who has access.
func (c *component) unsettled() []wish {
	var wanted []wish
	last := c.newest(workload.Provision, workload.Unprovision)
	if last != nil && last.state().Status != "COMPLETED" {
		wanted = append(wanted, last.wish)
	}
	granted := c.newest(workload.UpdateACL)
	if granted != nil && slices.ContainsFunc(c.accepted[slices.Index(c.accepted, granted):], func(one *accepted) bool {
		return one.state().Status != "COMPLETED"
	}) {
		wanted = append(wanted, granted.wish)
	}
	return wanted
}

// verdict compares Airbyte with what was asked for, and judges the calls.
func (c *campaign) verdict(t *testing.T) {
	t.Helper()
	for _, text := range c.wrong {
		t.Error(text)
	}
	contents := c.house.sim.Contents()
	all := inventory(contents)
	roles := map[string]string{}
	calls := c.house.sim.Calls("*", 0)
	visits := visitsOf(calls)
	judged := 0
	for _, at := range c.components {
		wishes := map[int]wish{}
		for _, one := range at.accepted {
			wishes[one.number] = one.wish
		}
		for _, name := range at.people() {
			roles[name] = "workspace_reader"
		}
		var wrong []string
		for _, text := range all[at.digest()].compare(at.content()) {
			wrong = append(wrong, fmt.Sprintf("%s %s", at, text))
		}
		delete(all, at.digest())
		wrong = append(wrong, judge(visits[at.String()], wishes)...)
		judged += len(visits[at.String()])
		for _, text := range wrong {
			t.Error(text)
		}
		if len(wrong) > 0 {
			t.Log(at.story(visits[at.String()]))
		}
	}
	if diff := cmp.Diff(roles, access(contents)); diff != "" {
		t.Errorf("who has access (-want +got):\n%s", diff)
	}
	for digest, o := range all {
		if len(o.sources)+len(o.destinations)+len(o.connections) > 0 {
			t.Errorf("Airbyte holds what belongs to nobody (%q): %+v", digest, o)
		}
	}
	t.Logf("%d calls to Airbyte, %d of them judged", len(calls), judged)
	if judged == 0 {
		t.Error("no call was judged")
	}
}

// story tells all that happened to a component.
func (c *component) story(visits []visit) string {
	var b strings.Builder
	for _, one := range c.accepted {
		fmt.Fprintf(&b, "%s: %s %s\n%s", one, one.state().Status, one.state().Result, one.state().logText())
	}
	for _, v := range visits {
		written, _ := versionIn(v)
		fmt.Fprintf(&b, "%d %s-%s %s request %d attempt %s: %d acted=%t fault=%d version=%d\n", v.Seq, v.Start.Format("15:04:05.000"),
			v.End.Format("05.000"), v.Operation, v.number, v.attempt, v.Status, v.Acted, v.Fault, written)
	}
	return b.String()
}
