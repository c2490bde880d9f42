package airbytesim

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// The deeds of a fault.
const (
	// DoAnswer answers Status, Header and Body instead of the operation's own answer.
	DoAnswer = "answer"
	// DoDrop closes the connection without an answer.
	DoDrop = "drop"
	// DoHold keeps the call until it is released; then it goes on as if nothing had happened.
	DoHold = "hold"
	// DoEmpty answers 200 with no body at all.
	DoEmpty = "empty"
	// DoMalformed answers the operation's own status with its body cut in the middle.
	DoMalformed = "malformed"
	// DoOmit answers as usual, but without the fields named in Omit.
	DoOmit = "omit"
	// DoFail lets the job of a check or discovery fail: a 200 that tells of failure (trap 4).
	DoFail = "fail"
)

// Fault changes what calls get. When several match one call, the oldest hold
// and the oldest other one apply, so that a held call can be dropped afterwards.
type Fault struct {
	ID int `json:"id"` // given by AddFault
	// Operation is "*", an operation such as "sources/create", or its last parts, such as "create".
	Operation string `json:"operation"`
	// Contains must be in the request's body; empty means any body.
	Contains string `json:"contains,omitempty"`
	// Skip lets so many matching calls pass first.
	Skip int `json:"skip,omitempty"`
	// Times is how many calls it changes; 0 means one, negative means all until it is removed.
	Times int `json:"times,omitempty"`
	// Do is one of the deeds.
	Do string `json:"do"`
	// Acts carries the operation out first. It is implied by DoMalformed, DoOmit and DoFail.
	Acts bool `json:"acts,omitempty"`

	Status int               `json:"status,omitempty"` // DoAnswer
	Header map[string]string `json:"header,omitempty"` // DoAnswer, such as Retry-After
	Body   string            `json:"body,omitempty"`   // DoAnswer
	Omit   []string          `json:"omit,omitempty"`   // DoOmit: top-level fields of the answer
	// Failure is DoFail's; nil means a configuration error.
	Failure *JobFailure `json:"failure,omitempty"`

	// Hits is how many calls it has changed so far.
	Hits int `json:"hits"`
}

// JobFailure says how the job of a check or a discovery ends.
type JobFailure struct {
	// Died means that the job itself broke: a check then has no status (trap 4).
	Died bool `json:"died,omitempty"`
	// Type is Airbyte's failureType; empty means config_error, or system_error when the job died.
	Type string `json:"failureType,omitempty"`
	// Message is what people are shown; empty means a usual one.
	Message string `json:"externalMessage,omitempty"`
	// Internal is what only logs should show; empty means a stack's first line that holds a secret of the configuration.
	Internal string `json:"internalMessage,omitempty"`
}

// heldCall is a call that waits for its release.
type heldCall struct {
	call    *Call
	release chan struct{}
}

// AddFault adds a fault and answers its id.
func (s *Sim) AddFault(f Fault) (int, error) {
	deeds := []string{DoAnswer, DoDrop, DoHold, DoEmpty, DoMalformed, DoOmit, DoFail}
	switch {
	case f.Operation == "":
		return 0, errors.New("airbytesim: a fault needs an operation, or * for all")
	case !slices.Contains(deeds, f.Do):
		return 0, fmt.Errorf("airbytesim: a fault cannot %q, only %s", f.Do, strings.Join(deeds, ", "))
	case f.Do == DoAnswer && (f.Status < 200 || f.Status > 599):
		return 0, fmt.Errorf("airbytesim: a fault cannot answer status %d", f.Status)
	case f.Do == DoOmit && len(f.Omit) == 0:
		return 0, errors.New("airbytesim: a fault that omits needs the fields")
	}
	switch f.Do {
	case DoMalformed, DoOmit, DoFail:
		f.Acts = true
	}
	if f.Times == 0 {
		f.Times = 1
	}
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	t.lastFault++
	f.ID, f.Hits = t.lastFault, 0
	t.faults = append(t.faults, &f)
	return f.ID, nil
}

// Faults answers the faults that are not used up.
func (s *Sim) Faults() []Fault {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	faults := []Fault{}
	for _, f := range t.faults {
		faults = append(faults, *f)
	}
	return faults
}

// RemoveFault removes one fault; calls that it holds stay held.
func (s *Sim) RemoveFault(id int) {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = slices.DeleteFunc(t.faults, func(f *Fault) bool { return f.ID == id })
}

// RemoveFaults removes every fault; held calls stay held.
func (s *Sim) RemoveFaults() {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	t.faults = nil
}

// pick uses up the faults that apply to a call: at most one hold and one other.
func (t *traffic) pick(c *Call) (hold, other *Fault) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range t.faults {
		taken := f.Do == DoHold && hold != nil || f.Do != DoHold && other != nil
		if taken || !matches(f.Operation, c.Operation) || !strings.Contains(c.Body, f.Contains) {
			continue
		}
		if f.Skip > 0 {
			f.Skip--
			continue
		}
		f.Hits++
		f.Times--
		c.Fault = f.ID
		used := *f
		if f.Do == DoHold {
			hold = &used
		} else {
			other = &used
		}
	}
	t.faults = slices.DeleteFunc(t.faults, func(f *Fault) bool { return f.Times == 0 })
	return hold, other
}

// hold keeps a call until somebody releases it. It does not care whether the
// caller is still there: a server that works on a request does not either.
func (t *traffic) hold(c *Call) {
	h := &heldCall{call: c, release: make(chan struct{})}
	t.mu.Lock()
	t.held = append(t.held, h)
	t.signal()
	t.mu.Unlock()
	select {
	case <-h.release:
	case <-t.closed:
	}
}

// Held answers the calls that are held now.
func (s *Sim) Held() []Call {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	calls := []Call{}
	for _, h := range t.held {
		calls = append(calls, *h.call)
	}
	return calls
}

// WaitHeld returns once at least n calls that match are held at the same time;
// or with the context's error.
func (s *Sim) WaitHeld(ctx context.Context, pattern string, n int) error {
	t := &s.traffic
	return t.await(ctx, func() bool {
		count := 0
		for _, h := range t.held {
			if matches(pattern, h.call.Operation) {
				count++
			}
		}
		return count >= n
	})
}

// Release lets held calls go on: the one with this number, or, with 0, all that
// match the pattern. It answers how many.
func (s *Sim) Release(pattern string, seq int64) int {
	t := &s.traffic
	t.mu.Lock()
	defer t.mu.Unlock()
	before := len(t.held)
	t.held = slices.DeleteFunc(t.held, func(h *heldCall) bool {
		if !matches(pattern, h.call.Operation) || seq != 0 && h.call.Seq != seq {
			return false
		}
		close(h.release)
		return true
	})
	return before - len(t.held)
}

// A few faults that are wanted often.

// AnswerNext makes the next n calls that match answer a status without acting.
func (s *Sim) AnswerNext(pattern string, n, status int) {
	s.mustAdd(Fault{
		Operation: pattern, Times: n, Do: DoAnswer, Status: status,
		Body: `{"message":"` + http.StatusText(status) + `"}`,
	})
}

// DropNext closes the connection of the next n calls that match, after acting or before.
func (s *Sim) DropNext(pattern string, n int, acts bool) {
	s.mustAdd(Fault{Operation: pattern, Times: n, Do: DoDrop, Acts: acts})
}

// HoldNext holds the next call that matches, before it acts or, with acts, before it answers.
func (s *Sim) HoldNext(pattern string, acts bool) {
	s.mustAdd(Fault{Operation: pattern, Do: DoHold, Acts: acts})
}

// mustAdd is for faults that are right by their making.
func (s *Sim) mustAdd(f Fault) {
	if _, err := s.AddFault(f); err != nil {
		panic(err)
	}
}
