package descriptor

import (
	"strings"

	"gopkg.in/yaml.v3"
)

// maxExpanded bounds how many nodes a descriptor may have with its aliases
// written out. Real ones have some thousands.
const maxExpanded = 1_000_000

// expansion refuses a tree whose aliases stand for far more than is written, or
// lead back to themselves, also where nobody here looks: such a text has no
// meaning, and what reads the descriptor next may follow them all.
func (r *reader) expansion(text string, root *yaml.Node) bool {
	if !strings.Contains(text, "*") {
		return true // there is no alias
	}
	e := expander{sizes: map[*yaml.Node]int{}}
	size := e.size(root)
	switch {
	case e.loop != nil:
		r.problem("descriptor", "%sthe alias *%.60s leads back to itself", where(e.loop), e.loop.Value)
		return false
	case size > maxExpanded:
		r.problem("descriptor", "is too large: with its aliases written out there are more than %d values", maxExpanded)
		return false
	}
	return true
}

// expander counts nodes with aliases written out, each anchor once.
type expander struct {
	sizes map[*yaml.Node]int // of anchored nodes; 0 while one is being counted
	loop  *yaml.Node         // an alias that leads back to itself
}

// size is how many nodes the tree stands for, at most a little over maxExpanded.
func (e *expander) size(node *yaml.Node) int {
	if node.Kind == yaml.AliasNode {
		size, met := e.sizes[node.Alias]
		if met && size == 0 {
			e.loop = node
			return 1
		}
		return e.size(node.Alias)
	}
	if node.Anchor != "" {
		if size, met := e.sizes[node]; met {
			return size
		}
		e.sizes[node] = 0
	}
	size := 1
	for _, child := range node.Content {
		if size += e.size(child); size > maxExpanded || e.loop != nil {
			break
		}
	}
	if node.Anchor != "" {
		e.sizes[node] = size
	}
	return size
}
