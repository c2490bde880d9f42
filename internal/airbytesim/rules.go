package airbytesim

import (
	_ "embed" // the rules are a data file
	"encoding/json"
	"fmt"
	"maps"
	"net/mail"
	"slices"
	"strings"
	"sync"
	"time"

	"gopkg.in/yaml.v3"
)

//go:embed rules.yaml
var rulesFile []byte

// rules say what the body of each operation may hold.
type rules struct {
	get   []string         // operations that are GET and have no body
	shape map[string]shape // by operation
}

// shape is what one value may look like.
type shape interface {
	// check returns nil or what is wrong; path names the value for people.
	check(path string, value any) *refusal
}

// refusal says why a request breaks the contract.
type refusal struct {
	path    string
	message string
	null    bool // an explicit null that makes the server stumble instead of refuse
}

type (
	scalar string   // uuid, string, integer, boolean, object, date-time, email
	choice []string // an enumeration
	list   struct{ of shape }
	union  []shape
	object struct {
		fields map[string]field
		names  []string // of the fields, sorted, so that the same fault is always the one reported
	}
	field struct {
		shape    shape
		required bool
		nonNull  bool
	}
)

// loadRules reads the embedded description, once: nothing changes rules. A fault
// in it is a fault of this package.
var loadRules = sync.OnceValues(readRules)

func readRules() (*rules, error) {
	var file struct {
		Get        []string          `yaml:"get"`
		Operations map[string]string `yaml:"operations"`
		Types      map[string]any    `yaml:"types"`
	}
	if err := yaml.Unmarshal(rulesFile, &file); err != nil {
		return nil, fmt.Errorf("airbytesim: rules.yaml: %w", err)
	}
	reader := ruleReader{raw: file.Types, done: map[string]shape{}}
	loaded := &rules{get: file.Get, shape: map[string]shape{}}
	for operation, name := range file.Operations {
		shape, err := reader.named(name)
		if err != nil {
			return nil, fmt.Errorf("airbytesim: rules.yaml: %s: %w", operation, err)
		}
		loaded.shape[operation] = shape
	}
	return loaded, nil
}

type ruleReader struct {
	raw  map[string]any
	done map[string]shape
}

func (r *ruleReader) named(name string) (shape, error) {
	if s, ok := r.done[name]; ok {
		return s, nil
	}
	raw, ok := r.raw[name]
	if !ok {
		return nil, fmt.Errorf("no type %q", name)
	}
	if fields, ok := raw.(map[string]any); ok {
		o := &object{fields: map[string]field{}}
		r.done[name] = o // before its fields: a type may hold itself
		return o, r.fill(o, fields)
	}
	s, err := r.read(raw)
	r.done[name] = s
	return s, err
}

func (r *ruleReader) fill(o *object, fields map[string]any) error {
	for key, raw := range fields {
		s, err := r.read(raw)
		if err != nil {
			return fmt.Errorf("%s: %w", key, err)
		}
		name := strings.TrimRight(key, "!~")
		o.fields[name] = field{shape: s, required: strings.HasSuffix(key, "!"), nonNull: strings.HasSuffix(key, "~")}
	}
	o.names = slices.Sorted(maps.Keys(o.fields))
	return nil
}

func (r *ruleReader) read(raw any) (shape, error) {
	switch raw := raw.(type) {
	case []any:
		var values choice
		for _, v := range raw {
			values = append(values, fmt.Sprint(v))
		}
		return values, nil
	case string:
		return r.expression(raw)
	}
	return nil, fmt.Errorf("unexpected %T", raw)
}

func (r *ruleReader) expression(text string) (shape, error) {
	if strings.Contains(text, "|") {
		var options union
		for _, part := range strings.Split(text, "|") {
			s, err := r.expression(strings.TrimSpace(part))
			if err != nil {
				return nil, err
			}
			options = append(options, s)
		}
		return options, nil
	}
	if inner, ok := strings.CutPrefix(text, "["); ok {
		s, err := r.expression(strings.TrimSuffix(inner, "]"))
		return list{of: s}, err
	}
	switch text {
	case "uuid", "string", "integer", "boolean", "object", "date-time", "email":
		return scalar(text), nil
	}
	return r.named(text)
}

func (s scalar) check(path string, value any) *refusal {
	fits := false
	switch s {
	case "object":
		_, fits = value.(map[string]any)
	case "boolean":
		_, fits = value.(bool)
	case "integer":
		number, ok := value.(json.Number)
		if ok {
			_, err := number.Int64()
			fits = err == nil
		}
	default:
		text, ok := value.(string)
		fits = ok && s.formatted(text)
	}
	if fits {
		return nil
	}
	return &refusal{path: path, message: "must be a valid " + string(s)}
}

func (s scalar) formatted(text string) bool {
	switch s {
	case "uuid":
		return isUUID(text)
	case "date-time":
		_, err := time.Parse(time.RFC3339, text)
		return err == nil
	case "email":
		_, err := mail.ParseAddress(text)
		return err == nil
	default:
		return true
	}
}

func (c choice) check(path string, value any) *refusal {
	if text, ok := value.(string); ok && slices.Contains(c, text) {
		return nil
	}
	return &refusal{path: path, message: "must be one of " + strings.Join(c, ", ")}
}

func (l list) check(path string, value any) *refusal {
	items, ok := value.([]any)
	if !ok {
		return &refusal{path: path, message: "must be an array"}
	}
	for i, item := range items {
		if r := l.of.check(fmt.Sprintf("%s[%d]", path, i), item); r != nil {
			return r
		}
	}
	return nil
}

func (u union) check(path string, value any) *refusal {
	for _, option := range u {
		if option.check(path, value) == nil {
			return nil
		}
	}
	return &refusal{path: path, message: "matches none of the allowed forms"}
}

func (o *object) check(path string, value any) *refusal {
	members, ok := value.(map[string]any)
	if !ok {
		return &refusal{path: path, message: "must be an object"}
	}
	unknown := ""
	for key := range members {
		if _, known := o.fields[key]; !known && (unknown == "" || key < unknown) {
			unknown = key
		}
	}
	if unknown != "" {
		return &refusal{path: path + "." + unknown, message: "unrecognized field"}
	}
	for _, name := range o.names {
		f := o.fields[name]
		member, present := members[name]
		at := path + "." + name
		switch {
		case f.required && member == nil:
			return &refusal{path: at, message: "must not be null"}
		case f.nonNull && present && member == nil:
			return &refusal{path: at, message: "is null", null: true}
		case member == nil:
			continue
		}
		if r := f.shape.check(at, member); r != nil {
			return r
		}
	}
	return nil
}

// isUUID accepts the canonical form only, as the server does.
func isUUID(text string) bool {
	if len(text) != 36 {
		return false
	}
	for i, c := range []byte(text) {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return false
			}
		case c >= '0' && c <= '9', c >= 'a' && c <= 'f', c >= 'A' && c <= 'F':
		default:
			return false
		}
	}
	return true
}
