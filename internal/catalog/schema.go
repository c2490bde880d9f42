package catalog

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// schema is what a JSON Schema says of one value, as far as coercion, secrets
// and messages need it. Checking itself is left to the JSON Schema library.
type schema struct {
	Title       string             `json:"title"`
	Description string             `json:"description"`
	Types       typeList           `json:"type"`
	Properties  map[string]*schema `json:"properties"`
	Required    []string           `json:"required"`
	Enum        []any              `json:"enum"`
	Const       any                `json:"const"`
	Default     any                `json:"default"`
	Examples    []any              `json:"examples"`
	OneOf       []*schema          `json:"oneOf"`
	AnyOf       []*schema          `json:"anyOf"`
	AllOf       []*schema          `json:"allOf"`
	Items       *schema            `json:"items"`
	Additional  *schema            `json:"additionalProperties"`
	Secret      bool               `json:"airbyte_secret"`
	Media       string             `json:"contentMediaType"`
	// discriminator is the property by whose fixed text the alternatives differ;
	// "" if there is none.
	discriminator string
	// marked are the names of the properties that any alternative marks as secret.
	marked map[string]bool
}

// typeList is JSON Schema's type: one name or a list of them.
type typeList []string

// UnmarshalJSON reads either form.
func (t *typeList) UnmarshalJSON(data []byte) error {
	var one string
	if json.Unmarshal(data, &one) == nil {
		*t = typeList{one}
		return nil
	}
	var many []string
	err := json.Unmarshal(data, &many)
	*t = many
	return err
}

// UnmarshalJSON reads a schema; a boolean one says nothing of the value, and
// neither does a list, which has a schema for each place of a list.
func (s *schema) UnmarshalJSON(data []byte) error {
	text := strings.TrimSpace(string(data))
	if text == "true" || text == "false" || strings.HasPrefix(text, "[") {
		*s = schema{}
		return nil
	}
	type plain schema
	if err := json.Unmarshal(data, (*plain)(s)); err != nil {
		return err
	}
	s.discriminator, s.marked = s.distinguished(), s.secretNames()
	return nil
}

// has reports whether a value of the type may stand here. A schema without a
// type says it by its constant or enumeration.
func (s *schema) has(name string) bool {
	if len(s.Types) > 0 {
		return slices.Contains(s.Types, name)
	}
	if s.Const != nil {
		return jsonType(s.Const) == name
	}
	return slices.ContainsFunc(s.Enum, func(value any) bool { return jsonType(value) == name })
}

// silent reports that the schema does not say which type is wanted.
func (s *schema) silent() bool { return len(s.Types) == 0 && s.Const == nil && len(s.Enum) == 0 }

// jsonType names the type of a decoded JSON value.
func jsonType(value any) string {
	switch value.(type) {
	case string:
		return "string"
	case bool:
		return "boolean"
	case json.Number, float64, int, int64:
		return "number"
	case []any:
		return "array"
	case map[string]any:
		return "object"
	default:
		return "null"
	}
}

// fixed is the one value that the schema allows; nil if there are several.
func (s *schema) fixed() any {
	if s.Const != nil {
		return s.Const
	}
	if len(s.Enum) == 1 {
		return s.Enum[0]
	}
	return nil
}

// distinguished finds the discriminator among the properties of the alternatives.
func (s *schema) distinguished() string {
	branches := s.branches()
	if len(branches) == 0 {
		return ""
	}
	for _, name := range sortedKeys(branches[0].Properties) {
		seen := map[any]bool{}
		for _, branch := range branches {
			property := branch.Properties[name]
			if property == nil {
				break
			}
			value, text := property.fixed().(string)
			if !text || seen[value] {
				break
			}
			seen[value] = true
		}
		if len(seen) == len(branches) {
			return name
		}
	}
	return ""
}

// branches are the alternatives of oneOf or anyOf.
func (s *schema) branches() []*schema {
	if len(s.OneOf) > 0 {
		return s.OneOf
	}
	return s.AnyOf
}

// branch is the alternative that an object chooses by its discriminator, with
// its position; nil and -1 if it chooses none.
func (s *schema) branch(object map[string]any) (*schema, int) {
	name := s.discriminator
	if name == "" {
		return nil, -1
	}
	for i, branch := range s.branches() {
		if branch.Properties[name].fixed() == object[name] {
			return branch, i
		}
	}
	return nil, -1
}

// choices are the texts that the discriminator may hold, in order.
func (s *schema) choices() []string {
	name := s.discriminator
	var all []string
	for _, branch := range s.branches() {
		if text, ok := branch.Properties[name].fixed().(string); ok {
			all = append(all, text)
		}
	}
	return all
}

// property is what an object's schema, with the branch that the object chooses,
// says of one of its fields; nil if nothing.
func (s *schema) property(object map[string]any, name string) *schema {
	if s == nil {
		return nil
	}
	if found := s.Properties[name]; found != nil {
		return found
	}
	parts := s.AllOf
	if branch, _ := s.branch(object); branch != nil {
		parts = append([]*schema{branch}, parts...)
	} else { // nothing is chosen: the first alternative that knows the field
		parts = slices.Concat(parts, s.branches())
	}
	for _, part := range parts {
		if found := part.property(object, name); found != nil {
			return found
		}
	}
	return s.Additional
}

// secretNames are the names of the properties that the schema or any of its
// alternatives marks as secret.
func (s *schema) secretNames() map[string]bool {
	names := map[string]bool{}
	for name, property := range s.Properties {
		if property != nil && property.Secret {
			names[name] = true
		}
	}
	for _, part := range slices.Concat(s.OneOf, s.AnyOf, s.AllOf) {
		if part != nil {
			maps.Copy(names, part.marked)
		}
	}
	if len(names) == 0 {
		return nil // as of most of a specification's many schemas
	}
	return names
}

// marks reports whether any alternative marks the field as a secret.
func (s *schema) marks(name string) bool { return s != nil && s.marked[name] }

// fields are the names of all properties that the object may have.
func (s *schema) fields(object map[string]any) []string {
	names := sortedKeys(s.Properties)
	if branch, _ := s.branch(object); branch != nil {
		names = append(names, branch.fields(object)...)
	} else {
		for _, branch := range s.branches() {
			names = append(names, branch.fields(object)...)
		}
	}
	for _, part := range s.AllOf {
		names = append(names, part.fields(object)...)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for key := range m {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}
