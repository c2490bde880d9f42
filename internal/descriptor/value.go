package descriptor

import (
	"encoding/json"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// jsonNumber is what JSON accepts as a number, but for exponents that only an
// attacker writes.
var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]{1,3})?$`)

// plainTags are the tags with a meaning here; another tag asks for a type that
// JSON, and so a connector's configuration, does not have.
var plainTags = map[string]bool{
	"!!str": true, "!!int": true, "!!float": true, "!!bool": true, "!!null": true, "!!timestamp": true,
	"!!map": true, "!!seq": true, "!!merge": true, "": true, "!": true,
}

// value reads a node as JSON would hold it (see the package's comment on
// scalars). It reports false for what cannot be read, with a problem.
func (r *reader) value(path string, node *yaml.Node, depth int) (any, bool) {
	node = deref(node)
	if !r.afford(path, node, depth) {
		return nil, false
	}
	if !plainTags[node.Tag] {
		// The tag is not named: it may be a password that lacks its quotes.
		r.problem(path, "has a YAML tag, which a configuration cannot hold; a text that begins with ! needs quotes")
		return nil, false
	}
	switch node.Kind {
	case yaml.MappingNode:
		return r.object(path, node, depth)
	case yaml.SequenceNode:
		return r.list(path, node, depth)
	default:
		return r.scalar(path, node)
	}
}

// afford counts a node against the budget; once that is spent, nothing more is read.
func (r *reader) afford(path string, node *yaml.Node, depth int) bool {
	r.visits += 1 + len(node.Content)
	r.bytes += len(node.Value)
	switch {
	case r.overrun:
	case depth > maxDepth:
		r.problem(path, "is nested deeper than %d levels, or is an alias that leads back to itself", maxDepth)
		r.overrun = true
	case r.visits > maxVisits || r.bytes > maxValueBytes:
		r.problem(path, "is too large: with its aliases written out there are more than %d values or %d bytes", maxVisits, maxValueBytes)
		r.overrun = true
	}
	return !r.overrun
}

func (r *reader) object(path string, node *yaml.Node, depth int) (any, bool) {
	object, complete := make(map[string]any, len(node.Content)/2), true
	r.fill(object, path, node, depth, maxMerges, &complete)
	return object, complete
}

// fill puts a mapping's own keys into the object, then those that it merges.
func (r *reader) fill(object map[string]any, path string, node *yaml.Node, depth, merges int, complete *bool) {
	var merged *yaml.Node
	seen := make(map[string]bool, len(node.Content)/2)
	for i := 0; i+1 < len(node.Content); i += 2 {
		key := deref(node.Content[i])
		switch {
		case key.Kind != yaml.ScalarNode:
			r.problem(path, "%shas a key that is %s; expected a text", where(key), describe(key))
			*complete = false
			continue
		case key.Tag == "!!merge":
			merged = deref(node.Content[i+1])
			continue
		case isNull(deref(node.Content[i+1])):
			seen[key.Value] = true
			continue
		}
		seen[key.Value] = true
		if _, own := object[key.Value]; own {
			continue
		}
		value, ok := r.value(join(path, key.Value), node.Content[i+1], depth+1)
		if !ok {
			*complete = false
			continue
		}
		object[key.Value] = value
	}
	if merged == nil || merges == 0 {
		return
	}
	for _, base := range mergedMappings(merged) {
		r.merge(object, seen, path, base, depth, merges-1, complete)
	}
}

// merge adds the keys of a merged mapping that nothing before it has written,
// not even as null.
func (r *reader) merge(object map[string]any, seen map[string]bool, path string, base *yaml.Node, depth, merges int, complete *bool) {
	inherited := map[string]any{}
	if !r.afford(path, base, depth) {
		*complete = false
		return
	}
	r.fill(inherited, path, base, depth, merges, complete)
	for key, value := range inherited {
		if _, own := object[key]; !own && !seen[key] {
			object[key] = value
		}
	}
}

func (r *reader) list(path string, node *yaml.Node, depth int) (any, bool) {
	list, complete := make([]any, 0, len(node.Content)), true
	for i, child := range node.Content {
		if isNull(deref(child)) {
			continue
		}
		value, ok := r.value(item(path, i), child, depth+1)
		if !ok {
			complete = false
			continue
		}
		list = append(list, value)
	}
	return list, complete
}

func (r *reader) scalar(path string, node *yaml.Node) (any, bool) {
	if strings.IndexByte(node.Value, 0) >= 0 {
		r.problem(path, "holds a NUL character, which Airbyte cannot store")
		return nil, false
	}
	switch node.Tag {
	case "!!int", "!!float":
		if jsonNumber.MatchString(node.Value) {
			return json.Number(node.Value), true
		}
	case "!!bool":
		if node.Value == "true" || node.Value == "false" {
			return node.Value == "true", true
		}
	}
	return node.Value, true
}
