package workload

import (
	"errors"
	"log/slog"
	"strings"
	"time"
)

// Code says what sort of failure it is. The set is closed; each front end has
// one table from codes to its own answers.
type Code string

// The failure codes.
const (
	CodeInvalid      Code = "invalid"       // the request or its descriptor is wrong
	CodeTooLarge     Code = "too_large"     // the request is over a size limit
	CodeUnknownToken Code = "unknown_token" // no such operation, or it has expired
	CodeUnsupported  Code = "unsupported"   // this product or this Airbyte edition cannot do it
	CodeUnavailable  Code = "unavailable"   // Redis or Airbyte cannot be reached or is overloaded
	CodeRefused      Code = "refused"       // Airbyte refused a call for good
	CodeCheck        Code = "check_failed"  // a connection check or a discovery failed
	CodeConflict     Code = "conflict"      // an entity belongs to somebody else or is locked
	CodeSecret       Code = "secret"        // a secret is missing or forbidden
	CodeRemoved      Code = "removed"       // an operator removed the task
	CodeExhausted    Code = "exhausted"     // the last attempt failed
	CodeTerminated   Code = "terminated"    // a termination was asked for
	CodeInternal     Code = "internal"      // a fault of this product
)

// Problem is one thing that is wrong with an input.
type Problem struct {
	Path    string `json:"path,omitempty"` // the field, in dot format from the root of the descriptor, or of its component where a worker has no more than that
	Message string `json:"message"`        // what is wrong and what is expected there
}

// String renders the problem for people.
func (p Problem) String() string {
	if p.Path == "" {
		return p.Message
	}
	return p.Path + ": " + p.Message
}

// Failure is an error that can be shown to people. Everything in it but the
// cause is safe to print, store and answer; the cause is for the log only.
type Failure struct { //nolint:errname // Witboost and its people call it a failure; it is an error by the way
	Code      Code      `json:"code"`
	Phase     Phase     `json:"phase,omitempty"`
	Message   string    `json:"message"` // what failed, one sentence
	Problems  []Problem `json:"problems,omitempty"`
	Solutions []string  `json:"solutions,omitempty"` // what the reader can do
	// Retry says whether trying again may help; decided where the fault was seen.
	Retry bool `json:"retry,omitempty"`
	// RetryAfter is the least wait that the other side asked for.
	RetryAfter time.Duration `json:"-"`
	cause      error
}

// Error is the safe message, without the cause.
func (f *Failure) Error() string { return f.Message }

// Unwrap returns the cause.
func (f *Failure) Unwrap() error { return f.cause }

// Because returns the failure with a cause attached.
func (f *Failure) Because(cause error) *Failure {
	f.cause = cause
	return f
}

// LogValue is the message and what is known of its cause, so that a log line
// tells why. It implements slog.LogValuer.
func (f *Failure) LogValue() slog.Value {
	text := f.Message
	for cause := f.cause; cause != nil; cause = errors.Unwrap(cause) {
		if told := cause.Error(); !strings.Contains(text, told) {
			text += " Cause: " + told
		}
	}
	return slog.StringValue(text)
}

// Text is the whole failure as one text: message, problems, solutions.
func (f *Failure) Text() string {
	var b strings.Builder
	b.WriteString(f.Message)
	for _, p := range f.Problems {
		b.WriteString("\n- " + p.String())
	}
	for _, s := range f.Solutions {
		b.WriteString("\nWhat to do: " + s)
	}
	return b.String()
}

// AsFailure finds the Failure in err's chain. An error without one is a fault
// of this product: its text may hold anything, so only the log may show it.
func AsFailure(err error) *Failure {
	var f *Failure
	if errors.As(err, &f) {
		return f
	}
	return (&Failure{
		Code:      CodeInternal,
		Message:   "An internal error stopped the operation.",
		Solutions: []string{"Ask the operators of the Airbyte provisioner to look up this operation's token in their logs."},
	}).Because(err)
}
