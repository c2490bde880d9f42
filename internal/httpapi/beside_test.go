package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"gopkg.in/yaml.v3"

	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/workload"
)

func TestHealth(t *testing.T) {
	t.Parallel()
	var down error
	a := start(t, func(o *httpapi.Options) { o.Ready = func(context.Context) error { return down } })
	if w := a.get("/readyz"); w.Code != http.StatusOK || w.Body.String() != `{"status":"ready"}` {
		t.Errorf("ready: %d %s", w.Code, w.Body)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := a.do(httptest.NewRequest(http.MethodHead, path, nil)); w.Code != http.StatusOK || w.Body.Len() != 0 {
			t.Errorf("HEAD %s: %d %s", path, w.Code, w.Body)
		}
	}
	down = errors.New("dial tcp 10.1.2.3:6379")
	if w := a.do(httptest.NewRequest(http.MethodHead, "/readyz", nil)); w.Code != http.StatusServiceUnavailable {
		t.Errorf("HEAD of what is not ready: %d", w.Code)
	}
	if w := a.get("/readyz"); w.Code != http.StatusServiceUnavailable || w.Body.String() != `{"status":"not ready"}` {
		t.Errorf("not ready: %d %s", w.Code, w.Body)
	}
	if lines := a.log.lines(t, "not ready"); len(lines) != 2 || lines[0]["error"] != down.Error() {
		t.Errorf("the log has %v", lines)
	}
	if w := a.get("/healthz"); w.Code != http.StatusOK || w.Body.String() != `{"status":"alive"}` {
		t.Errorf("alive: %d %s", w.Code, w.Body)
	}
}

// TestReadyIsBounded sees that a probe is not left waiting.
func TestReadyIsBounded(t *testing.T) {
	t.Parallel()
	bounded := false
	a := start(t, func(o *httpapi.Options) {
		o.Ready = func(ctx context.Context) error { _, bounded = ctx.Deadline(); return nil }
	})
	if a.get("/readyz"); !bounded {
		t.Error("the question has no deadline")
	}
}

func TestDocument(t *testing.T) {
	t.Parallel()
	a := start(t)
	w := a.get("/openapi.yaml")
	var doc struct {
		Servers []struct {
			URL string `yaml:"url"`
		} `yaml:"servers"`
	}
	if err := yaml.Unmarshal(w.Body.Bytes(), &doc); err != nil || w.Code != http.StatusOK || w.Header().Get("Content-Type") != "application/yaml" {
		t.Fatal(w.Code, w.Header(), err)
	}
	if len(doc.Servers) != 2 || doc.Servers[1].URL != basePath {
		t.Errorf("servers are %v", doc.Servers)
	}
}

// TestDocs sees that the page says all that the document says, and loads nothing.
func TestDocs(t *testing.T) {
	t.Parallel()
	a := start(t)
	w := a.get("/docs")
	page := w.Body.String()
	for _, text := range []string{
		"/v1/reverse-provisioning/{token}/status", "RequestValidationError", "latestEnrichedDescriptor", basePath, "text/plain", "TERMINATING",
		`id="terminateProvisioning"`, `href="#schema-ErrorMoreInfo"`, `name="viewport"`, `lang="en"`,
	} {
		if !strings.Contains(page, text) {
			t.Errorf("the page lacks %q", text)
		}
	}
	for _, text := range []string{"<script", "http://", "https://", "<img", "@import", "url(", "ZgotmplZ", "&lt;no value"} {
		if strings.Contains(page, text) {
			t.Errorf("the page has %q", text)
		}
	}
	policy := w.Header().Get("Content-Security-Policy")
	if !strings.Contains(policy, "default-src 'none'") || !strings.Contains(policy, "style-src 'sha256-") {
		t.Errorf("the policy is %q", policy)
	}
}

func TestSecurityHeaders(t *testing.T) {
	t.Parallel()
	a := start(t)
	for _, w := range []*httptest.ResponseRecorder{a.get("/healthz"), a.get("/nothing"), a.post("/v1/validate", provisioning(t)), a.get("/docs")} {
		for key, want := range map[string]string{
			"X-Content-Type-Options": "nosniff", "Cache-Control": "no-store", "Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
			"Server": "", "X-Powered-By": "", "Strict-Transport-Security": "", "Access-Control-Allow-Origin": "",
		} {
			if got := w.Header().Get(key); got != want {
				t.Errorf("%s is %q, want %q", key, got, want)
			}
		}
		if !strings.Contains(w.Header().Get("Content-Security-Policy"), "frame-ancestors 'none'") {
			t.Error("the page can be framed")
		}
	}
	r := httptest.NewRequest(http.MethodGet, "https://provisioner.example/healthz", nil)
	if got := a.do(r).Header().Get("Strict-Transport-Security"); got == "" {
		t.Error("over TLS, a browser is not told to stay there")
	}
}

func TestMounts(t *testing.T) {
	t.Parallel()
	tell := func(name string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.WriteString(w, name+" "+r.Method+" "+r.URL.Path)
		})
	}
	a := start(t, func(o *httpapi.Options) {
		o.Metrics = tell("metrics")
		o.Mounts = []httpapi.Mount{
			{Path: "/", Handler: tell("front")},
			{Path: "/monitoring", Handler: tell("monitoring"), ContentSecurityPolicy: "default-src 'self'"},
		}
	})
	send := func(method, path string, header ...string) *httptest.ResponseRecorder {
		r := httptest.NewRequest(method, path, nil)
		for i := 0; i+1 < len(header); i += 2 {
			r.Header.Set(header[i], header[i+1])
		}
		w := httptest.NewRecorder()
		a.server.ServeHTTP(w, r)
		return w
	}
	for want, w := range map[string]*httptest.ResponseRecorder{
		"front GET /":                           send(http.MethodGet, "/"),
		"metrics GET /metrics":                  send(http.MethodGet, "/metrics"),
		"monitoring GET /monitoring":            send(http.MethodGet, "/monitoring"),
		"monitoring GET /monitoring/":           send(http.MethodGet, "/monitoring/"),
		"monitoring POST /monitoring/api/a/b":   send(http.MethodPost, "/monitoring/api/a/b", "Sec-Fetch-Site", "same-origin"),
		"monitoring DELETE /monitoring/api/a":   send(http.MethodDelete, "/monitoring/api/a"),
		"monitoring OPTIONS /monitoring/api/xx": send(http.MethodOptions, "/monitoring/api/xx"),
	} {
		if w.Code != http.StatusOK || w.Body.String() != want {
			t.Errorf("got %d %q, want %q", w.Code, w.Body, want)
		}
	}
	if w := send(http.MethodPost, "/monitoring/api/a", "Sec-Fetch-Site", "cross-site"); w.Code != http.StatusForbidden {
		t.Errorf("another site's page may post: %d", w.Code)
	}
	if got := send(http.MethodGet, "/monitoring").Header().Get("Content-Security-Policy"); got != "default-src 'self'" {
		t.Errorf("the mount's policy is %q", got)
	}
	if got := send(http.MethodGet, "/").Header().Get("Content-Security-Policy"); !strings.HasPrefix(got, "default-src 'none'") {
		t.Errorf("the front page's policy is %q", got)
	}
	if w := a.get("/nothing"); w.Code != http.StatusNotFound {
		t.Errorf("the front page answers other paths: %d", w.Code)
	}
}

// TestAccessLog wants one line for each request, with what it was about.
func TestAccessLog(t *testing.T) {
	t.Parallel()
	var observed []httpapi.Request
	a := start(t, func(o *httpapi.Options) {
		o.Observe = func(_ context.Context, r httpapi.Request) {
			r.Elapsed, r.TraceID = 0, ""
			observed = append(observed, r)
		}
	})
	token := a.post("/v1/provision", provisioning(t)).Body.String()
	a.get(basePath + "/v1/provision/" + token + "/status?secret=x")
	a.get("/nothing/here")
	a.get("/v1/provision")
	a.get("/healthz")
	a.do(httptest.NewRequest(http.MethodHead, "/healthz", nil))
	a.do(httptest.NewRequest("BREW", "/v1/provision", nil))
	want := []struct {
		method, route, token, component, level string
		status                                 float64
	}{
		{"POST", "/v1/provision", token, "urn:dmb:cmp:sales:orders:0:ingestion in production", "INFO", 202},
		{"GET", basePath + "/v1/provision/:token/status", token, "urn:dmb:cmp:sales:orders:0:ingestion in production", "DEBUG", 200},
		{"GET", "", "", "", "INFO", 404},
		{"GET", "/v1/provision", "", "", "INFO", 405},
		{"GET", "/healthz", "", "", "DEBUG", 200},
		{"HEAD", "/healthz", "", "", "DEBUG", 200},
		{"other", "/v1/provision", "", "", "INFO", 405},
	}
	lines := a.log.lines(t, "request")
	if len(lines) != len(want) || len(observed) != len(want) {
		t.Fatalf("%d lines, %d observed", len(lines), len(observed))
	}
	for i, w := range want {
		line := lines[i]
		text := func(key string) string { s, _ := line[key].(string); return s }
		if text("method") != w.method || text("route") != w.route || text("token") != w.token || text("component") != w.component ||
			text("level") != w.level || line["status"] != w.status {
			t.Errorf("line %d is %v", i, line)
		}
		if observed[i] != (httpapi.Request{Method: w.method, Route: w.route, Status: int(w.status)}) {
			t.Errorf("observed %+v", observed[i])
		}
	}
}

// TestPollsAreCheap has polls ask for no more than they answer where nobody logs
// them, while what is logged tells of which component.
func TestPollsAreCheap(t *testing.T) {
	t.Parallel()
	var statuses atomic.Int32
	var log syncBuffer
	a := start(t, func(o *httpapi.Options) {
		o.Operations = counted{o.Operations.(*store), &statuses}
		o.Logger = slog.New(slog.NewJSONHandler(&log, nil))
	})
	token := a.post("/v1/provision", provisioning(t)).Body.String()
	if w := a.get("/v1/provision/" + token + "/status"); w.Code != http.StatusOK || statuses.Load() != 0 {
		t.Errorf("a poll that is not logged asks for all: %d %s", w.Code, w.Body)
	}
	a.do(httptest.NewRequest(http.MethodDelete, "/v1/provision/"+token, nil))
	lines := log.lines(t, "request")
	if len(lines) != 2 || lines[1]["method"] != "DELETE" || lines[1]["component"] != "urn:dmb:cmp:sales:orders:0:ingestion in production" {
		t.Errorf("the log has %v", lines)
	}
}

// counted counts who asks for all.
type counted struct {
	*store
	statuses *atomic.Int32
}

func (c counted) Status(ctx context.Context, token string) (workload.Status, error) {
	c.statuses.Add(1)
	return c.store.Status(ctx, token)
}

func TestOptions(t *testing.T) {
	t.Parallel()
	_, err := httpapi.New(httpapi.Options{Kinds: allKinds, BasePath: "/a/:b"})
	for _, word := range []string{"Operations", "Parse", "Ready", "Logger", "ParseAccess", "ParseReverse", "BasePath"} {
		if err == nil || !strings.Contains(err.Error(), word) {
			t.Errorf("the error does not name %s: %v", word, err)
		}
	}
}

func TestBasePaths(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{"": "", "/": "", "a": "/a", "/a/b/": "/a/b"} {
		a := start(t, func(o *httpapi.Options) { o.BasePath = given })
		w := httptest.NewRecorder()
		a.server.ServeHTTP(w, post(want+"/v1/validate", provisioning(t)))
		if w.Code != http.StatusOK {
			t.Errorf("%q: got %d", given, w.Code)
		}
	}
}

// TestHTTPServer sends through a real connection, and checks that no limit is left open.
func TestHTTPServer(t *testing.T) {
	t.Parallel()
	a := start(t)
	server := httpapi.HTTPServer("127.0.0.1:0", a.server, slog.New(slog.DiscardHandler))
	if slices.Contains([]time.Duration{server.ReadHeaderTimeout, server.ReadTimeout, server.WriteTimeout, server.IdleTimeout}, 0) || server.MaxHeaderBytes == 0 {
		t.Errorf("a limit is missing: %+v", server)
	}
	listener, err := net.Listen("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	address := "http://" + listener.Addr().String()
	client := &http.Client{Transport: checker(t).Transport(nil, func(err error) { t.Error(err) })}

	send := func(method, path string, body io.Reader) (int, string) {
		r, err := http.NewRequestWithContext(t.Context(), method, address+path, body)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", "application/json")
		response, err := client.Do(r)
		if err != nil {
			return 0, err.Error()
		}
		defer func() { _ = response.Body.Close() }()
		text, _ := io.ReadAll(response.Body)
		if response.Header.Get("Server") != "" {
			t.Error("the server tells what it is")
		}
		return response.StatusCode, string(text)
	}
	code, token := send(http.MethodPost, "/v1/provision", strings.NewReader(provisioning(t)))
	if code != http.StatusAccepted {
		t.Errorf("got %d %s", code, token)
	}
	a.store.put(workload.Status{Token: token, Kind: workload.Provision, State: workload.Running, Attempts: 1})
	if code, text := send(http.MethodDelete, "/v1/provision/"+token, nil); code != http.StatusAccepted || text != "" {
		t.Errorf("got %d %s", code, text)
	}
	// A body that is far too large is refused and the connection closed, instead of
	// being read to its end; a client that still writes may see that instead of the answer.
	if code, text := send(http.MethodPost, "/v1/provision", io.LimitReader(&counting{}, 16*httpapi.DefaultMaxBody)); code != http.StatusRequestEntityTooLarge && code != 0 {
		t.Errorf("got %d %s", code, text)
	}
	for _, announced := range []bool{true, false} {
		if answer := writeThenRead(t, listener.Addr().String(), 3*httpapi.DefaultMaxBody, announced); !strings.HasPrefix(answer, "HTTP/1.1 413 ") {
			t.Errorf("announced %v: who writes all before it reads gets %q", announced, answer)
		}
	}
}

// writeThenRead sends a body of a size, as most callers do: it reads only when all is written.
func writeThenRead(t *testing.T, address string, size int, announced bool) string {
	t.Helper()
	connection, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = connection.Close() }()
	text := strings.Repeat(" ", size)
	header, body := fmt.Sprintf("Content-Length: %d", size), text
	if !announced {
		header, body = "Transfer-Encoding: chunked", fmt.Sprintf("%x\r\n%s\r\n0\r\n\r\n", size, text)
	}
	if _, err := fmt.Fprintf(connection, "POST /v1/provision HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s\r\n\r\n%s", header, body); err != nil {
		return err.Error()
	}
	answer, err := io.ReadAll(connection)
	if err != nil {
		return err.Error()
	}
	return string(answer)
}

// TestBrokenBodies sends bodies that do not arrive whole, and wants to be told why.
func TestBrokenBodies(t *testing.T) {
	t.Parallel()
	a := start(t)
	server := httptest.NewUnstartedServer(a.server)
	server.Config.ReadTimeout = 200 * time.Millisecond
	server.Start()
	t.Cleanup(server.Close)
	for name, test := range map[string]struct{ header, body, says string }{
		"too slow":      {"Content-Length: 100", "{", "did not arrive in time"},
		"broken chunks": {"Transfer-Encoding: chunked", "zz\r\n", "the rules of HTTP"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			connection, err := net.Dial("tcp", server.Listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = connection.Close() })
			if _, err := fmt.Fprintf(connection, "POST /v1/provision HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s\r\n\r\n%s", test.header, test.body); err != nil {
				t.Fatal(err)
			}
			answer, err := io.ReadAll(connection)
			if err != nil {
				t.Fatal(err)
			}
			if text := string(answer); !strings.HasPrefix(text, "HTTP/1.1 400 ") || !strings.Contains(text, test.says) {
				t.Errorf("the answer is %q, want one that says %q", text, test.says)
			}
		})
	}
}
