package e2e

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"gopkg.in/yaml.v3"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
)

// reverseRequest is a ReverseProvisioningRequest.
type reverseRequest struct {
	UseCaseTemplateID string         `json:"useCaseTemplateId"`
	Environment       string         `json:"environment"`
	Params            map[string]any `json:"params"`
	CatalogInfo       map[string]any `json:"catalogInfo"`
}

// readBack asks for what has to stand in catalog-info.yaml, and waits for the end.
func (s *stack) readBack(state string, params map[string]any) outcome {
	s.t.Helper()
	request := reverseRequest{"urn:dmb:utm:airbyte-workload:1.0.0", "production", params, map[string]any{}}
	return s.awaitOutcome("/v1/reverse-provisioning", s.accepted("/v1/reverse-provisioning", request), state)
}

// specificRoot is where a component's specific block is in catalog-info.yaml.
const specificRoot = "spec.mesh.specific."

// specific is the block that the updates make, as Witboost applies them.
func (o outcome) specific() map[string]any {
	block := map[string]any{}
	for path, value := range o.Updates {
		keys := strings.Split(strings.TrimPrefix(path, specificRoot), ".")
		at := block
		for _, key := range keys[:len(keys)-1] {
			if at[key] == nil {
				at[key] = map[string]any{}
			}
			at, _ = at[key].(map[string]any)
		}
		at[keys[len(keys)-1]] = value
	}
	return block
}

// byHand makes entities as somebody would who works in Airbyte: a source and a
// destination under plain names, and a connection like the one given.
func (s *stack) byHand(source, destination airbytesim.Actor, like airbyte.Connection) (connectionID string) {
	s.t.Helper()
	ctx, hands := s.t.Context(), s.hands()
	actor := func(kind airbyte.ActorKind, like airbytesim.Actor) string {
		made, err := hands.CreateActor(ctx, airbyte.Actor{
			Kind: kind, WorkspaceID: like.WorkspaceID, DefinitionID: like.DefinitionID, Configuration: like.Configuration,
			Name: strings.TrimSpace(mark.ReplaceAllString(like.Name, "")),
		})
		if err != nil {
			s.t.Fatal(err)
		}
		return made.ID
	}
	sourceID, destinationID := actor(airbyte.Source, source), actor(airbyte.Destination, destination)
	discovery, err := hands.DiscoverSource(ctx, sourceID, false)
	if err != nil {
		s.t.Fatal(err)
	}
	made, err := hands.CreateConnection(ctx, airbyte.ConnectionCreate{
		SourceID: sourceID, DestinationID: destinationID, Name: like.Name, Status: like.Status,
		NamespaceDefinition: like.NamespaceDefinition, NamespaceFormat: like.NamespaceFormat, Prefix: like.Prefix,
		ScheduleType: like.ScheduleType, ScheduleData: like.ScheduleData,
		Catalog: &like.Catalog, SourceCatalogID: discovery.CatalogID, NonBreakingChanges: like.NonBreakingChanges,
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return made.ID
}

// mark is what the product puts behind the names of sources and destinations.
var mark = regexp.MustCompile(`\s*\[wb-[0-9a-f]{16}\]$`)

// withHR adds the connector of the custom example.
func withHR(o *airbytesim.Options) {
	o.Definitions = append(o.Definitions, airbytesim.Definition{
		ID: "5f0d2f5a-3c1e-4d57-9c59-2a3c4f1b7e11", Kind: airbytesim.Source, Name: "HR system", DockerRepository: "acme/source-hr", DockerImageTag: "1.0.0", Custom: true,
		Specification: json.RawMessage(`{"type":"object","required":["tenant","api_key"],"properties":{
			"tenant":{"type":"string"},"page_size":{"type":"integer"},"api_key":{"type":"string","airbyte_secret":true}}}`),
	})
}

// fillSources lets sources have the streams that the examples name, beside the usual ones.
func (s *stack) fillSources() {
	s.sim.SetCatalog("decd338e-5647-4c0b-adf4-da0e75f5a750", &airbytesim.Catalog{Streams: []airbytesim.CatalogStream{
		{Name: "orders", Namespace: "public", SupportedSyncModes: []string{"full_refresh", "incremental"}, SourceDefinedCursor: true, SourceDefinedPrimaryKey: [][]string{{"id"}}},
		{Name: "customers", Namespace: "public", SupportedSyncModes: []string{"full_refresh", "incremental"}, SourceDefinedCursor: true, SourceDefinedPrimaryKey: [][]string{{"id"}}},
		{Name: "audit_log", Namespace: "public", SupportedSyncModes: []string{"full_refresh"}},
	}})
}

// TestReverseThenProvision makes each example's entities by hand, reads them
// back, and provisions what was read: nothing but the names' digest changes.
func TestReverseThenProvision(t *testing.T) {
	t.Parallel()
	examples, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(examples) < 9 {
		t.Fatalf("the examples are not there: %v, %v", examples, err)
	}
	secrets := t.TempDir()
	s := newStack(t, map[string]string{"SECRETS_DIR": secrets}, withHR)
	s.fillSources()
	s.startAPI()
	s.startWorker()
	for _, example := range examples {
		text, err := os.ReadFile(example)
		if err != nil {
			t.Fatal(err)
		}
		for _, reference := range regexp.MustCompile(`\$\{secret:([^}]+)\}`).FindAllSubmatch(text, -1) {
			keepSecret(t, secrets, string(reference[1]), "value-"+secretMark+"-"+string(reference[1]))
		}
		s.reverseThenProvision(t, filepath.Base(example), string(text), secrets)
	}
	for where, text := range s.outputs() {
		if i := strings.Index(text, secretMark); i >= 0 {
			t.Errorf("%s holds a secret: ...%s...", where, text[max(0, i-200):min(len(text), i+60)])
		}
	}
}

func keepSecret(t *testing.T, dir, name, value string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(value), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *stack) reverseThenProvision(t *testing.T, name, descriptor, secrets string) {
	t.Helper()
	s.awaitState(s.submit("provision", descriptor), "COMPLETED")
	template := s.one()
	like, err := s.hands().GetConnection(t.Context(), template.connections[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	s.awaitState(s.submit("unprovision", descriptor), "COMPLETED")
	id := s.byHand(template.sources[0], template.destinations[0], like)
	before := s.one()

	var read outcome
	s.unchanged(t, func() { read = s.readBack("COMPLETED", map[string]any{"connectionId": id}) })
	specific := read.specific()
	for path, value := range texts("", specific) {
		if reference := regexp.MustCompile(`^\$\{secret:(.+)\}$`).FindStringSubmatch(value); reference != nil {
			block, path, _ := strings.Cut(path, ".connectionConfiguration.")
			actor := before.sources[0]
			if block == "destination" {
				actor = before.destinations[0]
			}
			keepSecret(t, secrets, reference[1], texts("", plainJSON(t, actor.Configuration))[path])
		}
	}
	described := describe(t, descriptor, specific)
	if plan := s.validate(described); plan.Info == nil || !plan.Info.PublicInfo.Valid {
		t.Fatalf("%s: what was read back is not valid: %s", name, plan.problems())
	}
	st := s.awaitState(s.submit("provision", described), "COMPLETED")
	after := s.one()
	tag := mark.FindString(after.sources[0].Name)
	if tag == "" {
		t.Errorf("%s: the source is not marked: %s", name, after.sources[0].Name)
	}
	before.sources[0].Name += tag
	before.destinations[0].Name += tag
	options := cmp.Options{cmpopts.IgnoreUnexported(airbytesim.Actor{}), cmpopts.IgnoreFields(airbytesim.Actor{}, "Updates")}
	for what, pair := range map[string][2]any{
		"source": {before.sources, after.sources}, "destination": {before.destinations, after.destinations},
		"connection": {before.connections, after.connections},
	} {
		if diff := cmp.Diff(pair[0], pair[1], options); diff != "" {
			t.Errorf("%s: the %s changed (-before +after): %s\n%s", name, what, st.Result, diff)
		}
	}
	calls := s.lastCall()
	s.awaitState(s.submit("provision", described), "COMPLETED")
	if writes := s.writes(calls); len(writes) > 0 {
		t.Errorf("%s: the plan was not empty afterwards: %v", name, writes)
	}
	s.awaitState(s.submit("unprovision", described), "COMPLETED")
	s.none()
}

// describe is the descriptor with another specific block.
func describe(t *testing.T, descriptor string, specific map[string]any) string {
	t.Helper()
	var parsed struct {
		DataProduct map[string]any `yaml:"dataProduct"`
		ID          string         `yaml:"componentIdToProvision"`
	}
	if err := yaml.Unmarshal([]byte(descriptor), &parsed); err != nil {
		t.Fatal(err)
	}
	components, _ := parsed.DataProduct["components"].([]any)
	at := slices.IndexFunc(components, func(c any) bool { component, _ := c.(map[string]any); return component["id"] == parsed.ID })
	if at < 0 {
		t.Fatalf("the descriptor has no component %s", parsed.ID)
	}
	component, _ := components[at].(map[string]any)
	component["specific"] = specific
	text, err := yaml.Marshal(map[string]any{"dataProduct": parsed.DataProduct, "componentIdToProvision": parsed.ID})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// texts are all values that are no objects and no lists, by their path.
func texts(path string, value any) map[string]string {
	found := map[string]string{}
	switch value := value.(type) {
	case map[string]any:
		for name, member := range value {
			for at, text := range texts(strings.TrimPrefix(path+"."+name, "."), member) {
				found[at] = text
			}
		}
	case []any:
		for i, item := range value {
			for at, text := range texts(fmt.Sprintf("%s[%d]", path, i), item) {
				found[at] = text
			}
		}
	default:
		found[path] = fmt.Sprint(value)
	}
	return found
}

func plainJSON(t *testing.T, value any) map[string]any {
	t.Helper()
	raw, err := json.Marshal(value)
	if err != nil {
		t.Fatal(err)
	}
	var plain map[string]any
	if err := json.Unmarshal(raw, &plain); err != nil {
		t.Fatal(err)
	}
	return plain
}
