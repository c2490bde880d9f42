package reverse

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/google/uuid"

	"airbyte-provisioner/internal/workload/workloadtest"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

func TestUpdates(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.make(made{
		name: "Orders to warehouse",
		source: airbyte.Actor{Name: "Orders database", DefinitionID: postgresID, Configuration: map[string]any{
			"host": "db.acme.com", "port": 5432, "database": "orders", "username": "reader", "password": "geheim-1",
			"schemas": []any{"public"}, "replication_method": map[string]any{"method": "Standard"},
		}},
		destination: airbyte.Actor{Name: "Warehouse", DefinitionID: snowflakeID, Configuration: map[string]any{
			"host": "acme.eu.snowflakecomputing.com", "role": "LOADER", "warehouse": "WH", "database": "SALES", "schema": "ORDERS_1", "username": "loader",
			"credentials": map[string]any{"auth_type": "Key Pair Authentication", "private_key": "geheim-2"},
		}},
		change: func(c *airbyte.ConnectionCreate) {
			c.ScheduleType, c.ScheduleData = "cron", &airbyte.ScheduleData{Cron: &airbyte.CronSchedule{Expression: "0 0 3 * * ?", TimeZone: "UTC"}}
			c.NamespaceDefinition, c.NamespaceFormat, c.Prefix = "customformat", "raw_${SOURCE_NAMESPACE}", "x_"
			c.NonBreakingChanges = "propagate_columns"
			for i := range c.Catalog.Streams {
				s := &c.Catalog.Streams[i]
				switch s.Stream.Name {
				case "customers":
					s.Config = airbyte.StreamConfig{SyncMode: "full_refresh", DestinationSyncMode: "overwrite", Selected: true}
				case "orders":
					enabled := true
					s.Config = airbyte.StreamConfig{
						SyncMode: "incremental", DestinationSyncMode: "append_dedup", Selected: true,
						CursorField: []string{"updated_at"}, PrimaryKey: [][]string{{"id"}}, FieldSelectionEnabled: &enabled,
						SelectedFields: []airbyte.SelectedField{{FieldPath: []string{"updated_at"}}, {FieldPath: []string{"id"}}},
					}
				default:
					s.Config.Selected = false
				}
			}
		},
	})
	out := h.must(map[string]any{"connectionId": id}, nil)
	want := map[string]any{
		"spec.mesh.specific.source.name":         "Orders database",
		"spec.mesh.specific.source.definitionId": postgresID,
		"spec.mesh.specific.source.connectionConfiguration": map[string]any{
			"host": "db.acme.com", "port": 5432.0, "database": "orders", "username": "reader",
			"password": "${secret:ORDERS_DATABASE_PASSWORD}", "schemas": []any{"public"}, "replication_method": map[string]any{"method": "Standard"},
		},
		"spec.mesh.specific.destination.name":      "Warehouse",
		"spec.mesh.specific.destination.connector": "destination-snowflake",
		"spec.mesh.specific.destination.connectionConfiguration": map[string]any{
			"host": "acme.eu.snowflakecomputing.com", "role": "LOADER", "warehouse": "WH", "database": "SALES", "schema": "ORDERS_1", "username": "loader",
			"credentials": map[string]any{"auth_type": "Key Pair Authentication", "private_key": "${secret:WAREHOUSE_CREDENTIALS_PRIVATE_KEY}"},
		},
		"spec.mesh.specific.connection.name":     "Orders to warehouse",
		"spec.mesh.specific.connection.schedule": map[string]any{"type": "cron", "cronExpression": "0 0 3 * * ?", "cronTimeZone": "UTC"},
		"spec.mesh.specific.connection.streams": []any{
			map[string]any{"name": "customers", "namespace": "public", "syncMode": "full_refresh", "destinationSyncMode": "overwrite"},
			map[string]any{
				"name": "orders", "namespace": "public", "syncMode": "incremental", "destinationSyncMode": "append_dedup",
				"cursorField": []any{"updated_at"}, "selectedFields": []any{"id", "updated_at"},
			},
		},
		"spec.mesh.specific.connection.namespaceDefinition":          "customformat",
		"spec.mesh.specific.connection.namespaceFormat":              "raw_${SOURCE_NAMESPACE}",
		"spec.mesh.specific.connection.prefix":                       "x_",
		"spec.mesh.specific.connection.nonBreakingChangesPreference": "propagate_columns",
		"spec.mesh.specific.connection.status":                       "active",
		"spec.mesh.specific.adopt.connectionId":                      id,
	}
	if diff := cmp.Diff(want, out.Updates); diff != "" {
		t.Errorf("updates (-want +got):\n%s", diff)
	}
	workloadtest.Mentions(t, out.Message, "Orders to warehouse", id, "ORDERS_DATABASE_PASSWORD", "WAREHOUSE_CREDENTIALS_PRIVATE_KEY", "Nothing was changed")
}

func TestWaysToAsk(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.simple("Orders", "Nowhere", "Orders to nowhere")
	h.simple("Orders [wb-0123456789abcdef]", "Sink", "Marked")
	h.simple("Other", "Nowhere else", "Other")
	for name, params := range map[string]map[string]any{
		"by id":                          {"connectionId": strings.ToUpper(id)},
		"by name":                        {"connectionName": " Orders to nowhere "},
		"by source and destination":      {"sourceName": "Orders", "destinationName": "Nowhere"},
		"by all of them":                 {"connectionId": id, "connectionName": "Orders to nowhere", "sourceName": "Orders", "destinationName": "Nowhere"},
		"null and empty count as absent": {"connectionId": id, "connectionName": nil, "sourceName": ""},
		"other params do not matter":     {"connectionId": id, "other": []any{1}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			out, err := h.reverse("dev", params, nil)
			if err != nil {
				t.Fatal(err)
			}
			if got := out.Updates["spec.mesh.specific.adopt.connectionId"]; got != id {
				t.Errorf("the connection is %v, want %s", got, id)
			}
		})
	}
}

func TestWhatIsDeleted(t *testing.T) {
	t.Parallel()
	const deleted = `"connectionId":"` + otherID + `","name":"gone","sourceId":"s","destinationId":"d","status":"deprecated","syncCatalog":{"streams":[]}`
	for name, operation := range map[string]string{
		"servers that list it":                   "connections/list",
		"somebody deletes it while it is sought": "connections/get",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			id, body := h.simple("Orders", "Nowhere", "gone"), "{"+deleted+"}"
			if operation == "connections/list" {
				id, body = otherID, `{"connections":[`+body+`]}`
			}
			if _, err := h.sim.AddFault(airbytesim.Fault{Operation: operation, Do: airbytesim.DoAnswer, Status: http.StatusOK, Body: body}); err != nil {
				t.Fatal(err)
			}
			_, err := h.reverse("dev", map[string]any{"connectionId": id}, nil)
			workloadtest.Mentions(t, workloadtest.Failure(t, err, workload.CodeInvalid).Text(), "No connection", id)
			h.onlyReads()
			if calls := h.sim.Calls("sources/get", 0); len(calls) > 0 {
				t.Error("what is deleted was read")
			}
		})
	}
}

func TestMarkedNamesMayBeAskedFor(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	const marked = "Orders [wb-0123456789abcdef]"
	id := h.simple(marked, "Sink", "Marked")
	out := h.must(map[string]any{"sourceName": marked, "destinationName": "Sink"}, nil)
	if got := out.Updates["spec.mesh.specific.adopt.connectionId"]; got != id {
		t.Errorf("the connection is %v, want %s", got, id)
	}
}

// What has no effect in Airbyte, or is the source's own, is not written down.
func TestLeftOut(t *testing.T) {
	t.Parallel()
	defined := true
	u := &updates{values: map[string]any{}}
	u.connection(airbyte.Connection{NamespaceDefinition: "source", NamespaceFormat: "of_before", Status: "active", Catalog: airbyte.Catalog{Streams: []airbyte.ConfiguredStream{{
		Stream: airbyte.Stream{Name: "orders", SourceDefinedCursor: &defined, SourceDefinedPrimaryKey: [][]string{{"id"}}},
		Config: airbyte.StreamConfig{Selected: true, SyncMode: "incremental", DestinationSyncMode: "append_dedup", CursorField: []string{"_cursor"}, PrimaryKey: [][]string{{"id"}}},
	}}}})
	if format, there := u.values[root+"connection.namespaceFormat"]; there {
		t.Errorf("the format is %v", format)
	}
	want := []any{map[string]any{"name": "orders", "syncMode": "incremental", "destinationSyncMode": "append_dedup"}}
	if diff := cmp.Diff(want, u.values[root+"connection.streams"]); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestOurMarkIsTakenOff(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.simple("Orders [wb-0123456789abcdef]", "Sink [wb-0123456789abcdef]", "Orders to sink")
	out := h.must(map[string]any{"sourceName": "Orders", "destinationName": "Sink"}, nil)
	if got := out.Updates["spec.mesh.specific.source.name"]; got != "Orders" {
		t.Errorf("the source's name is %q", got)
	}
	if got := out.Updates["spec.mesh.specific.destination.name"]; got != "Sink" {
		t.Errorf("the destination's name is %q", got)
	}
	workloadtest.Mentions(t, out.Message, "only that component can take it over")
}

func TestAmbiguousOrMissing(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	first := h.simple("Orders", "Sink", "Twice")
	second := h.simple("Orders", "Sink", "Twice")
	gone := h.simple("Gone", "Sink 2", "Gone connection")
	if err := h.client.DeleteConnection(t.Context(), gone); err != nil {
		t.Fatal(err)
	}
	elsewhere := h.make(made{
		name: "Elsewhere", workspace: otherID,
		source:      airbyte.Actor{Name: "Elsewhere", DefinitionID: fakerID, Configuration: map[string]any{}},
		destination: airbyte.Actor{Name: "There", DefinitionID: devNullID, Configuration: silent()},
	})
	for name, test := range map[string]struct {
		params map[string]any
		says   []string
		not    string // must not be told
	}{
		"two connections with the name":                 {map[string]any{"connectionName": "Twice"}, []string{"2 connections", "params.connectionName", first, second}, gone},
		"two with such a source and destination":        {map[string]any{"sourceName": "Orders", "destinationName": "Sink"}, []string{"params.sourceName", first, second}, gone},
		"no connection with the name":                   {map[string]any{"connectionName": "twice orders"}, []string{"No connection", `"twice orders"`, `candidate: "Twice"`, first, second}, gone},
		"no connection with the id":                     {map[string]any{"connectionId": "b5d1f0a2-95b2-4e3e-8a63-52b3f0a3c001"}, []string{"params.connectionId", first}, gone},
		"a deleted connection":                          {map[string]any{"connectionId": gone}, []string{"No connection", first}, "Gone connection"},
		"a connection of another workspace":             {map[string]any{"connectionId": elsewhere}, []string{"No connection", "environment"}, "There"},
		"the id of one and the name of another":         {map[string]any{"connectionId": first, "connectionName": "Once"}, []string{"No connection", first}, gone},
		"an unknown source":                             {map[string]any{"sourceName": "Nobody", "destinationName": "Sink"}, []string{`a source called "Nobody"`, first}, gone},
		"a source that goes to another destination":     {map[string]any{"sourceName": "Orders", "destinationName": "Sink 2"}, []string{"No connection"}, gone},
		"names are told apart by case as Airbyte's are": {map[string]any{"connectionName": "TWICE"}, []string{"No connection", first}, gone},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := h.reverse("dev", test.params, nil)
			f := workloadtest.Failure(t, err, workload.CodeInvalid)
			workloadtest.Mentions(t, f.Text(), test.says...)
			if strings.Contains(f.Text(), test.not) {
				t.Errorf("%q tells %q", f.Text(), test.not)
			}
			if f.Retry {
				t.Error("asking again does not help")
			}
			h.onlyReads()
		})
	}
}

func TestCandidatesAreBounded(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	if err := h.sim.Fill(airbytesim.Filler{Sources: 1, Destinations: 1, Connections: 300, Name: "filler"}); err != nil {
		t.Fatal(err)
	}
	_, err := h.reverse("dev", map[string]any{"connectionName": "filler connection"}, nil)
	f := workloadtest.Failure(t, err, workload.CodeInvalid)
	if n := len(f.Problems); n != maxCandidates+2 {
		t.Errorf("%d problems, want the parameter's, %d candidates and the rest's number", n, maxCandidates)
	}
	workloadtest.Mentions(t, f.Text(), "and 290 more")
}

func TestEnvironmentDecidesTheWorkspace(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.make(made{
		workspace: otherID, name: "Elsewhere",
		source:      airbyte.Actor{Name: "Elsewhere", DefinitionID: fakerID, Configuration: map[string]any{}},
		destination: airbyte.Actor{Name: "There", DefinitionID: devNullID, Configuration: silent()},
	})
	out, err := h.reverse("prod", map[string]any{"connectionName": "Elsewhere"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := out.Updates["spec.mesh.specific.adopt.connectionId"]; got != id {
		t.Errorf("the connection is %v, want %s", got, id)
	}
	p := New(Options{Airbyte: h.client})
	work, bad := Parse("dev", map[string]any{"connectionId": id}, nil)
	if bad != nil {
		t.Fatal(bad)
	}
	_, err = p.Perform(t.Context(), work, workloadtest.Attempt(t, uuid.NewString()))
	workloadtest.Mentions(t, workloadtest.Failure(t, err, workload.CodeInvalid).Text(), "“dev”", "airbyte.workspaces")
}

func TestBadRequests(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		params map[string]any
		paths  []string
	}{
		"nothing":                 {nil, []string{"params"}},
		"only blanks":             {map[string]any{"connectionName": "  "}, []string{"params"}},
		"a source alone":          {map[string]any{"sourceName": "x"}, []string{"params.destinationName"}},
		"a destination alone":     {map[string]any{"destinationName": "x"}, []string{"params.sourceName"}},
		"no UUID":                 {map[string]any{"connectionId": "17"}, []string{"params.connectionId"}},
		"not a text":              {map[string]any{"connectionName": []any{"x"}, "connectionId": map[string]any{}}, []string{"params.connectionId", "params.connectionName", "params"}},
		"all of it wrong at once": {map[string]any{"connectionId": "x", "sourceName": "y"}, []string{"params.connectionId", "params.destinationName"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, f := Parse("dev", test.params, nil)
			if f == nil {
				t.Fatal("the request was taken")
			}
			var paths []string
			for _, p := range f.Problems {
				paths = append(paths, p.Path)
			}
			if diff := cmp.Diff(test.paths, paths); diff != "" {
				t.Errorf("paths of the problems (-want +got):\n%s", diff)
			}
		})
	}
	work, f := Parse("dev", map[string]any{"connectionName": 2024.0}, nil)
	if f != nil || work.Reverse.ConnectionName != "2024" {
		t.Errorf("a form may make a number of a name: %+v, %v", work.Reverse, f)
	}
}

// TestNames has every operation named after what is read: it has no component.
func TestNames(t *testing.T) {
	t.Parallel()
	const id = "0198c8a2-5f0e-7c3a-9b1d-1f2e3d4c5b6a"
	for want, params := range map[string]map[string]any{
		"Orders <> Warehouse": {"connectionName": "Orders <> Warehouse", "connectionId": id},
		id:                    {"connectionId": id},
		"Orders to Warehouse": {"sourceName": "Orders", "destinationName": "Warehouse"},
	} {
		if work, f := Parse("dev", params, nil); f != nil || work.Name != want {
			t.Errorf("%v is named %q, want %q (%v)", params, work.Name, want, f)
		}
	}
}

// What catalog-info.yaml has and Airbyte has not is cleared; its place-holders stay; its values do not travel.
func TestCatalogInfo(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.make(made{
		source: airbyte.Actor{Name: "Orders", DefinitionID: postgresID, Configuration: map[string]any{
			"host": "db", "port": 5432, "database": "orders", "username": "reader", "password": "geheim-1",
		}},
		destination: airbyte.Actor{Name: "Nowhere", DefinitionID: devNullID, Configuration: silent()},
	})
	info := map[string]any{"spec": map[string]any{"mesh": map[string]any{"specific": map[string]any{
		"source": map[string]any{
			"connector": "source-mysql", "definitionId": mysqlID,
			"connectionConfiguration": map[string]any{"password": "${secret:OUR_PASSWORD}", "host": "literal-in-catalog-info", "username": "${secret:A}${secret:B}"},
		},
		"destination": map[string]any{"connector": "destination-dev-null"},
		"connection":  map[string]any{"prefix": "raw_", "namespaceFormat": nil, "nonBreakingChangesPreference": "ignore"},
	}}}}
	work, f := Parse("dev", map[string]any{"connectionId": id}, info)
	if f != nil {
		t.Fatal(f)
	}
	raw, err := json.Marshal(work)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), "literal-in-catalog-info") {
		t.Errorf("a value of catalog-info.yaml travels in the work: %s", raw)
	}
	out := h.must(map[string]any{"connectionId": id}, info)
	got := map[string]any{}
	for _, path := range optional() {
		if value, ok := out.Updates[root+path]; ok {
			got[path] = value
		}
	}
	want := map[string]any{
		"source.connector": nil, "source.definitionId": postgresID, "destination.connector": nil, "destination.definitionId": devNullID,
		"connection.prefix": nil, "connection.nonBreakingChangesPreference": "ignore",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("optional fields (-want +got):\n%s", diff)
	}
	configuration, _ := out.Updates["spec.mesh.specific.source.connectionConfiguration"].(map[string]any)
	if configuration["password"] != "${secret:OUR_PASSWORD}" {
		t.Errorf("the place-holder of before must stay, got %v", configuration["password"])
	}
	workloadtest.Mentions(t, out.Message, "OUR_PASSWORD")
}

func TestWhatADescriptorCannotSay(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.make(made{
		source:      airbyte.Actor{Name: "Faker", DefinitionID: fakerID, Configuration: map[string]any{}},
		destination: airbyte.Actor{Name: "Nowhere", DefinitionID: devNullID, Configuration: silent()},
		change: func(c *airbyte.ConnectionCreate) {
			for i := range c.Catalog.Streams {
				c.Catalog.Streams[i].Config.Selected = false
			}
		},
	})
	out := h.must(map[string]any{"connectionId": id}, nil)
	if diff := cmp.Diff([]any{}, out.Updates["spec.mesh.specific.connection.streams"]); diff != "" {
		t.Errorf("streams (-want +got):\n%s", diff)
	}
	workloadtest.Mentions(t, out.Message, "no selected stream")
	if err := h.sim.SetStatus(id, "locked"); err != nil {
		t.Fatal(err)
	}
	out = h.must(map[string]any{"connectionId": id}, nil)
	if _, there := out.Updates["spec.mesh.specific.connection.status"]; there {
		t.Error("a descriptor cannot ask for the status locked")
	}
	workloadtest.Mentions(t, out.Message, `"locked"`)
}

func TestSchedules(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		data *airbyte.ScheduleData
		kind string
		want map[string]any
	}{
		"manual": {nil, "manual", map[string]any{"type": "manual"}},
		"basic": {
			&airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "hours", Units: 6}}, "basic",
			map[string]any{"type": "basic", "units": int64(6), "timeUnit": "hours"},
		},
		"cron": {
			&airbyte.ScheduleData{Cron: &airbyte.CronSchedule{Expression: "0 0 3 * * ?", TimeZone: "UTC"}}, "cron",
			map[string]any{"type": "cron", "cronExpression": "0 0 3 * * ?", "cronTimeZone": "UTC"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := schedule(airbyte.Connection{ScheduleType: test.kind, ScheduleData: test.data})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	for _, operation := range []string{
		"connections/list", "sources/list", "destinations/list", "connections/get", "sources/get", "destinations/get",
		"source_definition_specifications/get", "destination_definition_specifications/get",
	} {
		for status, code := range map[int]workload.Code{
			http.StatusBadGateway: workload.CodeUnavailable, http.StatusForbidden: workload.CodeRefused, http.StatusNotFound: workload.CodeRefused,
		} {
			t.Run(fmt.Sprint(operation, " ", status), func(t *testing.T) {
				t.Parallel()
				h := newHouse(t)
				h.simple("Orders", "Sink", "Orders to sink")
				h.sim.AnswerNext(operation, -1, status)
				_, err := h.reverse("dev", map[string]any{"sourceName": "Orders", "destinationName": "Sink"}, nil)
				f := workloadtest.Failure(t, err, code)
				if f.Retry != (code == workload.CodeUnavailable) {
					t.Errorf("retry is %v", f.Retry)
				}
				workloadtest.Mentions(t, f.Text(), operation, strconv.Itoa(status))
			})
		}
	}
}

func TestAttemptThatMayNotGoOn(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	id := h.simple("Orders", "Sink", "Orders to sink")
	work, f := Parse("dev", map[string]any{"connectionId": id}, nil)
	if f != nil {
		t.Fatal(f)
	}
	stop := errors.New("stopped")
	for calls := range 6 {
		h.sim.ClearCalls()
		a, left := workloadtest.Attempt(t, uuid.NewString()), calls
		a.Holds = func() error {
			if left--; left < 0 {
				return stop
			}
			return nil
		}
		if _, err := h.performer().Perform(t.Context(), work, a); !errors.Is(err, stop) {
			t.Fatalf("after %d calls the error is %v", calls, err)
		}
		if n := len(h.sim.Calls("*", 0)); n != calls {
			t.Errorf("%d calls were sent, allowed were %d", n, calls)
		}
	}
}
