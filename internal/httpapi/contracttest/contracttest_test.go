package contracttest_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"airbyte-provisioner/internal/httpapi/contracttest"
)

// TestCheck sees that the checker really finds what is outside the document.
func TestCheck(t *testing.T) {
	t.Parallel()
	checker, err := contracttest.New("/base")
	if err != nil {
		t.Fatal(err)
	}
	const refusal = `{"errors":["x"]}`
	cases := map[string]struct {
		method, path string
		status       int
		media, body  string
		fine         bool
	}{
		"a status":               {"GET", "/v1/provision/a/status", 200, "application/json", `{"status":"RUNNING","result":""}`, true},
		"under the prefix":       {"GET", "/base/v1/provision/a/status", 200, "application/json", `{"status":"RUNNING","result":""}`, true},
		"result is missing":      {"GET", "/v1/provision/a/status", 200, "application/json", `{"status":"RUNNING"}`, false},
		"an unknown state":       {"GET", "/v1/provision/a/status", 200, "application/json", `{"status":"WAITING","result":""}`, false},
		"half an info":           {"GET", "/v1/provision/a/status", 200, "application/json", `{"status":"COMPLETED","result":"","info":{"publicInfo":{}}}`, false},
		"a field of no document": {"GET", "/v1/provision/a/status", 200, "application/json", `{"status":"RUNNING","result":"","attempts":1}`, false},
		"a log of no time":       {"GET", "/v1/provision/a/status", 200, "application/json", `{"status":"RUNNING","result":"","logs":[{"timestamp":"now","level":"INFO","message":""}]}`, false},
		"terminating validation": {"GET", "/v2/validate/a/status", 200, "application/json", `{"status":"TERMINATING"}`, false},
		"a status of no document": {
			"GET", "/v1/provision/a/status", 404, "application/json", refusal, false,
		},
		"a token as text":          {"POST", "/v1/provision", 202, "text/plain; charset=utf-8", "a", true},
		"a token as JSON":          {"POST", "/v1/provision", 202, "application/json", `"a"`, true},
		"a token as HTML":          {"POST", "/v1/provision", 202, "text/html", "a", false},
		"a token as object":        {"POST", "/v1/provision", 202, "application/json", `{"token":"a"}`, false},
		"validate has no 400":      {"POST", "/v1/validate", 400, "application/json", refusal, false},
		"terminating":              {"DELETE", "/v1/provision/a", 202, "", "", true},
		"terminating with a body":  {"DELETE", "/v1/provision/a", 202, "application/json", `{}`, false},
		"unknown path":             {"GET", "/v9", 404, "application/json", refusal, true},
		"unknown path, other body": {"GET", "/v9", 404, "application/json", `{"message":"Not Found"}`, false},
		"unknown path, no JSON":    {"GET", "/v9", 404, "text/plain", "not found", false},
		"unknown path answered":    {"GET", "/v9", 200, "application/json", `{}`, false},
		"unknown path, no token":   {"GET", "/v9", 401, "application/json", refusal, true},
		"wrong method":             {"PUT", "/v1/provision", 405, "application/json", refusal, true},
		"wrong method answered":    {"PUT", "/v1/provision", 204, "", "", false},
		"health under the prefix":  {"GET", "/base/healthz", 200, "application/json", `{"status":"alive"}`, false},
		"another error at 500":     {"POST", "/v1/provision", 500, "application/json", refusal, false},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := httptest.NewRecorder()
			w.Header().Set("Content-Type", c.media)
			w.WriteHeader(c.status)
			_, _ = io.WriteString(w, c.body)
			response := w.Result()
			if err := checker.Check(httptest.NewRequest(c.method, c.path, nil), response); (err == nil) != c.fine {
				t.Errorf("got %v", err)
			}
			if rest, _ := io.ReadAll(response.Body); string(rest) != c.body {
				t.Errorf("the body left is %q", rest)
			}
		})
	}
}

func TestTransport(t *testing.T) {
	t.Parallel()
	checker, err := contracttest.New("")
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "hello") }))
	t.Cleanup(server.Close)
	var reported []error
	client := &http.Client{Transport: checker.Transport(nil, func(err error) { reported = append(reported, err) })}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/healthz", nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	if text, _ := io.ReadAll(response.Body); string(text) != "hello" {
		t.Errorf("the client reads %q", text)
	}
	if len(reported) != 1 || !strings.Contains(errors.Join(reported...).Error(), "GET /healthz answered 200") {
		t.Errorf("reported %v", reported)
	}
}
