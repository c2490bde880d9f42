package worker_test

import (
	"context"
	"testing"

	"airbyte-provisioner/internal/workload"
)

func TestAnOrderIsCompleted(t *testing.T) {
	t.Parallel()
	h := newHouse(t, newRedis(t))
	h.start(func(_ context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		attempt.Log(workload.Info, workload.PhaseSource, "The source was made.")
		if err := attempt.Holds(); err != nil {
			return workload.Outcome{}, err
		}
		return workload.Outcome{
			Message: "made " + work.Connection.Name,
			Public:  map[string]workload.PublicEntry{"connection": {Type: "string", Label: "Connection", Value: work.Connection.Name}},
			Private: map[string]any{"connectionId": "c1"},
		}, nil
	})
	token := h.submit(order(workload.Provision, "urn:dmb:cmp:sales:dp:0:one"))
	status := h.untilTerminal(token)
	if status.State != workload.Completed || status.Result != "made File <> Snowflake" || status.Attempts != 1 {
		t.Errorf("status %+v", status)
	}
	if status.Outcome == nil || status.Outcome.Private["connectionId"] != "c1" {
		t.Errorf("outcome %+v", status.Outcome)
	}
	if status.AcceptedAt.IsZero() || status.StartedAt.IsZero() || status.FinishedAt.IsZero() || status.TraceID == "" {
		t.Errorf("dates or trace missing: %+v", status)
	}
	if len(status.Logs) != 2 || status.Logs[1].Phase != workload.PhaseSource {
		t.Errorf("logs %+v", status.Logs)
	}
}
