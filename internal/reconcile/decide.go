package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
)

// wanted is what Airbyte is to hold.
type wanted struct {
	workspace   string
	source      wantedActor
	destination wantedActor
	connection  wantedConnection
}

// wantedActor is a source or destination to be.
type wantedActor struct {
	kind         airbyte.ActorKind
	name         string // with the digest
	connector    string
	definitionID string
	marks        Prints // without Read; Secrets only with a configuration
	draft        *catalog.Draft
	// configuration is the final one; nil while it is not needed, because
	// nothing differs from what was last sent.
	configuration map[string]any
	secrets       []string // the paths of its secrets
}

// actor is the actor in the form in which its configuration is sent.
func (w wantedActor) actor(workspace string) airbyte.Actor {
	return airbyte.Actor{Kind: w.kind, WorkspaceID: workspace, DefinitionID: w.definitionID, Configuration: w.configuration}
}

// wantedConnection is the connection to be.
type wantedConnection struct {
	shape shape // its streams count only when they are known
	// wishes is the fingerprint of what the descriptor says of streams.
	wishes string
	// streams says whether shape.Streams is known: a discovery has been made.
	streams bool
	// rediscover is the descriptor's own wish.
	rediscover bool
	sync       bool
	// hash makes fingerprints.
	hash func(purpose string, value any) string
}

// settled reports whether a source or destination is, as far as can be seen,
// just as we last wrote it and as it is wanted again: then its configuration
// need not be looked at.
func settled(w wantedActor, current *found, k known) bool {
	last := k.actor(w.kind)
	return current != nil && current.ID == last.ID && current.DefinitionID == w.definitionID && !k.pending(Entity(w.kind)) &&
		same(last.Prints.Wanted, w.marks.Wanted) && same(last.Prints.Read, current.readHash)
}

// decide makes the plan. It is pure: everything it looks at is in its arguments.
func decide(w wanted, c choice, connection *airbyte.Connection, k known) Plan {
	source, destination := decideActor(w.source, c.source, k), decideActor(w.destination, c.destination, k)
	plan := Plan{Entries: []Entry{source}, Notes: c.notes}
	if reason := whyDiscover(w, source, destination, connection, k); reason != "" && !w.connection.streams {
		plan.Entries = append(plan.Entries, Entry{Entity: Discovery, Action: Run, Reason: reason})
	}
	joined := decideConnection(w.connection, source, destination, connection, k)
	if len(plan.Entries) > 1 && joined.Action == Keep {
		joined.Reason = "as wanted, but for the streams, which the discovery decides"
	}
	plan.Entries = append(plan.Entries, destination, joined)
	plan.remove(c, source, destination, connection)
	for _, f := range c.foreign {
		plan.Notes = append(plan.Notes, fmt.Sprintf("Connection %s (%s) uses this component's source or destination but is not this component's: it is left alone.", quoted(f.Name), f.ID))
	}
	return plan
}

func decideActor(w wantedActor, current *found, k known) Entry {
	e := Entry{Entity: Entity(w.kind), Name: w.name}
	if current == nil {
		e.Action, e.Reason = Create, "none is there"
		return e
	}
	e.ID = current.ID
	if current.DefinitionID != w.definitionID {
		e.Action, e.Reason = Replace, "another connector is wanted, and Airbyte cannot change it"
		return e
	}
	if current.Name != w.name {
		e.Fields = append(e.Fields, fmt.Sprintf("%s %s -> %s", fieldName, quoted(current.Name), quoted(w.name)))
	}
	e.Fields = append(e.Fields, configurationFields(w, current, k)...)
	e.Action, e.Reason = Keep, "as wanted"
	if len(e.Fields) > 0 {
		e.Action, e.Reason = Update, whyUpdate(w, current, k)
	}
	return e
}

// configurationFields are the parts of the configuration that must be sent.
func configurationFields(w wantedActor, current *found, k known) []string {
	if w.configuration == nil || settled(w, current, k) {
		return nil
	}
	fields := configurationChanges(w.configuration, current.Configuration, w.secrets)
	last, text := k.actor(w.kind), ""
	switch {
	case len(w.secrets) == 0:
	case current.ID != last.ID || last.Prints.Secrets == "" || k.pending(Entity(w.kind)):
		text = " (secret, not known what Airbyte holds)"
	case last.Prints.Secrets != w.marks.Secrets:
		text = " (secret, changed)"
	}
	if text != "" {
		for _, path := range w.secrets {
			fields = append(fields, path+text)
		}
	}
	for i := range fields {
		fields[i] = configurationPrefix + fields[i]
	}
	return fields
}

func whyUpdate(w wantedActor, current *found, k known) string {
	last := k.actor(w.kind)
	switch {
	case current.Adopted:
		return "taken over"
	case current.ID != last.ID:
		return "it was not made or last changed by an operation that is remembered"
	case k.pending(Entity(w.kind)):
		return "the last change may not have been completed"
	case !same(last.Prints.Wanted, w.marks.Wanted):
		return "the descriptor, a setting or a secret changed"
	case !same(last.Prints.Read, current.readHash):
		return "changed in Airbyte by somebody else; it is put back"
	}
	return "renamed"
}

// configures reports whether an entry sends a configuration that differs.
func (e Entry) configures() bool {
	switch e.Action {
	case Create, Replace:
		return true
	case Update:
		return slices.ContainsFunc(e.Fields, func(f string) bool { return strings.HasPrefix(f, configurationPrefix) })
	default:
		return false
	}
}

// configurationPrefix is what the fields of a configuration begin with in a plan.
const configurationPrefix = "configuration."

// whyDiscover says why the source must be asked for its schema; empty when the
// last answer is still what is wanted.
func whyDiscover(w wanted, source, destination Entry, connection *airbyte.Connection, k known) string {
	last := k.Discovery
	switch {
	case w.connection.rediscover:
		return "the descriptor asks for it"
	case last.Set == "":
		return "none is remembered"
	case source.configures() || !same(last.Source, w.source.marks.Wanted):
		return "the source changed"
	case destination.Action == Create || destination.Action == Replace:
		return "the destination is new"
	case !same(last.Wishes, w.connection.wishes):
		return "the descriptor asks for other streams"
	case connection == nil:
		return "the connection must be made"
	case !same(last.Set, w.connection.hash("streams", streamShapes(connection.Catalog.Streams))) && !asLeft(w.connection, *connection, k):
		return "somebody changed the streams in Airbyte"
	}
	return ""
}

// asLeft reports whether Airbyte answers a connection just as it did after our last write.
func asLeft(w wantedConnection, current airbyte.Connection, k known) bool {
	return current.ID == k.Connection.ID && same(k.Connection.Read, w.hash("read", shapeOf(current)))
}

// fresh reports whether the reason for a discovery is that its answer may be
// another one than last time.
func fresh(w wanted, source Entry, k known) bool {
	last := k.Discovery
	return w.connection.rediscover || last.Set == "" || source.configures() || !same(last.Source, w.source.marks.Wanted) ||
		!same(last.Wishes, w.connection.wishes)
}

func decideConnection(w wantedConnection, source, destination Entry, current *airbyte.Connection, k known) Entry {
	e := Entry{Entity: Connection, Name: w.shape.Name}
	remade := source.Action == Replace || destination.Action == Replace
	if current == nil {
		e.Action, e.Reason = Create, "none joins the source and the destination"
		return e
	}
	e.ID = current.ID
	if remade || current.SourceID != source.ID || current.DestinationID != destination.ID {
		e.Action, e.Reason = Replace, "its source or destination is replaced, which Airbyte cannot change; the next sync copies everything again"
		return e
	}
	changes := connectionChanges(w, *current, k)
	e.Fields = changes.fields()
	e.Action, e.Reason = Keep, "as wanted"
	if len(changes) > 0 {
		e.Action, e.Reason = Update, "the descriptor or its streams changed"
		if current.ID == k.Connection.ID && same(k.Connection.Wanted, w.wantedPrint(k)) {
			e.Reason = "changed in Airbyte by somebody else; it is put back"
		}
	}
	return e
}

// connectionChanges are none where wish and reading are those of the last write:
// what the server then did not take over it will not take over today.
func connectionChanges(w wantedConnection, current airbyte.Connection, k known) changed {
	if asLeft(w, current, k) && same(k.Connection.Wanted, w.wantedPrint(k)) {
		return changed{}
	}
	return shapeOf(current).changesTo(w.shape, w.streams)
}

// wantedPrint is the fingerprint of what is wanted: of the streams known now,
// else of those of the last discovery.
func (w wantedConnection) wantedPrint(k known) string {
	set := k.Discovery.Set
	if w.streams {
		set = w.hash("streams", w.shape.Streams)
	}
	return w.print(set)
}

// print is the fingerprint of what is wanted with streams of a fingerprint.
func (w wantedConnection) print(set string) string {
	rest := w.shape
	rest.Streams = nil
	return w.hash("wanted", []any{rest, set})
}

// remove plans the end of what is superfluous: connections first, since
// deleting a source or destination takes its connections with it.
func (p *Plan) remove(c choice, source, destination Entry, connection *airbyte.Connection) {
	for _, s := range c.extraConnections {
		p.Entries = append(p.Entries, Entry{Entity: Connection, Action: Delete, ID: s.ID, Name: s.Name, Reason: "one too many"})
	}
	if connection != nil && p.of(Connection).Action == Replace {
		p.Entries = append(p.Entries, Entry{Entity: Connection, Action: Delete, ID: connection.ID, Name: connection.Name, Reason: "replaced"})
	}
	p.removeActors(Destination, c.destination, destination, c.extraDestinations, c.foreign)
	p.removeActors(Source, c.source, source, c.extraSources, c.foreign)
}

func (p *Plan) removeActors(entity Entity, current *found, entry Entry, extras []found, foreign []airbyte.ConnectionSummary) {
	remove := func(f found, reason string) {
		if user, used := userOf(foreign, f.ID); used {
			p.Notes = append(p.Notes, fmt.Sprintf("The %s %s (%s) is no longer needed but is left there, because connection %s (%s), which is not this component's, uses it.",
				entity, quoted(f.Name), f.ID, quoted(user.Name), user.ID))
			return
		}
		p.Entries = append(p.Entries, Entry{Entity: entity, Action: Delete, ID: f.ID, Name: f.Name, Reason: reason})
	}
	for _, f := range extras {
		remove(f, "one too many")
	}
	if entry.Action == Replace && current != nil {
		remove(*current, "replaced")
	}
}

func userOf(foreign []airbyte.ConnectionSummary, actor string) (airbyte.ConnectionSummary, bool) {
	at := slices.IndexFunc(foreign, func(s airbyte.ConnectionSummary) bool { return s.SourceID == actor || s.DestinationID == actor })
	if at < 0 {
		return airbyte.ConnectionSummary{}, false
	}
	return foreign[at], true
}
