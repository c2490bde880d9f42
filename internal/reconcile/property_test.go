package reconcile

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// wish is what was last asked for a component, and what may be expected of its ids.
type wish struct {
	work    workload.Work
	there   bool              // provisioned, not unprovisioned
	ids     map[Entity]string // of the last operation that ended quietly
	excused map[Entity]bool   // what may get another id since then
	rests   bool              // nothing happened since then
}

func (w *wish) excuse(all ...Entity) {
	for _, e := range all {
		w.excused[e] = true
	}
}

// world is a simulator, two components with equal names, and what they should be.
type world struct {
	*rapid.T
	b      *bench
	wishes []*wish
	before live // what belongs to nobody
	story  []string
}

func (w *world) tell(format string, a ...any) { w.story = append(w.story, fmt.Sprintf(format, a...)) }

func (w *world) fail(format string, a ...any) {
	w.Helper()
	w.Fatalf("%s\n--- story\n%s\n--- log\n%s", fmt.Sprintf(format, a...), strings.Join(w.story, "\n"), w.b.log())
}

// TestConverges does anything in any order to two components with equal names,
// loses calls and records on the way, and then looks whether Airbyte holds what
// was last asked for, and nothing else was touched.
func TestConverges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		w := &world{T: rt, b: newBench(t, airbytesim.Options{Seed: rapid.Int64Range(0, 1<<40).Draw(rt, "seed")})}
		for _, id := range []string{"urn:dmb:cmp:sales:orders:0:copy", "urn:dmb:cmp:sales:orders:0:other"} {
			work := orders()
			work.Component = workload.NewComponent(id, "development")
			w.wishes = append(w.wishes, &wish{work: work, ids: map[Entity]string{}, excused: map[Entity]bool{}})
		}
		w.b.legacyQuietly(orders())
		w.before = w.nobodys()
		for range rapid.IntRange(1, 8).Draw(rt, "steps") {
			w.step()
		}
		for i := range w.wishes {
			w.quiet(i)
		}
		w.check()
	})
}

// legacyQuietly makes bystanders: entities under the plain names.
func (b *bench) legacyQuietly(work workload.Work) {
	b.legacy(work)
	b.legacy(work)
}

func (w *world) step() {
	i := rapid.IntRange(0, 1).Draw(w.T, "component")
	switch rapid.SampledFrom([]string{"provision", "provision", "provision", "unprovision", "edit", "edit", "forget", "both"}).Draw(w.T, "step") {
	case "provision":
		w.change(i)
		w.disturbed(i)
	case "unprovision":
		w.remove(i)
		w.disturbed(i)
	case "edit":
		w.edit(i)
	case "forget":
		// Half-done work of which nothing is remembered leaves connections that
		// nobody can tell from those of people; a name without a digest is found by nothing.
		if w.wishes[i].rests {
			w.tell("%d: memory lost", i)
			delete(w.b.memory.values, w.wishes[i].work.Component.Digest())
		}
	case "both":
		w.change(0)
		w.change(1)
		w.interleaved()
	}
}

// change wishes for something else.
func (w *world) change(i int) {
	wish := w.wishes[i]
	work := orders()
	work.Component = wish.work.Component
	pick := func(name string, values ...string) string { return rapid.SampledFrom(values).Draw(w.T, name) }
	work.Source.Name, work.Destination.Name = pick("source name", "Orders database", "A"), pick("destination name", "Warehouse", "B")
	work.Connection.Name = pick("connection name", "Orders to warehouse", "C")
	work.Source.Configuration["host"] = pick("host", "db.example", "new.example")
	work.Source.Configuration["password"] = "${secret:" + pick("secret", "SOURCE", "ROTATED") + "}"
	if pick("destination", "warehouse", "json") == "json" {
		work.Destination.DefinitionID, work.Destination.Configuration = localJSON, map[string]any{"destination_path": "/" + pick("path", "x", "y")}
	}
	if pick("source", "postgres", "postgres", "faker") == "faker" {
		work.Source.DefinitionID, work.Source.Configuration = fakerID, map[string]any{"count": 10}
	} else if pick("streams", "all", "one") == "one" {
		work.Connection.Streams = []workload.Stream{{Name: "orders", SelectedFields: []string{"id", "name"}}}
	}
	if pick("schedule", "manual", "basic") == "basic" {
		work.Connection.Schedule = &workload.Schedule{Type: "basic", Units: 6, TimeUnit: "hours"}
	}
	work.Connection.Prefix = pick("prefix", "", "raw_")
	work.Connection.Status = pick("status", "", "inactive")
	work.Connection.Rediscover = pick("rediscover", "no", "no", "yes") == "yes"
	if work.Source.DefinitionID != wish.work.Source.DefinitionID {
		wish.excuse(Source, Connection)
	}
	if work.Destination.DefinitionID != wish.work.Destination.DefinitionID {
		wish.excuse(Destination, Connection)
	}
	wish.work, wish.there = work, true
	w.tell("%d: wants %s %v, %s, %q %v", i, work.Source.DefinitionID[:4], work.Source.Configuration["host"], work.Destination.DefinitionID[:4], work.Connection.Name, work.Connection.Streams)
}

func (w *world) remove(i int) {
	wish := w.wishes[i]
	wish.there = false
	wish.work.RemoveData = rapid.Bool().Draw(w.T, "with the data")
	wish.excuse(Source, Destination, Connection)
	w.tell("%d: is to go", i)
}

// act does once what was last wished for.
func (w *world) act(i int) error {
	wish := w.wishes[i]
	wish.rests = false
	if wish.there {
		work := wish.work
		work.RemoveData = false
		return second(w.b.try(work))
	}
	return second(w.b.tryUnprovision(wish.work))
}

// disturbed does what was wished for while something breaks, tries again while
// that may help, and perhaps leaves it at that.
func (w *world) disturbed(i int) {
	w.disturb()
	for n := 1; ; n++ {
		w.b.number = n
		err := w.act(i)
		w.tell("%d: attempt %d: %v", i, n, err)
		if err == nil {
			w.calm()
			w.settled(i)
			return
		}
		given := rapid.IntRange(0, 3).Draw(w.T, "given up") == 0
		if !workload.AsFailure(err).Retry && !errors.Is(err, errCrash) || given || n > 5 {
			w.calm()
			return
		}
	}
}

// disturb sets up what will break.
func (w *world) disturb() {
	at := rapid.IntRange(0, 14).Draw(w.T, "at")
	fault := airbytesim.Fault{Operation: "*", Skip: at}
	switch how := rapid.SampledFrom([]string{"nothing", "drop", "drop after", "500", "500 after", "422", "429", "empty", "cut", "record", "death"}).Draw(w.T, "fault"); how {
	case "nothing":
		return
	case "death":
		w.b.memory.dies = true
		fault.Do, fault.Acts = airbytesim.DoDrop, rapid.Bool().Draw(w.T, "acts")
	case "record":
		w.b.memory.writes = 0
		w.b.memory.fails = func(n int) error {
			if n > at/2 {
				return errCrash
			}
			return nil
		}
		w.tell("the process dies at record %d", at/2+1)
		return
	case "drop":
		fault.Do = airbytesim.DoDrop
	case "drop after":
		fault.Do, fault.Acts = airbytesim.DoDrop, true
	case "500":
		fault.Do, fault.Status = airbytesim.DoAnswer, 500
	case "500 after":
		fault.Do, fault.Status, fault.Acts = airbytesim.DoAnswer, 500, true
	case "422":
		fault.Do, fault.Status = airbytesim.DoAnswer, 422
	case "429":
		fault.Do, fault.Status = airbytesim.DoAnswer, 429
	case "empty":
		fault.Do, fault.Acts = airbytesim.DoEmpty, true
	case "cut":
		fault.Do = airbytesim.DoMalformed
	}
	must1(w.b.sim.AddFault(fault))
	w.tell("call %d: %s %d acts=%v", at, fault.Do, fault.Status, fault.Acts)
}

func (w *world) calm() {
	w.b.sim.RemoveFaults()
	w.b.memory.mu.Lock()
	w.b.memory.fails, w.b.memory.dies = nil, false
	w.b.memory.mu.Unlock()
	w.b.number = 1
	if rapid.Bool().Draw(w.T, "restart") {
		w.b.restart()
	}
}

// interleaved stops one component's operation at some call while the other's runs.
func (w *world) interleaved() {
	must1(w.b.sim.AddFault(airbytesim.Fault{Operation: "*", Skip: rapid.IntRange(0, 10).Draw(w.T, "held at"), Do: airbytesim.DoHold, Acts: rapid.Bool().Draw(w.T, "held after acting")}))
	ended := make(chan error, 1)
	go func() { ended <- w.act(0) }()
	held := make(chan struct{})
	go func() {
		defer close(held)
		_ = w.b.sim.WaitHeld(w.b.t.Context(), "*", 1) // it fails at the end of the test, when nobody listens
	}()
	var first error
	select {
	case first = <-ended:
		w.b.sim.RemoveFaults()
	case <-held:
	}
	other := w.b.r.Provision()
	_, second := other.Perform(w.b.t.Context(), w.wishes[1].work, w.b.attempt())
	w.b.sim.RemoveFaults()
	if w.b.sim.Release("*", 0) > 0 {
		first = <-ended
	}
	w.tell("both at once: %v, %v", first, second)
	if first != nil || second != nil {
		w.fail("operations on two components disturb each other: %v, %v", first, second)
	}
	w.settled(0)
	w.settled(1)
}

// edit changes something by hand.
func (w *world) edit(i int) {
	wish := w.wishes[i]
	l := w.own(i)
	if len(l.sources) != 1 || len(l.destinations) != 1 || len(l.connections) != 1 {
		return
	}
	client, ctx := w.b.r.Client, w.b.t.Context()
	patch := airbyte.ConnectionUpdate{ID: l.connections[0].ID}
	how := rapid.SampledFrom([]string{
		"rename source", "rename destination", "rename connection", "pause", "streams", "schedule", "prefix",
		"configuration", "destination's configuration", "delete connection", "delete source", "delete destination",
	}).Draw(w.T, "edit")
	w.tell("%d: by hand: %s", i, how)
	wish.rests = false
	switch how {
	case "rename source", "rename destination":
		a := w.read(l, how == "rename source")
		if !strings.Contains(string(w.b.memory.values[wish.work.Component.Digest()]), a.ID) {
			return // no attempt told of it, so nothing but its name says whose it is
		}
		a.Name = "by hand"
		must1(client.UpdateActor(ctx, a))
		return
	case "configuration":
		a := w.read(l, true)
		a.Configuration["added_by_hand"] = "x"
		must1(client.UpdateActor(ctx, a))
		return
	case "destination's configuration":
		a := w.read(l, false)
		field := "schema"
		if a.DefinitionID == localJSON {
			field = "destination_path"
		}
		a.Configuration[field] = "/by_hand"
		must1(client.UpdateActor(ctx, a))
		return
	case "delete connection":
		must1(0, client.DeleteConnection(ctx, patch.ID))
		wish.excuse(Connection)
		return
	case "delete source":
		must1(0, client.DeleteActor(ctx, airbyte.Source, l.sources[0].ID))
		wish.excuse(Source, Connection)
		return
	case "delete destination":
		must1(0, client.DeleteActor(ctx, airbyte.Destination, l.destinations[0].ID))
		wish.excuse(Destination, Connection)
		return
	case "rename connection":
		patch.Name = ptr("by hand")
	case "pause":
		patch.Status = ptr("inactive")
	case "schedule":
		patch.ScheduleType, patch.ScheduleData = ptr("basic"), &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "days", Units: 2}}
	case "prefix":
		patch.Prefix = ptr("hand_")
	case "streams":
		c := must1(client.GetConnection(ctx, patch.ID))
		if len(c.Catalog.Streams) == 0 {
			return
		}
		c.Catalog.Streams[0].Config.Selected = false
		patch.Catalog = &c.Catalog
	}
	must1(client.UpdateConnection(ctx, patch))
}

// read is a component's source or destination as Airbyte answers it.
func (w *world) read(l live, source bool) airbyte.Actor {
	if source {
		return must1(w.b.r.Client.GetActor(w.b.t.Context(), airbyte.Source, l.sources[0].ID))
	}
	return must1(w.b.r.Client.GetActor(w.b.t.Context(), airbyte.Destination, l.destinations[0].ID))
}

// own are the live entities of a component: those that carry its digest, and
// those that the last quiet end left it.
func (w *world) own(i int) live {
	wish := w.wishes[i]
	w.b.only = ""
	all := w.b.live()
	digest := wish.work.Component.Digest()
	mine := func(e Entity) func(a airbytesim.Actor) bool {
		return func(a airbytesim.Actor) bool { return !strings.Contains(a.Name, digest) && a.ID != wish.ids[e] }
	}
	l := live{sources: slices.DeleteFunc(all.sources, mine(Source)), destinations: slices.DeleteFunc(all.destinations, mine(Destination))}
	for _, c := range all.connections {
		if slices.ContainsFunc(l.sources, func(a airbytesim.Actor) bool { return a.ID == c.SourceID }) ||
			slices.ContainsFunc(l.destinations, func(a airbytesim.Actor) bool { return a.ID == c.DestinationID }) {
			l.connections = append(l.connections, c)
		}
	}
	return l
}

// nobodys are the live entities that belong to neither component.
func (w *world) nobodys() live {
	w.b.only = ""
	all := w.b.live()
	plain := func(a airbytesim.Actor) bool {
		return ownerOf(a.Name) != "" || slices.ContainsFunc(w.wishes, func(v *wish) bool { return slices.Contains(slices.Collect(maps.Values(v.ids)), a.ID) })
	}
	l := live{sources: slices.DeleteFunc(all.sources, plain), destinations: slices.DeleteFunc(all.destinations, plain)}
	for _, c := range all.connections {
		if slices.ContainsFunc(l.sources, func(a airbytesim.Actor) bool { return a.ID == c.SourceID }) {
			l.connections = append(l.connections, c)
		}
	}
	return l
}

// quiet lets the last wish of a component come true with nothing in the way.
func (w *world) quiet(i int) {
	for n := 1; n <= 3; n++ {
		err := w.act(i)
		if err == nil {
			w.settled(i)
			return
		}
		w.tell("%d: %v", i, err)
	}
	w.fail("component %d does not come to rest", i)
}

// settled looks at a component whose last operation succeeded.
func (w *world) settled(i int) {
	wish := w.wishes[i]
	l := w.own(i)
	if !wish.there {
		if l.String() != "0 sources, 0 destinations, 0 connections" {
			w.fail("%d: %s are left", i, l)
		}
		wish.ids, wish.rests = map[Entity]string{}, true
		return
	}
	if l.String() != "1 sources, 1 destinations, 1 connections" {
		w.fail("%d: there are %s", i, l)
	}
	now := map[Entity]string{Source: l.sources[0].ID, Destination: l.destinations[0].ID, Connection: l.connections[0].ID}
	for e, id := range wish.ids {
		if !wish.excused[e] && now[e] != id {
			w.fail("%d: the %s was replaced without need", i, e)
		}
	}
	wish.ids, wish.excused, wish.rests = now, map[Entity]bool{}, true
	if diff := w.difference(wish.work, l); diff != "" {
		w.fail("%d: Airbyte does not hold what was asked for\n%s", i, diff)
	}
}

// difference compares what is stored with the work.
func (w *world) difference(work workload.Work, l live) string {
	digest := work.Component.Digest()
	c := l.connections[0]
	want := []any{
		actorName(work.Source.Name, digest), work.Source.DefinitionID, fmt.Sprint(w.b.final(airbyte.Source, work.Source)),
		actorName(work.Destination.Name, digest), work.Destination.DefinitionID, fmt.Sprint(w.b.final(airbyte.Destination, work.Destination)),
		work.Connection.Name, max(work.Connection.Status, "active"), work.Connection.Prefix, scheduleText(wantedShape(work.Connection).Schedule), len(work.Connection.Streams) > 0,
	}
	got := []any{
		l.sources[0].Name, l.sources[0].DefinitionID, fmt.Sprint(l.sources[0].Configuration),
		l.destinations[0].Name, l.destinations[0].DefinitionID, fmt.Sprint(l.destinations[0].Configuration),
		c.Name, c.Status, prefixOf(c), scheduleText(scheduleOf(must1(w.b.r.Client.GetConnection(w.b.t.Context(), c.ID)))), len(streamsOf(c)) == 1,
	}
	return cmp.Diff(want, got)
}

// check looks at everything at the end.
func (w *world) check() {
	if diff := cmp.Diff(w.before, w.nobodys(), asSeen); diff != "" {
		w.fail("what belongs to nobody was touched\n%s", diff)
	}
	for i, wish := range w.wishes {
		wish.work.Connection.Rediscover = false
		w.b.restart()
		if err := w.act(i); err != nil {
			w.fail("%d: %v", i, err)
		}
		if len(w.b.writes()) > 0 || len(w.b.calls()) > 5 {
			w.fail("%d: it was all there, and yet %v", i, w.b.calls())
		}
	}
}
