package reconcile

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// shape is a connection as far as we own it, in a form in which what is wanted
// and what Airbyte answers can be compared: defaults filled in, streams sorted,
// and without what the server makes up itself.
type shape struct {
	Name                string
	Status              string
	Schedule            workload.Schedule
	NamespaceDefinition string
	NamespaceFormat     string
	Prefix              string
	NonBreakingChanges  string
	Streams             []streamShape
}

// streamShape is a selected stream as far as we own it.
type streamShape struct {
	Key                 airbyte.StreamKey
	SyncMode            string
	DestinationSyncMode string
	Cursor              []string   // of incremental streams
	PrimaryKey          [][]string // of streams whose duplicates are removed
	Fields              []string   // with a selection of fields
}

// What a connection has where the descriptor is silent: what Airbyte reads as
// when nothing was ever set.
const (
	defaultStatus      = "active"
	defaultSchedule    = "manual"
	defaultNamespace   = "source"
	defaultNonBreaking = "ignore"
	customFormat       = "customformat"
	lockedStatus       = "locked"
)

// wantedShape is the shape that the descriptor asks for, without the streams.
func wantedShape(c workload.Connection) shape {
	s := shape{
		Name: c.Name, Status: cmp.Or(c.Status, defaultStatus), Schedule: workload.Schedule{Type: defaultSchedule},
		NamespaceDefinition: cmp.Or(c.NamespaceDefinition, defaultNamespace), Prefix: c.Prefix,
		NonBreakingChanges: cmp.Or(c.NonBreakingChanges, defaultNonBreaking),
	}
	if c.Schedule != nil {
		s.Schedule = *c.Schedule
	}
	if c.NamespaceDefinition == "" && c.NamespaceFormat != "" {
		s.NamespaceDefinition = customFormat
	}
	if s.NamespaceDefinition == customFormat {
		s.NamespaceFormat = c.NamespaceFormat
	}
	return s
}

// shapeOf is the shape of a connection that Airbyte answered.
func shapeOf(c airbyte.Connection) shape {
	s := shape{
		Name: c.Name, Status: c.Status, Schedule: scheduleOf(c),
		NamespaceDefinition: cmp.Or(c.NamespaceDefinition, defaultNamespace), Prefix: c.Prefix,
		NonBreakingChanges: cmp.Or(c.NonBreakingChanges, defaultNonBreaking), Streams: streamShapes(c.Catalog.Streams),
	}
	if s.NamespaceDefinition == customFormat {
		s.NamespaceFormat = c.NamespaceFormat
	}
	return s
}

func scheduleOf(c airbyte.Connection) workload.Schedule {
	basic, cron := c.Schedule()
	switch {
	case cron != nil:
		return workload.Schedule{Type: "cron", CronExpression: cron.Expression, CronTimeZone: cron.TimeZone}
	case basic != nil:
		return workload.Schedule{Type: "basic", Units: basic.Units, TimeUnit: basic.TimeUnit}
	}
	return workload.Schedule{Type: defaultSchedule}
}

// scheduleData is what Airbyte is sent beside the schedule's type.
func scheduleData(s workload.Schedule) *airbyte.ScheduleData {
	switch s.Type {
	case "basic":
		return &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: s.TimeUnit, Units: s.Units}}
	case "cron":
		return &airbyte.ScheduleData{Cron: &airbyte.CronSchedule{Expression: s.CronExpression, TimeZone: s.CronTimeZone}}
	}
	return nil
}

// streamShapes are the shapes of the selected streams, sorted: the order of a catalog means nothing.
func streamShapes(streams []airbyte.ConfiguredStream) []streamShape {
	shapes := make([]streamShape, 0, len(streams))
	for _, s := range streams {
		if s.Config.Selected {
			shapes = append(shapes, shapeOfStream(s))
		}
	}
	slices.SortFunc(shapes, func(a, b streamShape) int {
		return cmp.Or(strings.Compare(a.Key.Namespace, b.Key.Namespace), strings.Compare(a.Key.Name, b.Key.Name))
	})
	return shapes
}

func shapeOfStream(s airbyte.ConfiguredStream) streamShape {
	shape := streamShape{Key: s.Stream.Key(), SyncMode: s.Config.SyncMode, DestinationSyncMode: s.Config.DestinationSyncMode}
	if shape.SyncMode == incremental && len(s.Config.CursorField) > 0 {
		shape.Cursor = s.Config.CursorField
	}
	if dedup(shape.DestinationSyncMode) && len(s.Config.PrimaryKey) > 0 {
		shape.PrimaryKey = sortedKey(s.Config.PrimaryKey)
	}
	if enabled := s.Config.FieldSelectionEnabled; enabled != nil && *enabled {
		shape.Fields = []string{}
		for _, field := range s.Config.SelectedFields {
			shape.Fields = append(shape.Fields, fieldPath(field.FieldPath))
		}
		slices.Sort(shape.Fields)
	}
	return shape
}

func (s streamShape) equal(other streamShape) bool {
	return s.Key == other.Key && s.SyncMode == other.SyncMode && s.DestinationSyncMode == other.DestinationSyncMode &&
		slices.Equal(s.Cursor, other.Cursor) && slices.EqualFunc(s.PrimaryKey, other.PrimaryKey, slices.Equal) &&
		(s.Fields == nil) == (other.Fields == nil) && slices.Equal(s.Fields, other.Fields)
}

func (s streamShape) modes() string { return s.SyncMode + "/" + s.DestinationSyncMode }

// The fields of a connection that an update can change.
const (
	fieldName        = "name"
	fieldStatus      = "status"
	fieldSchedule    = "schedule"
	fieldNamespace   = "namespace"
	fieldPrefix      = "prefix"
	fieldNonBreaking = "nonBreakingChangesPreference"
	fieldStreams     = "streams"
)

// changed are the fields in which a connection differs from what is wanted,
// each with a text for people.
type changed map[string]string

// fields renders the changes in a fixed order.
func (c changed) fields() []string {
	var all []string
	for _, field := range []string{fieldName, fieldStatus, fieldSchedule, fieldNamespace, fieldPrefix, fieldNonBreaking, fieldStreams} {
		if text, ok := c[field]; ok {
			all = append(all, text)
		}
	}
	return all
}

// changesTo returns what must change in the shape that is there. Streams are
// only compared when they are known.
func (s shape) changesTo(wanted shape, streams bool) changed {
	changes := changed{}
	note := func(field, from, to string) {
		if from != to {
			changes[field] = fmt.Sprintf("%s %s -> %s", field, orNone(from), orNone(to))
		}
	}
	note(fieldName, quoted(s.Name), quoted(wanted.Name))
	if s.Status != lockedStatus { // the platform's own lock is not ours to open
		note(fieldStatus, s.Status, wanted.Status)
	}
	note(fieldSchedule, scheduleText(s.Schedule), scheduleText(wanted.Schedule))
	note(fieldNamespace, s.namespaceText(), wanted.namespaceText())
	note(fieldPrefix, s.Prefix, wanted.Prefix)
	note(fieldNonBreaking, s.NonBreakingChanges, wanted.NonBreakingChanges)
	if streams {
		if text := streamChanges(s.Streams, wanted.Streams); text != "" {
			changes[fieldStreams] = text
		}
	}
	return changes
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func scheduleText(s workload.Schedule) string {
	switch s.Type {
	case "basic":
		return fmt.Sprintf("every %d %s", s.Units, s.TimeUnit)
	case "cron":
		return "cron " + s.CronExpression + " " + s.CronTimeZone
	}
	return s.Type
}

func (s shape) namespaceText() string {
	return strings.TrimSpace(s.NamespaceDefinition + " " + s.NamespaceFormat)
}

// streamChanges says which streams come, go and change; empty when none does.
func streamChanges(from, to []streamShape) string {
	before := map[airbyte.StreamKey]streamShape{}
	for _, s := range from {
		before[s.Key] = s
	}
	var added, altered, removed []string
	for _, s := range to {
		old, there := before[s.Key]
		delete(before, s.Key)
		switch {
		case !there:
			added = append(added, s.Key.String()+" "+s.modes())
		case !old.equal(s):
			altered = append(altered, s.Key.String()+" "+old.difference(s))
		}
	}
	for key := range before {
		removed = append(removed, key.String())
	}
	slices.Sort(removed)
	var parts []string
	for _, part := range []struct {
		sign    string
		streams []string
	}{{"+", added}, {"~", altered}, {"-", removed}} {
		if len(part.streams) > 0 {
			parts = append(parts, part.sign+several(part.streams))
		}
	}
	if len(parts) == 0 {
		return ""
	}
	return fieldStreams + " " + strings.Join(parts, "; ")
}

// difference says in what a stream differs.
func (s streamShape) difference(to streamShape) string {
	switch {
	case s.modes() != to.modes():
		return s.modes() + " -> " + to.modes()
	case !slices.Equal(s.Cursor, to.Cursor):
		return "cursor " + orNone(fieldPath(s.Cursor)) + " -> " + orNone(fieldPath(to.Cursor))
	case !slices.EqualFunc(s.PrimaryKey, to.PrimaryKey, slices.Equal):
		return "primary key " + orNone(fieldPaths(s.PrimaryKey)) + " -> " + orNone(fieldPaths(to.PrimaryKey))
	}
	return "selected fields"
}

// several lists names, but not hundreds of them.
func several(names []string) string {
	const many = 10
	if len(names) > many {
		return fmt.Sprintf("%s and %d more", strings.Join(names[:many], ", "), len(names)-many)
	}
	return strings.Join(names, ", ")
}
