package catalog

import (
	"encoding/json"
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// TestNamesSecret has names of fields of Airbyte's own connectors, those that its
// registry marks as secrets and those that it does not.
func TestNamesSecret(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]bool{
		"password": true, "tunnel_user_password": true, "api_key": true, "apiKey": true, "hapikey": true, "access-token": true, "client_secret": true,
		"ssh_key": true, "service_account_info": true, "credentials_json": true, "azure_blob_storage_account_key": true, "sig": true,
		"application_key": true, "consumer_key": true, "customer_key": true, "openai_key": true, "cohere_key": true, "pinecone_key": true,
		"user_auth_key": true, "auth_hash": true, "basic_auth_header": true, "Ocp-Apim-Subscription-Key": true, "pwd": true, "pass": true,

		"host": false, "username": false, "start_date": false, "access_key_id": false, "token_url": false, "page_token": false, "primary_key": false,
		"partition_key": false, "public_key": false, "attribute_key": false, "header_key": false, "bypass_cache": false, "author": false, "passive": false,
		"skip_rows_after_header": false, "by_markdown_header": false, "credential_type": false, "auth_type": false, "authentication": false,
	} {
		if got := NamesSecret(name); got != want {
			t.Errorf("%s: %t, want %t", name, got, want)
		}
	}
}

// TestWhatIsNoSecretToSeal has what is refused although literal secrets are allowed.
func TestWhatIsNoSecretToSeal(t *testing.T) {
	t.Parallel()
	sealer, err := NewSealer("a key of some length")
	if err != nil {
		t.Fatal(err)
	}
	const postgres = `"host": "h", "port": 1, "database": "d", "username": "u"`
	for name, test := range map[string]struct {
		configuration string
		want          []string
	}{
		"Airbyte's mask": {
			`{` + postgres + `, "password": "**********"}`,
			[]string{"password: holds the mask that Airbyte shows instead of a secret; expected a reference such as ${secret:PASSWORD}"},
		},
		"what only this product may write, in a name": {
			`{` + postgres + `, "${sealed:AAAA}": "x"}`,
			[]string{"${sealed:AAAA}: holds a reference in the name of the field; expected it in a value"},
		},
		"a reference that is none, where a number belongs": {
			`{"host": "h", "port": "${ secret:PORT}", "database": "d", "username": "u"}`,
			[]string{"port: holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name"},
		},
		"what Airbyte itself writes in a stored secret's place": {
			`{` + postgres + `, "password": {"_secret": "airbyte_workspace_1_secret_2_v1"}, "more": [{"_secret_reference_id": "x"}]}`,
			[]string{
				"more[0]._secret_reference_id: is a name by which Airbyte itself finds a stored secret; expected a reference such as ${secret:NAME} instead of this mapping",
				"password: is a mapping; expected a text (Password)",
				"password._secret: is a name by which Airbyte itself finds a stored secret; expected a reference such as ${secret:NAME} instead of this mapping",
			},
		},
		"a secret of a wrong type": {
			`{` + postgres + `, "password": "**********", "ssl_mode": {"mode": "verify-ca", "ca_certificate": ["**********"]}}`,
			[]string{
				"password: holds the mask that Airbyte shows instead of a secret; expected a reference such as ${secret:PASSWORD}",
				"ssl_mode.ca_certificate: is a list; expected a text (CA Certificate)",
				"ssl_mode.ca_certificate[0]: holds the mask that Airbyte shows instead of a secret; expected a reference such as ${secret:CA_CERTIFICATE}",
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			accepted := loadEmbedded(t, WithLiteralSecrets(sealer)).Accept(Source, workload.Actor{Connector: "source-postgres"}, fields(t, test.configuration))
			if diff := cmp.Diff(test.want, lines(accepted.Problems)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}

// TestSecretsOfOtherForms marks a field in the form that is not chosen: a value
// there is a secret all the same, whatever its name.
func TestSecretsOfOtherForms(t *testing.T) {
	t.Parallel()
	specification, err := ParseSpecification(json.RawMessage(`{"properties": {"login": {"oneOf": [
		{"properties": {"by": {"const": "none"}}, "required": ["by"]},
		{"properties": {"by": {"const": "phrase"}, "phrase": {"type": "string", "airbyte_secret": true}}, "required": ["by", "phrase"]}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var literal []string
	specification.schema.literals("", fields(t, `{"login": {"by": "none", "phrase": "hunter2"}}`), false, func(path, _ string) { literal = append(literal, path) })
	if diff := cmp.Diff([]string{"login.phrase"}, literal); diff != "" {
		t.Errorf("literal secrets (-want +got):\n%s", diff)
	}
	var marked []string
	specification.schema.secretPaths("", fields(t, `{"login": {"by": "none", "phrase": "hunter2"}}`), false, func(path, _ string) { marked = append(marked, path) })
	if diff := cmp.Diff([]string{"login.phrase"}, marked); diff != "" {
		t.Errorf("secret paths (-want +got):\n%s", diff)
	}
}
