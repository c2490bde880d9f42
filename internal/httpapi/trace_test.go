package httpapi_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"airbyte-provisioner/internal/httpapi"
)

const parent = "4bf92f3577b34da6a3ce929d0e0e4736"

var freshID = regexp.MustCompile(`^[0-9a-f]{32}$`)

func TestTraceID(t *testing.T) {
	t.Parallel()
	const traceparent = "00-" + parent + "-00f067aa0ba902b7-01"
	cases := map[string]struct {
		trace, parent string
		want          string // "" for a new one
	}{
		"the header":                 {"abc-123_X.y:z/w=+", "", "abc-123_X.y:z/w=+"},
		"the header before a parent": {"abc", traceparent, "abc"},
		"the parent":                 {"", traceparent, parent},
		"a parent of a later format": {"", "cc" + traceparent[2:] + "-what-the-future-brings", parent},
		"neither":                    {"", "", ""},
		"as long as it may be":       {strings.Repeat("a", 128), "", strings.Repeat("a", 128)},
		"too long":                   {strings.Repeat("a", 129), "", ""},
		"a line break":               {"a\nb", "", ""},
		"a blank":                    {"a b", "", ""},
		"quotes":                     {`a"b`, "", ""},
		"markup":                     {"<script>", "", ""},
		"not ASCII":                  {"ü", "", ""},
		"bad header, good parent":    {"<>", traceparent, parent},
		"parent of zeros":            {"", "00-" + strings.Repeat("0", 32) + "-00f067aa0ba902b7-01", ""},
		"parent span of zeros":       {"", "00-" + parent + "-0000000000000000-01", ""},
		"parent in capitals":         {"", "00-" + strings.ToUpper(parent) + "-00f067aa0ba902b7-01", ""},
		"parent too short":           {"", traceparent[:54], ""},
		"parent too long":            {"", traceparent + "0", ""},
		"parent of no format":        {"", "ff" + traceparent[2:], ""},
		"parent with other dashes":   {"", strings.ReplaceAll(traceparent, "-", "_"), ""},
		"later format, no dash":      {"", "cc" + traceparent[2:] + "x", ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			r := post("/v1/provision", provisioning(t))
			r.Header["Traceid"] = []string{c.trace}
			r.Header["Traceparent"] = []string{c.parent}
			w := a.do(r)
			got := w.Header().Get("traceId")
			if c.want == "" && !freshID.MatchString(got) || c.want != "" && got != c.want {
				t.Errorf("the answer's header is %q", got)
			}
			if order := a.store.accepted()[0]; order.TraceID != got {
				t.Errorf("the order's trace id is %q, the answer's %q", order.TraceID, got)
			}
			if line := a.log.lines(t, "request")[0]; line["traceId"] != got {
				t.Errorf("the log's trace id is %q, the answer's %q", line["traceId"], got)
			}
		})
	}
}

func TestTraceIDsDiffer(t *testing.T) {
	t.Parallel()
	a := start(t)
	first, second := a.get("/healthz"), a.get("/healthz")
	if first.Header().Get("traceId") == second.Header().Get("traceId") {
		t.Error("two requests have the same trace id")
	}
}

func TestTraceIDOfTracer(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *httpapi.Options) { o.TraceID = func(context.Context) string { return "of-the-tracer" } })
	if got := a.get("/healthz").Header().Get("traceId"); got != "of-the-tracer" {
		t.Errorf("got %q", got)
	}
	r := httptest.NewRequest(http.MethodGet, "/healthz", nil)
	r.Header.Set("traceId", "of-the-caller")
	if got := a.do(r).Header().Get("traceId"); got != "of-the-caller" {
		t.Errorf("got %q", got)
	}
}

// TestErrorsNameTraceID sees that whoever reads an error can name the request.
func TestErrorsNameTraceID(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, path := range []string{"/nothing", "/v1/provision/none/status"} {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("traceId", "find-me")
		if w := a.do(r); !strings.Contains(w.Body.String(), "find-me") {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}
