// Package airbytesim is a simulated Airbyte server: the Configuration API over
// HTTP, stricter and ruder than the real one, for tests, for local work and for
// the embedded mode. It shares nothing with the Airbyte client of this module,
// so that the two cannot make the same mistake.
package airbytesim
