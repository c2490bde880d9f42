package e2e

import (
	"fmt"
	"strings"
	"testing"
)

// TestWorkerKilledAtEachStep kills the worker (SIGKILL) while one call to
// Airbyte is under way, before or after it acted, and lets another worker finish.
func TestWorkerKilledAtEachStep(t *testing.T) {
	t.Parallel()
	steps := []struct {
		operation string
		acts      bool
	}{
		{"sources/list", false},
		{"scheduler/destinations/check_connection", true},
		{"sources/create", false},
		{"sources/create", true},
		{"sources/discover_schema", true},
		{"destinations/create", false},
		{"destinations/create", true},
		{"connections/create", false},
		{"connections/create", true},
	}
	for _, step := range steps {
		t.Run(fmt.Sprintf("%s acts=%t", strings.ReplaceAll(step.operation, "/", " "), step.acts), func(t *testing.T) {
			t.Parallel()
			s := newStack(t, map[string]string{"TASK_LEASE": "1s"})
			s.startAPI()
			first := s.startWorker()
			s.sim.HoldNext(step.operation, step.acts)
			token := s.submit("provision", wish{}.descriptor())
			if err := s.sim.WaitHeld(t.Context(), step.operation, 1); err != nil {
				t.Fatal(err)
			}
			first.kill()
			s.sim.Release("*", 0)
			s.startWorker()
			st := s.awaitState(token, "COMPLETED")
			if !strings.Contains(st.logText(), "Attempt 2 begins") {
				t.Errorf("the log does not tell of the second attempt:\n%s", st.logText())
			}
			s.one()
		})
	}
}

// TestUnprovisionKilledAtEachStep is the same on the way out.
func TestUnprovisionKilledAtEachStep(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{"connections/delete", "destinations/delete", "sources/delete"} {
		t.Run(strings.ReplaceAll(operation, "/", " "), func(t *testing.T) {
			t.Parallel()
			s := newStack(t, map[string]string{"TASK_LEASE": "1s"})
			s.startAPI()
			first := s.startWorker()
			s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
			s.sim.HoldNext(operation, true)
			token := s.submit("unprovision", wish{}.descriptor())
			if err := s.sim.WaitHeld(t.Context(), operation, 1); err != nil {
				t.Fatal(err)
			}
			first.kill()
			s.sim.Release("*", 0)
			s.startWorker()
			s.awaitState(token, "COMPLETED")
			s.none()
		})
	}
}

// TestStopGivesWorkBack stops a worker (SIGTERM) in the middle of a call that
// takes longer than the time for a stop; another finishes, and no attempt is counted as failed.
func TestStopGivesWorkBack(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"SHUTDOWN_TIMEOUT": "300ms", "TASK_MAX_RETRY": "0"})
	s.startAPI()
	first := s.startWorker()
	s.sim.HoldNext("sources/discover_schema", false)
	token := s.submit("provision", wish{}.descriptor())
	if err := s.sim.WaitHeld(t.Context(), "sources/discover_schema", 1); err != nil {
		t.Fatal(err)
	}
	if code := first.stop(); code != 0 {
		t.Errorf("the worker ended with %d after SIGTERM, want 0", code)
	}
	s.sim.Release("*", 0)
	s.startWorker()
	s.awaitState(token, "COMPLETED")
	s.one()
}

// TestTermination ends waiting and running work.
func TestTermination(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	waiting := s.submit("provision", wish{}.descriptor())
	if got := s.request("DELETE", "/v1/provision/"+waiting, nil); got.status != 200 || !strings.Contains(got.body, "TERMINATED") {
		t.Fatalf("terminating waiting work answered %d: %s", got.status, got.body)
	}
	s.startWorker()
	s.sim.HoldNext("sources/discover_schema", false)
	running := s.submit("provision", wish{}.descriptor())
	if err := s.sim.WaitHeld(t.Context(), "sources/discover_schema", 1); err != nil {
		t.Fatal(err)
	}
	next := s.submit("unprovision", wish{}.descriptor())
	if got := s.request("DELETE", "/v1/provision/"+running, nil); got.status != 202 || got.body != "" {
		t.Fatalf("terminating running work answered %d: %q", got.status, got.body)
	}
	if st := s.ask(running); st.Status != "TERMINATING" {
		t.Errorf("running work is %s after its termination was asked for, want TERMINATING", st.Status)
	}
	s.sim.Release("*", 0)
	s.awaitState(running, "TERMINATED")
	if len(s.sim.Calls("connections/create", 0)) > 0 {
		t.Error("the connection was made after the termination")
	}
	s.awaitState(next, "COMPLETED")
	s.none()
	if got := s.request("DELETE", "/v1/provision/"+next, nil); got.status != 200 || !strings.Contains(got.body, "COMPLETED") {
		t.Errorf("terminating finished work answered %d: %s", got.status, got.body)
	}
}
