package airbyte_test

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"

	"github.com/google/go-cmp/cmp"
)

// TestCatalogSurvives sends a discovered catalog back and compares it with what was discovered.
func TestCatalogSurvives(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ reason, discovered, sent string }{
		{
			"everything the description knows",
			`{"stream":{"name":"a<b>&c","namespace":"public","jsonSchema":{"type":"object","properties":{"id":{"type":["null","integer"],"maximum":123456789012345678901234567890,"default":null}},"z":1.50},
			"supportedSyncModes":["full_refresh","incremental"],"sourceDefinedCursor":true,"defaultCursorField":["updated_at"],"sourceDefinedPrimaryKey":[["id"],["a","b"]],"isResumable":false,"isFileBased":true},
			"config":{"syncMode":"incremental","destinationSyncMode":"append_dedup","selected":true,"cursorField":["updated_at"],"primaryKey":[["id"]],"namespace":"n","aliasName":"a_b_c","suggested":false,
			"destinationObjectName":"o","includeFiles":false,"fieldSelectionEnabled":true,"selectedFields":[{"fieldPath":["id"]}],"hashedFields":[{"fieldPath":["x"]}],
			"mappers":[{"type":"hashing","mapperConfiguration":{"method":"MD5","targetField":"x","fieldNameSuffix":"_h"}}],"minimumGenerationId":1,"generationId":9007199254740993,"syncId":3}}`,
			"",
		},
		{
			"an empty key stays empty",
			`{"stream":{"name":"a","sourceDefinedPrimaryKey":[]},"config":{"syncMode":"full_refresh","destinationSyncMode":"append","selected":false,"primaryKey":[],"cursorField":[],"selectedFields":[],"mappers":[]}}`,
			"",
		},
		{
			"an empty namespace is not an absent one",
			`{"stream":{"name":"a","namespace":""},"config":{"syncMode":"full_refresh","destinationSyncMode":"append","selected":true}}`,
			"",
		},
		{
			"null is never sent",
			`{"stream":{"name":"a","namespace":null,"jsonSchema":null,"defaultCursorField":null,"isResumable":null},
			"config":{"syncMode":"full_refresh","destinationSyncMode":"append","mappers":null,"aliasName":null,"primaryKey":null,"hashedFields":null,"generationId":null}}`,
			`{"stream":{"name":"a"},"config":{"syncMode":"full_refresh","destinationSyncMode":"append","selected":false}}`,
		},
		{
			"what the description does not know is not sent",
			`{"stream":{"name":"a","newThing":1},"config":{"syncMode":"full_refresh","destinationSyncMode":"append","selected":true,"newThing":{}},"newThing":2}`,
			`{"stream":{"name":"a"},"config":{"syncMode":"full_refresh","destinationSyncMode":"append","selected":true}}`,
		},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			var got []byte
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if strings.HasSuffix(r.URL.Path, "discover_schema") {
					says(200, "application/json", `{"catalogId":"k","jobInfo":{"succeeded":true},"catalog":{"streams":[`+test.discovered+`]}}`)(w, r)
					return
				}
				got, _ = io.ReadAll(r.Body)
				says(200, "application/json", `{"connectionId":"x","sourceId":"x","destinationId":"x","status":"active","syncCatalog":{"streams":[]}}`)(w, r)
			})
			found, err := client.DiscoverSource(t.Context(), sourceID, true)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := client.UpdateConnection(t.Context(), airbyte.ConnectionUpdate{ID: connectionID, Catalog: &found.Catalog}); err != nil {
				t.Fatal(err)
			}
			want := test.sent
			if want == "" {
				want = test.discovered
			}
			want = `{"connectionId":"` + connectionID + `","syncCatalog":{"streams":[` + want + `]}}`
			if diff := cmp.Diff(parse(t, want), parse(t, string(got))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// parse reads JSON with its numbers as they are written.
func parse(t *testing.T, text string) any {
	t.Helper()
	decoder := json.NewDecoder(strings.NewReader(text))
	decoder.UseNumber()
	var value any
	if err := decoder.Decode(&value); err != nil {
		t.Fatalf("%v in %s", err, text)
	}
	return value
}

func TestStream(t *testing.T) {
	t.Parallel()
	var s airbyte.Stream
	err := json.Unmarshal([]byte(`{"name":"orders","namespace":"public","sourceDefinedCursor":true,"jsonSchema":{"properties":{"b":{},"a":{"properties":{"inner":{}}}}}}`), &s)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, s.Fields()); diff != "" {
		t.Error(diff)
	}
	if s.Key().String() != "public.orders" || !s.CursorDefined() {
		t.Errorf("got %s, %v", s.Key(), s.CursorDefined())
	}
	for reason, schema := range map[string]string{
		"none": "", "null": "null", "no properties": "{}", "odd properties": `{"properties":[]}`, "not an object": "5",
	} {
		if got := (airbyte.Stream{JSONSchema: airbyte.Schema(schema)}).Fields(); got != nil {
			t.Errorf("%s: got %v", reason, got)
		}
	}
	bare := airbyte.Stream{Name: "x"}
	if bare.Key().String() != "x" || bare.CursorDefined() {
		t.Errorf("got %s", bare.Key())
	}
}

func TestConfigurationKeepsItsNumbers(t *testing.T) {
	t.Parallel()
	const configuration = `{"big":123456789012345678901234567890,"exact":9007199254740993,"decimal":1.10,"html":"<&>","list":[1,null]}`
	var sent []byte
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "update") {
			sent, _ = io.ReadAll(r.Body)
		}
		says(200, "application/json", `{"sourceId":"`+sourceID+`","sourceDefinitionId":"`+definitionID+`","name":"n","connectionConfiguration":`+configuration+`}`)(w, r)
	})
	actor, err := client.GetActor(t.Context(), airbyte.Source, sourceID)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := client.UpdateActor(t.Context(), actor); err != nil {
		t.Fatal(err)
	}
	want := `{"connectionConfiguration":` + configuration + `,"name":"n","sourceId":"` + sourceID + `"}`
	if diff := cmp.Diff(parse(t, want), parse(t, string(sent))); diff != "" {
		t.Error(diff)
	}
	if !strings.Contains(string(sent), "<&>") {
		t.Errorf("text was escaped for HTML: %s", sent)
	}
}

func TestConnectionUpdateIsAPatch(t *testing.T) {
	t.Parallel()
	empty := ""
	for _, test := range []struct {
		reason string
		update airbyte.ConnectionUpdate
		want   string
	}{
		{"nothing but the id", airbyte.ConnectionUpdate{ID: "c"}, `{"connectionId":"c"}`},
		{"an empty prefix clears it", airbyte.ConnectionUpdate{ID: "c", Prefix: &empty}, `{"connectionId":"c","prefix":""}`},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			got, err := json.Marshal(test.update)
			if err != nil || string(got) != test.want {
				t.Errorf("got %s, %v; want %s", got, err, test.want)
			}
		})
	}
}

func TestConnectionSchedule(t *testing.T) {
	t.Parallel()
	basic, other := &airbyte.BasicSchedule{TimeUnit: "hours", Units: 6}, &airbyte.BasicSchedule{TimeUnit: "days", Units: 1}
	cron := &airbyte.CronSchedule{Expression: "0 0 3 * * ?", TimeZone: "UTC"}
	for reason, test := range map[string]struct {
		connection airbyte.Connection
		basic      *airbyte.BasicSchedule
		cron       *airbyte.CronSchedule
	}{
		"manual":                           {connection: airbyte.Connection{ScheduleType: "manual"}},
		"nothing at all":                   {connection: airbyte.Connection{}},
		"basic":                            {connection: airbyte.Connection{ScheduleType: "basic", ScheduleData: &airbyte.ScheduleData{Basic: basic}}, basic: basic},
		"basic without data":               {connection: airbyte.Connection{ScheduleType: "basic"}},
		"cron":                             {connection: airbyte.Connection{ScheduleType: "cron", ScheduleData: &airbyte.ScheduleData{Cron: cron}}, cron: cron},
		"cron without a type":              {connection: airbyte.Connection{ScheduleData: &airbyte.ScheduleData{Cron: cron}}, cron: cron},
		"basic of an older server":         {connection: airbyte.Connection{LegacySchedule: basic}, basic: basic},
		"basic with both forms":            {connection: airbyte.Connection{ScheduleType: "basic", LegacySchedule: other, ScheduleData: &airbyte.ScheduleData{Basic: basic}}, basic: basic},
		"manual with a schedule of before": {connection: airbyte.Connection{ScheduleType: "manual", LegacySchedule: basic}},
		"cron beside a legacy schedule":    {connection: airbyte.Connection{ScheduleType: "cron", LegacySchedule: basic, ScheduleData: &airbyte.ScheduleData{Cron: cron}}, cron: cron},
	} {
		t.Run(reason, func(t *testing.T) {
			t.Parallel()
			if b, c := test.connection.Schedule(); b != test.basic || c != test.cron {
				t.Errorf("got %v, %v", b, c)
			}
		})
	}
}
