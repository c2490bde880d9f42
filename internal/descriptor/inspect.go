package descriptor

import (
	"fmt"
	"slices"

	"gopkg.in/yaml.v3"
)

// step is one step of the path to a node; paths become text only for a problem.
type step struct {
	up    *step
	key   string
	index int // position in a list; -1 for a key
}

func (s *step) String() string {
	if s == nil {
		return ""
	}
	if s.index >= 0 {
		return item(s.up.String(), s.index)
	}
	return join(s.up.String(), s.key)
}

// inspect looks through the whole tree, aliases not followed, for what makes it
// ambiguous (duplicate keys) or dangerous to walk (depth). It reports false for
// a tree that must not be walked.
func (r *reader) inspect(node *yaml.Node, at *step, depth int) bool {
	if depth > maxDepth {
		r.problem(at.String(), "%sit is nested deeper than %d levels", where(node), maxDepth)
		return false
	}
	switch node.Kind {
	case yaml.MappingNode:
		r.duplicates(node, at)
		for i := 0; i+1 < len(node.Content); i += 2 {
			key, value := node.Content[i], node.Content[i+1]
			if len(key.Content) > 0 && !r.inspect(key, at, depth+1) {
				return false
			}
			if len(value.Content) > 0 && !r.inspect(value, &step{at, key.Value, -1}, depth+1) {
				return false
			}
		}
	case yaml.SequenceNode:
		for i, value := range node.Content {
			if len(value.Content) > 0 && !r.inspect(value, &step{at, "", i}, depth+1) {
				return false
			}
		}
	default: // scalars and aliases lead no deeper
	}
	return true
}

// smallMapping is how many keys are compared pair by pair: quicker than a map.
const smallMapping = 16

func (r *reader) duplicates(node *yaml.Node, at *step) {
	if len(node.Content)/2 > smallMapping {
		r.manyDuplicates(node, at)
		return
	}
	for i := 2; i < len(node.Content); i += 2 {
		for j := 0; j < i; j += 2 {
			if sameKey(node.Content[i], node.Content[j]) {
				r.duplicate(node.Content[i], node.Content[j], at)
				break
			}
		}
	}
}

func (r *reader) manyDuplicates(node *yaml.Node, at *step) {
	first := make(map[string][]*yaml.Node, len(node.Content)/2)
	for i := 0; i < len(node.Content); i += 2 {
		key := deref(node.Content[i])
		if j := slices.IndexFunc(first[key.Value], func(other *yaml.Node) bool { return sameKey(key, other) }); j >= 0 {
			r.duplicate(key, first[key.Value][j], at)
		} else if len(first[key.Value]) < 2 { // a key and the merge key; complex keys are not compared
			first[key.Value] = append(first[key.Value], key)
		}
	}
}

func (r *reader) duplicate(again, first *yaml.Node, at *step) {
	r.problem((&step{at, again.Value, -1}).String(), "%sthe key %.60q is there twice%s; keep one of them", where(again), again.Value, alsoAt(first))
}

// sameKey compares by text: 1 and "1" are one key for every reader here.
func sameKey(a, b *yaml.Node) bool {
	a, b = deref(a), deref(b)
	return a.Kind == yaml.ScalarNode && b.Kind == yaml.ScalarNode && a.Value == b.Value && (a.Tag == "!!merge") == (b.Tag == "!!merge")
}

// where leads a message with the node's line; nodes that came as JSON have none.
func where(node *yaml.Node) string {
	if node.Line == 0 {
		return ""
	}
	return fmt.Sprintf("line %d: ", node.Line)
}

func alsoAt(node *yaml.Node) string {
	if node.Line == 0 {
		return ""
	}
	return fmt.Sprintf(", first on line %d", node.Line)
}
