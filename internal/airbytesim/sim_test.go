package airbytesim

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"
)

// fixture is a simulator behind a real HTTP server.
type fixture struct {
	t      *testing.T
	sim    *Sim
	url    string
	header http.Header
	faulty bool // answers are spoilt on purpose: the contract does not bind them
}

func start(t *testing.T, options Options) *fixture {
	t.Helper()
	sim, err := New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.API())
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close) // before the server, which waits for its calls
	return &fixture{t: t, sim: sim, url: server.URL, header: http.Header{"Content-Type": {"application/json"}}}
}

// got is a status and a decoded body.
type got struct {
	status int
	body   map[string]any
	raw    string
	header http.Header
}

// send makes one call; the error is the transport's.
func (f *fixture) send(operation string, body any) (got, error) {
	f.t.Helper()
	var reader io.Reader
	switch body := body.(type) {
	case nil:
	case string:
		reader = bytes.NewReader([]byte(body))
	default:
		raw, err := json.Marshal(body)
		if err != nil {
			f.t.Fatal(err)
		}
		reader = bytes.NewReader(raw)
	}
	method := http.MethodPost
	if body == nil {
		method = http.MethodGet
	}
	request, err := http.NewRequestWithContext(f.t.Context(), method, f.url+"/api/v1/"+operation, reader)
	if err != nil {
		f.t.Fatal(err)
	}
	request.Header = f.header.Clone()
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return got{}, err
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return got{}, err
	}
	a := got{status: response.StatusCode, raw: string(raw), header: response.Header}
	_ = json.Unmarshal(raw, &a.body) // lists and broken bodies stay in raw
	if !f.faulty {
		conform(f.t, operation, a)
	}
	return a, nil
}

// call makes one call that must get the status.
func (f *fixture) call(want int, operation string, body any) got {
	f.t.Helper()
	a, err := f.send(operation, body)
	if err != nil {
		f.t.Fatalf("%s: %v", operation, err)
	}
	if a.status != want {
		f.t.Fatalf("%s answered %d, want %d: %s", operation, a.status, want, a.raw)
	}
	return a
}

// ok makes one call that must succeed and answers its body.
func (f *fixture) ok(operation string, body any) map[string]any {
	f.t.Helper()
	return f.call(http.StatusOK, operation, body).body
}

type m = map[string]any

const workspace = DefaultWorkspace

// The ids of connectors, from the table in the facts about Airbyte.
const (
	fileID      = "778daa7c-feaf-4db6-96f3-70fd645acc77"
	postgresID  = "decd338e-5647-4c0b-adf4-da0e75f5a750"
	snowflakeID = "424892c4-daac-4491-b35d-c6688ba547ba"
)

func postgres(host string) m {
	return m{
		"host": host, "port": 5432, "database": "shop", "username": "reader", "password": "s3cret-password",
		"schemas": []any{"public"}, "replication_method": m{"method": "Standard"},
	}
}

func snowflake() m {
	return m{
		"host": "acme.snowflakecomputing.com", "role": "R", "warehouse": "W", "database": "D", "schema": "S", "username": "U",
		"credentials": m{"auth_type": "Username and Password", "password": "s3cret-snow"},
	}
}

func (f *fixture) source(name, definition string, configuration m) string {
	f.t.Helper()
	read := f.ok("sources/create", m{
		"name": name, "workspaceId": workspace, "sourceDefinitionId": definition, "connectionConfiguration": configuration,
	})
	return read["sourceId"].(string)
}

func (f *fixture) destination(name, definition string, configuration m) string {
	f.t.Helper()
	read := f.ok("destinations/create", m{
		"name": name, "workspaceId": workspace, "destinationDefinitionId": definition, "connectionConfiguration": configuration,
	})
	return read["destinationId"].(string)
}

// connection makes a source, a destination and a connection with all that was discovered.
func (f *fixture) connection() (connection, source, destination string) {
	f.t.Helper()
	source = f.source("shop", postgresID, postgres("db.example.com"))
	destination = f.destination("warehouse", snowflakeID, snowflake())
	found := f.ok("sources/discover_schema", m{"sourceId": source})
	read := f.ok("connections/create", m{
		"name": "shop to warehouse", "sourceId": source, "destinationId": destination, "status": "active",
		"syncCatalog": found["catalog"], "sourceCatalogId": found["catalogId"],
	})
	return read["connectionId"].(string), source, destination
}

func patience(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	return ctx
}

func streamsOf(read m) []any { return read["syncCatalog"].(m)["streams"].([]any) }

func TestWholePath(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Seed: 1})
	connection, source, destination := f.connection()
	read := f.ok("connections/get", m{"connectionId": connection})
	if read["sourceId"] != source || read["destinationId"] != destination || len(streamsOf(read)) != 3 {
		t.Fatalf("unexpected connection: %v", read)
	}
	held := f.sim.Contents()
	if len(held.Sources) != 1 || held.Sources[0].Configuration["password"] != "s3cret-password" {
		t.Fatalf("the stored configuration is not held as it came: %+v", held.Sources)
	}
	if got := len(f.sim.Calls("create", 0)); got != 3 {
		t.Fatalf("%d creates in the log, want 3", got)
	}
}

// fault adds a fault that must be a right one. From here on answers may be spoilt.
func (f *fixture) fault(fault Fault) int {
	f.t.Helper()
	f.faulty = fault.Do != DoFail && fault.Do != DoHold
	id, err := f.sim.AddFault(fault)
	if err != nil {
		f.t.Fatal(err)
	}
	return id
}
