package reconcile

import (
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// configurationChanges returns the paths in which a configuration that Airbyte
// answered differs from the wanted one, sorted. Secrets, which Airbyte masks,
// are only seen to be there or not.
func configurationChanges(wanted, read map[string]any, secrets []string) []string {
	c := comparison{secrets: secrets}
	c.objects("", wanted, read)
	slices.Sort(c.changes)
	return slices.Compact(c.changes)
}

type comparison struct {
	secrets []string
	changes []string
}

func (c *comparison) differs(path, how string) { c.changes = append(c.changes, path+how) }

func (c *comparison) objects(at string, wanted, read map[string]any) {
	for _, name := range slices.Sorted(maps.Keys(wanted)) {
		other, there := read[name]
		path := workload.FieldPath(at, name)
		if !there {
			if wanted[name] != nil {
				c.differs(path, " (missing in Airbyte)")
			}
			continue
		}
		c.values(path, wanted[name], other)
	}
	for _, name := range slices.Sorted(maps.Keys(read)) {
		if _, there := wanted[name]; !there && read[name] != nil {
			c.differs(workload.FieldPath(at, name), " (not wanted)")
		}
	}
}

func (c *comparison) values(path string, wanted, read any) {
	if airbyte.IsMask(read) || c.secret(path) {
		if !airbyte.IsMask(read) && !equalValues(wanted, read) {
			c.differs(path, " (changed)")
		}
		return
	}
	switch wanted := wanted.(type) {
	case map[string]any:
		if other, ok := read.(map[string]any); ok {
			c.objects(path, wanted, other)
			return
		}
	case []any:
		if other, ok := read.([]any); ok && len(other) == len(wanted) {
			for i := range wanted {
				c.values(fmt.Sprintf("%s[%d]", path, i), wanted[i], other[i])
			}
			return
		}
	}
	if !equalValues(wanted, read) {
		c.differs(path, "")
	}
}

func (c *comparison) secret(path string) bool { return slices.Contains(c.secrets, path) }

// equalValues compares two values by their JSON, numbers by their value: they come as several types.
func equalValues(a, b any) bool {
	if x, ok := numberOf(a); ok {
		y, ok := numberOf(b)
		return ok && x.Cmp(y) == 0
	}
	left, errLeft := json.Marshal(a)
	right, errRight := json.Marshal(b)
	return errLeft == nil && errRight == nil && string(left) == string(right)
}

func numberOf(value any) (*big.Rat, bool) {
	switch value.(type) {
	case string, bool, nil, []any, map[string]any:
		return nil, false
	}
	raw, err := json.Marshal(value)
	if err != nil || len(raw) > 64 { // longer ones are not worth their arithmetic
		return nil, false
	}
	return new(big.Rat).SetString(string(raw))
}

// masked reports whether a configuration holds Airbyte's mask anywhere.
func masked(value any) bool {
	switch value := value.(type) {
	case map[string]any:
		for _, member := range value {
			if masked(member) {
				return true
			}
		}
		return false
	case []any:
		return slices.ContainsFunc(value, masked)
	}
	return airbyte.IsMask(value)
}

// masks returns the paths at which a configuration holds Airbyte's mask.
func masks(at string, value any) []string {
	var found []string
	switch value := value.(type) {
	case map[string]any:
		for _, name := range slices.Sorted(maps.Keys(value)) {
			found = append(found, masks(workload.FieldPath(at, name), value[name])...)
		}
	case []any:
		for i, item := range value {
			found = append(found, masks(fmt.Sprintf("%s[%d]", at, i), item)...)
		}
	default:
		if airbyte.IsMask(value) {
			found = append(found, at)
		}
	}
	return found
}

// valuesAt collects the values of a configuration at the given paths.
func valuesAt(configuration map[string]any, paths []string) map[string]any {
	found := map[string]any{}
	var walk func(at string, value any)
	walk = func(at string, value any) {
		if slices.Contains(paths, at) {
			found[at] = value
			return
		}
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				walk(workload.FieldPath(at, name), member)
			}
		case []any:
			for i, item := range value {
				walk(fmt.Sprintf("%s[%d]", at, i), item)
			}
		}
	}
	walk("", configuration)
	return found
}
