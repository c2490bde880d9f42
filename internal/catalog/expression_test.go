package catalog

import (
	"testing"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// derived runs one expression for the field a of a configuration.
func derived(t *testing.T, expression, configuration string) (map[string]any, *workload.Failure) {
	t.Helper()
	dir := t.TempDir()
	write(t, dir, "source-x.yaml", "name: source-x\nkind: source\nderived:\n  a: |\n    "+expression+"\n")
	c, err := Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	final, failure := c.Configuration(t.Context(), Input{
		Role: Source, Actor: workload.Actor{Connector: "source-x", Configuration: fields(t, configuration)}, DataProduct: product,
		Component: workload.Component{ID: "urn:dmb:cmp:finance:cashflow:2:load", Environment: "production"}, Secrets: named{values: map[string]string{"ODD": "${secret:ODD}"}},
	}, nil)
	return final.Configuration, failure
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ expression, configuration, want string }{
		"facts of the data product":            {`[dataProduct.id, dataProduct.name, dataProduct.domain, dataProduct.version]`, `{}`, `{"a": ["urn:dmb:dp:finance:cashflow:2", "Cash Flow", "finance", "2.1.0"]}`},
		"facts of the component":               {`component.environment + component.id`, `{}`, `{"a": "productionurn:dmb:cmp:finance:cashflow:2:load"}`},
		"a number":                             {`len(config.b) + 0.5`, `{"b": "four"}`, `{"a": 4.5, "b": "four"}`},
		"a mapping":                            {`{"b": 1, "c": [true]}`, `{}`, `{"a": {"b": 1, "c": [true]}}`},
		"a loop":                               {`map(config.b, {upper(#)})`, `{"b": ["x", "y"]}`, `{"a": ["X", "Y"], "b": ["x", "y"]}`},
		"two loops side by side":               {`map(config.b, {upper(#)})[0] + filter(config.b, {# != "x"})[0]`, `{"b": ["x", "y"]}`, `{"a": "Xy", "b": ["x", "y"]}`},
		"nothing":                              {`nil`, `{"a": "x"}`, `{"a": "x"}`},
		"nothing for an empty text":            {`value`, `{"a": ""}`, `{}`},
		"a secret that looks like a reference": {`value + "!"`, `{"a": "${secret:ODD}"}`, `{"a": "${secret:ODD}!"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, failure := derived(t, test.expression, test.configuration)
			if failure != nil {
				t.Fatal(failure.Text())
			}
			if diff := cmp.Diff(fields(t, test.want), got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestExpressionsThatFail(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ expression, configuration string }{
		"a field of nothing":     {`config.b.c.d`, `{}`},
		"a text of a list":       {`upper(config.b)`, `{"b": ["hunter2"]}`},
		"a number of a text":     {`int(config.b)`, `{"b": "hunter2"}`},
		"an entry that is not":   {`config.b[3]`, `{"b": ["hunter2"]}`},
		"no number":              {`1 / len(config.b)`, `{"b": ""}`},
		"JSON that is none":      {`fromJSON(config.b)`, `{"b": "{hunter2"}`},
		"a pattern that is none": {`"x" matches config.b`, `{"b": "(hunter2"}`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := derived(t, test.expression, test.configuration)
			if failure == nil {
				t.Fatal("there is no failure")
			}
			want := []string{"specific.source.connectionConfiguration.a: cannot be derived from the descriptor; expected a plain text in the fields that it is made from"}
			if diff := cmp.Diff(want, lines(failure.Problems)); diff != "" || failure.Code != workload.CodeInvalid || failure.Retry {
				t.Errorf("%+v: %s", failure, diff)
			}
		})
	}
}
