package reconcile

import (
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// legacy makes what the old provisioner would have made: plain names, the first stream, overwrite.
func (b *bench) legacy(work workload.Work) (source, destination, connection string) {
	b.t.Helper()
	client, ctx := b.r.Client, b.t.Context()
	s := must1(client.CreateActor(ctx, airbyte.Actor{Kind: airbyte.Source, WorkspaceID: workspace, DefinitionID: work.Source.DefinitionID, Name: work.Source.Name, Configuration: b.final(airbyte.Source, work.Source)}))
	d := must1(client.CreateActor(ctx, airbyte.Actor{Kind: airbyte.Destination, WorkspaceID: workspace, DefinitionID: work.Destination.DefinitionID, Name: work.Destination.Name, Configuration: b.final(airbyte.Destination, work.Destination)}))
	found := must1(client.DiscoverSource(ctx, s.ID, false))
	first := found.Catalog.Streams[:1]
	first[0].Config.DestinationSyncMode = overwrite
	c := must1(client.CreateConnection(ctx, airbyte.ConnectionCreate{
		SourceID: s.ID, DestinationID: d.ID, Name: work.Connection.Name, Status: "active", Catalog: &airbyte.Catalog{Streams: first},
	}))
	return s.ID, d.ID, c.ID
}

func TestAdoptPlainNames(t *testing.T) {
	t.Parallel()
	adopt := func(o *Options) { o.Adopt = true }
	t.Run("exactly one", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{}, adopt)
		s, d, c := b.legacy(orders())
		b.synced(c)
		b.provision(orders())
		if diff := cmp.Diff([]string{s, d, c}, ids(b)); diff != "" {
			t.Error(diff)
		}
		if _, _, c := b.one(); len(c.State) == 0 {
			t.Error("the sync state was lost")
		}
		if source, _, _ := b.one(); ownerOf(source.Name) != orders().Component.Digest() || !strings.Contains(b.log(), "taken over") {
			t.Errorf("it was not taken over: %q\n%s", source.Name, b.log())
		}
		b.unchanged(orders())
		b.provision(other()) // which finds nothing under the plain name any more
		if source := b.live().sources; len(source) != 2 {
			t.Errorf("two components share a source: %d", len(source))
		}
		b.only = orders().Component.Digest()
		b.unchanged(orders())
	})
	t.Run("without the setting", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		s, _, _ := b.legacy(orders())
		b.provision(orders())
		if len(b.live().sources) != 2 || must1(b.r.Client.GetActor(t.Context(), airbyte.Source, s)).Name != orders().Source.Name {
			t.Error("it was taken over unasked")
		}
	})
	t.Run("more than one", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{}, adopt)
		b.legacy(orders())
		b.legacy(orders())
		b.provision(orders())
		if l := b.live(); len(l.sources) != 3 || !strings.Contains(b.log(), "none can be taken over") {
			t.Errorf("%s\n%s", l, b.log())
		}
		b.only = orders().Component.Digest()
		b.one()
		b.unchanged(orders())
	})
	t.Run("another connector", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{}, adopt)
		work := orders()
		work.Source.DefinitionID, work.Source.Configuration = fakerID, map[string]any{"count": 10}
		b.legacy(work)
		b.provision(orders())
		if l := b.live(); len(l.sources) != 2 {
			t.Errorf("what has another connector cannot be taken over: %s", l)
		}
	})
	t.Run("unprovision takes nothing over", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{}, adopt)
		b.legacy(orders())
		b.unprovision(orders())
		if l := b.live(); l.String() != "1 sources, 1 destinations, 1 connections" {
			t.Errorf("what was never taken over was removed: %s", l)
		}
	})
}

func TestAdoptConnection(t *testing.T) {
	t.Parallel()
	byHand := func() workload.Work {
		w := orders()
		w.Source.Name, w.Destination.Name, w.Connection.Name = "hand source", "hand destination", "hand connection"
		return w
	}
	t.Run("exactly this one", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		s, d, c := b.legacy(byHand())
		b.legacy(byHand())
		work := byHand()
		work.Adopt = c
		work.Connection.Streams = []workload.Stream{{Name: "customers", SyncMode: fullRefresh, DestinationSyncMode: overwrite}}
		b.provision(work)
		b.only = work.Component.Digest()
		if diff := cmp.Diff([]string{s, d, c}, ids(b)); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"destinations/update", "sources/update"}, b.writes()); diff != "" {
			t.Errorf("nothing but the digest in the names changes\n%s\n%s", diff, b.log())
		}
		b.unchanged(work)
	})
	t.Run("what else uses its source is named", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		s, d, c := b.legacy(byHand())
		found := must1(b.r.Client.DiscoverSource(t.Context(), s, false))
		second := must1(b.r.Client.CreateConnection(t.Context(), airbyte.ConnectionCreate{SourceID: s, DestinationID: d, Status: "active", Name: "theirs", Catalog: &found.Catalog}))
		work := byHand()
		work.Adopt = c
		b.provision(work)
		if !strings.Contains(b.log(), second.ID) {
			t.Errorf("it is not named\n%s", b.log())
		}
	})
	t.Run("another component's", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(other())
		_, _, c := b.one()
		work := orders()
		work.Adopt = c.ID
		failure := b.failure(second(b.try(work)))
		if failure.Retry || failure.Code != workload.CodeConflict || len(b.writes()) > 0 {
			t.Errorf("%s %v", failure.Text(), b.writes())
		}
	})
	t.Run("unknown", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Adopt = "00000000-0000-4000-8000-000000000000"
		if failure := b.failure(second(b.try(work))); failure.Retry || len(b.writes()) > 0 {
			t.Errorf("%s %v", failure.Text(), b.writes())
		}
	})
	t.Run("another connector", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		_, _, c := b.legacy(byHand())
		work := orders()
		work.Adopt = c
		work.Source.DefinitionID, work.Source.Configuration = fakerID, map[string]any{"count": 10}
		failure := b.failure(second(b.try(work)))
		if failure.Retry || !strings.Contains(failure.Text(), postgresID) || len(b.writes()) > 0 {
			t.Errorf("%s %v", failure.Text(), b.writes())
		}
	})
	t.Run("deleted since", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		_, _, c := b.legacy(byHand())
		work := byHand()
		work.Adopt = c
		b.provision(work)
		b.unprovision(work)
		b.provision(work) // works again
		b.only = work.Component.Digest()
		b.one()
		b.provision(work)
		if len(b.writes()) > 0 {
			t.Errorf("%v", b.writes())
		}
	})
	t.Run("after it had entities of its own", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		s, d, c := b.legacy(byHand())
		work := orders()
		work.Adopt = c
		b.provision(work)
		if diff := cmp.Diff([]string{s, d, c}, ids(b)); diff != "" {
			t.Errorf("%s\n%s", diff, b.log())
		}
		if !slices.Contains(b.writes(), "connections/delete") {
			t.Errorf("%v", b.writes())
		}
		b.unchanged(work)
	})
}
