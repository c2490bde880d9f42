//go:build !unix

package airbyte

// Elsewhere that cannot be told, and each call has a connection of its own.
func nothingToRead(uintptr) bool { return false }
