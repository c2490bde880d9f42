package reconcile

import (
	"cmp"
	"fmt"
	"slices"

	"airbyte-provisioner/internal/airbyte"
)

// found is a live source or destination that is, or may be made, the component's own.
type found struct {
	airbyte.Actor
	// Adopted says that it does not carry the component's digest because
	// somebody else made it, and it is to be taken over.
	Adopted bool
	// readHash is the fingerprint of its configuration as Airbyte answered it.
	readHash string
}

// observed is what Airbyte holds of a component.
type observed struct {
	workspace    string
	sources      []found
	destinations []found
	// listed says whether connections were listed; connections are all live ones of the workspace.
	listed      bool
	connections []airbyte.ConnectionSummary
	// read is the connection that was known, or adopted, as Airbyte answers it; nil when it is gone.
	read *airbyte.Connection
	// adopted is the id of the connection that was asked to be taken over.
	adopted string
	// notes are what people should know.
	notes []string
}

func (o *observed) note(format string, a ...any) {
	o.notes = append(o.notes, fmt.Sprintf(format, a...))
}

func (o *observed) actors(kind airbyte.ActorKind) []found {
	if kind == airbyte.Source {
		return o.sources
	}
	return o.destinations
}

// hints are what else tells the component's own entities from others.
type hints struct {
	source, destination string // wanted definition ids; empty where they do not matter
	connectionName      string
	known               known
	previous            []string // ids from the descriptor, verified
	sole                string   // the only connection between our own, where nothing is known of ours
}

// choice is which of the observed entities are the component's, and what to
// make of the others.
type choice struct {
	source, destination *found
	connection          *airbyte.ConnectionSummary
	// Extras are our own, too, and superfluous.
	extraConnections  []airbyte.ConnectionSummary
	extraDestinations []found
	extraSources      []found
	// foreign are connections that people made with our source or destination.
	foreign []airbyte.ConnectionSummary
	notes   []string
}

// choose picks one source, one destination and one connection out of what was
// observed. It is pure.
func choose(o *observed, h hints) choice {
	var c choice
	var joined []airbyte.ConnectionSummary // those that one of the sources or destinations takes part in
	for _, s := range o.connections {
		if has(o.sources, s.SourceID) || has(o.destinations, s.DestinationID) {
			joined = append(joined, s)
		}
	}
	if o.read != nil && !slices.ContainsFunc(joined, func(s airbyte.ConnectionSummary) bool { return s.ID == o.read.ID }) {
		joined = append(joined, summary(*o.read))
	}
	inside := slices.DeleteFunc(slices.Clone(joined), func(s airbyte.ConnectionSummary) bool {
		return !has(o.sources, s.SourceID) || !has(o.destinations, s.DestinationID)
	})
	if len(inside) == 1 && h.known.Connection.ID == "" {
		// Nothing is known of another, so it is the one that we made, whatever its name is now.
		h.sole = inside[0].ID
	}
	c.source, c.extraSources = best(o.sources, h.source, inside, h, o.adopted)
	c.destination, c.extraDestinations = best(o.destinations, h.destination, inside, h, o.adopted)
	c.connections(o, joined, h)
	return c
}

func summary(c airbyte.Connection) airbyte.ConnectionSummary {
	return airbyte.ConnectionSummary{ID: c.ID, Name: c.Name, SourceID: c.SourceID, DestinationID: c.DestinationID, Status: c.Status}
}

// best splits actors into the one to go on with and the rest.
func best(actors []found, definition string, inside []airbyte.ConnectionSummary, h hints, adopted string) (*found, []found) {
	if len(actors) == 0 {
		return nil, nil
	}
	known := h.known.Connection.ID
	rank := func(f found) int {
		score := 0
		for points, holds := range map[int]bool{
			64: adopted != "" && uses(inside, f.ID, adopted),                // it was asked for
			32: definition == "" || f.DefinitionID == definition,            // another could only be replaced
			16: known != "" && uses(inside, f.ID, known),                    // sync state hangs on the connection
			8:  slices.Contains(h.previous, f.ID),                           // given out by us
			4:  f.ID == h.known.Source.ID || f.ID == h.known.Destination.ID, // recorded by us
			2:  uses(inside, f.ID, ""),
			1:  !f.Adopted,
		} {
			if holds {
				score += points
			}
		}
		return score
	}
	sorted := slices.Clone(actors)
	slices.SortFunc(sorted, func(a, b found) int { return cmp.Or(rank(b)-rank(a), cmp.Compare(a.ID, b.ID)) })
	return &sorted[0], sorted[1:]
}

// uses reports whether a connection uses an actor: the one given, or any with an empty id.
func uses(joined []airbyte.ConnectionSummary, actor, connection string) bool {
	return slices.ContainsFunc(joined, func(s airbyte.ConnectionSummary) bool {
		return (s.SourceID == actor || s.DestinationID == actor) && (connection == "" || s.ID == connection)
	})
}

// connections tells the component's connection from superfluous ones and from
// those that people made.
func (c *choice) connections(o *observed, joined []airbyte.ConnectionSummary, h hints) {
	var between, ours []airbyte.ConnectionSummary
	for _, s := range joined {
		switch {
		case c.source != nil && c.destination != nil && s.SourceID == c.source.ID && s.DestinationID == c.destination.ID:
			between = append(between, s)
		case has(o.sources, s.SourceID) && has(o.destinations, s.DestinationID) && c.made(s, h):
			ours = append(ours, s) // of an extra source or destination
		default:
			c.foreign = append(c.foreign, s)
		}
	}
	c.connection = c.own(between, h, o.adopted)
	for _, s := range between {
		switch {
		case c.connection != nil && s.ID == c.connection.ID:
		case c.made(s, h):
			ours = append(ours, s)
		default:
			c.foreign = append(c.foreign, s)
		}
	}
	c.extraConnections = ours
	byID := func(a, b airbyte.ConnectionSummary) int { return cmp.Compare(a.ID, b.ID) }
	slices.SortFunc(c.extraConnections, byID)
	slices.SortFunc(c.foreign, byID)
}

func has(actors []found, id string) bool {
	return slices.ContainsFunc(actors, func(f found) bool { return f.ID == id })
}

// made reports whether a connection between our own source and destination was
// made by us: we remember it, or it has exactly the name that we give.
func (c *choice) made(s airbyte.ConnectionSummary, h hints) bool {
	return s.ID == h.known.Connection.ID || s.ID == h.sole || slices.Contains(h.previous, s.ID) || slices.Contains(h.known.Leftovers[Connection], s.ID) ||
		slices.Contains(h.names(), s.Name)
}

// names are those that our connection has, is to get, or was about to get when an attempt ended.
func (h hints) names() []string {
	all := []string{h.connectionName, h.known.Intents[Connection].Name, h.known.Connection.Name}
	return slices.DeleteFunc(all, func(name string) bool { return name == "" })
}

// own picks the component's connection out of those that join its source and
// destination. One that people made is only taken for ours where nothing is
// known of another and there is no choice.
func (c *choice) own(between []airbyte.ConnectionSummary, h hints, adopted string) *airbyte.ConnectionSummary {
	for _, is := range []func(airbyte.ConnectionSummary) bool{
		func(s airbyte.ConnectionSummary) bool { return s.ID == adopted },
		func(s airbyte.ConnectionSummary) bool { return s.ID == h.known.Connection.ID },
		func(s airbyte.ConnectionSummary) bool { return slices.Contains(h.previous, s.ID) },
		func(s airbyte.ConnectionSummary) bool { return s.Name == h.connectionName && s.Name != "" },
		func(s airbyte.ConnectionSummary) bool { return slices.Contains(h.names(), s.Name) },
		func(s airbyte.ConnectionSummary) bool { return s.ID == h.sole },
	} {
		var matching []airbyte.ConnectionSummary
		for _, s := range between {
			if is(s) {
				matching = append(matching, s)
			}
		}
		if len(matching) > 0 {
			slices.SortFunc(matching, func(a, b airbyte.ConnectionSummary) int { return cmp.Compare(a.ID, b.ID) })
			return &matching[0]
		}
	}
	if len(between) > 1 {
		c.notes = append(c.notes, fmt.Sprintf("%d connections join the source and the destination, none is known as this component's and none has its name: all are left alone.", len(between)))
	}
	return nil
}
