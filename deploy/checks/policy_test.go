package checks

import (
	"path/filepath"
	"strings"
	"testing"

	"cuelang.org/go/cue"
	"cuelang.org/go/cue/cuecontext"
	"cuelang.org/go/cue/errors"
	"cuelang.org/go/cue/format"
	cueyaml "cuelang.org/go/encoding/yaml"
	"sigs.k8s.io/yaml"
)

const policyFile = root + "/deploy/witboost/airbyte-workload.cue"

// The policy's second half is the catalogue's.
func TestPolicyFollowsTheCatalogue(t *testing.T) {
	t.Parallel()
	text := replaceGenerated(t, string(read(t, policyFile)), "//", cueDefinitions(t))
	formatted, err := format.Source([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	golden(t, policyFile, formatted)
}

// policy says why the component may not be deployed, or nothing.
func policy(t *testing.T, component map[string]any) error {
	t.Helper()
	context := cuecontext.New()
	rules := context.CompileBytes(read(t, policyFile), cue.Filename("airbyte-workload.cue"))
	text, err := yaml.Marshal(component)
	if err != nil {
		t.Fatal(err)
	}
	descriptor, err := cueyaml.Extract("descriptor.yaml", text)
	if err != nil {
		t.Fatal(err)
	}
	if err := rules.Err(); err != nil {
		t.Fatal(err)
	}
	return rules.Unify(context.BuildFile(descriptor)).Validate(cue.Concrete(true), cue.Final())
}

// component is the one that an example descriptor provisions.
func component(t *testing.T, file string) map[string]any {
	t.Helper()
	var descriptor struct {
		Component   string `json:"componentIdToProvision"`
		DataProduct struct {
			Components []map[string]any `json:"components"`
		} `json:"dataProduct"`
	}
	if err := yaml.Unmarshal(read(t, file), &descriptor); err != nil {
		t.Fatal(err)
	}
	for _, c := range descriptor.DataProduct.Components {
		if c["id"] == descriptor.Component {
			return c
		}
	}
	t.Fatalf("%s has no component %s", file, descriptor.Component)
	return nil
}

// Each reference descriptor is the component of an example, which the product's own tests provision.
func TestReferenceDescriptors(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob(root + "/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("no examples", err)
	}
	examples := map[string]bool{}
	used := map[string]bool{"source-file": true, "destination-snowflake": true} // descriptor.yaml names none
	for _, file := range files {
		c := component(t, file)
		text, err := yaml.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		head := "# What Witboost's policy check gets of examples/" + filepath.Base(file) + ".\n"
		golden(t, filepath.Join(root, "deploy/witboost/reference", filepath.Base(file)), append([]byte(head), text...))
		if err := policy(t, c); err != nil {
			t.Errorf("%s: %s", file, errors.Details(err, nil))
		}
		examples[filepath.Base(file)] = true
		for _, side := range []string{"source", "destination"} {
			specific, _ := c["specific"].(map[string]any)
			actor, _ := specific[side].(map[string]any)
			if name, ok := actor["connector"].(string); ok {
				used[name] = true
			}
		}
	}
	references, err := filepath.Glob(root + "/deploy/witboost/reference/*")
	if err != nil {
		t.Fatal(err)
	}
	for _, file := range references {
		if !examples[filepath.Base(file)] {
			t.Errorf("%s is that of no example", file)
		}
	}
	for _, kind := range []string{"source", "destination"} {
		for _, c := range catalogue(t, kind) {
			if !used[c.Name] {
				t.Errorf("%s has no reference descriptor", c.Name)
			}
		}
	}
}

func TestPolicyAccepts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason, example, path string
		value                 any
	}{
		{"a connector with its version", "mysql-to-postgres", "specific.source.connector", "airbyte/source-mysql:3.7.0"},
		{"a reference of Airbyte's", "mysql-to-postgres", "specific.source.connectionConfiguration.password", "secret_coordinate::airbyte_workspace_x_v1"},
		{"a secret that is left out", "mysql-to-postgres", "specific.source.connectionConfiguration.password", nil},
		{"a field that the policy does not know", "mysql-to-postgres", "specific.source.connectionConfiguration.new_field", 7},
		{"a number as a text", "mysql-to-postgres", "specific.source.connectionConfiguration.port", "3306"},
		{"a snapshot's version", "mysql-to-postgres", "version", "0.3.0-SNAPSHOT-4"},
		{"no schedule", "mysql-to-postgres", "specific.connection.schedule", nil},
		{"an unusual key of a component", "mysql-to-postgres", "consumable", true},
		{"a connection to take over", "mysql-to-postgres", "specific.adopt", map[string]any{"connectionId": "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			c := component(t, root+"/examples/"+test.example+".yaml")
			if err := policy(t, set(t, c, test.path, test.value)); err != nil {
				t.Error(errors.Details(err, nil))
			}
		})
	}
}

func TestPolicyRefuses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason, example, path string
		value                 any
		want                  string
	}{
		{"no workload", "descriptor", "kind", "storage", "kind"},
		{"no version", "descriptor", "version", "latest", "version"},
		{"no source", "descriptor", "specific.source", nil, "specific.source"},
		{"a source without a name", "descriptor", "specific.source.name", " ", "specific.source.name"},
		{"a source that the default connector cannot read", "descriptor", "specific.source.connectionConfiguration", map[string]any{}, "connectionConfiguration.dataset_name"},
		{"a connector that nobody allowed", "mysql-to-postgres", "specific.source.connector", "source-mongodb-v2", "specific.source.connector"},
		{"a destination as a source", "mysql-to-postgres", "specific.source.connector", "destination-postgres", "specific.source.connector"},
		{"a name that only begins right", "mysql-to-postgres", "specific.source.connector", "source-mysql-evil", "specific.source.connector"},
		{"a definition id that is none", "custom-connector", "specific.source.definitionId", "latest", "specific.source.definitionId"},
		{"a mandatory field is missing", "mysql-to-postgres", "specific.source.connectionConfiguration.host", nil, "connectionConfiguration.host"},
		{"a password in the descriptor", "mysql-to-postgres", "specific.source.connectionConfiguration.password", "hunter2", "connectionConfiguration.password"},
		{"a password behind a reference", "mysql-to-postgres", "specific.source.connectionConfiguration.password", "${secret:A}hunter2", "connectionConfiguration.password"},
		{"a password in a mandatory field", "mssql-to-s3", "specific.source.connectionConfiguration.password", "hunter2", "connectionConfiguration.password"},
		{"a key within a group", "mysql-to-postgres", "specific.source.connectionConfiguration.tunnel_method.ssh_key", "-----BEGIN", "tunnel_method"},
		{"a key of a bucket", "mssql-to-s3", "specific.destination.connectionConfiguration.secret_access_key", "hunter2", "connectionConfiguration.secret_access_key"},
		{"Snowflake's password", "descriptor", "specific.destination.connectionConfiguration.credentials", map[string]any{"password": "hunter2"}, "connectionConfiguration.credentials"},
		{"a connection without a name", "descriptor", "specific.connection.name", "", "specific.connection.name"},
		{"a schedule of no kind", "descriptor", "specific.connection.schedule", map[string]any{"type": "often"}, "connection.schedule"},
		{"a schedule without its unit", "descriptor", "specific.connection.schedule", map[string]any{"type": "basic", "units": 6}, "connection.schedule"},
		{"a cron schedule without its times", "descriptor", "specific.connection.schedule", map[string]any{"type": "cron"}, "connection.schedule"},
		{"a misspelt key of the connection", "descriptor", "specific.connection.shedule", map[string]any{"type": "manual"}, "connection.shedule"},
		{"a stream without a name", "descriptor", "specific.connection.streams", []any{map[string]any{"syncMode": "incremental"}}, "connection.streams"},
		{"a way to write that is none", "descriptor", "specific.connection.streams", []any{map[string]any{"name": "a", "destinationSyncMode": "merge"}}, "connection.streams"},
		{"a format of namespaces that is missing", "descriptor", "specific.connection.namespaceDefinition", "customformat", "connection.namespaceFormat"},
		{"an unknown key beside source", "descriptor", "specific.sources", map[string]any{}, "specific.sources"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			c := component(t, root+"/examples/"+test.example+".yaml")
			err := policy(t, set(t, c, test.path, test.value))
			if err == nil || !strings.Contains(errors.Details(err, nil), test.want) {
				t.Errorf("got %v, want an error about %s", errors.Details(err, nil), test.want)
			}
		})
	}
}
