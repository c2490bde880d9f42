package descriptor_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// anySecret resolves every name, to a text that tells which one it was.
type anySecret struct{}

func (anySecret) Resolve(_ context.Context, name string, _ catalog.SecretUser) (string, error) {
	return "value of " + name, nil
}

func settings() map[string]string {
	return map[string]string{
		"SNOWFLAKE_HOST": "acme.eu-central-1.snowflakecomputing.com", "SNOWFLAKE_USER": "AIRBYTE", "SNOWFLAKE_ROLE": "LOADER",
		"SNOWFLAKE_WAREHOUSE": "LOADING", "SNOWFLAKE_PRIVATE_KEY": "-----BEGIN PRIVATE KEY-----",
	}
}

// realSpecification is Airbyte's own for a definition; nil where there is none.
func realSpecification(t *testing.T, name string) json.RawMessage {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(os.Getenv("CONTRACT_DIR"), "connectors", name+".json"))
	if err != nil {
		return nil
	}
	var file struct {
		Specification json.RawMessage `json:"connectionSpecification"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	return file.Specification
}

func TestEachExampleGivesAConfigurationThatItsConnectorAccepts(t *testing.T) {
	t.Parallel()
	if os.Getenv("CONTRACT_DIR") == "" {
		t.Skip("CONTRACT_DIR is not set")
	}
	connectors := load(t, catalog.WithSettings(settings()))
	files, err := filepath.Glob("../../examples/*.yaml")
	if err != nil || len(files) < 9 {
		t.Fatalf("%d examples, error %v", len(files), err)
	}
	used := map[string]bool{}
	for _, file := range files {
		work, failure := descriptor.Parse(descriptor.Request{
			Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: read(t, file),
		}, connectors)
		if failure != nil {
			t.Errorf("%s: %s", file, failure.Text())
			continue
		}
		if len(work.Warnings) > 0 {
			t.Errorf("%s has warnings: %q", file, work.Warnings)
		}
		used[work.Source.Connector], used[work.Destination.Connector] = true, true
		finalIsValid(t, connectors, catalog.Source, work.Source, work)
		finalIsValid(t, connectors, catalog.Destination, work.Destination, work)
	}
	for _, profile := range connectors.Profiles() {
		if !used[profile.Name] {
			t.Errorf("no example uses %s", profile.Name)
		}
	}
}

// finalIsValid checks the final configuration with the JSON Schema library
// alone, so that a fault of our own check cannot hide one of the configuration.
func finalIsValid(t *testing.T, connectors *catalog.Catalog, role catalog.Role, actor workload.Actor, work workload.Work) {
	t.Helper()
	raw := realSpecification(t, actor.Connector)
	in := catalog.Input{Role: role, Actor: actor, Component: work.Component, DataProduct: work.DataProduct, Secrets: anySecret{}}
	var specification *catalog.Specification
	if raw != nil {
		var err error
		if specification, err = catalog.ParseSpecification(raw); err != nil {
			t.Fatal(err)
		}
	}
	final, failure := connectors.Configuration(context.Background(), in, specification)
	if failure != nil {
		t.Errorf("%s: %s", actor.Name, failure.Text())
		return
	}
	if raw == nil {
		return
	}
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("spec.json", document); err != nil {
		t.Fatal(err)
	}
	if err := compiler.MustCompile("spec.json").Validate(any(final.Configuration)); err != nil {
		t.Errorf("%s: %v", actor.Name, err)
	}
}
