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

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/vm"
	"github.com/google/uuid"
	"gopkg.in/yaml.v3"
)

// Role says on which side of a connection a connector stands.
type Role string

// The roles, as descriptors and Airbyte name them.
const (
	Source      Role = "source"
	Destination Role = "destination"
)

// Profile is what the catalogue knows of one connector.
type Profile struct {
	Name         string // such as source-postgres; without a version
	Role         Role
	DefinitionID string // "" where the workspace is searched for the name
	Title        string
	Help         string // for people, a few sentences
	// Example is a connectionConfiguration to start from.
	Example map[string]any

	specification *Specification // nil: only the connector's own
	// relaxed is the specification without what settings provide; for the API.
	relaxed   *Specification
	defaults  []fieldValue
	derived   []derivation
	provided  []fieldValue
	forbidden map[string]string
	dropped   map[string]string
}

// fieldValue is a value for the field at a dot path.
type fieldValue struct {
	Field string `yaml:"field"`
	Value any    `yaml:"value"`
}

// derivation computes a field's value.
type derivation struct {
	field   string
	program *vm.Program
}

// facts are what an expression can see.
type facts struct {
	Value       any               `expr:"value"`  // what the field holds; nil if absent or ""
	Config      map[string]any    `expr:"config"` // the whole configuration
	DataProduct map[string]string `expr:"dataProduct"`
	Component   map[string]string `expr:"component"`
}

// slug is a function for expressions: a text as databases like names, in lower
// case with an underscore for everything that is no letter or digit.
var slug = expr.Function("slug", func(parameters ...any) (any, error) {
	text, _ := parameters[0].(string)
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(text), "_"), "_"), nil
}, new(func(string) string))

var notWord = regexp.MustCompile(`[^\p{L}\p{N}]+`)

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
	Forbidden    map[string]string `yaml:"forbidden"`
	Dropped      map[string]string `yaml:"dropped"`
	Example      map[string]any    `yaml:"example"`
}

// lineError is what is wrong with a file, and where.
type lineError struct {
	line   int
	reason string
}

// Error names the line.
func (e *lineError) Error() string { return fmt.Sprintf("line %d: %s", e.line, e.reason) }

var profileName = regexp.MustCompile(`^(source|destination)-[a-z0-9]+(-[a-z0-9]+)*$`)

// parseProfile reads one file; its error names the line where that is known.
func parseProfile(data []byte) (*Profile, error) {
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	var file profileFile
	if err := decoder.Decode(&file); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, errors.New("the file is empty")
		}
		return nil, errors.New(strings.TrimPrefix(strings.ReplaceAll(err.Error(), "\n", " "), "yaml: "))
	}
	if err := file.checkHead(); err != nil {
		return nil, err
	}
	profile := &Profile{
		Name: file.Name, Role: file.Kind, DefinitionID: file.DefinitionID, Title: file.Title, Help: strings.TrimSpace(file.Help),
		forbidden: file.Forbidden, dropped: file.Dropped,
	}
	steps := []func(*profileFile) error{
		profile.readSchema, profile.readDefaults, profile.readDerived, profile.readProvided, profile.relax, profile.readExample,
	}
	for _, step := range steps {
		if err := step(&file); err != nil {
			return nil, err
		}
	}
	return profile, nil
}

func (f *profileFile) checkHead() error {
	switch {
	case !profileName.MatchString(f.Name):
		return fmt.Errorf("name is %q; expected source-NAME or destination-NAME in lower case", f.Name)
	case f.Kind != Source && f.Kind != Destination:
		return fmt.Errorf("kind is %q; expected source or destination", f.Kind)
	case !strings.HasPrefix(f.Name, string(f.Kind)+"-"):
		return fmt.Errorf("name %q does not begin with its kind, %s-", f.Name, f.Kind)
	}
	if f.DefinitionID == "" {
		return nil
	}
	id, err := uuid.Parse(f.DefinitionID)
	if err != nil {
		return fmt.Errorf("definitionId is %q; expected a UUID", f.DefinitionID)
	}
	f.DefinitionID = id.String()
	return nil
}

func (p *Profile) readSchema(file *profileFile) error {
	if file.Schema.IsZero() {
		return nil
	}
	document, err := jsonOf(&file.Schema) // finds anchors that hold themselves
	if err != nil {
		return err
	}
	if err := checkKeywords(&file.Schema); err != nil {
		return err
	}
	specification, err := ParseSpecification(document)
	if err != nil {
		return &lineError{file.Schema.Line, strings.ReplaceAll(err.Error(), "\n", " ")}
	}
	p.specification = specification
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

func (p *Profile) readDefaults(file *profileFile) error {
	return eachField("defaults", &file.Defaults, func(field string, node *yaml.Node) error {
		value, err := valueOf(node)
		if err != nil {
			return err
		}
		p.defaults = append(p.defaults, fieldValue{field, value})
		return p.knowsField(field, node.Line)
	})
}

func (p *Profile) readDerived(file *profileFile) error {
	return eachField("derived", &file.Derived, func(field string, node *yaml.Node) error {
		program, err := expr.Compile(node.Value, expr.Env(facts{}), slug)
		if err != nil {
			return &lineError{node.Line, "the expression for " + field + " is wrong: " + strings.Join(strings.Fields(err.Error()), " ")}
		}
		p.derived = append(p.derived, derivation{field, program})
		return p.knowsField(field, node.Line)
	})
}

func (p *Profile) readProvided(file *profileFile) error {
	if file.Provided.IsZero() {
		return nil
	}
	if file.Provided.Kind != yaml.SequenceNode {
		return &lineError{file.Provided.Line, "provided is no list of {field, value}"}
	}
	for _, node := range file.Provided.Content {
		var entry struct {
			Field string    `yaml:"field"`
			Value yaml.Node `yaml:"value"`
		}
		if err := node.Decode(&entry); err != nil || entry.Field == "" || entry.Value.IsZero() {
			return &lineError{node.Line, "an entry of provided needs a field and a value"}
		}
		value, err := valueOf(&entry.Value)
		if err != nil {
			return err
		}
		if name := unknownSetting(value); name != "" {
			return &lineError{entry.Value.Line, fmt.Sprintf("there is no setting %q; known are %s", name, strings.Join(SettingNames(), ", "))}
		}
		p.provided = append(p.provided, fieldValue{entry.Field, value})
		if err := p.knowsField(entry.Field, node.Line); err != nil {
			return err
		}
	}
	return nil
}

// relax makes the specification for a check before settings are put in: it does
// not require the fields that they provide.
func (p *Profile) relax(file *profileFile) error {
	p.relaxed = p.specification
	if p.specification == nil || len(p.provided) == 0 {
		return nil
	}
	value, err := valueOf(&file.Schema)
	if err != nil {
		return err
	}
	document := object(value)
	var required []any
	for _, name := range p.specification.schema.Required {
		if !slices.ContainsFunc(p.provided, func(entry fieldValue) bool { return entry.Field == name }) {
			required = append(required, name)
		}
	}
	if document["required"] = required; required == nil {
		delete(document, "required")
	}
	raw, err := json.Marshal(document)
	if err != nil {
		return err
	}
	p.relaxed, err = ParseSpecification(raw)
	return err
}

func (p *Profile) readExample(file *profileFile) error {
	if file.Example == nil {
		return nil
	}
	document, err := json.Marshal(file.Example)
	if err != nil {
		return fmt.Errorf("example holds what JSON cannot: %w", err)
	}
	value, err := decodeJSON(document)
	p.Example = object(value)
	return err
}

// knowsField refuses a field that the file's own schema does not have.
func (p *Profile) knowsField(field string, line int) error {
	if p.specification == nil {
		return nil
	}
	at := p.specification.schema
	for key := range strings.SplitSeq(field, ".") {
		next := at.anyProperty(key)
		if next == nil {
			return &lineError{line, fmt.Sprintf("the schema has no field %q%s", field, didYouMean(key, at.fields(nil)))}
		}
		at = next
	}
	return nil
}

// anyProperty is a property of the schema or of any of its alternatives.
func (s *schema) anyProperty(name string) *schema {
	if found := s.Properties[name]; found != nil {
		return found
	}
	for _, branch := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		if found := branch.anyProperty(name); found != nil {
			return found
		}
	}
	return s.Additional
}
