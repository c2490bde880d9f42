package e2e

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
)

// TestRetryClasses meets every sort of failure once and sees whether it is tried again.
func TestRetryClasses(t *testing.T) {
	t.Parallel()
	answer := func(operation string, status int) airbytesim.Fault {
		return airbytesim.Fault{Operation: operation, Do: airbytesim.DoAnswer, Status: status, Body: `{"message":"as the test wants it"}`}
	}
	locked := answer("connections/create", http.StatusConflict)
	locked.Body = `{"status":409,"type":"error:connection/locked","title":"locked","detail":"the connection is locked"}`
	busy := answer("sources/create", http.StatusTooManyRequests)
	busy.Header = map[string]string{"Retry-After": "1"}
	cases := []struct {
		name   string
		fault  airbytesim.Fault
		retry  bool
		reason string
	}{
		{"408", answer("sources/create", 408), true, "the server gave up waiting"},
		{"425", answer("sources/create", 425), true, "too early"},
		{"429", busy, true, "overload, with a wait of its own"},
		{"500", answer("destinations/create", 500), true, "the server broke"},
		{"502", answer("sources/discover_schema", 502), true, "a proxy cut the discovery off"},
		{"503", answer("sources/list", 503), true, "the server is away"},
		{"504", answer("scheduler/destinations/check_connection", 504), true, "a proxy cut the check off"},
		{"locked", locked, true, "a locked connection is unlocked some time"},
		{"drop before acting", airbytesim.Fault{Operation: "sources/create", Do: airbytesim.DoDrop}, true, "the network broke"},
		{"drop after acting", airbytesim.Fault{Operation: "sources/create", Do: airbytesim.DoDrop, Acts: true}, true, "the answer was lost"},
		{"no id", airbytesim.Fault{Operation: "sources/create", Do: airbytesim.DoOmit, Omit: []string{"sourceId"}}, true, "a 200 without its id is no success"},
		{"no catalog", airbytesim.Fault{Operation: "sources/discover_schema", Do: airbytesim.DoOmit, Omit: []string{"catalog"}}, true, "a 200 without its catalog is no success"},
		{"empty", airbytesim.Fault{Operation: "connections/create", Do: airbytesim.DoEmpty}, true, "an empty 200 is no success"},
		{"malformed", airbytesim.Fault{Operation: "connections/create", Do: airbytesim.DoMalformed}, true, "half an answer is none"},
		{"400", answer("sources/create", 400), false, "the request is wrong"},
		{"403", answer("sources/create", 403), false, "it is forbidden"},
		{"404", answer("workspaces/get", 404), false, "the workspace does not exist"},
		{"409", answer("connections/create", 409), false, "a conflict that nobody resolves by waiting"},
		{"422", answer("connections/create", 422), false, "the configuration is wrong"},
		{"check", airbytesim.Fault{Operation: "scheduler/destinations/check_connection", Do: airbytesim.DoFail}, false, "the destination cannot be reached with this configuration"},
		{"discovery", airbytesim.Fault{Operation: "sources/discover_schema", Do: airbytesim.DoFail}, false, "the source cannot be read with this configuration"},
	}
	s := newStack(t, nil)
	s.startAPI()
	s.startWorker()
	// One after the other: a fault takes the next call, whoever makes it.
	for i, c := range cases {
		w := wish{ID: fmt.Sprintf("urn:dmb:cmp:finance:orders:0:case-%d", i)}
		id, err := s.sim.AddFault(c.fault)
		if err != nil {
			t.Fatal(err)
		}
		st := s.awaitEnd(s.submit("provision", w.descriptor()))
		s.sim.RemoveFault(id)
		hit := s.hits(id)
		log := st.logText()
		switch {
		case !hit:
			t.Logf("%s: the fault met no call", c.name)
			if c.name != "404" {
				t.Errorf("%s: the fault met no call", c.name)
			}
		case c.retry && (st.Status != "COMPLETED" || !strings.Contains(log, "Attempt 1 failed")):
			t.Errorf("%s: %s, want COMPLETED after another attempt (%s): %s\n%s", c.name, st.Status, c.reason, st.Result, log)
		case !c.retry && (st.Status != "FAILED" || strings.Contains(log, "Attempt 1 failed")):
			t.Errorf("%s: %s, want FAILED at the first attempt (%s): %s\n%s", c.name, st.Status, c.reason, st.Result, log)
		case !c.retry && len(st.Result) < 40:
			t.Errorf("%s: the result %q does not explain itself", c.name, st.Result)
		}
		s.awaitState(s.submit("unprovision", w.descriptor()), "COMPLETED")
		s.none()
	}
}

// hits reports whether a call met the fault.
func (s *stack) hits(fault int) bool {
	for _, c := range s.sim.Calls("*", 0) {
		if c.Fault == fault {
			return true
		}
	}
	return false
}

// TestRetriesEnd meets a failure that does not go away.
func TestRetriesEnd(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"TASK_MAX_RETRY": "2"})
	s.startAPI()
	s.startWorker()
	fault := airbytesim.Fault{Operation: "sources/create", Times: -1, Do: airbytesim.DoAnswer, Status: 503, Body: `{"message":"down for maintenance"}`}
	if _, err := s.sim.AddFault(fault); err != nil {
		t.Fatal(err)
	}
	st := s.awaitState(s.submit("provision", wish{}.descriptor()), "FAILED")
	if n := len(s.sim.Calls("sources/create", 0)); n != 3 {
		t.Errorf("the source was tried %d times, want 3: the first and two retries", n)
	}
	for _, want := range []string{"503", "down for maintenance", "What to do"} {
		if !strings.Contains(st.Result, want) {
			t.Errorf("the result lacks %q: %s", want, st.Result)
		}
	}
	if n := strings.Count(st.logText(), "is tried again"); n != 2 {
		t.Errorf("the log tells of %d retries, want 2:\n%s", n, st.logText())
	}
	s.sim.RemoveFaults()
	s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	s.one()
}

// TestCredentials has Airbyte's tokens expire all the time, then be refused.
func TestCredentials(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	s.startWorker()
	// One 401 is met by a renewed token, within the attempt.
	s.sim.AnswerNext("sources/create", 1, http.StatusUnauthorized)
	st := s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	if strings.Contains(st.logText(), "Attempt 1 failed") {
		t.Errorf("a 401 cost an attempt:\n%s", st.logText())
	}
	s.sim.AnswerNext("sources/list", 2, http.StatusUnauthorized)
	st = s.awaitState(s.submit("provision", wish{URL: "https://example.com/other.csv"}.descriptor()), "FAILED")
	if !strings.Contains(st.Result, "client id and secret") {
		t.Errorf("the result does not name the credentials: %s", st.Result)
	}
}
