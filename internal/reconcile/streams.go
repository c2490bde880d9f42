package reconcile

import (
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"
)

// streamsPath is where the descriptor holds the wishes that problems are about.
const streamsPath = "specific.connection.streams"

// selection is what streams are chosen from.
type selection struct {
	discovered []airbyte.ConfiguredStream
	// modes are the destination's sync modes; none means that they are not known.
	modes  []string
	wishes []workload.Stream
	// only restricts streams that the descriptor does not name to these; nil restricts nothing.
	only []airbyte.StreamKey
	// namespace tells into which namespace of the destination a stream is written.
	namespace namespacing
}

// choose returns the streams that a connection must have, in the form in which
// they are sent, or every problem with the wishes.
func (s selection) choose() ([]airbyte.ConfiguredStream, []workload.Problem) {
	picked, problems := s.pick()
	chosen := make([]airbyte.ConfiguredStream, 0, len(picked))
	for _, p := range picked {
		configured, faults := p.configure(s.modes)
		problems = append(problems, faults...)
		chosen = append(chosen, configured)
	}
	if len(problems) == 0 && len(chosen) == 0 {
		problems = append(problems, workload.Problem{Path: streamsPath, Message: s.nothing()})
	}
	if len(problems) == 0 {
		problems = s.namespace.collisions(chosen)
	}
	return chosen, problems
}

// nothing says why no stream is left.
func (s selection) nothing() string {
	switch {
	case len(s.discovered) == 0:
		return "the source has no streams at all; check what its user or path may see"
	case !s.named() && !slices.ContainsFunc(s.discovered, s.counts):
		return "the source has none of the streams any more that were chosen when its schema was last read; set specific.connection.rediscover to true to choose among those that it has now"
	}
	return "every stream of the source is excluded; leave at least one"
}

// picked is a discovered stream that was chosen, by a wish or by default.
type picked struct {
	airbyte.ConfiguredStream
	wish workload.Stream
	path string // of the wish; empty by default
}

// pick finds the streams that the wishes name, or all when none is chosen.
func (s selection) pick() ([]picked, []workload.Problem) {
	var problems []workload.Problem
	var chosen []picked
	excluded, taken := map[airbyte.StreamKey]bool{}, map[airbyte.StreamKey]bool{}
	for i, wish := range s.wishes {
		path := fmt.Sprintf("%s[%d]", streamsPath, i)
		stream, fault := s.find(wish)
		switch {
		case fault != "":
			problems = append(problems, workload.Problem{Path: path + ".name", Message: fault})
		case wish.Exclude:
			excluded[stream.Stream.Key()] = true
		case taken[stream.Stream.Key()]:
			problems = append(problems, workload.Problem{Path: path, Message: "stream " + stream.Stream.Key().String() + " is chosen more than once; keep one"})
		default:
			taken[stream.Stream.Key()] = true
			chosen = append(chosen, picked{stream, wish, path})
		}
	}
	if s.named() {
		return slices.DeleteFunc(chosen, func(p picked) bool { return excluded[p.Stream.Key()] }), problems
	}
	for _, stream := range s.discovered {
		if !excluded[stream.Stream.Key()] && s.counts(stream) {
			chosen = append(chosen, picked{ConfiguredStream: stream})
		}
	}
	return chosen, problems
}

// counts reports whether a stream is one of those that are chosen by default.
func (s selection) counts(c airbyte.ConfiguredStream) bool {
	return s.only == nil || slices.Contains(s.only, c.Stream.Key())
}

// named reports whether the wishes choose streams, and do not only exclude some.
func (s selection) named() bool {
	return slices.ContainsFunc(s.wishes, func(w workload.Stream) bool { return !w.Exclude })
}

// find returns the one stream that a wish names, or what is wrong with its name.
func (s selection) find(wish workload.Stream) (airbyte.ConfiguredStream, string) {
	var found []airbyte.ConfiguredStream
	for _, stream := range s.discovered {
		key := stream.Stream.Key()
		if key.Name == wish.Name && (wish.Namespace == "" || wish.Namespace == key.Namespace) {
			found = append(found, stream)
		}
	}
	switch len(found) {
	case 1:
		return found[0], ""
	case 0:
		return airbyte.ConfiguredStream{}, s.unknown(wish)
	}
	var namespaces []string
	for _, stream := range found {
		if stream.Stream.Key().Namespace == wish.Namespace { // the one without a namespace, asked for without one
			return stream, ""
		}
		namespaces = append(namespaces, stream.Stream.Key().Namespace)
	}
	return airbyte.ConfiguredStream{}, fmt.Sprintf("stream %s is in more than one namespace (%s); say which with namespace",
		wish.Name, strings.Join(namespaces, ", "))
}

// unknown says that there is no such stream, and which ones have a name like it.
func (s selection) unknown(wish workload.Stream) string {
	names := make([]string, 0, len(s.discovered))
	for _, stream := range s.discovered {
		names = append(names, stream.Stream.Key().String())
	}
	asked := airbyte.StreamKey{Namespace: wish.Namespace, Name: wish.Name}.String()
	return "the source has no stream " + asked + hint(asked, names)
}

// hint asks for the names that may have been meant, also by who left out a namespace.
func hint(asked string, names []string) string {
	near := catalog.Nearest(asked, names)
	if len(near) == 0 {
		last := func(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
		near = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return len(catalog.Nearest(asked, []string{last(name)})) == 0 })
		near = near[:min(3, len(near))]
	}
	if len(near) == 0 {
		return ""
	}
	return "; did you mean " + strings.Join(near, " or ") + "?"
}

// namespacing is how a connection maps streams to tables.
type namespacing struct{ definition, format, prefix string }

// namespacing is how the connection is to map streams to tables.
func (w wantedConnection) namespacing() namespacing {
	return namespacing{definition: w.shape.NamespaceDefinition, format: w.shape.NamespaceFormat, prefix: w.shape.Prefix}
}

// of is the destination's namespace for a stream's; an empty one is the destination's default.
func (n namespacing) of(source string) string {
	switch n.definition {
	case "destination":
		return ""
	case "customformat":
		return strings.ReplaceAll(n.format, "${SOURCE_NAMESPACE}", source)
	}
	return source
}

// collisions reports selected streams that would be written to one table.
func (n namespacing) collisions(streams []airbyte.ConfiguredStream) []workload.Problem {
	var problems []workload.Problem
	first := map[airbyte.StreamKey]airbyte.StreamKey{}
	for _, s := range streams {
		if !s.Config.Selected { // older servers answer these too
			continue
		}
		key := s.Stream.Key()
		table := airbyte.StreamKey{Namespace: n.of(key.Namespace), Name: n.prefix + key.Name}
		if other, taken := first[table]; taken {
			problems = append(problems, workload.Problem{
				Path: streamsPath,
				Message: fmt.Sprintf("streams %s and %s would both write table %s; exclude one, or set specific.connection.namespaceDefinition to source or to a customformat with ${SOURCE_NAMESPACE}",
					other, key, table),
			})
			continue
		}
		first[table] = key
	}
	return problems
}
