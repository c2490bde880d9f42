package catalog

import (
	"encoding/json"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// fields decodes a configuration as the descriptor's reader gives it.
func fields(t testing.TB, text string) map[string]any {
	t.Helper()
	value, err := decodeJSON([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return object(value)
}

func roleOf(connector string) Role {
	role, _, _ := strings.Cut(connector, "-")
	return Role(role)
}

// refused are the problems that the API has with a configuration.
func refused(t testing.TB, c *Catalog, connector, configuration string) []string {
	t.Helper()
	accepted := c.Accept(roleOf(connector), workload.Actor{Connector: connector}, fields(t, configuration))
	return lines(accepted.Problems)
}

func lines(problems []workload.Problem) []string {
	var all []string
	for _, problem := range problems {
		all = append(all, problem.String())
	}
	return all
}

func TestWrongConfigurations(t *testing.T) {
	t.Parallel()
	c := loadEmbedded(t)
	for name, test := range wrongCases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := refused(t, c, test.connector, test.configuration)
			if len(got) == 0 {
				t.Fatal("it was accepted")
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Error(diff)
			}
			if strings.Contains(strings.Join(got, " "), "hunter2") {
				t.Error("a problem tells the secret")
			}
		})
	}
}

// A configuration that the catalogue's schema refuses is one that the real
// specification refuses, at the same fields.
func TestRealSpecificationsRefuseTheSameFields(t *testing.T) {
	t.Parallel()
	c := loadEmbedded(t)
	for name, test := range wrongCases {
		raw, _ := contractSpecification(t, test.connector)
		profile := c.Profile(test.connector)
		if raw == nil || profile == nil {
			continue
		}
		configuration := fields(t, test.configuration)
		profile.addDefaults(configuration)
		configuration = profile.specification.Coerce(configuration)
		paths := func(problems []workload.Problem) []string {
			var all []string
			for _, problem := range problems {
				all = append(all, problem.Path)
			}
			return all
		}
		want := paths(profile.specification.Check(configuration))
		got := paths(checked(t, raw, configuration))
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: the problems' paths differ (-catalogue +real):\n%s", name, diff)
		}
	}
}

func TestAcceptCoercesAndWarns(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		connector, configuration, want string
		warnings                       []string
	}{
		"coercion": {
			"source-file", `{"dataset_name": 2024, "format": "csv", "url": "x", "provider": {"storage": "SSH", "user": true, "host": "h", "port": 22}, "reader_options": {"sep": ";"}}`,
			`{"dataset_name": "2024", "format": "csv", "url": "x", "provider": {"storage": "SSH", "user": "true", "host": "h", "port": "22"}, "reader_options": "{\"sep\":\";\"}"}`, nil,
		},
		"unknown fields": {
			"source-file", `{"dataset_name": "d", "format": "csv", "ulr": "x", "url": "y", "provider": {"storage": "HTTPS", "user_agnt": true, "shared_key": "${secret:A}"}}`,
			`{"dataset_name": "d", "format": "csv", "ulr": "x", "url": "y", "provider": {"storage": "HTTPS", "user_agnt": true, "shared_key": "${secret:A}"}}`,
			[]string{
				"provider.shared_key: is not a field that the catalogue knows of this connector, and is passed on as it is",
				"provider.user_agnt: is not a field that the catalogue knows of this connector, and is passed on as it is; did you mean user_agent?",
				"ulr: is not a field that the catalogue knows of this connector, and is passed on as it is; did you mean url?",
			},
		},
		"what the connector has no more": {
			"destination-snowflake", `{"loading_method": {"method": "Internal Staging"}, "host": "myhost"}`, `{"host": "myhost"}`,
			[]string{"loading_method: is ignored: the connector loads in one way only since its version 3"},
		},
		"references": {
			"source-postgres", `{"host": "h", "port": "${secret:PORT}", "database": "d", "username": "${secret:U}", "password": "secret_coordinate::a.b", "jdbc_url_params": "user=a&password=${secret:P}", "ssl_mode": {"mode": "${secret:MODE}"}}`,
			`{"host": "h", "port": "${secret:PORT}", "database": "d", "username": "${secret:U}", "password": "secret_coordinate::a.b", "jdbc_url_params": "user=a&password=${secret:P}", "ssl_mode": {"mode": "${secret:MODE}"}}`, nil,
		},
		"references within texts": {
			"source-postgres", `{"host": "h", "port": 1, "database": "d", "username": "u", "password": "prefix-${secret:A}-suffix", "tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "h", "tunnel_port": 22, "tunnel_user": "u", "ssh_key": "${secret:A}${secret:B}"}}`,
			`{"host": "h", "port": 1, "database": "d", "username": "u", "password": "prefix-${secret:A}-suffix", "tunnel_method": {"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "h", "tunnel_port": 22, "tunnel_user": "u", "ssh_key": "${secret:A}${secret:B}"}}`,
			[]string{"password: holds text beside a reference in a field for a secret; that text is not kept secret: better put the whole value into the secret"},
		},
		"an empty secret is none": {
			"source-postgres", `{"host": "h", "port": 1, "database": "d", "username": "u", "password": ""}`,
			`{"host": "h", "port": 1, "database": "d", "username": "u", "password": ""}`, nil,
		},
		"a connector without a profile": {
			"source-oracle", `{"host": "h", "port": 1521, "access_key_id": "a", "token_url": "b", "password": "${secret:P}", "flag": null}`,
			`{"host": "h", "port": 1521, "access_key_id": "a", "token_url": "b", "password": "${secret:P}"}`, nil,
		},
		"a URL with a referenced password": {
			"source-file", `{"dataset_name": "d", "format": "csv", "url": "https://u:${secret:P}@h/x", "provider": {"storage": "HTTPS"}}`,
			`{"dataset_name": "d", "format": "csv", "url": "https://u:${secret:P}@h/x", "provider": {"storage": "HTTPS"}}`, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := fields(t, test.configuration)
			accepted := loadEmbedded(t).Accept(roleOf(test.connector), workload.Actor{Connector: test.connector}, before)
			if len(accepted.Problems) > 0 {
				t.Fatal(lines(accepted.Problems))
			}
			if diff := cmp.Diff(fields(t, test.want), accepted.Configuration); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(test.warnings, lines(accepted.Warnings)); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(fields(t, test.configuration), before); diff != "" {
				t.Errorf("the input was changed: %s", diff)
			}
		})
	}
}

func TestLiteralSecretsTravelSealed(t *testing.T) {
	t.Parallel()
	sealer, err := NewSealer("a key of some length")
	if err != nil {
		t.Fatal(err)
	}
	actor := workload.Actor{Connector: "source-postgres"}
	configuration := fields(t, `{"host": "h", "port": 1, "database": "d", "username": "u", "password": "hunter2", "jdbc_url_params": "x", "token": 77}`)
	accepted := loadEmbedded(t, WithLiteralSecrets(sealer)).Accept(Source, actor, configuration)
	if len(accepted.Problems) > 0 {
		t.Fatal(lines(accepted.Problems))
	}
	payload, err := json.Marshal(accepted.Configuration)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(payload), "hunter2") || strings.Contains(string(payload), "77") {
		t.Errorf("the payload holds a secret: %s", payload)
	}
	again := loadEmbedded(t, WithLiteralSecrets(sealer)).Accept(Source, actor, configuration)
	if diff := cmp.Diff(accepted.Configuration, again.Configuration); diff != "" {
		t.Errorf("a repeated request gives another payload: %s", diff)
	}
	password, err := sealer.Open(accepted.Configuration["password"].(string))
	if err != nil || password != "hunter2" {
		t.Errorf("opened %q, %v", password, err)
	}
	without := loadEmbedded(t, WithLiteralSecrets(nil)).Accept(Source, actor, configuration)
	want := []string{
		"password: holds a secret in clear text; expected a reference such as ${secret:PASSWORD} (literal secrets are allowed here, but the platform has no key to seal them with)",
		"token: holds a secret in clear text; expected a reference such as ${secret:TOKEN} (literal secrets are allowed here, but the platform has no key to seal them with)",
	}
	if diff := cmp.Diff(want, lines(without.Problems)); diff != "" {
		t.Error(diff)
	}
}

// What the API does not know of a connector may be a secret: where literal ones
// are allowed, it is sealed, and the connector's own specification decides.
func TestTextsOfUnknownFieldsTravelSealed(t *testing.T) {
	t.Parallel()
	sealer, err := NewSealer("a key of some length")
	if err != nil {
		t.Fatal(err)
	}
	specification, err := ParseSpecification(json.RawMessage(`{"properties": {
		"pin": {"type": "string", "airbyte_secret": true}, "url": {"type": "string"}, "pages": {"type": "integer"},
		"hosts": {"type": "array", "items": {"type": "object", "properties": {"name": {"type": "string"}, "pass": {"type": "string", "airbyte_secret": true}}}}}}`))
	if err != nil {
		t.Fatal(err)
	}
	actor := workload.Actor{DefinitionID: "5f0d2f5a-3c1e-4d57-9c59-2a3c4f1b7e11"}
	descriptor := fields(t, `{"pin": "hunter2", "url": "http://h/${secret:PART}", "pages": "7", "hosts": [{"name": "h", "pass": "hunter2 too"}], "empty": "", "ref": "${secret:PART}"}`)
	c := loadEmbedded(t, WithLiteralSecrets(sealer))
	actor.Configuration = c.Accept(Source, actor, descriptor).Configuration
	walk("", actor.Configuration, func(path string, value any) {
		if text, _ := value.(string); text != "" && !isReference(text) {
			t.Errorf("%s travels as %q", path, text)
		}
	})
	in := Input{Role: Source, Actor: actor, Secrets: named{values: map[string]string{"PART": "piece"}}}
	final, failure := c.Configuration(t.Context(), in, specification)
	if failure != nil {
		t.Fatal(failure.Text())
	}
	want := fields(t, `{"pin": "hunter2", "url": "http://h/piece", "pages": 7, "hosts": [{"name": "h", "pass": "hunter2 too"}], "empty": "", "ref": "piece"}`)
	if diff := cmp.Diff(want, final.Configuration); diff != "" {
		t.Error(diff)
	}
	secrets := map[string]string{"pin": "hunter2", "url": "http://h/piece", "hosts[0].pass": "hunter2 too", "ref": "piece"}
	if diff := cmp.Diff(secrets, final.Secrets); diff != "" {
		t.Error(diff)
	}
}

// A secret that the API could not see to be one is refused where it was not sealed.
func TestUnsealedLiteralsAreRefusedInTheWorker(t *testing.T) {
	t.Parallel()
	specification, err := ParseSpecification(json.RawMessage(`{"properties": {"pin": {"type": "integer", "airbyte_secret": true}}}`))
	if err != nil {
		t.Fatal(err)
	}
	sealer, err := NewSealer("a key of some length")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		sealer *Sealer
		more   string
	}{
		"no key":   {nil, " (literal secrets are allowed here, but the platform has no key to seal them with)"},
		"a number": {sealer, ""},
	} {
		c := loadEmbedded(t, WithLiteralSecrets(test.sealer))
		actor := workload.Actor{DefinitionID: "5f0d2f5a-3c1e-4d57-9c59-2a3c4f1b7e11"}
		actor.Configuration = c.Accept(Source, actor, fields(t, `{"pin": 1234}`)).Configuration
		_, failure := c.Configuration(t.Context(), Input{Role: Source, Actor: actor}, specification)
		if failure == nil {
			t.Errorf("%s: it was accepted", name)
			continue
		}
		want := []string{"specific.source.connectionConfiguration.pin: holds a secret in clear text; expected a reference such as ${secret:PIN}" + test.more}
		if diff := cmp.Diff(want, lines(failure.Problems)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

// TestProvidedFieldsWithinOthersAreNotAsked has fields within objects, and within
// one of several forms, that the platform gives.
func TestProvidedFieldsWithinOthersAreNotAsked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write(t, dir, "source-hr.yaml", `
name: source-hr
kind: source
schema:
  type: object
  required: [proxy, login]
  properties:
    proxy: {type: object, required: [host, port], properties: {host: {type: string}, port: {type: integer}}}
    login:
      type: object
      oneOf:
        - {required: [kind, key], properties: {kind: {type: string, const: key}, key: {type: string, airbyte_secret: true}}}
        - {required: [kind, user, password], properties: {kind: {type: string, const: password}, user: {type: string}, password: {type: string, airbyte_secret: true}}}
provided:
  - {field: proxy.host, value: proxy.example.com}
  - {field: login.password, value: "${secret:HR}", onlyWith: proxy.host}
`)
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		configuration string
		want          []string
	}{
		"all that is the descriptor's":                   {`{"proxy": {"port": 1}, "login": {"kind": "password", "user": "u"}}`, nil},
		"the rest of an object is wanted":                {`{"proxy": {}, "login": {"kind": "password"}}`, []string{"login.user: is missing; expected a text", "proxy.port: is missing; expected a whole number"}},
		"what is given in one form is wanted in another": {`{"proxy": {"port": 1}, "login": {"kind": "key"}}`, []string{"login.key: is missing; expected a text"}},
		"an object that the platform may make":           {`{"login": {"kind": "password", "user": "u"}}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, refused(t, c, "source-hr", test.configuration)); diff != "" {
				t.Errorf("problems (-want +got):\n%s", diff)
			}
		})
	}
}
