package httpapi

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strconv"
	"time"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/workload"
)

// exchange is one request and its answer: Echo's context with what the access
// log and the errors need.
type exchange struct {
	echo.Context
	server  *Server
	begun   time.Time
	traceID string
	token   string // of the operation that was asked for or made
	about   string // component, for the access log
}

// handle makes an Echo handler of one of ours.
func handle(h func(*exchange) error) echo.HandlerFunc {
	return func(c echo.Context) error { return h(c.(*exchange)) }
}

// around is the one middleware: every request passes it, known path or not.
func (s *Server) around(next echo.HandlerFunc) echo.HandlerFunc {
	return func(c echo.Context) error {
		x := &exchange{Context: c, server: s, begun: s.options.Now()}
		x.traceID = s.traceID(c.Request())
		secure(x.Response().Header(), c.Request().TLS != nil)
		x.Response().Header()[traceHeader] = []string{x.traceID}
		defer x.finish()
		if err := x.serve(next); err != nil {
			return x.fail(err)
		}
		return nil
	}
}

// serve checks who asks and lets the handler answer; a panic becomes an error.
func (x *exchange) serve(next echo.HandlerFunc) (err error) {
	defer func() {
		if caught := recover(); caught != nil {
			err = x.panicked(caught)
		}
	}()
	if err := x.server.authenticate(x); err != nil {
		return err
	}
	if x.Request().Method == http.MethodOptions && x.Get(echo.ContextKeyHeaderAllow) != nil {
		return echo.MethodNotAllowedHandler(x) // Echo itself would answer 204, which no document of ours has
	}
	return next(x)
}

// panicked turns a panic into an internal failure; value and stack are for the log only.
func (x *exchange) panicked(caught any) error {
	if err, ok := caught.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(caught) // net/http's own way to cut a connection
	}
	return workload.AsFailure(fmt.Errorf("panic: %v\n%s", caught, debug.Stack()))
}

// json answers a body. It is rendered before the first byte is sent, so that
// what cannot be rendered is still a proper error.
func (x *exchange) json(status int, body any) error {
	if x.Response().Committed {
		return nil // a handler broke after it had begun to answer
	}
	text, err := json.Marshal(body)
	if err != nil {
		return x.breakdown(http.StatusInternalServerError, workload.AsFailure(fmt.Errorf("render answer: %w", err)))
	}
	return x.blob(status, jsonType, text)
}

// blob answers bytes of a media type. The length is told, so that a cut answer is seen as one.
func (x *exchange) blob(status int, mediaType []string, body []byte) error {
	h := x.Response().Header()
	h[echo.HeaderContentType] = mediaType
	h[echo.HeaderContentLength] = []string{strconv.Itoa(len(body))}
	x.Response().WriteHeader(status)
	if x.Request().Method == http.MethodHead {
		return nil
	}
	if _, err := x.Response().Write(body); err != nil {
		x.server.options.Logger.Debug("caller went away", slog.String("traceId", x.traceID), slog.String("error", err.Error()))
	}
	return nil
}

// client is the address of the caller, as the options find it.
func (x *exchange) client() string { return x.server.options.ClientAddress(x.Request()) }

// finish writes the access log's line and tells the observer.
func (x *exchange) finish() {
	r, status := x.Request(), x.Response().Status
	elapsed := x.server.options.Now().Sub(x.begun)
	if x.server.options.Observe != nil {
		x.server.options.Observe(r.Context(), Request{
			Method: knownMethod(r.Method), Route: x.Path(), Status: status, Elapsed: elapsed, TraceID: x.traceID,
		})
	}
	if !x.logged(status) {
		return
	}
	// The route's pattern is logged, not the path: a path is the caller's text and may hold anything.
	attrs := make([]slog.Attr, 0, 9)
	attrs = append(attrs,
		slog.String("method", knownMethod(r.Method)), slog.String("route", x.Path()), slog.Int("status", status),
		slog.Duration("elapsed", elapsed), slog.Int64("bytes", x.Response().Size),
		slog.String("client", x.client()), slog.String("traceId", x.traceID))
	if x.token != "" {
		attrs = append(attrs, slog.String("token", x.token))
	}
	if x.about != "" {
		attrs = append(attrs, slog.String("component", x.about))
	}
	x.server.options.Logger.LogAttrs(r.Context(), x.level(status), "request", attrs...)
}

// level is that of the access log's line. Polls, probes and scrapes come all the
// time and change nothing.
func (x *exchange) level(status int) slog.Level {
	method := x.Request().Method
	if reads := method == http.MethodGet || method == http.MethodHead; reads && status < http.StatusBadRequest {
		return slog.LevelDebug
	}
	return slog.LevelInfo
}

// logged reports whether an answer with a status gets a line in the access log.
func (x *exchange) logged(status int) bool {
	return x.server.options.Logger.Enabled(x.Request().Context(), x.level(status))
}

// knownMethod is a method of HTTP's own, or "other": a caller can make up any
// number of them, and each would be a new label of the metrics.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodPatch,
		http.MethodTrace, http.MethodConnect:
		return method
	default:
		return "other"
	}
}

var (
	jsonType = []string{"application/json"}
	textType = []string{"text/plain; charset=utf-8"}
	htmlType = []string{"text/html; charset=utf-8"}
	yamlType = []string{"application/yaml"}
)
