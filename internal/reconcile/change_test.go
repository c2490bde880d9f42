package reconcile

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// must ends the test on an error.
func must[T any](t *testing.T, value T, err error) T {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	return value
}

// asSeen compares what the simulator holds, apart from its bookkeeping.
var asSeen = cmp.Options{
	cmp.AllowUnexported(live{}),
	cmpopts.IgnoreUnexported(airbytesim.Actor{}),
	cmpopts.IgnoreFields(airbytesim.Actor{}, "CreatedAt", "Updates"),
	cmpopts.IgnoreFields(airbytesim.Connection{}, "CreatedAt", "Updates", "State", "Other", "NamespaceFormat", "Prefix", "Streams"),
	cmpopts.IgnoreFields(airbytesim.Connection{}, "SourceCatalogID"),
}

// streamsOf are a connection's selected streams with their modes.
func streamsOf(c airbytesim.Connection) []string {
	var all []string
	for _, s := range c.Streams {
		if s.Config["selected"] == true {
			namespace, _ := s.Stream["namespace"].(string)
			all = append(all, namespace+"."+s.Stream["name"].(string)+" "+s.Config["syncMode"].(string)+"/"+s.Config["destinationSyncMode"].(string))
		}
	}
	slices.Sort(all)
	return all
}

func prefixOf(c airbytesim.Connection) string {
	if c.Prefix == nil {
		return ""
	}
	return *c.Prefix
}

func nonBreakingOf(c airbytesim.Connection) any {
	if set, ok := c.Other["nonBreakingChangesPreference"]; ok {
		return set
	}
	return "ignore"
}

// handEdits are what people do in Airbyte behind the product's back.
func handEdits() map[string]func(t *testing.T, b *bench) {
	rename := func(kind airbyte.ActorKind) func(t *testing.T, b *bench) {
		return func(t *testing.T, b *bench) {
			a := b.actor(kind)
			a.Name = "renamed by hand"
			must(t, 0, second(b.r.Client.UpdateActor(t.Context(), a)))
		}
	}
	configure := func(kind airbyte.ActorKind, field string, value any) func(t *testing.T, b *bench) {
		return func(t *testing.T, b *bench) {
			a := b.actor(kind)
			if value == nil {
				delete(a.Configuration, field)
			} else {
				a.Configuration[field] = value
			}
			must(t, 0, second(b.r.Client.UpdateActor(t.Context(), a)))
		}
	}
	patch := func(change func(*airbyte.ConnectionUpdate, airbyte.Connection)) func(t *testing.T, b *bench) {
		return func(t *testing.T, b *bench) {
			_, _, c := b.one()
			read := must1(b.r.Client.GetConnection(t.Context(), c.ID))
			u := airbyte.ConnectionUpdate{ID: c.ID}
			change(&u, read)
			must(t, 0, second(b.r.Client.UpdateConnection(t.Context(), u)))
		}
	}
	return map[string]func(t *testing.T, b *bench){
		"source renamed, digest and all":      rename(airbyte.Source),
		"destination renamed, digest and all": rename(airbyte.Destination),
		"source's host changed":               configure(airbyte.Source, "host", "elsewhere.example"),
		"source's field added":                configure(airbyte.Source, "jdbc_url_params", "x=y"),
		"source's field removed":              configure(airbyte.Source, "tunnel_method", nil),
		"destination's schema changed":        configure(airbyte.Destination, "schema", "other"),
		"connection renamed":                  patch(func(u *airbyte.ConnectionUpdate, _ airbyte.Connection) { u.Name = ptr("mine") }),
		"connection paused":                   patch(func(u *airbyte.ConnectionUpdate, _ airbyte.Connection) { u.Status = ptr("inactive") }),
		"schedule set": patch(func(u *airbyte.ConnectionUpdate, _ airbyte.Connection) {
			u.ScheduleType, u.ScheduleData = ptr("basic"), &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "hours", Units: 2}}
		}),
		"prefix set":               patch(func(u *airbyte.ConnectionUpdate, _ airbyte.Connection) { u.Prefix = ptr("hand_") }),
		"namespace set":            patch(func(u *airbyte.ConnectionUpdate, _ airbyte.Connection) { u.NamespaceDefinition = ptr("destination") }),
		"schema changes propagate": patch(func(u *airbyte.ConnectionUpdate, _ airbyte.Connection) { u.NonBreakingChanges = ptr("propagate_fully") }),
		"stream taken out": patch(func(u *airbyte.ConnectionUpdate, c airbyte.Connection) {
			c.Catalog.Streams[1].Config.Selected = false
			u.Catalog = &c.Catalog
		}),
		"stream's mode changed": patch(func(u *airbyte.ConnectionUpdate, c airbyte.Connection) {
			c.Catalog.Streams[0].Config.SyncMode, c.Catalog.Streams[0].Config.DestinationSyncMode = "full_refresh", "append"
			u.Catalog = &c.Catalog
		}),
	}
}

func second[T any](_ T, err error) error { return err }

func must1[T any](value T, err error) T {
	if err != nil {
		panic(err)
	}
	return value
}

func ptr[T any](value T) *T { return &value }

// actor reads the one source or destination as the API answers it.
func (b *bench) actor(kind airbyte.ActorKind) airbyte.Actor {
	b.t.Helper()
	source, destination, _ := b.one()
	id := source.ID
	if kind == airbyte.Destination {
		id = destination.ID
	}
	return must1(b.r.Client.GetActor(b.t.Context(), kind, id))
}

func TestHandEditsArePutBack(t *testing.T) {
	t.Parallel()
	edits := handEdits()
	for _, name := range slices.Sorted(maps.Keys(edits)) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			b.provision(orders())
			before := b.live()
			edits[name](t, b)
			outcome := b.provision(orders())
			if len(b.writes()) != 1 {
				t.Errorf("it took %v to put it back\n%s", b.writes(), b.log())
			}
			if diff := cmp.Diff(before, b.live(), asSeen); diff != "" {
				t.Errorf("it was not put back\n%s\n%s", diff, b.log())
			}
			was, is := before.connections[0], b.live().connections[0]
			if diff := cmp.Diff(
				[]any{streamsOf(was), prefixOf(was), nonBreakingOf(was)},
				[]any{streamsOf(is), prefixOf(is), nonBreakingOf(is)},
			); diff != "" {
				t.Errorf("it was not put back\n%s\n%s", diff, b.log())
			}
			if strings.Count(b.log(), "Plan: update connection") > 1 {
				t.Errorf("the plan is told twice\n%s", b.log())
			}
			if !strings.Contains(b.log(), "update ") || !strings.Contains(outcome.Message, "pdated the ") {
				t.Errorf("it was not told: %s\n%s", outcome.Message, b.log())
			}
			b.unchanged(orders())
		})
	}
}

// unchanged fails if provisioning again writes or discovers anything.
func (b *bench) unchanged(work workload.Work) {
	b.t.Helper()
	b.restart()
	b.provision(work)
	if len(b.writes()) > 0 || len(b.calls()) > 5 || slices.Contains(b.calls(), "sources/discover_schema") {
		b.t.Errorf("an unchanged component led to %v\n%s", b.calls(), b.log())
	}
}

func TestDeletedByHandIsMadeAgain(t *testing.T) {
	t.Parallel()
	deletes := map[string]func(t *testing.T, b *bench){
		"connection": func(t *testing.T, b *bench) {
			_, _, c := b.one()
			must(t, 0, b.r.Client.DeleteConnection(t.Context(), c.ID))
		},
		"source, with its connection": func(t *testing.T, b *bench) {
			s, _, _ := b.one()
			must(t, 0, b.r.Client.DeleteActor(t.Context(), airbyte.Source, s.ID))
		},
		"destination, with its connection": func(t *testing.T, b *bench) {
			_, d, _ := b.one()
			must(t, 0, b.r.Client.DeleteActor(t.Context(), airbyte.Destination, d.ID))
		},
		"everything": func(t *testing.T, b *bench) {
			s, d, _ := b.one()
			must(t, 0, b.r.Client.DeleteActor(t.Context(), airbyte.Source, s.ID))
			must(t, 0, b.r.Client.DeleteActor(t.Context(), airbyte.Destination, d.ID))
		},
	}
	for name, remove := range deletes {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			streams := streamsOf(b.live().connections[0])
			remove(t, b)
			b.provision(orders())
			_, _, c := b.one()
			if diff := cmp.Diff(streams, streamsOf(c)); diff != "" {
				t.Error(diff)
			}
			b.unchanged(orders())
		})
	}
}

func TestChangesKeepIdsAndState(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		reason string
		change func(b *bench, w *workload.Work)
		writes []string
	}{
		{"host", "a configuration is updated in place", func(_ *bench, w *workload.Work) { w.Source.Configuration["host"] = "new.example" }, []string{"sources/update"}},
		{"source secret", "it is noticed although Airbyte masks it", func(b *bench, _ *workload.Work) { b.secrets.set("SOURCE", "rotated") }, []string{"sources/update"}},
		{"destination secret", "it is noticed although Airbyte masks it", func(b *bench, _ *workload.Work) { b.secrets.set("WAREHOUSE", "rotated") }, []string{"destinations/update"}},
		{"source name", "renamed, not doubled", func(_ *bench, w *workload.Work) { w.Source.Name = "Renamed" }, []string{"sources/update"}},
		{"destination name", "renamed, not doubled", func(_ *bench, w *workload.Work) { w.Destination.Name = "Renamed" }, []string{"destinations/update"}},
		{"connection name", "renamed, not doubled", func(_ *bench, w *workload.Work) { w.Connection.Name = "Renamed" }, []string{"connections/update"}},
		{"all names", "renamed, not doubled", func(_ *bench, w *workload.Work) {
			w.Source.Name, w.Destination.Name, w.Connection.Name = "A", "B", "C"
		}, []string{"connections/update", "destinations/update", "sources/update"}},
		{"schedule", "a patch of the connection", func(_ *bench, w *workload.Work) {
			w.Connection.Schedule = &workload.Schedule{Type: "cron", CronExpression: "0 0 3 * * ?", CronTimeZone: "UTC"}
		}, []string{"connections/update"}},
		{"prefix", "a patch of the connection", func(_ *bench, w *workload.Work) { w.Connection.Prefix = "raw_" }, []string{"connections/update"}},
		{"namespace", "a patch of the connection", func(_ *bench, w *workload.Work) {
			w.Connection.NamespaceDefinition, w.Connection.NamespaceFormat = "customformat", "lake_${SOURCE_NAMESPACE}"
		}, []string{"connections/update"}},
		{"status", "a patch of the connection", func(_ *bench, w *workload.Work) { w.Connection.Status = "inactive" }, []string{"connections/update"}},
		{"non-breaking changes", "a patch of the connection", func(_ *bench, w *workload.Work) { w.Connection.NonBreakingChanges = "propagate_columns" }, []string{"connections/update"}},
		{"fewer streams", "the catalog is replaced, the others' state stays", func(_ *bench, w *workload.Work) {
			w.Connection.Streams = []workload.Stream{{Name: "audit_log", Exclude: true}}
		}, []string{"connections/update"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			source, destination, connection := b.one()
			b.synced(connection.ID)
			work := orders()
			tt.change(b, &work)
			b.provision(work)
			if diff := cmp.Diff(tt.writes, b.writes()); diff != "" {
				t.Errorf("%s\n%s\n%s", tt.reason, diff, b.log())
			}
			s, d, c := b.one()
			if diff := cmp.Diff([]string{source.ID, destination.ID, connection.ID}, []string{s.ID, d.ID, c.ID}); diff != "" {
				t.Errorf("ids were not kept\n%s", diff)
			}
			if c.State["public.orders"].Syncs != 1 {
				t.Errorf("the sync state was lost: %v", c.State)
			}
			b.unchanged(work)
			b.provision(orders()) // and back
			b.unchanged(orders())
		})
	}
}

// synced lets a sync of a connection run to its end.
func (b *bench) synced(connection string) {
	b.t.Helper()
	job := must1(b.r.Client.SyncConnection(b.t.Context(), connection))
	if err := b.sim.FinishJob(job.ID, "succeeded"); err != nil {
		b.t.Fatal(err)
	}
}

func TestReplaceWhatAirbyteCannotChange(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		change func(w *workload.Work)
		order  []string
	}{
		{"another destination connector", func(w *workload.Work) {
			w.Destination.DefinitionID, w.Destination.Configuration = localJSON, map[string]any{"destination_path": "/json_data"}
		}, []string{"destinations/create", "connections/create", "connections/delete", "destinations/delete"}},
		{"another source connector", func(w *workload.Work) {
			w.Source.DefinitionID, w.Source.Configuration = fakerID, map[string]any{"count": 10}
		}, []string{"sources/create", "connections/create", "connections/delete", "sources/delete"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			_, _, before := b.one()
			work := orders()
			tt.change(&work)
			outcome := b.provision(work)
			var order []string
			for _, call := range b.sim.Calls("*", 0) {
				if slices.Contains(b.writes(), call.Operation) {
					order = append(order, call.Operation)
				}
			}
			if diff := cmp.Diff(tt.order, order); diff != "" {
				t.Errorf("new first, then the old removed\n%s", diff)
			}
			if _, _, c := b.one(); c.ID == before.ID {
				t.Error("the connection was not replaced")
			}
			if !strings.Contains(b.log(), "copies everything again") {
				t.Errorf("the log must say that everything is copied again: %s\n%s", outcome.Message, b.log())
			}
			b.unchanged(work)
		})
	}
}
