package catalog

import (
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"airbyte-provisioner/internal/workload"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/santhosh-tekuri/jsonschema/v6/kind"
)

// explainer turns the library's tree of errors into problems in the words of the
// fields' titles and descriptions.
type explainer struct {
	schema *schema
	root   map[string]any
	// secret reports whether a text must not be told although its field is for none.
	secret   func(path, text string) bool
	problems []workload.Problem
}

// maxExplained bounds the problems of one configuration.
const maxExplained = 100

func (e *explainer) add(path, format string, args ...any) {
	problem := workload.Problem{Path: path, Message: fmt.Sprintf(format, args...)}
	if len(e.problems) < maxExplained && !slices.Contains(e.problems, problem) {
		e.problems = append(e.problems, problem)
	}
}

// sorted are the problems in the order of their paths.
func (e *explainer) sorted() []workload.Problem {
	slices.SortStableFunc(e.problems, func(a, b workload.Problem) int { return strings.Compare(a.Path, b.Path) })
	return e.problems
}

// place is a spot in the configuration: its path, value, and what the schema
// says of it (nil if nothing).
type place struct {
	path   string
	value  any
	schema *schema
	secret bool
}

// locate follows an instance location of the library.
func (e *explainer) locate(location []string) place {
	at := place{value: any(e.root), schema: e.schema}
	for _, token := range location {
		at.secret = at.secret || at.schema != nil && at.schema.Secret
		switch value := at.value.(type) {
		case map[string]any:
			at = place{workload.FieldPath(at.path, token), value[token], at.schema.property(value, token), at.secret}
		case []any:
			var items *schema
			if at.schema != nil {
				items = at.schema.Items
			}
			i, err := strconv.Atoi(token)
			if err != nil || i < 0 || i >= len(value) {
				return at
			}
			at = place{item(at.path, i), value[i], items, at.secret}
		}
	}
	at.secret = at.secret || at.schema != nil && at.schema.Secret
	if text, ok := at.value.(string); ok {
		at.secret = at.secret || e.secret(at.path, text)
	}
	return at
}

func (e *explainer) visit(invalid *jsonschema.ValidationError) {
	at := e.locate(invalid.InstanceLocation)
	switch why := invalid.ErrorKind.(type) {
	case *kind.OneOf:
		e.alternatives(at, invalid, why.Subschemas != nil)
	case *kind.AnyOf:
		e.alternatives(at, invalid, false)
	case *kind.Required:
		for _, name := range why.Missing {
			e.missing(at, name)
		}
	case *kind.AdditionalProperties:
		for _, name := range why.Properties {
			e.add(workload.FieldPath(at.path, name), "is not a field of this connector%s", didYouMean(name, at.schema.fields(object(at.value))))
		}
	case *kind.Type:
		e.add(at.path, "is %s; expected %s", at.found(), at.expected())
	case *kind.Enum:
		e.choice(at, why.Want)
	case *kind.Const:
		e.choice(at, []any{why.Want})
	default:
		if len(invalid.Causes) > 0 {
			for _, cause := range invalid.Causes {
				e.visit(cause)
			}
			return
		}
		e.add(at.path, "%s; expected %s", limits(invalid.ErrorKind), at.expected())
	}
}

// missing explains a required field that is absent.
func (e *explainer) missing(at place, name string) {
	holder := object(at.value)
	field := place{path: workload.FieldPath(at.path, name), schema: at.schema.property(holder, name)}
	typo := ""
	for _, key := range sortedKeys(holder) {
		if at.schema != nil && at.schema.property(holder, key) == nil && slices.Contains(Nearest(key, []string{name}), name) {
			typo = fmt.Sprintf("; is %q meant to be it?", key)
		}
	}
	e.add(field.path, "is missing; expected %s%s", field.expected(), typo)
}

// choice explains a value outside a closed set.
func (e *explainer) choice(at place, want []any) {
	var names []string
	for _, value := range want {
		names = append(names, fmt.Sprint(value))
	}
	text, isText := at.value.(string)
	switch {
	case at.secret || !isText || len(text) > 60:
		e.add(at.path, "is %s that is not allowed here; expected %s", at.found(), listed(names))
	default:
		e.add(at.path, "is %q; expected %s%s", text, listed(names), didYouMean(text, names))
	}
}

// alternatives explains a value that fits none of several forms, or several at
// once: by the form that the value itself chooses, if it does.
func (e *explainer) alternatives(at place, invalid *jsonschema.ValidationError, several bool) {
	fields, isObject := at.value.(map[string]any)
	name := ""
	if at.schema != nil {
		name = at.schema.discriminator
	}
	switch {
	case several:
		e.add(at.path, "fits several of its forms at once; expected exactly one of %s", at.forms())
	case !isObject && name != "":
		e.add(at.path, "is %s; expected a mapping whose %q is %s", at.found(), name, listed(at.schema.choices()))
	case !isObject || name == "":
		e.add(at.path, "is %s that fits none of its forms; expected %s", at.found(), at.forms())
	default:
		e.chosen(at, invalid, fields, name)
	}
}

// chosen explains an object by the alternative that its discriminator names.
func (e *explainer) chosen(at place, invalid *jsonschema.ValidationError, fields map[string]any, name string) {
	choices := at.schema.choices()
	_, index := at.schema.branch(fields)
	value, present := fields[name]
	text, isText := value.(string)
	switch {
	case index >= 0 && index < len(invalid.Causes): // one cause for each alternative, in order
		e.visit(invalid.Causes[index])
	case !present:
		e.add(workload.FieldPath(at.path, name), "is missing; expected %s, which decides the other fields of %s", listed(choices), at.name())
	case !isText || len(text) > 60 || at.secret || e.secret(workload.FieldPath(at.path, name), text):
		e.add(workload.FieldPath(at.path, name), "is %s; expected %s", foundWords(value), listed(choices))
	default:
		e.add(workload.FieldPath(at.path, name), "is %q; expected %s%s", text, listed(choices), didYouMean(text, choices))
	}
}

// found says what the value is, without telling it.
func (p place) found() string {
	if p.schema != nil && p.schema.has("integer") && jsonType(p.value) == "number" {
		return "a number with a fraction"
	}
	return foundWords(p.value)
}

func foundWords(value any) string {
	if _, ok := value.(bool); ok {
		return "a boolean"
	}
	return typeWords(jsonType(value))
}

// name is the field's title, or else the last key of its path.
func (p place) name() string {
	if p.schema != nil && p.schema.Title != "" {
		return p.schema.Title
	}
	return p.path[strings.LastIndexByte(p.path, '.')+1:]
}

// forms names the alternatives of a field.
func (p place) forms() string {
	if p.schema == nil {
		return "one of them"
	}
	var names []string
	for i, branch := range p.schema.branches() {
		switch {
		case branch.Title != "":
			names = append(names, branch.Title)
		case len(branch.Types) > 0:
			names = append(names, typeWords(branch.Types[0]))
		default:
			names = append(names, "form "+strconv.Itoa(i+1))
		}
	}
	if len(names) == 0 {
		return "one of them"
	}
	return listed(names)
}

// expected says what belongs at a place: its type, title and first sentence of
// its description.
func (p place) expected() string {
	if p.schema == nil {
		return "another value"
	}
	var words []string
	for _, name := range p.schema.Types {
		words = append(words, typeWords(name))
	}
	text := listed(words)
	if text == "" {
		text = "a value"
	}
	if choices := p.schema.choices(); len(choices) > 0 {
		text = fmt.Sprintf("a mapping whose %q is %s", p.schema.discriminator, listed(choices))
	} else if len(p.schema.Enum) > 0 && len(p.schema.Enum) <= 12 {
		var names []string
		for _, value := range p.schema.Enum {
			names = append(names, fmt.Sprint(value))
		}
		text = listed(names)
	}
	switch about := about(p.schema); {
	case p.schema.Title != "" && about != "":
		text += fmt.Sprintf(" (%s: %s)", p.schema.Title, about)
	case p.schema.Title != "" || about != "":
		text += fmt.Sprintf(" (%s%s)", p.schema.Title, about)
	}
	return text
}

var markup = regexp.MustCompile(`<[^>]*>|\s+`)

// maxAbout bounds what is quoted of a description.
const maxAbout = 160

// about is the first sentence of a description, without markup.
func about(s *schema) string {
	text := markup.ReplaceAllString(s.Description, " ")
	text = strings.Join(strings.Fields(text), " ")
	if end := strings.Index(text, ". "); end >= 0 {
		text = text[:end]
	}
	text = strings.TrimSuffix(text, ".")
	if len(text) > maxAbout {
		text = strings.ToValidUTF8(text[:maxAbout], "") + "…"
	}
	return text
}

// limits explains the rules on a value's size and form; the value is not told.
func limits(why jsonschema.ErrorKind) string {
	switch why := why.(type) {
	case *kind.Minimum:
		return "is below " + rational(why.Want)
	case *kind.Maximum:
		return "is above " + rational(why.Want)
	case *kind.ExclusiveMinimum:
		return "is not above " + rational(why.Want)
	case *kind.ExclusiveMaximum:
		return "is not below " + rational(why.Want)
	case *kind.Pattern:
		return "does not have the form " + why.Want
	case *kind.Format:
		return "is not a valid " + why.Want
	case *kind.MinLength:
		return fmt.Sprintf("is shorter than %d characters", why.Want)
	case *kind.MaxLength:
		return fmt.Sprintf("is longer than %d characters", why.Want)
	case *kind.MinItems:
		return fmt.Sprintf("has fewer than %d entries", why.Want)
	case *kind.MaxItems:
		return fmt.Sprintf("has more than %d entries", why.Want)
	case *kind.UniqueItems:
		return "holds an entry twice"
	}
	return "is refused by the connector's specification (" + strings.Join(why.KeywordPath(), ".") + ")"
}

func rational(value *big.Rat) string {
	if value.IsInt() {
		return value.Num().String()
	}
	return value.FloatString(3)
}

func object(value any) map[string]any {
	fields, _ := value.(map[string]any)
	return fields
}

// typeWords names a JSON type for people.
func typeWords(name string) string {
	switch name {
	case "string":
		return "a text"
	case "integer":
		return "a whole number"
	case "number":
		return "a number"
	case "boolean":
		return "true or false"
	case "array":
		return "a list"
	case "object":
		return "a mapping"
	default:
		return "nothing"
	}
}

// listed joins words for a message: a, b or c.
func listed(words []string) string {
	words = slices.DeleteFunc(slices.Clone(words), func(word string) bool { return word == "" })
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	const most = 40
	if len(words) > most {
		return strings.Join(words[:most], ", ") + " and others"
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}

func didYouMean(name string, candidates []string) string {
	if near := Nearest(name, candidates); len(near) > 0 {
		return "; did you mean " + near[0] + "?"
	}
	return ""
}
