package reconcile

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

func TestActorName(t *testing.T) {
	t.Parallel()
	const digest = "0123456789abcdef"
	for _, tt := range []struct{ name, reason, from, want string }{
		{"plain", "the digest follows the name", "Orders", "Orders [wb-0123456789abcdef]"},
		{"its own digest", "a name that was read back is not doubled", "Orders [wb-0123456789abcdef]", "Orders [wb-0123456789abcdef]"},
		{"another digest", "nobody claims another's entity by a name", "Orders [wb-ffffffffffffffff]", "Orders [wb-0123456789abcdef]"},
		{"several digests", "all of them go", "Orders [wb-ffffffffffffffff] [WB-FFFFFFFFFFFFFFFF] ", "Orders [wb-0123456789abcdef]"},
		{"digest in the middle", "the last one counts, which is ours", "a [wb-ffffffffffffffff] b", "a [wb-ffffffffffffffff] b [wb-0123456789abcdef]"},
		{"empty", "the digest alone is a name", "", "[wb-0123456789abcdef]"},
		{"too long", "the name is cut, never the digest", strings.Repeat("ä", 300), strings.Repeat("ä", 234) + " [wb-0123456789abcdef]"},
	} {
		if got := actorName(tt.from, digest); got != tt.want || ownerOf(got) != digest || len([]rune(got)) > maxName {
			t.Errorf("%s: %s: %q", tt.name, tt.reason, got)
		}
	}
}

// previous is what a descriptor's privateInfo would hold after an outcome.
func previous(t *testing.T, outcome workload.Outcome) *workload.Entities {
	t.Helper()
	raw := must(t, must1(json.Marshal(outcome.Private)), nil)
	var e workload.Entities
	must(t, 0, json.Unmarshal(raw, &e))
	return &e
}

func ids(b *bench) []string {
	b.t.Helper()
	s, d, c := b.one()
	return []string{s.ID, d.ID, c.ID}
}

// renameAll takes the digests off by hand.
func (b *bench) renameAll() {
	for _, kind := range []airbyte.ActorKind{airbyte.Source, airbyte.Destination} {
		a := b.actor(kind)
		a.Name = "by hand " + string(kind)
		must1(b.r.Client.UpdateActor(b.t.Context(), a))
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	t.Run("signed ids of privateInfo find what was renamed and forgotten", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = previous(t, b.provision(orders()))
		before := ids(b)
		b.renameAll()
		b.memory.values = map[string][]byte{}
		b.provision(work)
		if diff := cmp.Diff(before, ids(b)); diff != "" {
			t.Error(diff)
		}
		b.unchanged(work)
	})
	t.Run("fingerprints of privateInfo save the needless update", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = previous(t, b.provision(orders()))
		b.memory.values = map[string][]byte{}
		b.provision(work)
		if len(b.writes()) > 0 {
			t.Errorf("what is known to be current was sent again: %v", b.writes())
		}
		b.secrets.set("SOURCE", "rotated")
		b.memory.values = map[string][]byte{}
		b.provision(work)
		if diff := cmp.Diff([]string{"sources/update"}, b.writes()); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("unsigned ids of privateInfo are not trusted", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		theirs := must1(b.r.Client.CreateActor(t.Context(), airbyte.Actor{
			Kind: airbyte.Source, WorkspaceID: workspace, DefinitionID: fakerID, Name: "theirs", Configuration: map[string]any{"count": 1},
		}))
		work := orders()
		work.Previous = &workload.Entities{WorkspaceID: workspace, SourceID: theirs.ID, Signature: "made up"}
		b.provision(work)
		if got := must1(b.r.Client.GetActor(t.Context(), airbyte.Source, theirs.ID)); got.Name != "theirs" {
			t.Errorf("somebody else's source was taken: %q", got.Name)
		}
		if !strings.Contains(b.log(), "left alone") {
			t.Errorf("it was not said\n%s", b.log())
		}
		b.unprovision(work)
		if l := b.live(); len(l.sources) != 1 {
			t.Errorf("somebody else's source was removed")
		}
	})
	t.Run("unsigned ids that carry the digest are found by it anyway", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = previous(t, b.provision(orders()))
		work.Previous.Signature = ""
		b.unchanged(work)
	})
	t.Run("ids of another workspace in privateInfo", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = previous(t, b.provision(orders()))
		work.Previous.WorkspaceID = otherPlace
		b.provision(work)
		b.one()
	})
	t.Run("stale ids in privateInfo", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = previous(t, b.provision(orders()))
		b.unprovision(work)
		b.provision(work)
		b.one()
		if !slices.Contains(b.writes(), "sources/create") {
			t.Errorf("%v", b.writes())
		}
		b.provision(work)
		if len(b.writes()) > 0 {
			t.Errorf("%v", b.writes())
		}
		b.one()
	})
	t.Run("renamed by hand to another component's digest", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		a := b.actor(airbyte.Source)
		a.Name = "x [wb-ffffffffffffffff]"
		must1(b.r.Client.UpdateActor(t.Context(), a))
		b.provision(orders())
		if got := must1(b.r.Client.GetActor(t.Context(), airbyte.Source, a.ID)); got.Name != a.Name {
			t.Errorf("it was taken although it carries another digest: %q", got.Name)
		}
		if !strings.Contains(b.log(), "another component's digest") {
			t.Errorf("it was not said\n%s", b.log())
		}
	})
	t.Run("a copy that somebody made is theirs, though its name holds the digest", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		a := b.actor(airbyte.Destination)
		a.Name += copied
		a.Configuration["password"] = "theirs"
		theirs := must1(b.r.Client.CreateActor(t.Context(), a))
		b.provision(orders())
		b.unprovision(orders())
		l := b.live()
		if len(l.sources) != 0 || len(l.destinations) != 1 || l.destinations[0].ID != theirs.ID || l.destinations[0].Name != a.Name {
			t.Errorf("there are %s\n%s", l, b.log())
		}
	})
	t.Run("ours under the name of a copy", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		before := ids(b)
		a := b.actor(airbyte.Source)
		a.Name += copied
		must1(b.r.Client.UpdateActor(t.Context(), a))
		b.provision(orders())
		if diff := cmp.Diff(before, ids(b)); diff != "" {
			t.Errorf("its id is remembered, so it is renamed back\n%s", diff)
		}
		b.unchanged(orders())
	})
	t.Run("another component's privateInfo, signed as it is", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = previous(t, b.provision(other()))
		theirs := b.bystanders()
		for range 2 {
			b.provision(work)
			if !strings.Contains(b.log(), "privateInfo names the source "+theirs.sources[0].ID) {
				t.Errorf("it was not said\n%s", b.log())
			}
		}
		b.unprovision(work)
		if diff := cmp.Diff(theirs, b.bystanders(), asSeen); diff != "" {
			t.Errorf("the other component's entities were touched\n%s", diff)
		}
	})
	t.Run("an unsigned connection id that Airbyte stumbles over", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		const odd = "5b1c7f4e-0000-4000-8000-000000000002"
		b.fault(airbytesim.Fault{Operation: "connections/get", Contains: odd, Times: -1, Do: airbytesim.DoAnswer, Status: 500})
		work := orders()
		work.Previous = &workload.Entities{WorkspaceID: workspace, ConnectionID: odd}
		b.provision(work)
		b.one()
		b.unchanged(work)
		b.unprovision(work)
	})
	t.Run("unsigned ids of another workspace", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = &workload.Entities{WorkspaceID: otherPlace, SourceID: "5b1c7f4e-0000-4000-8000-000000000001"}
		b.provision(work)
		if !strings.Contains(b.log(), otherPlace) {
			t.Errorf("what may be left there is not named\n%s", b.log())
		}
	})
	t.Run("equal names", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		b.provision(other())
		b.unprovision(other())
		b.unchanged(orders())
		b.one()
	})
	t.Run("the descriptor's names change together with lost memory", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		before := ids(b)
		b.memory.values = map[string][]byte{}
		w := orders()
		w.Source.Name, w.Destination.Name, w.Connection.Name = "A", "B", "C"
		b.provision(w)
		if diff := cmp.Diff(before, ids(b)); diff != "" {
			t.Errorf("it was doubled\n%s", diff)
		}
	})
	t.Run("the fingerprint key changes", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		before := ids(b)
		b.r.FingerprintKey = []byte("another")
		b.provision(orders())
		if diff := cmp.Diff([]string{"destinations/update", "sources/update"}, b.writes()); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff(before, ids(b)); diff != "" {
			t.Error(diff)
		}
		b.unchanged(orders())
	})
	t.Run("what is remembered is unreadable", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		before := ids(b)
		b.memory.values[orders().Component.Digest()] = []byte("{")
		b.provision(orders())
		if diff := cmp.Diff(before, ids(b)); diff != "" {
			t.Error(diff)
		}
	})
	t.Run("what is remembered is of a newer version", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.memory.values[orders().Component.Digest()] = []byte(`{"v":2}`)
		var wait *workload.WaitError
		if err := second(b.try(orders())); !errors.As(err, &wait) || len(b.calls()) > 0 {
			t.Errorf("it is for newer workers: %v", err)
		}
	})
}

// double makes a second entity of our own by hand, as an older crash would have left it.
func (b *bench) double(kind airbyte.ActorKind) airbyte.Actor {
	a := b.actor(kind)
	for name, value := range a.Configuration {
		if airbyte.IsMask(value) {
			a.Configuration[name] = "whatever"
		}
	}
	return must1(b.r.Client.CreateActor(b.t.Context(), a))
}

func TestOwnDuplicatesAreRemoved(t *testing.T) {
	t.Parallel()
	for _, lost := range []bool{false, true} {
		t.Run(fmt.Sprintf("memory lost %v", lost), func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			before := ids(b)
			source := b.double(airbyte.Source)
			destination := must1(b.r.Client.CreateActor(t.Context(), airbyte.Actor{
				Kind: airbyte.Destination, WorkspaceID: workspace, DefinitionID: warehouse, Name: actorName("Warehouse", orders().Component.Digest()),
				Configuration: map[string]any{"host": "h", "port": 1, "database": "d", "schema": "s", "username": "u"},
			}))
			found := must1(b.r.Client.DiscoverSource(t.Context(), before[0], false))
			for _, ends := range [][2]string{{before[0], before[1]}, {source.ID, before[1]}, {before[0], destination.ID}} {
				must1(b.r.Client.CreateConnection(t.Context(), airbyte.ConnectionCreate{
					SourceID: ends[0], DestinationID: ends[1], Status: "active", Name: "Orders to warehouse", Catalog: &found.Catalog,
				}))
			}
			if lost {
				b.memory.values = map[string][]byte{}
			}
			b.provision(orders())
			after := ids(b)
			if !lost {
				if diff := cmp.Diff(before, after); diff != "" {
					t.Errorf("the recorded ones are kept\n%s", diff)
				}
			}
			b.unchanged(orders())
		})
	}
}

func TestDuplicatesAreRemovedByUnprovision(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	b.double(airbyte.Source)
	b.unprovision(orders())
	b.none()
}

func TestCrowdedWorkspace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name     string
		behavior airbytesim.Behavior
	}{
		{"pages", airbytesim.Behavior{}},
		{"an older server, which ignores paging and search", airbytesim.Behavior{IgnorePaging: true}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{Behavior: tt.behavior})
			name := "orders database [wb-" + orders().Component.Digest()[:15]
			must(t, 0, b.sim.Fill(airbytesim.Filler{WorkspaceID: workspace, Sources: 5000, Destinations: 5000, Connections: 5000, Name: name}))
			b.only = "[wb-" + orders().Component.Digest() + "]"
			b.provision(orders())
			b.one()
			b.memory.values = map[string][]byte{}
			b.provision(orders())
			b.one()
			b.unchanged(orders())
			b.unprovision(orders())
			b.none()
			b.only = ""
			if l := b.live(); l.String() != "5000 sources, 5000 destinations, 5000 connections" {
				t.Errorf("somebody else's entities were touched: %s", l)
			}
		})
	}
}

func TestMovesToAnotherWorkspace(t *testing.T) {
	t.Parallel()
	move := func(b *bench) { b.r.Workspaces = map[string]string{"development": otherPlace} }
	t.Run("provision", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		move(b)
		b.provision(orders())
		s, _, _ := b.one()
		if s.WorkspaceID != otherPlace || !strings.Contains(b.log(), "moves from workspace") {
			t.Errorf("it is in %s\n%s", s.WorkspaceID, b.log())
		}
		order := b.order()
		if slices.Index(order, "connections/create") > slices.Index(order, "connections/delete") {
			t.Errorf("new first, then the old removed: %v", order)
		}
		b.unchanged(orders())
		b.r.Workspaces = nil
		b.provision(orders())
		b.one()
		b.unchanged(orders())
	})
	t.Run("unprovision", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		move(b)
		outcome := b.unprovision(orders())
		b.none()
		if !strings.Contains(outcome.Message, "in workspace "+workspace) {
			t.Errorf("it is not said what was removed where: %s", outcome.Message)
		}
	})
	t.Run("known from privateInfo only", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = previous(t, b.provision(orders()))
		b.memory.values = map[string][]byte{}
		move(b)
		b.provision(work)
		b.one()
	})
	t.Run("the old one cannot be entered any more", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		move(b)
		b.fault(airbytesim.Fault{Operation: "list", Contains: workspace, Times: -1, Do: airbytesim.DoAnswer, Status: 403})
		b.provision(orders())
		if !strings.Contains(b.log(), "is left there") {
			t.Errorf("it is left without a word\n%s", b.log())
		}
		b.unchanged(orders())
	})
	t.Run("a connection made by hand in the old one", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		id := b.foreign()
		move(b)
		b.provision(orders())
		if !strings.Contains(b.log(), "is left there") || must1(b.r.Client.GetConnection(t.Context(), id)).Deleted() {
			t.Errorf("it went down, or stays without a word\n%s", b.log())
		}
	})
}

// listsWithoutConfigurations is a server whose lists leave out what its description promises.
type listsWithoutConfigurations struct{ http.RoundTripper }

func (l listsWithoutConfigurations) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := l.RoundTripper.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "sources/list") && !strings.HasSuffix(r.URL.Path, "destinations/list") {
		return response, err
	}
	var body map[string]any
	if err := json.NewDecoder(response.Body).Decode(&body); err != nil {
		return nil, err
	}
	for _, value := range body {
		list, _ := value.([]any)
		for _, actor := range list {
			delete(actor.(map[string]any), "connectionConfiguration")
		}
	}
	response.Body = io.NopCloser(bytes.NewReader(must1(json.Marshal(body))))
	return response, nil
}

// What a list leaves out is read one by one, however an entity is found: it is not taken for missing.
func TestListsWithoutConfigurations(t *testing.T) {
	t.Parallel()
	short := func(t *testing.T, change ...func(*Options)) *bench {
		t.Helper()
		sim := must1(airbytesim.New(airbytesim.Options{WorkspaceIDs: []string{workspace}}))
		t.Cleanup(sim.Close)
		return benchOf(t, sim, airbyte.Options{BaseURL: "http://airbyte.example", Transport: listsWithoutConfigurations{handled{sim.API()}}}, change...)
	}
	t.Run("by the digest", func(t *testing.T) {
		t.Parallel()
		b := short(t)
		b.provision(orders())
		b.provision(orders())
		if len(b.writes()) > 0 {
			t.Errorf("an unchanged component led to %v", b.writes())
		}
	})
	t.Run("by the id", func(t *testing.T) {
		t.Parallel()
		b := short(t)
		b.provision(orders())
		b.renameAll()
		b.provision(orders())
		if diff := cmp.Diff([]string{"destinations/update", "sources/update"}, b.writes()); diff != "" || strings.Contains(b.log(), "missing in Airbyte") || slices.Contains(b.calls(), "sources/discover_schema") {
			t.Errorf("%s\n%s", diff, b.log())
		}
	})
	t.Run("by the plain name", func(t *testing.T) {
		t.Parallel()
		b := short(t, func(o *Options) { o.Adopt = true })
		b.legacy(orders())
		b.provision(orders())
		if strings.Contains(b.log(), "missing in Airbyte") || !strings.Contains(b.log(), "taken over") {
			t.Error(b.log())
		}
	})
}
