package reconcile

import (
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// move gives the component's environment another workspace.
func (b *bench) move() { b.r.Workspaces = map[string]string{"development": otherPlace} }

// halfMoved is a bench whose component is in both workspaces: it was made in the new one, and leaving the old one failed.
func halfMoved(t *testing.T) *bench {
	t.Helper()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	b.move()
	b.sim.AnswerNext("connections/delete", 1, 503)
	if failure := b.failure(second(b.try(orders()))); !failure.Retry {
		t.Fatal(failure.Text())
	}
	if got := b.live().String(); got != "2 sources, 2 destinations, 2 connections" {
		t.Fatal(got)
	}
	return b
}

// Where an unprovision is to remove the data, it does so in a workspace that the component has moved from, too.
func TestUnprovisionClearsInAFormerWorkspace(t *testing.T) {
	t.Parallel()
	whole := []string{"connections/clear", "connections/delete", "destinations/delete", "sources/delete"}
	t.Run("not provisioned since", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		b.move()
		b.unprovision(withData())
		if diff := cmp.Diff(whole, b.order()); diff != "" {
			t.Errorf("%s\n%s", diff, b.log())
		}
		if strings.Contains(b.log(), "no data to clear") || strings.Contains(b.log(), "made anew") {
			t.Errorf("the log says what is not so\n%s", b.log())
		}
		b.none()
	})
	t.Run("in both", func(t *testing.T) {
		t.Parallel()
		b := halfMoved(t)
		b.unprovision(withData())
		twice := append([]string{whole[0]}, append(slices.Clone(whole), whole[1:]...)...)
		if diff := cmp.Diff(twice, b.order()); diff != "" {
			t.Errorf("all is cleared before anything is deleted\n%s\n%s", diff, b.log())
		}
		b.none()
	})
	t.Run("a clear that fails keeps everything", func(t *testing.T) {
		t.Parallel()
		b := halfMoved(t)
		before := b.live()
		b.fault(airbytesim.Fault{Operation: "connections/clear", Skip: 1, Do: airbytesim.DoAnswer, Status: 403})
		failure := b.failure(second(b.tryUnprovision(withData())))
		if failure.Retry || !strings.Contains(failure.Message, "nothing was deleted") {
			t.Error(failure.Text())
		}
		if diff := cmp.Diff(before, b.live(), asSeen); diff != "" {
			t.Errorf("something was deleted\n%s", diff)
		}
		b.unprovision(withData())
		b.none()
	})
	t.Run("kept by a provision", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		b.move()
		b.provision(withData()) // which a provision does not heed
		if slices.Contains(b.writes(), "connections/clear") {
			t.Errorf("a move must keep the data: %v", b.writes())
		}
		b.one()
	})
	t.Run("kept by an unprovision without it", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		b.move()
		b.unprovision(orders())
		if diff := cmp.Diff(whole[1:], b.order()); diff != "" || strings.Contains(b.log(), "made anew") {
			t.Errorf("%s\n%s", diff, b.log())
		}
		b.none()
	})
	t.Run("cleared by an attempt before the move", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		b.sim.AnswerNext("connections/delete", 1, 503)
		_ = b.failure(second(b.tryUnprovision(withData())))
		b.move()
		b.number = 2
		outcome := b.unprovision(withData())
		if slices.Contains(b.writes(), "connections/clear") || !strings.Contains(outcome.Message, "the connection “Orders to warehouse”") {
			t.Errorf("the deeds of the attempt before are forgotten: %v, %s", b.writes(), outcome.Message)
		}
		b.none()
	})
}

// Somebody's connection in a workspace that the component has moved from is as good as one in its own.
func TestUnprovisionRefusesToCascadeInAFormerWorkspace(t *testing.T) {
	t.Parallel()
	start := map[string]func(t *testing.T) *bench{
		"not provisioned since": func(t *testing.T) *bench {
			t.Helper()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			b.move()
			return b
		},
		"in both": halfMoved,
	}
	for name, start := range start {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := start(t)
			b.only = ""
			id := b.foreignIn(workspace)
			before := b.live()
			failure := b.failure(second(b.tryUnprovision(orders())))
			if failure.Retry || failure.Code != workload.CodeConflict || !strings.Contains(failure.Message, id) || !strings.Contains(failure.Message, workspace) {
				t.Errorf("it must fail as in its own workspace, and say where: %s", failure.Text())
			}
			if diff := cmp.Diff(before, b.live(), asSeen); diff != "" || len(b.writes()) > 0 {
				t.Errorf("something was removed: %v\n%s", b.writes(), diff)
			}
			must(t, 0, b.r.Client.DeleteConnection(t.Context(), id))
			b.unprovision(orders())
			b.none()
		})
	}
	t.Run("allowed with the data", func(t *testing.T) {
		t.Parallel()
		b := start["not provisioned since"](t)
		b.foreignIn(workspace)
		outcome := b.unprovision(withData())
		if !strings.Contains(outcome.Message, "the connection “by hand” (not this component's own)") {
			t.Error(outcome.Message)
		}
		b.none()
	})
}

// What an unprovision does where Airbyte does not let it into the workspace that the component has moved from.
func TestUnprovisionWhereTheFormerWorkspaceIsClosed(t *testing.T) {
	t.Parallel()
	closed := func(b *bench, operation string, status int) {
		b.fault(airbytesim.Fault{Operation: operation, Contains: workspace, Times: -1, Do: airbytesim.DoAnswer, Status: status})
	}
	moved := func(t *testing.T) *bench {
		t.Helper()
		b := newBench(t, airbytesim.Options{})
		b.provision(orders())
		b.move()
		return b
	}
	t.Run("it is gone", func(t *testing.T) {
		t.Parallel()
		for _, work := range []workload.Work{orders(), withData()} {
			b := moved(t)
			source, destination, connection := b.one()
			closed(b, "*", 404)
			outcome := b.unprovision(work)
			for _, text := range []string{workspace, source.ID, destination.ID, connection.ID} {
				if !strings.Contains(outcome.Message, text) {
					t.Errorf("it does not tell of %s: %s", text, outcome.Message)
				}
			}
			if strings.Contains(outcome.Message, "has nothing in Airbyte") || work.RemoveData != strings.Contains(outcome.Message, "no data was cleared") {
				t.Errorf("it tells what is not so: %s", outcome.Message)
			}
			if len(b.memory.values) > 0 {
				t.Errorf("something is remembered: %v", b.memory.values)
			}
		}
	})
	t.Run("it is gone, and the present one is not", func(t *testing.T) {
		t.Parallel()
		b := halfMoved(t)
		closed(b, "*", 404)
		outcome := b.unprovision(orders())
		if !strings.Contains(outcome.Message, "Removed the connection") || !strings.Contains(outcome.Message, "no longer has workspace "+workspace) {
			t.Error(outcome.Message)
		}
	})
	t.Run("what is left is told after an attempt that failed", func(t *testing.T) {
		t.Parallel()
		b := halfMoved(t)
		closed(b, "*", 404)
		b.sim.AnswerNext("destinations/delete", 1, 503)
		_ = b.failure(second(b.tryUnprovision(orders())))
		b.number = 2
		if outcome := b.unprovision(orders()); !strings.Contains(outcome.Message, "no longer has workspace "+workspace) {
			t.Error(outcome.Message)
		}
	})
	t.Run("a list is not found, and the workspace is there", func(t *testing.T) {
		t.Parallel()
		b := moved(t)
		closed(b, "destinations/list", 404)
		failure := b.failure(second(b.tryUnprovision(orders())))
		if !strings.Contains(failure.Message, "destinations/list") || len(b.writes()) > 0 {
			t.Errorf("%s, %v", failure.Text(), b.writes())
		}
	})
	t.Run("it may not be entered", func(t *testing.T) {
		t.Parallel()
		b := halfMoved(t)
		closed(b, "*", 403)
		before := b.live()
		failure := b.failure(second(b.tryUnprovision(orders())))
		if failure.Retry || failure.Code != workload.CodeRefused || !strings.Contains(failure.Message, workspace) {
			t.Errorf("it must fail and say where: %s", failure.Text())
		}
		if !slices.ContainsFunc(failure.Solutions, func(s string) bool { return strings.Contains(s, workspace) }) {
			t.Errorf("it does not say what to do: %s", failure.Text())
		}
		if diff := cmp.Diff(before, b.live(), asSeen); diff != "" || len(b.writes()) > 0 {
			t.Errorf("something was removed: %v\n%s", b.writes(), diff)
		}
		b.sim.RemoveFaults()
		b.unprovision(orders())
		b.none()
	})
	t.Run("the way out: deployed once more", func(t *testing.T) {
		t.Parallel()
		b := moved(t)
		closed(b, "*", 403)
		_ = b.failure(second(b.tryUnprovision(orders())))
		if outcome := b.provision(orders()); !strings.Contains(outcome.Message, "workspace "+workspace+" is left there") {
			t.Errorf("the result does not tell what is left: %s", outcome.Message)
		}
		b.unprovision(orders())
		if l := b.live(); l.String() != "1 sources, 1 destinations, 1 connections" || l.sources[0].WorkspaceID != workspace {
			t.Error(l)
		}
	})
	t.Run("known from unsigned privateInfo only", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		work := orders()
		work.Previous = &workload.Entities{WorkspaceID: otherPlace}
		outcome := b.unprovision(work)
		if !strings.Contains(outcome.Message, otherPlace) || strings.Contains(outcome.Message, "has nothing in Airbyte") {
			t.Error(outcome.Message)
		}
	})
}

// A sync that fails after the move does not keep the result from telling what was left.
func TestProvisionTellsWhatItLeft(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	id := b.foreign()
	b.move()
	work := orders()
	work.Connection.SyncOnProvision = true
	b.sim.AnswerNext("connections/sync", 1, 503)
	_ = b.failure(second(b.try(work)))
	b.number = 2
	if outcome := b.provision(work); !strings.Contains(outcome.Message, id) || !strings.Contains(outcome.Message, workspace) {
		t.Error(outcome.Message)
	}
	b.number = 1
	if outcome := b.provision(orders()); strings.Contains(outcome.Message, id) {
		t.Errorf("it was told, and is tried no more: %s", outcome.Message)
	}
	b.unchanged(orders())
}
