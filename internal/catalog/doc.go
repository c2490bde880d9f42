// Package catalog knows connectors: which one a descriptor means, what its
// configuration must look like, which values it gets beside the descriptor's,
// and which of its fields hold secrets.
//
// A connector is one YAML file (connectors/NAME.yaml, embedded, or a file in
// the operator's directory). None is needed: without one the connector's own
// specification, which the worker reads from Airbyte, says it all.
//
// # A connector's file
//
// NAME.yaml holds, of which only name and kind are required:
//
//	name: source-postgres           # as the file's name; begins with its kind
//	kind: source                    # or destination
//	definitionId: UUID              # without it the workspace is searched for the name
//	title, help: texts for people
//	schema: {...}                   # JSON Schema with airbyte_secret; checked in the API
//	defaults: {port: 5432}          # where the descriptor is silent; "" counts as silent
//	derived: {schema: EXPRESSION}   # expr-lang; see below
//	provided:                       # wins over the descriptor; the first complete entry of a field counts
//	  - {field: host, value: "${setting:SNOWFLAKE_HOST}"}
//	  - {field: password, value: "${secret:NAME}", onlyWith: host}   # the operator's own reference, for the operator's host alone
//	    onlyBeside:                 # refused beside anything else in these fields
//	      jdbc_url_params: {pattern: "(connectTimeout=[0-9]+)?", expected: nothing but connectTimeout=SECONDS}
//	forbidden: {field: reason}      # a descriptor that sets it is refused
//	dropped: {field: reason}        # taken out, with a warning
//	example: {...}                  # a connectionConfiguration to start from
//
// Fields are dot paths. An expression sees value (what the field holds, nil if
// absent or empty), config, dataProduct (id, name, domain, version) and component
// (id, environment), has the functions of expr-lang and slug(text), and leaves the
// field alone when it gives nil. It must end soon and give equal results for equal
// inputs, so there are neither ranges nor loops within loops, nor now().
// ${setting:NAME?} may be unset; a contentMediaType of application/json lets a
// mapping stand for the JSON text that a field wants.
//
// # The way of a configuration
//
// In the API, Accept coerces the descriptor's connectionConfiguration with the
// catalogue's schema, refuses or seals literal secrets, and checks what it can. Where
// it seals, it does so with every text of which the catalogue does not know whether it
// is a secret: the connector's own specification tells later.
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
