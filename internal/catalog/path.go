package catalog

import (
	"slices"
	"strconv"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// join appends a dot path to another one; either may be that of the whole.
func join(path, rest string) string {
	if path == "" || rest == "" {
		return path + rest
	}
	return path + "." + rest
}

func item(path string, index int) string { return path + "[" + strconv.Itoa(index) + "]" }

// walk visits every value that is neither object nor list, in a stable order.
func walk(path string, value any, visit func(path string, value any)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			walk(workload.FieldPath(path, key), value[key], visit)
		}
	case []any:
		for i, each := range value {
			walk(item(path, i), each, visit)
		}
	default:
		visit(path, value)
	}
}

// walkKeys visits every key of every object, in a stable order.
func walkKeys(path string, value any, visit func(path, key string)) {
	switch value := value.(type) {
	case map[string]any:
		for _, key := range sortedKeys(value) {
			at := workload.FieldPath(path, key)
			visit(at, key)
			walkKeys(at, value[key], visit)
		}
	case []any:
		for i, each := range value {
			walkKeys(item(path, i), each, visit)
		}
	}
}

// rewrite replaces every scalar of a value, within its objects and lists.
func rewrite(path string, value any, change func(path string, value any) any) any {
	switch value := value.(type) {
	case map[string]any:
		for key, each := range value {
			value[key] = rewrite(workload.FieldPath(path, key), each, change)
		}
		return value
	case []any:
		for i, each := range value {
			value[i] = rewrite(item(path, i), each, change)
		}
		return value
	default:
		return change(path, value)
	}
}

// copied is a copy of an object, for changes, without the nulls in it.
func copied(object map[string]any) map[string]any {
	result := make(map[string]any, len(object))
	for key, value := range object {
		if value != nil {
			result[key] = withoutNulls(value)
		}
	}
	return result
}

// withoutNulls is a copy of a value without the nulls in it.
func withoutNulls(value any) any {
	switch value := value.(type) {
	case map[string]any:
		return copied(value)
	case []any:
		result := make([]any, 0, len(value))
		for _, each := range value {
			if each != nil {
				result = append(result, withoutNulls(each))
			}
		}
		return result
	}
	return value
}

// getPath is the value at a dot path of keys; nil if there is none.
func getPath(object map[string]any, path string) any {
	var value any = object
	for key := range strings.SplitSeq(path, ".") {
		inner, ok := value.(map[string]any)
		if !ok {
			return nil
		}
		value = inner[key]
	}
	return value
}

// setPath puts a value at a dot path of keys, making objects on the way. It
// reports false, and changes nothing, where something else is in the way.
func setPath(object map[string]any, path string, value any) bool {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, ok := object[key].(map[string]any)
		if !ok {
			if object[key] != nil {
				return false
			}
			inner = map[string]any{}
			object[key] = inner
		}
		object = inner
	}
	object[keys[len(keys)-1]] = value
	return true
}

// deletePath removes what is at a dot path of keys.
func deletePath(object map[string]any, path string) {
	keys := strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		inner, ok := object[key].(map[string]any)
		if !ok {
			return
		}
		object = inner
	}
	delete(object, keys[len(keys)-1])
}

// under reports that a path is one of the given ones or lies below one.
func under(path string, tops []string) bool {
	return slices.ContainsFunc(tops, func(top string) bool {
		rest, ok := strings.CutPrefix(path, top)
		return ok && (rest == "" || rest[0] == '.' || rest[0] == '[')
	})
}
