package airbytesim

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"
)

// contractDir is where the public descriptions are; without them a contract test cannot say anything.
func contractDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONTRACT_DIR")
	if dir == "" {
		t.Skip("CONTRACT_DIR is not set")
	}
	return dir
}

// loadContract reads the public description once; nil without CONTRACT_DIR.
var loadContract = sync.OnceValues(func() (*openapi3.T, error) {
	dir := os.Getenv("CONTRACT_DIR")
	if dir == "" {
		return nil, nil //nolint:nilnil // no contract to hold answers against
	}
	return openapi3.NewLoader().LoadFromFile(filepath.Join(dir, "airbyte-config-api.openapi.yaml"))
})

func contract(t *testing.T) *openapi3.T {
	t.Helper()
	contractDir(t)
	doc, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	return doc
}

// TestRulesAgreeWithContract proves that the embedded rules say of every
// operation what the public description says.
func TestRulesAgreeWithContract(t *testing.T) {
	t.Parallel()
	doc := contract(t)
	loaded, err := loadRules()
	if err != nil {
		t.Fatal(err)
	}
	var operations []string
	for path, item := range doc.Paths.Map() {
		operation := strings.TrimPrefix(path, "/v1/")
		operations = append(operations, operation)
		if item.Get != nil != slices.Contains(loaded.get, operation) {
			t.Errorf("%s: GET or not differs", operation)
		}
		if item.Post == nil {
			continue
		}
		shape, known := loaded.shape[operation]
		if !known {
			t.Errorf("%s has no rule", operation)
			continue
		}
		agree := comparison{t: t, seen: map[string]bool{}}
		if item.Post.RequestBody == nil {
			if o, ok := shape.(*object); !ok || len(o.fields) > 0 {
				t.Errorf("%s takes no body", operation)
			}
			continue
		}
		agree.schema(operation, shape, item.Post.RequestBody.Value.Content["application/json"].Schema)
	}
	operations = append(operations, beyondContract(t)...)
	ours := append(slices.Collect(maps.Keys(loaded.shape)), loaded.get...)
	slices.Sort(ours)
	slices.Sort(operations)
	if diff := cmp.Diff(operations, ours); diff != "" {
		t.Errorf("operations (-contract +rules):\n%s", diff)
	}
	routed := slices.Sorted(maps.Keys(routes()))
	if diff := cmp.Diff(operations, routed); diff != "" {
		t.Errorf("operations (-contract +served):\n%s", diff)
	}
}

// beyondContract are the operations that the description leaves out, although
// Airbyte has them: each is in the list of all paths.
func beyondContract(t *testing.T) []string {
	t.Helper()
	paths, err := os.ReadFile(filepath.Join(contractDir(t), "airbyte-paths.txt"))
	if err != nil {
		t.Fatal(err)
	}
	operations := []string{
		"groups/list", "groups/get", "group_permissions/list", "group_permissions/create", "group_permissions/delete",
		"user_invitations/list_pending", "user_invitations/cancel",
	}
	for _, operation := range operations {
		if !slices.Contains(strings.Fields(string(paths)), "/v1/"+operation) {
			t.Errorf("Airbyte has no %s", operation)
		}
	}
	return operations
}

type comparison struct {
	t    *testing.T
	seen map[string]bool
}

func (c comparison) schema(at string, ours shape, theirs *openapi3.SchemaRef) {
	key := fmt.Sprintf("%s %p", theirs.Ref, ours)
	if theirs.Ref != "" && c.seen[key] {
		return
	}
	c.seen[key] = true
	schema := theirs.Value
	switch ours := ours.(type) {
	case *object:
		c.object(at, ours, schema)
	case union:
		if len(ours) != len(schema.OneOf) {
			c.t.Errorf("%s: %d alternatives, want %d", at, len(ours), len(schema.OneOf))
			return
		}
		for i, option := range ours {
			c.schema(fmt.Sprintf("%s|%d", at, i), option, schema.OneOf[i])
		}
	case choice:
		var values []string
		for _, v := range schema.Enum {
			values = append(values, fmt.Sprint(v))
		}
		if diff := cmp.Diff(values, []string(ours)); diff != "" {
			c.t.Errorf("%s: values (-contract +rules):\n%s", at, diff)
		}
	case list:
		if !schema.Type.Is("array") {
			c.t.Errorf("%s is no array", at)
			return
		}
		c.schema(at+"[]", ours.of, schema.Items)
	case scalar:
		c.scalar(at, ours, schema)
	}
}

func (c comparison) object(at string, ours *object, schema *openapi3.Schema) {
	var required []string
	for name, f := range ours.fields {
		property, known := schema.Properties[name]
		if !known {
			c.t.Errorf("%s.%s is not in the contract", at, name)
			continue
		}
		if f.required {
			required = append(required, name)
		}
		c.schema(at+"."+name, f.shape, property)
	}
	for name := range schema.Properties {
		if _, known := ours.fields[name]; !known {
			c.t.Errorf("%s.%s has no rule", at, name)
		}
	}
	theirs := slices.Clone(schema.Required)
	slices.Sort(theirs)
	slices.Sort(required)
	if diff := cmp.Diff(theirs, required); diff != "" {
		c.t.Errorf("%s: required (-contract +rules):\n%s", at, diff)
	}
}

func (c comparison) scalar(at string, ours scalar, schema *openapi3.Schema) {
	want := scalar(schema.Type.Slice()[0])
	switch schema.Format {
	case "uuid", "date-time", "email":
		want = scalar(schema.Format)
	}
	if ours != want {
		c.t.Errorf("%s is %s, want %s", at, ours, want)
	}
	if want == "object" && len(schema.Properties) > 0 {
		c.t.Errorf("%s: the rule hides the object's properties", at)
	}
}

// conform holds an answer against the contract: the status must be a documented
// one (transport and framework errors apart), the body must fit, and no field
// may be unknown.
func conform(t *testing.T, operation string, a got) {
	t.Helper()
	doc, err := loadContract()
	if err != nil {
		t.Fatal(err)
	}
	if doc == nil {
		return
	}
	item := doc.Paths.Find("/v1/" + operation)
	if item == nil || a.status >= 300 {
		return
	}
	o := item.Post
	if o == nil {
		o = item.Get
	}
	response := o.Responses.Status(a.status)
	if response == nil {
		t.Errorf("%s: status %d is not in the contract", operation, a.status)
		return
	}
	media := response.Value.Content["application/json"]
	if media == nil {
		if a.raw != "" {
			t.Errorf("%s: the contract has no body for %d, got %s", operation, a.status, a.raw)
		}
		return
	}
	var body any
	if err := json.Unmarshal([]byte(a.raw), &body); err != nil {
		t.Errorf("%s: %v", operation, err)
		return
	}
	if err := media.Schema.Value.VisitJSON(body, openapi3.MultiErrors()); err != nil {
		t.Errorf("%s: the answer breaks the contract: %v\n%s", operation, err, a.raw)
	}
	for _, unknown := range unknownFields("$", body, media.Schema.Value) {
		t.Errorf("%s: the answer has a field that the contract lacks: %s", operation, unknown)
	}
}

func unknownFields(at string, value any, schema *openapi3.Schema) []string {
	var found []string
	switch value := value.(type) {
	case []any:
		for i, item := range value {
			if schema.Items != nil {
				found = append(found, unknownFields(fmt.Sprintf("%s[%d]", at, i), item, schema.Items.Value)...)
			}
		}
	case map[string]any:
		if len(schema.Properties) == 0 {
			return nil
		}
		for name, member := range value {
			property, known := schema.Properties[name]
			if !known {
				found = append(found, at+"."+name)
				continue
			}
			found = append(found, unknownFields(at+"."+name, member, property.Value)...)
		}
	}
	return found
}

// TestConnectorsAgreeWithReal proves that the embedded specifications have the
// real ones' properties, types, requirements, alternatives and secrets.
func TestConnectorsAgreeWithReal(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(filepath.Join(contractDir(t), "connectors", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no real connectors: %v", err)
	}
	embedded, err := loadDefinitions(Options{})
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var genuine struct {
			ID            string         `json:"definitionId"`
			Specification map[string]any `json:"connectionSpecification"`
		}
		if err := json.Unmarshal(raw, &genuine); err != nil {
			t.Fatal(err)
		}
		ours, known := embedded[genuine.ID]
		if !known {
			t.Errorf("%s is not embedded", filepath.Base(file))
			continue
		}
		var plain map[string]any
		if err := json.Unmarshal(ours.Specification, &plain); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(essence(genuine.Specification), essence(plain)); diff != "" {
			t.Errorf("%s (-real +embedded):\n%s", filepath.Base(file), diff)
		}
	}
}

// essence keeps of a schema what a configuration is judged by.
func essence(schema map[string]any) map[string]any {
	kept := map[string]any{}
	for _, keyword := range []string{
		"type", "enum", "const", "required", "additionalProperties", "airbyte_secret", "pattern", "minimum", "maximum",
		"exclusiveMinimum", "minItems", "uniqueItems",
	} {
		if value, ok := schema[keyword]; ok {
			kept[keyword] = value
		}
	}
	for _, keyword := range []string{"oneOf", "anyOf", "allOf"} {
		options, ok := schema[keyword].([]any)
		if !ok {
			continue
		}
		var inner []any
		for _, option := range options {
			inner = append(inner, essence(option.(map[string]any)))
		}
		kept[keyword] = inner
	}
	if item, ok := schema["items"].(map[string]any); ok {
		kept["items"] = essence(item)
	}
	if properties, ok := schema["properties"].(map[string]any); ok {
		inner := map[string]any{}
		for name, property := range properties {
			inner[name] = essence(property.(map[string]any))
		}
		kept["properties"] = inner
	}
	return kept
}

func TestConnectorsDirReplacesSpecifications(t *testing.T) {
	t.Parallel()
	f := start(t, Options{ConnectorsDir: filepath.Join(contractDir(t), "connectors")})
	read := f.ok("source_definition_specifications/get", m{"sourceDefinitionId": fileID, "workspaceId": workspace})
	specification, _ := read["connectionSpecification"].(map[string]any)
	if specification["title"] != "File Source Spec" {
		t.Fatalf("the real specification is not served: %v", specification["title"])
	}
	f.call(http.StatusUnprocessableEntity, "sources/create", m{
		"name": "x", "workspaceId": workspace, "sourceDefinitionId": fileID, "connectionConfiguration": m{"dataset_name": "d"},
	})
}
