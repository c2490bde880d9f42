package workload

import (
	"errors"
	"fmt"
	"io"
	"testing"
)

// TestTheLogTellsTheCause and nobody else does.
func TestTheLogTellsTheCause(t *testing.T) {
	t.Parallel()
	refused := errors.New("connection refused")
	for name, c := range map[string]struct {
		cause error
		want  string
	}{
		"none":                   {nil, "It failed."},
		"a plain one":            {refused, "It failed. Cause: connection refused"},
		"one that names its own": {fmt.Errorf("dial: %w", refused), "It failed. Cause: dial: connection refused"},
		"a failure with another": {(&Failure{Message: "Redis is away."}).Because(refused), "It failed. Cause: Redis is away. Cause: connection refused"},
		"the same failure again": {(&Failure{Message: "It failed."}).Because(io.EOF), "It failed. Cause: EOF"},
		"one that wraps many":    {errors.Join(refused, io.EOF), "It failed. Cause: connection refused\nEOF"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := (&Failure{Message: "It failed."}).Because(c.cause)
			if got := f.LogValue().String(); got != c.want {
				t.Errorf("the log has %q, want %q", got, c.want)
			}
			if f.Error() != "It failed." || f.Text() != "It failed." {
				t.Errorf("people are told %q and %q", f.Error(), f.Text())
			}
		})
	}
}
