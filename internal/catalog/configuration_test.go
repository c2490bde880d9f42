package catalog

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// named resolves names of a fixed set and notes for whom.
type named struct {
	values map[string]string
	users  *[]SecretUser
}

func (n named) Resolve(_ context.Context, name string, user SecretUser) (string, error) {
	if n.users != nil {
		*n.users = append(*n.users, user)
	}
	switch value, ok := n.values[name]; {
	case isCoordinate(name):
		return name, nil
	case name == "BROKEN":
		return "", errors.New("the disk with hunter2 is gone")
	case !ok:
		return "", secretFailure(fmt.Sprintf("The secret %q does not exist.", name), "Store it.")
	default:
		return value, nil
	}
}

var product = workload.DataProduct{ID: "urn:dmb:dp:finance:cashflow:2", Name: "Cash Flow", Domain: "finance", Version: "2.1.0"}

func snowflakeSettings() map[string]string {
	return map[string]string{
		"SNOWFLAKE_HOST": "acme.snowflakecomputing.com", "SNOWFLAKE_USER": "LOADER", "SNOWFLAKE_ROLE": "LOADERS", "SNOWFLAKE_WAREHOUSE": "LOADING",
		"SNOWFLAKE_PASSWORD": "hunter2",
	}
}

// without is a copy of settings without some names, and with others.
func without(settings map[string]string, change map[string]string) map[string]string {
	result := map[string]string{}
	for name, value := range settings {
		result[name] = value
	}
	for name, value := range change {
		result[name] = value
	}
	return result
}

func TestFinalConfigurations(t *testing.T) {
	t.Parallel()
	const snowflake = `"host": "acme.snowflakecomputing.com", "username": "LOADER", "role": "LOADERS", "warehouse": "LOADING"`
	const password = `"credentials": {"auth_type": "Username and Password", "password": "hunter2"}`
	file := `"dataset_name": "d", "url": "u", "provider": {"storage": "HTTPS"}`
	spellings := `"reader_options": "{\"keep_default_na\":false,\"na_values\":[\"\",\"#N/A\",\"#N/A N/A\",\"#NA\",\"-1.#IND\",\"-1.#QNAN\",\"-NaN\",\"-nan\",\"1.#IND\",\"1.#QNAN\",\"<NA>\",\"N/A\",\"NA\",\"NULL\",\"NaN\",\"None\",\"n/a\",\"nan\",\"null\"]}"`
	for name, test := range map[string]struct {
		reason, connector, configuration, want string
		settings                               map[string]string
		product                                *workload.DataProduct
		secrets                                map[string]string
		warnings                               []string
	}{
		"database from the domain, schema from the name": {
			reason: "the old provisioner's defaults", connector: "destination-snowflake", configuration: `{}`,
			want: `{` + snowflake + `, ` + password + `, "database": "FINANCE", "schema": "CASHFLOW_2"}`,
		},
		"empty database and schema": {
			reason: "an empty text counts as absent", connector: "destination-snowflake", configuration: `{"database": "", "schema": ""}`,
			want: `{` + snowflake + `, ` + password + `, "database": "FINANCE", "schema": "CASHFLOW_2"}`,
		},
		"database in lower case": {
			reason: "the database is always in upper case, the schema as it is", connector: "destination-snowflake", configuration: `{"database": "mydb", "schema": "mySchema"}`,
			want: `{` + snowflake + `, ` + password + `, "database": "MYDB", "schema": "mySchema"}`,
		},
		"a short version": {
			reason: "the first part of any version", connector: "destination-snowflake", configuration: `{}`, product: &workload.DataProduct{Name: "a b  c", Domain: "d e", Version: "7"},
			want: `{` + snowflake + `, ` + password + `, "database": "D E", "schema": "ABC_7"}`,
		},
		"host of the descriptor": {
			reason: "the platform's settings win, as they did", connector: "destination-snowflake", configuration: `{"host": "myhost", "warehouse": "mine", "role": "LOADERS"}`,
			want: `{` + snowflake + `, ` + password + `, "database": "FINANCE", "schema": "CASHFLOW_2"}`,
			warnings: []string{
				"specific.destination.connectionConfiguration.host: the descriptor's value is not used, since the platform sets this field for destination-snowflake",
				"specific.destination.connectionConfiguration.warehouse: the descriptor's value is not used, since the platform sets this field for destination-snowflake",
			},
		},
		"key pair": {
			reason: "a private key wins over a password", connector: "destination-snowflake", configuration: `{}`,
			settings: without(snowflakeSettings(), map[string]string{"SNOWFLAKE_PRIVATE_KEY": "KEY"}),
			want:     `{` + snowflake + `, "credentials": {"auth_type": "Key Pair Authentication", "private_key": "KEY"}, "database": "FINANCE", "schema": "CASHFLOW_2"}`,
		},
		"key pair with a passphrase": {
			reason: "an encrypted key needs it", connector: "destination-snowflake", configuration: `{}`,
			settings: without(snowflakeSettings(), map[string]string{"SNOWFLAKE_PRIVATE_KEY": "KEY", "SNOWFLAKE_PRIVATE_KEY_PASSWORD": "PHRASE"}),
			want:     `{` + snowflake + `, "credentials": {"auth_type": "Key Pair Authentication", "private_key": "KEY", "private_key_password": "PHRASE"}, "database": "FINANCE", "schema": "CASHFLOW_2"}`,
		},
		"everything in the descriptor": {
			reason: "without settings a descriptor may say it all", connector: "destination-snowflake", settings: map[string]string{},
			configuration: `{"host": "own.snowflakecomputing.com", "username": "ME", "role": "R", "warehouse": "W", "credentials": {"password": "${secret:PW}"}, "retention_period_days": "3"}`,
			secrets:       map[string]string{"PW": "hunter2"},
			want:          `{"host": "own.snowflakecomputing.com", "username": "ME", "role": "R", "warehouse": "W", ` + password + `, "retention_period_days": 3, "database": "FINANCE", "schema": "CASHFLOW_2"}`,
		},
		"local CSV": {
			reason: "nothing is added to it", connector: "destination-local-csv", configuration: `{"destination_path": "/local/tmp"}`, want: `{"destination_path": "/local/tmp"}`,
		},
		"csv": {
			reason: "missing values are spelt by a fixed list", connector: "source-file", configuration: `{"format": "csv", ` + file + `}`,
			want: `{"format": "csv", ` + file + `, ` + spellings + `}`,
		},
		"excel": {
			reason: "so they are in a workbook", connector: "source-file", configuration: `{"format": "excel", "reader_options": "", ` + file + `}`,
			want: `{"format": "excel", ` + file + `, ` + spellings + `}`,
		},
		"csv with options of its own": {
			reason: "they stay as they are", connector: "source-file", configuration: `{"format": "csv", "reader_options": "{\"sep\": \";\"}", ` + file + `}`,
			want: `{"format": "csv", "reader_options": "{\"sep\": \";\"}", ` + file + `}`,
		},
		"json": {
			reason: "only csv and excel have missing values", connector: "source-file", configuration: `{"format": "json", "reader_options": "", ` + file + `}`,
			want: `{"format": "json", ` + file + `}`,
		},
		"references": {
			reason: "whole, within a text, in a number, in a JSON file, and Airbyte's own", connector: "source-postgres",
			configuration: `{"host": "${secret:HOST}.example.com", "port": "${secret:PORT}", "database": "d", "username": "u", "password": "${secret:PW}", "jdbc_url_params": "${secret:HOST}${secret:PORT}",
				"ssl_mode": {"mode": "verify-ca", "ca_certificate": "secret_coordinate::airbyte_1"}}`,
			secrets: map[string]string{"HOST": "db", "PORT": "5433", "PW": "a${secret:HOST}"},
			want: `{"host": "db.example.com", "port": 5433, "database": "d", "username": "u", "password": "a${secret:HOST}", "jdbc_url_params": "db5433",
				"ssl_mode": {"mode": "verify-ca", "ca_certificate": "secret_coordinate::airbyte_1"}}`,
		},
		"a key file with a reference": {
			reason: "what is put into JSON is quoted as JSON", connector: "destination-bigquery",
			configuration: `{"project_id": "p", "dataset_location": "EU", "credentials_json": {"type": "service_account", "private_key": "${secret:KEY}"}}`,
			secrets:       map[string]string{"KEY": "line 1\nline \"2\""},
			want:          `{"project_id": "p", "dataset_location": "EU", "dataset_id": "cash_flow_2", "credentials_json": "{\"private_key\":\"line 1\\nline \\\"2\\\"\",\"type\":\"service_account\"}"}`,
		},
		"a JSON list with a reference": {
			reason: "as in an object", connector: "source-file", configuration: `{"format": "json", "reader_options": ["${secret:KEY}"], ` + file + `}`,
			secrets: map[string]string{"KEY": "a \"b\""}, want: `{"format": "json", "reader_options": "[\"a \\\"b\\\"\"]", ` + file + `}`,
		},
		"a default": {
			reason: "where the descriptor is silent", connector: "source-mysql", configuration: `{"host": "h", "database": "d", "username": "u"}`,
			want: `{"host": "h", "database": "d", "username": "u", "port": 3306, "replication_method": {"method": "STANDARD"}}`,
		},
		"a connector without profile or specification": {
			reason: "it goes as it is", connector: "source-oracle", configuration: `{"a": null, "b": [1, null], "c": "${secret:HOST}"}`, secrets: map[string]string{"HOST": "h"},
			want: `{"b": [1], "c": "h"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			settings := test.settings
			if settings == nil {
				settings = snowflakeSettings()
			}
			in := Input{
				Role: roleOf(test.connector), Actor: workload.Actor{Connector: test.connector, Configuration: fields(t, test.configuration)},
				DataProduct: product, Secrets: named{values: test.secrets},
			}
			if test.product != nil {
				in.DataProduct = *test.product
			}
			final, failure := loadEmbedded(t, WithSettings(settings)).Configuration(context.Background(), in, nil)
			if failure != nil {
				t.Fatalf("%s: %s", test.reason, failure.Text())
			}
			if diff := cmp.Diff(fields(t, test.want), final.Configuration); diff != "" {
				t.Errorf("%s: %s", test.reason, diff)
			}
			if diff := cmp.Diff(test.warnings, final.Warnings); diff != "" {
				t.Errorf("%s: %s", test.reason, diff)
			}
			if diff := cmp.Diff(fields(t, test.configuration), in.Actor.Configuration); diff != "" {
				t.Errorf("the input was changed: %s", diff)
			}
		})
	}
}

func TestSecretsOfAFinalConfigurationAreListed(t *testing.T) {
	t.Parallel()
	c := loadEmbedded(t, WithSettings(snowflakeSettings()))
	final, failure := c.Configuration(context.Background(), Input{
		Role: Destination, Actor: workload.Actor{Connector: "destination-snowflake", Configuration: map[string]any{"database": "${secret:DB}", "jdbc_url_params": "QUERY_TAG=${secret:PART}"}},
		DataProduct: product, Secrets: named{values: map[string]string{"DB": "hidden", "PART": "piece"}},
	}, nil)
	if failure != nil {
		t.Fatal(failure.Text())
	}
	want := map[string]string{"database": "HIDDEN", "credentials.password": "hunter2", "jdbc_url_params": "QUERY_TAG=piece"}
	if diff := cmp.Diff(want, final.Secrets); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff([]string{"HIDDEN", "QUERY_TAG=piece", "hidden", "hunter2", "piece"}, final.Revealed); diff != "" {
		t.Error(diff)
	}
}

func TestFailuresOfFinalConfigurations(t *testing.T) {
	t.Parallel()
	const pg = `"host": "h", "database": "d", "username": "u"`
	for name, test := range map[string]struct {
		connector, configuration string
		settings                 map[string]string
		specification            string
		code                     workload.Code
		retry                    bool
		want                     []string
	}{
		"a setting is missing": {
			connector: "destination-snowflake", configuration: `{}`, settings: without(snowflakeSettings(), map[string]string{"SNOWFLAKE_HOST": ""}), code: workload.CodeInvalid,
			want: []string{"specific.destination.connectionConfiguration.host: is missing; expected a text (Host: The account's host name, such as account.region.snowflakecomputing.com); the platform can set it for everybody with SNOWFLAKE_HOST"},
		},
		"secrets are missing": {
			connector: "source-postgres", configuration: `{` + pg + `, "password": "${secret:A}", "jdbc_url_params": "b=${secret:B}&c=${secret:C}&d=${secret:B}"}`, code: workload.CodeSecret,
			want: []string{
				`specific.source.connectionConfiguration.jdbc_url_params: The secret "B" does not exist.`,
				`specific.source.connectionConfiguration.jdbc_url_params: The secret "C" does not exist.`,
				`specific.source.connectionConfiguration.password: The secret "A" does not exist.`,
			},
		},
		"secrets cannot be read now": {
			connector: "source-postgres", configuration: `{` + pg + `, "password": "${secret:BROKEN}"}`, code: workload.CodeSecret, retry: true,
			want: []string{`specific.source.connectionConfiguration.password: The secret "BROKEN" cannot be read now.`},
		},
		"a sealed value without a key": {
			connector: "source-postgres", configuration: `{` + pg + `, "password": "${sealed:AAAA}"}`, code: workload.CodeSecret,
			want: []string{"specific.source.connectionConfiguration.password: A sealed secret cannot be opened: a sealed value needs the key that it was sealed with, and none is set."},
		},
		"a literal secret that only the real specification knows": {
			connector: "source-oracle", configuration: `{"pin": "hunter2"}`, code: workload.CodeInvalid, specification: `{"properties": {"pin": {"type": "string", "airbyte_secret": true}}}`,
			want: []string{"specific.source.connectionConfiguration.pin: holds a secret in clear text; expected a reference such as ${secret:PIN}"},
		},
		"a secret of a wrong form": {
			connector: "source-oracle", configuration: `{"pin": "${secret:PIN}", "kind": "${secret:PIN}"}`, code: workload.CodeInvalid,
			specification: `{"properties": {"pin": {"type": "integer", "airbyte_secret": true, "title": "PIN"}, "kind": {"type": "string", "airbyte_secret": true, "enum": ["a", "b"]}}}`,
			want: []string{
				"specific.source.connectionConfiguration.kind: is a text that is not allowed here; expected a or b",
				"specific.source.connectionConfiguration.pin: is a text; expected a whole number (PIN)",
			},
		},
		"what is wrong with the whole": {
			connector: "source-oracle", configuration: `{"a": "1", "b": "2"}`, code: workload.CodeInvalid,
			specification: `{"properties": {"a": {"type": "string"}, "b": {"type": "string"}}, "maxProperties": 1}`,
			want:          []string{"specific.source.connectionConfiguration: is refused by the connector's specification (maxProperties); expected a value"},
		},
		"secrets where the connector expects a choice": {
			connector: "source-postgres", code: workload.CodeInvalid,
			configuration: `{` + pg + `, "ssl_mode": {"mode": "${secret:PIN}"}, "replication_method": {"method": "CDC", "replication_slot": "s", "publication": "p", "lsn_commit_behaviour": "x${secret:PIN}"}}`,
			want: []string{
				"specific.source.connectionConfiguration.replication_method.lsn_commit_behaviour: is a text that is not allowed here; expected While reading Data or After loading Data in the destination",
				"specific.source.connectionConfiguration.ssl_mode.mode: is a text; expected disable, allow, prefer, require, verify-ca or verify-full",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			in := Input{
				Role: roleOf(test.connector), Actor: workload.Actor{Connector: test.connector, Configuration: fields(t, test.configuration)},
				DataProduct: product, Secrets: named{values: map[string]string{"PIN": "hunter2"}},
			}
			var specification *Specification
			if test.specification != "" {
				var err error
				if specification, err = ParseSpecification(json.RawMessage(test.specification)); err != nil {
					t.Fatal(err)
				}
			}
			_, failure := loadEmbedded(t, WithSettings(test.settings)).Configuration(context.Background(), in, specification)
			if failure == nil {
				t.Fatal("there is no failure")
			}
			if failure.Code != test.code || failure.Retry != test.retry || failure.Phase == "" {
				t.Errorf("the failure is %+v", failure)
			}
			if diff := cmp.Diff(test.want, lines(failure.Problems)); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(failure.Text(), "hunter2") {
				t.Error("the failure tells a secret")
			}
		})
	}
}

func TestOperatorsReferencesAreTheirOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "destination-postgres.yaml", `
name: destination-postgres
kind: destination
provided:
  - {field: password, value: "${secret:WAREHOUSE}"}
`)
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	var users []SecretUser
	final, failure := c.Configuration(context.Background(), Input{
		Role: Destination, Actor: workload.Actor{Connector: "destination-postgres", Configuration: map[string]any{"username": "${secret:NAME}"}}, DataProduct: product,
		Secrets: named{values: map[string]string{"WAREHOUSE": "w", "NAME": "n"}, users: &users},
	}, nil)
	if failure != nil {
		t.Fatal(failure.Text())
	}
	if diff := cmp.Diff(map[string]any{"password": "w", "username": "n"}, final.Configuration); diff != "" {
		t.Error(diff)
	}
	operators := 0
	for _, user := range users {
		if user.Domain != "finance" || user.DataProduct != "Cash Flow" || user.ID != product.ID {
			t.Errorf("the user is %+v", user)
		}
		if user.Operator {
			operators++
		}
	}
	if len(users) != 2 || operators != 1 {
		t.Errorf("%d of %d references were the operator's", operators, len(users))
	}
}

func TestSealedSecretsAreOpened(t *testing.T) {
	t.Parallel()
	sealer, err := NewSealer("a key of some length")
	if err != nil {
		t.Fatal(err)
	}
	c := loadEmbedded(t, WithLiteralSecrets(sealer))
	actor := workload.Actor{Connector: "source-postgres"}
	actor.Configuration = c.Accept(Source, actor, fields(t, `{"host": "h", "database": "d", "username": "u", "password": "hunter2"}`)).Configuration
	final, failure := c.Configuration(context.Background(), Input{Role: Source, Actor: actor, DataProduct: product}, nil)
	if failure != nil {
		t.Fatal(failure.Text())
	}
	if diff := cmp.Diff(map[string]string{"password": "hunter2"}, final.Secrets); diff != "" {
		t.Error(diff)
	}
	if final.Configuration["password"] != "hunter2" {
		t.Errorf("the configuration is %v", final.Configuration)
	}
}
