package catalog

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// Input is what a configuration is made from.
type Input struct {
	Role        Role
	Actor       workload.Actor
	Component   workload.Component
	DataProduct workload.DataProduct
	// Secrets resolves references; nil resolves none.
	Secrets Secrets
	// Adopted says that the configuration was read from Airbyte, to be taken over
	// as it is: nothing is derived or defaulted, and settings only fill gaps.
	Adopted bool
}

// Draft is an actor's configuration as far as it can be told without the
// connector's own specification: the descriptor's, with defaults, settings and
// derived values, and with secrets resolved. It is not safe for concurrent use, and
// what it gives away must not be changed.
type Draft struct {
	// Configuration is equal for equal inputs; nil after a failure.
	Configuration map[string]any
	// Revealed are the secret texts that went into it, as Final's.
	Revealed []string

	catalog *Catalog
	in      Input
	profile *Profile
	stated  map[string]any // what the descriptor says
	made    *making        // what has become of it; nil after a failure
	// resolved are the secrets that were asked for: one draft has one value of each.
	resolved map[asked]string
}

// asked is a secret and for whom.
type asked struct {
	name string
	user SecretUser
}

// Final is a configuration as Airbyte gets it.
type Final struct {
	Configuration map[string]any
	// Secrets are the secret values in it by path, for fingerprints.
	Secrets map[string]string
	// Revealed are all secret texts that went into it, also those that are only a
	// part of a value, sorted: to keep them out of messages.
	Revealed []string
	// Warnings are for the operation's log; they hold no secret.
	Warnings []string
}

// Configuration makes an actor's configuration in one go.
func (c *Catalog) Configuration(ctx context.Context, in Input, specification *Specification) (Final, *workload.Failure) {
	draft, _ := c.Draft(ctx, in) // what fails now fails again below
	return draft.Final(ctx, specification)
}

// Draft begins the configuration of an actor. The failure has CodeInvalid (every
// problem, with its path) or CodeSecret; a draft comes with it: what the catalogue
// refuses, the connector's own specification may still allow.
func (c *Catalog) Draft(ctx context.Context, in Input) (*Draft, *workload.Failure) {
	d := &Draft{catalog: c, in: in, profile: c.profileOf(in.Role, in.Actor), resolved: map[asked]string{}}
	form := d.profile.form()
	d.stated, _ = form.coerceObject(in.Actor.Configuration)
	if problems := d.literals(form, d.stated); len(problems) > 0 {
		return d, d.invalid(problems)
	}
	made, failure := d.make(ctx, d.stated)
	if failure != nil {
		return d, failure
	}
	typed := made.typed(form)
	d.made, d.Configuration, d.Revealed = made, typed.configuration, typed.allRevealed()
	return d, nil
}

// Final makes the configuration that Airbyte gets, checked with the connector's
// own specification; without one (nil) with the catalogue's. Failures are as
// those of a draft.
func (d *Draft) Final(ctx context.Context, specification *Specification) (Final, *workload.Failure) {
	if specification == nil && d.profile != nil {
		specification = d.profile.specification
	}
	form := specification.form()
	stated, changed := form.coerceObject(d.stated)
	if problems := d.literals(form, stated); len(problems) > 0 {
		return Final{}, d.invalid(problems)
	}
	made := d.made
	if made == nil || changed {
		var failure *workload.Failure
		if made, failure = d.make(ctx, stated); failure != nil {
			return Final{}, failure
		}
	}
	typed := made.typed(form)
	if specification != nil {
		if problems := specification.check(typed.configuration, typed.isSecret); len(problems) > 0 {
			return Final{}, d.invalid(made.explainUnset(problems))
		}
	}
	return Final{
		Configuration: typed.configuration, Secrets: typed.secrets, Revealed: typed.allRevealed(),
		Warnings: slices.Concat(d.doubts(specification), made.warnings),
	}, nil
}

// make does what no specification changes: it adds defaults, settings and derived
// values to what is stated, and resolves secrets. Only then is it known whether the
// rest goes with the platform's values.
func (d *Draft) make(ctx context.Context, stated map[string]any) (*making, *workload.Failure) {
	m := &making{Draft: d, configuration: copied(stated), secrets: map[string]string{}, opened: map[string]bool{}}
	if d.profile != nil {
		if !d.in.Adopted {
			d.profile.addDefaults(m.configuration)
		}
		m.provide()
	}
	if failure := m.resolve(ctx); failure != nil {
		return nil, failure
	}
	if problems := slices.Concat(m.derive(), m.beside()); len(problems) > 0 {
		return nil, d.invalid(problems)
	}
	return m, nil
}

// doubts warn of a specification that is only half understood.
func (d *Draft) doubts(specification *Specification) []string {
	if specification == nil || !specification.partial {
		return nil
	}
	return []string{fmt.Sprintf("The %s connector's specification is not quite a JSON Schema; where it is not, only Airbyte checks the configuration.", d.in.Role)}
}

// literals are the secrets in clear text that the API could not know to be any.
// Where they are allowed, the API has sealed all texts that may be some.
func (d *Draft) literals(form *schema, stated map[string]any) []workload.Problem {
	if form == nil {
		return nil
	}
	var problems []workload.Problem
	form.literals("", stated, false, func(path, text string) {
		problem := literalProblem(path, text)
		if d.catalog.allowLiterals && d.catalog.sealer == nil {
			problem = withoutKey(problem)
		}
		problems = append(problems, problem)
	})
	return problems
}

// making is a configuration on its way to be final.
type making struct {
	*Draft
	configuration map[string]any
	secrets       map[string]string
	opened        map[string]bool // paths of values that were sealed
	warnings      []string
	revealed      []string    // secrets as they were resolved
	operator      []string    // fields whose values come from the operator's catalogue
	given         []provision // the entries that they come from
	unset         map[string][]string
}

// typed is a copy in the types that a schema wants, with all that it marks as
// secret, which the API did not always know of a value that it sealed.
func (m *making) typed(form *schema) *making {
	typed := *m
	typed.configuration, _ = form.coerceObject(m.configuration)
	typed.secrets = maps.Clone(m.secrets)
	keep := func(path, text string) { typed.secrets[path] = text }
	if len(m.opened) > 0 {
		form.literals("", typed.configuration, false, func(path, text string) {
			if m.opened[path] {
				keep(path, text)
			}
		})
	}
	form.secretPaths("", typed.configuration, false, keep)
	return &typed
}

// isSecret reports whether a value came from a secret, be it in a field for none.
func (m *making) isSecret(path, text string) bool {
	if _, known := m.secrets[path]; known {
		return true
	}
	return slices.ContainsFunc(m.revealed, func(secret string) bool { return secret != "" && strings.Contains(text, secret) })
}

// allRevealed are the resolved secrets and the values that they are in now.
func (m *making) allRevealed() []string {
	all := slices.Clone(m.revealed)
	for _, value := range m.secrets {
		all = append(all, value)
	}
	all = slices.DeleteFunc(all, func(text string) bool { return text == "" })
	slices.Sort(all)
	return slices.Compact(all)
}

// derive computes the derived values, which see secrets resolved.
func (m *making) derive() []workload.Problem {
	if m.profile == nil || m.in.Adopted {
		return nil
	}
	product, component := m.in.DataProduct, m.in.Component
	known := facts{
		DataProduct: productFacts{ID: product.ID, Name: product.Name, Domain: product.Domain, Version: product.Version},
		Component:   componentFacts{ID: component.ID, Environment: component.Environment},
	}
	problems := m.profile.derive(m.configuration, known, nothingLater)
	for path := range m.secrets { // a derived value of a secret is that secret
		if text, ok := getPath(m.configuration, path).(string); ok {
			m.secrets[path] = text
		}
	}
	return problems
}

// derive computes each derived field, in the order of the file; a later one
// sees the earlier ones. An expression without a value leaves its field as it is,
// and so does any where the field holds what will be known later.
func (p *Profile) derive(configuration map[string]any, known facts, later func(text string) bool) []workload.Problem {
	var problems []workload.Problem
	for _, derived := range p.derived {
		known.Config, known.Value = configuration, getPath(configuration, derived.field)
		if absent(known.Value) {
			known.Value = nil
		}
		if text, ok := known.Value.(string); ok && later(text) {
			continue
		}
		value, err := derived.compute(known)
		switch {
		case err != nil: // its text may hold values
			problems = append(problems, workload.Problem{Path: derived.field, Message: "cannot be derived from the descriptor; expected a plain text in the fields that it is made from"})
		case value != nil:
			setPath(configuration, derived.field, value)
		case known.Value == nil:
			deletePath(configuration, derived.field) // an empty text that nothing replaces
		}
	}
	return problems
}

// nothingLater is for configurations whose references are resolved.
func nothingLater(string) bool { return false }

// explainUnset tells, where a required field is one that settings provide, which
// setting is missing.
func (m *making) explainUnset(problems []workload.Problem) []workload.Problem {
	for i, problem := range problems {
		if names := m.unset[problem.Path]; len(names) > 0 {
			slices.Sort(names)
			problems[i].Message += "; the platform can set it for everybody with " + listed(slices.Compact(names))
		}
	}
	return problems
}

func (d *Draft) invalid(problems []workload.Problem) *workload.Failure {
	for i := range problems {
		problems[i].Path = d.path(problems[i].Path)
	}
	return &workload.Failure{
		Code:     workload.CodeInvalid,
		Phase:    d.phase(),
		Message:  fmt.Sprintf("The configuration of the %s is not what its connector expects.", d.in.Role),
		Problems: problems,
		Solutions: []string{
			"Correct these fields in the component's template or in catalog-info.yaml under spec.mesh.specific, then deploy again.",
		},
	}
}

// path leads from the component to a field of the configuration.
func (d *Draft) path(field string) string {
	return join("specific."+string(d.in.Role)+".connectionConfiguration", field)
}

func (d *Draft) phase() workload.Phase {
	if d.in.Role == Destination {
		return workload.PhaseDestination
	}
	return workload.PhaseSource
}
