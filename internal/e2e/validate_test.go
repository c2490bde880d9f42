package e2e

import (
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
)

// customID is the definition of a connector that only the workspace has.
const customID = "0b6f5c9d-6d0c-4d8e-9d3c-2f5a4b7e1c11"

// mentions fails the test for each text that is not in what was said.
func mentions(t *testing.T, said string, wanted ...string) {
	t.Helper()
	for _, text := range wanted {
		if !strings.Contains(said, text) {
			t.Errorf("%q is missing in:\n%s", text, said)
		}
	}
}

// TestValidateAgainstAirbyte validates a component that is new, one that is
// provisioned, and one that is to change, and reads the plans.
func TestValidateAgainstAirbyte(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	worker := s.startWorker()
	valid := func(descriptor string, plan ...string) {
		t.Helper()
		s.unchanged(t, func() {
			v := s.validate(descriptor)
			if v.Info == nil || !v.Info.PublicInfo.Valid || v.problems() != "" {
				t.Errorf("the verdict is not valid: %s\n%s", v.problems(), v.logText())
			}
			mentions(t, v.logText(), plan...)
			for line := range strings.Lines(v.logText()) {
				if strings.Contains(line, "Plan: ") && !strings.HasPrefix(line, "INFO plan: ") {
					t.Errorf("%q is not of the phase plan", line)
				}
			}
		})
	}
	first := wish{SourceSpec: postgres}
	valid(first.descriptor(), "Plan: create source", "Plan: create destination", "Plan: create connection",
		"The check of the source succeeded.", "The check of the destination succeeded.", "The source has ")
	s.awaitState(s.submit("provision", first.descriptor()), "COMPLETED")
	valid(first.descriptor(), "Plan: keep source", "Plan: keep destination", "Plan: keep connection")

	if code := worker.stop(); code != 0 {
		t.Fatalf("the worker ended with %d", code)
	}
	s.env["SECRET_REFERENCED"] = "rotated-" + secretMark
	s.startWorker()
	valid(first.descriptor(), "Plan: update source", "configuration.password (secret, changed)", "Plan: keep destination")
	changed := first
	changed.SourceSpec = strings.ReplaceAll(postgres, "db.example.com", "other.example.com")
	changed.Extra = `          schedule: {type: basic, units: 6, timeUnit: hours}
          streams: [{name: orders, namespace: public, syncMode: full_refresh, destinationSyncMode: overwrite}]`
	valid(changed.descriptor(), "Plan: update source", "configuration.host", "Plan: keep destination", "Plan: update connection",
		"schedule manual -> every 6 hours", "streams")
	replaced := first
	replaced.DestinationSpec = "          connector: destination-dev-null\n          connectionConfiguration: {test_destination: {test_destination_type: SILENT}}"
	valid(replaced.descriptor(), "Plan: update source", "Plan: replace destination", "Plan: replace connection", "Plan: delete connection", "Plan: delete destination")
	for where, text := range s.outputs() {
		if i := strings.Index(text, secretMark); i >= 0 {
			t.Errorf("%s holds a secret: ...%s...", where, text[max(0, i-200):min(len(text), i+60)])
		}
	}
}

// TestValidateTellsEverything has much wrong with one descriptor, which only
// Airbyte or the secrets can tell, and wants all of it at once.
func TestValidateTellsEverything(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"SNOWFLAKE_ROLE": "", "SNOWFLAKE_WAREHOUSE": ""}, func(o *airbytesim.Options) {
		o.Definitions = []airbytesim.Definition{{
			ID: customID, Kind: airbytesim.Source, Name: "Ours", DockerRepository: "acme/source-ours", DockerImageTag: "1.2.3", Custom: true,
			Specification: []byte(`{"type":"object","required":["key","mode","region"],"properties":{
				"key":{"type":"string","airbyte_secret":true,"pattern":"^[a-z]{8}$"},
				"mode":{"type":"string","enum":["fast","safe"]},"region":{"type":"string","title":"Region"}}}`),
		}}
	})
	s.startAPI()
	s.startWorker()
	cases := []struct {
		name   string
		wish   wish
		wanted []string
		reason string
	}{
		{
			"secret and configuration",
			wish{SourceSpec: "          definitionId: " + customID + "\n          connectionConfiguration: {key: '${secret:ABSENT}', mode: quick}"},
			[]string{
				"specific.source.connectionConfiguration.key: The secret \"ABSENT\" does not exist.",
				"specific.source.connectionConfiguration.mode", "fast or safe", "specific.source.connectionConfiguration.region: is missing",
				"specific.destination.connectionConfiguration.role", "SNOWFLAKE_ROLE", "specific.destination.connectionConfiguration.warehouse",
			},
			"a missing secret hides neither what else is wrong with the source nor what is wrong with the destination",
		},
		{
			"check and configuration",
			wish{SourceSpec: strings.Replace(postgres, "db.example.com", "db.invalid", 1)},
			[]string{"specific.source.connectionConfiguration: The check of the source failed", "unknown host db.invalid", "specific.destination.connectionConfiguration.role"},
			"a source that cannot be reached, and a destination that lacks a field",
		},
		{
			"streams and configuration",
			wish{SourceSpec: postgres, Extra: `          streams: [{name: orderz, namespace: public}, {name: customers, namespace: public, syncMode: incremental, cursorField: [nothing]}]`},
			[]string{"specific.connection.streams[0].name", "orders", "specific.connection.streams[1]", "specific.destination.connectionConfiguration.role"},
			"streams are held against the discovery although the destination is wrong",
		},
		{
			"both checks",
			wish{
				SourceSpec:      strings.Replace(postgres, "db.example.com", "db.invalid", 1),
				DestinationSpec: "          connector: destination-dev-null\n          connectionConfiguration: {test_destination: {test_destination_type: FAILING, num_messages: 1}}",
			},
			[]string{"unknown host db.invalid", "specific.destination.connectionConfiguration: The check of the destination failed", "configured to fail"},
			"source and destination are checked side by side",
		},
		{
			"definitions",
			wish{
				SourceSpec:      "          definitionId: 00000000-0000-4000-8000-000000000000\n          connectionConfiguration: {}",
				DestinationSpec: "          connector: destination-unheard-of\n          connectionConfiguration: {}",
			},
			[]string{"specific.source.definitionId", "specific.destination.connector"},
			"connectors that the workspace does not have",
		},
		{
			"adoption",
			wish{SourceSpec: postgres, DestinationSpec: "          connector: destination-dev-null\n          connectionConfiguration: {test_destination: {test_destination_type: SILENT}}", Extra: "        adopt: {connectionId: 00000000-0000-4000-8000-000000000000}"},
			[]string{"specific.adopt.connectionId"},
			"a connection to be taken over that is not there",
		},
	}
	for _, c := range cases {
		s.unchanged(t, func() {
			v := s.validate(c.wish.descriptor())
			if v.Info == nil || v.Info.PublicInfo.Valid {
				t.Fatalf("%s: the verdict is valid (%s):\n%s", c.name, c.reason, v.logText())
			}
			t.Logf("%s:\n%s", c.name, v.problems())
			mentions(t, v.problems(), c.wanted...)
			mentions(t, v.logText(), "What to do: ")
		})
	}
}

// TestValidateThatCannotRun has nothing wrong with the descriptor, but with what it needs to be validated.
func TestValidateThatCannotRun(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"TASK_MAX_RETRY": "1"})
	s.startAPI()
	s.startWorker()
	cases := []struct {
		name   string
		fault  airbytesim.Fault
		status string
		logged []string
		reason string
	}{
		{"credentials", airbytesim.Fault{Operation: "workspaces/get", Do: airbytesim.DoAnswer, Status: 401, Times: 2}, "FAILED", []string{"client id and secret"}, "they are the installation's"},
		{"workspace", airbytesim.Fault{Operation: "workspaces/get", Do: airbytesim.DoAnswer, Status: 404}, "FAILED", []string{"workspace of this environment"}, "its id is the installation's"},
		{"role", airbytesim.Fault{Operation: "scheduler/sources/check_connection", Do: airbytesim.DoAnswer, Status: 403}, "FAILED", []string{"403"}, "the application lacks a role"},
		{"away for long", airbytesim.Fault{Operation: "source_definitions/get_for_workspace", Do: airbytesim.DoAnswer, Status: 503, Times: 2}, "FAILED", []string{"is tried again", "This was the last of 2 attempts."}, "retries have an end"},
		{"away for a moment", airbytesim.Fault{Operation: "workspaces/get", Do: airbytesim.DoAnswer, Status: 503}, "COMPLETED", []string{"is tried again"}, "another attempt helps"},
		{"cut off", airbytesim.Fault{Operation: "scheduler/sources/discover_schema", Do: airbytesim.DoDrop}, "COMPLETED", []string{"is tried again"}, "another attempt helps"},
		{"a job that died", airbytesim.Fault{Operation: "scheduler/destinations/check_connection", Do: airbytesim.DoFail, Failure: &airbytesim.JobFailure{Died: true}}, "COMPLETED", []string{"is tried again"}, "another attempt helps"},
	}
	for _, c := range cases {
		id, err := s.sim.AddFault(c.fault)
		if err != nil {
			t.Fatal(err)
		}
		s.unchanged(t, func() {
			v := s.validation(wish{SourceSpec: postgres}.descriptor(), c.status)
			mentions(t, v.logText(), c.logged...)
			if (v.Info != nil) != (c.status == "COMPLETED") {
				t.Errorf("%s: a status of %s has the info %v: %s", c.name, c.status, v.Info, c.reason)
			}
		})
		if !s.hits(id) {
			t.Errorf("%s: the fault met no call", c.name)
		}
		s.sim.RemoveFaults()
	}
}

// TestValidateQuickly switches the slow parts off.
func TestValidateQuickly(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"VALIDATE_CONNECTIONS": "false"})
	s.startAPI()
	s.startWorker()
	v := s.validate(wish{SourceSpec: strings.Replace(postgres, "db.example.com", "db.invalid", 1)}.descriptor())
	if v.Info == nil || !v.Info.PublicInfo.Valid {
		t.Errorf("what only a check can tell was told without one: %s", v.problems())
	}
	mentions(t, v.logText(), "Plan: create connection", "leaves that out")
	if n := len(s.sim.Calls("check_connection", 0)) + len(s.sim.Calls("discover_schema", 0)); n > 0 {
		t.Errorf("%d checks and discoveries were made", n)
	}
}

// TestValidateWithFewJobs lets one check or discovery run at a time over all workers.
func TestValidateWithFewJobs(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"AIRBYTE_MAX_JOBS": "1"})
	s.startAPI()
	s.startWorker()
	s.sim.HoldNext("check_connection", false)
	descriptor := wish{SourceSpec: postgres}.descriptor()
	token := s.accepted("/v2/validate", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: descriptor})
	if err := s.sim.WaitHeld(t.Context(), "check_connection", 1); err != nil {
		t.Fatal(err)
	}
	other := s.submit("provision", wish{ID: "urn:dmb:cmp:finance:orders:0:other"}.descriptor())
	for {
		if st := s.ask(other); strings.Contains(st.logText(), "AIRBYTE_MAX_JOBS") {
			break
		}
	}
	if n := len(s.sim.Held()); n != 1 {
		t.Errorf("%d checks run at once, want one", n)
	}
	s.sim.Release("*", 0)
	s.awaitOutcome("/v2/validate", token, "COMPLETED")
	s.awaitState(other, "COMPLETED")
}
