package reverse

import (
	"encoding/json"
	"fmt"
	"slices"
)

// differences are the paths in which two configurations differ, sorted. Values
// are compared by their JSON: numbers come as several types.
func differences(path string, a, b any) []string {
	left, isObject := a.(map[string]any)
	right, areObjects := b.(map[string]any)
	if !isObject || !areObjects {
		if text(a) == text(b) {
			return nil
		}
		return []string{path}
	}
	var paths []string
	for _, name := range sortedKeys(left) {
		paths = append(paths, differences(path+"."+name, left[name], right[name])...)
	}
	for _, name := range sortedKeys(right) {
		if _, both := left[name]; !both {
			paths = append(paths, path+"."+name)
		}
	}
	slices.Sort(paths)
	return paths
}

func text(value any) string {
	raw, err := json.Marshal(value)
	if err != nil {
		return fmt.Sprint(value)
	}
	return string(raw)
}
