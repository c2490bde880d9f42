package airbyte_test

import (
	"errors"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
)

const (
	postgresID = "decd338e-5647-4c0b-adf4-da0e75f5a750"
	fakerID    = "dfd88b22-b603-4c3d-aad7-3701784586b1"
	devNullID  = "a7bcc9d8-13b3-4e49-b80d-d020b90045e3"
)

// simulate starts a simulator and returns it with a client that has its credentials.
func simulate(t *testing.T, options airbytesim.Options) (*airbytesim.Sim, *airbyte.Client) {
	t.Helper()
	sim, err := airbytesim.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.API())
	t.Cleanup(func() {
		sim.Close()
		server.Close()
	})
	client, err := airbyte.New(airbyte.Options{BaseURL: server.URL, Auth: airbyte.Auth{
		ClientID: options.Auth.ClientID, ClientSecret: options.Auth.ClientSecret,
		Username: options.Auth.Username, Password: options.Auth.Password,
	}})
	if err != nil {
		t.Fatal(err)
	}
	return sim, client
}

func faker(name string) airbyte.Actor {
	return airbyte.Actor{
		Kind: airbyte.Source, WorkspaceID: airbytesim.DefaultWorkspace, DefinitionID: fakerID, Name: name,
		Configuration: map[string]any{"count": 1000},
	}
}

func devNull(name string) airbyte.Actor {
	return airbyte.Actor{
		Kind: airbyte.Destination, WorkspaceID: airbytesim.DefaultWorkspace, DefinitionID: devNullID, Name: name,
		Configuration: map[string]any{"test_destination": map[string]any{"test_destination_type": "SILENT"}},
	}
}

// need returns the value of a call that must succeed.
func need[T any](t *testing.T) func(T, error) T {
	return func(value T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

// configured is a discovered catalog with the modes that Airbyte must be told.
func configured(found airbyte.Catalog) *airbyte.Catalog {
	for i := range found.Streams {
		found.Streams[i].Config.SyncMode = "full_refresh"
		found.Streams[i].Config.DestinationSyncMode = "append"
		found.Streams[i].Config.Selected = true
	}
	return &found
}

func TestLifeOfAConnection(t *testing.T) {
	t.Parallel()
	for reason, auth := range map[string]airbytesim.Auth{
		"without authentication":  {},
		"with HTTP basic":         {Mode: airbytesim.AuthBasic, Username: "u", Password: "hush"},
		"with client credentials": {Mode: airbytesim.AuthClient, ClientID: "i", ClientSecret: "hush"},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			sim, client := simulate(t, airbytesim.Options{Auth: auth, Behavior: airbytesim.Behavior{JobPolls: -1}})
			ctx := t.Context()
			if err := client.Health(ctx); err != nil {
				t.Error(err)
			}
			workspace := need[airbyte.Workspace](t)(client.GetWorkspace(ctx, airbytesim.DefaultWorkspace))
			instance := need[airbyte.Instance](t)(client.GetInstance(ctx))
			if workspace.OrganizationID == "" || instance.Version == "" || instance.Edition == "" {
				t.Errorf("got %+v, %+v", workspace, instance)
			}
			for _, a := range []airbyte.Actor{faker("s"), devNull("d")} {
				d := need[airbyte.Definition](t)(client.GetDefinition(ctx, a.Kind, a.WorkspaceID, a.DefinitionID))
				all := need[[]airbyte.Definition](t)(client.ListDefinitions(ctx, a.Kind, a.WorkspaceID))
				spec := need[airbyte.Specification](t)(client.GetSpecification(ctx, a.Kind, a.WorkspaceID, a.DefinitionID))
				if d.DockerRepository == "" || d.DockerImageTag == "" || !slices.Contains(all, d) || len(spec.Schema) == 0 {
					t.Errorf("%s: got %+v among %d", a.Kind, d, len(all))
				}
				if (len(spec.DestinationSyncModes) > 0) != (a.Kind == airbyte.Destination) {
					t.Errorf("%s: sync modes %v", a.Kind, spec.DestinationSyncModes)
				}
			}

			source := need[airbyte.Actor](t)(client.CreateActor(ctx, faker("Orders [wb-1]")))
			if err := client.CheckActor(ctx, devNull("d")); err != nil {
				t.Error(err)
			}
			destination := need[airbyte.Actor](t)(client.CreateActor(ctx, devNull("Sink [wb-1]")))
			for _, a := range []airbyte.Actor{source, destination} {
				found := need[[]airbyte.Actor](t)(client.ListActors(ctx, a.Kind, a.WorkspaceID, "[WB-1]"))
				if len(found) != 1 || found[0].ID != a.ID || found[0].DefinitionID != a.DefinitionID {
					t.Errorf("%s: found %+v", a.Kind, found)
				}
			}
			unsaved := need[airbyte.Discovery](t)(client.DiscoverUnsaved(ctx, faker("x")))
			found := need[airbyte.Discovery](t)(client.DiscoverSource(ctx, source.ID, false))
			if found.CatalogID == "" || len(found.Catalog.Streams) == 0 || len(unsaved.Catalog.Streams) != len(found.Catalog.Streams) {
				t.Fatalf("discovered %+v", found)
			}
			if s := found.Catalog.Streams[0].Stream; len(s.Fields()) == 0 || len(s.SupportedSyncModes) == 0 {
				t.Errorf("a stream without fields or modes: %+v", s)
			}

			connection := need[airbyte.Connection](t)(client.CreateConnection(ctx, airbyte.ConnectionCreate{
				SourceID: source.ID, DestinationID: destination.ID, Status: "active", Name: "c", Prefix: "p_", ScheduleType: "basic",
				ScheduleData: &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "hours", Units: 6}},
				Catalog:      configured(found.Catalog), SourceCatalogID: found.CatalogID, NonBreakingChanges: "propagate_columns",
			}))
			renamed, none := "renamed", ""
			updated := need[airbyte.Connection](t)(client.UpdateConnection(ctx, airbyte.ConnectionUpdate{
				ID: connection.ID, Name: &renamed, Prefix: &none, Catalog: &connection.Catalog,
			}))
			read := need[airbyte.Connection](t)(client.GetConnection(ctx, connection.ID))
			if updated.Name != renamed || read.Prefix != "" || read.ScheduleData == nil || read.ScheduleData.Basic.Units != 6 ||
				len(read.Catalog.Streams) != len(found.Catalog.Streams) {
				t.Errorf("got %+v", read)
			}
			if all := need[[]airbyte.ConnectionSummary](t)(client.ListConnections(ctx, workspace.ID)); len(all) != 1 || all[0].SourceID != source.ID {
				t.Errorf("listed %+v", all)
			}

			job := need[airbyte.Job](t)(client.SyncConnection(ctx, connection.ID))
			_, err := client.SyncConnection(ctx, connection.ID)
			if e := asError(t, err); !airbyte.Conflict(err) || e.Retryable {
				t.Errorf("a second sync: %+v", e)
			}
			if active := need[[]airbyte.Job](t)(client.ActiveJobs(ctx, connection.ID)); len(active) != 1 || active[0].ID != job.ID {
				t.Errorf("active: %+v", active)
			}
			if cancelled := need[airbyte.Job](t)(client.CancelJob(ctx, job.ID)); !cancelled.Ended() {
				t.Errorf("cancelled: %+v", cancelled)
			}
			clearing := need[airbyte.Job](t)(client.ClearConnection(ctx, connection.ID))
			if err := sim.FinishJob(clearing.ID, airbyte.JobSucceeded); err != nil {
				t.Fatal(err)
			}
			if done := need[airbyte.Job](t)(client.GetJob(ctx, clearing.ID)); done.Status != airbyte.JobSucceeded || done.ConfigType != airbyte.JobClear {
				t.Errorf("cleared: %+v", done)
			}
			if active := need[[]airbyte.Job](t)(client.ActiveJobs(ctx, connection.ID)); len(active) != 0 {
				t.Errorf("active: %+v", active)
			}

			err = errors.Join(client.DeleteConnection(ctx, connection.ID), client.DeleteActor(ctx, source.Kind, source.ID), client.DeleteActor(ctx, destination.Kind, destination.ID))
			if err != nil {
				t.Fatal(err)
			}
			if gone := need[airbyte.Connection](t)(client.GetConnection(ctx, connection.ID)); !gone.Deleted() {
				t.Errorf("deleted, and reads as %s", gone.Status)
			}
			if left := need[[]airbyte.Actor](t)(client.ListActors(ctx, source.Kind, workspace.ID, "")); len(left) != 0 {
				t.Errorf("left: %+v", left)
			}
			for _, call := range sim.Calls("*", 0) {
				if call.Status == 400 || call.Status == 401 || call.Status >= 500 {
					t.Errorf("the simulator refused %s with %d", call.Operation, call.Status)
				}
			}
		})
	}
}

func TestAmongThousands(t *testing.T) {
	t.Parallel()
	for reason, behavior := range map[string]airbytesim.Behavior{
		"a server that pages":          {},
		"a server that ignores paging": {IgnorePaging: true},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			sim, client := simulate(t, airbytesim.Options{Behavior: behavior})
			if err := sim.Fill(airbytesim.Filler{Sources: 5000, Destinations: 1, Connections: 3000}); err != nil {
				t.Fatal(err)
			}
			mine := need[airbyte.Actor](t)(client.CreateActor(t.Context(), faker("mine 100% [wb-00c0ffee]")))
			for search, want := range map[string]int{"": 5001, "[wb-00c0ffee]": 1, "100% [wb": 1, "Faker": 0} {
				found := need[[]airbyte.Actor](t)(client.ListActors(t.Context(), airbyte.Source, mine.WorkspaceID, search))
				if len(found) != want {
					t.Errorf("%q: found %d, want %d", search, len(found), want)
				}
			}
			if all := need[[]airbyte.ConnectionSummary](t)(client.ListConnections(t.Context(), mine.WorkspaceID)); len(all) != 3000 {
				t.Errorf("%d connections", len(all))
			}
		})
	}
}

func TestTokensOfTheSimulator(t *testing.T) {
	t.Parallel()
	auth := airbytesim.Auth{Mode: airbytesim.AuthClient, ClientID: "i", ClientSecret: "hush-right"}
	sim, client := simulate(t, airbytesim.Options{Auth: auth})
	need[airbyte.Workspace](t)(client.GetWorkspace(t.Context(), airbytesim.DefaultWorkspace))
	sim.ExpireTokens()
	need[airbyte.Workspace](t)(client.GetWorkspace(t.Context(), airbytesim.DefaultWorkspace))
	if renewals := sim.Calls("applications/token", 0); len(renewals) != 2 {
		t.Errorf("%d tokens, want 2", len(renewals))
	}
	for _, status := range []int{400, 401} {
		for _, old := range []bool{false, true} {
			auth.BadCredentials = status
			sim, err := airbytesim.New(airbytesim.Options{Auth: auth, Behavior: airbytesim.Behavior{OldErrors: old}})
			if err != nil {
				t.Fatal(err)
			}
			server := httptest.NewServer(sim.API())
			client, err := airbyte.New(airbyte.Options{BaseURL: server.URL, Auth: airbyte.Auth{ClientID: "i", ClientSecret: "hush-wrong"}})
			if err != nil {
				t.Fatal(err)
			}
			_, err = client.GetWorkspace(t.Context(), airbytesim.DefaultWorkspace)
			e := asError(t, err)
			if e.Class != airbyte.ClassUnauthorized || e.Retryable || !strings.Contains(e.Error(), "client id and secret") || strings.Contains(e.Error(), "hush") {
				t.Errorf("%d, old %v: got %v", status, old, e)
			}
			sim.Close()
			server.Close()
		}
	}
}

func TestErrorsOfTheSimulator(t *testing.T) {
	t.Parallel()
	for reason, behavior := range map[string]airbytesim.Behavior{"of today": {}, "before 2.0": {OldErrors: true}} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			sim, client := simulate(t, airbytesim.Options{Behavior: behavior})
			ctx := t.Context()
			_, err := client.CreateActor(ctx, airbyte.Actor{Kind: airbyte.Source, WorkspaceID: airbytesim.DefaultWorkspace, DefinitionID: postgresID, Name: "p", Configuration: map[string]any{"host": "h"}})
			if e := asError(t, err); e.Class != airbyte.ClassInvalid || e.Retryable || e.Message == "" || strings.Contains(e.Message, "Schema:") || strings.Contains(e.Message, "{") {
				t.Errorf("an incomplete configuration: %v", e)
			}
			_, err = client.GetActor(ctx, airbyte.Source, otherID)
			if !airbyte.NotFound(err) {
				t.Errorf("an unknown source: %v", err)
			}
			source := need[airbyte.Actor](t)(client.CreateActor(ctx, faker("s")))
			if err := client.DeleteActor(ctx, source.Kind, source.ID); err != nil {
				t.Fatal(err)
			}
			_, err = client.UpdateActor(ctx, source)
			if e := asError(t, err); e.Class != airbyte.ClassServer || !e.Retryable || e.Status != 500 {
				t.Errorf("an update of a deleted source: %v", e)
			}

			source = need[airbyte.Actor](t)(client.CreateActor(ctx, faker("s")))
			for _, test := range []struct {
				do    string
				class airbyte.Class
			}{
				{airbytesim.DoDrop, airbyte.ClassNetwork},
				{airbytesim.DoEmpty, airbyte.ClassMalformed},
				{airbytesim.DoMalformed, airbyte.ClassMalformed},
				{airbytesim.DoOmit, airbyte.ClassMalformed},
			} {
				if _, err := sim.AddFault(airbytesim.Fault{Operation: "sources/get", Do: test.do, Omit: []string{"sourceId"}}); err != nil {
					t.Fatal(err)
				}
				_, err := client.GetActor(ctx, source.Kind, source.ID)
				if e := asError(t, err); e.Class != test.class || !e.Retryable {
					t.Errorf("%s: %+v", test.do, e)
				}
			}
			fault := airbytesim.Fault{Operation: "sources/get", Do: airbytesim.DoAnswer, Status: 429, Header: map[string]string{"Retry-After": "3"}}
			if _, err := sim.AddFault(fault); err != nil {
				t.Fatal(err)
			}
			_, err = client.GetActor(ctx, source.Kind, source.ID)
			if e := asError(t, err); e.Class != airbyte.ClassRateLimited || e.RetryAfter != 3*time.Second {
				t.Errorf("too many: %+v", e)
			}
		})
	}
}

func TestFailedJobsOfTheSimulator(t *testing.T) {
	t.Parallel()
	sim, client := simulate(t, airbytesim.Options{})
	source := need[airbyte.Actor](t)(client.CreateActor(t.Context(), faker("s")))
	const internal = "hush: the internal message"
	for _, test := range []struct {
		reason    string
		failure   airbytesim.JobFailure
		retryable bool
	}{
		{"the configuration is wrong", airbytesim.JobFailure{Message: "No such table"}, false},
		{"a passing fault", airbytesim.JobFailure{Type: "transient_error", Message: "Busy"}, true},
		{"the job died", airbytesim.JobFailure{Died: true, Message: "No pod"}, true},
	} {
		test.failure.Internal = internal
		for operation, call := range map[string]func() error{
			"sources/discover_schema": func() error {
				_, err := client.DiscoverSource(t.Context(), source.ID, true)
				return err
			},
			"scheduler/sources/check_connection": func() error { return client.CheckActor(t.Context(), faker("s")) },
		} {
			if _, err := sim.AddFault(airbytesim.Fault{Operation: operation, Do: airbytesim.DoFail, Failure: &test.failure}); err != nil {
				t.Fatal(err)
			}
			err := call()
			var failed *airbyte.JobFailure
			if !errors.As(err, &failed) {
				t.Fatalf("%s: got %v", test.reason, err)
			}
			if failed.Retryable != test.retryable || failed.Operation != operation || !strings.Contains(failed.Message, test.failure.Message) || strings.Contains(failed.Error(), "hush") {
				t.Errorf("%s: got %+v", test.reason, failed)
			}
		}
	}
}

func TestAccessInTheSimulator(t *testing.T) {
	t.Parallel()
	sim, client := simulate(t, airbytesim.Options{})
	ctx := t.Context()
	id := sim.AddUser(airbytesim.User{Email: "ada@example.com", OrganizationRole: "organization_member"})
	workspace := need[airbyte.Workspace](t)(client.GetWorkspace(ctx, airbytesim.DefaultWorkspace))
	user := need[airbyte.User](t)(client.GetUserByEmail(ctx, "ada@example.com"))
	people := need[[]airbyte.User](t)(client.ListOrganizationUsers(ctx, workspace.OrganizationID))
	if user.ID != id || !slices.ContainsFunc(people, func(u airbyte.User) bool { return u.ID == id && u.Email == user.Email }) {
		t.Errorf("got %+v among %+v", user, people)
	}
	if _, err := client.GetUserByEmail(ctx, "nobody@example.com"); !airbyte.NotFound(err) {
		t.Errorf("an unknown address: %v", err)
	}
	granted := need[airbyte.Permission](t)(client.CreatePermission(ctx, id, workspace.ID, "workspace_reader"))
	if again := need[airbyte.Permission](t)(client.CreatePermission(ctx, id, workspace.ID, "workspace_reader")); again.ID != granted.ID {
		t.Errorf("granted twice: %+v, %+v", granted, again)
	}
	if err := client.UpdatePermission(ctx, granted.ID, "workspace_editor"); err != nil {
		t.Fatal(err)
	}
	role := func() string {
		for _, a := range need[[]airbyte.Access](t)(client.ListAccess(ctx, workspace.ID)) {
			if a.UserID == id && a.Workspace != nil {
				return a.Workspace.Type
			}
		}
		return ""
	}
	if got := role(); got != "workspace_editor" {
		t.Errorf("the role is %q", got)
	}
	if err := client.DeleteUserFromWorkspace(ctx, id, workspace.ID); err != nil {
		t.Fatal(err)
	}
	if got := role(); got != "" {
		t.Errorf("the role is still %q", got)
	}
	if got := need[airbyte.Invitation](t)(client.CreateInvitation(ctx, "new@example.com", workspace.ID, "workspace_reader")); got.DirectlyAdded {
		t.Errorf("got %+v", got)
	}
}
