package reverse

import (
	"cmp"
	"context"
	"encoding/json"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload/workloadtest"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"

	"github.com/google/uuid"
)

const (
	workspaceID = airbytesim.DefaultWorkspace
	otherID     = "0b6f5c9d-6d0c-4d8e-9d3c-2f5a4b7e1c11"

	fileID      = "778daa7c-feaf-4db6-96f3-70fd645acc77"
	postgresID  = "decd338e-5647-4c0b-adf4-da0e75f5a750"
	mysqlID     = "435bb9a5-7887-4809-aa58-28c27df0d7ad"
	fakerID     = "dfd88b22-b603-4c3d-aad7-3701784586b1"
	bucketID    = "69589781-7828-43c5-9f63-8925b1c1ccc2"
	snowflakeID = "424892c4-daac-4491-b35d-c6688ba547ba"
	pgTargetID  = "25c5221d-dce2-4163-ade9-739ef790f503"
	s3TargetID  = "4816b78f-1489-44c1-9060-4b19d5fa9362"
	devNullID   = "a7bcc9d8-13b3-4e49-b80d-d020b90045e3"
)

// house is a simulated Airbyte in which people work by hand.
type house struct {
	t      *testing.T
	sim    *airbytesim.Sim
	client *airbyte.Client
	// connectorName knows Snowflake alone, unless a test wants the catalogue's.
	connectorName func(string) string
	completed     func(context.Context, airbyte.ActorKind, workload.Actor, json.RawMessage) (map[string]any, error)
}

func newHouse(t *testing.T) *house {
	t.Helper()
	sim, err := airbytesim.New(airbytesim.Options{Seed: 1, WorkspaceIDs: []string{workspaceID, otherID}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.API())
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close)
	client, err := airbyte.New(airbyte.Options{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	return &house{t: t, sim: sim, client: client, connectorName: func(definitionID string) string {
		if definitionID == snowflakeID {
			return "destination-snowflake"
		}
		return ""
	}}
}

// made is what somebody made by hand.
type made struct {
	source, destination airbyte.Actor
	// change is applied to what discovery says and the connection's defaults.
	change    func(*airbyte.ConnectionCreate)
	workspace string
	name      string
}

// make makes a source, a destination and a connection, and answers the connection's id.
func (h *house) make(m made) string {
	h.t.Helper()
	ctx := h.t.Context()
	m.source.Kind, m.destination.Kind = airbyte.Source, airbyte.Destination
	for _, a := range []*airbyte.Actor{&m.source, &m.destination} {
		a.WorkspaceID = cmp.Or(m.workspace, workspaceID)
		created, err := h.client.CreateActor(ctx, *a)
		if err != nil {
			h.t.Fatal(err)
		}
		a.ID = created.ID
	}
	discovery, err := h.client.DiscoverSource(ctx, m.source.ID, false)
	if err != nil {
		h.t.Fatal(err)
	}
	create := airbyte.ConnectionCreate{
		SourceID: m.source.ID, DestinationID: m.destination.ID, Name: cmp.Or(m.name, m.source.Name+" to "+m.destination.Name),
		Status: "active", ScheduleType: "manual", Catalog: &discovery.Catalog, SourceCatalogID: discovery.CatalogID,
	}
	for i := range create.Catalog.Streams {
		create.Catalog.Streams[i].Config.Selected = true
	}
	if m.change != nil {
		m.change(&create)
	}
	connection, err := h.client.CreateConnection(ctx, create)
	if err != nil {
		h.t.Fatal(err)
	}
	h.sim.ClearCalls()
	return connection.ID
}

// simple makes a connection from a faker to nowhere.
func (h *house) simple(source, destination, name string) string {
	h.t.Helper()
	return h.make(made{
		source:      airbyte.Actor{Name: source, DefinitionID: fakerID, Configuration: map[string]any{}},
		destination: airbyte.Actor{Name: destination, DefinitionID: devNullID, Configuration: silent()},
		name:        name,
	})
}

func silent() map[string]any {
	return map[string]any{"test_destination": map[string]any{"test_destination_type": "SILENT"}}
}

// connectors is the product's catalogue.
func connectors(t *testing.T) *catalog.Catalog {
	t.Helper()
	c, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func connectorName(c *catalog.Catalog) func(string) string {
	return func(definitionID string) string {
		for _, p := range c.Profiles() {
			if p.DefinitionID == definitionID {
				return p.Name
			}
		}
		return ""
	}
}

// performer knows the connectors by name that the house does.
func (h *house) performer() *Performer {
	return New(Options{
		Airbyte: h.client, Workspace: workspaceID, Workspaces: map[string]string{"prod": otherID}, ConnectorName: h.connectorName, Completed: h.completed,
	})
}

// reverse asks as the HTTP API does.
func (h *house) reverse(environment string, params, catalogInfo map[string]any) (workload.Outcome, error) {
	h.t.Helper()
	work, failure := Parse(environment, params, catalogInfo)
	if failure != nil {
		return workload.Outcome{}, failure
	}
	// The work travels as JSON.
	raw, err := json.Marshal(work)
	if err != nil {
		h.t.Fatal(err)
	}
	var arrived workload.Work
	if err := json.Unmarshal(raw, &arrived); err != nil {
		h.t.Fatal(err)
	}
	return h.performer().Perform(h.t.Context(), arrived, workloadtest.Attempt(h.t, uuid.NewString()))
}

// must is reverse that has to succeed, with the outcome as it arrives.
func (h *house) must(params, catalogInfo map[string]any) workload.Outcome {
	h.t.Helper()
	out, err := h.reverse("dev", params, catalogInfo)
	if err != nil {
		h.t.Fatalf("reverse: %v", err)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		h.t.Fatal(err)
	}
	var arrived workload.Outcome
	if err := json.Unmarshal(raw, &arrived); err != nil {
		h.t.Fatal(err)
	}
	h.onlyReads()
	return arrived
}

// onlyReads fails where a call was made that could change something.
func (h *house) onlyReads() {
	h.t.Helper()
	for _, c := range h.sim.Calls("*", 0) {
		verb := c.Operation[strings.LastIndex(c.Operation, "/")+1:]
		if !slices.Contains([]string{"list", "get", "health", "instance_configuration"}, verb) {
			h.t.Errorf("reverse provisioning called %s", c.Operation)
		}
	}
}

// memory is what the reconciler remembers.
type memory map[string][]byte

func (m memory) Recall(_ context.Context, c workload.Component) ([]byte, error) {
	return m[c.Digest()], nil
}

func (m memory) Remember(_ context.Context, c workload.Component, value []byte) error {
	m[c.Digest()] = value
	return nil
}

func (m memory) Note(_ context.Context, c workload.Component, value []byte) { m[c.Digest()] = value }
