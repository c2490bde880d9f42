package reconcile

import (
	"encoding/json"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

var schema = json.RawMessage(`{"properties":{"id":{},"name":{},"updated_at":{},"_cursor":{}}}`)

// stream makes a discovered stream; each option says what the source knows of it.
func stream(name string, options ...func(*airbyte.ConfiguredStream)) airbyte.ConfiguredStream {
	namespace, plain, ok := strings.Cut(name, ".")
	if !ok {
		namespace, plain = "", name
	}
	c := airbyte.ConfiguredStream{Stream: airbyte.Stream{Name: plain, JSONSchema: airbyte.Schema(schema), SupportedSyncModes: []string{fullRefresh, incremental}}}
	if namespace != "" {
		c.Stream.Namespace = &namespace
	}
	for _, option := range options {
		option(&c)
	}
	return c
}

func ownCursor(c *airbyte.ConfiguredStream) {
	c.Stream.SourceDefinedCursor, c.Stream.DefaultCursorField = ptr(true), []string{"_cursor"}
}
func ownKey(c *airbyte.ConfiguredStream) { c.Stream.SourceDefinedPrimaryKey = [][]string{{"id"}} }
func suggestedCursor(c *airbyte.ConfiguredStream) {
	c.Stream.DefaultCursorField = []string{"updated_at"}
}

func onlyRefresh(c *airbyte.ConfiguredStream) { c.Stream.SupportedSyncModes = []string{fullRefresh} }

func onlyIncremental(c *airbyte.ConfiguredStream) {
	c.Stream.SupportedSyncModes = []string{incremental}
}
func noModes(c *airbyte.ConfiguredStream) { c.Stream.SupportedSyncModes = nil }

// written renders a stream: name, modes, cursor, key, fields.
func written(streams []airbyte.ConfiguredStream) []string {
	var all []string
	for _, c := range streams {
		text := c.Stream.Key().String() + " " + c.Config.SyncMode + "/" + c.Config.DestinationSyncMode
		if len(c.Config.CursorField) > 0 {
			text += " cursor=" + fieldPath(c.Config.CursorField)
		}
		if len(c.Config.PrimaryKey) > 0 {
			text += " key=" + fieldPaths(c.Config.PrimaryKey)
		}
		if *c.Config.FieldSelectionEnabled {
			var fields []string
			for _, f := range c.Config.SelectedFields {
				fields = append(fields, fieldPath(f.FieldPath))
			}
			text += " fields=" + strings.Join(fields, ",")
		}
		all = append(all, text)
	}
	return all
}

func TestChooseStreams(t *testing.T) {
	t.Parallel()
	every := []string{appendMode, overwrite, appendDedup, overwriteDedup}
	for _, tt := range []struct {
		name   string
		reason string
		from   selection
		want   []string
	}{
		{"cursor and key of its own", "the source defines both: only changes are read, duplicates removed", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownCursor, ownKey)}, modes: every}, []string{"a incremental/append_dedup cursor=_cursor key=id"}},
		{"key alone", "without a cursor everything is read again", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownKey)}, modes: every}, []string{"a full_refresh/overwrite key=id"}},
		{"cursor alone", "without a key incremental would only add", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownCursor)}, modes: every}, []string{"a full_refresh/overwrite cursor=_cursor"}},
		{"suggested cursor", "a suggestion is no definition", selection{discovered: []airbyte.ConfiguredStream{stream("a", suggestedCursor, ownKey)}, modes: every}, []string{"a full_refresh/overwrite cursor=updated_at key=id"}},
		{"full refresh alone", "the source supports no other", selection{discovered: []airbyte.ConfiguredStream{stream("a", onlyRefresh, ownKey)}, modes: every}, []string{"a full_refresh/overwrite key=id"}},
		{"no modes told", "a source that tells none is read whole", selection{discovered: []airbyte.ConfiguredStream{stream("a", noModes)}, modes: every}, []string{"a full_refresh/overwrite"}},
		{"incremental alone", "there is no other way, so a suggested cursor must do", selection{discovered: []airbyte.ConfiguredStream{stream("a", onlyIncremental, suggestedCursor)}, modes: every}, []string{"a incremental/append cursor=updated_at"}},
		{"destination only appends", "overwrite is not on offer", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownCursor, ownKey)}, modes: []string{appendMode}}, []string{"a incremental/append cursor=_cursor key=id"}},
		{"destination only overwrites", "dedup is not on offer", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownCursor, ownKey)}, modes: []string{overwrite}}, []string{"a full_refresh/overwrite cursor=_cursor key=id"}},
		{"destination overwrites with a key", "better than appending", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownKey)}, modes: []string{appendMode, overwriteDedup}}, []string{"a full_refresh/overwrite_dedup key=id"}},
		{"destination tells no modes", "what is not known forbids nothing", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownCursor, ownKey)}}, []string{"a incremental/append_dedup cursor=_cursor key=id"}},
		{"chosen", "only those named", selection{discovered: []airbyte.ConfiguredStream{stream("a"), stream("b")}, modes: every, wishes: []workload.Stream{{Name: "b"}}}, []string{"b full_refresh/overwrite"}},
		{"excluded", "all the others", selection{discovered: []airbyte.ConfiguredStream{stream("a"), stream("b")}, modes: every, wishes: []workload.Stream{{Name: "b", Exclude: true}}}, []string{"a full_refresh/overwrite"}},
		{"chosen and excluded", "the exclusion wins", selection{discovered: []airbyte.ConfiguredStream{stream("a"), stream("b")}, modes: every, wishes: []workload.Stream{{Name: "a"}, {Name: "b"}, {Name: "b", Exclude: true}}}, []string{"a full_refresh/overwrite"}},
		{"namespace left out", "the name is in one namespace only", selection{discovered: []airbyte.ConfiguredStream{stream("x.a"), stream("y.b")}, modes: every, wishes: []workload.Stream{{Name: "b"}}}, []string{"y.b full_refresh/overwrite"}},
		{"namespace given", "it tells two equal names apart", selection{discovered: []airbyte.ConfiguredStream{stream("x.a"), stream("y.a")}, modes: every, wishes: []workload.Stream{{Name: "a", Namespace: "y"}}}, []string{"y.a full_refresh/overwrite"}},
		{"modes wished for", "they are taken as they are", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownKey)}, modes: every, wishes: []workload.Stream{{Name: "a", SyncMode: fullRefresh, DestinationSyncMode: appendMode}}}, []string{"a full_refresh/append key=id"}},
		{"incremental wished for", "the best that fits: there is a cursor and a key", selection{discovered: []airbyte.ConfiguredStream{stream("a", suggestedCursor, ownKey)}, modes: every, wishes: []workload.Stream{{Name: "a", SyncMode: incremental}}}, []string{"a incremental/append_dedup cursor=updated_at key=id"}},
		{"append wished for", "the best that fits", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownCursor)}, modes: every, wishes: []workload.Stream{{Name: "a", DestinationSyncMode: appendMode}}}, []string{"a incremental/append cursor=_cursor"}},
		{"cursor and key given", "with them incremental is best", selection{discovered: []airbyte.ConfiguredStream{stream("a")}, modes: every, wishes: []workload.Stream{{Name: "a", CursorField: []string{"updated_at"}, PrimaryKey: [][]string{{"id"}}}}}, []string{"a incremental/append_dedup cursor=updated_at key=id"}},
		{"the source's own cursor and key repeated", "the same is fine", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownCursor, ownKey)}, modes: every, wishes: []workload.Stream{{Name: "a", CursorField: []string{"_cursor"}, PrimaryKey: [][]string{{"id"}}}}}, []string{"a incremental/append_dedup cursor=_cursor key=id"}},
		{"fields", "they are cut, each once", selection{discovered: []airbyte.ConfiguredStream{stream("a", ownKey)}, modes: every, wishes: []workload.Stream{{Name: "a", SelectedFields: []string{"id", "name", "id"}}}}, []string{"a full_refresh/overwrite key=id fields=id,name"}},
		{"restricted to those of the last discovery", "a new one is not wanted until the source is asked anew", selection{discovered: []airbyte.ConfiguredStream{stream("a"), stream("new")}, modes: every, only: []airbyte.StreamKey{{Name: "a"}}}, []string{"a full_refresh/overwrite"}},
		{"data activation", "a mode that pairs do not know", selection{discovered: []airbyte.ConfiguredStream{stream("a", onlyRefresh)}, modes: []string{"update", "soft_delete"}, wishes: []workload.Stream{{Name: "a", DestinationSyncMode: "update"}}}, []string{"a full_refresh/update"}},
		{"same names, own namespaces", "each is written to its own", selection{discovered: []airbyte.ConfiguredStream{stream("x.a"), stream("y.a")}, modes: every}, []string{"x.a full_refresh/overwrite", "y.a full_refresh/overwrite"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			streams, problems := tt.from.choose()
			if len(problems) > 0 {
				t.Fatalf("%s: %v", tt.reason, problems)
			}
			if diff := cmp.Diff(tt.want, written(streams)); diff != "" {
				t.Errorf("%s\n%s", tt.reason, diff)
			}
		})
	}
}

func TestWrongStreams(t *testing.T) {
	t.Parallel()
	every := []string{appendMode, overwrite, appendDedup}
	shop := []airbyte.ConfiguredStream{stream("public.orders", ownKey), stream("public.customers"), stream("public.audit", ownCursor)}
	wish := func(w ...workload.Stream) selection { return selection{discovered: shop, modes: every, wishes: w} }
	for _, tt := range []struct {
		name   string
		reason string
		from   selection
		path   string
		says   []string
	}{
		{"unknown", "the nearest names are told", wish(workload.Stream{Name: "order"}), "streams[0].name", []string{"no stream order;", "did you mean public.orders?"}},
		{"unknown exclusion", "a misspelt exclusion must not sync what was to be left out", wish(workload.Stream{Name: "custmers", Exclude: true}), "streams[0].name", []string{"did you mean public.customers?"}},
		{"unknown namespace", "the name alone is not enough", wish(workload.Stream{Name: "orders", Namespace: "pub"}), "streams[0].name", []string{"pub.orders", "public.orders"}},
		{"more than one namespace", "which one is meant cannot be guessed", selection{discovered: []airbyte.ConfiguredStream{stream("x.a"), stream("y.a")}, modes: every, wishes: []workload.Stream{{Name: "a"}}}, "streams[0].name", []string{"x, y"}},
		{"twice", "one stream has one configuration", wish(workload.Stream{Name: "orders"}, workload.Stream{Name: "orders", Namespace: "public"}), "streams[1]", []string{"more than once"}},
		{"everything excluded", "a connection needs a stream", wish(workload.Stream{Name: "orders", Exclude: true}, workload.Stream{Name: "customers", Exclude: true}, workload.Stream{Name: "audit", Exclude: true}), "streams", []string{"excluded"}},
		{"an empty source", "there is nothing to copy", selection{modes: every}, "streams", []string{"no streams at all"}},
		{"none of those of the last discovery is left", "nothing is excluded: the source must be asked anew", selection{discovered: shop, modes: every, only: []airbyte.StreamKey{{Name: "gone"}}}, "streams", []string{"none of the streams", "rediscover"}},
		{"all that is left of the last discovery is excluded", "that is the descriptor's wish", selection{discovered: shop, modes: every, only: []airbyte.StreamKey{{Namespace: "public", Name: "orders"}}, wishes: []workload.Stream{{Name: "orders", Exclude: true}}}, "streams", []string{"excluded"}},
		{"source mode", "the source does not support it", selection{discovered: []airbyte.ConfiguredStream{stream("a", onlyRefresh)}, modes: every, wishes: []workload.Stream{{Name: "a", SyncMode: incremental}}}, "streams[0].syncMode", []string{"does not support incremental", "full_refresh"}},
		{"unknown mode", "nobody supports it", wish(workload.Stream{Name: "orders", SyncMode: "sometimes"}), "streams[0].syncMode", []string{"sometimes"}},
		{"destination mode", "the destination does not support it", wish(workload.Stream{Name: "orders", DestinationSyncMode: overwriteDedup}), "streams[0].destinationSyncMode", []string{"append, overwrite, append_dedup"}},
		{"no usable pair", "incremental cannot overwrite", selection{discovered: []airbyte.ConfiguredStream{stream("a", onlyIncremental, suggestedCursor)}, modes: []string{overwrite}}, "streams", []string{"no usable pair"}},
		{"no cursor", "incremental needs one", wish(workload.Stream{Name: "customers", SyncMode: incremental}), "streams[0].cursorField", []string{"needs a cursorField", "updated_at"}},
		{"no key", "removing duplicates needs one", wish(workload.Stream{Name: "customers", SyncMode: incremental, CursorField: []string{"updated_at"}, DestinationSyncMode: appendDedup}), "streams[0].primaryKey", []string{"needs a primaryKey"}},
		{"another cursor", "the source's own cannot be replaced", wish(workload.Stream{Name: "audit", SyncMode: incremental, DestinationSyncMode: appendMode, CursorField: []string{"updated_at"}}), "streams[0].cursorField", []string{"_cursor", "leave cursorField out"}},
		{"another key", "the source's own cannot be replaced", wish(workload.Stream{Name: "orders", PrimaryKey: [][]string{{"name"}}}), "streams[0].primaryKey", []string{"(id)", "leave primaryKey out"}},
		{"unknown cursor field", "the nearest fields are told", wish(workload.Stream{Name: "customers", SyncMode: incremental, CursorField: []string{"update_at"}}), "streams[0].cursorField", []string{"updated_at"}},
		{"unknown key field", "the nearest fields are told", wish(workload.Stream{Name: "customers", PrimaryKey: [][]string{{"ide"}}}), "streams[0].primaryKey", []string{"no field ide"}},
		{"unknown selected field", "the nearest fields are told", wish(workload.Stream{Name: "customers", SelectedFields: []string{"nam"}}), "streams[0].selectedFields", []string{"did you mean name?"}},
		{"selection without the key", "dedup needs it", wish(workload.Stream{Name: "orders", SyncMode: incremental, CursorField: []string{"updated_at"}, DestinationSyncMode: appendDedup, SelectedFields: []string{"updated_at"}}), "streams[0].selectedFields", []string{"primary key id"}},
		{"selection without the cursor", "incremental needs it", wish(workload.Stream{Name: "orders", SyncMode: incremental, CursorField: []string{"updated_at"}, DestinationSyncMode: appendMode, SelectedFields: []string{"id"}}), "streams[0].selectedFields", []string{"cursor updated_at"}},
		{"one table for two", "one would overwrite the other", selection{discovered: []airbyte.ConfiguredStream{stream("x.a"), stream("y.a")}, modes: every, namespace: namespacing{definition: "destination"}}, "streams", []string{"x.a and y.a", "table a"}},
		{"one table by a format", "the format leaves the source's namespace out", selection{discovered: []airbyte.ConfiguredStream{stream("x.a"), stream("y.a")}, modes: every, namespace: namespacing{definition: customFormat, format: "lake", prefix: "raw_"}}, "streams", []string{"lake.raw_a"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			_, problems := tt.from.choose()
			if len(problems) != 1 || problems[0].Path != "specific.connection."+tt.path {
				t.Fatalf("%s: %v", tt.reason, problems)
			}
			for _, text := range tt.says {
				if !strings.Contains(problems[0].Message, text) {
					t.Errorf("it does not say %q: %s", text, problems[0])
				}
			}
		})
	}
}

func TestUnselectedStreamsWriteNoTable(t *testing.T) {
	t.Parallel()
	selected := func(c *airbyte.ConfiguredStream) { c.Config.Selected = true }
	one := namespacing{definition: "destination"}
	if problems := one.collisions([]airbyte.ConfiguredStream{stream("x.a", selected), stream("y.a")}); len(problems) != 0 {
		t.Errorf("%v", problems)
	}
	if problems := one.collisions([]airbyte.ConfiguredStream{stream("x.a", selected), stream("y.a", selected)}); len(problems) != 1 {
		t.Errorf("%v", problems)
	}
}

func TestEveryProblemAtOnce(t *testing.T) {
	t.Parallel()
	_, problems := selection{
		discovered: []airbyte.ConfiguredStream{stream("a"), stream("b")}, modes: []string{overwrite},
		wishes: []workload.Stream{{Name: "x"}, {Name: "a", DestinationSyncMode: appendMode}, {Name: "b", SelectedFields: []string{"nope", "neither"}}},
	}.choose()
	if len(problems) != 4 {
		t.Errorf("%v", problems)
	}
}

// The streams of the last discovery count until the source is asked anew. Of those that are gone is told, and
// where none is left, what to do.
func TestStreamsThatVanished(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	shop := func(names ...string) {
		catalog := &airbytesim.Catalog{}
		for _, name := range names {
			catalog.Streams = append(catalog.Streams, airbytesim.CatalogStream{Name: name})
		}
		b.sim.SetCatalog(postgresID, catalog)
	}
	shop("orders", "customers")
	b.provision(orders())
	lose := func() { // somebody looks at the schema in Airbyte, and deletes the connection
		source, _, c := b.one()
		must1(b.r.Client.DiscoverSource(t.Context(), source.ID, true))
		must(t, 0, b.r.Client.DeleteConnection(t.Context(), c.ID))
	}
	shop("customers", "invoices")
	lose()
	b.provision(orders())
	_, _, c := b.one()
	read := must1(b.r.Client.GetConnection(t.Context(), c.ID))
	if diff := cmp.Diff([]string{"customers full_refresh/overwrite"}, written(read.Catalog.Streams)); diff != "" || !strings.Contains(b.log(), "no longer has the stream orders") {
		t.Errorf("%s\n%s", diff, b.log())
	}
	shop("invoices", "bills")
	lose()
	failure := b.failure(second(b.try(orders())))
	if failure.Code != workload.CodeInvalid || !strings.Contains(failure.Text(), "rediscover") {
		t.Errorf("it does not say how to go on: %s", failure.Text())
	}
	again := orders()
	again.Connection.Rediscover = true
	b.provision(again)
	b.unchanged(orders())
}
