package access

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	table, err := parsePrincipals([]byte(`
user:john.doe_acme.com: jdoe@acme.com
plain_acme.com: mapped@acme.com
group:analysts: [a@acme.com, b@acme.com]
team: [c@acme.com]
group:ops: {airbyteGroup: Operations}
group:empty: []
`))
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		ref     string
		emails  []string
		problem string
	}{
		"the table comes first":                     {"user:john.doe_acme.com", []string{"jdoe@acme.com"}, ""},
		"without a prefix, the table's has one":     {"john.doe_acme.com", []string{"jdoe@acme.com"}, ""},
		"with a prefix, the table's has none":       {"user:plain_acme.com", []string{"mapped@acme.com"}, ""},
		"case and space do not matter":              {" User:John.Doe_Acme.com ", []string{"jdoe@acme.com"}, ""},
		"a group is its users":                      {"group:analysts", []string{"a@acme.com", "b@acme.com"}, ""},
		"a group without its prefix":                {"analysts", []string{"a@acme.com", "b@acme.com"}, ""},
		"a group, the table's without a prefix":     {"group:team", []string{"c@acme.com"}, ""},
		"an empty group is no mistake":              {"group:empty", []string{}, ""},
		"the last underscore is the at":             {"user:name.surname_company.it", []string{"name.surname@company.it"}, ""},
		"earlier underscores stay":                  {"user:first_last_company.it", []string{"first_last@company.it"}, ""},
		"no prefix is a user":                       {"name.surname_company.it", []string{"name.surname@company.it"}, ""},
		"an address is an address":                  {"user:name_x@company.it", []string{"name_x@company.it"}, ""},
		"a group that nobody mapped":                {"group:a_company.it", nil, "is a group"},
		"a user is not looked for among the groups": {"user:analysts", nil, "neither"},
		"no underscore":                             {"user:name", nil, "neither"},
		"nothing":                                   {"", nil, "neither"},
		"nothing before the underscore":             {"_company.it", nil, "neither"},
		"a blank in it":                             {"user:a b_company.it", nil, "neither"},
		"another prefix":                            {"role:admin_company.it", nil, "neither"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := resolve(table, test.ref)
			if diff := cmp.Diff(test.emails, got.emails); diff != "" {
				t.Errorf("addresses (-want +got):\n%s", diff)
			}
			if !strings.Contains(got.problem, test.problem) || test.problem == "" && got.problem != "" {
				t.Errorf("problem %q, want %q", got.problem, test.problem)
			}
		})
	}
}

func TestAGroupOfAirbytes(t *testing.T) {
	t.Parallel()
	got := resolve(map[string]members{"group:ops": {group: "Operations"}}, "Group:Ops")
	if got.group != "Operations" || got.problem != "" || got.emails != nil {
		t.Errorf("resolved to %+v, want the group Operations", got)
	}
}

func TestRefsCountOnce(t *testing.T) {
	t.Parallel()
	got := (&Principals{}).resolve([]string{"a_x.it", "b_x.it", "a_x.it", "c_x.it"})
	var indexes []int
	for _, p := range got {
		indexes = append(indexes, p.index)
	}
	if diff := cmp.Diff([]int{0, 1, 3}, indexes); diff != "" {
		t.Errorf("indexes of the refs (-want +got):\n%s", diff)
	}
}

func TestBadTables(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct{ text, says string }{
		"not YAML":                  {"user:a: [", "line"},
		"a list":                    {"- a@x.it", "cannot unmarshal"},
		"no address":                {"user:a: anna", `"anna" is no email`},
		"no address in a list":      {"group:a: [a@x.it, '']", "is no email"},
		"a display name":            {`user:a: "Anna <a@x.it>"`, "is no email"},
		"a list of lists":           {"group:a: [[a@x.it]]", "must be a list"},
		"an unknown mapping":        {"group:a: {group: x}", "airbyteGroup"},
		"a mapping with more":       {"group:a: {airbyteGroup: x, y: z}", "airbyteGroup"},
		"nothing":                   {"user:a:", "is no email"},
		"twice, in different cases": {"user:a: a@x.it\nUser:A: b@x.it", "twice"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			path := filepath.Join(t.TempDir(), "principals.yaml")
			write(t, path, test.text)
			if _, err := LoadPrincipals(path, nil); err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("the error is %v, want it to say %q", err, test.says)
			}
		})
	}
	if _, err := LoadPrincipals(filepath.Join(t.TempDir(), "absent"), nil); err == nil {
		t.Error("a file that is not there must be an error")
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	path := filepath.Join(t.TempDir(), "principals.yaml")
	write(t, path, "group:g: a@x.it")
	p, err := LoadPrincipals(path, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		name, text string
		remove     bool
		want       string
		errors     int // lines of level ERROR so far
	}{
		{name: "at first", text: "group:g: a@x.it", want: "a@x.it"},
		{name: "changed", text: "group:g: b@x.it", want: "b@x.it"},
		{name: "a bad file keeps the old table", text: "group:g: [", want: "b@x.it", errors: 1},
		{name: "and is logged once", text: "group:g: [", want: "b@x.it", errors: 1},
		{name: "another bad one is logged too", text: "group:g: x", want: "b@x.it", errors: 2},
		{name: "the old one again", text: "group:g: b@x.it", want: "b@x.it", errors: 2},
		{name: "a missing file keeps the old table", remove: true, want: "b@x.it", errors: 3},
		{name: "and is logged once", remove: true, want: "b@x.it", errors: 3},
		{name: "back and better", text: "group:g: c@x.it", want: "c@x.it", errors: 3},
	} {
		if step.remove {
			_ = os.Remove(path)
		} else {
			write(t, path, step.text)
		}
		got := p.resolve([]string{"group:g"})[0]
		if diff := cmp.Diff([]string{step.want}, got.emails); diff != "" {
			t.Errorf("%s (-want +got):\n%s", step.name, diff)
		}
		if n := strings.Count(log.String(), "level=ERROR"); n != step.errors {
			t.Errorf("%s: %d errors in the log, want %d:\n%s", step.name, n, step.errors, log.String())
		}
	}
}
