package catalog

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"airbyte-provisioner/internal/workload"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// Specification is a connector's JSON Schema, ready for use; it is safe for
// concurrent use.
type Specification struct {
	schema   *schema
	compiled *jsonschema.Schema
	// partial says that some of it is no JSON Schema and is not checked.
	partial bool
}

// ParseSpecification reads a connectionSpecification as Airbyte answers it. Of one
// that is not quite a JSON Schema it takes what can be understood: Airbyte has the
// last word anyway. The error says why nothing can.
func ParseSpecification(raw json.RawMessage) (*Specification, error) {
	parsed, err := parseSchema(raw)
	if err == nil {
		return parsed, nil
	}
	document, notJSON := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if _, isObject := document.(map[string]any); notJSON != nil || !isObject {
		return nil, err
	}
	rest, marshalErr := json.Marshal(repaired(document, document))
	if marshalErr != nil {
		return nil, err
	}
	parsed, stillWrong := parseSchema(rest)
	if stillWrong != nil {
		return nil, err
	}
	parsed.partial = true
	return parsed, nil
}

// parseSchema reads a JSON Schema; the error says what is wrong with it.
func parseSchema(raw json.RawMessage) (*Specification, error) {
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("the specification is not JSON: %w", err)
	}
	const url = "urn:specification"
	compiler := jsonschema.NewCompiler()
	compiler.DefaultDraft(jsonschema.Draft7)
	compiler.UseLoader(noLoader{})
	compiler.UseRegexpEngine(tolerantPattern)
	if err := compiler.AddResource(url, document); err != nil {
		return nil, fmt.Errorf("the specification is not a JSON Schema: %w", err)
	}
	compiled, err := compiler.Compile(url)
	if err != nil {
		return nil, fmt.Errorf("the specification is not a JSON Schema: %w", err)
	}
	budget := maxInlined
	inlined, err := json.Marshal(inline(document, document, maxInlineDepth, &budget))
	if err != nil {
		return nil, fmt.Errorf("the specification cannot be read: %w", err)
	}
	specification := &Specification{schema: &schema{}, compiled: compiled}
	decoder := json.NewDecoder(bytes.NewReader(inlined))
	decoder.UseNumber()
	if err := decoder.Decode(specification.schema); err != nil {
		return nil, fmt.Errorf("the specification cannot be read: %w", err)
	}
	return specification, nil
}

// form is the specification's schema; nil if there is none.
func (s *Specification) form() *schema {
	if s == nil {
		return nil
	}
	return s.schema
}

// noLoader keeps a $ref from reading files or addresses.
type noLoader struct{}

// Load refuses.
func (noLoader) Load(string) (any, error) {
	return nil, errors.New("references to other documents are not followed")
}

// tolerantPattern compiles a pattern; one that Go's regular expressions lack
// (look-ahead, for instance) is left for Airbyte to check.
func tolerantPattern(pattern string) (jsonschema.Regexp, error) {
	compiled, err := regexp.Compile(pattern)
	if err != nil {
		return anyText(pattern), nil //nolint:nilerr // explained above
	}
	return compiled, nil
}

// anyText is a pattern that matches everything.
type anyText string

// MatchString accepts.
func (anyText) MatchString(string) bool { return true }

// String is the pattern as it was written.
func (a anyText) String() string { return string(a) }

// Bounds of replacing local references by what they refer to.
const (
	maxInlined     = 50_000
	maxInlineDepth = 60
)

// inline replaces local references (#/definitions/...) so that the schema reads
// as a tree; what is deeper than the bounds becomes a schema that says nothing.
func inline(value, root any, depth int, budget *int) any {
	*budget--
	spent := *budget < 0 || depth == 0
	switch value := value.(type) {
	case map[string]any:
		if spent {
			return map[string]any{}
		}
		if reference, ok := value["$ref"].(string); ok {
			if target, found := strings.CutPrefix(reference, "#/"); found {
				return inline(referred(root, target), root, depth-1, budget)
			}
		}
		result := make(map[string]any, len(value))
		for key, each := range value {
			if key != "definitions" && key != "$defs" {
				result[key] = inline(each, root, depth-1, budget)
			}
		}
		return result
	case []any:
		if spent {
			return []any{}
		}
		result := make([]any, len(value))
		for i, each := range value {
			result[i] = inline(each, root, depth-1, budget)
		}
		return result
	}
	return value
}

// referred is the schema that a JSON pointer leads to; one that says nothing if
// there is none.
func referred(root any, target string) any {
	switch found := pointer(root, target).(type) {
	case map[string]any, bool:
		return found
	}
	return map[string]any{}
}

// pointer is what a JSON pointer leads to; nil if that is nothing.
func pointer(value any, target string) any {
	for token := range strings.SplitSeq(target, "/") {
		switch holder := value.(type) {
		case map[string]any:
			value = holder[strings.NewReplacer("~1", "/", "~0", "~").Replace(token)]
		case []any:
			at, err := strconv.Atoi(token)
			if err != nil || at < 0 || at >= len(holder) {
				return nil
			}
			value = holder[at]
		default:
			return nil
		}
	}
	return value
}

// Coerce gives a configuration the types that the specification wants, where
// nothing is lost by it, and drops nulls. The configuration itself is not changed,
// but shared with the result as far as that is equal.
func (s *Specification) Coerce(configuration map[string]any) map[string]any {
	coerced, _ := s.schema.coerceObject(configuration)
	return coerced
}

// Check reports everything in a coerced configuration that the specification
// refuses, with paths from the configuration's root. No value of a field for a secret is told.
func (s *Specification) Check(configuration map[string]any) []workload.Problem {
	return s.check(configuration, func(string, string) bool { return false })
}

// check is Check where further texts are secret, wherever they are.
func (s *Specification) check(configuration map[string]any, secret func(path, text string) bool) []workload.Problem {
	err := s.compiled.Validate(configuration)
	if err == nil {
		return nil
	}
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return []workload.Problem{{Message: "cannot be checked against the connector's specification"}}
	}
	explain := explainer{schema: s.schema, root: configuration, secret: secret}
	explain.visit(invalid)
	return explain.sorted()
}
