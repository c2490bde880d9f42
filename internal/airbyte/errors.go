package airbyte

import (
	"context"
	"errors"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// Class is the sort of outcome of a call; the set is closed, so it can be a metric's label.
type Class string

// The classes.
const (
	ClassOK           Class = "ok"
	ClassNetwork      Class = "network"      // no answer; retryable
	ClassTimeout      Class = "timeout"      // no answer in time, or 408; retryable
	ClassCanceled     Class = "canceled"     // the caller gave up
	ClassRateLimited  Class = "rate_limited" // 425, 429; retryable
	ClassServer       Class = "server"       // 5xx; retryable
	ClassLocked       Class = "locked"       // the connection is locked; retryable
	ClassMalformed    Class = "malformed"    // a 2xx that lacks what it must hold; retryable
	ClassTooLarge     Class = "too_large"    // the answer is over the limit
	ClassInvalid      Class = "invalid"      // 400, 422 and other 4xx
	ClassUnauthorized Class = "unauthorized" // the credentials are not accepted
	ClassForbidden    Class = "forbidden"    // 403
	ClassNotFound     Class = "not_found"    // 404
	ClassConflict     Class = "conflict"     // 409 other than locked
	ClassRedirect     Class = "redirect"     // 3xx: the base URL is wrong
	ClassJobFailed    Class = "job_failed"   // 200, but the check or discovery failed: see JobFailure
	ClassInternal     Class = "internal"     // the request could not be built
)

// Error is a call that failed. Its text is safe to show; what it wraps is for logs.
type Error struct {
	Operation string // the API's path, such as "sources/create"
	Status    int    // HTTP status; 0 without an answer
	Class     Class
	// Message is why, in Airbyte's own words where it gave any; without the
	// connector schema or stack traces that it may append. May be empty.
	Message string
	// Type is the problem type of newer servers, such as "error:connection/locked".
	Type string
	// ErrorID is the id under which Airbyte logged an opaque error.
	ErrorID string
	// Retryable says whether trying again may help.
	Retryable bool
	// RetryAfter is the least wait that the server asked for; 0 when it asked for none.
	RetryAfter time.Duration
	cause      error
}

// Error renders the whole error for people.
func (e *Error) Error() string {
	var b strings.Builder
	if e.Status == 0 {
		b.WriteString("Airbyte gave no answer to " + e.Operation)
	} else {
		b.WriteString("Airbyte answered " + e.Operation + " with " + statusText(e.Status))
	}
	if e.Message != "" {
		b.WriteString(": " + e.Message)
	}
	if e.ErrorID != "" {
		b.WriteString(" (Airbyte's error id " + e.ErrorID + ")")
	}
	return b.String()
}

// Unwrap returns the cause, if there is one besides the answer.
func (e *Error) Unwrap() error { return e.cause }

func statusText(status int) string {
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// NotFound reports whether err says that Airbyte does not know the id (404).
func NotFound(err error) bool { return hasClass(err, ClassNotFound) }

// Conflict reports whether err says that the call meets a state that forbids it
// (409), such as a sync of a connection that runs already; a lock is none.
func Conflict(err error) bool { return hasClass(err, ClassConflict) }

// Forbidden reports whether err says that the credentials may not do that (403).
func Forbidden(err error) bool { return hasClass(err, ClassForbidden) }

func hasClass(err error, class Class) bool {
	var e *Error
	return errors.As(err, &e) && e.Class == class
}

// classOf is the class under which a call's outcome is counted.
func classOf(err error) Class {
	var e *Error
	var failure *JobFailure
	switch {
	case err == nil:
		return ClassOK
	case errors.As(err, &e):
		return e.Class
	case errors.As(err, &failure):
		return ClassJobFailed
	}
	return ClassInternal
}

// failed turns the lack of an answer into an error. The caller's own cancelling
// is not retryable; a deadline, whoever set it, is.
func (c *connector) failed(ctx context.Context, operation string, cause error) *Error {
	e := &Error{Operation: operation, Class: ClassNetwork, Retryable: true, cause: cause}
	var netError net.Error
	switch {
	case errors.Is(ctx.Err(), context.Canceled):
		e.Class, e.Retryable, e.Message = ClassCanceled, false, "the call was cancelled"
		e.cause = ctx.Err()
	case ctx.Err() != nil:
		e.Class, e.Message, e.cause = ClassTimeout, "the time for this work is over", ctx.Err()
	case errors.Is(cause, context.DeadlineExceeded), errors.As(cause, &netError) && netError.Timeout():
		e.Class, e.Message = ClassTimeout, "timed out"
	default:
		e.Message = c.clean(cause.Error())
	}
	return e
}

// refused turns an answer other than 2xx into an error.
func (c *connector) refused(operation string, response *http.Response, raw []byte) *Error {
	told := readErrorBody(response.Header.Get("Content-Type"), raw)
	e := &Error{
		Operation: operation,
		Status:    response.StatusCode,
		Message:   c.clean(told.message),
		Type:      told.kind,
		ErrorID:   told.errorID,
	}
	e.Class, e.Retryable = classify(response.StatusCode, told)
	if e.Retryable {
		e.RetryAfter = retryAfter(response.Header.Get("Retry-After"), c.options.Now())
	}
	if e.Class == ClassUnauthorized {
		e.Message = joined(c.options.Auth.advice(), e.Message)
	}
	if e.Class == ClassRedirect {
		e.Message = "redirected; check the base URL of Airbyte, its scheme and its path"
	}
	return e
}

// classify decides once whether a status may get better by itself.
func classify(status int, told errorBody) (class Class, retryable bool) {
	switch {
	case status == http.StatusRequestTimeout:
		return ClassTimeout, true
	case status == http.StatusTooManyRequests, status == http.StatusTooEarly:
		return ClassRateLimited, true
	case status == http.StatusLocked, status == http.StatusConflict && told.locked():
		return ClassLocked, true
	case status >= 500:
		return ClassServer, true
	case status == http.StatusUnauthorized:
		return ClassUnauthorized, false
	case status == http.StatusForbidden:
		return ClassForbidden, false
	case status == http.StatusNotFound:
		return ClassNotFound, false
	case status == http.StatusConflict:
		return ClassConflict, false
	case status >= 300 && status < 400:
		return ClassRedirect, false
	}
	return ClassInvalid, false
}

// maxRetryAfter bounds what a server may ask for: a nonsense value must not park work for days.
const maxRetryAfter = 15 * time.Minute

// retryAfter reads a Retry-After header: seconds or an HTTP date.
func retryAfter(value string, now time.Time) time.Duration {
	value = strings.TrimSpace(value)
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		if !(seconds > 0) {
			return 0
		}
		return time.Duration(min(seconds, maxRetryAfter.Seconds()) * float64(time.Second))
	}
	date, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return max(0, min(date.Sub(now), maxRetryAfter))
}
