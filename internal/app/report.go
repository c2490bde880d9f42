package app

import (
	"errors"
	"fmt"
	"io"

	"airbyte-provisioner/internal/config"
)

// The exit codes of the programs, beside 0.
const (
	exitFailed = 1
	exitUsage  = 2
)

// Report tells why a program ended and returns its exit code: 0 without an
// error, 2 if its settings cannot work, else 1.
func Report(stderr io.Writer, program string, err error) int {
	var settings *config.Error
	switch {
	case err == nil:
		return 0
	case errors.As(err, &settings):
		fmt.Fprintln(stderr, err)
		return exitUsage
	}
	fmt.Fprintln(stderr, program+":", err)
	return exitFailed
}
