// Package catalog knows connectors: which one a descriptor means, what its
// configuration must look like, which values it gets beside the descriptor's,
// and which of its fields hold secrets.
//
// A connector is one YAML file (connectors/NAME.yaml, embedded, or a file in
// the operator's directory). None is needed: without one the connector's own
// specification, which the worker reads from Airbyte, says it all.
//
// # The way of a configuration
//
// In the API, Accept coerces the descriptor's connectionConfiguration with the
// catalogue's schema, refuses or seals literal secrets, and checks what it can.
// In the worker, Configuration coerces again with the real specification, adds
// defaults, settings and derived values, resolves ${secret:NAME}, and checks
// the result. Both use the same code for coercion, checks and messages.
//
// A configuration holds string, bool, json.Number, []any and map[string]any
// only. Who decodes one from JSON must keep numbers as json.Number, since a
// float64 forgets how a number was written.
//
// It may import workload only.
package catalog
