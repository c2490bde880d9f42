package checks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	yamlv3 "gopkg.in/yaml.v3"
	"sigs.k8s.io/yaml"
)

const templateFile = root + "/deploy/witboost/template/template.yaml"

// custom is what people choose for a connector that is not in the catalogue.
const custom = "custom"

// formField turns a field of the catalogue's schema into one of a form: what the
// form's library does not know is left out, and a secret is asked for by its name.
func formField(schema map[string]any, fallback any) map[string]any {
	field := map[string]any{}
	for _, keyword := range []string{"type", "title", "description", "enum", "const", "minimum", "maximum"} {
		if value, ok := schema[keyword]; ok {
			field[keyword] = value
		}
	}
	if fallback != nil {
		field["default"] = fallback
	}
	if schema["airbyte_secret"] == true {
		field = map[string]any{
			"type": "string", "title": schema["title"], "pattern": `^\$\{secret:[A-Za-z0-9_][A-Za-z0-9._-]*\}$`,
			"ui:placeholder": "${secret:NAME}", "description": "The name of a secret, as ${secret:NAME}",
		}
		if more, ok := schema["description"]; ok {
			field["description"] = fmt.Sprintf("%s. %s", more, field["description"])
		}
	}
	if only, ok := field["const"]; ok { // the form fills in what marks a choice
		field["default"], field["ui:readonly"] = only, true
	}
	if values, ok := field["enum"].([]any); ok && len(values) == 1 {
		field["default"], field["ui:readonly"] = values[0], true
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		field["properties"] = formFields(properties)
	}
	if required, ok := schema["required"]; ok {
		field["required"] = required
	}
	if items, ok := schema["items"].(map[string]any); ok {
		field["items"] = formField(items, nil)
	}
	for _, keyword := range []string{"oneOf", "anyOf"} {
		branches, _ := schema[keyword].([]any)
		for _, b := range branches {
			branch, _ := b.(map[string]any)
			list, _ := field[keyword].([]any)
			field[keyword] = append(list, formField(branch, nil))
		}
	}
	return field
}

func formFields(properties map[string]any) map[string]any {
	fields := map[string]any{}
	for name, p := range properties {
		property, _ := p.(map[string]any)
		fields[name] = formField(property, nil)
	}
	return fields
}

// configurationForm asks for what a connector needs from a descriptor.
func (c connector) configurationForm() map[string]any {
	properties, _ := c.Schema["properties"].(map[string]any)
	fields := map[string]any{}
	for name, p := range properties {
		property, _ := p.(map[string]any)
		if !c.provided(name) {
			fields[name] = formField(property, c.Defaults[name])
		}
	}
	form := map[string]any{"type": "object", "title": c.Title, "description": strings.Join(strings.Fields(c.Help), " "), "properties": fields}
	if mandatory := c.mandatory(); len(mandatory) > 0 {
		form["required"] = mandatory
		form["ui:order"] = append(slices.Clone(mandatory), "*")
	}
	return form
}

// page is the form's page for the source or the destination.
func page(t *testing.T, kind, name, standard string) map[string]any {
	t.Helper()
	all := catalogue(t, kind)
	title := strings.ToUpper(kind[:1]) + kind[1:]
	names, titles := []string{}, []string{}
	var branches []any
	chosen := func(name string, then map[string]any) map[string]any {
		return map[string]any{
			"if":   map[string]any{"properties": map[string]any{kind + "Connector": map[string]any{"const": name}}, "required": []string{kind + "Connector"}},
			"then": then,
		}
	}
	for _, c := range all {
		names, titles = append(names, c.Name), append(titles, c.Title)
		branches = append(branches, chosen(c.Name, map[string]any{
			"properties": map[string]any{kind + "Configuration": c.configurationForm()},
			"required":   []string{kind + "Configuration"},
		}))
	}
	branches = append(branches, chosen(custom, map[string]any{
		"properties": map[string]any{
			kind + "DefinitionId": map[string]any{
				"type": "string", "title": "Definition Id", "description": "Id of the connector's definition in Airbyte",
				"pattern": "^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$",
			},
			kind + "ConfigurationText": map[string]any{
				"type": "string", "title": "Configuration", "description": "The connector's configuration as YAML; secrets as ${secret:NAME}",
				"ui:options": map[string]any{"multiline": true, "rows": 12},
			},
		},
		"required": []string{kind + "DefinitionId", kind + "ConfigurationText"},
	}))
	return map[string]any{
		"title":    title,
		"required": []string{kind + "Name", kind + "Connector"},
		"properties": map[string]any{
			kind + "Name": map[string]any{"type": "string", "title": title + " Name", "description": "How it is called in Airbyte", "default": name},
			kind + "Connector": map[string]any{
				"type": "string", "title": "Connector", "default": standard,
				"enum": append(names, custom), "enumNames": append(titles, "Another one, by its definition id"),
			},
		},
		"allOf": branches,
	}
}

// pages are both, as they stand in the template.
func pages(t *testing.T) string {
	t.Helper()
	var b bytes.Buffer
	encoder := yamlv3.NewEncoder(&b)
	encoder.SetIndent(2)
	both := []any{page(t, "source", "Source", "source-file"), page(t, "destination", "Destination", "destination-snowflake")}
	if err := encoder.Encode(legible(t, both)); err != nil {
		t.Fatal(err)
	}
	return regexp.MustCompile(`(?m)^(.)`).ReplaceAllString(b.String(), "    $1")
}

// first are the keys that people want to read first.
var first = []string{"title", "if", "then", "type", "description", "const", "default", "required", "ui:order"}

// legible writes a value as people would: what says what it is comes first, and
// what has no parts of its own stands on one line.
func legible(t *testing.T, value any) *yamlv3.Node {
	t.Helper()
	node := &yamlv3.Node{}
	switch v := value.(type) {
	case map[string]any:
		node.Kind = yamlv3.MappingNode
		keys := slices.Sorted(maps.Keys(v))
		slices.SortStableFunc(keys, func(a, b string) int { return rank(a) - rank(b) })
		for _, key := range keys {
			name := &yamlv3.Node{}
			name.SetString(key)
			node.Content = append(node.Content, name, legible(t, v[key]))
		}
	case []any:
		node.Kind = yamlv3.SequenceNode
		for _, each := range v {
			node.Content = append(node.Content, legible(t, each))
		}
	default:
		if err := node.Encode(v); err != nil {
			t.Fatal(err)
		}
		if text, ok := v.(string); ok && oldBoolean.MatchString(text) {
			node.Style = yamlv3.DoubleQuotedStyle
		}
	}
	if node.Kind != yamlv3.ScalarNode && !hasParts(node) {
		node.Style = yamlv3.FlowStyle
	}
	return node
}

// oldBoolean are texts that some readers of YAML take for true or false.
var oldBoolean = regexp.MustCompile(`^(?i:y|n|yes|no|on|off)$`)

// hasParts reports whether the node holds mappings, at any depth.
func hasParts(node *yamlv3.Node) bool {
	return slices.ContainsFunc(node.Content, func(n *yamlv3.Node) bool {
		return n.Kind == yamlv3.MappingNode && len(n.Content) > 0 || hasParts(n)
	})
}

func rank(key string) int {
	if at := slices.Index(first, key); at >= 0 {
		return at
	}
	return len(first)
}

// The form's pages for source and destination are the catalogue's.
func TestFormFollowsTheCatalogue(t *testing.T) {
	t.Parallel()
	text := string(read(t, templateFile))
	golden(t, templateFile, []byte(replaceGenerated(t, text, "#", pages(t))))
}

// template is the part of a Backstage template that is looked at.
type template struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Spec       struct {
		Parameters []map[string]any `json:"parameters"`
		Steps      []struct {
			Action string `json:"action"`
			Input  struct {
				URL    string            `json:"url"`
				Values map[string]string `json:"values"`
			} `json:"input"`
		} `json:"steps"`
	} `json:"spec"`
}

func readTemplate(t *testing.T) template {
	t.Helper()
	var form template
	if err := yaml.Unmarshal(read(t, templateFile), &form); err != nil {
		t.Fatal(err)
	}
	return form
}

// asked are the names of a page's fields, those of its branches included.
func asked(schema map[string]any, into map[string]bool) {
	properties, _ := schema["properties"].(map[string]any)
	for name := range properties {
		into[name] = true
	}
	branches, _ := schema["allOf"].([]any)
	for _, b := range branches {
		branch, _ := b.(map[string]any)
		if then, ok := branch["then"].(map[string]any); ok {
			asked(then, into)
		}
	}
}

// What the form asks for is what the template hands on, and the skeleton uses nothing else.
func TestTemplateHandsOnWhatItAsks(t *testing.T) {
	t.Parallel()
	form := readTemplate(t)
	if form.APIVersion != "scaffolder.backstage.io/v1beta3" || form.Kind != "Template" {
		t.Errorf("it is a %s of %s", form.Kind, form.APIVersion)
	}
	fields := map[string]bool{}
	for _, page := range form.Spec.Parameters {
		asked(page, fields)
	}
	parameter := regexp.MustCompile(`parameters\.(\w+)`)
	values := form.Spec.Steps[0].Input.Values
	handed := map[string]bool{"rootDirectory": true}
	for name, text := range values {
		for _, match := range parameter.FindAllStringSubmatch(text, -1) {
			if !fields[match[1]] {
				t.Errorf("%s: nothing asks for %s", name, match[1])
			}
			handed[match[1]] = true
		}
	}
	for name := range fields {
		if !handed[name] {
			t.Errorf("%s is asked for and not used", name)
		}
	}
	skeleton := string(read(t, filepath.Dir(templateFile), form.Spec.Steps[0].Input.URL, "catalog-info.yaml"))
	for _, match := range regexp.MustCompile(`values\.(\w+)`).FindAllStringSubmatch(skeleton, -1) {
		if _, ok := values[match[1]]; !ok {
			t.Errorf("the skeleton has no value %s", match[1])
		}
	}
	for name := range values {
		if !strings.Contains(skeleton, "values."+name) {
			t.Errorf("the skeleton does nothing with %s", name)
		}
	}
}

// A form that is filled in as a reference descriptor is accepted.
func TestFormTakesTheReferenceDescriptors(t *testing.T) {
	t.Parallel()
	forms := map[string]*jsonschema.Schema{}
	for _, p := range readTemplate(t).Spec.Parameters {
		for _, kind := range []string{"source", "destination"} {
			if p["title"] == strings.ToUpper(kind[:1])+kind[1:] {
				forms[kind] = compile(t, p)
			}
		}
	}
	files, err := filepath.Glob(root + "/deploy/witboost/reference/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no reference descriptors", err)
	}
	for _, file := range files {
		var c struct {
			Specific map[string]struct {
				Name                    string
				Connector               string         `json:"connector"`
				DefinitionID            string         `json:"definitionId"`
				ConnectionConfiguration map[string]any `json:"connectionConfiguration"`
			} `json:"specific"`
		}
		if err := yaml.Unmarshal(read(t, file), &c); err != nil {
			t.Fatal(err)
		}
		for kind, standard := range map[string]string{"source": "source-file", "destination": "destination-snowflake"} {
			actor := c.Specific[kind]
			answers := map[string]any{kind + "Name": actor.Name, kind + "Connector": standard, kind + "Configuration": actor.ConnectionConfiguration}
			switch {
			case actor.Connector != "":
				answers[kind+"Connector"] = actor.Connector
			case actor.DefinitionID != "":
				answers = map[string]any{kind + "Name": actor.Name, kind + "Connector": custom, kind + "DefinitionId": actor.DefinitionID, kind + "ConfigurationText": "a: b"}
			}
			if err := forms[kind].Validate(plain(t, answers)); err != nil {
				t.Errorf("%s, %s: %v", filepath.Base(file), kind, err)
			}
			answers[kind+"Connector"] = "source-of-nothing"
			if forms[kind].Validate(plain(t, answers)) == nil {
				t.Errorf("%s, %s: any connector is accepted", filepath.Base(file), kind)
			}
		}
	}
}

func compile(t *testing.T, schema map[string]any) *jsonschema.Schema {
	t.Helper()
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("form.json", plain(t, schema)); err != nil {
		t.Fatal(err)
	}
	compiled, err := compiler.Compile("form.json")
	if err != nil {
		t.Fatal(err)
	}
	return compiled
}

// plain is a value as a JSON decoder gives it.
func plain(t *testing.T, value any) any {
	t.Helper()
	text, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	decoded, err := jsonschema.UnmarshalJSON(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return decoded
}

// The form offers each connector of the catalogue.
func TestFormOffersTheCatalogue(t *testing.T) {
	t.Parallel()
	offered := map[string]bool{}
	for _, p := range readTemplate(t).Spec.Parameters {
		properties, _ := p["properties"].(map[string]any)
		for _, name := range slices.Sorted(maps.Keys(properties)) {
			if field, _ := properties[name].(map[string]any); strings.HasSuffix(name, "Connector") {
				names, _ := field["enum"].([]any)
				for _, n := range names {
					offered[fmt.Sprint(n)] = true
				}
			}
		}
	}
	for _, kind := range []string{"source", "destination"} {
		for _, c := range catalogue(t, kind) {
			if !offered[c.Name] {
				t.Errorf("%s cannot be chosen", c.Name)
			}
		}
	}
}
