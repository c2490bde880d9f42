package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// without runs the program where no API may be asked.
func without(t *testing.T, args ...string) outcome {
	t.Helper()
	var out, errs strings.Builder
	code := run(t.Context(), args, surroundings{in: strings.NewReader(""), out: &out, err: &errs})
	return outcome{code: code, out: out.String(), err: errs.String()}
}

func TestConnectors(t *testing.T) {
	t.Parallel()
	got := without(t, "connectors")
	for _, want := range []string{"source-postgres         PostgreSQL", "destination-snowflake   Snowflake", "connectors show NAME"} {
		if !strings.Contains(got.out, want) {
			t.Errorf("%q is missing in:\n%s", want, got.out)
		}
	}
	if got.code != exitOK || got.err != "" {
		t.Errorf("exit code %d: %s", got.code, got.err)
	}
}

func TestConnectorsShow(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"source-postgres", "destination-snowflake", "airbyte/source-faker:6.2.0"} {
		got := without(t, "connectors", "show", name)
		var block struct {
			Specific map[string]struct {
				Connector     string
				Configuration map[string]any `yaml:"connectionConfiguration"`
			}
		}
		if err := yaml.Unmarshal([]byte(got.out), &block); err != nil || got.code != exitOK {
			t.Fatalf("%s: exit code %d, %v:\n%s%s", name, got.code, err, got.out, got.err)
		}
		kind, _, _ := strings.Cut(strings.TrimPrefix(name, "airbyte/"), "-")
		if actor := block.Specific[kind]; !strings.Contains(name, actor.Connector) || actor.Connector == "" {
			t.Errorf("%s: the block is %+v", name, block)
		}
	}
}

func TestConnectorsOfYourOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := "name: source-hr\nkind: source\ntitle: \"HR \\e[31msystem\"\nhelp: People.\nschema: {type: object, properties: {tenant: {type: string}}}\n"
	if err := os.WriteFile(filepath.Join(dir, "source-hr.yaml"), []byte(file), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := without(t, "connectors", "-catalog", dir, "show", "source-hr"); got.code != exitOK || !strings.Contains(got.out, "# tenant:") || strings.Contains(got.out, "\x1b") {
		t.Errorf("exit code %d: %s%q", got.code, got.err, got.out)
	}
	if got := without(t, "connectors", "-catalog", dir); got.code != exitOK || strings.Contains(got.out, "\x1b") {
		t.Errorf("exit code %d: %s%q", got.code, got.err, got.out)
	}
	if err := os.WriteFile(filepath.Join(dir, "source-bad.yaml"), []byte("name: other\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := without(t, "connectors", "-catalog", dir); got.code != exitFailed || !strings.Contains(got.err, "source-bad.yaml") {
		t.Errorf("a bad file: exit code %d: %s", got.code, got.err)
	}
}

func TestConnectorsThatAreNone(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		args []string
		code int
		says string
	}{
		"a name with a slip":  {[]string{"connectors", "show", "source-postgress"}, exitFailed, "did you mean source-postgres?"},
		"a name of nothing":   {[]string{"connectors", "show", "xyz"}, exitFailed, "see provisionctl connectors"},
		"show of nothing":     {[]string{"connectors", "show"}, exitUsage, "show NAME"},
		"another verb":        {[]string{"connectors", "hide", "source-faker"}, exitUsage, "show NAME"},
		"a flag of others":    {[]string{"connectors", "-deep"}, exitUsage, "-deep means nothing"},
		"catalog with others": {[]string{"validate", "-f", "-", "-catalog", "x"}, exitUsage, "-catalog means nothing"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := without(t, c.args...); got.code != c.code || !strings.Contains(got.err, c.says) {
				t.Errorf("exit code %d, want %d with %q: %s", got.code, c.code, c.says, got.err)
			}
		})
	}
}
