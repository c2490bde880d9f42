package descriptor

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

const (
	// maxProblems bounds an answer: who has more of them has one underlying problem.
	maxProblems = 100
	// maxVisits and maxValueBytes bound what is read through aliases, which can
	// make a short text stand for a huge one.
	maxVisits     = 100_000
	maxValueBytes = 1 << 20
	// maxMerges bounds how far merge keys (<<) lead from mapping to mapping.
	maxMerges = 20
)

// reader reads nodes and collects what is wrong with them.
type reader struct {
	problems []workload.Problem
	warnings []string
	visits   int  // nodes and keys read so far, aliases followed
	bytes    int  // bytes of the scalars read so far
	overrun  bool // the budget is spent; said once
}

// problem notes what is wrong at a path.
func (r *reader) problem(path, format string, args ...any) {
	switch {
	case len(r.problems) < maxProblems:
		r.problems = append(r.problems, workload.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
	case len(r.problems) == maxProblems:
		r.problems = append(r.problems, workload.Problem{Message: "There are more problems; they are not listed."})
	}
}

// warn notes what is odd at a path but stops nothing.
func (r *reader) warn(path, format string, args ...any) {
	if len(r.warnings) < maxProblems {
		r.warnings = append(r.warnings, path+": "+fmt.Sprintf(format, args...))
	}
}

// mapping is a YAML mapping at a path. Lookups in a nil mapping find nothing.
type mapping struct {
	path string
	node *yaml.Node
}

// at is the path of a key.
func (m *mapping) at(key string) string { return join(m.path, key) }

// get is the value of a key, aliases followed; nil if it is absent or null.
func (m *mapping) get(key string) *yaml.Node {
	if m == nil {
		return nil
	}
	budget := maxMerges
	value := lookup(m.node, key, &budget)
	if isNull(value) {
		return nil
	}
	return value
}

// lookup finds a key in a mapping: its own keys first, then those it merges,
// as long as the budget of mappings lasts.
func lookup(node *yaml.Node, key string, budget *int) *yaml.Node {
	var merged *yaml.Node
	for i := 0; i+1 < len(node.Content); i += 2 {
		name := deref(node.Content[i])
		switch {
		case name.Kind != yaml.ScalarNode:
		case name.Tag == "!!merge":
			merged = deref(node.Content[i+1])
		case name.Value == key:
			return deref(node.Content[i+1])
		}
	}
	if merged == nil {
		return nil
	}
	for _, base := range mergedMappings(merged) {
		if *budget--; *budget < 0 {
			return nil
		}
		if value := lookup(base, key, budget); value != nil {
			return value
		}
	}
	return nil
}

// mergedMappings are the mappings that the value of a merge key stands for.
func mergedMappings(value *yaml.Node) []*yaml.Node {
	if value.Kind == yaml.MappingNode {
		return []*yaml.Node{value}
	}
	var all []*yaml.Node
	if value.Kind == yaml.SequenceNode {
		for _, item := range value.Content {
			if item = deref(item); item.Kind == yaml.MappingNode && len(all) < maxMerges {
				all = append(all, item)
			}
		}
	}
	return all
}

// keys are the keys that the mapping writes itself, in order.
func (m *mapping) keys() []string {
	if m == nil {
		return nil
	}
	var keys []string
	for i := 0; i+1 < len(m.node.Content); i += 2 {
		if name := deref(m.node.Content[i]); name.Kind == yaml.ScalarNode && name.Tag != "!!merge" {
			keys = append(keys, name.Value)
		}
	}
	return keys
}

// mapping reads a required mapping; what it should hold is said if it is not one.
func (r *reader) mapping(path string, node *yaml.Node, holds string) *mapping {
	switch {
	case node == nil:
		r.problem(path, "is missing; expected a mapping with %s", holds)
	case node.Kind != yaml.MappingNode:
		r.problem(path, "is %s; expected a mapping with %s", describe(node), holds)
	default:
		return &mapping{path: path, node: node}
	}
	return nil
}

// text reads a scalar as its author wrote it; "" and false if it is absent or
// no scalar, which is a problem.
func (r *reader) text(path string, node *yaml.Node, expected string) (string, bool) {
	switch {
	case node == nil || node.Kind == yaml.ScalarNode && strings.TrimSpace(node.Value) == "":
		r.problem(path, "is missing; expected %s", expected)
	case node.Kind != yaml.ScalarNode:
		r.problem(path, "is %s; expected %s", describe(node), expected)
	case hasControl(node.Value):
		r.problem(path, "holds control characters, such as a line break; expected %s", expected)
	case len(node.Value) > maxTextBytes:
		r.problem(path, "has %d bytes; at most %d are accepted", len(node.Value), maxTextBytes)
	default:
		return node.Value, true
	}
	return "", false
}

// optionalText is text for a field that may be absent: then "" without a problem.
func (r *reader) optionalText(m *mapping, key, expected string) string {
	node := m.get(key)
	if node == nil || node.Kind == yaml.ScalarNode && strings.TrimSpace(node.Value) == "" {
		return ""
	}
	text, _ := r.text(m.at(key), node, expected)
	return text
}

// maxTextBytes bounds ids and names of any sort, and so what messages quote.
const maxTextBytes = 1000

// maxEntityName is how many characters an entity's name may have: Airbyte keeps
// 256, and ours adds its digest to a source's and a destination's.
const maxEntityName = 230

// entityName is text for a name that an entity in Airbyte is to have.
func (r *reader) entityName(m *mapping, what string) string {
	path := m.at("name")
	name, ok := r.text(path, m.get("name"), "the name that the "+what+" is to have in Airbyte")
	if count := utf8.RuneCountInString(name); ok && count > maxEntityName {
		r.problem(path, "has %d characters; Airbyte has room for %d", count, maxEntityName)
	}
	return name
}

// hasControl reports characters that have no place in a name, an id or a log line.
func hasControl(text string) bool {
	return strings.ContainsFunc(text, func(c rune) bool { return c < ' ' || c >= 0x7f && c < 0xa0 || c == 0x2028 || c == 0x2029 })
}

// deref follows an alias.
func deref(node *yaml.Node) *yaml.Node {
	if node.Kind == yaml.AliasNode {
		return node.Alias
	}
	return node
}

func isNull(node *yaml.Node) bool {
	return node == nil || node.Kind == yaml.ScalarNode && node.Tag == "!!null"
}

// describe says what a node is, in an author's words and without its content.
func describe(node *yaml.Node) string {
	switch {
	case isNull(node):
		return "empty"
	case node.Kind == yaml.MappingNode:
		return "a mapping"
	case node.Kind == yaml.SequenceNode:
		return "a list"
	case node.Tag == "!!int" || node.Tag == "!!float":
		return "a number"
	case node.Tag == "!!bool":
		return "a boolean"
	default:
		return "a text"
	}
}

// join appends a key to a dot path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}

// item appends a list position to a dot path.
func item(path string, index int) string { return path + "[" + strconv.Itoa(index) + "]" }
