package airbytesim

import (
	"context"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"
)

const defaultCallLimit = 100_000

// Call is one call that the API got.
type Call struct {
	Seq       int64  `json:"seq"` // from 1, in the order of arrival
	Operation string `json:"operation"`
	Method    string `json:"method"`
	// Body is the request as it came, secrets and all.
	Body   string      `json:"body"`
	Header http.Header `json:"header"`
	Start  time.Time   `json:"start"`
	// End is zero while the call is under way.
	End time.Time `json:"end,omitzero"`
	// Status is what was answered; 0 while under way, and when the connection was dropped.
	Status int `json:"status"`
	// Acted says that the operation was carried out and not refused (its own status was below 300), whatever
	// the caller was told.
	Acted bool `json:"acted"`
	// Fault is the id of the fault that changed the answer; 0 means none.
	Fault int `json:"fault,omitempty"`
}

// Counter is how often an operation was called.
type Counter struct {
	Started  int         `json:"started"`
	Finished int         `json:"finished"`
	Acted    int         `json:"acted"`
	Dropped  int         `json:"dropped"`  // connections that were closed without an answer
	Statuses map[int]int `json:"statuses"` // finished calls by status
}

// traffic is all that happens around the operations: the log, faults, holds and
// latencies. Its lock is apart from the world's.
type traffic struct {
	mu        sync.Mutex
	limit     int
	seq       int64
	calls     []*Call // the newest, oldest first
	counters  map[string]*Counter
	faults    []*Fault
	lastFault int
	held      []*heldCall
	latencies map[string]Latency
	changed   chan struct{} // closed and replaced whenever something that can be waited for happens
	closed    chan struct{}
	closing   sync.Once
}

func (t *traffic) init(limit int) {
	if limit <= 0 {
		limit = defaultCallLimit
	}
	t.limit = limit
	t.counters = map[string]*Counter{}
	t.changed = make(chan struct{})
	t.closed = make(chan struct{})
}

func (t *traffic) close() { t.closing.Do(func() { close(t.closed) }) }

func (t *traffic) reset() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls, t.faults, t.seq, t.lastFault = nil, nil, 0, 0
	t.counters = map[string]*Counter{}
	for _, h := range t.held {
		close(h.release)
	}
	t.held = nil
	t.signal()
}

// signal wakes everybody who waits; mu is held.
func (t *traffic) signal() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// await returns when the condition, which is asked with the lock held, is true.
func (t *traffic) await(ctx context.Context, condition func() bool) error {
	for {
		t.mu.Lock()
		fulfilled, changed := condition(), t.changed
		t.mu.Unlock()
		if fulfilled {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// matches says whether an operation is meant by a pattern: "*", the whole
// operation, or its last parts, so "create" means every create.
func matches(pattern, operation string) bool {
	return pattern == "*" || pattern == operation || strings.HasSuffix(operation, "/"+pattern)
}

func (t *traffic) setLatencies(latencies map[string]Latency) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.latencies = maps.Clone(latencies)
}

// latency is the one of the longest pattern that matches.
func (t *traffic) latency(operation string) Latency {
	t.mu.Lock()
	defer t.mu.Unlock()
	best, found := -1, Latency{}
	for pattern, l := range t.latencies {
		if len(pattern) > best && matches(pattern, operation) {
			best, found = len(pattern), l
		}
	}
	return found
}

// begin logs a call that has just come in.
func (t *traffic) begin(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.seq++
	c.Seq = t.seq
	t.calls = append(t.calls, c)
	if len(t.calls) > t.limit+t.limit/4 {
		t.calls = append([]*Call(nil), t.calls[len(t.calls)-t.limit:]...)
	}
	t.counter(c.Operation).Started++
	t.signal()
}

// end completes a logged call.
func (t *traffic) end(c *Call, now time.Time, status int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.End, c.Status = now, status
	counter := t.counter(c.Operation)
	counter.Finished++
	if status == 0 {
		counter.Dropped++
	} else {
		counter.Statuses[status]++
	}
	t.signal()
}

// acted notes that a call changed or read the world with success.
func (t *traffic) acted(c *Call) {
	t.mu.Lock()
	defer t.mu.Unlock()
	c.Acted = true
	t.counter(c.Operation).Acted++
	t.signal()
}

func (t *traffic) counter(operation string) *Counter {
	c, ok := t.counters[operation]
	if !ok {
		c = &Counter{Statuses: map[int]int{}}
		t.counters[operation] = c
	}
	return c
}

// Calls answers the logged calls whose operation matches the pattern ("*" for
// all) and whose number is above after, in the order of arrival.
func (s *Sim) Calls(pattern string, after int64) []Call {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	found := []Call{}
	for _, c := range t.calls {
		if c.Seq > after && matches(pattern, c.Operation) {
			found = append(found, *c)
		}
	}
	return found
}

// ClearCalls empties the log and the counters; numbers go on.
func (s *Sim) ClearCalls() {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	t.calls, t.counters = nil, map[string]*Counter{}
}

// Counters answers how often each operation was called since the start or ClearCalls.
func (s *Sim) Counters() map[string]Counter {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	counters := make(map[string]Counter, len(t.counters))
	for operation, c := range t.counters {
		copied := *c
		copied.Statuses = maps.Clone(c.Statuses)
		counters[operation] = copied
	}
	return counters
}

// SetLatencies replaces all latencies.
func (s *Sim) SetLatencies(latencies map[string]Latency) { s.traffic.setLatencies(latencies) }

// total sums a figure over the operations that match; mu is held.
func (t *traffic) total(pattern string, figure func(*Counter) int) int {
	sum := 0
	for operation, c := range t.counters {
		if matches(pattern, operation) {
			sum += figure(c)
		}
	}
	return sum
}

// WaitStarted returns once at least n calls that match have come in since the
// start or ClearCalls; or with the context's error.
func (s *Sim) WaitStarted(ctx context.Context, pattern string, n int) error {
	t := &s.traffic
	return t.await(ctx, func() bool { return t.total(pattern, func(c *Counter) int { return c.Started }) >= n })
}

// WaitFinished returns once at least n calls that match are over (answered or
// dropped) since the start or ClearCalls; or with the context's error.
func (s *Sim) WaitFinished(ctx context.Context, pattern string, n int) error {
	t := &s.traffic
	return t.await(ctx, func() bool { return t.total(pattern, func(c *Counter) int { return c.Finished }) >= n })
}

// WaitActed returns once at least n calls that match were carried out and not
// refused since the start or ClearCalls, also when their callers were told
// otherwise; or with the context's error.
func (s *Sim) WaitActed(ctx context.Context, pattern string, n int) error {
	t := &s.traffic
	return t.await(ctx, func() bool { return t.total(pattern, func(c *Counter) int { return c.Acted }) >= n })
}
