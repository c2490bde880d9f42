package catalog

import (
	"encoding/json"
	"errors"
	"regexp"
	"strings"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/ast"
	"github.com/expr-lang/expr/parser"
	"github.com/expr-lang/expr/vm"
)

// derivation computes a field's value.
type derivation struct {
	field   string
	program *vm.Program
}

// facts are what an expression can see. What there is not is an error when the
// file is read.
type facts struct {
	Value       any            `expr:"value"`  // what the field holds; nil if absent or ""
	Config      map[string]any `expr:"config"` // the whole configuration
	DataProduct productFacts   `expr:"dataProduct"`
	Component   componentFacts `expr:"component"`
}

type productFacts struct {
	ID      string `expr:"id"`
	Name    string `expr:"name"`
	Domain  string `expr:"domain"`
	Version string `expr:"version"`
}

type componentFacts struct {
	ID          string `expr:"id"`
	Environment string `expr:"environment"`
}

// slug is a function for expressions: a text as databases like names, in lower
// case with an underscore for everything that is no letter or digit.
var slug = expr.Function("slug", func(parameters ...any) (any, error) {
	text, _ := parameters[0].(string)
	return strings.Trim(notWord.ReplaceAllString(strings.ToLower(text), "_"), "_"), nil
}, new(func(string) string))

var notWord = regexp.MustCompile(`[^\p{L}\p{N}]+`)

// compile makes a program of an expression that ends soon and gives equal
// results for equal inputs: it runs at every request, and a configuration that
// differs each time would be written each time.
func compile(text string) (*vm.Program, error) {
	if loose(text) || holdsSetting(text) {
		return nil, errors.New("a reference would not be resolved, since that is done before; expected it in provided")
	}
	tree, err := parser.Parse(text)
	if err != nil {
		return nil, err
	}
	var look examination
	ast.Walk(&tree.Node, &look)
	if look.reason != "" {
		return nil, errors.New(look.reason)
	}
	return expr.Compile(text, expr.Env(facts{}), slug)
}

// compute runs the expression; the value is as a configuration holds it.
func (d derivation) compute(known facts) (any, error) {
	value, err := expr.Run(d.program, known)
	if err != nil {
		return nil, err
	}
	switch value.(type) {
	case string, bool, nil:
		return value, nil
	}
	document, err := json.Marshal(value)
	if err != nil {
		return nil, err
	}
	return decodeJSON(document)
}

// endless are functions of expr-lang that make much of little, and unsteady ones
// those that give another result each time.
var (
	endless  = map[string]bool{"reduce": true, "repeat": true}
	unsteady = map[string]bool{"now": true, "keys": true, "values": true, "toPairs": true}
)

// examination looks for what an expression may not hold.
type examination struct{ reason string }

// Visit is ast.Visitor's.
func (e *examination) Visit(node *ast.Node) {
	switch n := (*node).(type) {
	case *ast.BinaryNode:
		if n.Operator == ".." {
			e.reason = "a range may be too long; write the list"
		}
	case *ast.BuiltinNode:
		e.function(n.Name)
	case *ast.CallNode:
		if name, ok := n.Callee.(*ast.IdentifierNode); ok {
			e.function(name.Value)
		}
	case *ast.PredicateNode:
		var inner loops
		ast.Walk(&n.Node, &inner)
		if inner.found {
			e.reason = "a loop within a loop may take too long"
		}
	}
}

func (e *examination) function(name string) {
	switch {
	case endless[name]:
		e.reason = name + " may take too much memory, and is not available"
	case unsteady[name]:
		e.reason = name + " does not always give the same result, and is not available"
	}
}

// loops finds the part of an expression that is run for each entry of a list.
type loops struct{ found bool }

// Visit is ast.Visitor's.
func (l *loops) Visit(node *ast.Node) {
	_, is := (*node).(*ast.PredicateNode)
	l.found = l.found || is
}
