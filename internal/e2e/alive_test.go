package e2e

import (
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbytesim"
)

// alive is what a workspace's lists would show: the entities that are not deleted.
type alive struct {
	sources, destinations []airbytesim.Actor
	connections           []airbytesim.Connection
}

func (s *stack) alive() alive {
	c := s.sim.Contents()
	gone := func(a airbytesim.Actor) bool { return a.Deleted }
	return alive{
		sources:      slices.DeleteFunc(c.Sources, gone),
		destinations: slices.DeleteFunc(c.Destinations, gone),
		connections: slices.DeleteFunc(c.Connections, func(c airbytesim.Connection) bool {
			return c.Status == "deprecated"
		}),
	}
}

// one fails the test unless there is exactly one source, one destination and
// one connection, which joins them.
func (s *stack) one() alive {
	s.t.Helper()
	a := s.alive()
	if len(a.sources) != 1 || len(a.destinations) != 1 || len(a.connections) != 1 {
		s.t.Fatalf("Airbyte holds %d sources, %d destinations and %d connections, want one of each: %s",
			len(a.sources), len(a.destinations), len(a.connections), a.names())
	}
	c := a.connections[0]
	if c.SourceID != a.sources[0].ID || c.DestinationID != a.destinations[0].ID {
		s.t.Fatalf("the connection joins %s and %s, want the source %s and the destination %s",
			c.SourceID, c.DestinationID, a.sources[0].ID, a.destinations[0].ID)
	}
	return a
}

// none fails the test unless Airbyte holds nothing.
func (s *stack) none() {
	s.t.Helper()
	if a := s.alive(); len(a.sources)+len(a.destinations)+len(a.connections) != 0 {
		s.t.Fatalf("Airbyte still holds %s", a.names())
	}
}

func (a alive) names() string {
	var names []string
	for _, s := range a.sources {
		names = append(names, "source "+s.Name)
	}
	for _, d := range a.destinations {
		names = append(names, "destination "+d.Name)
	}
	for _, c := range a.connections {
		names = append(names, "connection "+c.Name)
	}
	return strings.Join(names, ", ")
}

// ids are the three ids, to see whether they were kept.
func (a alive) ids() [3]string {
	return [3]string{a.sources[0].ID, a.destinations[0].ID, a.connections[0].ID}
}

// writes are the calls that change entities, in order.
func (s *stack) writes(after int64) []string {
	var found []string
	for _, c := range s.sim.Calls("*", after) {
		switch entity, verb, _ := strings.Cut(c.Operation, "/"); verb {
		case "create", "update", "partial_update", "delete", "sync", "reset", "clear":
			found = append(found, entity+"/"+verb)
		}
	}
	return found
}

// lastCall is the number of the newest call.
func (s *stack) lastCall() int64 {
	calls := s.sim.Calls("*", 0)
	if len(calls) == 0 {
		return 0
	}
	return calls[len(calls)-1].Seq
}
