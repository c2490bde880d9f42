package operation_test

import (
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

const (
	earlierToken = "0d369983-28c7-89dd-8a5c-1f5d45de8fec"
	earlierKey   = "airbyte-provisioner:{1f}:op:" + earlierToken
	earlierMeta  = `{"component":{"id":"urn:dmb:cmp:d:p:0:c","environment":"dev"},"traceId":"trace","name":"Customers","dataProduct":{"id":"dp","name":"n","domain":"d","version":"1"}}`
	earlierLog   = `{"t":1795529601700,"l":"INFO","p":"accept","m":"The request was accepted."}` + "\n" +
		`{"t":1795529601703,"l":"WARNING","p":"source","m":"a \"line\""}` + "\n"
)

// earlierStatus is what the records below mean.
func earlierStatus(change func(*workload.Status)) workload.Status {
	at := func(ms int64) time.Time { return time.UnixMilli(ms).UTC() }
	status := workload.Status{
		Token: earlierToken, State: workload.Running, Kind: workload.Provision,
		Component: workload.Component{ID: "urn:dmb:cmp:d:p:0:c", Environment: "dev"}, TraceID: "trace", Name: "Customers",
		DataProduct: workload.DataProduct{ID: "dp", Name: "n", Domain: "d", Version: "1"},
		Attempts:    2, Task: 1, AcceptedAt: at(1795529601700), StartedAt: at(1795529601703),
		Logs: []workload.LogLine{
			{Time: at(1795529601700), Level: workload.Info, Phase: workload.PhaseAccept, Message: "The request was accepted."},
			{Time: at(1795529601703), Level: workload.Warning, Phase: workload.PhaseSource, Message: `a "line"`},
		},
	}
	change(&status)
	return status
}

// The records are written down here as earlier versions wrote them. They must
// be understood for as long as an upgrade from those is promised: a record of
// another form is to be added, none to be changed.
func TestRecordsOfEarlierVersions(t *testing.T) {
	t.Parallel()
	packed, err := base64.StdEncoding.DecodeString("AfMCKABwcm92aXNpb24AfigPGGQ6cDowOmNCEw8QZGV2In0ueg8QdHJhY2UZdyBDdXN0b21lcnNaJw8EZHAZLABuLh8PAGQyIA9MMSJ9fQAy" +
		"ADE3OTU1Mjk2MDE3MDAyDgAQMwAAMgB9eA0kQngDzkIICUwAMwkAOkwJLpYFPGEgXCJsaW5lXCIifQoAAHsqDQogZG9uZSJ9AAAx")
	if err != nil {
		t.Fatal(err)
	}
	ended := func(status *workload.Status) {
		status.State, status.FinishedAt = workload.Completed, time.UnixMilli(1795529601705).UTC()
		status.Outcome, status.Result = &workload.Outcome{Message: "done"}, "done"
	}
	cases := map[string]struct {
		record []any
		want   workload.Status
	}{
		"unfinished": {
			[]any{
				"v", "1", "state", "RUNNING", "kind", "provision", "hash", "x", "meta", earlierMeta, "payload", "p", "accepted", "1795529601700",
				"started", "1795529601703", "attempts", "2", "failed", "1", "crashes", "1", "n", "1", "seen", "1", "seenat", "1795529601703",
				"retry", "1795529661704", "lines", "2", "log", earlierLog,
			},
			earlierStatus(func(*workload.Status) {}),
		},
		"finished": {
			[]any{
				"v", "1", "state", "COMPLETED", "kind", "provision", "meta", earlierMeta, "accepted", "1795529601700", "started", "1795529601703",
				"finished", "1795529601705", "by", "ADVH2KTFDKVW5SX6", "attempts", "2", "n", "1", "lines", "2", "log", earlierLog, "outcome", `{"message":"done"}`,
			},
			earlierStatus(ended),
		},
		"finished and packed": {
			[]any{"v", "1", "state", "COMPLETED", "finished", "1795529601705", "by", "ADVH2KTFDKVW5SX6", "packed", packed},
			earlierStatus(ended),
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			client := redistest.Start(t).Client()
			store := newStore(t, client)
			client.HSet(t.Context(), earlierKey, c.record...)
			client.RPush(t.Context(), "airbyte-provisioner:{1f}:line:1f5d45de8fec", earlierToken)
			got, err := store.Status(t.Context(), earlierToken)
			if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
				t.Fatalf("%v (-want +got):\n%s", err, diff)
			}
			lease, err := store.Begin(t.Context(), earlierToken, component, 1)
			if c.want.State != workload.Running {
				if !errors.Is(err, operation.ErrDone) {
					t.Errorf("begun: %v", err)
				}
				return
			}
			if err != nil || lease.Number != 3 || lease.Failed != 1 || lease.Crashes != 1 || lease.First {
				t.Fatalf("begun: %+v, %v", lease, err)
			}
			if _, err := lease.Finish(t.Context(), operation.End{Outcome: &workload.Outcome{Message: "done"}}); err != nil {
				t.Fatal(err)
			}
			if got, err := store.Status(t.Context(), earlierToken); err != nil || got.State != workload.Completed || len(got.Logs) != 2 || got.Name != "Customers" {
				t.Errorf("ended: %+v, %v", got, err)
			}
		})
	}
}

func TestWhatANewerVersionRemembersIsLeftToIt(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	digest := component.Digest()
	client.Set(t.Context(), "airbyte-provisioner:{"+digest[:2]+"}:known:"+digest, "\x02packed otherwise", 0)
	var wait *workload.WaitError
	if known, err := newStore(t, client).Recall(t.Context(), component); !errors.As(err, &wait) {
		t.Errorf("recalled %q, %v", known, err)
	}
}
