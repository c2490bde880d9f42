package descriptor

import (
	"strconv"

	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

// connection reads specific.connection.
func (p *parser) connection(block *mapping) workload.Connection {
	p.unknown(block, "name", "dbtGitUrl", "schedule", "streams", "namespaceDefinition", "namespaceFormat", "prefix",
		"nonBreakingChangesPreference", "status", "syncOnProvision", "rediscover")
	var connection workload.Connection
	connection.Name = p.entityName(block, "connection")
	if block.get("dbtGitUrl") != nil {
		p.warn(block.at("dbtGitUrl"), "is ignored, since Airbyte runs no dbt any more; run the transformation with another workload")
	}
	p.lenient(func() { p.options(block, &connection) })
	return connection
}

// options reads all that a connection has beside its name.
func (p *parser) options(block *mapping, connection *workload.Connection) {
	if node := block.get("schedule"); node != nil {
		connection.Schedule = p.schedule(block.at("schedule"), node)
	}
	connection.Streams = p.streams(block)
	connection.NonBreakingChanges = p.choice(block, "nonBreakingChangesPreference", "ignore", "disable", "propagate_columns", "propagate_fully")
	connection.Status = p.choice(block, "status", "active", "inactive")
	connection.SyncOnProvision = p.flag(block, "syncOnProvision")
	connection.Rediscover = p.flag(block, "rediscover")
	connection.Prefix = p.optionalText(block, "prefix", "a text to put before each stream's name")
	p.namespace(block, connection)
}

func (p *parser) namespace(block *mapping, connection *workload.Connection) {
	connection.NamespaceDefinition = p.choice(block, "namespaceDefinition", "source", "destination", "customformat")
	connection.NamespaceFormat = p.optionalText(block, "namespaceFormat", "a text such as ${SOURCE_NAMESPACE}")
	custom := connection.NamespaceDefinition == "customformat"
	switch {
	case custom && connection.NamespaceFormat == "" && block.get("namespaceFormat") == nil:
		p.problem(block.at("namespaceFormat"), "is missing; namespaceDefinition customformat needs it, such as ${SOURCE_NAMESPACE}")
	case !custom && connection.NamespaceFormat != "" && block.get("namespaceDefinition") == nil:
		p.problem(block.at("namespaceDefinition"), "is missing; namespaceFormat works with customformat only")
	case !custom && connection.NamespaceFormat != "" && connection.NamespaceDefinition != "":
		p.warn(block.at("namespaceFormat"), "is ignored, since namespaceDefinition is %s and not customformat", connection.NamespaceDefinition)
		connection.NamespaceFormat = ""
	}
}

// scheduleKeys are the fields that each type of schedule has.
var scheduleKeys = map[string][]string{
	"manual": {},
	"basic":  {"units", "timeUnit"},
	"cron":   {"cronExpression", "cronTimeZone"},
}

func (p *parser) schedule(path string, node *yaml.Node) *workload.Schedule {
	block := p.mapping(path, node, "type and the fields of that type")
	if block == nil {
		return nil
	}
	p.unknown(block, "type", "units", "timeUnit", "cronExpression", "cronTimeZone")
	if block.get("type") == nil {
		p.problem(block.at("type"), "is missing; expected manual, basic or cron")
		return nil
	}
	schedule := &workload.Schedule{Type: p.choice(block, "type", "manual", "basic", "cron")}
	switch schedule.Type {
	case "basic":
		schedule.Units = p.units(block)
		schedule.TimeUnit = p.required(block, "timeUnit", "minutes", "hours", "days", "weeks", "months")
	case "cron":
		p.cron(block, schedule)
	}
	for _, kind := range []string{"basic", "cron"} {
		for _, key := range scheduleKeys[kind] {
			if schedule.Type != "" && kind != schedule.Type && block.get(key) != nil {
				p.warn(block.at(key), "is ignored, since the schedule's type is %s and not %s", schedule.Type, kind)
			}
		}
	}
	return schedule
}

// required is choice for a field that must be there.
func (p *parser) required(block *mapping, key string, allowed ...string) string {
	if block.get(key) == nil {
		p.problem(block.at(key), "is missing; expected %s", either(allowed))
		return ""
	}
	return p.choice(block, key, allowed...)
}

// maxUnits keeps a schedule's period within what Airbyte can count in milliseconds.
const maxUnits = 1_000_000

func (p *parser) units(block *mapping) int64 {
	node := block.get("units")
	if node == nil {
		p.problem(block.at("units"), "is missing; expected a whole number above 0")
		return 0
	}
	units, err := strconv.ParseInt(node.Value, 10, 64)
	if node.Kind != yaml.ScalarNode || err != nil || units < 1 || units > maxUnits {
		p.problem(block.at("units"), "is %s; expected a whole number from 1 to %d", quotedScalar(node), maxUnits)
		return 0
	}
	return units
}
