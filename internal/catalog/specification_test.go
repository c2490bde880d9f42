package catalog

import (
	"encoding/json"
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// checked are the problems of a configuration with a specification that is used once.
func checked(t *testing.T, specification json.RawMessage, configuration map[string]any) []workload.Problem {
	t.Helper()
	parsed, err := ParseSpecification(specification)
	if err != nil {
		return []workload.Problem{{Message: "cannot be checked: " + err.Error()}}
	}
	return parsed.Check(parsed.Coerce(configuration))
}

func TestCheck(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		reason, specification, configuration string
		want                                 []string
	}{
		"a description with markup": {
			"people read it in a log", `{"required": ["a"], "properties": {"a": {"type": "string", "title": "A", "description": "See the <a href=\"x\">docs</a> for\n more. And more."}}}`, `{}`,
			[]string{"a: is missing; expected a text (A: See the docs for more)"},
		},
		"two missing fields": {"each is told", `{"required": ["a", "b"]}`, `{}`, []string{"a: is missing; expected another value", "b: is missing; expected another value"}},
		"no more fields":     {"a closed specification", `{"additionalProperties": false, "properties": {"name": {"type": "string"}}}`, `{"naem": "x"}`, []string{"naem: is not a field of this connector; did you mean name?"}},
		"alternatives without a discriminator": {
			"by their titles", `{"properties": {"a": {"oneOf": [{"type": "string", "title": "Text"}, {"type": "array", "items": {"type": "string"}}]}}}`, `{"a": {"b": 1}}`,
			[]string{"a: is a mapping that fits none of its forms; expected Text or a list"},
		},
		"anyOf": {
			"as oneOf", `{"properties": {"a": {"anyOf": [{"type": "string"}, {"type": "null"}]}}}`, `{"a": {}}`,
			[]string{"a: is a mapping that fits none of its forms; expected a text or nothing"},
		},
		"several alternatives at once": {
			"Airbyte refuses that too", `{"properties": {"a": {"oneOf": [{"type": "string", "title": "X"}, {"type": "string", "title": "Y"}]}}}`, `{"a": "b"}`,
			[]string{"a: fits several of its forms at once; expected exactly one of X or Y"},
		},
		"nested alternatives": {
			"the chosen one is looked into", `{"properties": {"a": {"oneOf": [
				{"properties": {"t": {"const": "x"}}, "required": ["t"]},
				{"properties": {"t": {"const": "y"}, "b": {"oneOf": [{"properties": {"u": {"const": "p"}, "n": {"type": "integer", "minimum": 5}}, "required": ["u", "n"]}, {"properties": {"u": {"const": "q"}}, "required": ["u"]}]}}, "required": ["t", "b"]}]}}}`,
			`{"a": {"t": "y", "b": {"u": "p", "n": "4"}}}`,
			[]string{"a.b.n: is below 5; expected a whole number"},
		},
		"references": {
			"some connectors share definitions", `{"definitions": {"port": {"type": "integer", "title": "Port"}}, "properties": {"port": {"$ref": "#/definitions/port"}}}`, `{"port": "x"}`,
			[]string{"port: is a text; expected a whole number (Port)"},
		},
		"a reference into a list": {
			"by the place", `{"properties": {"a": {"oneOf": [{"properties": {"t": {"const": "x"}, "n": {"type": "integer"}}}, {"properties": {"t": {"const": "y"}}}]}, "b": {"oneOf": [{"$ref": "#/properties/a/oneOf/0"}, {"$ref": "#/properties/a/oneOf/1"}]}}}`,
			`{"b": {"t": "x", "n": "z"}}`,
			[]string{"b.n: is a text; expected a whole number"},
		},
		"references coerce": {"as if they were written out", `{"definitions": {"port": {"type": "integer"}}, "properties": {"port": {"$ref": "#/definitions/port"}}}`, `{"port": "12"}`, nil},
		"a reference to itself": {
			"a tree of any depth", `{"properties": {"n": {"$ref": "#/definitions/n"}}, "definitions": {"n": {"type": "object", "properties": {"n": {"$ref": "#/definitions/n"}, "v": {"type": "integer"}}}}}`,
			`{"n": {"n": {"n": {"v": "1"}}}}`, nil,
		},
		"a reference elsewhere":   {"nothing is fetched, the rest is checked", `{"properties": {"a": {"$ref": "file:///etc/passwd"}, "b": {"type": "integer"}}}`, `{"a": 1, "b": "x"}`, []string{"b: is a text; expected a whole number"}},
		"a pattern that Go lacks": {"Airbyte checks it", `{"properties": {"a": {"type": "string", "pattern": "^(?!x).*$"}}}`, `{"a": "x"}`, nil},
		"a pattern":               {"the value is not told", `{"properties": {"a": {"type": "string", "pattern": "^x$", "title": "A"}}}`, `{"a": "hunter2"}`, []string{"a: does not have the form ^x$; expected a text (A)"}},
		"limits": {
			"each in words", `{"properties": {"a": {"type": "string", "minLength": 3}, "b": {"type": "string", "maxLength": 1}, "c": {"type": "array", "minItems": 1}, "d": {"type": "array", "maxItems": 1, "uniqueItems": true}, "e": {"type": "number", "exclusiveMinimum": 0.5}, "f": {"type": "number", "multipleOf": 2}}}`,
			`{"a": "x", "b": "xy", "c": [], "d": [1, 1], "e": 0.5, "f": 3}`,
			[]string{
				"a: is shorter than 3 characters; expected a text", "b: is longer than 1 characters; expected a text", "c: has fewer than 1 entries; expected a list",
				"d: has more than 1 entries; expected a list", "d: holds an entry twice; expected a list", "e: is not above 0.500; expected a number",
				"f: is refused by the connector's specification (multipleOf); expected a number",
			},
		},
		"not JSON":      {"it cannot be checked", `{`, `{}`, []string{"cannot be checked: the specification is not JSON: unexpected EOF"}},
		"a huge number": {"it is not written out", `{"properties": {"a": {"type": "integer", "minimum": 1}}}`, `{"a": 1e300}`, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := lines(checked(t, json.RawMessage(test.specification), fields(t, test.configuration)))
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%s: %s", test.reason, diff)
			}
		})
	}
}

func TestCoerce(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ reason, schema, value, want string }{
		"number to text":             {"its digits stay", `{"type": "string"}`, `1.10`, `"1.10"`},
		"boolean to text":            {"as YAML writes it", `{"type": "string"}`, `true`, `"true"`},
		"text to number":             {"digits stay", `{"type": "number"}`, `"1.10"`, `1.10`},
		"text to whole number":       {"exact", `{"type": "integer"}`, `"42"`, `42`},
		"decimal text to whole":      {"exact too", `{"type": "integer"}`, `"42.0"`, `42`},
		"exponent to whole":          {"exact too", `{"type": "integer"}`, `1e3`, `1000`},
		"fraction to whole":          {"not exact", `{"type": "integer"}`, `"4.2"`, `"4.2"`},
		"leading zeros to whole":     {"octal or decimal? ask", `{"type": "integer"}`, `"010"`, `"010"`},
		"word to whole":              {"the check refuses it", `{"type": "integer"}`, `"many"`, `"many"`},
		"yes to boolean":             {"YAML 1.1", `{"type": "boolean"}`, `"yes"`, `true`},
		"OFF to boolean":             {"YAML 1.1", `{"type": "boolean"}`, `"OFF"`, `false`},
		"word to boolean":            {"the check refuses it", `{"type": "boolean"}`, `"maybe"`, `"maybe"`},
		"one to boolean":             {"a number is no boolean", `{"type": "boolean"}`, `1`, `1`},
		"either type":                {"a text that may be one stays one", `{"type": ["integer", "string"]}`, `"42"`, `"42"`},
		"nullable":                   {"null is no type to choose", `{"type": ["null", "integer"]}`, `"42"`, `42`},
		"no type":                    {"as it is", `{}`, `"42"`, `"42"`},
		"constants say the type":     {"a text is wanted", `{"const": "1"}`, `1`, `"1"`},
		"enumerations say the type":  {"a number is wanted", `{"enum": [1, 2]}`, `"2"`, `2`},
		"object to JSON":             {"a field that holds JSON", `{"type": "string", "contentMediaType": "application/json"}`, `{"b": 1, "a": [null]}`, `"{\"a\":[null],\"b\":1}"`},
		"object where either may be": {"it is right as it is", `{"type": ["string", "object"], "contentMediaType": "application/json"}`, `{"a": 1}`, `{"a": 1}`},
		"list to JSON":               {"a field that holds JSON", `{"type": "string", "contentMediaType": "application/json"}`, `[1, null]`, `"[1,null]"`},
		"huge exponent to whole":     {"nobody means that many digits", `{"type": "integer"}`, `1e300`, `1e300`},
		"object to text":             {"the check refuses it", `{"type": "string"}`, `{"a": 1}`, `{"a": 1}`},
		"items":                      {"each is coerced, nulls are dropped", `{"type": "array", "items": {"type": "string"}}`, `[1, null, true]`, `["1", "true"]`},
		"unknown fields":             {"as they are, without nulls", `{"properties": {"a": {"type": "string"}}}`, `{"a": 1, "b": 1, "c": null, "d": {"e": null}}`, `{"a": "1", "b": 1, "d": {}}`},
		"additional fields":          {"by their own schema", `{"additionalProperties": {"type": "string"}}`, `{"a": 1}`, `{"a": "1"}`},
		"the alternative that is chosen": {
			"by a discriminator that is coerced first", `{"oneOf": [{"properties": {"t": {"const": "1"}, "v": {"type": "string"}}}, {"properties": {"t": {"const": "2"}, "v": {"type": "integer"}}}]}`,
			`{"t": 2, "v": "3"}`, `{"t": "2", "v": 3}`,
		},
		"the alternative that is chosen in a part": {
			"whatever the order of the fields", `{"allOf": [{"oneOf": [{"properties": {"t": {"const": "1"}, "v": {"type": "string"}}}, {"properties": {"t": {"const": "2"}, "v": {"type": "integer"}}}]}]}`,
			`{"t": "2", "v": "3"}`, `{"t": "2", "v": 3}`,
		},
		"large numbers": {"all digits stay", `{"type": "integer"}`, `12345678901234567890`, `12345678901234567890`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var s schema
			if err := json.Unmarshal([]byte(test.schema), &s); err != nil {
				t.Fatal(err)
			}
			value, err := decodeJSON([]byte(test.value))
			if err != nil {
				t.Fatal(err)
			}
			want, err := decodeJSON([]byte(test.want))
			if err != nil {
				t.Fatal(err)
			}
			got, changed := s.coerce(value)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s: %s", test.reason, diff)
			}
			if changed == cmp.Equal(got, value) {
				t.Errorf("%v became %v, and changed is %v", value, got, changed)
			}
			if before, _ := decodeJSON([]byte(test.value)); !cmp.Equal(before, value) {
				t.Errorf("the value itself was changed: %v", value)
			}
		})
	}
}

func TestSecretPathsAreFoundInAlternativesAndLists(t *testing.T) {
	t.Parallel()
	specification, err := ParseSpecification(json.RawMessage(`{"properties": {
		"list": {"type": "array", "items": {"properties": {"key": {"type": "string", "airbyte_secret": true}}}},
		"whole": {"airbyte_secret": true},
		"login": {"oneOf": [{"properties": {"t": {"const": "a"}, "p": {"type": "string", "airbyte_secret": true}}}, {"properties": {"t": {"const": "b"}, "p": {"type": "string"}}}]}}}`))
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	specification.schema.secretPaths("", fields(t, `{"list": [{"key": "a"}, {"key": "b", "name": "c"}], "whole": {"x": ["y"]}, "login": {"t": "a", "p": "q"}, "other": "z"}`), false,
		func(path, _ string) { got = append(got, path) })
	want := []string{"list[0].key", "list[1].key", "login.p", "whole.x[0]"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Airbyte takes specifications that are no JSON Schema, so such connectors must work:
// the rest of what they say counts.
func TestSpecificationsThatAreNotQuiteJSONSchemas(t *testing.T) {
	t.Parallel()
	for name, field := range map[string]string{
		"examples in a text":         `{"type": "string", "examples": "x"}`,
		"required at the field":      `{"type": "string", "required": true}`,
		"a type that is none":        `{"type": "str"}`,
		"a null among types":         `{"type": ["string", null]}`,
		"a list as description":      `{"type": "string", "description": ["x"]}`,
		"a number as title":          `{"type": "string", "title": 5}`,
		"no choices":                 `{"type": "string", "enum": []}`,
		"a choice twice":             `{"type": "string", "enum": ["hunter2", "hunter2"]}`,
		"a text as limit":            `{"type": "string", "minLength": "9"}`,
		"no alternatives":            `{"oneOf": []}`,
		"a reference to nothing":     `{"$ref": "#/definitions/none"}`,
		"a secret's mark as text":    `{"type": "string", "airbyte_secret": "true"}`,
		"null instead of a schema":   `null`,
		"a text for more properties": `{"additionalProperties": "x"}`,
		"another language":           `{"type": "string", "$schema": "foo"}`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			raw := json.RawMessage(`{"required": ["good"], "properties": {"odd": ` + field + `, "good": {"type": "integer", "title": "Good"}, "pin": {"type": "string", "airbyte_secret": true}}}`)
			if _, err := parseSchema(raw); err == nil {
				t.Error("a connector's file may hold it")
			}
			specification, err := ParseSpecification(raw)
			if err != nil {
				t.Fatal(err)
			}
			c := loadEmbedded(t)
			actor := workload.Actor{DefinitionID: "5f0d2f5a-3c1e-4d57-9c59-2a3c4f1b7e11", Configuration: fields(t, `{"odd": "${secret:PIN}", "good": "x", "pin": "${secret:PIN}"}`)}
			in := Input{Role: Source, Actor: actor, Secrets: named{values: map[string]string{"PIN": "hunter2"}}}
			_, failure := c.Configuration(t.Context(), in, specification)
			if failure == nil {
				t.Fatal("nothing was checked")
			}
			if diff := cmp.Diff([]string{"specific.source.connectionConfiguration.good: is a text; expected a whole number (Good)"}, lines(failure.Problems)); diff != "" {
				t.Error(diff)
			}
			in.Actor.Configuration["good"] = "7"
			final, failure := c.Configuration(t.Context(), in, specification)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			want := []string{"The source connector's specification is not quite a JSON Schema; where it is not, only Airbyte checks the configuration."}
			if diff := cmp.Diff(want, final.Warnings); diff != "" {
				t.Error(diff)
			}
		})
	}
	for _, raw := range []string{``, `null`, `[]`, `"x"`, `{`} {
		if _, err := ParseSpecification(json.RawMessage(raw)); err == nil {
			t.Errorf("%q was taken for a specification", raw)
		}
	}
}

func TestAListWithASchemaForEachPlace(t *testing.T) {
	t.Parallel()
	got := lines(checked(t, json.RawMessage(`{"properties": {"a": {"type": "array", "items": [{"type": "string"}, {"type": "integer"}]}, "b": {"type": "integer"}}}`), fields(t, `{"a": ["x", "y"], "b": "z"}`)))
	want := []string{"a[1]: is a text; expected a value", "b: is a text; expected a whole number"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
