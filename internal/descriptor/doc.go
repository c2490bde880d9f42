// Package descriptor turns the YAML text of a component descriptor into the
// workload that it wants, or into every problem that it has.
//
// The text is untrusted: its size, nesting and aliases are bounded before
// anything is built from it. It is parsed once, into yaml nodes, and only the
// parts that the operation needs are read; the rest of the data product is
// looked through for duplicate keys alone.
//
// # Scalars
//
// A scalar keeps the text that its author wrote until the connector's
// specification says what it should be (catalog.Specification.Coerce): a plain
// number becomes a json.Number with that text (1.10 stays 1.10), a number that
// JSON cannot write (007, 0x1F, .inf) stays text, true and false are booleans,
// other spellings (True, yes, on) stay text, timestamps are text, and nulls
// are absent, in lists too.
//
// It may import workload and catalog.
package descriptor
