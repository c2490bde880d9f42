package catalog

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"

	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

// demand is what a field must be beside a value of the platform's: parameters of a
// driver, or a tunnel, could lead the platform's credentials to another host.
type demand struct {
	field    string
	pattern  *regexp.Regexp // of the whole text
	expected string         // for people
}

// allows reports whether the field is left out or as it must be. What is no text
// cannot be looked into.
func (d demand) allows(value any) bool {
	switch value := value.(type) {
	case nil:
		return true
	case string:
		return value == "" || d.pattern.MatchString(value)
	case bool, json.Number:
		return d.pattern.MatchString(fmt.Sprint(value))
	}
	return false
}

// problem does not tell the value, which may be a secret.
func (d demand) problem(provided string) workload.Problem {
	return workload.Problem{Path: d.field, Message: fmt.Sprintf("does not go with the platform's own %s; expected %s", provided, d.expected)}
}

// beside refuses what does not go with the values of the platform's that are in the
// configuration. What the operator's catalogue itself sets does.
func (m *making) beside() []workload.Problem {
	var problems []workload.Problem
	for _, entry := range m.given {
		for _, demand := range entry.onlyBeside {
			if !under(demand.field, m.operator) && !demand.allows(getPath(m.configuration, demand.field)) {
				problems = append(problems, demand.problem(entry.Field))
			}
		}
	}
	return problems
}

// beside refuses what the worker would, as far as that is known here: a value that the
// descriptor lacks can come from the platform only, whose settings the API need not have.
func (a *acceptance) beside() {
	if a.profile == nil {
		return
	}
	later := referring(a.Configuration)
	for _, entry := range a.profile.provided {
		if !absent(getPath(a.Configuration, entry.Field)) {
			continue
		}
		for _, demand := range entry.onlyBeside {
			set := slices.ContainsFunc(a.profile.provided, func(p provision) bool { return under(demand.field, []string{p.Field}) })
			told := slices.ContainsFunc(a.Problems, func(p workload.Problem) bool { return p.Path == demand.field })
			if !set && !told && !under(demand.field, later) && !demand.allows(getPath(a.Configuration, demand.field)) {
				a.Problems = append(a.Problems, demand.problem(entry.Field))
			}
		}
	}
}

// readDemands reads the onlyBeside of an entry of provided.
func (p *Profile) readDemands(node *yaml.Node) (demands []demand, err error) {
	err = eachField("onlyBeside", node, func(field string, node *yaml.Node) error {
		wrong := func(format string, args ...any) error {
			return &lineError{node.Line, "onlyBeside." + field + fmt.Sprintf(format, args...)}
		}
		var read map[string]string
		if err := node.Decode(&read); err != nil || len(read) != 2 || read["expected"] == "" {
			return wrong(" needs a pattern and what is expected, and nothing more")
		}
		text, ok := read["pattern"]
		if !ok {
			return wrong(" needs a pattern and what is expected, and nothing more")
		}
		if _, err := regexp.Compile(text); err != nil {
			return wrong(": the pattern is wrong: %v", err)
		}
		one := demand{field, regexp.MustCompile(`\A(?:` + text + `)\z`), read["expected"]}
		for _, value := range p.defaults {
			if value.Field == field && !one.allows(value.Value) {
				return wrong(": the default is not what is expected here; expected it in provided")
			}
		}
		demands = append(demands, one)
		return p.knowsField(field, node.Line)
	})
	return demands, err
}
