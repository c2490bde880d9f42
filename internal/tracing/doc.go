// Package tracing makes the spans of one trace: from a request at the API,
// through the queue in the headers of its task, over each attempt of a worker,
// to each HTTP call to Airbyte. Without an exporter nothing is made, and every
// method does nothing.
//
// # Trace ids
//
// The contract has a traceId header of its own. Where it can be a W3C trace id
// (32 hexadecimal digits, or a UUID), and no W3C trace runs already, the trace
// gets that id: then log lines, operations and traces are found by the same one.
//
// The package imports nothing else of this module.
package tracing
