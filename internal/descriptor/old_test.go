package descriptor_test

import (
	"context"
	"strings"
	"testing"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// before is a descriptor in the manner of the provisioner that this one replaces.
const before = `dataProduct:
  dataProductOwnerDisplayName: Jane Doe
  environment: development
  domain: finance
  kind: dataproduct
  id: urn:dmb:dp:finance:ledger:0
  version: 0.2.0
  fullyQualifiedName: null
  name: Big Ledger
  informationSLA: null
  billing: {}
  tags: []
  specific: {}
  components:
    - kind: workload
      id: urn:dmb:cmp:finance:ledger:0:load
      name: Load
      technology: dbt
      version: 0.0.0
      dependsOn: [urn:dmb:cmp:finance:ledger:0:store]
      readsFrom: []
      specific:
        source:
          name: Ledger file
          connectionConfiguration:
            url: https://example.com/ledger.csv
            format: csv
            provider: {storage: HTTPS, user_agent: false}
            dataset_name: big ledger
        destination:
          name: Snowflake
          connectionConfiguration: DESTINATION
        connection:
          name: Ledger file <> Snowflake
componentIdToProvision: urn:dmb:cmp:finance:ledger:0:load
`

func TestDescriptorsOfTheOldProvisionerGiveEquivalentConfigurations(t *testing.T) {
	t.Parallel()
	final := func(database, schema string, more map[string]any) map[string]any {
		configuration := map[string]any{
			"host": "acme.eu-central-1.snowflakecomputing.com", "username": "AIRBYTE", "role": "LOADER", "warehouse": "LOADING",
			"credentials": map[string]any{"auth_type": "Key Pair Authentication", "private_key": "-----BEGIN PRIVATE KEY-----"},
			"database":    database, "schema": schema,
		}
		for name, value := range more {
			configuration[name] = value
		}
		return configuration
	}
	for name, test := range map[string]struct {
		destination string
		edits       []string // old, new, old, new
		want        map[string]any
		warnings    int
	}{
		"nothing said":           {"{}", nil, final("FINANCE", "BIGLEDGER_0", nil), 0},
		"nothing filled in":      {"{database: '', schema: ''}", nil, final("FINANCE", "BIGLEDGER_0", nil), 0},
		"database and schema":    {"{database: mydatabase, schema: myschema}", nil, final("MYDATABASE", "myschema", nil), 0},
		"what settings override": {"{host: myhost, warehouse: mywarehouse, role: r, username: u, database: d}", nil, final("D", "BIGLEDGER_0", nil), 0},
		"a loading method":       {"{loading_method: {method: Internal Staging}}", nil, final("FINANCE", "BIGLEDGER_0", nil), 1},
		"a dbt project": {"{}", []string{
			"          name: Ledger file <> Snowflake\n", "          name: Ledger file <> Snowflake\n          dbtGitUrl: https://example.com/dbt.git\n",
		}, final("FINANCE", "BIGLEDGER_0", nil), 1},
		"bodies of Airbyte's API": {"{}", []string{
			"      specific:\n        source:\n", "      specific:\n        workspaceId: 94d9d6ac-4ae9-44f0-af49-8dbb0adfba90\n        source:\n          sourceDefinitionId: 778daa7c-feaf-4db6-96f3-70fd645acc77\n",
			"          name: Ledger file <> Snowflake\n", "          name: Ledger file <> Snowflake\n          syncCatalog: {streams: []}\n          scheduleType: manual\n          status: active\n",
		}, final("FINANCE", "BIGLEDGER_0", nil), 4},
		"a numeric version": {"{}", []string{"version: 0.2.0\n", "version: 3.0\n"}, final("FINANCE", "BIGLEDGER_3", nil), 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			text := strings.Replace(before, "DESTINATION", test.destination, 1)
			for i := 0; i < len(test.edits); i += 2 {
				if !strings.Contains(text, test.edits[i]) {
					t.Fatalf("%q is not there", test.edits[i])
				}
				text = strings.Replace(text, test.edits[i], test.edits[i+1], 1)
			}
			connectors := load(t, catalog.WithSettings(settings()))
			work, failure := descriptor.Parse(descriptor.Request{Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text}, connectors)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if len(work.Warnings) != test.warnings {
				t.Errorf("the warnings are %q", work.Warnings)
			}
			destination, failure := connectors.Configuration(context.Background(), catalog.Input{Role: catalog.Destination, Actor: work.Destination, DataProduct: work.DataProduct}, nil)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if diff := cmp.Diff(test.want, destination.Configuration); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestLiteralCredentialsAreRefused(t *testing.T) {
	t.Parallel()
	text := strings.Replace(before, "DESTINATION", "{credentials: {password: hunter2}}", 1)
	_, failure := parse(t, workload.Provision, text)
	want := []string{"dataProduct.components[0].specific.destination.connectionConfiguration.credentials.password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD}"}
	if diff := cmp.Diff(want, told(failure)); diff != "" {
		t.Error(diff)
	}
}

// A text without quotes that YAML takes for something else may be a password, so
// nothing of it may be told.
func TestMisreadPasswordsAreNotTold(t *testing.T) {
	t.Parallel()
	for name, password := range map[string]string{
		"an alias": "*hunter2", "a tag": "!hunter2", "a longer tag": "!!hunter2 x", "a mapping": "{hunter2: }", "a list": "[hunter2]", "a directive": "%hunter2",
		"a reserved mark": "@hunter2", "a mapping on one line": "a: hunter2", "a block": "|hunter2", "an escape": `"\hunter2"`, "a quote": `"hunter2" 3`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			work, failure := parse(t, workload.Provision, swap(t, "${secret:DB}", password))
			if failure == nil {
				t.Fatalf("it was accepted: %v", work.Source.Configuration)
			}
			if strings.Contains(failure.Text(), "hunter2") {
				t.Error(failure.Text())
			}
		})
	}
}
