package reconcile

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

func TestOutcome(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	outcome := b.provision(orders())
	s, d, c := b.one()
	ui := "https://airbyte.example/workspaces/" + workspace
	want := map[string]workload.PublicEntry{
		"connection":   {Type: "link", Label: "Airbyte connection", Value: "Orders to warehouse", Href: ui + "/connections/" + c.ID},
		"connectionId": {Type: "string", Label: "Airbyte connection id", Value: c.ID},
		"source":       {Type: "link", Label: "Airbyte source", Value: s.Name, Href: ui + "/source/" + s.ID},
		"destination":  {Type: "link", Label: "Airbyte destination", Value: d.Name, Href: ui + "/destination/" + d.ID},
		"discoveredAt": {Type: "date", Label: "Source schema last read", Value: "2026-03-04T05:06:07Z"},
	}
	if diff := cmp.Diff(want, outcome.Public); diff != "" {
		t.Error(diff)
	}
	for key, want := range map[string]string{"workspaceId": workspace, "sourceId": s.ID, "destinationId": d.ID, "connectionId": c.ID} {
		if outcome.Private[key] != want {
			t.Errorf("%s is %v", key, outcome.Private[key])
		}
	}
}

// Secrets may be in Airbyte, and nowhere else.
func TestSecretsStayInside(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	outcome := b.provision(orders())
	said := b.log()
	b.secrets.set("SOURCE", "s3cret-second")
	later := b.provision(orders())
	said += b.log()
	work := orders()
	work.Source.Configuration["host"] = "x.invalid"
	failure := b.failure(second(b.try(work)))
	raw := must1(json.Marshal([]any{outcome, later, failure, b.memory.values}))
	for _, value := range b.memory.values {
		raw = append(raw, value...)
	}
	if text := said + string(raw) + b.log() + failure.Text(); strings.Contains(text, "s3cret") {
		t.Errorf("a secret got out: %s", text)
	}
	if s, _, _ := b.one(); s.Configuration["password"] != "s3cret-second" {
		t.Errorf("the secret did not arrive: %v", s.Configuration["password"])
	}
}

func TestMasksAreNeverSent(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	for _, change := range []func(w *workload.Work){
		func(w *workload.Work) { w.Source.Name, w.Destination.Name = "A", "B" },
		func(w *workload.Work) { w.Source.Configuration["host"], w.Destination.Configuration["host"] = "a", "b" },
	} {
		work := orders()
		change(&work)
		b.provision(work)
		for _, call := range b.sim.Calls("update", 0) {
			if strings.Contains(call.Body, "****") {
				t.Errorf("%s sent a mask", call.Operation)
			}
		}
	}
	s, d, _ := b.one()
	if s.Configuration["password"] != "s3cret-source" || d.Configuration["password"] != "s3cret-warehouse" {
		t.Error("a secret was lost or overwritten")
	}
}

func TestNewStreamsOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	s, _, _ := b.one()
	b.sim.SetCatalog(s.ID, &airbytesim.Catalog{Streams: []airbytesim.CatalogStream{
		{Name: "orders", Namespace: "public"}, {Name: "customers", Namespace: "public"}, {Name: "audit_log", Namespace: "public"}, {Name: "new", Namespace: "public"},
	}})
	b.unchanged(orders())
	// What somebody took out is put back, and nothing else comes with it, though Airbyte itself has looked again.
	must1(b.r.Client.DiscoverSource(t.Context(), s.ID, true))
	_, _, c := b.one()
	read := must1(b.r.Client.GetConnection(t.Context(), c.ID))
	read.Catalog.Streams[0].Config.Selected = false
	must1(b.r.Client.UpdateConnection(t.Context(), airbyte.ConnectionUpdate{ID: c.ID, Catalog: &read.Catalog}))
	b.provision(orders())
	if _, _, c := b.one(); len(streamsOf(c)) != 3 {
		t.Errorf("%v", streamsOf(c))
	}
	work := orders()
	work.Connection.Rediscover = true
	b.provision(work)
	if _, _, c := b.one(); len(streamsOf(c)) != 4 {
		t.Errorf("%v", streamsOf(c))
	}
	b.unchanged(orders())
}

func TestMappersSetByHandStay(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	_, _, c := b.one()
	read := must1(b.r.Client.GetConnection(t.Context(), c.ID))
	for i := range read.Catalog.Streams {
		read.Catalog.Streams[i].Config.Mappers = []json.RawMessage{json.RawMessage(`{"type":"hashing","mapperConfiguration":{"targetField":"name","method":"SHA-256","fieldNameSuffix":"_hashed"}}`)}
	}
	must1(b.r.Client.UpdateConnection(t.Context(), airbyte.ConnectionUpdate{ID: c.ID, Catalog: &read.Catalog}))
	b.unchanged(orders())
	b.provision(ordersOnly("orders"))
	_, _, c = b.one()
	if mappers, _ := c.Streams[0].Config["mappers"].([]any); len(mappers) != 1 {
		t.Errorf("the mapper was lost: %v", c.Streams[0].Config)
	}
	b.unchanged(ordersOnly("orders"))
}

func TestMappersSetByHandMoveToTheReplacement(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name    string
		change  func(w *workload.Work)
		mappers int
		says    string
	}{
		{"another destination", func(w *workload.Work) {
			w.Destination.DefinitionID, w.Destination.Configuration = localJSON, map[string]any{"destination_path": "/json_data"}
		}, 1, ""},
		{"another source, whose streams they need not fit", func(w *workload.Work) {
			w.Source.DefinitionID, w.Source.Configuration = fakerID, map[string]any{"count": 10}
		}, 0, "set them again"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			_, _, c := b.one()
			read := must1(b.r.Client.GetConnection(t.Context(), c.ID))
			for i := range read.Catalog.Streams {
				read.Catalog.Streams[i].Config.Mappers = []json.RawMessage{json.RawMessage(`{"type":"hashing","mapperConfiguration":{"targetField":"name","method":"SHA-256","fieldNameSuffix":"_hashed"}}`)}
			}
			must1(b.r.Client.UpdateConnection(t.Context(), airbyte.ConnectionUpdate{ID: c.ID, Catalog: &read.Catalog}))
			work := orders()
			tt.change(&work)
			b.provision(work)
			_, _, c = b.one()
			if mappers, _ := c.Streams[0].Config["mappers"].([]any); len(mappers) != tt.mappers || !strings.Contains(b.log(), tt.says) {
				t.Errorf("%v\n%s", c.Streams[0].Config, b.log())
			}
			b.unchanged(work)
		})
	}
}

func TestSyncOnProvision(t *testing.T) {
	t.Parallel()
	work := orders()
	work.Connection.SyncOnProvision = true
	t.Run("once for each change", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.provision(work)
		if !slices.Contains(b.writes(), "connections/sync") || !strings.Contains(b.log(), "A sync was started") {
			t.Errorf("%v\n%s", b.writes(), b.log())
		}
		b.unchanged(work)
		changed := work
		changed.Connection.Prefix = "raw_"
		b.provision(changed) // while the first one runs
		if !strings.Contains(b.log(), "running already") {
			t.Errorf("%v\n%s", b.writes(), b.log())
		}
		b.unchanged(changed)
	})
	t.Run("not lost with a crash", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		b.fault(airbytesim.Fault{Operation: "connections/create", Do: airbytesim.DoDrop, Acts: true})
		_ = b.failure(second(b.try(work)))
		b.provision(work)
		if !slices.Contains(b.writes(), "connections/sync") {
			t.Errorf("%v", b.writes())
		}
	})
	t.Run("not on a connection that is paused", func(t *testing.T) {
		t.Parallel()
		b := newBench(t, airbytesim.Options{})
		paused := work
		paused.Connection.Status = "inactive"
		b.provision(paused)
		if slices.Contains(b.writes(), "connections/sync") || !strings.Contains(b.log(), "not active") {
			t.Errorf("%v\n%s", b.writes(), b.log())
		}
		b.unchanged(paused)
	})
}

func TestLockedConnectionIsTriedAgain(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	_, _, c := b.one()
	must(t, 0, b.sim.SetStatus(c.ID, "locked"))
	b.provision(orders()) // nothing to change: the lock is the platform's
	work := orders()
	work.Connection.Prefix = "raw_"
	if failure := b.failure(second(b.try(work))); !failure.Retry || failure.Code != workload.CodeConflict {
		t.Error(failure.Text())
	}
	must(t, 0, b.sim.SetStatus(c.ID, "active"))
	b.provision(work)
}

func TestPreviewChangesNothing(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	preview := func(work workload.Work) Plan {
		t.Helper()
		b.sim.ClearCalls()
		remembered := string(b.memory.values[work.Component.Digest()])
		plan, err := b.r.Preview(t.Context(), work, b.attempt())
		if err != nil {
			t.Fatal(err)
		}
		if len(b.writes()) > 0 || remembered != string(b.memory.values[work.Component.Digest()]) {
			t.Errorf("a preview changed something: %v", b.writes())
		}
		return plan
	}
	want := []string{"create source", "run discovery", "create destination", "create connection"}
	if diff := cmp.Diff(want, lines(preview(orders()))); diff != "" {
		t.Error(diff)
	}
	b.provision(orders())
	if plan := preview(orders()); !plan.Empty() {
		t.Errorf("%s", plan)
	}
	b.secrets.set("SOURCE", "s3cret-new")
	if plan := preview(orders()); plan.Empty() || strings.Contains(plan.String(), "s3cret") {
		t.Errorf("%s", plan)
	}
	b.r.Workspaces = map[string]string{"development": otherPlace}
	if diff := cmp.Diff(want, lines(preview(orders()))); diff != "" {
		t.Error(diff)
	}
}

func TestOldServer(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{Behavior: airbytesim.Behavior{OldErrors: true, IgnorePaging: true}})
	b.provision(orders())
	b.unchanged(orders())
	// It knows no clear, only its predecessor.
	b.fault(airbytesim.Fault{Operation: "connections/clear", Do: airbytesim.DoAnswer, Status: 404, Body: `{"message":"Page Not Found"}`})
	b.unprovision(withData())
	if !slices.Contains(b.writes(), "connections/reset") {
		t.Errorf("%v", b.writes())
	}
	b.none()
}

func TestTablesMayNotCollideWhenTheNamespaceChanges(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	work := orders()
	work.Source.Configuration["schemas"] = []any{"public", "archive"}
	b.provision(work)
	collide := work
	collide.Connection.NamespaceDefinition = "destination"
	failure := b.failure(second(b.try(collide)))
	if failure.Code != workload.CodeInvalid || len(failure.Problems) != 3 || len(b.writes()) > 0 {
		t.Errorf("%s %v", failure.Text(), b.writes())
	}
	b.unchanged(work)
}
