package reconcile

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// An update that may have acted is not made certain by another one that was refused.
func TestRefusalDoesNotSettleAnEarlierUpdate(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	b.secrets.set("SOURCE", "s3cret-b")
	b.fault(airbytesim.Fault{Operation: "sources/update", Do: airbytesim.DoDrop, Acts: true})
	_ = b.failure(second(b.try(orders())))
	b.fault(airbytesim.Fault{Operation: "sources/update", Do: airbytesim.DoAnswer, Status: 422})
	_ = b.failure(second(b.try(orders())))
	b.secrets.set("SOURCE", "s3cret-source") // back to what was last known to be there
	b.provision(orders())
	if s, _, _ := b.one(); s.Configuration["password"] != "s3cret-source" {
		t.Errorf("Airbyte still holds %v", s.Configuration["password"])
	}
	b.unchanged(orders())
}

func TestReplaceInALargeWorkspace(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.crowd(fewConnections + 1)
	b.provision(orders())
	b.provision(orders())
	digest := orders().Component.Digest()
	b.only = digest
	s, d, _ := b.one()
	found := must1(b.r.Client.DiscoverSource(t.Context(), s.ID, false))
	theirs := must1(b.r.Client.CreateActor(t.Context(), airbyte.Actor{Kind: airbyte.Source, WorkspaceID: workspace, DefinitionID: fakerID, Name: "theirs", Configuration: map[string]any{"count": 1}}))
	c := must1(b.r.Client.CreateConnection(t.Context(), airbyte.ConnectionCreate{SourceID: theirs.ID, DestinationID: d.ID, Status: "active", Name: "theirs", Catalog: &found.Catalog}))
	work := orders()
	work.Destination.DefinitionID, work.Destination.Configuration = localJSON, map[string]any{"destination_path": "/x"}
	b.provision(work)
	if must1(b.r.Client.GetConnection(t.Context(), c.ID)).Deleted() {
		t.Error("somebody's connection went down with the old destination")
	}
}

func TestSyncWhereOnlyTheConnectionIsMade(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	_, _, c := b.one()
	must(t, 0, b.r.Client.DeleteConnection(t.Context(), c.ID))
	work := orders()
	work.Connection.SyncOnProvision = true
	b.provision(work)
	if diff := cmp.Diff([]string{"connections/create", "connections/sync"}, b.writes()); diff != "" {
		t.Error(diff)
	}
}

// With one place for checks and discoveries, the two branches take turns
// instead of sending each other back to the queue.
func TestBranchesShareOnePlace(t *testing.T) {
	t.Parallel()
	place, refused := make(chan struct{}, 1), make(chan struct{}, 10)
	b := newBench(t, airbytesim.Options{}, func(o *Options) {
		o.Job = func(context.Context) (func(), error) {
			select {
			case place <- struct{}{}:
				return func() { <-place }, nil
			default:
				refused <- struct{}{}
				return nil, errors.New("no place")
			}
		}
	})
	b.sim.HoldNext("sources/discover_schema", false)
	b.sim.HoldNext("scheduler/destinations/check_connection", false)
	ended := make(chan error, 1)
	go func() { ended <- second(b.try(orders())) }()
	<-refused // one branch has the place, the other was turned away
	must(t, 0, b.sim.WaitHeld(t.Context(), "*", 1))
	b.sim.RemoveFaults()
	b.sim.Release("*", 0)
	must(t, 0, <-ended)
	b.one()
}

// A connection that was made under a name which nobody wants any more, and whose
// record was lost, is still ours when its source is replaced.
func TestLostConnectionOfAnotherName(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	faker := orders()
	faker.Source.DefinitionID, faker.Source.Configuration = fakerID, map[string]any{"count": 10}
	faker.Connection.Name = "Second name"
	b.fault(airbytesim.Fault{Operation: "connections/create", Do: airbytesim.DoDrop, Acts: true})
	_ = b.failure(second(b.try(faker)))
	last := orders()
	last.Connection.Name = "Third name"
	b.provision(last)
	b.one()
	b.unchanged(last)
}

// Another component's name may hold our digest; the last one in it counts.
func TestDigestInsideAnothersName(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	theirs := other()
	theirs.Source.Name = "copy of [wb-" + orders().Component.Digest() + "] for tests"
	b.provision(theirs)
	s, _, _ := b.one()
	b.provision(orders())
	b.unprovision(orders())
	if l := b.live(); l.String() != "1 sources, 1 destinations, 1 connections" || l.sources[0].ID != s.ID {
		t.Errorf("another component's source was taken: %s", l)
	}
	b.unchanged(theirs)
}

func TestBreakingChangeIsAcknowledged(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	_, _, c := b.one()
	must1(b.r.Client.UpdateConnection(t.Context(), airbyte.ConnectionUpdate{ID: c.ID, BreakingChange: ptr(true)}))
	b.unchanged(orders())
	b.provision(ordersOnly("orders")) // which sends a new catalog
	if _, _, c := b.one(); c.BreakingChange {
		t.Error("what broke is in the new catalog, and yet the connection is marked")
	}
}

// A connector of one's own that was taken out of Airbyte and put in again has another id: the one that is
// remembered must not stand in the way.
func TestConnectorUnderAnotherId(t *testing.T) {
	t.Parallel()
	custom := func(id string, workspaces ...string) airbytesim.Definition {
		return airbytesim.Definition{
			ID: id, Kind: airbytesim.Source, Name: "Custom", DockerRepository: "acme/source-custom", DockerImageTag: "1", Custom: true, WorkspaceIDs: workspaces,
			Specification: json.RawMessage(`{"type": "object", "properties": {"count": {"type": "integer"}}}`),
			Catalog:       &airbytesim.Catalog{Streams: []airbytesim.CatalogStream{{Name: "things"}}},
		}
	}
	const before, after = "11111111-0000-4000-8000-000000000001", "11111111-0000-4000-8000-000000000002"
	work := orders()
	work.Source = workload.Actor{Name: "Things", Connector: "source-custom", Configuration: map[string]any{"count": 1}}
	for name, deleted := range map[string]bool{"its source went with it": true, "its source is still there": false} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			must(t, 0, b.sim.AddDefinition(custom(before)))
			b.provision(work)
			source, _, _ := b.one()
			must(t, 0, b.sim.AddDefinition(custom(before, otherPlace))) // gone from this workspace
			must(t, 0, b.sim.AddDefinition(custom(after)))
			changed := work
			changed.Source.Configuration = map[string]any{"count": 2}
			if deleted {
				must(t, 0, b.r.Client.DeleteActor(t.Context(), airbyte.Source, source.ID))
				changed = work
			}
			if plan, err := b.r.Preview(t.Context(), changed, b.attempt()); err != nil || plan.Empty() {
				t.Errorf("the preview does not tell: %v\n%s", err, plan)
			}
			b.provision(changed)
			if s, _, _ := b.one(); s.DefinitionID != after {
				t.Errorf("the source's connector is %s", s.DefinitionID)
			}
			b.unchanged(changed)
		})
	}
}

// A clear of an earlier attempt that failed is not taken for this one's.
func TestFailedClearIsNotUsedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{Behavior: airbytesim.Behavior{JobPolls: -1}})
	b.provision(orders())
	b.fault(airbytesim.Fault{Operation: "jobs/get", Do: airbytesim.DoAnswer, Status: 500})
	if failure := b.failure(second(b.tryUnprovision(withData()))); !failure.Retry {
		t.Fatal(failure.Text())
	}
	jobs := b.sim.Contents().Jobs
	must(t, 0, b.sim.FinishJob(jobs[0].ID, "failed"))
	b.sim.SetBehavior(airbytesim.Behavior{})
	b.unprovision(withData())
	b.none()
	if !slices.Contains(b.writes(), "connections/clear") || len(b.sim.Contents().Jobs) != 2 {
		t.Errorf("%v", b.writes())
	}
	if !strings.Contains(b.log(), "is succeeded") {
		t.Error(b.log())
	}
}
