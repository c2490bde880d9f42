package airbyte_test

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestFailedJobs(t *testing.T) {
	t.Parallel()
	check := func(c *airbyte.Client) error {
		return c.CheckActor(context.Background(), airbyte.Actor{Kind: airbyte.Destination})
	}
	const (
		checked    = "scheduler/destinations/check_connection"
		discovered = "sources/discover_schema"
	)
	for _, test := range []struct {
		reason string
		body   string
		call   func(*airbyte.Client) error
		want   airbyte.JobFailure
	}{
		{
			"a check that says no is permanent", `{"status":"failed","message":"Wrong password","jobInfo":{"succeeded":true}}`, check,
			airbyte.JobFailure{Operation: checked, Message: "Wrong password"},
		},
		{
			"a check that says no without a word", `{"status":"failed"}`, check,
			airbyte.JobFailure{Operation: checked},
		},
		{
			"a check whose job died of the configuration",
			`{"jobInfo":{"succeeded":false,"failureReason":{"failureType":"config_error","failureOrigin":"destination","externalMessage":"No such host","internalMessage":"hush","stacktrace":"hush"}}}`, check,
			airbyte.JobFailure{Operation: checked, Message: "No such host", Type: "config_error", Origin: "destination"},
		},
		{
			"a check whose job died of the platform", `{"jobInfo":{"succeeded":false,"failureReason":{"failureType":"system_error","externalMessage":"No pod"}}}`, check,
			airbyte.JobFailure{Operation: checked, Message: "No pod", Type: "system_error", Retryable: true},
		},
		{
			"a check whose job died without a reason", `{"jobInfo":{"succeeded":false}}`, check,
			airbyte.JobFailure{Operation: checked, Retryable: true},
		},
		{
			"a check that says no because of a passing fault", `{"status":"failed","message":"Timeout","jobInfo":{"succeeded":false,"failureReason":{"failureType":"transient_error"}}}`, check,
			airbyte.JobFailure{Operation: checked, Message: "Timeout", Type: "transient_error", Retryable: true},
		},
		{
			"a discovery with a configuration error", `{"jobInfo":{"succeeded":false,"failureReason":{"failureType":"config_error","externalMessage":"No table","failureOrigin":"source"}}}`, discover,
			airbyte.JobFailure{Operation: discovered, Message: "No table", Type: "config_error", Origin: "source"},
		},
		{
			"a configuration error is permanent whatever else it says", `{"jobInfo":{"succeeded":false,"failureReason":{"failureType":"config_error","retryable":true}}}`, discover,
			airbyte.JobFailure{Operation: discovered, Type: "config_error"},
		},
		{
			"a discovery with a passing fault", `{"jobInfo":{"succeeded":false,"failureReason":{"failureType":"transient_error"}}}`, discover,
			airbyte.JobFailure{Operation: discovered, Type: "transient_error", Retryable: true},
		},
		{
			"a heartbeat", `{"jobInfo":{"succeeded":false,"failureReason":{"failureType":"heartbeat_timeout"}}}`, discover,
			airbyte.JobFailure{Operation: discovered, Type: "heartbeat_timeout", Retryable: true},
		},
		{
			"known not to be retryable", `{"jobInfo":{"succeeded":false,"failureReason":{"failureType":"system_error","retryable":false}}}`, discover,
			airbyte.JobFailure{Operation: discovered, Type: "system_error"},
		},
		{
			"of unknown type", `{"jobInfo":{"succeeded":false,"failureReason":{"externalMessage":"Hm"}}}`, discover,
			airbyte.JobFailure{Operation: discovered, Message: "Hm", Retryable: true},
		},
		{
			"a failed job counts more than a catalog", `{"catalog":{"streams":[]},"jobInfo":{"succeeded":false}}`, discover,
			airbyte.JobFailure{Operation: discovered, Retryable: true},
		},
		{
			"a stack trace in the message is cut", `{"jobInfo":{"succeeded":false,"failureReason":{"externalMessage":"Boom\n\tat a.b(C.java:1)"}}}`, discover,
			airbyte.JobFailure{Operation: discovered, Message: "Boom", Retryable: true},
		},
		{
			"a specification that could not be read", `{"sourceDefinitionId":"x","jobInfo":{"succeeded":false,"failureReason":{"failureType":"system_error","externalMessage":"No image"}}}`,
			func(c *airbyte.Client) error {
				_, err := c.GetSpecification(context.Background(), airbyte.Source, workspaceID, definitionID)
				return err
			},
			airbyte.JobFailure{Operation: "source_definition_specifications/get", Message: "No image", Type: "system_error", Retryable: true},
		},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			err := test.call(serve(t, says(http.StatusOK, "application/json", test.body)))
			var got *airbyte.JobFailure
			if !errors.As(err, &got) {
				t.Fatalf("got %T (%v), want *airbyte.JobFailure", err, err)
			}
			if diff := cmp.Diff(test.want, *got); diff != "" {
				t.Error(diff)
			}
			if !strings.Contains(got.Error(), test.want.Message) || strings.Contains(got.Error(), "hush") {
				t.Errorf("says %q", got.Error())
			}
		})
	}
}

func TestSuccessfulCheck(t *testing.T) {
	t.Parallel()
	for reason, body := range map[string]string{
		"complete":        `{"status":"succeeded","message":"fine","jobInfo":{"succeeded":true}}`,
		"without jobInfo": `{"status":"succeeded"}`,
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			if err := serve(t, says(200, "application/json", body)).CheckActor(t.Context(), airbyte.Actor{Kind: airbyte.Source}); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	empty := `{"catalog":{"streams":[]}}` // a source may have no stream, and an old server no jobInfo
	got, err := serve(t, says(200, "application/json", empty)).DiscoverSource(t.Context(), sourceID, false)
	if diff := cmp.Diff(airbyte.Discovery{Catalog: airbyte.Catalog{Streams: []airbyte.ConfiguredStream{}}}, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestJobs(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		var request map[string]any
		_ = json.NewDecoder(r.Body).Decode(&request)
		want := map[string]any{
			"configTypes": []any{"sync", "reset_connection", "refresh", "clear"},
			"configId":    connectionID,
			"statuses":    []any{"pending", "queued", "running", "incomplete"},
			"pagination":  map[string]any{"pageSize": 100.0, "rowOffset": 0.0},
		}
		if diff := cmp.Diff(want, request); diff != "" {
			t.Error(diff)
		}
		// This server does not know the filter by status.
		says(200, "application/json", `{"totalJobCount":4,"jobs":[
			{"job":{"id":9007199254740993,"configType":"sync","configId":"`+connectionID+`","status":"running","createdAt":1},"attempts":[]},
			{"job":{"id":7,"configType":"clear","configId":"`+connectionID+`","status":"failed"},"attempts":[{"id":0}]},
			{"job":{"id":8,"configType":"clear","configId":"`+connectionID+`","status":"running",
			 "resetConfig":{"streamsToReset":[{"name":"orders","namespace":"public"},{"name":"flat"},{"name":"odd","namespace":null}]}},"attempts":[]},
			{"job":{"id":9,"configType":"reset_connection","configId":"`+connectionID+`","status":"running","resetConfig":null},"attempts":[]},
			{"job":{"id":6,"configType":"sync","configId":"`+connectionID+`","status":"incomplete"},
			 "attempts":[{"id":0,"failureSummary":{"failures":[{"internalMessage":"hush"},{"externalMessage":"Disk full"}]}},{"id":1,"failureSummary":null}]},
			{"job":{"id":5,"configType":"sync","configId":"`+connectionID+`","status":"succeeded"}}]}`)(w, r)
	})
	got, err := client.ActiveJobs(t.Context(), connectionID)
	want := []airbyte.Job{
		{ID: 9007199254740993, ConfigType: "sync", ConnectionID: connectionID, Status: "running"},
		{
			ID: 8, ConfigType: "clear", ConnectionID: connectionID, Status: "running",
			Clears: []airbyte.StreamKey{{Namespace: "public", Name: "orders"}, {Name: "flat"}, {Name: "odd"}},
		},
		{ID: 9, ConfigType: "reset_connection", ConnectionID: connectionID, Status: "running"},
		{ID: 6, ConfigType: "sync", ConnectionID: connectionID, Status: "incomplete", Attempts: 2, Message: "Disk full"},
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestHealth(t *testing.T) {
	t.Parallel()
	if err := serve(t, says(200, "application/json", `{"available":true}`)).Health(t.Context()); err != nil {
		t.Error(err)
	}
	err := serve(t, says(200, "application/json", `{"available":false}`)).Health(t.Context())
	if e := asError(t, err); !e.Retryable || e.Class != airbyte.ClassServer {
		t.Errorf("got %+v", e)
	}
}
