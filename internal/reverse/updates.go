package reverse

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// root is where a component's specific block is in catalog-info.yaml.
const root = "spec.mesh.specific."

// updates collects what has to stand in catalog-info.yaml.
type updates struct {
	values  map[string]any
	present []string // the optional paths that hold a value now
	// notes are about what a descriptor cannot say.
	notes []string
}

func (u *updates) set(path string, value any) { u.values[root+path] = value }

// optional sets a value, or clears what is there where there is none.
func (u *updates) optional(path, value string) {
	switch {
	case value != "":
		u.set(path, value)
	case slices.Contains(u.present, path):
		u.set(path, nil)
	}
}

func (u *updates) note(format string, a ...any) { u.notes = append(u.notes, fmt.Sprintf(format, a...)) }

// actor sets a source or a destination. connector is the catalogue's name of it; it may be empty.
func (u *updates) actor(a airbyte.Actor, connector string, configuration any) {
	block := string(a.Kind)
	u.set(block+".name", plain(a.Name))
	u.optional(block+".connector", connector)
	definition := a.DefinitionID
	if connector != "" {
		definition = ""
	}
	u.optional(block+".definitionId", definition)
	u.set(configurationPath(block), configuration)
}

// connection sets the connection, and that it is to be taken over.
func (u *updates) connection(c airbyte.Connection) {
	u.set("connection.name", c.Name)
	u.set("connection.schedule", schedule(c))
	u.set("connection.streams", u.streams(c.Catalog.Streams))
	u.set("connection.namespaceDefinition", cmp.Or(c.NamespaceDefinition, "source"))
	format := c.NamespaceFormat
	if c.NamespaceDefinition != "customformat" {
		format = "" // Airbyte keeps one that has no effect
	}
	u.optional("connection.namespaceFormat", format)
	u.optional("connection.prefix", c.Prefix)
	u.optional("connection.nonBreakingChangesPreference", c.NonBreakingChanges)
	switch c.Status {
	case "active", "inactive":
		u.set("connection.status", c.Status)
	default:
		u.note("The connection's status is %q, which a descriptor cannot say; it is left out.", c.Status)
	}
	u.set("adopt.connectionId", c.ID)
}

// schedule renders a schedule as the specific block writes it.
func schedule(c airbyte.Connection) map[string]any {
	basic, cron := c.Schedule()
	switch {
	case cron != nil:
		return map[string]any{"type": "cron", "cronExpression": cron.Expression, "cronTimeZone": cron.TimeZone}
	case basic != nil:
		return map[string]any{"type": "basic", "units": basic.Units, "timeUnit": basic.TimeUnit}
	}
	return map[string]any{"type": "manual"}
}

// streams renders the selected streams, sorted.
func (u *updates) streams(all []airbyte.ConfiguredStream) []any {
	selected := slices.DeleteFunc(slices.Clone(all), func(s airbyte.ConfiguredStream) bool { return !s.Config.Selected })
	slices.SortFunc(selected, func(a, b airbyte.ConfiguredStream) int {
		x, y := a.Stream.Key(), b.Stream.Key()
		return cmp.Or(strings.Compare(x.Namespace, y.Namespace), strings.Compare(x.Name, y.Name))
	})
	streams := make([]any, 0, len(selected))
	for _, s := range selected {
		streams = append(streams, u.stream(s))
	}
	if len(streams) == 0 {
		u.note("The connection has no selected stream, which a descriptor cannot say: an empty list means all streams. Choose at least one.")
	}
	return streams
}

// stream renders one stream. What the source itself defines is left out, and
// so is a cursor or a key that the sync modes have no use for.
func (u *updates) stream(s airbyte.ConfiguredStream) map[string]any {
	key, config := s.Stream.Key(), s.Config
	stream := map[string]any{"name": key.Name, "syncMode": config.SyncMode, "destinationSyncMode": config.DestinationSyncMode}
	if key.Namespace != "" {
		stream["namespace"] = key.Namespace
	}
	if config.SyncMode == "incremental" && !s.Stream.CursorDefined() && len(config.CursorField) > 0 {
		stream["cursorField"] = config.CursorField
	}
	if strings.HasSuffix(config.DestinationSyncMode, "_dedup") && len(s.Stream.SourceDefinedPrimaryKey) == 0 && len(config.PrimaryKey) > 0 {
		stream["primaryKey"] = config.PrimaryKey
	}
	if enabled := config.FieldSelectionEnabled; enabled != nil && *enabled {
		stream["selectedFields"] = u.fields(key, config.SelectedFields)
	}
	if len(config.Mappers) > 0 || len(config.HashedFields) > 0 {
		u.note("Stream %s has mappings or hashed fields, which a descriptor cannot say: check them in Airbyte after the next provisioning.", key)
	}
	return stream
}

func (u *updates) fields(stream airbyte.StreamKey, selected []airbyte.SelectedField) []string {
	names := make([]string, 0, len(selected))
	for _, field := range selected {
		if len(field.FieldPath) != 1 {
			u.note("Stream %s selects the nested field %s, which a descriptor cannot say; it is left out.", stream, strings.Join(field.FieldPath, "."))
			continue
		}
		names = append(names, field.FieldPath[0])
	}
	slices.Sort(names)
	if len(names) == 0 {
		u.note("Stream %s selects no field, which a descriptor cannot say: an empty list means all fields.", stream)
	}
	return names
}

// outcome is the answer, with a message that says what is left to do.
func (u *updates) outcome(c airbyte.Connection, source, destination airbyte.Actor, secrets []string) workload.Outcome {
	lines := []string{fmt.Sprintf("Read the connection %q (%s) from %q to %q. Nothing was changed in Airbyte.",
		c.Name, c.ID, plain(source.Name), plain(destination.Name))}
	if len(secrets) > 0 {
		lines = append(lines, "Before the next provisioning, the platform's secrets must hold: "+strings.Join(secrets, ", ")+".")
	}
	if mark.MatchString(source.Name) || mark.MatchString(destination.Name) {
		lines = append(lines, "A component of this provisioner owns the connection already; only that component can take it over.")
	}
	return workload.Outcome{Message: strings.Join(append(lines, u.notes...), "\n- "), Updates: u.values}
}
