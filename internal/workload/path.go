package workload

import (
	"strconv"
	"strings"
)

// FieldPath is the path of the field of that name in the object at a path. A name
// that could be read as more than a name is quoted, so that no two fields of a
// value have one path: what is decided by a path must not be had by a name.
func FieldPath(at, name string) string {
	if name == "" || strings.ContainsAny(name, `.[]"`) {
		name = strconv.Quote(name)
	}
	if at == "" {
		return name
	}
	return at + "." + name
}
