package config

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

func TestTable(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for _, s := range Table() {
		if s.Meaning == "" || s.Default == "" || seen[s.Name] || seen[s.YAML] {
			t.Errorf("%s lacks a meaning or a default, or is there twice", s.Name)
		}
		seen[s.Name], seen[s.YAML] = true, true
	}
	for name, want := range map[string]Setting{
		"AIRBYTE_BASE_URL": {YAML: "airbyte.baseUrl", Default: "(none)"},
		"TASK_TIMEOUT":     {YAML: "taskTimeout", Default: "30m"},
		"REDIS_URL":        {YAML: "redis.url", Default: "redis://127.0.0.1:6379/0", Secret: true},
		"API_TOKENS":       {YAML: "apiTokens", Default: "(none)", Secret: true},
	} {
		for _, s := range Table() {
			if s.Name == name && (s.YAML != want.YAML || s.Default != want.Default || s.Secret != want.Secret) {
				t.Errorf("got %+v", s)
			}
		}
	}
}

// TestTableIsTheInterfaces compares the settings with those that people outside rely on.
func TestTableIsTheInterfaces(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CONTRACT_DIR")
	if dir == "" {
		t.Skip("CONTRACT_DIR is not set")
	}
	raw, err := os.ReadFile(filepath.Join(dir, "interface.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, text, _ := strings.Cut(string(raw), "## Settings")
	text, _, _ = strings.Cut(text, "\n## ")
	row := regexp.MustCompile(`(?m)^\| ([A-Z0-9_, ]+) \|([^|]*)\|`)
	promised := map[string]string{}
	for _, match := range row.FindAllStringSubmatch(text, -1) {
		names, defaults := strings.Split(match[1], ", "), splitDefaults(strings.TrimSpace(match[2]))
		for i, name := range names {
			promised[name] = defaults[min(i, len(defaults)-1)]
		}
	}
	if len(promised) < 40 {
		t.Fatalf("only %d settings found", len(promised))
	}
	for _, s := range Table() {
		want, ok := promised[s.Name]
		delete(promised, s.Name)
		switch {
		case !ok: // one beyond the promised
		case want == "" || want == "(none)" || strings.HasPrefix(s.Default, want): // what is derived says of what, here
		default:
			t.Errorf("%s has the default %s, promised is %s", s.Name, s.Default, want)
		}
	}
	for name := range promised {
		t.Errorf("%s is promised and missing", name)
	}
}

// splitDefaults splits the defaults of a row with several settings.
func splitDefaults(cell string) []string {
	if strings.Contains(cell, ":6,") || strings.Contains(cell, "Redis, with") {
		return []string{cell} // one default that has commas of its own
	}
	return strings.Split(cell, ", ")
}
