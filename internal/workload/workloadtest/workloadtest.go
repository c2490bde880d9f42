// Package workloadtest helps tests of those who carry out work. It imports
// workload alone.
package workloadtest

import (
	"errors"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"
)

// Attempt is the first attempt at the operation of a token. It logs to the test and is never lost.
func Attempt(t *testing.T, token string) workload.Attempt {
	return workload.Attempt{
		Token: token, Number: 1,
		Log:   func(level workload.Level, _ workload.Phase, message string) { t.Logf("%s %s", level, message) },
		Holds: func() error { return nil },
	}
}

// Failure is the error as a failure of an expected code, which tells people what happened and what to do.
func Failure(t *testing.T, err error, code workload.Code) *workload.Failure {
	t.Helper()
	var f *workload.Failure
	if !errors.As(err, &f) {
		t.Fatalf("the error is no failure: %v", err)
	}
	if f.Code != code {
		t.Fatalf("the failure has code %s, want %s: %s", f.Code, code, f.Text())
	}
	if f.Message == "" || len(f.Solutions) == 0 {
		t.Errorf("a failure must say what happened and what to do: %+v", f)
	}
	return f
}

// Mentions fails where a text lacks one of the wanted ones.
func Mentions(t *testing.T, text string, wanted ...string) {
	t.Helper()
	for _, w := range wanted {
		if !strings.Contains(text, w) {
			t.Errorf("%q does not mention %q", text, w)
		}
	}
}
