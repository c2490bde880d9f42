package workload

import "strconv"

// FieldPath is the path of the field of that name in the object at a path. A name
// that could be read as more than a name is quoted, so that no two fields of a
// value have one path: what is decided by a path must not be had by a name.
func FieldPath(at, name string) string {
	if !plain(name) {
		name = strconv.Quote(name)
	}
	if at == "" {
		return name
	}
	return at + "." + name
}

// plain reports that a name can be read as nothing but a name.
func plain(name string) bool {
	for i := range len(name) {
		switch name[i] {
		case '.', '[', ']', '"':
			return false
		}
	}
	return name != ""
}
