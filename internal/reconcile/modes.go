package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// The sync modes of sources and of destinations.
const (
	fullRefresh    = "full_refresh"
	incremental    = "incremental"
	appendMode     = "append"
	overwrite      = "overwrite"
	appendDedup    = "append_dedup"
	overwriteDedup = "overwrite_dedup"
)

// pair is a sync mode of the source with one of the destination.
type pair struct{ source, destination string }

// pairs are the combinations that make sense, the best first: what keeps the
// destination equal to the source comes before what only adds to it.
var pairs = []pair{
	{incremental, appendDedup},
	{fullRefresh, overwrite},
	{fullRefresh, overwriteDedup},
	{incremental, appendMode},
	{fullRefresh, appendMode},
}

func dedup(destinationMode string) bool {
	return destinationMode == appendDedup || destinationMode == overwriteDedup
}

// configure decides how the stream is synced, or returns what is wrong with the wish.
func (p picked) configure(modes []string) (airbyte.ConfiguredStream, []workload.Problem) {
	var problems []workload.Problem
	fault := func(field, format string, a ...any) {
		problems = append(problems, workload.Problem{Path: p.at(field), Message: fmt.Sprintf(format, a...)})
	}
	sourceModes := p.sourceModes()
	if mode := p.wish.SyncMode; mode != "" && !slices.Contains(sourceModes, mode) {
		fault("syncMode", "stream %s does not support %s, only %s", p.Stream.Key(), mode, strings.Join(sourceModes, ", "))
	}
	if mode := p.wish.DestinationSyncMode; mode != "" && len(modes) > 0 && !slices.Contains(modes, mode) {
		fault("destinationSyncMode", "the destination does not support %s, only %s", mode, strings.Join(modes, ", "))
	}
	if len(problems) > 0 {
		return p.ConfiguredStream, problems
	}
	source, destination, ok := p.modes(sourceModes, modes)
	if !ok {
		fault("syncMode", "stream %s supports %s and the destination %s, which leaves no usable pair of modes",
			p.Stream.Key(), strings.Join(sourceModes, ", "), strings.Join(modes, ", "))
		return p.ConfiguredStream, problems
	}
	configured := airbyte.ConfiguredStream{Stream: p.Stream, Config: airbyte.StreamConfig{
		SyncMode: source, DestinationSyncMode: destination, Selected: true,
		CursorField: p.cursor(), PrimaryKey: p.key(), FieldSelectionEnabled: new(bool), SelectedFields: []airbyte.SelectedField{},
	}}
	p.checkCursor(source, fault)
	p.checkKey(destination, fault)
	p.selectFields(&configured.Config, fault)
	return configured, problems
}

// at is the path of a field of the wish.
func (p picked) at(field string) string {
	if p.path == "" {
		return streamsPath
	}
	return p.path + "." + field
}

// sourceModes are the stream's; one that names none is read whole.
func (p picked) sourceModes() []string {
	if len(p.Stream.SupportedSyncModes) == 0 {
		return []string{fullRefresh}
	}
	return p.Stream.SupportedSyncModes
}

// modes returns the best pair that the wish, the source and the destination
// allow; one that lacks its cursor or key only where there is no other, so that
// the lack is what gets reported.
func (p picked) modes(sourceModes, destinationModes []string) (source, destination string, ok bool) {
	if p.wish.SyncMode != "" && p.wish.DestinationSyncMode != "" {
		return p.wish.SyncMode, p.wish.DestinationSyncMode, true
	}
	for _, usable := range []func(pair) bool{p.complete, p.possible, p.keyed, func(pair) bool { return true }} {
		for _, pair := range pairs {
			if usable(pair) && allows(p.wish.SyncMode, sourceModes, pair.source) &&
				allows(p.wish.DestinationSyncMode, destinationModes, pair.destination) {
				return pair.source, pair.destination, true
			}
		}
	}
	if p.wish.DestinationSyncMode != "" && p.wish.DestinationSyncMode != overwrite { // a mode of data activation
		return sourceModes[0], p.wish.DestinationSyncMode, true
	}
	return "", "", false
}

// allows reports whether a mode is the one wished for and on offer; no wish and
// an unknown offer allow every mode.
func allows(wish string, offered []string, mode string) bool {
	return (wish == "" || wish == mode) && (len(offered) == 0 || slices.Contains(offered, mode))
}

// complete reports whether the source or the wish says what the pair needs. A
// cursor that the source merely suggests is not enough to choose incremental unasked.
func (p picked) complete(pair pair) bool {
	cursor := p.Stream.CursorDefined() || len(p.wish.CursorField) > 0 || p.wish.SyncMode == incremental
	return p.possible(pair) && (pair.source != incremental || cursor)
}

// possible reports whether there is a cursor and a key where the pair needs them.
func (p picked) possible(pair pair) bool {
	return p.keyed(pair) && (pair.source != incremental || p.Stream.CursorDefined() || len(p.cursor()) > 0)
}

// keyed reports whether there is a key where the pair needs one.
func (p picked) keyed(pair pair) bool { return !dedup(pair.destination) || len(p.key()) > 0 }

// keyDefined reports whether the source itself defines the primary key.
func (p picked) keyDefined() bool { return len(p.Stream.SourceDefinedPrimaryKey) > 0 }

// cursor is the cursor to send: the source's own where it defines one.
func (p picked) cursor() []string {
	switch {
	case p.Stream.CursorDefined():
		return p.Stream.DefaultCursorField
	case len(p.wish.CursorField) > 0:
		return p.wish.CursorField
	case len(p.Config.CursorField) > 0:
		return p.Config.CursorField
	}
	return p.Stream.DefaultCursorField
}

// key is the primary key to send: the source's own where it defines one.
func (p picked) key() [][]string {
	switch {
	case p.keyDefined():
		return p.Stream.SourceDefinedPrimaryKey
	case len(p.wish.PrimaryKey) > 0:
		return p.wish.PrimaryKey
	}
	return p.Config.PrimaryKey
}

type faultFunc func(field, format string, a ...any)

func (p picked) checkCursor(mode string, fault faultFunc) {
	wish, stream := p.wish.CursorField, p.Stream.Key()
	if p.Stream.CursorDefined() {
		if len(wish) > 0 && !slices.Equal(wish, p.Stream.DefaultCursorField) {
			fault("cursorField", "the source itself defines the cursor of stream %s (%s); leave cursorField out", stream, fieldPath(p.Stream.DefaultCursorField))
		}
		return
	}
	if mode == incremental && len(p.cursor()) == 0 {
		fault("cursorField", "stream %s needs a cursorField to be synced incrementally%s", stream, p.options())
	}
	p.known("cursorField", wish, fault)
}

// options lists the fields that could be named.
func (p picked) options() string {
	fields := p.Stream.Fields()
	if len(fields) == 0 {
		return ""
	}
	const many = 12
	if len(fields) > many {
		return "; its fields are " + strings.Join(fields[:many], ", ") + " and others"
	}
	return "; its fields are " + strings.Join(fields, ", ")
}

func (p picked) checkKey(mode string, fault faultFunc) {
	wish, stream := p.wish.PrimaryKey, p.Stream.Key()
	if p.keyDefined() {
		if len(wish) > 0 && !sameKey(wish, p.Stream.SourceDefinedPrimaryKey) {
			fault("primaryKey", "the source itself defines the primary key of stream %s (%s); leave primaryKey out", stream, fieldPaths(p.Stream.SourceDefinedPrimaryKey))
		}
		return
	}
	if dedup(mode) && len(p.key()) == 0 {
		fault("primaryKey", "stream %s needs a primaryKey for %s%s", stream, mode, p.options())
	}
	for _, part := range wish {
		p.known("primaryKey", part, fault)
	}
}

// known reports a field that the stream's schema does not have.
func (p picked) known(field string, named []string, fault faultFunc) {
	fields := p.Stream.Fields()
	if len(named) == 0 || len(fields) == 0 || slices.Contains(fields, named[0]) {
		return
	}
	fault(field, "stream %s has no field %s%s", p.Stream.Key(), named[0], hint(named[0], fields))
}

// selectFields cuts the stream to the fields wished for.
func (p picked) selectFields(config *airbyte.StreamConfig, fault faultFunc) {
	if len(p.wish.SelectedFields) == 0 {
		return
	}
	enabled := true
	config.FieldSelectionEnabled = &enabled
	for _, field := range p.wish.SelectedFields {
		p.known("selectedFields", []string{field}, fault)
		if selected := []string{field}; !slices.ContainsFunc(config.SelectedFields, func(f airbyte.SelectedField) bool { return slices.Equal(f.FieldPath, selected) }) {
			config.SelectedFields = append(config.SelectedFields, airbyte.SelectedField{FieldPath: selected})
		}
	}
	if config.SyncMode == incremental {
		p.selected("cursor", config.CursorField, fault)
	}
	if dedup(config.DestinationSyncMode) {
		for _, part := range config.PrimaryKey {
			p.selected("primary key", part, fault)
		}
	}
}

// selected reports a cursor or key that the selection of fields leaves out.
func (p picked) selected(what string, field []string, fault faultFunc) {
	if len(field) > 0 && !slices.Contains(p.wish.SelectedFields, field[0]) {
		fault("selectedFields", "selectedFields of stream %s must hold its %s %s", p.Stream.Key(), what, field[0])
	}
}

// sameKey compares two primary keys; the order of a key's parts does not matter.
func sameKey(a, b [][]string) bool {
	return slices.EqualFunc(sortedKey(a), sortedKey(b), slices.Equal)
}

func sortedKey(key [][]string) [][]string {
	sorted := slices.Clone(key)
	slices.SortFunc(sorted, slices.Compare)
	return sorted
}

// fieldPath and fieldPaths name fields for people.
func fieldPath(field []string) string { return strings.Join(field, ".") }

func fieldPaths(key [][]string) string {
	parts := make([]string, len(key))
	for i, part := range key {
		parts[i] = fieldPath(part)
	}
	return strings.Join(parts, ", ")
}
