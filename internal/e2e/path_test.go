package e2e

import (
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/workload"
)

// TestWholePath follows one component from its first provisioning to its end.
func TestWholePath(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	api, worker := s.startAPI(), s.startWorker()

	token := s.submit("provision", wish{}.descriptor())
	first := s.awaitState(token, "COMPLETED")
	made := s.one()
	w := wish{}.withDefaults()
	digest := workload.NewComponent(w.ID, w.Environment).Digest()
	if want := w.Source + " [wb-" + digest + "]"; made.sources[0].Name != want {
		t.Errorf("the source is named %q, want %q", made.sources[0].Name, want)
	}
	if want := w.Destination + " [wb-" + digest + "]"; made.destinations[0].Name != want {
		t.Errorf("the destination is named %q, want %q", made.destinations[0].Name, want)
	}
	if made.connections[0].Name != w.Connection {
		t.Errorf("the connection is named %q, want the descriptor's %q", made.connections[0].Name, w.Connection)
	}
	if n := len(made.connections[0].Streams); n != 1 {
		t.Errorf("the connection has %d streams, want the file's one", n)
	}
	assertInfo(t, first, made, w)
	for _, phase := range []string{"source", "discovery", "destination", "connection"} {
		if !strings.Contains(first.logText(), phase+":") {
			t.Errorf("the log has no line of the phase %s:\n%s", phase, first.logText())
		}
	}

	before := s.lastCall()
	second := s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	if writes := s.writes(before); len(writes) > 0 {
		t.Errorf("an unchanged component was written to: %v", writes)
	}
	if !strings.Contains(second.Result, "no changes") {
		t.Errorf("the result of an unchanged provisioning is %q, want it to say no changes", second.Result)
	}

	changed := wish{Source: "renamed", Connection: "renamed too", URL: "https://example.com/new.csv"}
	s.awaitState(s.submit("provision", changed.descriptor()), "COMPLETED")
	after := s.one()
	if diff := cmp.Diff(made.ids(), after.ids()); diff != "" {
		t.Errorf("ids changed with names and the URL (-before +after):\n%s", diff)
	}
	if after.sources[0].Configuration["url"] != changed.URL || after.connections[0].Name != "renamed too" {
		t.Errorf("the change did not reach Airbyte: %v, %q", after.sources[0].Configuration["url"], after.connections[0].Name)
	}

	s.awaitState(s.submit("unprovision", changed.descriptor()), "COMPLETED")
	s.none()
	s.awaitState(s.submit("unprovision", changed.descriptor()), "COMPLETED")
	s.awaitState(s.submit("provision", changed.descriptor()), "COMPLETED")
	s.one()

	for _, p := range []*process{api, worker} {
		if code := p.stop(); code != 0 {
			t.Errorf("%s ended with %d after SIGTERM, want 0", p.name, code)
		}
	}
	s.startAPI()
	if st := s.ask(token); st.Status != "COMPLETED" {
		t.Errorf("after a restart the first token is %s, want COMPLETED", st.Status)
	}
}

func assertInfo(t *testing.T, st status, made alive, w wish) {
	t.Helper()
	if st.Info == nil {
		t.Fatal("a COMPLETED status has no info")
	}
	for key, want := range map[string]any{
		"workspaceId": made.sources[0].WorkspaceID, "sourceId": made.sources[0].ID,
		"destinationId": made.destinations[0].ID, "connectionId": made.connections[0].ID,
	} {
		if got := st.Info.PrivateInfo[key]; got != want {
			t.Errorf("privateInfo.%s is %v, want %v", key, got, want)
		}
	}
	var linked, named bool
	for key, entry := range st.Info.PublicInfo {
		if entry["label"] == "" || entry["value"] == "" || entry["type"] == "" {
			t.Errorf("publicInfo.%s would not be shown: %v", key, entry)
		}
		linked = linked || entry["type"] == "link" && strings.HasSuffix(entry["href"], "/connections/"+made.connections[0].ID)
		named = named || entry["value"] == w.Connection
	}
	if !linked || !named {
		t.Errorf("publicInfo lacks the connection's name (%t) or its link (%t): %v", named, linked, st.Info.PublicInfo)
	}
}

// TestEqualNames has two components, and two environments of one, with the names of the usual template.
func TestEqualNames(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	s.startWorker()
	wishes := []wish{
		{ID: "urn:dmb:cmp:finance:orders:0:one"},
		{ID: "urn:dmb:cmp:finance:orders:0:two"},
		{ID: "urn:dmb:cmp:finance:orders:0:one", Environment: "production"},
	}
	var tokens []string
	for _, w := range wishes {
		tokens = append(tokens, s.submit("provision", w.descriptor()))
	}
	for _, token := range tokens {
		s.awaitState(token, "COMPLETED")
	}
	a := s.alive()
	if len(a.sources) != 3 || len(a.destinations) != 3 || len(a.connections) != 3 {
		t.Fatalf("three components with equal names have %s", a.names())
	}
	s.awaitState(s.submit("unprovision", wish{ID: "URN:DMB:CMP:Finance:Orders:0:ONE"}.descriptor()), "COMPLETED")
	if a := s.alive(); len(a.sources) != 2 || len(a.destinations) != 2 || len(a.connections) != 2 {
		t.Fatalf("after one of three was unprovisioned there are %s", a.names())
	}
}

// TestUnprovisionWhatIsNotWhole removes a component that failed half-way, and one that never was.
func TestUnprovisionWhatIsNotWhole(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"TASK_MAX_RETRY": "0"})
	s.startAPI()
	s.startWorker()

	before := s.lastCall()
	st := s.awaitState(s.submit("unprovision", wish{}.descriptor()), "COMPLETED")
	if writes := s.writes(before); len(writes) > 0 {
		t.Errorf("unprovisioning what never was wrote to Airbyte: %v", writes)
	}
	if st.Result == "" {
		t.Error("the result says nothing")
	}

	s.sim.AnswerNext("connections/create", 1, http.StatusUnprocessableEntity)
	s.awaitState(s.submit("provision", wish{}.descriptor()), "FAILED")
	if a := s.alive(); len(a.connections) != 0 || len(a.sources) != 1 {
		t.Fatalf("a failed connection left %s", a.names())
	}
	s.awaitState(s.submit("unprovision", wish{}.descriptor()), "COMPLETED")
	s.none()
}

// TestDefaultDestination replaces Snowflake by the local CSV connector, as the old
// provisioner was tried out without an account.
func TestDefaultDestination(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"AIRBYTE_DESTINATION_ID": "8be1cf83-fde1-477f-a4ad-318d23c9f3c6"})
	s.startAPI()
	s.startWorker()
	w := wish{DestinationSpec: "          connectionConfiguration: {destination_path: /local/orders}"}
	if verdict := s.request(http.MethodPost, "/v1/validate", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: w.descriptor()}); !strings.Contains(verdict.body, `"valid":true`) {
		t.Errorf("it is not valid: %s", verdict.body)
	}
	st := s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
	made := s.one().destinations[0]
	if made.DefinitionID != s.env["AIRBYTE_DESTINATION_ID"] {
		t.Errorf("the destination is of the connector %s", made.DefinitionID)
	}
	if diff := cmp.Diff(map[string]any{"destination_path": "/local/orders"}, made.Configuration); diff != "" {
		t.Errorf("the destination's configuration (-want +got):\n%s\n%s", diff, st.logText())
	}
}
