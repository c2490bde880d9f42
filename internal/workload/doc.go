// Package workload is the vocabulary that every other package speaks: which
// component an operation is about, what is wanted of Airbyte, which states an
// operation goes through, and how a failure is told to people.
//
// It does no I/O and imports nothing else of this module.
package workload
