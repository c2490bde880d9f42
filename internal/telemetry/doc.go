// Package telemetry is how the programs are seen from outside: the logger, the
// metrics and the version. All are built once and passed in; packages that
// report something get a function or a method of [Metrics] and need not import
// this one.
//
// The package imports nothing else of this module.
package telemetry
