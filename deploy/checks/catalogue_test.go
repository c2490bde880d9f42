package checks

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"gopkg.in/yaml.v3"
)

// connector is what a file of the product's catalogue says, as far as the policy and the form need it.
type connector struct {
	Name     string         `json:"name"`
	Kind     string         `json:"kind"`
	Title    string         `json:"title"`
	Help     string         `json:"help"`
	Schema   map[string]any `json:"schema"`
	Defaults map[string]any `json:"defaults"`
	Derived  map[string]any `json:"derived"`
	Provided []struct {
		Field string `json:"field"`
	} `json:"provided"`
}

// catalogue reads the product's connectors of a kind, by name.
func catalogue(t *testing.T, kind string) []connector {
	t.Helper()
	files, err := filepath.Glob(root + "/internal/catalog/connectors/" + kind + "-*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("there are no connectors of the kind %s: %v", kind, err)
	}
	var all []connector
	for _, file := range files {
		// As the product reads it: for other readers N is not a text.
		var value any
		if err := yaml.Unmarshal(read(t, file), &value); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		var c connector
		if err := json.Unmarshal(text, &c); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all = append(all, c)
	}
	return all
}

// provided reports whether the platform's settings give the field.
func (c connector) provided(field string) bool {
	for _, p := range c.Provided {
		if p.Field == field {
			return true
		}
	}
	return false
}

// mandatory are the fields that a descriptor must have: required ones that
// nothing else gives.
func (c connector) mandatory() []string {
	required, _ := c.Schema["required"].([]any)
	var names []string
	for _, r := range required {
		name, _ := r.(string)
		_, defaulted := c.Defaults[name]
		_, derived := c.Derived[name]
		if !defaulted && !derived && !c.provided(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// secrets are the fields that hold secrets, as a tree: true where the field itself is one.
func secrets(schema map[string]any) map[string]any {
	found := map[string]any{}
	properties, _ := schema["properties"].(map[string]any)
	for name, p := range properties {
		property, _ := p.(map[string]any)
		if property["airbyte_secret"] == true {
			found[name] = true
		} else if inner := secrets(property); len(inner) > 0 {
			found[name] = inner
		}
	}
	for _, keyword := range []string{"oneOf", "anyOf", "allOf"} {
		branches, _ := schema[keyword].([]any)
		for _, b := range branches {
			branch, _ := b.(map[string]any)
			merge(found, secrets(branch))
		}
	}
	return found
}

func merge(into, from map[string]any) {
	for name, value := range from {
		known, isTree := into[name].(map[string]any)
		if inner, ok := value.(map[string]any); ok && isTree {
			merge(known, inner)
			continue
		}
		into[name] = value
	}
}

// replaceGenerated puts a text between a file's markers.
func replaceGenerated(t *testing.T, text, comment, generated string) string {
	t.Helper()
	begin, end := comment+" generated: begin\n", comment+" generated: end"
	head, rest, found := strings.Cut(text, begin)
	_, tail, closed := strings.Cut(rest, end)
	if !found || !closed {
		t.Fatalf("the markers %q and %q are gone", begin, end)
	}
	indent := head[strings.LastIndexByte(head, '\n')+1:]
	return head + begin + generated + indent + end + tail
}

// cueDefinitions are the policy's part that comes from the catalogue.
func cueDefinitions(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, kind := range []string{"source", "destination"} {
		writeActor(&b, kind, catalogue(t, kind))
	}
	for _, kind := range []string{"source", "destination"} {
		for _, c := range catalogue(t, kind) {
			fmt.Fprintf(&b, "\n// %s.\n%s: {\n", c.Title, definition(c.Name))
			mandatory, tree := c.mandatory(), secrets(c.Schema)
			for _, name := range mandatory {
				if tree[name] == nil {
					fmt.Fprintf(&b, "\t%s!: #Given\n", name)
				}
			}
			writeSecrets(&b, tree, mandatory, "\t")
			b.WriteString("\t...\n}\n")
		}
	}
	return b.String()
}

// definition is a connector's name in CUE.
func definition(name string) string { return "#" + strings.ReplaceAll(name, "-", "_") }

// writeActor writes which connectors there are, and which definition each one's configuration must meet.
func writeActor(b *strings.Builder, kind string, all []connector) {
	title := strings.ToUpper(kind[:1]) + kind[1:]
	names := make([]string, len(all))
	for i, c := range all {
		names[i] = strings.TrimPrefix(c.Name, kind+"-")
	}
	fmt.Fprintf(b, "\n#%ss: =~\"(?i)^([^/]+/)*%s-(%s)([:@].+)?$\"\n", title, kind, strings.Join(names, "|"))
	fmt.Fprintf(b, "\n#%s: {\n\tname!: #Text\n\t// With or without a version.\n\tconnector?: #%ss\n\t// A connector of your own.\n\tdefinitionId?: #UUID\n", title, title)
	fmt.Fprintf(b, "\tconnectionConfiguration!: {...}\n")
	standard := map[string]string{"source": "source-file", "destination": "destination-snowflake"}[kind]
	fmt.Fprintf(b, "\tif connector == _|_ if definitionId == _|_ {\n\t\tconnectionConfiguration: %s\n\t}\n", definition(standard))
	for _, c := range all {
		fmt.Fprintf(b, "\tif connector != _|_ if connector =~ \"(?i)^([^/]+/)*%s([:@].+)?$\" {\n\t\tconnectionConfiguration: %s\n\t}\n", c.Name, definition(c.Name))
	}
	b.WriteString("}\n")
}

func writeSecrets(b *strings.Builder, tree map[string]any, mandatory []string, indent string) {
	for _, name := range slices.Sorted(maps.Keys(tree)) {
		mark := "?"
		if slices.Contains(mandatory, name) {
			mark = "!"
		}
		inner, isTree := tree[name].(map[string]any)
		if !isTree {
			fmt.Fprintf(b, "%s%s%s: #Secret\n", indent, name, mark)
			continue
		}
		fmt.Fprintf(b, "%s%s%s: null | {\n", indent, name, mark)
		writeSecrets(b, inner, nil, indent+"\t")
		fmt.Fprintf(b, "%s\t...\n%s}\n", indent, indent)
	}
}
