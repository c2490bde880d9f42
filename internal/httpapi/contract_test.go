package httpapi_test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/httpapi"
)

// TestDocumentSaysTheSameAsTheContract compares what the two documents promise:
// operations, parameters, bodies, statuses, schemas, required fields, enums.
// Descriptions and examples are our own.
func TestDocumentSaysTheSameAsTheContract(t *testing.T) {
	t.Parallel()
	dir := os.Getenv("CONTRACT_DIR")
	if dir == "" {
		t.Skip("CONTRACT_DIR is not set")
	}
	theirs, err := os.ReadFile(filepath.Join(dir, "witboost-tech-adapter-2.5.0.openapi.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	want, got := promises(t, theirs), promises(t, httpapi.Document())

	for key := range got {
		if _, ok := want[key]; !ok && beside[key] {
			delete(got, key)
		}
	}
	// A check's log has no other place than its status; see validationStatus.
	got["schema ValidationStatus"] = without(t, got["schema ValidationStatus"], "logs")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("contract (-) and document (+) differ:\n%s", diff)
	}
}

// beside is what the document has beyond the contract.
var beside = map[string]bool{
	"GET /healthz": true, "HEAD /healthz": true, "GET /readyz": true, "HEAD /readyz": true, "GET /metrics": true, "GET /openapi.yaml": true, "GET /docs": true, "schema Health": true,
}

// transportStatuses may be answered by any operation, although the contract does not list them.
var transportStatuses = []string{"401", "413", "415", "429"}

// promises are a document's operations and schemas in a form that can be compared.
func promises(t *testing.T, text []byte) map[string]any {
	t.Helper()
	document, err := openapi3.NewLoader().LoadFromData(text)
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]any)
	for path, item := range document.Paths.Map() {
		for method, operation := range item.Operations() {
			all[method+" "+path] = operationPromises(operation)
		}
	}
	for name, schema := range document.Components.Schemas {
		all["schema "+name] = schemaPromises(schema)
	}
	return all
}

func operationPromises(o *openapi3.Operation) map[string]any {
	promise := map[string]any{"id": o.OperationID}
	for _, p := range o.Parameters {
		promise["parameter "+p.Value.In+" "+p.Value.Name] = map[string]any{"required": p.Value.Required, "schema": schemaPromises(p.Value.Schema)}
	}
	if o.RequestBody != nil {
		promise["body required"] = o.RequestBody.Value.Required
		for media, content := range o.RequestBody.Value.Content {
			promise["body "+media] = schemaPromises(content.Schema)
		}
	}
	for status, response := range o.Responses.Map() {
		if slices.Contains(transportStatuses, status) {
			continue
		}
		promise["response "+status] = "without a body"
		for media, content := range response.Value.Content {
			if status == "202" && media == "text/plain" {
				continue // the token as a Coordinator really takes it
			}
			delete(promise, "response "+status)
			promise["response "+status+" "+media] = schemaPromises(content.Schema)
		}
	}
	return promise
}

func schemaPromises(ref *openapi3.SchemaRef) any {
	if ref == nil {
		return nil
	}
	if ref.Ref != "" {
		return ref.Ref
	}
	s := ref.Value
	promise := map[string]any{"type": s.Type.Slice(), "format": s.Format, "deprecated": s.Deprecated, "default": s.Default}
	promise["required"] = slices.Sorted(slices.Values(s.Required))
	promise["enum"] = texts(s.Enum)
	if s.Items != nil {
		promise["items"] = schemaPromises(s.Items)
	}
	properties := make(map[string]any)
	for name, property := range s.Properties {
		properties[name] = schemaPromises(property)
	}
	promise["properties"] = properties
	return promise
}

func texts(values []any) []string {
	all := make([]string, 0, len(values))
	for _, v := range values {
		text, _ := json.Marshal(v)
		all = append(all, string(text))
	}
	slices.Sort(all)
	return all
}

// without returns a schema's promises less one property, which must be there.
func without(t *testing.T, schema any, property string) any {
	t.Helper()
	copied := maps.Clone(schema.(map[string]any))
	properties := maps.Clone(copied["properties"].(map[string]any))
	if _, ok := properties[property]; !ok {
		t.Fatalf("there is no %s to leave out", property)
	}
	delete(properties, property)
	copied["properties"] = properties
	return copied
}
