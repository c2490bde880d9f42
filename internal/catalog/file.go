package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"
)

// profileFile is a connector's file. Unknown keys are errors.
type profileFile struct {
	Name         string            `yaml:"name"`
	Kind         Role              `yaml:"kind"`
	DefinitionID string            `yaml:"definitionId"`
	Title        string            `yaml:"title"`
	Help         string            `yaml:"help"`
	Schema       yaml.Node         `yaml:"schema"`
	Defaults     yaml.Node         `yaml:"defaults"`
	Derived      yaml.Node         `yaml:"derived"`
	Provided     yaml.Node         `yaml:"provided"`
	Forbidden    yaml.Node         `yaml:"forbidden"`
	Dropped      map[string]string `yaml:"dropped"`
	Example      yaml.Node         `yaml:"example"`

	lines map[string]int // of the file's keys
}

// fileKeys are the keys of profileFile.
var fileKeys = []string{"name", "kind", "definitionId", "title", "help", "schema", "defaults", "derived", "provided", "forbidden", "dropped", "example"}

// lineError is what is wrong with a file, and where.
type lineError struct {
	line   int
	reason string
}

// Error names the line.
func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

var profileName = regexp.MustCompile(`^(source|destination)-[a-z0-9]+(-[a-z0-9]+)*$`)

// parseProfile reads the file of that name; its error names the line.
func parseProfile(name string, data []byte) (*Profile, error) {
	file, err := readFile(data)
	if err != nil {
		return nil, err
	}
	if err := file.checkHead(name); err != nil {
		return nil, err
	}
	profile := &Profile{
		Name: file.Name, Role: file.Kind, DefinitionID: file.DefinitionID, Title: file.Title, Help: strings.TrimSpace(file.Help),
		dropped: file.Dropped,
	}
	steps := []func(*profileFile) error{
		profile.readSchema, profile.readDefaults, profile.readDerived, profile.readProvided, profile.readForbidden, profile.relax, profile.readExample,
	}
	for _, step := range steps {
		if err := step(file); err != nil {
			return nil, err
		}
	}
	return profile, nil
}

// readFile decodes a file, which is one mapping with known keys.
func readFile(data []byte) (*profileFile, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	var document, another yaml.Node
	if err := decoder.Decode(&document); errors.Is(err, io.EOF) {
		return nil, &lineError{1, "the file is empty"}
	} else if err != nil {
		return nil, yamlError(err)
	}
	root := document.Content[0]
	if root.Kind != yaml.MappingNode {
		return nil, &lineError{root.Line, "the file is no mapping; expected name, kind and what else is known of the connector"}
	}
	if err := decoder.Decode(&another); err == nil {
		return nil, &lineError{another.Content[0].Line, "the file holds another document; expected one connector in a file"}
	} else if !errors.Is(err, io.EOF) {
		return nil, yamlError(err)
	}
	file := &profileFile{lines: map[string]int{"": root.Line}}
	for i := 0; i < len(root.Content); i += 2 {
		key := root.Content[i]
		if !slices.Contains(fileKeys, key.Value) {
			return nil, &lineError{key.Line, fmt.Sprintf("%.60q is not a key of a connector's file%s", key.Value, didYouMean(key.Value, fileKeys))}
		}
		file.lines[key.Value] = key.Line
	}
	if err := root.Decode(file); err != nil {
		return nil, yamlError(err)
	}
	return file, nil
}

// yamlError is an error of the YAML library on one line; each begins with the line where that is known.
func yamlError(err error) error {
	var several *yaml.TypeError
	if errors.As(err, &several) {
		return errors.New(strings.Join(several.Errors, "; "))
	}
	return errors.New(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: "))
}

// wrong is an error about one of the file's keys.
func (f *profileFile) wrong(key, format string, args ...any) error {
	line := f.lines[key]
	if line == 0 {
		line = f.lines[""]
	}
	return &lineError{line, fmt.Sprintf(format, args...)}
}

func (f *profileFile) checkHead(name string) error {
	switch {
	case !profileName.MatchString(f.Name):
		return f.wrong("name", "name is %q; expected source-NAME or destination-NAME in lower case", f.Name)
	case f.Name != name:
		return f.wrong("name", "name is %q; expected that of the file, %q", f.Name, name)
	case f.Kind != Source && f.Kind != Destination:
		return f.wrong("kind", "kind is %q; expected source or destination", f.Kind)
	case !strings.HasPrefix(f.Name, string(f.Kind)+"-"):
		return f.wrong("kind", "name %q does not begin with its kind, %s-", f.Name, f.Kind)
	}
	if f.DefinitionID == "" {
		return nil
	}
	id, err := uuid.Parse(f.DefinitionID)
	if err != nil {
		return f.wrong("definitionId", "definitionId is %q; expected a UUID", f.DefinitionID)
	}
	f.DefinitionID = id.String()
	return nil
}

// keywords are what a schema in a connector's file may hold. JSON Schema ignores
// what it does not know, and so would hide a misspelt or unquoted text.
var keywords = []string{
	"type", "title", "description", "properties", "required", "enum", "const", "default", "examples", "oneOf", "anyOf", "allOf",
	"items", "additionalProperties", "airbyte_secret", "contentMediaType", "format", "pattern", "minimum", "maximum",
	"minLength", "maxLength", "minItems", "maxItems", "uniqueItems", "order", "group", "multiline", "always_show", "airbyte_hidden",
}

// checkKeywords refuses a schema, or one within it, that holds an unknown keyword.
func checkKeywords(node *yaml.Node) error {
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i], node.Content[i+1]
		if !slices.Contains(keywords, key.Value) {
			return &lineError{key.Line, fmt.Sprintf("%q is no keyword of a schema%s", key.Value, didYouMean(key.Value, keywords))}
		}
		var inner []*yaml.Node
		switch key.Value {
		case "properties":
			for j := 1; j < len(value.Content); j += 2 {
				if value.Content[j-1].Tag != "!!merge" {
					inner = append(inner, value.Content[j])
				}
			}
		case "oneOf", "anyOf", "allOf":
			inner = value.Content
		case "items", "additionalProperties":
			inner = []*yaml.Node{value}
		}
		for _, each := range inner {
			if err := checkKeywords(each); err != nil {
				return err
			}
		}
	}
	return nil
}

// jsonOf writes a node as JSON.
func jsonOf(node *yaml.Node) (json.RawMessage, error) {
	var value any
	if err := node.Decode(&value); err != nil {
		return nil, &lineError{node.Line, strings.TrimPrefix(err.Error(), "yaml: ")}
	}
	document, err := json.Marshal(value)
	if err != nil {
		return nil, &lineError{node.Line, "holds what JSON cannot: " + err.Error()}
	}
	return document, nil
}

// valueOf reads a node as a configuration holds it.
func valueOf(node *yaml.Node) (any, error) {
	document, err := jsonOf(node)
	if err != nil {
		return nil, err
	}
	return decodeJSON(document)
}

func decodeJSON(document []byte) (any, error) {
	decoder := json.NewDecoder(bytes.NewReader(document))
	decoder.UseNumber()
	var value any
	err := decoder.Decode(&value)
	return value, err
}

// eachField visits the keys of a mapping in the order of the file.
func eachField(section string, node *yaml.Node, visit func(field string, value *yaml.Node) error) error {
	if node.IsZero() {
		return nil
	}
	if node.Kind == yaml.AliasNode {
		node = node.Alias
	}
	if node.Kind != yaml.MappingNode {
		return &lineError{node.Line, section + " is no mapping of fields to values"}
	}
	for i := 0; i+1 < len(node.Content); i += 2 {
		if err := visit(node.Content[i].Value, node.Content[i+1]); err != nil {
			return err
		}
	}
	return nil
}
