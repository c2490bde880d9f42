// Package e2e tests the real programs: api, worker, airbytesim and
// provisionctl as processes of their own, on a real redis-server. It holds
// tests and what they share, and nothing that a program uses.
package e2e
