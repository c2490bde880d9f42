package e2e

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
)

// running is a stack with an API and a worker.
func running(t *testing.T, settings map[string]string, opts ...func(*airbytesim.Options)) *stack {
	t.Helper()
	s := newStack(t, settings, opts...)
	s.startAPI()
	s.startWorker()
	return s
}

// verdict is a ValidationResult.
type verdict struct {
	Valid bool `json:"valid"`
	Error *struct {
		Errors []string `json:"errors"`
	} `json:"error"`
}

// validateNow asks /v1/validate.
func (s *stack) validateNow(t *testing.T, descriptor string) verdict {
	t.Helper()
	got := s.request(http.MethodPost, "/v1/validate", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: descriptor})
	if got.status != http.StatusOK {
		t.Fatalf("/v1/validate answered %d: %s", got.status, got.body)
	}
	var v verdict
	if err := json.Unmarshal([]byte(got.body), &v); err != nil {
		t.Fatal(err)
	}
	return v
}

func validateSuccess(t *testing.T) {
	s := running(t, nil)
	if v := s.validateNow(t, wish{}.descriptor()); !v.Valid || v.Error != nil {
		t.Errorf("/v1/validate says %+v of a good descriptor", v)
	}
	s.unchanged(t, func() {
		v := s.validate(wish{}.descriptor())
		if v.Info == nil || !v.Info.PublicInfo.Valid || v.problems() != "" {
			t.Errorf("/v2/validate says %+v of a good descriptor:\n%s", v.Info, v.logText())
		}
		mentions(t, v.logText(), "plan: Plan: create source", "plan: Plan: create destination", "plan: Plan: create connection")
	})
}

func validateFailure(t *testing.T) {
	s := running(t, map[string]string{"SNOWFLAKE_ROLE": "", "TASK_MAX_RETRY": "0"})
	bad := strings.NewReplacer("format: csv", "format: cvs", "  domain: finance\n", "  domain: null\n").Replace(wish{}.descriptor())
	v := s.validateNow(t, bad)
	if v.Valid || v.Error == nil {
		t.Fatalf("/v1/validate says %+v of a bad descriptor", v)
	}
	mentions(t, strings.Join(v.Error.Errors, "\n"), "dataProduct.domain", "specific.source.connectionConfiguration.format")

	deep := s.validate(wish{SourceSpec: strings.Replace(postgres, "REFERENCED", "ABSENT", 1)}.descriptor())
	if deep.Info == nil || deep.Info.PublicInfo.Valid {
		t.Errorf("/v2/validate says %+v of a descriptor that cannot work:\n%s", deep.Info, deep.logText())
	}
	mentions(t, deep.problems(), "specific.source.connectionConfiguration.password", "ABSENT", "specific.destination.connectionConfiguration.role")

	s.sim.AnswerNext("workspaces/get", 1, http.StatusServiceUnavailable)
	if v := s.validation(wish{}.descriptor(), "FAILED"); v.Info != nil {
		t.Errorf("a validation that could not run has a result: %+v", v.Info)
	}
}

func provisionSuccess(t *testing.T) {
	s := running(t, nil)
	st := s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	assertInfo(t, st, s.one(), wish{}.withDefaults())
	if st.Result == "" {
		t.Error("the result says nothing")
	}
}

func provisionFailure(t *testing.T) {
	s := running(t, nil)
	got := s.request(http.MethodPost, "/v1/provision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: "dataProduct: {}"})
	if got.status != http.StatusBadRequest {
		t.Errorf("a bad descriptor was answered with %d: %s", got.status, got.body)
	}
	if keys := s.redis.Client().Keys(t.Context(), "*:op:*").Val(); len(keys) > 0 {
		t.Errorf("a refused request left records behind: %v", keys)
	}
	failing := "          connector: destination-dev-null\n          connectionConfiguration: {test_destination: {test_destination_type: FAILING, num_messages: 1}}"
	st := s.awaitState(s.submit("provision", wish{DestinationSpec: failing}.descriptor()), "FAILED")
	mentions(t, st.Result, "check of the destination failed", "configured to fail")
	if n := len(s.sim.Calls("check_connection", 0)); n != 1 {
		t.Errorf("a check that failed for good was made %d times, want once", n)
	}
	if a := s.alive(); len(a.connections) != 0 {
		t.Errorf("a failed provisioning made a connection: %s", a.names())
	}
}

// cleared is how many times Airbyte was asked to clear data.
func (s *stack) cleared() int { return len(s.sim.Calls("connections/clear", 0)) }

func unprovisionKeepingData(t *testing.T) {
	s := running(t, nil)
	s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	s.awaitState(s.submitAll("unprovision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: wish{}.descriptor()}), "COMPLETED")
	s.none()
	if n := s.cleared(); n != 0 {
		t.Errorf("data was cleared %d times although it is to be kept", n)
	}
}

func unprovisionRemovingData(t *testing.T) {
	s := running(t, nil)
	s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	connection := s.one().connections[0].ID
	before := s.lastCall()
	s.awaitState(s.submitAll("unprovision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: wish{}.descriptor(), RemoveData: true}), "COMPLETED")
	s.none()
	if writes := s.writes(before); !slices.Contains(writes, "connections/clear") || slices.Index(writes, "connections/clear") > slices.Index(writes, "connections/delete") {
		t.Errorf("the data was not cleared before the connection was deleted: %v", writes)
	}
	for _, job := range s.sim.Contents().Jobs {
		if job.ConnectionID == connection && job.Status != "succeeded" {
			t.Errorf("the job that clears the data is %s", job.Status)
		}
	}
}
