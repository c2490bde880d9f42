package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"
)

// accepted posts a body that must be accepted and returns the token.
func (s *stack) accepted(path string, body any) string {
	s.t.Helper()
	got := s.request(http.MethodPost, path, body)
	if got.status != http.StatusAccepted {
		s.t.Fatalf("POST %s answered %d: %s", path, got.status, got.body)
	}
	return got.body
}

// outcome is what validations and reverse provisionings answer in the end.
type outcome struct {
	Status string `json:"status"`
	Info   *struct {
		PublicInfo struct {
			Valid bool `json:"valid"`
			Error struct {
				Errors []string `json:"errors"`
			} `json:"error"`
		} `json:"publicInfo"`
	} `json:"info"`
	Updates map[string]any `json:"updates"`
	status
}

// UnmarshalJSON reads the members that all statuses share, then those of the two.
func (o *outcome) UnmarshalJSON(data []byte) error {
	type own struct {
		Status  string          `json:"status"`
		Info    json.RawMessage `json:"info"`
		Updates map[string]any  `json:"updates"`
		Logs    json.RawMessage `json:"logs"`
	}
	var read own
	if err := json.Unmarshal(data, &read); err != nil {
		return err
	}
	o.Status, o.Updates = read.Status, read.Updates
	if len(read.Info) > 0 {
		if err := json.Unmarshal(read.Info, &o.Info); err != nil {
			return err
		}
	}
	return json.Unmarshal(read.Logs, &o.Logs)
}

// problems are a validation's errors as one text.
func (o outcome) problems() string {
	if o.Info == nil {
		return ""
	}
	return strings.Join(o.Info.PublicInfo.Error.Errors, "\n")
}

// awaitOutcome polls a validation or a reverse provisioning until it has ended,
// and fails unless in the state.
func (s *stack) awaitOutcome(path, token, state string) outcome {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		got := s.request(http.MethodGet, path+"/"+token+"/status", nil)
		if got.status != http.StatusOK {
			s.t.Fatalf("the status of %s answered %d: %s", token, got.status, got.body)
		}
		var o outcome
		if err := json.Unmarshal([]byte(got.body), &o); err != nil {
			s.t.Fatal(err)
		}
		switch o.Status {
		case state:
			return o
		case "RUNNING":
		default:
			s.t.Fatalf("%s is %s, want %s:\n%s", token, o.Status, state, o.logText())
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%s is still %s after %s:\n%s", token, o.Status, patience, o.logText())
		}
	}
}

// validate has a descriptor validated and returns the verdict.
func (s *stack) validate(descriptor string) outcome {
	s.t.Helper()
	return s.validation(descriptor, "COMPLETED")
}

func (s *stack) validation(descriptor, state string) outcome {
	s.t.Helper()
	token := s.accepted("/v2/validate", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: descriptor})
	return s.awaitOutcome("/v2/validate", token, state)
}

// unchanged fails the test if Airbyte was written to while f ran.
func (s *stack) unchanged(t *testing.T, f func()) {
	t.Helper()
	contents := func() string {
		c := s.sim.Contents()
		c.Checks, c.Discoveries = 0, 0
		raw, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	calls, before := s.lastCall(), contents()
	f()
	if writes := s.writes(calls); len(writes) > 0 {
		t.Errorf("Airbyte was written to: %v", writes)
	}
	if after := contents(); after != before {
		t.Errorf("Airbyte holds something else now:\n%s\nbefore:\n%s", after, before)
	}
}
