package httpapi_test

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/workload"
)

var (
	when    = time.Date(2026, 5, 4, 10, 0, 0, 123456789, time.FixedZone("CEST", 2*3600))
	logLine = workload.LogLine{Time: when, Level: workload.Warning, Phase: workload.PhaseSource, Message: "Slow."}
	told    = map[string]any{"timestamp": "2026-05-04T10:00:00.123456789+02:00", "level": "WARNING", "phase": "source", "message": "Slow."}
	outcome = &workload.Outcome{
		Message: "Provisioned.",
		Public:  map[string]workload.PublicEntry{"connection": {Type: "link", Label: "Connection", Value: "Orders", Href: "http://a/b"}, "source": {Type: "string", Label: "Source", Value: "S"}},
		Private: map[string]any{"connectionId": "c1"},
	}
	failure = &workload.Failure{
		Code: workload.CodeCheck, Phase: workload.PhaseDestination, Message: "The check failed.",
		Problems:  []workload.Problem{{Path: "specific.destination", Message: "is wrong"}},
		Solutions: []string{"Correct it."},
	}
)

func TestProvisioningStatus(t *testing.T) {
	t.Parallel()
	none := []any{}
	cases := map[string]struct {
		status workload.Status
		want   map[string]any
	}{
		"waiting": {
			workload.Status{State: workload.Running},
			map[string]any{"status": "RUNNING", "result": "The operation is accepted and waits for its turn.", "logs": none},
		},
		"running, with a line": {
			workload.Status{State: workload.Running, Attempts: 2, Logs: []workload.LogLine{logLine}},
			map[string]any{"status": "RUNNING", "result": "The operation is under way.", "logs": []any{told}},
		},
		"running has no info, whatever is known already": {
			workload.Status{State: workload.Running, Attempts: 1, Outcome: outcome},
			map[string]any{"status": "RUNNING", "result": "Provisioned.", "logs": none},
		},
		"terminating": {
			workload.Status{State: workload.Terminating},
			map[string]any{"status": "TERMINATING", "result": "The operation is about to be terminated.", "logs": none},
		},
		"terminated": {
			workload.Status{State: workload.Terminated, Result: "Terminated by request.", Logs: []workload.LogLine{logLine}},
			map[string]any{"status": "TERMINATED", "result": "Terminated by request.", "logs": []any{told}},
		},
		"completed": {
			workload.Status{State: workload.Completed, Result: "Provisioned.", Outcome: outcome, Logs: []workload.LogLine{logLine}},
			map[string]any{
				"status": "COMPLETED", "result": "Provisioned.", "logs": []any{told},
				"info": map[string]any{
					"publicInfo": map[string]any{
						"connection": map[string]any{"type": "link", "label": "Connection", "value": "Orders", "href": "http://a/b"},
						"source":     map[string]any{"type": "string", "label": "Source", "value": "S"},
					},
					"privateInfo": map[string]any{"connectionId": "c1"},
				},
			},
		},
		"completed without anything to tell": {
			workload.Status{State: workload.Completed},
			map[string]any{
				"status": "COMPLETED", "result": "The operation is complete.", "logs": none,
				"info": map[string]any{"publicInfo": map[string]any{}, "privateInfo": map[string]any{}},
			},
		},
		"completed with grants": {
			workload.Status{State: workload.Completed, Outcome: &workload.Outcome{Access: []workload.Grant{{Identity: "user:a", Locked: true}}}},
			map[string]any{
				"status": "COMPLETED", "result": "The operation is complete.", "logs": none,
				"info": map[string]any{
					"publicInfo": map[string]any{}, "privateInfo": map[string]any{},
					"aclInfo": []any{map[string]any{"identity": "user:a", "locked": true}},
				},
			},
		},
		"completed, nobody has access": {
			workload.Status{State: workload.Completed, Outcome: &workload.Outcome{Access: []workload.Grant{}}},
			map[string]any{
				"status": "COMPLETED", "result": "The operation is complete.", "logs": none,
				"info": map[string]any{"publicInfo": map[string]any{}, "privateInfo": map[string]any{}, "aclInfo": []any{}},
			},
		},
		"failed": {
			workload.Status{State: workload.Failed, Failure: failure, Logs: []workload.LogLine{logLine}},
			map[string]any{"status": "FAILED", "result": "The check failed.\n- specific.destination: is wrong\nWhat to do: Correct it.", "logs": []any{told}},
		},
		"failed, but some of it is done": {
			workload.Status{State: workload.Failed, Failure: failure, Outcome: &workload.Outcome{Private: map[string]any{"sourceId": "s1"}}, Logs: []workload.LogLine{logLine}},
			map[string]any{
				"status": "FAILED", "result": "The check failed.\n- specific.destination: is wrong\nWhat to do: Correct it.", "logs": []any{told},
				"info": map[string]any{"publicInfo": map[string]any{}, "privateInfo": map[string]any{"sourceId": "s1"}},
			},
		},
		"failed without a word": {
			workload.Status{State: workload.Failed, FinishedAt: when},
			map[string]any{
				"status": "FAILED", "result": "The operation failed.",
				"logs": []any{map[string]any{"timestamp": told["timestamp"], "level": "ERROR", "phase": "finish", "message": "The operation failed."}},
			},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			c.status.Kind = workload.Provision
			w := a.get(basePath + "/v1/provision/" + a.store.put(c.status) + "/status")
			if w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/json" {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(c.want, read[map[string]any](t, w)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestValidationStatus(t *testing.T) {
	t.Parallel()
	lines := []workload.LogLine{logLine}
	info := func(valid bool, errs ...any) map[string]any {
		result := map[string]any{"valid": valid}
		if errs != nil {
			result["error"] = map[string]any{"errors": errs}
		}
		return map[string]any{"publicInfo": result}
	}
	cases := map[string]struct {
		status workload.Status
		want   map[string]any
	}{
		"running":             {workload.Status{State: workload.Running, Logs: lines}, map[string]any{"status": "RUNNING", "logs": []any{told}}},
		"terminating is none": {workload.Status{State: workload.Terminating, Logs: lines}, map[string]any{"status": "RUNNING", "logs": []any{told}}},
		"terminated is none":  {workload.Status{State: workload.Terminated, Logs: lines}, map[string]any{"status": "FAILED", "logs": []any{told}}},
		"failed says why in its log": {
			workload.Status{State: workload.Failed, Failure: failure, FinishedAt: when},
			map[string]any{"status": "FAILED", "logs": []any{map[string]any{
				"timestamp": told["timestamp"], "level": "ERROR", "phase": "destination",
				"message": "The check failed.\n- specific.destination: is wrong\nWhat to do: Correct it.",
			}}},
		},
		"valid": {
			workload.Status{State: workload.Completed, Logs: lines, Outcome: &workload.Outcome{Validation: &workload.Validation{Valid: true}}},
			map[string]any{"status": "COMPLETED", "logs": []any{told}, "info": info(true)},
		},
		"invalid": {
			workload.Status{State: workload.Completed, Logs: lines, Outcome: &workload.Outcome{
				Validation: &workload.Validation{Problems: []workload.Problem{{Path: "a.b", Message: "is wrong"}, {Message: "All is wrong."}}},
			}},
			map[string]any{"status": "COMPLETED", "logs": []any{told}, "info": info(false, "a.b: is wrong", "All is wrong.")},
		},
		"no verdict is never valid": {
			workload.Status{State: workload.Completed, Logs: lines, Result: "Done."},
			map[string]any{"status": "COMPLETED", "logs": []any{told}, "info": info(false, "Done.")},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			c.status.Kind = workload.Validate
			w := a.get("/v2/validate/" + a.store.put(c.status) + "/status")
			if diff := cmp.Diff(c.want, read[map[string]any](t, w)); diff != "" || w.Code != http.StatusOK {
				t.Error(w.Code, diff)
			}
		})
	}
}

func TestReverseStatus(t *testing.T) {
	t.Parallel()
	lines := []workload.LogLine{logLine}
	line := func(level, phase, message string) map[string]any {
		return map[string]any{"timestamp": told["timestamp"], "level": level, "phase": phase, "message": message}
	}
	updates := map[string]any{"spec.mesh.specific.connection.name": "Orders"}
	cases := map[string]struct {
		status workload.Status
		want   map[string]any
	}{
		"running":               {workload.Status{State: workload.Running, Logs: lines}, map[string]any{"status": "RUNNING", "updates": map[string]any{}, "logs": []any{told}}},
		"running, though known": {workload.Status{State: workload.Running, Logs: lines, Outcome: &workload.Outcome{Updates: updates}}, map[string]any{"status": "RUNNING", "updates": map[string]any{}, "logs": []any{told}}},
		"completed":             {workload.Status{State: workload.Completed, Logs: lines, Outcome: &workload.Outcome{Updates: updates}}, map[string]any{"status": "COMPLETED", "updates": updates, "logs": []any{told}}},
		"nothing to update":     {workload.Status{State: workload.Completed, Logs: lines}, map[string]any{"status": "COMPLETED", "updates": map[string]any{}, "logs": []any{told}}},
		"failed says what to do in its log": {
			workload.Status{State: workload.Failed, Logs: lines, Failure: failure, FinishedAt: when},
			map[string]any{"status": "FAILED", "updates": map[string]any{}, "logs": []any{
				told, line("ERROR", "destination", "specific.destination: is wrong"), line("ERROR", "destination", "What to do: Correct it."),
			}},
		},
		"completed says in its log what is left to do": {
			workload.Status{State: workload.Completed, Logs: lines, FinishedAt: when, Outcome: &workload.Outcome{Message: "Read it.\n- Keep the secrets.", Updates: updates}},
			map[string]any{"status": "COMPLETED", "updates": updates, "logs": []any{
				told, line("INFO", "finish", "Read it."), line("INFO", "finish", "Keep the secrets."),
			}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			c.status.Kind = workload.Reverse
			w := a.get("/v1/reverse-provisioning/" + a.store.put(c.status) + "/status")
			if diff := cmp.Diff(c.want, read[map[string]any](t, w)); diff != "" || w.Code != http.StatusOK {
				t.Error(w.Code, diff)
			}
		})
	}
}
