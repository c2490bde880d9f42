//go:build unix

package airbyte

import (
	"errors"
	"syscall"
)

// nothingToRead tells whether a socket, which never blocks, is open and has nothing to be read.
func nothingToRead(socket uintptr) bool {
	var one [1]byte
	_, err := syscall.Read(int(socket), one[:])
	return errors.Is(err, syscall.EAGAIN)
}
