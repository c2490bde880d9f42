package httpapi

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/workload"
)

// statuses is the one table from failure codes to HTTP. Below 500 the body is a
// RequestValidationError, from there on a SystemError. The contract knows
// neither 404, 409, 410 nor 503 for an operation: what the caller can mend is a
// 400, all else a 500.
var statuses = map[workload.Code]int{
	workload.CodeInvalid:      http.StatusBadRequest,
	workload.CodeTooLarge:     http.StatusRequestEntityTooLarge,
	workload.CodeUnknownToken: http.StatusBadRequest,
	workload.CodeSecret:       http.StatusBadRequest,
	workload.CodeConflict:     http.StatusBadRequest,
	workload.CodeCheck:        http.StatusBadRequest,
	workload.CodeTerminated:   http.StatusBadRequest,
	workload.CodeUnsupported:  http.StatusInternalServerError, // 501 where the contract has it
	workload.CodeUnavailable:  http.StatusInternalServerError,
	workload.CodeRefused:      http.StatusInternalServerError,
	workload.CodeRemoved:      http.StatusInternalServerError,
	workload.CodeExhausted:    http.StatusInternalServerError,
	workload.CodeInternal:     http.StatusInternalServerError,
}

// statusOf is the table's answer to a failure of one request.
func statusOf(f *workload.Failure, method string) int {
	if f.Code == workload.CodeUnsupported && method == http.MethodDelete {
		return http.StatusNotImplemented
	}
	if status, ok := statuses[f.Code]; ok {
		return status
	}
	return http.StatusInternalServerError
}

// moreInfo is the contract's ErrorMoreInfo.
type moreInfo struct {
	Problems  []string `json:"problems"`
	Solutions []string `json:"solutions"`
}

// requestError is the contract's RequestValidationError. Its input is left out:
// a descriptor may hold what should not be repeated.
type requestError struct {
	Errors          []string `json:"errors"`
	UserMessage     string   `json:"userMessage"`
	InputErrorField string   `json:"inputErrorField,omitempty"`
	MoreInfo        moreInfo `json:"moreInfo"`
}

// systemError is the contract's SystemError.
type systemError struct {
	Error       string   `json:"error"`
	UserMessage string   `json:"userMessage"`
	MoreInfo    moreInfo `json:"moreInfo"`
}

// fail answers any error, by the table.
func (x *exchange) fail(err error) error {
	var transport *echo.HTTPError
	if errors.As(err, &transport) {
		if allow := x.Response().Header().Get(echo.HeaderAllow); allow != "" {
			// Echo would answer OPTIONS everywhere; this server does not.
			x.Response().Header().Set(echo.HeaderAllow, strings.TrimPrefix(allow, "OPTIONS, "))
		}
		return x.refuse(transport.Code, transportFailure(transport.Code))
	}
	f := workload.AsFailure(err)
	status := statusOf(f, x.Request().Method)
	if status < http.StatusInternalServerError {
		return x.refuse(status, f)
	}
	return x.breakdown(status, f)
}

// refuse answers a RequestValidationError.
func (x *exchange) refuse(status int, f *workload.Failure) error {
	x.retryAfter(f)
	problems := problemTexts(f)
	return x.json(status, requestError{
		Errors:          problems,
		UserMessage:     f.Message,
		InputErrorField: fieldAtFault(f.Problems),
		MoreInfo: moreInfo{
			Problems:  problems,
			Solutions: append(texts(f.Solutions), "When you ask for help, name trace id "+x.traceID+"."),
		},
	})
}

// breakdown answers a SystemError whose id is in the log, with the cause.
func (x *exchange) breakdown(status int, f *workload.Failure) error {
	x.retryAfter(f)
	id := errorID()
	x.logError(id, f)
	return x.json(status, systemError{
		Error:       f.Message + " (error id " + id + ")",
		UserMessage: f.Message,
		MoreInfo: moreInfo{
			Problems: problemTexts(f),
			Solutions: append(texts(f.Solutions),
				"When you ask for help, name error id "+id+" and trace id "+x.traceID+": both are in the provisioner's log."),
		},
	})
}

// logError writes the one line that has both the error id and the cause.
func (x *exchange) logError(id string, f *workload.Failure) {
	level := slog.LevelError
	if x.Request().Context().Err() != nil {
		level = slog.LevelInfo // the caller has gone; nobody missed an answer
	}
	attrs := []slog.Attr{
		slog.String("errorId", id), slog.String("traceId", x.traceID), slog.String("code", string(f.Code)),
		slog.String("method", knownMethod(x.Request().Method)), slog.String("route", x.Path()), slog.String("error", f.Message),
	}
	if cause := f.Unwrap(); cause != nil {
		attrs = append(attrs, slog.String("cause", cause.Error()))
	}
	x.server.options.Logger.LogAttrs(context.WithoutCancel(x.Request().Context()), level, "request failed", attrs...)
}

// retryAfter passes on the least wait that is known, in whole seconds.
func (x *exchange) retryAfter(f *workload.Failure) {
	if f.RetryAfter > 0 {
		x.Response().Header().Set(echo.HeaderRetryAfter, strconv.Itoa(int(math.Ceil(f.RetryAfter.Seconds()))))
	}
}

// problemTexts is never empty: the contract requires errors, and an empty list would say that nothing is wrong.
func problemTexts(f *workload.Failure) []string {
	if len(f.Problems) == 0 {
		return []string{f.Message}
	}
	all := make([]string, len(f.Problems))
	for i, p := range f.Problems {
		all[i] = p.String()
	}
	return all
}

// texts copies a list, so that appending never writes into a shared one.
func texts(list []string) []string { return append(make([]string, 0, len(list)+1), list...) }

// fieldAtFault is the path that all problems share, or "".
func fieldAtFault(problems []workload.Problem) string {
	if len(problems) == 0 {
		return ""
	}
	for _, p := range problems[1:] {
		if p.Path != problems[0].Path {
			return ""
		}
	}
	return problems[0].Path
}

// errorID is a new id for one answer of 500 or above.
func errorID() string {
	var id [8]byte
	_, _ = rand.Read(id[:]) // never fails, says its documentation
	return hex.EncodeToString(id[:])
}
