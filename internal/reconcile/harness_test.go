package reconcile

import (
	"context"
	"fmt"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"
)

const (
	postgresID = "decd338e-5647-4c0b-adf4-da0e75f5a750"
	fakerID    = "dfd88b22-b603-4c3d-aad7-3701784586b1"
	warehouse  = "25c5221d-dce2-4163-ade9-739ef790f503" // destination-postgres
	localJSON  = "a625d593-bba5-4a1c-a53d-2d246268a816"
	workspace  = airbytesim.DefaultWorkspace
	otherPlace = "0c5d4f1e-6a0c-4c5e-9a53-3b1ff5a1c001"
)

// memory keeps what is remembered in the test.
type memory struct {
	mu     sync.Mutex
	values map[string][]byte
	writes int
	fails  func(n int) error // asked before each write, with its number
	dies   bool              // the process, before it can keep the end of an attempt that fails
	ending func() error      // keeps the end of the attempt where it is not known yet how that ends
	lost   error             // why the end of an attempt was not kept
}

func (m *memory) Recall(_ context.Context, c workload.Component) ([]byte, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.values[c.Digest()], nil
}

func (m *memory) Remember(_ context.Context, c workload.Component, value []byte) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.writes++
	if m.fails != nil {
		if err := m.fails(m.writes); err != nil {
			return err
		}
	}
	if len(value) == 0 {
		delete(m.values, c.Digest())
	} else {
		m.values[c.Digest()] = slices.Clone(value)
	}
	return nil
}

// Note is called where the attempt ends, so what it is given is kept at once.
func (m *memory) Note(ctx context.Context, c workload.Component, value []byte) {
	m.ending = nil
	if m.dies {
		m.ending = func() error { return m.Remember(ctx, c, value) }
		return
	}
	if err := m.Remember(ctx, c, value); err != nil {
		m.mu.Lock()
		defer m.mu.Unlock()
		m.lost = err
	}
}

// kept is what came of an attempt whose end may not have been kept.
func (m *memory) kept(outcome workload.Outcome, err error) (workload.Outcome, error) {
	if m.ending != nil && err == nil {
		err = m.ending()
	}
	m.ending = nil
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.lost != nil {
		outcome, err, m.lost = workload.Outcome{}, m.lost, nil
	}
	return outcome, err
}

// vault holds the secrets of a test.
type vault struct {
	mu      sync.Mutex
	secrets map[string]string
	read    map[string]int // how often
}

func (v *vault) count(name string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.read[name]
}

func (v *vault) set(name, value string) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.secrets[name] = value
}

// Resolve is catalog.Secrets'.
func (v *vault) Resolve(_ context.Context, name string, _ catalog.SecretUser) (string, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.read == nil {
		v.read = map[string]int{}
	}
	v.read[name]++
	secret, ok := v.secrets[name]
	if !ok {
		return "", &workload.Failure{Code: workload.CodeSecret, Message: "There is no secret " + name + "."}
	}
	return secret, nil
}

// connectors is the product's catalogue, with settings of the platform.
var connectors = sync.OnceValue(func() *catalog.Catalog {
	return must1(catalog.Load("", catalog.WithSettings(map[string]string{
		"SNOWFLAKE_HOST": "acme.snowflakecomputing.com", "SNOWFLAKE_USER": "LOADER", "SNOWFLAKE_ROLE": "LOADERS",
		"SNOWFLAKE_WAREHOUSE": "LOADING", "SNOWFLAKE_PASSWORD": "hunter2",
	})))
})

// final is the configuration that Airbyte is to get of an actor.
func (b *bench) final(kind airbyte.ActorKind, actor workload.Actor) map[string]any {
	b.t.Helper()
	draft, failure := connectors().Draft(b.t.Context(), catalog.Input{Role: catalog.Role(kind), Actor: actor, Secrets: b.secrets})
	if failure != nil {
		b.t.Fatal(failure.Text())
	}
	return draft.Configuration
}

// bench is a simulator with a reconciler in front of it.
type bench struct {
	t       *testing.T
	sim     *airbytesim.Sim
	r       *Reconciler
	memory  *memory
	secrets *vault
	mu      sync.Mutex
	lines   []string
	holds   func() error
	number  int // of the attempt; each first one begins another operation
	tokens  int
	// only is the digest that one and live look at; empty means all.
	only string
}

func newBench(t testing.TB, options airbytesim.Options, change ...func(*Options)) *bench {
	t.Helper()
	options.WorkspaceIDs = append([]string{workspace, otherPlace}, options.WorkspaceIDs...)
	sim, err := airbytesim.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.API())
	t.Cleanup(func() { sim.Close(); server.Close() })
	return benchOf(t, sim, airbyte.Options{BaseURL: server.URL}, change...)
}

// benchOf is a bench for a simulator that answers somewhere.
func benchOf(t testing.TB, sim *airbytesim.Sim, where airbyte.Options, change ...func(*Options)) *bench {
	t.Helper()
	client, err := airbyte.New(where)
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{
		sim: sim, memory: &memory{values: map[string][]byte{}},
		secrets: &vault{secrets: map[string]string{"SOURCE": "s3cret-source", "WAREHOUSE": "s3cret-warehouse", "ROTATED": "s3cret-rotated"}},
	}
	b.t, _ = t.(*testing.T)
	reconcilerOptions := Options{
		Client: client, Catalog: connectors(), Secrets: b.secrets, Memory: b.memory, Workspace: workspace, UIURL: "https://airbyte.example/",
		FingerprintKey: []byte("a key"), PollInterval: time.Millisecond,
		Now: func() time.Time { return time.Date(2026, 3, 4, 5, 6, 7, 8, time.UTC) },
	}
	for _, c := range change {
		c(&reconcilerOptions)
	}
	if b.r, err = New(reconcilerOptions); err != nil {
		t.Fatal(err)
	}
	return b
}

// restart is what a new process would be: caches are gone, what is remembered stays.
func (b *bench) restart() {
	r, err := New(b.r.Options)
	if err != nil {
		b.t.Fatal(err)
	}
	b.r = r
}

func (b *bench) attempt() workload.Attempt {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.number <= 1 {
		b.tokens++
	}
	return workload.Attempt{Token: fmt.Sprint("token ", b.tokens), Number: max(1, b.number), Holds: b.holds, Log: func(level workload.Level, phase workload.Phase, message string) {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.lines = append(b.lines, fmt.Sprintf("%s %s: %s", level, phase, message))
	}}
}

func (b *bench) log() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return strings.Join(b.lines, "\n")
}

// try provisions and returns what came of it; the call log begins anew.
func (b *bench) try(work workload.Work) (workload.Outcome, error) {
	b.mu.Lock()
	b.lines = nil
	b.mu.Unlock()
	b.sim.ClearCalls()
	return b.memory.kept(b.r.Provision().Perform(context.Background(), work, b.attempt()))
}

func (b *bench) provision(work workload.Work) workload.Outcome {
	b.t.Helper()
	outcome, err := b.try(work)
	if err != nil {
		b.t.Fatalf("provision: %v\n%s", err, b.log())
	}
	return outcome
}

func (b *bench) tryUnprovision(work workload.Work) (workload.Outcome, error) {
	b.mu.Lock()
	b.lines = nil
	b.mu.Unlock()
	b.sim.ClearCalls()
	return b.memory.kept(b.r.Unprovision().Perform(context.Background(), work, b.attempt()))
}

func (b *bench) unprovision(work workload.Work) workload.Outcome {
	b.t.Helper()
	outcome, err := b.tryUnprovision(work)
	if err != nil {
		b.t.Fatalf("unprovision: %v\n%s", err, b.log())
	}
	return outcome
}

// failure is the Failure that an operation must end in.
func (b *bench) failure(err error) *workload.Failure {
	b.t.Helper()
	if err == nil {
		b.t.Fatalf("it succeeded, and should have failed\n%s", b.log())
	}
	return workload.AsFailure(err)
}

// calls are the operations called since the last provision or unprovision began, sorted.
func (b *bench) calls() []string {
	var all []string
	for _, c := range b.sim.Calls("*", 0) {
		all = append(all, c.Operation)
	}
	slices.Sort(all)
	return all
}

// writes are the calls among them that change something.
func (b *bench) writes() []string {
	return slices.DeleteFunc(b.calls(), func(operation string) bool {
		verb := operation[strings.LastIndexByte(operation, '/')+1:]
		return strings.HasPrefix(verb, "get") || strings.HasPrefix(verb, "list") || strings.Contains(verb, "check_connection") || verb == "discover_schema"
	})
}

// live is what the simulator holds that is not deleted.
type live struct {
	sources, destinations []airbytesim.Actor
	connections           []airbytesim.Connection
}

func (b *bench) live() live {
	c := b.sim.Contents()
	mine := map[string]bool{}
	gone := func(a airbytesim.Actor) bool {
		mine[a.ID] = strings.Contains(a.Name, b.only)
		return a.Deleted || !mine[a.ID]
	}
	return live{
		slices.DeleteFunc(c.Sources, gone), slices.DeleteFunc(c.Destinations, gone),
		slices.DeleteFunc(c.Connections, func(c airbytesim.Connection) bool {
			return c.Status == "deprecated" || !mine[c.SourceID] && !mine[c.DestinationID]
		}),
	}
}

// one fails unless exactly one source, destination and connection are there, and joined.
func (b *bench) one() (source, destination airbytesim.Actor, connection airbytesim.Connection) {
	b.t.Helper()
	l := b.live()
	if len(l.sources) != 1 || len(l.destinations) != 1 || len(l.connections) != 1 {
		b.t.Fatalf("there are %d sources, %d destinations, %d connections\n%s", len(l.sources), len(l.destinations), len(l.connections), b.log())
	}
	c := l.connections[0]
	if c.SourceID != l.sources[0].ID || c.DestinationID != l.destinations[0].ID {
		b.t.Fatalf("the connection does not join the source and the destination")
	}
	return l.sources[0], l.destinations[0], c
}

// orders is work with secrets in its source and destination.
func orders() workload.Work {
	return workload.Work{
		Component:   workload.NewComponent("urn:dmb:cmp:sales:orders:0:copy", "development"),
		DataProduct: workload.DataProduct{Name: "orders", Domain: "sales", Version: "0.1.0"},
		Source: workload.Actor{Name: "Orders database", DefinitionID: postgresID, Configuration: map[string]any{
			"host": "db.example", "port": 5432, "database": "orders", "username": "reader", "password": "${secret:SOURCE}",
			"schemas": []any{"public"}, "ssl_mode": map[string]any{"mode": "prefer"}, "replication_method": map[string]any{"method": "Xmin"},
			"tunnel_method": map[string]any{"tunnel_method": "NO_TUNNEL"},
		}},
		Destination: workload.Actor{Name: "Warehouse", DefinitionID: warehouse, Configuration: map[string]any{
			"host": "wh.example", "port": 5432, "database": "dwh", "schema": "raw", "username": "writer", "password": "${secret:WAREHOUSE}",
		}},
		Connection: workload.Connection{Name: "Orders to warehouse"},
	}
}

// String counts.
func (l live) String() string {
	return fmt.Sprintf("%d sources, %d destinations, %d connections", len(l.sources), len(l.destinations), len(l.connections))
}

// fault breaks calls.
func (b *bench) fault(f airbytesim.Fault) {
	b.t.Helper()
	if _, err := b.sim.AddFault(f); err != nil {
		b.t.Fatal(err)
	}
}
