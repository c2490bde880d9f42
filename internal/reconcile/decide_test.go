package reconcile

import (
	"slices"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// scene is all that a plan is made from.
type scene struct {
	wanted     wanted
	observed   observed
	connection *airbyte.Connection
	known      known
	previous   []string
}

var sceneKey = fingerprints{key: []byte("k"), digest: "0123456789abcdef"}

const (
	sceneSource      = "Orders [wb-0123456789abcdef]"
	sceneDestination = "Warehouse [wb-0123456789abcdef]"
	sceneConnection  = "Orders to warehouse"
)

// settledScene is a component on which nothing has to be done.
func settledScene() *scene {
	source := map[string]any{"host": "db", "port": 5432, "password": "secret"}
	destination := map[string]any{"path": "/data"}
	s := &scene{
		wanted: wanted{
			workspace: "w",
			source: wantedActor{
				kind: airbyte.Source, name: sceneSource, definitionID: "pg", configuration: source, secrets: []string{"password"},
				marks: Prints{Wanted: "source wanted", Secrets: "source secrets"},
			},
			destination: wantedActor{
				kind: airbyte.Destination, name: sceneDestination, definitionID: "csv", configuration: destination, marks: Prints{Wanted: "destination wanted"},
			},
			connection: wantedConnection{shape: wantedShape(workload.Connection{Name: sceneConnection}), wishes: "wishes", hash: sceneKey.of},
		},
		known: known{
			WorkspaceID: "w",
			Source:      knownActor{ID: "s1", DefinitionID: "pg", Prints: Prints{Wanted: "source wanted", Read: "source read", Secrets: "source secrets"}},
			Destination: knownActor{ID: "d1", DefinitionID: "csv", Prints: Prints{Wanted: "destination wanted", Read: "destination read"}},
		},
	}
	s.observed.sources = []found{{Actor: airbyte.Actor{
		Kind: airbyte.Source, ID: "s1", Name: sceneSource, DefinitionID: "pg", Configuration: map[string]any{"host": "db", "port": 5432.0, "password": "**********"},
	}, readHash: "source read"}}
	s.observed.destinations = []found{{Actor: airbyte.Actor{
		Kind: airbyte.Destination, ID: "d1", Name: sceneDestination, DefinitionID: "csv", Configuration: map[string]any{"path": "/data"},
	}, readHash: "destination read"}}
	s.connection = &airbyte.Connection{ID: "c1", Name: sceneConnection, SourceID: "s1", DestinationID: "d1", Status: "active", ScheduleType: "manual", Catalog: airbyte.Catalog{
		Streams: []airbyte.ConfiguredStream{
			{Stream: airbyte.Stream{Name: "b"}, Config: airbyte.StreamConfig{SyncMode: fullRefresh, DestinationSyncMode: overwrite, Selected: true, AliasName: "b", Suggested: new(bool)}},
			{Stream: airbyte.Stream{Name: "a"}, Config: airbyte.StreamConfig{SyncMode: fullRefresh, DestinationSyncMode: overwrite, Selected: true}},
		},
	}}
	s.known.Discovery = knownDiscovery{
		At: time.Unix(1, 0), Source: "source wanted", Wishes: "wishes", Set: sceneKey.of("streams", streamShapes(s.connection.Catalog.Streams)),
	}
	s.known.Connection = knownConnection{
		ID: "c1", Name: sceneConnection, Wanted: s.wanted.connection.wantedPrint(s.known), Read: sceneKey.of("read", shapeOf(*s.connection)),
	}
	return s
}

// plan chooses and decides as a provision does.
func (s *scene) plan() Plan {
	o := s.observed
	o.listed = true
	if s.connection != nil {
		o.read = s.connection
	}
	c := choose(&o, hints{
		source: s.wanted.source.definitionID, destination: s.wanted.destination.definitionID,
		connectionName: s.wanted.connection.shape.Name, known: s.known, previous: s.previous,
	})
	var connection *airbyte.Connection
	if c.connection != nil {
		connection = &airbyte.Connection{ID: c.connection.ID, Name: c.connection.Name, SourceID: c.connection.SourceID, DestinationID: c.connection.DestinationID, Status: "active"}
		if s.connection != nil && c.connection.ID == s.connection.ID {
			connection = s.connection
		}
	}
	return decide(s.wanted, c, connection, s.known)
}

func (s *scene) noConnection() { s.connection, s.known.Connection = nil, knownConnection{} }

// joined adds a connection to the list.
func (s *scene) joined(id, name, source, destination string) {
	s.observed.connections = append(s.observed.connections, airbyte.ConnectionSummary{ID: id, Name: name, SourceID: source, DestinationID: destination})
}

func (s *scene) extraSource(id string) {
	s.observed.sources = append(s.observed.sources, found{Actor: airbyte.Actor{Kind: airbyte.Source, ID: id, Name: sceneSource, DefinitionID: "pg", Configuration: s.observed.sources[0].Configuration}})
}

// streams makes the wanted streams known, as they are after a discovery.
func (s *scene) streams(names ...string) {
	var all []airbyte.ConfiguredStream
	for _, name := range names {
		all = append(all, airbyte.ConfiguredStream{Stream: airbyte.Stream{Name: name}, Config: airbyte.StreamConfig{SyncMode: fullRefresh, DestinationSyncMode: overwrite, Selected: true}})
	}
	s.wanted.connection.shape.Streams, s.wanted.connection.streams = streamShapes(all), true
}

func (s *scene) read(change func(c *airbyte.Connection)) {
	c := *s.connection
	change(&c)
	s.connection = &c
}

// lines renders a plan without what is kept and without reasons.
func lines(p Plan) []string {
	all := []string{}
	for _, e := range p.Entries {
		if e.Action != Keep {
			text := string(e.Action) + " " + string(e.Entity) + " " + e.ID
			if len(e.Fields) > 0 {
				text += ": " + strings.Join(e.Fields, "; ")
			}
			all = append(all, strings.TrimSpace(text))
		}
	}
	return all
}

func TestPlans(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		reason string
		change func(s *scene)
		want   []string
		note   string // a note that must be in it
	}{
		{name: "nothing changed", reason: "all is as it was left", change: func(*scene) {}},
		{name: "nothing there", reason: "everything is made", change: func(s *scene) {
			*s = scene{wanted: s.wanted}
		}, want: []string{"create source", "run discovery", "create destination", "create connection"}},
		{name: "source alone is there", reason: "an earlier provision stopped half-way", change: func(s *scene) {
			s.observed.destinations, s.known.Destination, s.known.Discovery = nil, knownActor{}, knownDiscovery{}
			s.noConnection()
		}, want: []string{"run discovery", "create destination", "create connection"}},
		{name: "destination alone is there", reason: "an earlier provision stopped half-way", change: func(s *scene) {
			s.observed.sources, s.known.Source, s.known.Discovery = nil, knownActor{}, knownDiscovery{}
			s.noConnection()
		}, want: []string{"create source", "run discovery", "create connection"}},
		{name: "connection deleted", reason: "its schema is needed to make it again", change: (*scene).noConnection, want: []string{"run discovery", "create connection"}},

		{name: "configuration not looked at", reason: "what is as last sent needs no specification", change: func(s *scene) {
			s.wanted.source.configuration, s.wanted.destination.configuration = nil, nil
		}},
		{name: "another host", reason: "only the field is named, and the source is asked anew", change: func(s *scene) {
			s.wanted.source.configuration["host"], s.wanted.source.marks.Wanted = "new", "other"
		}, want: []string{"update source s1: configuration.host", "run discovery"}},
		{name: "a number in another form", reason: "5432 and 5432.0 are one number", change: func(s *scene) { s.wanted.source.marks.Wanted = "other" }, want: []string{"run discovery"}},
		{name: "secret changed", reason: "its value is never shown", change: func(s *scene) {
			s.wanted.source.marks.Wanted, s.wanted.source.marks.Secrets = "other", "other"
		}, want: []string{"update source s1: configuration.password (secret, changed)", "run discovery"}},
		{name: "secret last sent not known", reason: "it is sent once", change: func(s *scene) { s.known.Source.Prints = Prints{} }, want: []string{"update source s1: configuration.password (secret, not known what Airbyte holds)", "run discovery"}},
		{name: "nothing remembered", reason: "everything is found by the digest; the secret is sent once", change: func(s *scene) { s.known = known{WorkspaceID: "w"} }, want: []string{"update source s1: configuration.password (secret, not known what Airbyte holds)", "run discovery"}},
		{name: "update of the source left open", reason: "it is not known which secret Airbyte holds", change: func(s *scene) { s.known.intend(Source, intent{Action: Update}) }, want: []string{"update source s1: configuration.password (secret, not known what Airbyte holds)", "run discovery"}},
		{name: "update of a destination without secrets left open", reason: "what can be read is as wanted", change: func(s *scene) { s.known.intend(Destination, intent{Action: Update}) }},
		{name: "host changed in Airbyte", reason: "it is put back, and the source proved again", change: func(s *scene) {
			s.observed.sources[0].Configuration["host"], s.observed.sources[0].readHash = "hand", "other"
		}, want: []string{"update source s1: configuration.host", "run discovery"}},
		{name: "field added in Airbyte", reason: "an update replaces the whole configuration", change: func(s *scene) {
			s.observed.sources[0].Configuration["extra"], s.observed.sources[0].readHash = true, "other"
		}, want: []string{"update source s1: configuration.extra (not wanted)", "run discovery"}},
		{name: "field removed in Airbyte", reason: "it is put back", change: func(s *scene) {
			delete(s.observed.destinations[0].Configuration, "path")
			s.observed.destinations[0].readHash = "other"
		}, want: []string{"update destination d1: configuration.path (missing in Airbyte)"}},
		{name: "secret removed in Airbyte", reason: "it is put back", change: func(s *scene) {
			delete(s.observed.sources[0].Configuration, "password")
			s.observed.sources[0].readHash = "other"
		}, want: []string{"update source s1: configuration.password (missing in Airbyte)", "run discovery"}},
		{name: "a default that Airbyte fills in", reason: "what it answered after the last write is no change", change: func(s *scene) {
			s.observed.sources[0].Configuration["filled_in"] = true
		}},
		{name: "renamed in Airbyte", reason: "known by its id and renamed back", change: func(s *scene) { s.observed.sources[0].Name = "hand" }, want: []string{"update source s1: name “hand” -> “" + sceneSource + "”"}},
		{name: "renamed in the descriptor", reason: "renamed, not doubled", change: func(s *scene) { s.wanted.destination.name = "New [wb-0123456789abcdef]" }, want: []string{"update destination d1: name “" + sceneDestination + "” -> “New [wb-0123456789abcdef]”"}},
		{name: "taken over", reason: "it gets the digest", change: func(s *scene) {
			s.known = known{WorkspaceID: "w"}
			s.observed.destinations[0].Name, s.observed.destinations[0].Adopted = "Warehouse", true
			s.wanted.source.secrets = nil
		}, want: []string{"run discovery", "update destination d1: name “Warehouse” -> “" + sceneDestination + "”"}},

		{name: "another destination connector", reason: "new first, then the old removed, connection first", change: func(s *scene) { s.wanted.destination.definitionID = "json" }, want: []string{
			"run discovery", "replace destination d1", "replace connection c1", "delete connection c1", "delete destination d1",
		}},
		{name: "another source connector", reason: "new first, then the old removed, connection first", change: func(s *scene) {
			s.wanted.source.definitionID, s.wanted.source.marks.Wanted = "mysql", "other"
		}, want: []string{"replace source s1", "run discovery", "replace connection c1", "delete connection c1", "delete source s1"}},
		{name: "both connectors", reason: "the sources go last", change: func(s *scene) {
			s.wanted.source.definitionID, s.wanted.destination.definitionID = "mysql", "json"
		}, want: []string{"replace source s1", "run discovery", "replace destination d1", "replace connection c1", "delete connection c1", "delete destination d1", "delete source s1"}},
		{name: "replaced, but somebody uses the old one", reason: "their connection must not go down", change: func(s *scene) {
			s.wanted.destination.definitionID = "json"
			s.joined("x", "theirs", "foreign", "d1")
		}, want: []string{"run discovery", "replace destination d1", "replace connection c1", "delete connection c1"}, note: "is left there"},
		{name: "replaced before a crash", reason: "the new one counts, the old one and its connection go", change: func(s *scene) {
			s.wanted.source.definitionID, s.wanted.source.marks.Wanted = "mysql", "other"
			s.observed.sources = append(s.observed.sources, found{Actor: airbyte.Actor{Kind: airbyte.Source, ID: "s2", Name: sceneSource, DefinitionID: "mysql", Configuration: s.observed.sources[0].Configuration}})
		}, want: []string{
			"update source s2: configuration.password (secret, not known what Airbyte holds)", "run discovery", "create connection", "delete connection c1", "delete source s1",
		}},

		{name: "connection renamed in the descriptor", reason: "a patch, no discovery", change: func(s *scene) { s.wanted.connection.shape.Name = "New" }, want: []string{"update connection c1: name “Orders to warehouse” -> “New”"}},
		{name: "connection renamed in Airbyte", reason: "it is put back", change: func(s *scene) { s.read(func(c *airbyte.Connection) { c.Name = "hand" }) }, want: []string{"update connection c1: name “hand” -> “Orders to warehouse”"}},
		{name: "paused in Airbyte", reason: "it is put back", change: func(s *scene) { s.read(func(c *airbyte.Connection) { c.Status = "inactive" }) }, want: []string{"update connection c1: status inactive -> active"}},
		{name: "paused in the descriptor", reason: "a patch", change: func(s *scene) { s.wanted.connection.shape.Status = "inactive" }, want: []string{"update connection c1: status active -> inactive"}},
		{name: "locked by the platform", reason: "that is not ours to open", change: func(s *scene) { s.read(func(c *airbyte.Connection) { c.Status = "locked" }) }},
		{name: "basic schedule", reason: "a patch", change: func(s *scene) {
			s.wanted.connection.shape.Schedule = workload.Schedule{Type: "basic", Units: 6, TimeUnit: "hours"}
		}, want: []string{"update connection c1: schedule manual -> every 6 hours"}},
		{name: "cron schedule", reason: "a patch", change: func(s *scene) {
			s.wanted.connection.shape.Schedule = workload.Schedule{Type: "cron", CronExpression: "0 0 3 * * ?", CronTimeZone: "UTC"}
		}, want: []string{"update connection c1: schedule manual -> cron 0 0 3 * * ? UTC"}},
		{name: "schedule as an older server tells it", reason: "the legacy form is the same schedule", change: func(s *scene) {
			s.wanted.connection.shape.Schedule = workload.Schedule{Type: "basic", Units: 6, TimeUnit: "hours"}
			s.read(func(c *airbyte.Connection) {
				c.ScheduleType, c.LegacySchedule = "", &airbyte.BasicSchedule{TimeUnit: "hours", Units: 6}
			})
		}},
		{name: "schedule set in Airbyte", reason: "the descriptor's silence means manual", change: func(s *scene) {
			s.read(func(c *airbyte.Connection) {
				c.ScheduleType, c.ScheduleData = "basic", &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "days", Units: 1}}
			})
		}, want: []string{"update connection c1: schedule every 1 days -> manual"}},
		{name: "prefix cleared", reason: "an empty prefix is a wish", change: func(s *scene) { s.read(func(c *airbyte.Connection) { c.Prefix = "raw_" }) }, want: []string{"update connection c1: prefix raw_ -> none"}},
		{name: "namespace reads as source when unset", reason: "that is no change", change: func(s *scene) { s.read(func(c *airbyte.Connection) { c.NamespaceDefinition = "source" }) }},
		{name: "custom format", reason: "a patch", change: func(s *scene) {
			s.wanted.connection.shape = wantedShape(workload.Connection{Name: sceneConnection, NamespaceFormat: "lake"})
		}, want: []string{"update connection c1: namespace source -> customformat lake"}},
		{name: "a format left over", reason: "it means nothing without customformat", change: func(s *scene) { s.read(func(c *airbyte.Connection) { c.NamespaceFormat = "old" }) }},
		{name: "non-breaking changes", reason: "a patch", change: func(s *scene) { s.wanted.connection.shape.NonBreakingChanges = "propagate_fully" }, want: []string{"update connection c1: nonBreakingChangesPreference ignore -> propagate_fully"}},
		{name: "several at once", reason: "one patch, in a fixed order", change: func(s *scene) {
			s.wanted.connection.shape.Prefix, s.wanted.connection.shape.Name = "raw_", "New"
		}, want: []string{"update connection c1: name “Orders to warehouse” -> “New”; prefix none -> raw_"}},
		{name: "a server that does not take a wish over", reason: "it read so after the last write: nothing differs for ever", change: func(s *scene) {
			s.wanted.connection.shape.NonBreakingChanges = "propagate_fully"
			s.known.Connection.Wanted = s.wanted.connection.wantedPrint(s.known)
		}},

		{name: "streams changed in Airbyte", reason: "a discovery tells what to put back", change: func(s *scene) {
			s.read(func(c *airbyte.Connection) { c.Catalog.Streams = c.Catalog.Streams[:1] })
		}, want: []string{"run discovery"}},
		{name: "streams in another order", reason: "a catalog is a set", change: func(s *scene) {
			s.read(func(c *airbyte.Connection) {
				c.Catalog.Streams = slices.Clone(c.Catalog.Streams)
				slices.Reverse(c.Catalog.Streams)
			})
		}},
		{name: "an unselected stream in the answer", reason: "it is not synced", change: func(s *scene) {
			s.read(func(c *airbyte.Connection) {
				c.Catalog.Streams = append(slices.Clone(c.Catalog.Streams), airbyte.ConfiguredStream{Stream: airbyte.Stream{Name: "z"}})
			})
		}},
		{name: "the last discovery was of another configuration", reason: "an attempt ended between the source's update and its discovery", change: func(s *scene) { s.known.Discovery.Source = "other" }, want: []string{"run discovery"}},
		{name: "other streams wanted", reason: "their schema is asked for", change: func(s *scene) { s.wanted.connection.wishes = "other" }, want: []string{"run discovery"}},
		{name: "rediscover", reason: "the descriptor asks for it", change: func(s *scene) { s.wanted.connection.rediscover = true }, want: []string{"run discovery"}},
		{name: "after a discovery that found the same", reason: "nothing is written", change: func(s *scene) { s.streams("a", "b") }},
		{name: "after a discovery that found more", reason: "the catalog is replaced", change: func(s *scene) { s.streams("a", "b", "c") }, want: []string{"update connection c1: streams +c full_refresh/overwrite"}},
		{name: "after a discovery that found others", reason: "what comes and goes is named", change: func(s *scene) { s.streams("b", "c") }, want: []string{"update connection c1: streams +c full_refresh/overwrite; -a"}},

		{name: "a second source of our own", reason: "the recorded one is kept", change: func(s *scene) { s.extraSource("s0") }, want: []string{"delete source s0"}},
		{name: "a second source of our own with a connection", reason: "connections go before what they join", change: func(s *scene) {
			s.extraSource("s0")
			s.joined("c0", sceneConnection, "s0", "d1")
		}, want: []string{"delete connection c0", "delete source s0"}},
		{name: "a second source of our own that somebody uses", reason: "their connection must not go down", change: func(s *scene) {
			s.extraSource("s0")
			s.joined("x", "theirs", "s0", "foreign")
		}, note: "is left there"},
		{name: "two sources, nothing remembered", reason: "the one that is connected is kept", change: func(s *scene) {
			s.known, s.wanted.source.secrets = known{WorkspaceID: "w"}, nil
			s.extraSource("s0")
		}, want: []string{"run discovery", "delete source s0"}},
		{name: "two sources, privateInfo knows one", reason: "signed ids count", change: func(s *scene) {
			s.known, s.wanted.source.secrets, s.previous = known{WorkspaceID: "w"}, nil, []string{"s9"}
			s.extraSource("s0")
			s.extraSource("s9")
			s.noConnection()
		}, want: []string{"run discovery", "create connection", "delete source s0", "delete source s1"}},
		{name: "a second connection of our own", reason: "it has exactly our name", change: func(s *scene) { s.joined("c0", sceneConnection, "s1", "d1") }, want: []string{"delete connection c0"}},
		{name: "a connection made by hand", reason: "it is never touched, only named", change: func(s *scene) { s.joined("x", "theirs", "s1", "d1") }, note: "theirs"},
		{name: "only a connection of another name, nothing remembered", reason: "it joins the two, so it is ours", change: func(s *scene) {
			s.known, s.wanted.source.secrets = known{WorkspaceID: "w"}, nil
			s.read(func(c *airbyte.Connection) { c.Name = "hand" })
		}, want: []string{"run discovery", "update connection c1: name “hand” -> “Orders to warehouse”"}},
		{name: "two connections of other names, nothing remembered", reason: "which one is ours cannot be told", change: func(s *scene) {
			s.known, s.wanted.source.secrets = known{WorkspaceID: "w"}, nil
			s.noConnection()
			s.joined("x", "one", "s1", "d1")
			s.joined("y", "two", "s1", "d1")
		}, want: []string{"run discovery", "create connection"}, note: "left alone"},
		{name: "ours deleted, one made by hand", reason: "somebody else's does not become ours", change: func(s *scene) {
			s.connection = nil
			s.joined("x", "theirs", "s1", "d1")
		}, want: []string{"run discovery", "create connection"}, note: "theirs"},
		{name: "other components' connections", reason: "they are none of our business", change: func(s *scene) { s.joined("x", sceneConnection, "other", "another") }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := settledScene()
			tt.change(s)
			plan := s.plan()
			want := tt.want
			if want == nil {
				want = []string{}
			}
			if diff := cmp.Diff(want, lines(plan)); diff != "" {
				t.Errorf("%s\n%s\n%s", tt.reason, diff, plan)
			}
			if plan.Empty() != (len(tt.want) == 0) {
				t.Errorf("Empty is %v", plan.Empty())
			}
			if notes := strings.Join(plan.Notes, "\n"); tt.note != "" && !strings.Contains(notes, tt.note) || tt.note == "" && notes != "" {
				t.Errorf("the notes are %q, want %q", notes, tt.note)
			}
			for _, e := range plan.Entries {
				if e.Reason == "" {
					t.Errorf("%s has no reason", e)
				}
			}
		})
	}
}

// Of several entities of the component's own, one is kept: the later a row's rule, the less it counts.
func TestBest(t *testing.T) {
	t.Parallel()
	const adopted, recorded = "asked for", "recorded"
	joins := func(id, source string) airbyte.ConnectionSummary {
		return airbyte.ConnectionSummary{ID: id, SourceID: source, DestinationID: "d"}
	}
	for _, tt := range []struct {
		name, reason string
		a, b         found // b is to be kept, though its id comes later
		inside       []airbyte.ConnectionSummary
		hints        hints
	}{
		{
			name: "asked for", reason: "whoever asks for a connection wants what it joins", b: found{Actor: airbyte.Actor{DefinitionID: "mysql"}},
			inside: []airbyte.ConnectionSummary{joins(adopted, "b")}, hints: hints{source: "pg"}, a: found{Actor: airbyte.Actor{DefinitionID: "pg"}},
		},
		{
			name: "the wanted connector", reason: "the other could only be replaced", b: found{Actor: airbyte.Actor{DefinitionID: "pg"}}, a: found{Actor: airbyte.Actor{DefinitionID: "mysql"}},
			inside: []airbyte.ConnectionSummary{joins(recorded, "a")}, hints: hints{source: "pg", known: known{Connection: knownConnection{ID: recorded}}},
		},
		{
			name: "of the recorded connection", reason: "sync state hangs on it",
			inside: []airbyte.ConnectionSummary{joins(recorded, "b")}, hints: hints{previous: []string{"a"}, known: known{Connection: knownConnection{ID: recorded}}},
		},
		{
			name: "given out", reason: "the descriptor names it", hints: hints{previous: []string{"b"}, known: known{Source: knownActor{ID: "a"}}},
		},
		{
			name: "recorded source", reason: "it was written last, which counts more than a connection",
			inside: []airbyte.ConnectionSummary{joins("c", "a")}, hints: hints{known: known{Source: knownActor{ID: "b"}}},
		},
		{
			name: "recorded destination", reason: "it was written last, which counts more than a connection",
			inside: []airbyte.ConnectionSummary{joins("c", "a")}, hints: hints{known: known{Destination: knownActor{ID: "b"}}},
		},
		{
			name: "connected", reason: "data may have come that way, even to one that is taken over", b: found{Adopted: true},
			inside: []airbyte.ConnectionSummary{joins("c", "b")},
		},
		{name: "made by us", reason: "it counts more than one that is taken over", a: found{Adopted: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			tt.a.ID, tt.b.ID = "a", "b"
			kept, rest := best([]found{tt.a, tt.b}, tt.hints.source, tt.inside, tt.hints, adopted)
			if kept.ID != "b" || len(rest) != 1 || rest[0].ID != "a" {
				t.Errorf("%s: %s is kept, %v is not", tt.reason, kept.ID, rest)
			}
		})
	}
}

// Where nothing gives reason to look for other streams, only those of the last discovery count.
func TestFresh(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(s *scene)
		want   bool
	}{
		{"as it was left", func(*scene) {}, false},
		{"the connection is gone", (*scene).noConnection, false},
		{"another destination", func(s *scene) { s.wanted.destination.definitionID = "json" }, false},
		{"the descriptor asks for it", func(s *scene) { s.wanted.connection.rediscover = true }, true},
		{"none is remembered", func(s *scene) { s.known.Discovery.Set = "" }, true},
		{"the source is put back", func(s *scene) {
			s.observed.sources[0].Configuration["host"], s.observed.sources[0].readHash = "hand", "other"
		}, true},
		{"the last one was of another configuration", func(s *scene) { s.known.Discovery.Source = "other" }, true},
		{"other streams are wanted", func(s *scene) { s.wanted.connection.wishes = "other" }, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			s := settledScene()
			tt.change(s)
			if got := fresh(s.wanted, s.plan().of(Source), s.known); got != tt.want {
				t.Errorf("fresh is %v", got)
			}
		})
	}
}
