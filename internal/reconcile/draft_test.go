package reconcile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"
)

// derivedFiles make a description of each side's database, which must be a text.
func derivedFiles(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for name, kind := range map[string]string{"source-postgres": "source", "destination-postgres": "destination"} {
		text := "name: " + name + "\nkind: " + kind + "\nderived: {description: upper(config.database)}\n"
		if err := os.WriteFile(filepath.Join(dir, name+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// ofActor is the side of a work that a kind names.
func ofActor(w *workload.Work, kind airbyte.ActorKind) *workload.Actor {
	if kind == airbyte.Source {
		return &w.Source
	}
	return &w.Destination
}

// TestTheCataloguesFailuresHaveTheirPhase makes configurations fail in each way that
// the catalogue knows, in a draft and in what is made of it.
func TestTheCataloguesFailuresHaveTheirPhase(t *testing.T) {
	t.Parallel()
	both := []airbyte.ActorKind{airbyte.Source, airbyte.Destination}
	for name, test := range map[string]struct {
		kinds  []airbyte.ActorKind
		change func(b *bench, a *workload.Actor)
		code   workload.Code
		says   string
	}{
		"a secret that is missing": {both, func(_ *bench, a *workload.Actor) { a.Configuration["password"] = "${secret:NONE}" }, workload.CodeSecret, "NONE"},
		"a seal without a key":     {both, func(_ *bench, a *workload.Actor) { a.Configuration["password"] = "${sealed:AAAA}" }, workload.CodeSecret, "cannot be opened"},
		"a secret in clear":        {both, func(_ *bench, a *workload.Actor) { a.Configuration["password"] = "s3cret-clear" }, workload.CodeInvalid, "in clear text"},
		"a wrong type":             {both, func(_ *bench, a *workload.Actor) { a.Configuration["port"] = "many" }, workload.CodeInvalid, "port"},
		"nothing to derive from": {both, func(b *bench, a *workload.Actor) {
			b.r.Catalog = must1(catalog.Load(derivedFiles(b.t)))
			a.Connector = map[string]string{postgresID: "source-postgres", warehouse: "destination-postgres"}[a.DefinitionID]
			a.Configuration["database"] = map[string]any{"name": "orders"}
		}, workload.CodeInvalid, "description: cannot be derived"},
		"parameters that lead credentials astray": {[]airbyte.ActorKind{airbyte.Destination}, func(b *bench, a *workload.Actor) {
			b.secrets.set("PARAMS", "useProxy=true&proxyHost=s3cret-proxy")
			*a = workload.Actor{Name: "Warehouse", Connector: "destination-snowflake", Configuration: map[string]any{"jdbc_url_params": "${secret:PARAMS}"}}
		}, workload.CodeInvalid, "specific.destination.connectionConfiguration.jdbc_url_params: does not go with the platform's own credentials"},
	} {
		for _, kind := range test.kinds {
			t.Run(name+" of a "+string(kind), func(t *testing.T) {
				t.Parallel()
				b := newBench(t, airbytesim.Options{})
				work := orders()
				test.change(b, ofActor(&work, kind))
				_, provisioned := b.try(work)
				for way, err := range map[string]error{"provision": provisioned, "rehearsal": rehearsed(b, work, kind)} {
					failure := b.failure(err)
					if failure.Code != test.code || failure.Phase != phaseOf(kind) || !strings.Contains(failure.Text(), test.says) {
						t.Errorf("%s: %s in phase %q: %s", way, failure.Code, failure.Phase, failure.Text())
					}
					if text := failure.Text() + b.log(); strings.Contains(text, "s3cret") || strings.Contains(text, "hunter2") {
						t.Errorf("%s: it tells a secret: %s", way, text)
					}
				}
				if writes := b.writes(); len(writes) > 0 {
					t.Errorf("Airbyte was changed by %q", writes)
				}
			})
		}
	}
}

// rehearsed is what configuring one side comes to in a rehearsal.
func rehearsed(b *bench, work workload.Work, kind airbyte.ActorKind) error {
	r, err := b.r.Rehearse(b.t.Context(), work, b.attempt())
	if err != nil {
		b.t.Fatal(err)
	}
	return r.Configure(b.t.Context(), kind)
}
