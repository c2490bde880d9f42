package reverse

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"airbyte-provisioner/internal/workload/workloadtest"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/reconcile"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"gopkg.in/yaml.v3"
)

// examples are entities as people make them by hand.
func examples() map[string]made {
	postgres := func(more map[string]any) airbyte.Actor {
		configuration := map[string]any{
			"host": "db.acme.com", "port": 5432, "database": "orders", "username": "reader", "password": "geheim-pg",
			"schemas": []any{"public", "sales"}, "replication_method": map[string]any{"method": "Standard"},
			"jdbc_url_params": "sslmode=require&sslpassword=geheim-jdbc",
			"tunnel_method":   map[string]any{"tunnel_method": "NO_TUNNEL"},
		}
		maps.Copy(configuration, more)
		return airbyte.Actor{Name: "Orders database", DefinitionID: postgresID, Configuration: configuration}
	}
	snowflake := airbyte.Actor{Name: "Warehouse", DefinitionID: snowflakeID, Configuration: map[string]any{
		"host": "acme.eu.snowflakecomputing.com", "role": "LOADER", "warehouse": "WH", "database": "SALES", "schema": "ORDERS_1", "username": "loader",
		"credentials": map[string]any{"auth_type": "Key Pair Authentication", "private_key": "geheim-key", "private_key_password": "geheim-pass"},
	}}
	nowhere := airbyte.Actor{Name: "Nowhere", DefinitionID: devNullID, Configuration: silent()}
	file := func(more map[string]any) airbyte.Actor {
		configuration := map[string]any{
			"dataset_name": "places", "format": "csv", "url": "https://example.com/places.csv",
			"provider": map[string]any{"storage": "HTTPS", "user_agent": false}, "reader_options": `{"sep": ";"}`,
		}
		maps.Copy(configuration, more)
		return airbyte.Actor{Name: "finance.cashflow.1.File", DefinitionID: fileID, Configuration: configuration}
	}
	return map[string]made{
		"a file into Snowflake": {source: file(nil), destination: snowflake, name: "finance.cashflow.1.File <> Snowflake"},
		"a file behind a password": {
			source:      file(map[string]any{"url": "https://user:geheim-url@example.com/places.csv"}),
			destination: nowhere,
		},
		"a file in a bucket": {
			source: file(map[string]any{
				"url":      "s3://bucket/places.csv",
				"provider": map[string]any{"storage": "S3", "aws_access_key_id": "AKIA1234", "aws_secret_access_key": "geheim-aws"},
			}),
			destination: nowhere,
		},
		"a database with chosen streams": {
			source: postgres(nil), destination: snowflake,
			change: func(c *airbyte.ConnectionCreate) {
				c.ScheduleType, c.ScheduleData = "cron", &airbyte.ScheduleData{Cron: &airbyte.CronSchedule{Expression: "0 0 3 * * ?", TimeZone: "UTC"}}
				c.NamespaceDefinition, c.NamespaceFormat, c.Prefix = "customformat", "raw_${SOURCE_NAMESPACE}", "x_"
				c.NonBreakingChanges = "propagate_columns"
				c.Catalog.Streams = slices.DeleteFunc(c.Catalog.Streams, func(s airbyte.ConfiguredStream) bool { return s.Stream.Name == "audit_log" })
				for i := range c.Catalog.Streams {
					s := &c.Catalog.Streams[i]
					s.Config = airbyte.StreamConfig{SyncMode: "full_refresh", DestinationSyncMode: "overwrite", Selected: true, PrimaryKey: s.Stream.SourceDefinedPrimaryKey}
					if s.Stream.Name == "orders" {
						enabled := true
						s.Config = airbyte.StreamConfig{
							SyncMode: "incremental", DestinationSyncMode: "append_dedup", Selected: true,
							CursorField: []string{"updated_at"}, PrimaryKey: [][]string{{"id"}}, FieldSelectionEnabled: &enabled,
							SelectedFields: []airbyte.SelectedField{{FieldPath: []string{"updated_at"}}, {FieldPath: []string{"id"}}},
						}
					}
				}
			},
		},
		"a database with change data capture": {
			source: postgres(map[string]any{"replication_method": map[string]any{
				"method": "CDC", "replication_slot": "slot", "publication": "pub",
			}, "schemas": []any{"public"}}),
			destination: airbyte.Actor{Name: "Copy", DefinitionID: pgTargetID, Configuration: map[string]any{
				"host": "copy.acme.com", "port": 5432, "database": "copy", "schema": "public", "username": "writer", "password": "geheim-copy",
			}},
			change: func(c *airbyte.ConnectionCreate) {
				c.Status, c.NamespaceDefinition = "inactive", "destination"
				c.Prefix = ""
			},
		},
		"a key that people chose": {
			source: postgres(map[string]any{"schemas": []any{"public"}}), destination: nowhere,
			change: func(c *airbyte.ConnectionCreate) {
				c.ScheduleType, c.ScheduleData = "basic", &airbyte.ScheduleData{Basic: &airbyte.BasicSchedule{TimeUnit: "hours", Units: 6}}
				c.Catalog.Streams = slices.DeleteFunc(c.Catalog.Streams, func(s airbyte.ConfiguredStream) bool { return s.Stream.Name != "audit_log" })
				c.Catalog.Streams[0].Config = airbyte.StreamConfig{
					SyncMode: "incremental", DestinationSyncMode: "append_dedup", Selected: true,
					CursorField: []string{"updated_at"}, PrimaryKey: [][]string{{"name"}, {"id"}},
				}
			},
		},
		"a database behind a tunnel": {
			source: airbyte.Actor{Name: "Shop", DefinitionID: mysqlID, Configuration: map[string]any{
				"host": "shop.acme.com", "port": 3306, "database": "shop", "username": "reader", "password": "geheim-mysql",
				"replication_method": map[string]any{"method": "STANDARD"},
				"tunnel_method": map[string]any{
					"tunnel_method": "SSH_KEY_AUTH", "tunnel_host": "bastion.acme.com", "tunnel_port": 22, "tunnel_user": "jump", "ssh_key": "geheim-ssh",
				},
			}},
			destination: nowhere,
		},
		"a bucket into a bucket": {
			source: airbyte.Actor{Name: "Lake", DefinitionID: bucketID, Configuration: map[string]any{
				"bucket": "lake", "aws_access_key_id": "geheim-id", "aws_secret_access_key": "geheim-s3", "region_name": "eu-central-1",
				"streams": []any{
					map[string]any{"name": "events", "globs": []any{"**"}, "format": map[string]any{"filetype": "jsonl"}},
					map[string]any{"name": "users", "globs": []any{"users/*"}, "format": map[string]any{"filetype": "parquet"}},
				},
			}},
			destination: airbyte.Actor{Name: "Archive", DefinitionID: s3TargetID, Configuration: map[string]any{
				"s3_bucket_name": "archive", "s3_bucket_path": "raw", "s3_bucket_region": "eu-central-1",
				"access_key_id": "geheim-id-2", "secret_access_key": "geheim-s3-2",
				"format": map[string]any{"format_type": "JSONL", "compression": map[string]any{"compression_type": "GZIP"}, "flattening": "No flattening"},
			}},
		},
		"a faker, as its defaults are": {
			source:      airbyte.Actor{Name: "Faker", DefinitionID: fakerID, Configuration: map[string]any{"count": 1000, "seed": -1}},
			destination: nowhere,
		},
	}
}

// Provisioning what was read back changes nothing but the names of source and destination.
func TestReverseThenProvision(t *testing.T) {
	t.Parallel()
	for name, example := range examples() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			h := newHouse(t)
			h.connectorName, h.completed = connectorName(connectors(t)), completed(connectors(t))
			id := h.make(example)
			before := h.sim.Contents()
			h.noSecrets(id)

			specific, secrets := h.readBack(id, example)
			reconciler := h.reconciler(secrets)
			work := h.describe(specific)
			if _, err := reconciler.Provision().Perform(t.Context(), work, workloadtest.Attempt(t, uuid.NewString())); err != nil {
				t.Fatalf("provision what was read back: %v", workload.AsFailure(err).Text())
			}
			after := h.sim.Contents()
			digest := " [wb-" + work.Component.Digest() + "]"
			for _, pair := range [][2]*airbytesim.Actor{{&before.Sources[0], &after.Sources[0]}, {&before.Destinations[0], &after.Destinations[0]}} {
				pair[0].Name += digest
				pair[0].Updates, pair[1].Updates = 0, 0
			}
			options := cmp.FilterPath(func(p cmp.Path) bool {
				return strings.HasPrefix(p.Last().String(), ".number") || strings.HasPrefix(p.Last().String(), ".lowerName")
			}, cmp.Ignore())
			if diff := cmp.Diff(before.Sources, after.Sources, options); diff != "" {
				t.Errorf("sources (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(before.Destinations, after.Destinations, options); diff != "" {
				t.Errorf("destinations (-before +after):\n%s", diff)
			}
			if diff := cmp.Diff(before.Connections, after.Connections); diff != "" {
				t.Errorf("connections (-before +after):\n%s", diff)
			}

			plan, err := reconciler.Preview(t.Context(), work, workloadtest.Attempt(t, uuid.NewString()))
			if err != nil || !plan.Empty() {
				t.Errorf("the plan afterwards is not empty: %v, %v", plan, err)
			}
			h.sim.ClearCalls()
			again, err := h.reverse("dev", map[string]any{"connectionId": id}, map[string]any{"spec": map[string]any{"mesh": map[string]any{"specific": specific}}})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(specific, apply(t, specific, again.Updates)); diff != "" {
				t.Errorf("reading back what was provisioned changes catalog-info.yaml (-before +after):\n%s", diff)
			}
		})
	}
}

// noSecrets fails where the answer holds a secret of the example.
func (h *house) noSecrets(id string) {
	h.t.Helper()
	out := h.must(map[string]any{"connectionId": id}, nil)
	if strings.Contains(out.Message, "will change") {
		h.t.Errorf("provisioning is not said to change anything: %s", out.Message)
	}
	raw, err := json.Marshal(out)
	if err != nil {
		h.t.Fatal(err)
	}
	if strings.Contains(string(raw), "geheim") || strings.Contains(string(raw), "*****") {
		h.t.Errorf("the answer holds a secret: %s", raw)
	}
}

// readBack is the specific block after the updates, and the secrets that its place-holders stand for.
func (h *house) readBack(id string, example made) (specific map[string]any, secrets map[string]string) {
	h.t.Helper()
	out := h.must(map[string]any{"connectionId": id}, nil)
	specific = apply(h.t, map[string]any{}, out.Updates)
	secrets = map[string]string{}
	values := map[string]any{}
	walk("source.connectionConfiguration", plainJSON(h.t, example.source.Configuration), func(path string, value any) { values[path] = value })
	walk("destination.connectionConfiguration", plainJSON(h.t, example.destination.Configuration), func(path string, value any) { values[path] = value })
	walk("", specific, func(path string, value any) {
		if placeholder, ok := value.(string); ok && reference.MatchString(placeholder) {
			secrets[strings.TrimSuffix(strings.TrimPrefix(placeholder, "${secret:"), "}")] = fmt.Sprint(values[strings.TrimPrefix(path, ".")])
		}
	})
	return specific, secrets
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

// apply writes updates into a copy of a specific block, as Witboost does.
func apply(t *testing.T, specific, updates map[string]any) map[string]any {
	t.Helper()
	result := plainJSON(t, specific)
	for path, value := range plainJSON(t, updates) {
		keys := strings.Split(strings.TrimPrefix(path, root), ".")
		at := result
		for _, key := range keys[:len(keys)-1] {
			if _, ok := at[key].(map[string]any); !ok {
				at[key] = map[string]any{}
			}
			at, _ = at[key].(map[string]any)
		}
		at[keys[len(keys)-1]] = value
	}
	return result
}

// describe is the work of a descriptor with the specific block.
func (h *house) describe(specific map[string]any) workload.Work {
	h.t.Helper()
	raw, err := yaml.Marshal(map[string]any{
		"dataProduct": map[string]any{
			"id": "urn:dmb:dp:finance:cashflow:1", "name": "Cash Flow", "domain": "finance", "version": "1.2.0", "environment": "dev",
			"components": []any{map[string]any{"id": "urn:dmb:cmp:finance:cashflow:1:orders", "name": "Orders", "kind": "workload", "specific": specific}},
		},
		"componentIdToProvision": "urn:dmb:cmp:finance:cashflow:1:orders",
	})
	if err != nil {
		h.t.Fatal(err)
	}
	work, failure := descriptor.Parse(descriptor.Request{
		Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: string(raw),
	}, connectors(h.t))
	if failure != nil {
		h.t.Fatalf("the descriptor with what was read back is refused: %s\n%s", failure.Text(), raw)
	}
	return work
}

func (h *house) reconciler(secrets map[string]string) *reconcile.Reconciler {
	h.t.Helper()
	store, err := catalog.NewSecretStore(catalog.SecretOptions{Lookup: func(name string) (string, bool) {
		value, ok := secrets[name]
		return value, ok
	}})
	if err != nil {
		h.t.Fatal(err)
	}
	r, err := reconcile.New(reconcile.Options{
		Client: h.client, Catalog: connectors(h.t), Secrets: store, Memory: memory{}, Workspace: workspaceID,
		FingerprintKey: []byte("key"),
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return r
}

// completed is Options.Completed with the product's catalogue.
func completed(connectors *catalog.Catalog) func(context.Context, airbyte.ActorKind, workload.Actor, json.RawMessage) (map[string]any, error) {
	return func(ctx context.Context, kind airbyte.ActorKind, actor workload.Actor, spec json.RawMessage) (map[string]any, error) {
		specification, err := catalog.ParseSpecification(spec)
		if err != nil {
			return nil, err
		}
		final, failure := connectors.Configuration(ctx, catalog.Input{
			Role: catalog.Role(kind), Actor: actor, Secrets: unresolved{},
			DataProduct: workload.DataProduct{Name: "unknown", Domain: "unknown", Version: "0"},
		}, specification)
		if failure != nil {
			return nil, failure
		}
		return final.Configuration, nil
	}
}

// unresolved leaves place-holders as they are.
type unresolved struct{}

func (unresolved) Resolve(_ context.Context, name string, _ catalog.SecretUser) (string, error) {
	return "${secret:" + name + "}", nil
}

// What the catalogue decides by itself is told, since the next plan will hold it.
func TestForesight(t *testing.T) {
	t.Parallel()
	h := newHouse(t)
	h.connectorName = connectorName(connectors(t))
	h.completed = completed(connectors(t))
	id := h.make(made{
		source: airbyte.Actor{Name: "File", DefinitionID: fileID, Configuration: map[string]any{
			"dataset_name": "places", "format": "csv", "url": "https://example.com/places.csv", "provider": map[string]any{"storage": "HTTPS"},
		}},
		destination: airbyte.Actor{Name: "Warehouse", DefinitionID: snowflakeID, Configuration: map[string]any{
			"host": "acme.eu.snowflakecomputing.com", "role": "LOADER", "warehouse": "WH", "database": "sales", "schema": "ORDERS_1", "username": "loader",
			"credentials": map[string]any{"auth_type": "Username and Password", "password": "geheim"},
		}},
	})
	out := h.must(map[string]any{"connectionId": id}, nil)
	workloadtest.Mentions(t, out.Message,
		"will change source.connectionConfiguration.reader_options,", "will change destination.connectionConfiguration.database,")
}
