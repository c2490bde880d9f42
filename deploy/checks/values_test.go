package checks

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"sigs.k8s.io/yaml"
)

// leaves are the paths of a values file's values: what is no mapping, or an empty one.
func leaves(at string, value any, into map[string]any) {
	fields, isMapping := value.(map[string]any)
	if !isMapping || len(fields) == 0 {
		into[at] = value
		return
	}
	for name, field := range fields {
		leaves(strings.TrimPrefix(at+"."+name, "."), field, into)
	}
}

// others are values unlike the default, of which the schema takes one or another.
func others(value any) []any {
	switch v := value.(type) {
	case bool:
		return []any{!v}
	case float64:
		return []any{v + 7}
	case string:
		return []any{
			v + "x", "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6", "sha256:" + strings.Repeat("1", 64), "http://other.example.com:81", "other.example.com:6380",
			"1Gi", "1gb", "1m", "Always", "NodePort", "everysec", "prometheus",
		}
	case []any:
		return []any{
			[]any{"other"},
			[]any{"other.example.com:6380"},
			[]any{map[string]any{"key": "a", "operator": "Exists"}},
			[]any{map[string]any{"name": "A", "value": "b"}},
			[]any{map[string]any{"secretName": "s", "hosts": []any{"h"}}},
			[]any{map[string]any{"podSelector": map[string]any{}}},
			[]any{map[string]any{"ports": []any{map[string]any{"port": 1, "protocol": "TCP"}}}},
		}
	default: // an empty mapping, or null
		return []any{
			map[string]any{"other": "x"}, map[string]any{"OTHER": map[string]any{"existingSecret": "s", "key": "k"}},
			map[string]any{"other": "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"}, map[string]any{"other.yaml": "name: other"}, map[string]any{"validate": 3},
			map[string]any{"user:a": "b"}, 7,
		}
	}
}

// Each value of the chart changes what some example renders, or that it is
// rendered at all: none is there for show.
func TestEveryValueCounts(t *testing.T) {
	t.Parallel()
	var defaults map[string]any
	if err := yaml.Unmarshal(read(t, chartDir, "values.yaml"), &defaults); err != nil {
		t.Fatal(err)
	}
	all, before := map[string]any{}, map[string]string{}
	leaves("", defaults, all)
	for name, values := range examples(t) {
		files, err := render(t, values)
		if err != nil {
			t.Fatal(err)
		}
		before[name] = joined(files)
	}
	counts := func(path string, other any) bool {
		for name, values := range examples(t) {
			switch files, err := render(t, set(t, values, path, other)); {
			case err == nil && joined(files) != before[name]:
				return true
			case err != nil && strings.Contains(err.Error(), "values don't meet the specifications"):
				return false // nobody can give this one
			case err != nil:
				return true
			}
		}
		return false
	}
	for path, value := range all {
		if !slices.ContainsFunc(others(value), func(other any) bool { return counts(path, other) }) {
			t.Errorf("%s changes nothing", path)
		}
	}
}

// The values file that the installation guide gives is one, with the Secrets that it has made before.
func TestDocumentedValues(t *testing.T) {
	t.Parallel()
	guide := string(read(t, root, "docs/install.md"))
	block := regexp.MustCompile("(?ms)^```yaml\n(image: .*?)^```$").FindStringSubmatch(guide)
	if block == nil {
		t.Fatal("docs/install.md has no values file")
	}
	var values map[string]any
	if err := yaml.UnmarshalStrict([]byte(block[1]), &values); err != nil {
		t.Fatal(err)
	}
	made := map[string]string{}
	for _, secret := range regexp.MustCompile(`(?m)kubectl -n data create secret generic (\S+) (.+)$`).FindAllStringSubmatch(guide, -1) {
		made[secret[1]] = secret[2]
	}
	wanted := 0
	need := func(name, key string) {
		wanted++
		if !strings.Contains(made[name], key+"=") {
			t.Errorf("the Secret %s with the key %s was not made", name, key)
		}
	}
	for _, template := range pods(rendered(t, values)) {
		for _, v := range template.Spec.Volumes {
			if v.Secret != nil {
				need(v.Secret.SecretName, v.Secret.Items[0].Key)
			}
			if v.Projected != nil {
				for _, source := range v.Projected.Sources {
					need(source.Secret.Name, source.Secret.Items[0].Key)
				}
			}
		}
	}
	if wanted < 5 {
		t.Errorf("only %d secrets are mounted", wanted)
	}
}
