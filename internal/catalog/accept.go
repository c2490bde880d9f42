package catalog

import (
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// Accepted is what the API makes of a connectionConfiguration. Paths in it are
// from the configuration's root.
type Accepted struct {
	// Configuration is coerced, without nulls, and with literal secrets sealed.
	Configuration map[string]any
	Problems      []workload.Problem
	Warnings      []workload.Problem
}

// Accept checks a descriptor's configuration as far as that goes without Airbyte
// and without secrets. The product gives the facts for derived values.
func (c *Catalog) Accept(role Role, actor workload.Actor, configuration map[string]any) Accepted {
	profile := c.profileOf(role, actor)
	form := profile.form()
	a := acceptance{catalog: c, profile: profile, form: form}
	coerced, _ := form.coerceObject(configuration)
	a.Configuration = copied(coerced)
	a.removed()
	a.secrets()
	a.beside()
	if profile != nil && profile.specification != nil {
		a.unknown("", a.Configuration, form)
		a.check()
	}
	slices.SortStableFunc(a.Problems, func(x, y workload.Problem) int { return strings.Compare(x.Path, y.Path) })
	return a.Accepted
}

// profileOf is the profile that applies to an actor; nil if there is none.
func (c *Catalog) profileOf(role Role, actor workload.Actor) *Profile {
	profile := c.Profile(actor.Connector)
	if profile == nil || profile.Role != role {
		return nil
	}
	return profile
}

// form is the profile's schema; nil if it has none.
func (p *Profile) form() *schema {
	if p == nil {
		return nil
	}
	return p.specification.form()
}

type acceptance struct {
	Accepted
	catalog *Catalog
	profile *Profile
	form    *schema
}

func (a *acceptance) problem(path, format string, args ...any) {
	a.Problems = append(a.Problems, workload.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

func (a *acceptance) warn(path, format string, args ...any) {
	a.Warnings = append(a.Warnings, workload.Problem{Path: path, Message: fmt.Sprintf(format, args...)})
}

// removed takes out what the connector does not have any more, and refuses what
// a descriptor may not set.
func (a *acceptance) removed() {
	if a.profile == nil {
		return
	}
	for _, field := range sortedKeys(a.profile.dropped) {
		if getPath(a.Configuration, field) != nil {
			deletePath(a.Configuration, field)
			a.warn(field, "is ignored: %s", a.profile.dropped[field])
		}
	}
	for _, field := range sortedKeys(a.profile.forbidden) {
		if getPath(a.Configuration, field) != nil {
			a.problem(field, "may not be set by a descriptor: %s", a.profile.forbidden[field])
		}
	}
}

// secrets looks at references and literal secrets.
func (a *acceptance) secrets() {
	told := a.references()
	sealed := map[string]bool{}
	a.form.literals("", a.Configuration, false, func(path, text string) {
		switch {
		case under(path, told):
		case !a.catalog.allowLiterals || text == mask:
			a.Problems = append(a.Problems, literalProblem(path, text))
		case a.catalog.sealer == nil:
			a.Problems = append(a.Problems, withoutKey(literalProblem(path, text)))
		default:
			sealed[path] = true
		}
	})
	if a.catalog.allowLiterals && a.catalog.sealer != nil {
		// What the connector's own specification will say of them is not known here.
		a.form.unknownTexts("", a.Configuration, func(path string) { sealed[path] = true })
	}
	a.seal(sealed)
}

// references refuses references that are not written as they must be, and
// returns where they are. Beside a right one in a secret field there may be text
// of another kind: it is no secret, or should not be there.
func (a *acceptance) references() []string {
	var told []string
	tell := func(path, message string) {
		a.Problems = append(a.Problems, workload.Problem{Path: path, Message: message})
		told = append(told, path)
	}
	walkKeys("", a.Configuration, func(path, key string) {
		if loose(key) || strings.Contains(key, sealedPrefix) {
			tell(path, "holds a reference in the name of the field; expected it in a value")
		}
		if slices.Contains(storedSecret, key) { // secrets.allow would not be asked
			tell(path, "is a name by which Airbyte itself finds a stored secret; expected a reference such as ${secret:NAME} instead of this mapping")
		}
	})
	walk("", a.Configuration, func(path string, value any) {
		text, _ := value.(string)
		switch {
		case strings.Contains(text, sealedPrefix):
			tell(path, "holds a sealed value, which only this product may write; expected a reference such as ${secret:NAME}")
		case malformed(text):
			tell(path, "holds a reference that is not well-formed; expected ${secret:NAME}, with letters, digits, dots, dashes and underscores in the name")
		}
	})
	a.form.secretPaths("", a.Configuration, false, func(path, text string) {
		if besides(text) && !under(path, told) {
			a.warn(path, "holds text beside a reference in a field for a secret; that text is not kept secret: better put the whole value into the secret")
		}
	})
	return told
}

// seal seals the values at the paths.
func (a *acceptance) seal(paths map[string]bool) {
	if len(paths) == 0 {
		return
	}
	rewrite("", a.Configuration, func(path string, value any) any {
		if paths[path] {
			return a.catalog.sealer.Seal(fmt.Sprint(value))
		}
		return value
	})
}

// unknown warns of fields that the catalogue's schema does not have.
func (a *acceptance) unknown(path string, value any, form *schema) {
	switch value := value.(type) {
	case map[string]any:
		if form == nil || form.open() {
			return
		}
		for _, name := range sortedKeys(value) {
			if field := form.property(value, name); field != nil {
				a.unknown(workload.FieldPath(path, name), value[name], field)
				continue
			}
			a.warn(workload.FieldPath(path, name), "is not a field that the catalogue knows of this connector, and is passed on as it is%s", didYouMean(name, form.fields(value)))
		}
	case []any:
		for i, each := range value {
			if form != nil {
				a.unknown(item(path, i), each, form.Items)
			}
		}
	}
}

// open reports that the schema names no fields, so that any may be there.
func (s *schema) open() bool {
	return len(s.Properties) == 0 && len(s.branches()) == 0 && len(s.AllOf) == 0
}

// check validates the configuration with its defaults. What settings provide and
// what a secret stands for is not known here: the worker checks that.
func (a *acceptance) check() {
	complete := copied(a.Configuration)
	a.profile.addDefaults(complete)
	for _, provided := range a.profile.provided {
		deletePath(complete, provided.Field)
	}
	a.profile.derive(complete, anyFacts, hasReference)
	problems := a.profile.relaxed.Check(complete)
	if len(problems) == 0 {
		return
	}
	known := map[string]bool{}
	for _, problem := range a.Problems {
		known[problem.Path] = true
	}
	later := referring(complete)
	for _, problem := range problems {
		if !under(problem.Path, later) && !known[problem.Path] {
			a.Problems = append(a.Problems, problem)
		}
	}
}

// anyFacts stand for the facts of a data product, of which each is there: the
// check only asks whether a field will have a value.
var anyFacts = facts{
	DataProduct: productFacts{ID: "x", Name: "x", Domain: "x", Version: "0"},
	Component:   componentFacts{ID: "x", Environment: "x"},
}

// addDefaults puts the defaults into a configuration for what it lacks.
func (p *Profile) addDefaults(configuration map[string]any) {
	for _, value := range p.defaults {
		if absent(getPath(configuration, value.Field)) {
			setPath(configuration, value.Field, withoutNulls(value.Value))
		}
	}
}

// absent counts null and "" as nothing, as templates leave fields that were not filled in.
func absent(value any) bool { return value == nil || value == "" }
