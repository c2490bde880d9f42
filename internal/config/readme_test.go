package config

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the settings table in README.md")

// TestREADME holds the settings table of README.md against the settings.
func TestREADME(t *testing.T) {
	t.Parallel()
	const file, begin, end = "../../README.md", " -update` -->\n", "<!-- /settings -->"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatal("README.md has no place for the settings")
	}
	var table strings.Builder
	table.WriteString("\n| setting | in YAML | default | meaning |\n|---|---|---|---|\n")
	for _, s := range Table() {
		name := s.Name
		if s.Secret {
			name += " (secret)"
		}
		fmt.Fprintf(&table, "| %s | `%s` | %s | %s |\n", name, s.YAML, s.Default, strings.ReplaceAll(s.Meaning, "|", `\|`))
	}
	want := head + begin + table.String() + "\n" + end + tail
	if want == string(text) {
		return
	}
	if !*update {
		t.Fatal("the settings table of README.md is not up to date: run go test ./internal/config -run README -update")
	}
	if err := os.WriteFile(file, []byte(want), 0o644); err != nil {
		t.Fatal(err)
	}
}
