package airbyte_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// ctx is a shorter name: the table below has a call on each line.
var ctx = context.Background()

// contract is Airbyte's API description.
type contract struct {
	document *openapi3.T
	router   routers.Router
}

// loadContract reads the description, which CONTRACT_DIR points to.
func loadContract(t *testing.T) contract {
	t.Helper()
	dir := os.Getenv("CONTRACT_DIR")
	if dir == "" {
		t.Skip("CONTRACT_DIR is not set")
	}
	document, err := openapi3.NewLoader().LoadFromFile(filepath.Join(dir, "airbyte-config-api.openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		t.Fatal(err)
	}
	return contract{document, router}
}

// check returns what is wrong with a request.
func (c contract) check(r *http.Request) error {
	route, parameters, err := c.router.FindRoute(r)
	if err != nil {
		return err
	}
	var raw []byte
	if r.Body != nil {
		if raw, err = io.ReadAll(r.Body); err != nil {
			return err
		}
		r.Body = io.NopCloser(bytes.NewReader(raw))
	}
	err = openapi3filter.ValidateRequest(r.Context(), &openapi3filter.RequestValidationInput{
		Request: r, PathParams: parameters, Route: route,
		Options: &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc},
	})
	if err != nil || len(raw) == 0 {
		return err
	}
	if route.Operation.RequestBody == nil {
		return fmt.Errorf("%s takes no body", r.URL.Path)
	}
	var value any
	if err := json.Unmarshal(raw, &value); err != nil {
		return err
	}
	return known(value, route.Operation.RequestBody.Value.Content.Get("application/json").Schema, "")
}

// known reports a property that the schema does not name, and a null, which the
// validator above lets pass where a schema is silent.
func known(value any, schema *openapi3.SchemaRef, path string) error {
	if schema == nil || schema.Value == nil {
		return nil
	}
	switch v := value.(type) {
	case nil:
		return fmt.Errorf("%s is null", path)
	case []any:
		for i, item := range v {
			if err := known(item, schema.Value.Items, fmt.Sprintf("%s[%d]", path, i)); err != nil {
				return err
			}
		}
	case map[string]any:
		if len(schema.Value.Properties) == 0 {
			return nil // a free object: a configuration, a schema
		}
		for name, item := range v {
			property := schema.Value.Properties[name]
			if property == nil {
				return fmt.Errorf("%s.%s is not in the description", path, name)
			}
			if err := known(item, property, path+"."+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// recorder checks every request and answers it so that the call succeeds.
type recorder struct {
	t        *testing.T
	contract contract
	asked    map[string]bool
}

func (r *recorder) RoundTrip(request *http.Request) (*http.Response, error) {
	operation := strings.TrimPrefix(request.URL.Path, "/api/v1/")
	r.asked[operation] = true
	if err := r.contract.check(request); err != nil {
		r.t.Errorf("%s: %v", operation, err)
	}
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{}, Request: request,
		Body: io.NopCloser(strings.NewReader(answerTo(operation))),
	}, nil
}

// answerTo is an answer that the client can use.
func answerTo(operation string) string {
	switch operation {
	case "sources/list":
		return `{"sources":[` + strings.TrimSuffix(strings.Repeat(`{"sourceId":"`+sourceID+`","sourceDefinitionId":"x","name":"x"},`, 100), ",") + `]}`
	case "destinations/list":
		return `{"destinations":[]}`
	case "source_definitions/list_for_workspace":
		return `{"sourceDefinitions":[]}`
	case "destination_definitions/list_for_workspace":
		return `{"destinationDefinitions":[]}`
	case "connections/list":
		return `{"connections":[]}`
	case "jobs/list":
		return `{"jobs":[]}`
	}
	return `{"access_token":"opaque","sourceId":"x","destinationId":"x","sourceDefinitionId":"x","destinationDefinitionId":"x",
		"workspaceId":"x","connectionId":"x","name":"x","syncCatalog":{"streams":[]},"connectionSpecification":{},"status":"succeeded","jobInfo":{"succeeded":true},
		"catalog":{"streams":[]},"job":{"id":1,"status":"running"},"userId":"x","permissionId":"x","users":[],"usersWithAccess":[],
		"available":true,"version":"2.0"}`
}

func TestRequestsKeepTheContract(t *testing.T) {
	t.Parallel()
	record := &recorder{t: t, contract: loadContract(t), asked: map[string]bool{}}
	client, err := airbyte.New(airbyte.Options{
		BaseURL: "http://airbyte.test/api/v1", Transport: record,
		Auth: airbyte.Auth{ClientID: clientID, ClientSecret: clientSecret},
	})
	if err != nil {
		t.Fatal(err)
	}
	for i, call := range calls(client) {
		if err := call(); err != nil {
			t.Errorf("call %d: %v", i, err)
		}
	}
	if len(record.asked) != 42 {
		t.Errorf("%d operations were asked, want 42: a new one belongs into this test", len(record.asked))
	}
	t.Logf("operations: %v", slices.Sorted(maps.Keys(record.asked)))
}

// calls is every call of the client, with the least and with the most that it can send.
func calls(client *airbyte.Client) []func() error {
	all := []func() error{
		second(func() (any, error) { return client.GetWorkspace(ctx, workspaceID) }),
		second(func() (any, error) { return client.GetInstance(ctx) }),
		func() error { return client.Health(ctx) },
		second(func() (any, error) { return client.DiscoverSource(ctx, sourceID, false) }),
		second(func() (any, error) { return client.DiscoverSource(ctx, sourceID, true) }),
		second(func() (any, error) { return client.DiscoverUnsaved(ctx, fullActor(airbyte.Source)) }),
		second(func() (any, error) { return client.ListConnections(ctx, workspaceID) }),
		second(func() (any, error) { return client.GetConnection(ctx, connectionID) }),
		func() error { return client.DeleteConnection(ctx, connectionID) },
		second(func() (any, error) { return client.SyncConnection(ctx, connectionID) }),
		second(func() (any, error) { return client.ResetConnection(ctx, connectionID) }),
		second(func() (any, error) { return client.ClearConnection(ctx, connectionID) }),
		second(func() (any, error) { return client.ActiveJobs(ctx, connectionID) }),
		second(func() (any, error) { return client.ListJobs(ctx, airbyte.JobFilter{ConnectionID: connectionID}) }),
		second(func() (any, error) {
			return client.ListJobs(ctx, airbyte.JobFilter{ConnectionID: connectionID, Statuses: []string{"running"}, Limit: 1})
		}),
		second(func() (any, error) { return client.GetJob(ctx, 1<<60) }),
		second(func() (any, error) { return client.CancelJob(ctx, 5) }),
		second(func() (any, error) { return client.GetUserByEmail(ctx, "a@example.com") }),
		second(func() (any, error) { return client.ListOrganizationUsers(ctx, otherID) }),
		second(func() (any, error) { return client.ListAccess(ctx, workspaceID) }),
		second(func() (any, error) { return client.CreatePermission(ctx, otherID, workspaceID, "workspace_reader") }),
		func() error { return client.UpdatePermission(ctx, otherID, "workspace_editor") },
		func() error { return client.DeleteUserFromWorkspace(ctx, otherID, workspaceID) },
		second(func() (any, error) {
			return client.CreateInvitation(ctx, "a@example.com", workspaceID, "workspace_reader")
		}),
	}
	all = append(all, connectionCalls(client)...)
	for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
		all = append(all, actorCalls(client, kind)...)
	}
	return all
}

func actorCalls(client *airbyte.Client, kind airbyte.ActorKind) []func() error {
	full := fullActor(kind)
	bare := airbyte.Actor{Kind: kind, DefinitionID: definitionID, WorkspaceID: workspaceID}
	saved := airbyte.Actor{Kind: kind, ID: otherID}
	return []func() error{
		second(func() (any, error) { return client.CreateActor(ctx, full) }),
		second(func() (any, error) { return client.CreateActor(ctx, bare) }),
		second(func() (any, error) { return client.UpdateActor(ctx, full) }),
		second(func() (any, error) { return client.UpdateActor(ctx, saved) }),
		second(func() (any, error) { return client.GetActor(ctx, kind, otherID) }),
		func() error { return client.DeleteActor(ctx, kind, otherID) },
		second(func() (any, error) { return client.ListActors(ctx, kind, workspaceID, "") }),
		second(func() (any, error) { return client.ListActors(ctx, kind, workspaceID, "[wb-0123456789abcdef]") }),
		func() error { return client.CheckActor(ctx, full) },
		func() error { return client.CheckActor(ctx, bare) },
		second(func() (any, error) { return client.GetDefinition(ctx, kind, workspaceID, definitionID) }),
		second(func() (any, error) { return client.ListDefinitions(ctx, kind, workspaceID) }),
		second(func() (any, error) { return client.GetSpecification(ctx, kind, workspaceID, definitionID) }),
	}
}

func fullActor(kind airbyte.ActorKind) airbyte.Actor {
	return airbyte.Actor{
		Kind: kind, ID: otherID, DefinitionID: definitionID, WorkspaceID: workspaceID, Name: "n",
		Configuration: map[string]any{"host": "h", "port": json.Number("5432"), "deep": map[string]any{"list": []any{"x"}}},
	}
}

func connectionCalls(client *airbyte.Client) []func() error {
	text := func(s string) *string { return &s }
	yes, count := true, int64(1<<60)
	catalog := &airbyte.Catalog{Streams: []airbyte.ConfiguredStream{
		{
			Stream: airbyte.Stream{
				Name: "s", Namespace: text("n"), JSONSchema: airbyte.Schema(`{"properties":{"a":{"default":null}}}`),
				SupportedSyncModes: []string{"full_refresh", "incremental"}, SourceDefinedCursor: &yes, DefaultCursorField: []string{"a"},
				SourceDefinedPrimaryKey: [][]string{{"a"}}, IsResumable: &yes, IsFileBased: &yes,
			},
			Config: airbyte.StreamConfig{
				SyncMode: "incremental", DestinationSyncMode: "append_dedup", Selected: true, CursorField: []string{"a"},
				PrimaryKey: [][]string{{"a"}}, Namespace: text("n"), AliasName: "s", Suggested: &yes, DestinationObjectName: "o", IncludeFiles: &yes,
				FieldSelectionEnabled: &yes, SelectedFields: []airbyte.SelectedField{{FieldPath: []string{"a"}}},
				HashedFields:        []airbyte.SelectedField{{FieldPath: []string{"a"}}},
				Mappers:             []json.RawMessage{json.RawMessage(`{"id":"` + otherID + `","type":"field-filtering","mapperConfiguration":{"targetField":"a"}}`)},
				MinimumGenerationID: &count, GenerationID: &count, SyncID: &count,
			},
		},
		{Stream: airbyte.Stream{Name: "t"}, Config: airbyte.StreamConfig{SyncMode: "full_refresh", DestinationSyncMode: "overwrite"}},
	}}
	basic := &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "hours", Units: 6}}
	cron := &airbyte.ScheduleData{Cron: &airbyte.CronSchedule{Expression: "0 0 3 * * ?", TimeZone: "UTC"}}
	return []func() error{
		second(func() (any, error) {
			return client.CreateConnection(ctx, airbyte.ConnectionCreate{SourceID: sourceID, DestinationID: destinationID, Status: "active"})
		}),
		second(func() (any, error) {
			return client.CreateConnection(ctx, airbyte.ConnectionCreate{
				SourceID: sourceID, DestinationID: destinationID, Status: "inactive", Name: "n", NamespaceDefinition: "customformat",
				NamespaceFormat: "${SOURCE_NAMESPACE}", Prefix: "p_", ScheduleType: "cron", ScheduleData: cron, Catalog: catalog,
				SourceCatalogID: otherID, NonBreakingChanges: "propagate_columns",
			})
		}),
		second(func() (any, error) {
			return client.UpdateConnection(ctx, airbyte.ConnectionUpdate{ID: connectionID})
		}),
		second(func() (any, error) {
			return client.UpdateConnection(ctx, airbyte.ConnectionUpdate{
				ID: connectionID, Name: text("n"), Status: text("active"), NamespaceDefinition: text("source"), NamespaceFormat: text(""),
				Prefix: text(""), ScheduleType: text("basic"), ScheduleData: basic, Catalog: catalog, SourceCatalogID: text(otherID),
				NonBreakingChanges: text("ignore"), BreakingChange: &yes,
			})
		}),
	}
}

func TestTheContractTestNotices(t *testing.T) {
	t.Parallel()
	c := loadContract(t)
	for reason, test := range map[string]struct{ path, body string }{
		"a missing field":             {"sources/get", `{}`},
		"an unknown field":            {"sources/get", `{"sourceId":"` + sourceID + `","extra":1}`},
		"a null":                      {"connections/update", `{"connectionId":"` + connectionID + `","tags":null}`},
		"a value outside the enum":    {"connections/update", `{"connectionId":"` + connectionID + `","status":"paused"}`},
		"an unknown field deep":       {"connections/update", `{"connectionId":"` + connectionID + `","syncCatalog":{"streams":[{"stream":{"name":"a","json_schema":{}}}]}}`},
		"a null deep":                 {"connections/update", `{"connectionId":"` + connectionID + `","syncCatalog":{"streams":[{"config":{"syncMode":"incremental","destinationSyncMode":"append","mappers":null}}]}}`},
		"a configuration that is not": {"sources/update", `{"sourceId":"` + sourceID + `","name":"n","connectionConfiguration":null}`},
		"an unknown operation":        {"sources/burn", `{}`},
	} {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://airbyte.test/api/v1/"+test.path, strings.NewReader(test.body))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Content-Type", "application/json")
		if c.check(request) == nil {
			t.Errorf("%s passes", reason)
		}
	}
}

// second drops a call's result.
func second(call func() (any, error)) func() error {
	return func() error {
		_, err := call()
		return err
	}
}
