package reconcile

import (
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// What earlier versions have remembered must be recognised, or each component
// would get a needless update after an upgrade.
func TestFingerprintsOfEarlierVersionsAreRecognised(t *testing.T) {
	t.Parallel()
	named := orders()
	named.Source.Connector, named.Destination.Connector = "source-postgres", "destination-postgres"
	named.Source.Configuration["port"], named.Source.Configuration["jdbc_url_params"] = "5432", "a=<${secret:SOURCE}>&b=\u00e9"
	for _, test := range []struct {
		reason              string
		session             *session
		source, destination Prints
	}{
		{
			reason: "derived values and the platform's settings", session: exampleSession(t),
			source:      Prints{Wanted: "07f87c4f1df95732673706f75b2c4097", Read: "cd2b74b0e3454f85e8075c5d82822cdd"},
			destination: Prints{Wanted: "29b15c4a673da5d5dfd4cdac95847e3d", Read: "074535f4e2952d06ffb472637e871aba", Secrets: "a2a45760f06aa0ca534183e98eab832f"},
		},
		{
			reason: "secrets, defaults, numbers and marks that JSON escapes", session: sessionOf(t, named),
			source:      Prints{Wanted: "c31d57bfb57d4715a08c94daf3a6bc7a", Read: "ef7d9d7c2da764f454f58fac94736d9b", Secrets: "0ed1103de22e2ce73a03c858220fb413"},
			destination: Prints{Wanted: "9670a5e7eee6becd79233bbeda6f8a17", Read: "53a5ce4829372b79aa82afde63737411", Secrets: "d51ed516ac627e849aec8e46cad3bfc4"},
		},
	} {
		for kind, want := range map[airbyte.ActorKind]Prints{airbyte.Source: test.source, airbyte.Destination: test.destination} {
			w, err := test.session.wantActor(t.Context(), kind)
			if err == nil {
				err = test.session.complete(t.Context(), &w)
			}
			if err != nil {
				t.Fatal(err)
			}
			w.marks.Read = test.session.readPrint(kind, w.configuration)
			if diff := cmp.Diff(want, w.marks); diff != "" {
				t.Errorf("%s, %s: %s", test.reason, kind, diff)
			}
		}
	}
}

func TestFingerprintsOfConnectionsOfEarlierVersionsAreRecognised(t *testing.T) {
	t.Parallel()
	connection := workload.Connection{
		Name: "a <-> b", Prefix: "raw_", Schedule: &workload.Schedule{Type: "basic", Units: 2, TimeUnit: "hours"},
		Streams: []workload.Stream{{Name: "orders", Namespace: "public", SyncMode: "incremental", CursorField: []string{"id"}}},
	}
	s := wantedShape(connection)
	s.Streams = []streamShape{{Key: airbyte.StreamKey{Name: "orders"}, SyncMode: incremental, Cursor: []string{"id"}}}
	for purpose, test := range map[string]struct {
		value any
		want  string
	}{
		"wishes":   {connection.Streams, "8b7a332faf872643efb5c8cc01f165ff"},
		"read":     {s, "bfba3ab02598cab30338f874c8b8121c"},
		"streams":  {s.Streams, "035a9fd568e6b92286bc389facfa3204"},
		"wanted":   {[]any{s, "abc"}, "5f003d5a67044e2df718093fc9bea334"},
		"entities": {workload.Entities{WorkspaceID: "w", SourceID: "s"}, "40350c23f0abdcf46fac6d27e6b0de23"},
		"values":   {map[string]any{"b": []any{1, 2.50, true, nil}, "a": map[string]any{"\u2028": "\x01\xff\"\\/"}}, "574aec7e2928ebd0ec075aa7afe14dd1"},
	} {
		if got := sceneKey.of(purpose, test.value); got != test.want {
			t.Errorf("%s: the fingerprint is %s, was %s", purpose, got, test.want)
		}
	}
}
