package descriptor

import (
	"strings"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"
)

// specific reads the component's specific block.
func (p *parser) specific(component *mapping, work *workload.Work) {
	specific := p.mapping(component.at("specific"), component.get("specific"), "source, destination and connection")
	if specific == nil {
		return
	}
	p.unknown(specific, "source", "destination", "connection", "adopt")
	work.Source = p.actor(specific, catalog.Source)
	work.Destination = p.actor(specific, catalog.Destination)
	if connection := p.mapping(specific.at("connection"), specific.get("connection"), "at least a name"); connection != nil {
		work.Connection = p.connection(connection)
	}
	p.lenient(func() { work.Adopt = p.adopt(specific) })
}

// lenient reads what a removal does not need: for an unprovision its problems
// are only warnings.
func (p *parser) lenient(read func()) {
	before := len(p.problems)
	read()
	if p.kind != workload.Unprovision {
		return
	}
	for _, problem := range p.problems[before:] {
		p.warn(problem.Path, "%s (ignored, since a removal does not need it)", problem.Message)
	}
	p.problems = p.problems[:before]
}

func (p *parser) actor(specific *mapping, role catalog.Role) workload.Actor {
	key := string(role)
	block := p.mapping(specific.at(key), specific.get(key), "name and connectionConfiguration")
	if block == nil {
		return workload.Actor{}
	}
	p.unknown(block, "name", "connector", "definitionId", "connectionConfiguration")
	var actor workload.Actor
	actor.Name = p.entityName(block, key)
	configuration := p.mapping(block.at("connectionConfiguration"), block.get("connectionConfiguration"), "the fields of the connector")
	p.lenient(func() {
		known := p.connector(block, role, &actor)
		if configuration != nil {
			p.configuration(configuration, role, &actor, known)
		}
	})
	return actor
}

// connector reads which connector the block names. It reports false, with a
// problem, where that cannot be said.
func (p *parser) connector(block *mapping, role catalog.Role, actor *workload.Actor) bool {
	before := len(p.problems)
	name := p.optionalText(block, "connector", "a connector's name, such as "+string(role)+"-postgres")
	id := p.optionalText(block, "definitionId", "the UUID of a connector definition")
	if id != "" {
		parsed, err := uuid.Parse(id)
		if err != nil {
			p.problem(block.at("definitionId"), "is %.60q; expected the UUID of a connector definition", id)
		}
		id = parsed.String()
	}
	if len(p.problems) > before {
		return false
	}
	choice, problems := p.connectors.Choose(role, name, id)
	p.adopted(block.path, problems)
	actor.Connector, actor.DefinitionID = choice.Connector, choice.DefinitionID
	if hint := p.connectors.Hint(role, choice); hint != "" {
		p.warn(block.at("connector"), "%s", hint)
	}
	return len(problems) == 0
}

// configuration reads connectionConfiguration and has the catalogue look at it.
func (p *parser) configuration(block *mapping, role catalog.Role, actor *workload.Actor, known bool) {
	actor.Configuration = map[string]any{}
	value, complete := p.value(block.path, block.node, 0)
	fields, isMap := value.(map[string]any)
	if !complete || !isMap || !known {
		return
	}
	accepted := p.connectors.Accept(role, *actor, fields)
	if p.kind != workload.Unprovision { // a removal has no use for it, and it may hold what was refused
		actor.Configuration = accepted.Configuration
	}
	p.adopted(block.path, accepted.Problems)
	for _, warning := range accepted.Warnings {
		p.warn(within(block.path, warning.Path), "%s", warning.Message)
	}
}

// adopted takes over problems whose paths are relative to a block.
func (p *parser) adopted(path string, problems []workload.Problem) {
	for _, problem := range problems {
		p.problem(within(path, problem.Path), "%s", problem.Message)
	}
}

func within(path, rest string) string {
	if rest == "" {
		return path
	}
	return join(path, rest)
}

// adopt reads the connection to take over.
func (p *parser) adopt(specific *mapping) string {
	node := specific.get("adopt")
	if node == nil {
		return ""
	}
	block := p.mapping(specific.at("adopt"), node, "connectionId")
	if block == nil {
		return ""
	}
	p.unknown(block, "connectionId")
	id, ok := p.text(block.at("connectionId"), block.get("connectionId"), "the UUID of the connection to take over")
	if !ok {
		return ""
	}
	parsed, err := uuid.Parse(id)
	if err != nil {
		p.problem(block.at("connectionId"), "is %.60q; expected the UUID of the connection to take over", id)
		return ""
	}
	return parsed.String()
}

// unknown warns of keys that nothing reads, naming the nearest that something does.
func (p *parser) unknown(block *mapping, known ...string) {
	for _, key := range block.keys() {
		if contains(known, key) {
			continue
		}
		hint := "known are " + strings.Join(known, ", ")
		if near := catalog.Nearest(key, known); len(near) > 0 {
			hint = "did you mean " + near[0] + "?"
		}
		p.warn(block.at(legible(key)), "is unknown and ignored; %s", hint)
	}
}

func contains(list []string, value string) bool {
	for _, each := range list {
		if each == value {
			return true
		}
	}
	return false
}

// legible shortens a key for a message.
func legible(key string) string {
	if hasControl(key) || len(key) > 60 {
		return strings.Map(func(c rune) rune {
			if hasControl(string(c)) {
				return '?'
			}
			return c
		}, strings.ToValidUTF8(key[:min(len(key), 60)], ""))
	}
	return key
}

// flag reads an optional boolean.
func (p *parser) flag(block *mapping, key string) bool {
	node := block.get(key)
	if node == nil {
		return false
	}
	if node.Kind == yaml.ScalarNode {
		if value, ok := catalog.Boolean(node.Value); ok {
			return value
		}
	}
	p.problem(block.at(key), "is %s; expected true or false", quotedScalar(node))
	return false
}

// choice reads an optional word out of a closed set.
func (p *parser) choice(block *mapping, key string, allowed ...string) string {
	node := block.get(key)
	if node == nil {
		return ""
	}
	if node.Kind == yaml.ScalarNode && contains(allowed, node.Value) {
		return node.Value
	}
	hint := ""
	if near := catalog.Nearest(node.Value, allowed); len(near) > 0 {
		hint = "; did you mean " + near[0] + "?"
	}
	p.problem(block.at(key), "is %s; expected %s%s", quotedScalar(node), either(allowed), hint)
	return ""
}

// quotedScalar shows a short scalar as it is, and of anything else only what it is.
func quotedScalar(node *yaml.Node) string {
	if node.Kind == yaml.ScalarNode && len(node.Value) <= 60 && !hasControl(node.Value) {
		return `"` + node.Value + `"`
	}
	return describe(node)
}

// either lists words for a message: a, b or c.
func either(words []string) string {
	if len(words) == 1 {
		return words[0]
	}
	return strings.Join(words[:len(words)-1], ", ") + " or " + words[len(words)-1]
}
