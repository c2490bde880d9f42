package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbytesim"
)

func asyncAcceptance(t *testing.T) {
	s := newStack(t, nil)
	s.startAPI()
	got := s.request(http.MethodPost, "/v1/provision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: wish{}.descriptor()})
	if media := got.header.Get("Content-Type"); got.status != http.StatusAccepted || !strings.HasPrefix(media, "text/plain") || len(got.body) != 36 {
		t.Fatalf("a request was answered with %d, %s: %q; want 202 and the bare token", got.status, media, got.body)
	}
	token := got.body
	if st := s.ask(token); st.Status != "RUNNING" || st.Info != nil || st.Result == "" {
		t.Errorf("before any worker began, the status is %+v", st)
	}
	s.sim.HoldNext("sources/create", false)
	s.startWorker()
	if err := s.sim.WaitHeld(t.Context(), "sources/create", 1); err != nil {
		t.Fatal(err)
	}
	if st := s.ask(token); st.Status != "RUNNING" {
		t.Errorf("while the worker is at work, the status is %s", st.Status)
	}
	s.sim.Release("*", 0)
	s.awaitState(token, "COMPLETED")
	final := s.request(http.MethodGet, "/v1/provision/"+token+"/status", nil).body
	if got := s.request(http.MethodDelete, "/v1/provision/"+token, nil); got.status != http.StatusOK || got.body != final {
		t.Errorf("the termination of what has ended was answered with %d: %s", got.status, got.body)
	}
	s.awaitState(s.submit("unprovision", wish{}.descriptor()), "COMPLETED")
	if again := s.request(http.MethodGet, "/v1/provision/"+token+"/status", nil).body; again != final {
		t.Errorf("a terminal status changed from\n%s\nto\n%s", final, again)
	}
}

// refusedToken fails the test unless a token is answered with a RequestValidationError at the path.
func (s *stack) refusedToken(t *testing.T, method, path string) {
	t.Helper()
	got := s.request(method, path, nil)
	var refusal struct {
		Errors      []string `json:"errors"`
		UserMessage string   `json:"userMessage"`
	}
	if err := json.Unmarshal([]byte(got.body), &refusal); err != nil || got.status != http.StatusBadRequest || len(refusal.Errors) == 0 || refusal.UserMessage == "" {
		t.Errorf("%s %s answered %d, want 400 with what is wrong: %s", method, path, got.status, got.body)
	}
}

func unknownToken(t *testing.T) {
	s := running(t, nil)
	validation := s.accepted("/v2/validate", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: wish{}.descriptor()})
	for _, token := range []string{"no-token", "0198c8a2-5f0e-8c3a-9b1d-1f2e3d4c5b6a", "0198c8a2-5f0e-8c3a-9b1d-1f2e3d4c5b6a0"} {
		s.refusedToken(t, http.MethodGet, "/v1/provision/"+token+"/status")
		s.refusedToken(t, http.MethodDelete, "/v1/provision/"+token)
		s.refusedToken(t, http.MethodGet, "/v2/validate/"+token+"/status")
		s.refusedToken(t, http.MethodGet, "/v1/reverse-provisioning/"+token+"/status")
	}
	s.refusedToken(t, http.MethodGet, "/v1/provision/"+validation+"/status")
}

func expiredToken(t *testing.T) {
	s := running(t, map[string]string{"STATUS_TTL": "2s"})
	s.sim.HoldNext("sources/create", false)
	slow := s.submit("provision", wish{ID: "urn:dmb:cmp:finance:orders:0:slow"}.descriptor())
	if err := s.sim.WaitHeld(t.Context(), "sources/create", 1); err != nil {
		t.Fatal(err)
	}
	token := s.submit("provision", wish{}.descriptor())
	s.awaitState(token, "COMPLETED")
	deadline := time.Now().Add(30 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); ; <-tick.C {
		if got := s.request(http.MethodGet, "/v1/provision/"+token+"/status", nil); got.status != http.StatusOK {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a token with a life of 2 s still lives after 30")
		}
	}
	s.refusedToken(t, http.MethodGet, "/v1/provision/"+token+"/status")
	if st := s.ask(slow); st.Status != "RUNNING" {
		t.Errorf("what has not ended is %s, and does not expire", st.Status)
	}
	s.sim.Release("*", 0)
	s.awaitState(slow, "COMPLETED")
}

func duplicateRequests(t *testing.T) {
	s := newStack(t, nil)
	s.startAPI()
	first := s.submit("provision", wish{}.descriptor())
	if again := s.submit("provision", wish{}.descriptor()); again != first {
		t.Errorf("an unfinished request again got %s, want the same token %s", again, first)
	}
	s.startWorker()
	s.awaitState(first, "COMPLETED")
	made, before := s.one(), s.lastCall()
	later := s.submit("provision", wish{}.descriptor())
	if later == first {
		t.Error("a finished request again got the token of the one that has ended")
	}
	s.awaitState(later, "COMPLETED")
	if writes := s.writes(before); len(writes) > 0 {
		t.Errorf("the same request again wrote %v", writes)
	}
	if s.one().ids() != made.ids() {
		t.Error("the same request again made other entities")
	}
}

func concurrentRequests(t *testing.T) {
	s := running(t, nil)
	s.sim.HoldNext("sources/create", false)
	var tokens []string
	for i := range 3 {
		tokens = append(tokens, s.submit("provision", wish{URL: fmt.Sprintf("https://example.com/%d.csv", i)}.descriptor()))
		if i == 0 {
			if err := s.sim.WaitHeld(t.Context(), "sources/create", 1); err != nil {
				t.Fatal(err)
			}
		}
	}
	// What is accepted after them on another component ends before them: they had their chance to begin.
	s.awaitState(s.submit("provision", wish{ID: "urn:dmb:cmp:finance:orders:0:other"}.descriptor()), "COMPLETED")
	for _, call := range s.sim.Calls("*", 0) {
		for _, waiting := range tokens[1:] {
			if strings.HasPrefix(call.Header.Get("Attempt"), waiting) {
				t.Errorf("%s began while an earlier operation on its component was at work: %s", waiting, call.Operation)
			}
		}
	}
	s.sim.Release("*", 0)
	for _, token := range tokens {
		s.awaitState(token, "COMPLETED")
	}
	s.awaitState(s.submit("unprovision", wish{ID: "urn:dmb:cmp:finance:orders:0:other"}.descriptor()), "COMPLETED")
	if got := s.one().sources[0].Configuration["url"]; got != "https://example.com/2.csv" {
		t.Errorf("in the end the source reads %v, want what was asked for last", got)
	}
}

func retryExhaustion(t *testing.T) {
	s := running(t, map[string]string{"TASK_MAX_RETRY": "2"})
	if _, err := s.sim.AddFault(airbytesim.Fault{Operation: "sources/create", Times: -1, Do: airbytesim.DoAnswer, Status: 503, Body: `{"message":"down for maintenance"}`}); err != nil {
		t.Fatal(err)
	}
	st := s.awaitState(s.submit("provision", wish{}.descriptor()), "FAILED")
	if n := len(s.sim.Calls("sources/create", 0)); n != 3 {
		t.Errorf("the source was tried %d times, want 3: the first and two retries", n)
	}
	mentions(t, st.Result, "down for maintenance", "This was the last of 3 attempts.")
}

func partialFailure(t *testing.T) {
	s := running(t, nil)
	s.sim.AnswerNext("connections/create", 1, http.StatusUnprocessableEntity)
	s.sim.DropNext("sources/create", 1, true) // it acts, and its answer is lost
	s.awaitState(s.submit("provision", wish{}.descriptor()), "FAILED")
	half := s.alive()
	if len(half.sources) != 1 || len(half.destinations) != 1 || len(half.connections) != 0 {
		t.Fatalf("a provisioning whose connection failed left %s", half.names())
	}
	if n := len(s.sim.Calls("sources/create", 0)); n != 1 {
		t.Errorf("the source was created %d times: what a lost call made was not found", n)
	}
	s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	whole := s.one()
	if whole.sources[0].ID != half.sources[0].ID || whole.destinations[0].ID != half.destinations[0].ID {
		t.Error("the next request did not go on from what existed")
	}
}

func restart(t *testing.T) {
	s := newStack(t, map[string]string{"TASK_LEASE": "1s"})
	api, worker := s.startAPI(), s.startWorker()
	s.sim.HoldNext("destinations/create", true)
	token := s.submit("provision", wish{}.descriptor())
	if err := s.sim.WaitHeld(t.Context(), "destinations/create", 1); err != nil {
		t.Fatal(err)
	}
	worker.kill()
	api.kill()
	s.sim.Release("*", 0)
	s.startAPI()
	if st := s.ask(token); st.Status != "RUNNING" {
		t.Errorf("after the end of all programs the token is %s, want RUNNING", st.Status)
	}
	s.startWorker()
	deadline := time.Now().Add(45 * time.Second)
	for tick := time.NewTicker(50 * time.Millisecond); s.ask(token).Status == "RUNNING"; <-tick.C {
		if time.Now().After(deadline) {
			t.Fatal("nobody took the work of the dead worker over")
		}
	}
	s.awaitState(token, "COMPLETED")
	s.one()
}

func severalReplicas(t *testing.T) {
	s := newStack(t, map[string]string{"WORKER_CONCURRENCY": "1"})
	s.startAPI()
	first := s.api
	s.startAPI()
	second := s.api
	at := func(api string, do func() string) string {
		s.api = api
		return do()
	}
	submit := func() string { return s.submit("provision", wish{}.descriptor()) }
	token := at(first, submit)
	if other := at(second, submit); other != token {
		t.Errorf("the same request got %s from one API and %s from the other", token, other)
	}
	if st := s.ask(token); st.Status != "RUNNING" {
		t.Errorf("the other API says %s", st.Status)
	}
	s.sim.HoldNext("sources/create", false)
	s.startWorker()
	if err := s.sim.WaitHeld(t.Context(), "sources/create", 1); err != nil {
		t.Fatal(err)
	}
	s.startWorker() // the first one's only slot is taken
	elsewhere := at(first, func() string {
		return s.submit("provision", wish{ID: "urn:dmb:cmp:finance:orders:0:other"}.descriptor())
	})
	s.awaitState(elsewhere, "COMPLETED")
	s.sim.Release("*", 0)
	for _, api := range []string{first, second} {
		at(api, func() string { return s.awaitState(token, "COMPLETED").Status })
	}
}

func correlation(t *testing.T) {
	s := newStack(t, nil)
	api, worker := s.startAPI(), s.startWorker()
	const id = "0af7651916cd43dd8448eb211c80319c"
	send := func(method, path string, body any) reply {
		t.Helper()
		return s.requestWith(http.Header{"Traceid": {id}}, method, path, body)
	}
	got := send(http.MethodPost, "/v1/provision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: wish{}.descriptor()})
	if got.status != http.StatusAccepted || got.header.Get("Traceid") != id {
		t.Fatalf("answered %d with the trace id %q", got.status, got.header.Get("Traceid"))
	}
	s.awaitState(got.body, "COMPLETED")
	for name, p := range map[string]*process{"API": api, "worker": worker} {
		found := false
		for line := range strings.Lines(p.output()) {
			found = found || strings.Contains(line, id) && strings.Contains(line, got.body)
		}
		if !found {
			t.Errorf("no line of the %s has both the trace id and the token", name)
		}
	}
	var traced int
	for _, call := range s.sim.Calls("*", 0) {
		if call.Header.Get("Traceid") == id && strings.HasPrefix(call.Header.Get("Attempt"), got.body) {
			traced++
		}
	}
	if traced == 0 {
		t.Error("no call to Airbyte has both the trace id and the token")
	}
	refused := send(http.MethodPost, "/v1/provision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: "a: 1"})
	mentions(t, refused.body, id)
}

func failuresThatTell(t *testing.T) {
	s := running(t, map[string]string{"TASK_MAX_RETRY": "0"})
	type told struct {
		UserMessage     string `json:"userMessage"`
		InputErrorField string `json:"inputErrorField"`
		Error           string `json:"error"`
		MoreInfo        struct {
			Problems, Solutions []string
		} `json:"moreInfo"`
	}
	read := func(got reply, status int) told {
		t.Helper()
		var f told
		if err := json.Unmarshal([]byte(got.body), &f); err != nil || got.status != status {
			t.Fatalf("answered %d, want %d: %s", got.status, status, got.body)
		}
		if f.UserMessage == "" || len(f.MoreInfo.Problems) == 0 || len(f.MoreInfo.Solutions) == 0 {
			t.Errorf("the answer lacks a message, problems or solutions: %s", got.body)
		}
		return f
	}
	bad := submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: strings.Replace(wish{}.descriptor(), "format: csv", "format: cvs", 1)}
	f := read(s.request(http.MethodPost, "/v1/provision", bad), http.StatusBadRequest)
	if !strings.HasSuffix(f.InputErrorField, "specific.source.connectionConfiguration.format") {
		t.Errorf("the field at fault is said to be %q", f.InputErrorField)
	}
	mentions(t, strings.Join(f.MoreInfo.Solutions, "\n"), "spec.mesh.specific")

	st := s.awaitState(s.submit("provision", wish{URL: "https://files.invalid/a.csv"}.descriptor()), "FAILED")
	mentions(t, st.Result, "unknown host files.invalid", "What to do: ", "connectionConfiguration of the source")

	s.redis.Kill()
	f = read(s.request(http.MethodPost, "/v1/provision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: wish{}.descriptor()}), http.StatusInternalServerError)
	_, id, _ := strings.Cut(f.Error, "error id ")
	id = strings.TrimSuffix(id, ")")
	if id == "" {
		t.Fatalf("a 500 has no id: %s", f.Error)
	}
	s.started[0].awaitText(id)
}

func redaction(t *testing.T) {
	s := newStack(t, map[string]string{"TASK_MAX_RETRY": "0"})
	s.startAPI()
	worker := s.startWorker()
	w := wish{SourceSpec: postgres}
	s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
	if got := s.one().sources[0].Configuration["password"]; got != secretValue {
		t.Fatalf("Airbyte got the password %q", got)
	}
	for i, fault := range []airbytesim.Fault{
		{Operation: "sources/create", Do: airbytesim.DoAnswer, Status: 422, Body: `{"message":"cannot use password ` + secretValue + `"}`},
		{Operation: "destinations/create", Do: airbytesim.DoAnswer, Status: 500, Body: "<html>" + secretMark + "snowflake</html>"},
		{Operation: "sources/discover_schema", Do: airbytesim.DoFail, Failure: &airbytesim.JobFailure{Type: "config_error", Message: "refused for " + secretValue}},
	} {
		if _, err := s.sim.AddFault(fault); err != nil {
			t.Fatal(err)
		}
		w.ID = fmt.Sprintf("urn:dmb:cmp:finance:orders:0:leak-%d", i)
		s.awaitState(s.submit("provision", w.descriptor()), "FAILED")
	}
	found := s.outputs()
	found["metrics"] = fetch(t, "http://"+worker.address()+"/metrics", "")
	found["Redis"] = s.dump()
	for where, text := range found {
		if i := strings.Index(text, secretMark); i >= 0 {
			t.Errorf("%s holds a secret: ...%s...", where, text[max(0, i-300):min(len(text), i+60)])
		}
	}
}
