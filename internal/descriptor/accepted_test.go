package descriptor_test

import (
	"encoding/json"
	"strings"
	"testing"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// under is the path that most warnings begin with.
const under = "dataProduct.components[1].specific."

func TestWhatDescriptorsMayLookLike(t *testing.T) {
	t.Parallel()
	id := func(w workload.Work) any { return w.Component.ID }
	config := func(field string) func(workload.Work) any {
		return func(w workload.Work) any { return w.Source.Configuration[field] }
	}
	host := "            host: db.example.com\n"
	for name, test := range map[string]struct {
		reason    string
		old, with string
		look      func(workload.Work) any
		want      any
		warnings  []string
	}{
		"as it is": {
			reason: "the base of all other cases has no fault", old: "x", look: id, want: componentID,
		},
		"byte order mark": {
			reason: "editors on Windows write one", old: "dataProduct:", with: "\ufeffdataProduct:", look: id, want: componentID,
		},
		"Windows line ends": {
			reason: "so are these", old: "  name: Orders\n", with: "  name: Orders\r\n", look: func(w workload.Work) any { return w.DataProduct.Name }, want: "Orders",
		},
		"id in other case": {
			reason: "Witboost compares ids without case", old: "componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion",
			with: "componentIdToProvision: URN:dmb:cmp:Sales:Orders:1:Ingestion", look: id, want: componentID,
		},
		"opaque id": {
			reason: "not all ids are URNs", old: "componentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion",
			with: "x: 1\ncomponentIdToProvision: urn:dmb:cmp:sales:orders:1:ingestion", look: id, want: componentID,
		},
		"numeric version": {
			reason: "1.0 is a number in YAML and must not become 1", old: "version: 1.0.0", with: "version: 1.0",
			look: func(w workload.Work) any { return w.DataProduct.Version }, want: "1.0",
		},
		"snapshot version": {
			reason: "as seen in real ones", old: "version: 1.0.0", with: "version: 0.1.0-SNAPSHOT-4",
			look: func(w workload.Work) any { return w.DataProduct.Version }, want: "0.1.0-SNAPSHOT-4",
		},
		"timestamp as a version": {
			reason: "a date is text as it was written", old: "version: 1.0.0", with: "version: 2024-05-06",
			look: func(w workload.Work) any { return w.DataProduct.Version }, want: "2024-05-06",
		},
		"boolean as a name": {
			reason: "so is a boolean", old: "  name: Orders\n", with: "  name: True\n",
			look: func(w workload.Work) any { return w.DataProduct.Name }, want: "True",
		},
		"names keep their blanks": {
			reason: "other tools find the connection by its exact name", old: connection, with: "          name: ' a <> b '\n",
			look: func(w workload.Work) any { return w.Connection.Name }, want: " a <> b ",
		},
		"no environment": {
			reason: "nearly all have one; without it the component is in none", old: "  environment: production\n", with: "",
			look: func(w workload.Work) any { return w.Component.Environment }, want: "",
			warnings: []string{"dataProduct.environment: is missing; the component is taken to be in no particular environment"},
		},
		"kind in other case": {
			reason: "the old provisioner took it", old: "kind: workload", with: "kind: Workload", look: id, want: componentID,
		},
		"nulls are absent": {
			reason: "unset fields of a template", old: host, with: host + "            jdbc_url_params:\n            ssl_mode: null\n            schemas: [a, null, b]\n",
			look: func(w workload.Work) any { return w.Source.Configuration }, want: map[string]any{
				"host": "db.example.com", "port": json.Number("5432"), "database": "orders", "username": "airbyte", "password": "${secret:DB}",
				"schemas": []any{"a", "b"},
			},
		},
		"number where a text is wanted": {
			reason: "dataset_name: 2024 arrives as a number", old: "            database: orders\n", with: "            database: 2024\n", look: config("database"), want: "2024",
		},
		"number with leading zeros": {
			reason: "its text must survive", old: "            database: orders\n", with: "            database: 007\n", look: config("database"), want: "007",
		},
		"number with an underscore": {
			reason: "YAML reads 1_000 as a number", old: "            database: orders\n", with: "            database: 1_000\n", look: config("database"), want: "1_000",
		},
		"number with trailing zeros": {
			reason: "1.10 is not 1.1", old: "            database: orders\n", with: "            database: 1.10\n", look: config("database"), want: "1.10",
		},
		"yes where a text is wanted": {
			reason: "YAML 1.1 reads it as a boolean", old: "            database: orders\n", with: "            database: yes\n", look: config("database"), want: "yes",
		},
		"True where a text is wanted": {
			reason: "its spelling must survive", old: "            database: orders\n", with: "            database: True\n", look: config("database"), want: "True",
		},
		"timestamp where a text is wanted": {
			reason: "it stays as it was written", old: "            database: orders\n", with: "            database: 2024-01-02T03:04:05Z\n", look: config("database"), want: "2024-01-02T03:04:05Z",
		},
		"text where a number is wanted": {
			reason: "templates quote what people type in", old: "            port: 5432\n", with: "            port: '5433'\n", look: config("port"), want: json.Number("5433"),
		},
		"decimal where a whole number is wanted": {
			reason: "5432.0 is whole", old: "            port: 5432\n", with: "            port: 5432.0\n", look: config("port"), want: json.Number("5432"),
		},
		"text where a boolean is wanted": {
			reason: "as YAML 1.1 spells it", old: host, with: host + "            entra_service_principal_auth: 'yes'\n", look: config("entra_service_principal_auth"), want: true,
		},
		"aliases and merge keys": {
			reason: "people share blocks in YAML", old: host, with: "            <<: &tls {ssl_mode: {mode: require}, host: other}\n" + host,
			look: func(w workload.Work) any {
				return []any{w.Source.Configuration["host"], w.Source.Configuration["ssl_mode"]}
			}, want: []any{"db.example.com", map[string]any{"mode": "require"}},
		},
		"a null in place of what is merged": {
			reason: "it takes back what a shared block sets", old: host, with: "            <<: &tls {ssl_mode: {mode: require}, host: other}\n            ssl_mode:\n" + host,
			look: config("ssl_mode"), want: nil,
		},
		"a literal block": {
			reason: "keys and queries have several lines", old: host, with: host + "            jdbc_url_params: |\n              a=1\n              b=2\n", look: config("jdbc_url_params"), want: "a=1\nb=2\n",
		},
		"a cut URL": {
			reason: "a blank and # begin a comment, as YAML has it", old: host, with: "            host: db.example.com #1\n", look: config("host"), want: "db.example.com",
		},
		"unknown field of the configuration": {
			reason: "the connector may be newer than the catalogue", old: host, with: host + "            hots: x\n", look: config("hots"), want: "x",
			warnings: []string{under + "source.connectionConfiguration.hots: is not a field that the catalogue knows of this connector, and is passed on as it is; did you mean host?"},
		},
		"connector with a version": {
			reason: "people copy the image's name", old: source, with: "          connector: airbyte/source-postgres:3.6.1\n",
			look: func(w workload.Work) any { return w.Source.Connector }, want: "source-postgres",
		},
		"definition id in capitals": {
			reason: "ids are compared without case", old: source, with: "          definitionId: DECD338E-5647-4C0B-ADF4-DA0E75F5A750\n",
			look: func(w workload.Work) any { return w.Source.Connector + " " + w.Source.DefinitionID }, want: "source-postgres decd338e-5647-4c0b-adf4-da0e75f5a750",
		},
		"custom definition id": {
			reason: "the catalogue need not know a connector", old: source, with: "          definitionId: 11111111-2222-3333-4444-555555555555\n",
			look: func(w workload.Work) any { return w.Source.Connector + " " + w.Source.DefinitionID }, want: " 11111111-2222-3333-4444-555555555555",
		},
		"custom definition id of a known connector": {
			reason: "a fork has another id and the same fields", old: source, with: source + "          definitionId: 11111111-2222-3333-4444-555555555555\n",
			look: func(w workload.Work) any { return w.Source.Connector + " " + w.Source.DefinitionID }, want: "source-postgres 11111111-2222-3333-4444-555555555555",
		},
		"connector that the catalogue lacks": {
			reason: "only the worker knows the workspace's", old: source, with: "          connector: source-postgre\n",
			look: func(w workload.Work) any { return w.Source.Connector + " " + w.Source.DefinitionID }, want: "source-postgre ",
			warnings: []string{under + `source.connector: is "source-postgre", which the catalogue does not know; the Airbyte workspace must have it; did you mean source-postgres?`},
		},
		"numbers for a connector that the catalogue lacks": {
			reason: "the worker coerces them by the real specification", old: source, with: "          connector: source-oracle\n",
			look: config("port"), want: json.Number("5432"),
			warnings: []string{under + `source.connector: is "source-oracle", which the catalogue does not know; the Airbyte workspace must have it`},
		},
		"unknown keys": {
			reason: "an unknown key is a warning that names the nearest right one", old: source, with: source + "          sourceDefinitionId: x\n",
			look: id, want: componentID,
			warnings: []string{under + "source.sourceDefinitionId: is unknown and ignored; did you mean definitionId?"},
		},
		"dbtGitUrl": {
			reason: "the old template writes it", old: connection, with: connection + "          dbtGitUrl: https://example.com/dbt.git\n", look: id, want: componentID,
			warnings: []string{under + "connection.dbtGitUrl: is ignored, since Airbyte runs no dbt any more; run the transformation with another workload"},
		},
		"dbtGitUrl without a value": {
			reason: "the old template writes that too", old: connection, with: connection + "          dbtGitUrl: null\n", look: id, want: componentID,
		},
		"a basic schedule in quotes": {
			reason: "templates quote numbers", old: connection, with: connection + "          schedule: {type: basic, units: '6', timeUnit: hours, cronTimeZone: UTC}\n",
			look:     func(w workload.Work) any { return *w.Connection.Schedule },
			want:     workload.Schedule{Type: "basic", Units: 6, TimeUnit: "hours"},
			warnings: []string{under + "connection.schedule.cronTimeZone: is ignored, since the schedule's type is basic and not cron"},
		},
		"a cron schedule": {
			reason: "seven fields, names, lists and ranges", old: connection, with: connection + "          schedule: {type: cron, cronExpression: ' 0 0/15 8-18  ? * MON-FRI 2024-2030 ', cronTimeZone: Europe/Rome}\n",
			look: func(w workload.Work) any { return *w.Connection.Schedule },
			want: workload.Schedule{Type: "cron", CronExpression: "0 0/15 8-18 ? * MON-FRI 2024-2030", CronTimeZone: "Europe/Rome"},
		},
		"streams": {
			reason: "every field, in each of its forms", old: connection, with: connection + `          streams:
            - {name: orders, namespace: public, syncMode: incremental, destinationSyncMode: append_dedup, cursorField: updated_at, primaryKey: [[id]], selectedFields: [id, updated_at]}
            - {name: 2024, primaryKey: [a, [b, c]], cursorField: [d, e]}
            - {name: log, exclude: yes, syncMode: incremental, syncmode: x}
            -
`,
			look: func(w workload.Work) any { return w.Connection.Streams },
			want: []workload.Stream{
				{Name: "orders", Namespace: "public", SyncMode: "incremental", DestinationSyncMode: "append_dedup", CursorField: []string{"updated_at"}, PrimaryKey: [][]string{{"id"}}, SelectedFields: []string{"id", "updated_at"}},
				{Name: "2024", PrimaryKey: [][]string{{"a"}, {"b", "c"}}, CursorField: []string{"d", "e"}},
				{Name: "log", Exclude: true},
			},
			warnings: []string{
				under + "connection.streams[2].syncmode: is unknown and ignored; did you mean syncMode?",
				under + "connection.streams[2]: is excluded, so its other settings are ignored",
			},
		},
		"everything else of a connection": {
			reason: "as interface.md shows it", old: connection, with: connection + `          namespaceDefinition: customformat
          namespaceFormat: "${SOURCE_NAMESPACE}"
          prefix: raw_
          nonBreakingChangesPreference: propagate_columns
          status: inactive
          syncOnProvision: "true"
          rediscover: on
`,
			look: func(w workload.Work) any { return w.Connection },
			want: workload.Connection{
				Name: "Orders to warehouse", NamespaceDefinition: "customformat", NamespaceFormat: "${SOURCE_NAMESPACE}", Prefix: "raw_",
				NonBreakingChanges: "propagate_columns", Status: "inactive", SyncOnProvision: true, Rediscover: true,
			},
		},
		"adopt": {
			reason: "takes over one connection", old: "        connection:\n", with: "        adopt: {connectionId: 0C11F4C9-1111-4222-8333-444455556666}\n        connection:\n",
			look: func(w workload.Work) any { return w.Adopt }, want: "0c11f4c9-1111-4222-8333-444455556666",
		},
		"its own info": {
			reason: "a component may carry what was answered before", old: "      kind: workload\n", with: "      kind: workload\n      info: {privateInfo: {sourceId: 0c11f4c9-1111-4222-8333-444455556666, connectionId: {type: string, label: x, value: 1c11f4c9-1111-4222-8333-444455556666}, destinationId: 12}}\n",
			look: func(w workload.Work) any { return *w.Previous },
			want: workload.Entities{SourceID: "0c11f4c9-1111-4222-8333-444455556666", ConnectionID: "1c11f4c9-1111-4222-8333-444455556666"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := base
			if test.with != "" || test.old != "x" {
				text = swap(t, test.old, test.with)
			}
			work, failure := parse(t, workload.Provision, text)
			if failure != nil {
				t.Fatalf("%s: %s", test.reason, failure.Text())
			}
			if diff := cmp.Diff(test.want, test.look(work)); diff != "" {
				t.Errorf("%s: %s", test.reason, diff)
			}
			if diff := cmp.Diff(test.warnings, work.Warnings); diff != "" {
				t.Errorf("%s: %s", test.reason, diff)
			}
		})
	}
}

func TestSubcomponentIsFoundUnderItsComponent(t *testing.T) {
	t.Parallel()
	text := strings.Replace(base, "      kind: storage\n", "      kind: outputport\n      components:\n        - {id: 'urn:dmb:cmp:sales:orders:1:storage:view', kind: subcomponent}\n", 1)
	text = strings.Replace(text, "componentIdToProvision: "+componentID, "componentIdToProvision: "+componentID+":sub", 1)
	text = strings.Replace(text, "    - id: "+componentID+"\n", "    - id: p\n      components:\n      - id: "+componentID+":sub\n        kind: workload\n", 1)
	_, failure := parse(t, workload.Provision, text)
	want := []string{"dataProduct.components[1].components[0].specific: is missing; expected a mapping with source, destination and connection"}
	if diff := cmp.Diff(want, told(failure)); diff != "" {
		t.Error(diff)
	}
}

func TestDescriptorKinds(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		kind workload.Kind
		text string
		want []string
	}{
		"the component's":                {workload.Provision, "COMPONENT_DESCRIPTOR", nil},
		"none":                           {workload.Provision, "", []string{"descriptorKind: is missing; expected COMPONENT_DESCRIPTOR"}},
		"none, where there is no field":  {workload.UpdateACL, "", nil},
		"of a data product":              {workload.Validate, "DATAPRODUCT_DESCRIPTOR", []string{"descriptorKind: is DATAPRODUCT_DESCRIPTOR, the descriptor of a whole data product; expected COMPONENT_DESCRIPTOR, one component at a time"}},
		"of a data product with results": {workload.Unprovision, "DATAPRODUCT_DESCRIPTOR_WITH_RESULTS", []string{"descriptorKind: is DATAPRODUCT_DESCRIPTOR_WITH_RESULTS, the descriptor of a whole data product; expected COMPONENT_DESCRIPTOR, one component at a time"}},
		"unknown":                        {workload.Provision, "component_descriptor", []string{`descriptorKind: is "component_descriptor", which is no descriptor kind; expected COMPONENT_DESCRIPTOR`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := descriptor.Parse(descriptor.Request{Kind: test.kind, DescriptorKind: test.text, Descriptor: base}, load(t))
			if diff := cmp.Diff(test.want, told(failure)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongKindAndWrongDescriptorAreToldTogether(t *testing.T) {
	t.Parallel()
	_, failure := descriptor.Parse(descriptor.Request{Kind: workload.Provision, Descriptor: strings.Replace(base, "  domain: sales\n", "", 1)}, load(t))
	want := []string{
		"descriptorKind: is missing; expected COMPONENT_DESCRIPTOR",
		"dataProduct.domain: is missing; expected the domain that the data product belongs to",
	}
	if diff := cmp.Diff(want, told(failure)); diff != "" {
		t.Error(diff)
	}
}

func TestRemovalIsNotBlockedByWhatItDoesNotNeed(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ old, with string }{
		"a wrong port":                  {"            port: 5432\n", "            port: high\n"},
		"a literal secret":              {"${secret:DB}", "hunter2"},
		"an unknown tag":                {"            port: 5432\n", "            port: !!python/object x\n"},
		"a connector of the wrong kind": {source, "          connector: destination-s3\n"},
		"a wrong schedule":              {connection, connection + "          schedule: {type: never}\n"},
		"wrong streams":                 {connection, connection + "          streams: all\n"},
		"a wrong adoption":              {"        connection:\n", "        adopt: {}\n        connection:\n"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := swap(t, test.old, test.with)
			if _, failure := parse(t, workload.Provision, text); failure == nil {
				t.Fatal("a provision accepts it too, so the case shows nothing")
			}
			work, failure := parse(t, workload.Unprovision, text)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if work.Component.ID != componentID || len(work.Warnings) == 0 {
				t.Errorf("the work is %+v", work)
			}
			if strings.Contains(strings.Join(work.Warnings, " "), "hunter2") {
				t.Errorf("a warning tells the secret: %q", work.Warnings)
			}
			payload, err := json.Marshal(work)
			if err != nil || strings.Contains(string(payload), "hunter2") {
				t.Errorf("the work holds the secret: %s, %v", payload, err)
			}
		})
	}
	for name, test := range map[string]struct{ old, with string }{
		"no source":                 {"        source:\n", "        sauce:\n"},
		"no name":                   {connection, "          status: active\n"},
		"no configuration":          {"          connectionConfiguration:\n            database: SALES\n", ""},
		"another kind of component": {"kind: workload", "kind: storage"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, failure := parse(t, workload.Unprovision, swap(t, test.old, test.with)); failure == nil {
				t.Error("it was accepted")
			}
		})
	}
}

func TestRemoveDataIsOfAnUnprovisionAlone(t *testing.T) {
	t.Parallel()
	for kind, want := range map[workload.Kind]bool{workload.Provision: false, workload.Unprovision: true, workload.Validate: false} {
		work, failure := descriptor.Parse(descriptor.Request{Kind: kind, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: base, RemoveData: true}, load(t))
		if failure != nil || work.RemoveData != want {
			t.Errorf("%s: RemoveData is %t, failure %v", kind, work.RemoveData, failure)
		}
	}
}

func TestUpdateACLNeedsTheComponentOnly(t *testing.T) {
	t.Parallel()
	for name, text := range map[string]string{
		"YAML": `{dataProduct: {environment: prod, components: [{id: "URN:x", name: c, kind: workload, info: {privateInfo: {connectionId: 0c11f4c9-1111-4222-8333-444455556666}}}]}, componentIdToProvision: urn:x}`,
		"JSON": `{"dataProduct": {"environment": "prod", "components": [{"id": "URN:x", "name": "c", "kind": "workload", "description": "\ud83d\ude00 \/",
			"info": {"privateInfo": {"connectionId": "0c11f4c9-1111-4222-8333-444455556666"}}}]}, "componentIdToProvision": "urn:x"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work, failure := descriptor.Parse(descriptor.Request{Kind: workload.UpdateACL, Descriptor: text}, load(t))
			if failure != nil {
				t.Fatal(failure.Text())
			}
			want := workload.Work{
				Component: workload.Component{ID: "urn:x", Environment: "prod"}, Name: "c",
				Previous: &workload.Entities{ConnectionID: "0c11f4c9-1111-4222-8333-444455556666"},
			}
			if diff := cmp.Diff(want, work); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLatestEnrichedDescriptor(t *testing.T) {
	t.Parallel()
	const ids = `workspaceId: {type: string, label: Workspace, value: 00000000-0000-4000-8000-000000000001}
        sourceId: 00000000-0000-4000-8000-000000000002
        destinationId: 00000000-0000-4000-8000-000000000003
        connectionId: 00000000-0000-4000-8000-000000000004
        fingerprints: {source: abc, destination: def, list: [1]}
        signature: sig`
	product := "id: x\ncomponents:\n  - id: other\n  - id: URN:dmb:cmp:sales:orders:1:INGESTION\n    info:\n      publicInfo: {}\n      privateInfo:\n        " + ids + "\n      latestProvisioningOperation: {operation: Deploy, status: Successful}\n"
	found := &workload.Entities{
		WorkspaceID: "00000000-0000-4000-8000-000000000001", SourceID: "00000000-0000-4000-8000-000000000002",
		DestinationID: "00000000-0000-4000-8000-000000000003", ConnectionID: "00000000-0000-4000-8000-000000000004",
		Fingerprints: map[string]string{"source": "abc", "destination": "def"}, Signature: "sig",
	}
	for name, test := range map[string]struct {
		text     string
		want     *workload.Entities
		warnings []string
	}{
		"at the root":             {product, found, nil},
		"under dataProduct":       {"dataProduct:\n  " + strings.ReplaceAll(product, "\n", "\n  "), found, nil},
		"none":                    {" \n", nil, nil},
		"without the component":   {"components: [{id: other}]", nil, nil},
		"without info":            {"components: [{id: 'urn:dmb:cmp:sales:orders:1:ingestion'}]", nil, nil},
		"info of another sort":    {"components: [{id: 'urn:dmb:cmp:sales:orders:1:ingestion', info: {privateInfo: [1]}}]", nil, nil},
		"no YAML":                 {"{", nil, []string{"latestEnrichedDescriptor: is ignored, since it cannot be read: line 1: did not find expected node content"}},
		"a text":                  {"hello", nil, []string{"latestEnrichedDescriptor: is ignored, since it is no data product descriptor"}},
		"components is a mapping": {"components: {a: b}", nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work, failure := descriptor.Parse(descriptor.Request{
				Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: base, LatestEnrichedDescriptor: test.text,
			}, load(t))
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if diff := cmp.Diff(test.want, work.Previous); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.warnings, work.Warnings); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSettingsOfTheDefaultConnectors(t *testing.T) {
	t.Parallel()
	text := strings.Replace(read(t, "../../examples/file-to-local-csv.yaml"), "          connector: destination-local-csv\n", "", 1)
	work, failure := descriptor.Parse(descriptor.Request{Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text},
		load(t, catalog.WithDefaults("", "8be1cf83-fde1-477f-a4ad-318d23c9f3c6")))
	if failure != nil {
		t.Fatal(failure.Text())
	}
	want := workload.Actor{
		Name: "finance.cashflow.0.Local CSV", Connector: "destination-local-csv", DefinitionID: "8be1cf83-fde1-477f-a4ad-318d23c9f3c6",
		Configuration: map[string]any{"destination_path": "/local/tmp"},
	}
	if diff := cmp.Diff(want, work.Destination); diff != "" {
		t.Error(diff)
	}
}

func TestEqualDescriptorsGiveEqualWork(t *testing.T) {
	t.Parallel()
	var first string
	for range 20 {
		work, failure := parse(t, workload.Provision, base)
		if failure != nil {
			t.Fatal(failure.Text())
		}
		data, err := json.Marshal(work)
		if err != nil {
			t.Fatal(err)
		}
		if first == "" {
			first = string(data)
		}
		if first != string(data) {
			t.Fatalf("%s\nis not\n%s", data, first)
		}
	}
}
