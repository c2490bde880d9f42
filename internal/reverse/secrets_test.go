package reverse

import (
	"encoding/json"
	"testing"

	"airbyte-provisioner/internal/airbyte"

	"github.com/google/go-cmp/cmp"
)

func TestSecretFields(t *testing.T) {
	t.Parallel()
	got, err := secretFields(json.RawMessage(`{
		"properties": {
			"host": {"type": "string"},
			"password": {"type": "string", "airbyte_secret": true},
			"properties": {"type": "string"},
			"not": {"airbyte_secret": false},
			"auth": {"oneOf": [{"properties": {"kind": {"const": "a"}, "code": {"airbyte_secret": true}}}, {"properties": {"kind": {"const": "b"}}}]},
			"list": {"type": "array", "items": {"type": "string", "airbyte_secret": true}},
			"map": {"type": "object", "additionalProperties": {"airbyte_secret": true}},
			"ref": {"$ref": "#/definitions/hidden~1one"},
			"loop": {"$ref": "#/definitions/loop"},
			"nowhere": {"$ref": "#/definitions/nowhere"},
			"deep": {"allOf": [{"if": {"properties": {"inner": {"airbyte_secret": true}}}}]}
		},
		"definitions": {
			"hidden/one": {"airbyte_secret": true},
			"loop": {"properties": {"again": {"$ref": "#/definitions/loop"}, "looped": {"airbyte_secret": true}}}
		}
	}`))
	if err != nil {
		t.Fatal(err)
	}
	delete(got, "") // the definition itself, which belongs to no field
	want := map[string]bool{"password": true, "code": true, "list": true, "map": true, "ref": true, "looped": true, "inner": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("secret fields (-want +got):\n%s", diff)
	}
	if _, err := secretFields(json.RawMessage(`{`)); err == nil {
		t.Error("a specification that is no JSON must be an error: its secrets are not known")
	}
}

func TestHide(t *testing.T) {
	t.Parallel()
	const at = "source.connectionConfiguration"
	h := hiding{
		secret: map[string]bool{"code": true, "bundle": true}, prefix: "ORDERS",
		known: map[string]string{at + ".code": "${secret:KEPT}"},
	}
	got := h.hide(at, map[string]any{
		"host": "db", "port": json.Number("5432"), "on": true, "nothing": nil, "empty": "",
		"code":   "geheim",
		"nested": map[string]any{"code": "geheim", "plain": "x"},
		"masked": "**********",
		"bundle": map[string]any{"any": "geheim", "number": json.Number("17"), "flag": false, "list": []any{"geheim"}},
		"list":   []any{map[string]any{"name": "a", "api_key": "geheim"}, map[string]any{"name": "b", "api_key": "geheim"}},

		"unknown_password":     "geheim", // not in the specification: Airbyte shows it
		"aws_access_key_id":    "AKIA",
		"token_uri":            "https://x/token",
		"url":                  "https://user:geheim@host/f.csv",
		"signed":               "https://host/f.csv?se=2030&sig=geheim",
		"jdbc_url_params":      "sslmode=require&sslpassword=geheim",
		"harmless_params":      "sslmode=require&connectTimeout=10",
		"plain_url":            "https://host/f.csv?format=csv",
		"reader_options":       `{"storage_options": {"client_secret": "geheim"}}`,
		"plain_reader_options": `{"sep": ";", "na_values": ["", "NA"]}`,
		"five":                 "*****", "four": "****",
	}, false)
	want := map[string]any{
		"host": "db", "port": json.Number("5432"), "on": true, "empty": "",
		"code":   "${secret:KEPT}",
		"nested": map[string]any{"code": "${secret:ORDERS_NESTED_CODE}", "plain": "x"},
		"masked": "${secret:ORDERS_MASKED}",
		"bundle": map[string]any{"any": "${secret:ORDERS_BUNDLE_ANY}", "number": "${secret:ORDERS_BUNDLE_NUMBER}", "flag": false, "list": []any{"${secret:ORDERS_BUNDLE_LIST_0}"}},
		"list": []any{
			map[string]any{"name": "a", "api_key": "${secret:ORDERS_LIST_0_API_KEY}"},
			map[string]any{"name": "b", "api_key": "${secret:ORDERS_LIST_1_API_KEY}"},
		},
		"unknown_password": "${secret:ORDERS_UNKNOWN_PASSWORD}", "aws_access_key_id": "AKIA", "token_uri": "https://x/token",
		"url": "${secret:ORDERS_URL}", "signed": "${secret:ORDERS_SIGNED}", "jdbc_url_params": "${secret:ORDERS_JDBC_URL_PARAMS}",
		"harmless_params": "sslmode=require&connectTimeout=10", "plain_url": "https://host/f.csv?format=csv",
		"reader_options": "${secret:ORDERS_READER_OPTIONS}", "plain_reader_options": `{"sep": ";", "na_values": ["", "NA"]}`,
		"five": "${secret:ORDERS_FIVE}", "four": "****",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if len(h.names) != 14 || h.names[0] != "ORDERS_BUNDLE_ANY" {
		t.Errorf("names of the place-holders: %v", h.names)
	}
}

// Two secrets never share a place-holder: who sets it would give both the same value.
func TestPlaceholdersAreApart(t *testing.T) {
	t.Parallel()
	configuration := map[string]any{
		"password": "geheim", "a_b": "geheim", "a": map[string]any{"b": "geheim"}, "\u043a\u043b\u044e\u0447": "geheim", "\u0438\u043c\u044f": "geheim", "kept": "geheim", "other": "geheim",
	}
	specification := airbyte.Specification{Schema: json.RawMessage(`{"properties": {"a": {"airbyte_secret": true}, "a_b": {"airbyte_secret": true},
		"kept": {"airbyte_secret": true}, "other": {"airbyte_secret": true}, "\u043a\u043b\u044e\u0447": {"airbyte_secret": true}, "\u0438\u043c\u044f": {"airbyte_secret": true}}}`)}
	h := hiding{known: map[string]string{
		"source.connectionConfiguration.kept": "${secret:POSTGRES_OTHER}", // of another field
	}}
	got := map[airbyte.ActorKind]map[string]any{}
	for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
		hidden, err := h.actor(airbyte.Actor{Kind: kind, Name: "Postgres [wb-0123456789abcdef]", Configuration: configuration}, specification)
		if err != nil {
			t.Fatal(err)
		}
		got[kind] = hidden
	}
	want := map[airbyte.ActorKind]map[string]any{
		airbyte.Source: {
			"password": "${secret:POSTGRES_PASSWORD}", "a": map[string]any{"b": "${secret:POSTGRES_A_B}"}, "a_b": "${secret:POSTGRES_A_B_2}",
			"\u0438\u043c\u044f": "${secret:POSTGRES}", "\u043a\u043b\u044e\u0447": "${secret:POSTGRES_2}", "kept": "${secret:POSTGRES_OTHER}", "other": "${secret:POSTGRES_OTHER_2}",
		},
		airbyte.Destination: {
			"password": "${secret:POSTGRES_PASSWORD_2}", "a": map[string]any{"b": "${secret:POSTGRES_A_B_3}"}, "a_b": "${secret:POSTGRES_A_B_4}",
			"\u0438\u043c\u044f": "${secret:POSTGRES_3}", "\u043a\u043b\u044e\u0447": "${secret:POSTGRES_4}", "kept": "${secret:POSTGRES_KEPT}", "other": "${secret:POSTGRES_OTHER_3}",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
