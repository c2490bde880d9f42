package e2e

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
)

// The connectors of the entities that people made.
const (
	postgresID = "decd338e-5647-4c0b-adf4-da0e75f5a750"
	fileID     = "778daa7c-feaf-4db6-96f3-70fd645acc77"
	devNullID  = "a7bcc9d8-13b3-4e49-b80d-d020b90045e3"
)

// handMade are a database, a destination that drops everything, and a connection of the name between them.
func (s *stack) handMade(name string) (connectionID string) {
	s.t.Helper()
	return s.byHand(
		airbytesim.Actor{Name: "Orders database", WorkspaceID: airbytesim.DefaultWorkspace, DefinitionID: postgresID, Configuration: map[string]any{
			"host": "db.example.com", "port": 5432, "database": "orders", "username": "reader", "password": secretValue, "schemas": []any{"public"},
			"jdbc_url_params": "sslpassword=" + secretValue,
		}},
		airbytesim.Actor{Name: "Nowhere", WorkspaceID: airbytesim.DefaultWorkspace, DefinitionID: devNullID, Configuration: map[string]any{
			"test_destination": map[string]any{"test_destination_type": "SILENT"},
		}},
		airbyte.Connection{
			Name: name, Status: "active", Prefix: "raw_", ScheduleType: "basic",
			ScheduleData: &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "hours", Units: 6}},
			Catalog: airbyte.Catalog{Streams: []airbyte.ConfiguredStream{{
				Stream: airbyte.Stream{Name: "orders", Namespace: new("public"), SupportedSyncModes: []string{"full_refresh", "incremental"}},
				Config: airbyte.StreamConfig{SyncMode: "full_refresh", DestinationSyncMode: "overwrite", Selected: true},
			}}},
		},
	)
}

func reverseSuccess(t *testing.T) {
	s := running(t, nil)
	id := s.handMade("Orders to nowhere")
	for name, params := range map[string]map[string]any{
		"by id": {"connectionId": id}, "by name": {"connectionName": "Orders to nowhere"},
		"by both ends": {"sourceName": "Orders database", "destinationName": "Nowhere"},
	} {
		read := s.readBack("COMPLETED", params)
		got := map[string]any{}
		for _, path := range []string{
			"source.name", "source.connector", "source.connectionConfiguration", "destination.name", "destination.connector",
			"connection.name", "connection.schedule", "connection.streams", "connection.prefix", "adopt.connectionId",
		} {
			got[path] = read.Updates[specificRoot+path]
		}
		configuration, _ := got["source.connectionConfiguration"].(map[string]any)
		got["source.connectionConfiguration"] = configuration["host"]
		want := map[string]any{
			"source.name": "Orders database", "source.connector": "source-postgres", "source.connectionConfiguration": "db.example.com",
			"destination.name": "Nowhere", "destination.connector": "destination-dev-null",
			"connection.name": "Orders to nowhere", "connection.schedule": map[string]any{"type": "basic", "units": 6.0, "timeUnit": "hours"},
			"connection.streams": []any{map[string]any{"name": "orders", "namespace": "public", "syncMode": "full_refresh", "destinationSyncMode": "overwrite"}},
			"connection.prefix":  "raw_", "adopt.connectionId": id,
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func reverseFailure(t *testing.T) {
	s := running(t, nil)
	id := s.handMade("Orders to nowhere")
	failed := s.readBack("FAILED", map[string]any{"connectionName": "Orders to somewhere"})
	if len(failed.Updates) > 0 {
		t.Errorf("a failure has updates: %v", failed.Updates)
	}
	mentions(t, s.askReverse(failed), `No connection`, `"Orders to somewhere"`, "candidate", `"Orders to nowhere"`, id)
}

// askReverse is all that a reverse provisioning says of how it ended.
func (s *stack) askReverse(o outcome) string {
	var b strings.Builder
	for _, line := range o.Logs {
		fmt.Fprintln(&b, line.Message)
	}
	return b.String()
}

func reverseAmbiguous(t *testing.T) {
	s := running(t, nil)
	ids := []string{s.handMade("Orders to nowhere"), s.handMade("Orders to nowhere")}
	failed := s.readBack("FAILED", map[string]any{"connectionName": "Orders to nowhere"})
	mentions(t, s.askReverse(failed), "2 connections", "candidate", ids[0], ids[1])
	read := s.readBack("COMPLETED", map[string]any{"connectionName": "Orders to nowhere", "connectionId": ids[1]})
	if got := read.Updates[specificRoot+"connection.name"]; got != "Orders to nowhere" {
		t.Errorf("with the id beside the name the connection is %v", got)
	}
}

func reverseNoMutation(t *testing.T) {
	s := running(t, nil)
	id := s.handMade("Orders to nowhere")
	before := s.lastCall()
	s.unchanged(t, func() {
		s.readBack("COMPLETED", map[string]any{"connectionId": id})
		s.readBack("FAILED", map[string]any{"connectionName": "nothing"})
	})
	for _, call := range s.sim.Calls("*", before) {
		verb := call.Operation[strings.LastIndex(call.Operation, "/")+1:]
		switch verb {
		case "list", "get", "token":
		default:
			t.Errorf("reverse provisioning called %s", call.Operation)
		}
	}
}

func reverseNoSecrets(t *testing.T) {
	s := running(t, nil)
	database := s.handMade("Orders to nowhere")
	file := s.byHand(
		airbytesim.Actor{Name: "File", WorkspaceID: airbytesim.DefaultWorkspace, DefinitionID: fileID, Configuration: map[string]any{
			"dataset_name": "orders", "format": "csv", "url": "https://reader:" + secretValue + "@example.com/orders.csv",
			"provider": map[string]any{"storage": "HTTPS"},
		}},
		airbytesim.Actor{Name: "Nowhere", WorkspaceID: airbytesim.DefaultWorkspace, DefinitionID: devNullID, Configuration: map[string]any{
			"test_destination": map[string]any{"test_destination_type": "SILENT"},
		}},
		airbyte.Connection{Name: "File to nowhere", Status: "inactive", ScheduleType: "manual", Catalog: airbyte.Catalog{Streams: []airbyte.ConfiguredStream{}}},
	)
	configuration := s.readBack("COMPLETED", map[string]any{"connectionId": database}).Updates[specificRoot+"source.connectionConfiguration"]
	fields, _ := configuration.(map[string]any)
	for _, field := range []string{"password", "jdbc_url_params"} {
		if text, _ := fields[field].(string); !strings.HasPrefix(text, "${secret:") {
			t.Errorf("%s is answered as %q, want a place-holder", field, text)
		}
	}
	s.readBack("COMPLETED", map[string]any{"connectionId": file})
	for where, text := range s.outputs() {
		if strings.Contains(text, secretMark) || strings.Contains(text, "**********") {
			t.Errorf("%s holds a secret or its mask", where)
		}
	}
}
