package catalog

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

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
	provided  []provision
	forbidden map[string]string
	dropped   map[string]string
}

// fieldValue is a value for the field at a dot path.
type fieldValue struct {
	Field string `yaml:"field"`
	Value any    `yaml:"value"`
}

// provision is a value that the platform gives.
type provision struct {
	fieldValue
	// OnlyWith is a field in which the platform's value must stand, too: its
	// credentials are for its own host.
	OnlyWith string
	// onlyBeside is what other fields must be beside it.
	onlyBeside []demand

	filled any      // the value with the settings in it
	unset  []string // required settings that are not set: the value is then of no use
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
	specification, err := parseSchema(document)
	if err != nil {
		return &lineError{file.Schema.Line, strings.ReplaceAll(err.Error(), "\n", " ")}
	}
	p.specification = specification
	for _, name := range specification.schema.Required {
		if specification.schema.anyProperty(name) == nil {
			return &lineError{file.Schema.Line, fmt.Sprintf("the schema requires the field %q, which it does not have%s", name, didYouMean(name, specification.schema.fields(nil)))}
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
		if holdsSetting(value) {
			return &lineError{node.Line, field + ": holds a setting, of which defaults know nothing; expected it in provided"}
		}
		if reason := wrongReference(field, value); reason != "" {
			return &lineError{node.Line, reason}
		}
		p.defaults = append(p.defaults, fieldValue{field, value})
		if err := p.knowsField(field, node.Line); err != nil {
			return err
		}
		return p.takes(field, value, node.Line)
	})
}

// takes refuses a value that the file's own schema does not allow in a field.
// What else the schema misses there is not the value's fault.
func (p *Profile) takes(field string, value any, line int) error {
	if p.specification == nil {
		return nil
	}
	configuration := map[string]any{}
	setPath(configuration, field, value)
	later := referring(configuration)
	for _, problem := range p.specification.Check(p.specification.Coerce(configuration)) {
		if under(problem.Path, []string{field}) && !under(problem.Path, later) {
			return &lineError{line, "the schema refuses this value: " + problem.String()}
		}
	}
	return nil
}

func (p *Profile) readForbidden(file *profileFile) error {
	p.forbidden = map[string]string{}
	return eachField("forbidden", &file.Forbidden, func(field string, node *yaml.Node) error {
		if node.Kind != yaml.ScalarNode || node.Tag == "!!null" {
			return &lineError{node.Line, "forbidden." + field + " gives no reason; expected a text for people"}
		}
		p.forbidden[field] = node.Value
		return p.knowsField(field, node.Line)
	})
}

func (p *Profile) readDerived(file *profileFile) error {
	return eachField("derived", &file.Derived, func(field string, node *yaml.Node) error {
		if node.Kind != yaml.ScalarNode {
			return &lineError{node.Line, "the expression for " + field + " is wrong: expected a text"}
		}
		program, err := compile(node.Value)
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
		if err := p.readEntry(node); err != nil {
			return err
		}
	}
	return nil
}

// readEntry reads one entry of provided.
func (p *Profile) readEntry(node *yaml.Node) error {
	var entry struct {
		Field      string    `yaml:"field"`
		Value      yaml.Node `yaml:"value"`
		OnlyWith   string    `yaml:"onlyWith"`
		OnlyBeside yaml.Node `yaml:"onlyBeside"`
	}
	if err := node.Decode(&entry); err != nil || entry.Field == "" || entry.Value.IsZero() {
		return &lineError{node.Line, "an entry of provided needs a field and a value"}
	}
	keys := []string{"field", "value", "onlyWith", "onlyBeside"}
	for i := 0; i < len(node.Content); i += 2 {
		if key := node.Content[i]; !slices.Contains(keys, key.Value) {
			return &lineError{key.Line, fmt.Sprintf("%.60q is not a key of an entry of provided%s", key.Value, didYouMean(key.Value, keys))}
		}
	}
	value, err := valueOf(&entry.Value)
	if err != nil {
		return err
	}
	if reason := wrongReference(entry.Field, value); reason != "" {
		return &lineError{entry.Value.Line, reason}
	}
	if entry.OnlyWith != "" && !slices.ContainsFunc(p.provided, func(before provision) bool { return before.Field == entry.OnlyWith }) {
		return &lineError{node.Line, fmt.Sprintf("onlyWith: %.60q is provided by no entry before this one", entry.OnlyWith)}
	}
	demands, err := p.readDemands(&entry.OnlyBeside)
	if err != nil {
		return err
	}
	p.provided = append(p.provided, provision{fieldValue: fieldValue{entry.Field, value}, OnlyWith: entry.OnlyWith, onlyBeside: demands})
	return p.knowsField(entry.Field, node.Line)
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
	for _, entry := range p.provided {
		unrequire(value, strings.Split(entry.Field, "."))
	}
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	p.relaxed, err = parseSchema(raw)
	return err
}

// unrequire takes the field at a path, and what holds it, out of what a schema and
// its alternatives require.
func unrequire(value any, path []string) {
	document := object(value)
	if document == nil {
		return
	}
	if names, ok := document["required"].([]any); ok {
		document["required"] = slices.DeleteFunc(names, func(name any) bool { return name == path[0] })
	}
	if len(path) > 1 {
		unrequire(object(document["properties"])[path[0]], path[1:])
	}
	for _, keyword := range []string{"oneOf", "anyOf", "allOf"} {
		parts, _ := document[keyword].([]any)
		for _, part := range parts {
			unrequire(part, path)
		}
	}
}

// readExample checks the example as a descriptor's configuration is, since people
// start from it; the fields that it must have may still be missing.
func (p *Profile) readExample(file *profileFile) error {
	if file.Example.IsZero() {
		return nil
	}
	value, err := valueOf(&file.Example)
	if err != nil {
		return err
	}
	example, isMapping := value.(map[string]any)
	if !isMapping && value != nil {
		return file.wrong("example", "example is no mapping of fields to values")
	}
	p.Example = example
	if p.specification == nil {
		return nil
	}
	var literal error
	p.form().literals("", example, false, func(path, text string) {
		literal = file.wrong("example", "%s", literalProblem(path, text).String())
	})
	if literal != nil {
		return literal
	}
	return eachField("example", &file.Example, func(field string, node *yaml.Node) error {
		if err := p.knowsField(field, node.Line); err != nil {
			return err
		}
		return p.takes(field, example[field], node.Line)
	})
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
