package httpapi

import (
	"crypto/rand"
	"encoding/hex"
	"net/http"
	"strings"
)

// traceHeader is the contract's traceId header in net/http's spelling, which is how it is kept and found.
const traceHeader = "Traceid"

// traceID correlates a request with log lines, the operation and Airbyte's
// calls: the traceId header, else the trace that runs already, else the trace
// id of a W3C traceparent, else a new one. What is not plainly an id is not
// taken: it would go into logs, headers and answers.
func (s *Server) traceID(r *http.Request) string {
	if id := r.Header.Get(traceHeader); plainID(id) {
		return id
	}
	if s.options.TraceID != nil {
		if id := s.options.TraceID(r.Context()); plainID(id) {
			return id
		}
	}
	if id := parentTrace(r.Header.Get("Traceparent")); id != "" {
		return id
	}
	return newTraceID()
}

// plainID reports whether a caller's id is short and harmless in a log line, a header and HTML.
func plainID(id string) bool {
	if id == "" || len(id) > 128 {
		return false
	}
	for _, c := range []byte(id) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case strings.IndexByte("-_.:/=+", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// parentTrace is the trace id in a W3C traceparent ("00-<32 hex>-<16 hex>-<2 hex>"), or "".
// https://www.w3.org/TR/trace-context/#traceparent-header
func parentTrace(header string) string {
	const idAt, idEnd, least = 3, 35, 55
	if len(header) < least || header[2] != '-' || header[idEnd] != '-' || header[52] != '-' || header[:2] == "ff" {
		return ""
	}
	if len(header) > least && (header[:2] == "00" || header[least] != '-') {
		return "" // only later versions may go on, and only after a dash
	}
	if !lowerHex(header[:2]) || !lowerHex(header[idEnd+1:52]) || !lowerHex(header[53:least]) {
		return ""
	}
	id := header[idAt:idEnd]
	if !lowerHex(id) || strings.Trim(id, "0") == "" || strings.Trim(header[idEnd+1:52], "0") == "" {
		return ""
	}
	return id
}

// lowerHex reports whether a text has lower-case hexadecimal digits only.
func lowerHex(s string) bool {
	for _, c := range []byte(s) {
		if (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}

// newTraceID is a random id in the form of a W3C trace id.
func newTraceID() string {
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails, says its documentation
	return hex.EncodeToString(id[:])
}
