package chaos

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
	"time"

	"airbyte-provisioner/internal/airbytesim"
)

// monkey harms a house at random, and makes each harm good some time later. It
// runs on the test's goroutine.
type monkey struct {
	house  *house
	random *rand.Rand
	harms  []harm
	busy   map[any]bool // what is harmed now
	due    []reparation
	counts map[string]int
	errs   []string
}

// harm is one thing that the monkey does. It returns false when it cannot be done now.
type harm struct {
	name   string
	weight int
	do     func() bool
}

// reparation makes a harm good; it is asked again and again until it returns
// true, which it does after the event, if there is one to be waited for.
type reparation struct {
	at    time.Time
	event <-chan struct{}
	do    func() bool
}

func newMonkey(h *house, seed uint64) *monkey {
	m := &monkey{house: h, random: rand.New(rand.NewPCG(seed, 1<<40)), busy: map[any]bool{}, counts: map[string]int{}}
	m.harms = []harm{
		{"SIGKILL", 6, func() bool { return m.kill(m.pick()) }},
		{"SIGTERM", 5, func() bool { return m.stop(m.pick()) }},
		{"SIGSTOP", 3, func() bool { return m.pause(m.pick()) }},
		{"fault", 10, m.fault},
		{"slow call", 6, m.slow},
	}
	return m
}

// pick draws a slot, of a worker rather than of an API.
func (m *monkey) pick() *slot {
	slots := slices.Concat(m.house.workers, m.house.workers, m.house.apis)
	return slots[m.random.IntN(len(slots))]
}

// later makes a harm good after a time between least and most.
func (m *monkey) later(least, most time.Duration, do func() bool) {
	wait := least + time.Duration(m.random.Int64N(int64(most-least)+1))
	m.due = append(m.due, reparation{at: time.Now().Add(wait), do: do})
}

// step does at most one harm, and what reparations are due.
func (m *monkey) step() {
	m.repair(false)
	total := 0
	for _, h := range m.harms {
		total += h.weight
	}
	n := m.random.IntN(total)
	for _, h := range m.harms {
		if n -= h.weight; n < 0 {
			if h.do() {
				m.counts[h.name]++
			}
			break
		}
	}
	// Nothing is waited for here: how much may happen between two harms is a part
	// of what the seed decides.
	time.Sleep(time.Duration(50+m.random.IntN(250)) * time.Millisecond)
}

// repair does the reparations that are due, or all.
func (m *monkey) repair(all bool) {
	for len(m.due) > 0 {
		due := m.due
		m.due = nil // a reparation may bring another
		for _, r := range due {
			if all && r.event != nil {
				select {
				case <-r.event:
				case <-time.After(patience):
				}
			}
			if !all && time.Now().Before(r.at) || !r.do() {
				m.due = append(m.due, r)
			}
		}
		if !all {
			return
		}
	}
}

// take says that a thing is harmed from now on, unless it is already.
func (m *monkey) take(thing any) bool {
	if m.busy[thing] {
		return false
	}
	m.busy[thing] = true
	return true
}

// give says that a thing is whole again.
func (m *monkey) give(thing any) bool {
	delete(m.busy, thing)
	return true
}

func (m *monkey) kill(s *slot) bool {
	if !m.take(s) {
		return false
	}
	p := s.leave()
	p.kill()
	s.inspect(p)
	m.later(0, 800*time.Millisecond, func() bool { s.start(); return m.give(s) })
	return true
}

// stop asks a process that works to end, and starts another once it has.
func (m *monkey) stop(s *slot) bool {
	if s.address() == "" || !m.take(s) {
		return false
	}
	p, asked := s.leave(), time.Now()
	p.signal(syscall.SIGTERM)
	m.later(0, 300*time.Millisecond, func() bool {
		select {
		case <-p.done:
		default:
			if time.Since(asked) < patience {
				return false
			}
			m.errs = append(m.errs, fmt.Sprintf("%s did not end in %s after SIGTERM:\n%s", p.name, patience, p.tail(40)))
			p.kill()
		}
		if p.err != nil {
			m.errs = append(m.errs, fmt.Sprintf("%s ended with %v after SIGTERM:\n%s", p.name, p.err, p.tail(40)))
		}
		s.inspect(p)
		s.start()
		return m.give(s)
	})
	m.due[len(m.due)-1].event = p.done
	return true
}

// pause stops a process as a machine that sleeps does, often past its leases.
func (m *monkey) pause(s *slot) bool {
	if !m.take(s) {
		return false
	}
	p := s.process()
	p.signal(syscall.SIGSTOP)
	m.later(200*time.Millisecond, 2500*time.Millisecond, func() bool { p.signal(syscall.SIGCONT); return m.give(s) })
	return true
}

// The operations that faults meet.
var operations = []string{
	"sources/create", "sources/update", "sources/delete", "sources/list", "sources/discover_schema",
	"destinations/create", "destinations/update", "destinations/delete", "destinations/list",
	"connections/create", "connections/update", "connections/delete", "connections/get", "connections/list",
	"scheduler/destinations/check_connection", "jobs/list", "connections/clear", "applications/token",
	"permissions/create", "permissions/update", "permissions/delete_user_from_workspace",
}

// fault has some of the next calls to Airbyte go wrong: most are dropped, before or after they acted.
func (m *monkey) fault() bool {
	f := airbytesim.Fault{Operation: operations[m.random.IntN(len(operations))], Times: 1 + m.random.IntN(3), Acts: m.random.IntN(2) == 0}
	switch m.random.IntN(8) {
	case 0, 1, 2, 3:
		f.Do = airbytesim.DoDrop
	case 4:
		f.Do = airbytesim.DoMalformed
	case 5:
		f.Do = airbytesim.DoEmpty
	default:
		statuses := []int{401, 408, 422, 429, 500, 502, 503, 504}
		f.Do, f.Status = airbytesim.DoAnswer, statuses[m.random.IntN(len(statuses))]
		f.Acts = f.Acts && f.Status >= 500 // who refuses a request has not carried it out
		f.Body = `{"message":"as the test wants it"}`
	}
	if _, err := m.house.sim.AddFault(f); err != nil {
		m.errs = append(m.errs, err.Error())
	}
	return true
}

// slow keeps the answer of one of the next calls to Airbyte back, past the lease
// of an attempt, so that processes die and pause in the middle of calls. The call
// has acted by then: what acts only after its caller died and was replaced, for
// longer than a lease, is beyond what anybody can fence off.
func (m *monkey) slow() bool {
	f := airbytesim.Fault{Operation: operations[m.random.IntN(len(operations))], Do: airbytesim.DoHold, Acts: true}
	if _, err := m.house.sim.AddFault(f); err != nil {
		m.errs = append(m.errs, err.Error())
	}
	m.later(500*time.Millisecond, 4*time.Second, func() bool {
		if held := m.house.sim.Held(); len(held) > 0 {
			m.house.sim.Release("*", held[0].Seq)
		}
		return true
	})
	return true
}

// tally is what was done how often.
func (m *monkey) tally() string {
	var done []string
	for _, name := range slices.Sorted(maps.Keys(m.counts)) {
		done = append(done, fmt.Sprintf("%d %s", m.counts[name], name))
	}
	return strings.Join(done, ", ")
}
