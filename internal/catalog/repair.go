package catalog

import (
	"encoding/json"
	"reflect"
	"slices"
	"strings"
)

// repaired is a copy of a specification without what is no JSON Schema. Airbyte
// never checks that, so some connectors' specifications hold such things:
// "required": true at a field, or a text for the list of examples.
func repaired(value, root any) any {
	object, isObject := value.(map[string]any)
	if !isObject {
		if _, isBoolean := value.(bool); isBoolean {
			return value
		}
		return map[string]any{} // says nothing
	}
	result := make(map[string]any, len(object))
	for keyword, each := range object {
		if fixed, ok := repairedKeyword(keyword, each, root); ok {
			result[keyword] = fixed
		}
	}
	return result
}

// repairedKeyword reports false for a value that the keyword cannot have.
//
//nolint:gocyclo // one case for each kind of keyword
func repairedKeyword(keyword string, value, root any) (any, bool) {
	switch keyword {
	case "$schema", "$id":
		return nil, false // other dialects are repaired as this one, too
	case "$ref":
		text, _ := value.(string)
		target, local := strings.CutPrefix(text, "#/")
		_, found := pointer(root, target).(map[string]any)
		return value, local && found
	case "title", "description", "pattern", "format", "contentMediaType", "contentEncoding", "$comment":
		_, ok := value.(string)
		return value, ok
	case "type":
		return value, isType(value)
	case "required":
		names, ok := value.([]any)
		return distinct(slices.DeleteFunc(slices.Clone(names), func(name any) bool { return jsonType(name) != "string" })), ok
	case "enum", "examples":
		list, ok := value.([]any)
		return distinct(list), ok && (len(list) > 0 || keyword == "examples")
	case "minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum":
		return value, jsonType(value) == "number"
	case "minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties":
		number, ok := value.(json.Number)
		return value, ok && isWhole(number) && !strings.HasPrefix(number.String(), "-")
	case "uniqueItems", "readOnly":
		_, ok := value.(bool)
		return value, ok
	case "airbyte_secret":
		return value == true || value == "true", true
	case "multipleOf", "dependencies", "dependentRequired", "dependentSchemas":
		return nil, false // seldom right, and no connector's description needs them
	}
	return repairedInner(keyword, value, root)
}

// repairedInner is repairedKeyword for those that hold schemas, and for unknown ones.
func repairedInner(keyword string, value, root any) (any, bool) {
	switch keyword {
	case "properties", "patternProperties", "definitions", "$defs":
		fields, ok := value.(map[string]any)
		return repairedFields(fields, root), ok
	case "oneOf", "anyOf", "allOf":
		list, ok := value.([]any)
		return repairedList(list, root), ok && len(list) > 0
	case "items":
		if list, ok := value.([]any); ok {
			return repairedList(list, root), len(list) > 0
		}
		return repaired(value, root), true
	case "additionalProperties", "additionalItems", "contains", "propertyNames", "not", "if", "then", "else":
		return repaired(value, root), true
	}
	return value, true
}

func repairedFields(fields map[string]any, root any) map[string]any {
	result := make(map[string]any, len(fields))
	for name, field := range fields {
		result[name] = repaired(field, root)
	}
	return result
}

func repairedList(list []any, root any) []any {
	result := make([]any, len(list))
	for i, each := range list {
		result[i] = repaired(each, root)
	}
	return result
}

// isType reports whether a value is one that the keyword type may have.
func isType(value any) bool {
	names := []any{value}
	if list, ok := value.([]any); ok {
		names = list
	}
	known := []any{"array", "boolean", "integer", "null", "number", "object", "string"}
	return len(names) > 0 && len(distinct(names)) == len(names) &&
		!slices.ContainsFunc(names, func(name any) bool { return !slices.Contains(known, name) })
}

// distinct is a list without its repetitions.
func distinct(list []any) []any {
	result := []any{}
	for _, each := range list {
		if !slices.ContainsFunc(result, func(other any) bool { return reflect.DeepEqual(each, other) }) {
			result = append(result, each)
		}
	}
	return result
}
