package monitoring_test

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/hibiken/asynq"
	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/monitoring"
	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// console serves a console over a real Redis.
func console(t *testing.T, client redis.UniversalClient, write bool) (*monitoring.Console, *httptest.Server) {
	t.Helper()
	c, err := monitoring.New(monitoring.Options{Path: "/monitoring", Redis: client, Queues: queue.Queues(), Write: write})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	return c, server
}

func submit(t *testing.T, client redis.UniversalClient, work workload.Work) (token string) {
	t.Helper()
	q := queue.New(queue.Options{
		Redis: client, Store: operation.New(operation.Options{Redis: client}), TaskRetention: time.Hour,
	})
	token, err := q.Submit(t.Context(), workload.Order{Kind: workload.Provision, TraceID: "trace-1", Work: work})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

func ask(t *testing.T, method, url string) (status int, header http.Header, body string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(text)
}

func TestThePage(t *testing.T) {
	t.Parallel()
	c, server := console(t, redistest.Start(t).Client(), false)
	_, header, page := ask(t, http.MethodGet, server.URL+"/monitoring")
	if header.Get("Content-Type") != "text/html; charset=utf-8" || !strings.Contains(page, `<div id="root">`) {
		t.Fatalf("no page: %v\n%s", header, page)
	}
	if strings.Contains(page, "https://") || strings.Contains(page, "manifest") {
		t.Errorf("the page asks for something outside, or for the description of an app:\n%s", page)
	}
	if got := strings.Count(c.ContentSecurityPolicy(), "'sha256-"); got != 2 {
		t.Errorf("the policy allows %d inline scripts, want the page's 2: %s", got, c.ContentSecurityPolicy())
	}
	for path, want := range map[string]struct{ kind, cached string }{
		"/monitoring/queues/provision/tasks/x":             {"text/html; charset=utf-8", ""},
		"/monitoring/static/media/none.svg":                {"text/html; charset=utf-8", ""},
		"/monitoring/favicon.ico":                          {"image/", ""},
		"/monitoring/static/media/logo-white.3fa2ac55.svg": {"image/svg+xml", "private, max-age=31536000, immutable"},
		"/monitoring/static/js/main.5adda2da.chunk.js":     {"text/javascript", "private, max-age=31536000, immutable"},
	} {
		_, header, _ := ask(t, http.MethodGet, server.URL+path)
		if !strings.HasPrefix(header.Get("Content-Type"), want.kind) || header.Get("Cache-Control") != want.cached {
			t.Errorf("%s has the type %q, kept %q; want %+v", path, header.Get("Content-Type"), header.Get("Cache-Control"), want)
		}
	}
	if status, _, _ := ask(t, http.MethodPost, server.URL+"/monitoring/"); status != http.StatusMethodNotAllowed {
		t.Errorf("a POST to the page answered %d", status)
	}
}

func TestPayloadsHoldNoSecret(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	token := submit(t, client, workload.Work{
		Component: workload.NewComponent("urn:dmb:cmp:d:p:0:c", "dev"), Name: "Orders",
		Source: workload.Actor{Name: "DB", Configuration: map[string]any{
			"host": "db.example.com", "password": "${secret:DB}", "private_key": "${sealed:CIPHERTEXT}", "passphrase": "CLEARTEXT",
		}},
		Destination: workload.Actor{Name: "W", Configuration: map[string]any{"url": "https://u:CLEARTEXT@example.com"}},
		Previous:    &workload.Entities{SourceID: "s-1", Fingerprints: map[string]string{"x": "FINGERPRINT"}, Signature: "SIGNATURE"},
	})
	_, server := console(t, client, false)
	for _, path := range []string{"/monitoring/api/queues/provision/tasks/" + token, "/monitoring/api/queues/provision/pending_tasks"} {
		_, _, body := ask(t, http.MethodGet, server.URL+path)
		for _, want := range []string{"urn:dmb:cmp:d:p:0:c", "db.example.com", "${secret:DB}", "${sealed:...}", "https://u:***@example.com", "s-1", "trace-1"} {
			if !strings.Contains(body, want) {
				t.Errorf("%s lacks %s:\n%s", path, want, body)
			}
		}
		for _, never := range []string{"CIPHERTEXT", "CLEARTEXT", "FINGERPRINT", "SIGNATURE"} {
			if strings.Contains(body, never) {
				t.Errorf("%s shows %s:\n%s", path, never, body)
			}
		}
	}
	var task struct {
		Payload string `json:"payload"`
	}
	_, _, body := ask(t, http.MethodGet, server.URL+"/monitoring/api/queues/provision/tasks/"+token)
	if err := json.Unmarshal([]byte(body), &task); err != nil || !json.Valid([]byte(task.Payload)) {
		t.Errorf("the payload is no JSON, which the page would show indented: %v, %s", err, task.Payload)
	}
}

func TestPayloadsOfOthers(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	other := asynq.NewClientFromRedisClient(client)
	for id, payload := range map[string]string{
		"text": "password=CLEARTEXT", "json": `{"password":"CLEARTEXT"}`, "newer": `{"v":99,"kind":"provision","work":{"name":"CLEARTEXT"}}`,
		"kind": `{"v":1,"kind":"other","work":{"name":"CLEARTEXT"}}`, "binary": "\xff\xfeCLEARTEXT",
	} {
		if _, err := other.Enqueue(asynq.NewTask("other", []byte(payload)), asynq.Queue("provision"), asynq.TaskID(id)); err != nil {
			t.Fatal(err)
		}
	}
	_, server := console(t, client, false)
	_, _, body := ask(t, http.MethodGet, server.URL+"/monitoring/api/queues/provision/pending_tasks")
	if strings.Contains(body, "CLEARTEXT") || strings.Count(body, "(not shown: ") != 5 {
		t.Errorf("payloads of others:\n%s", body)
	}
	if got := monitoring.Result([]byte("CLEARTEXT")); strings.Contains(got, "CLEARTEXT") || monitoring.Result(nil) != "" {
		t.Errorf("a result is shown as %q", got)
	}
}

// TestOthersInTheSameRedis are neither seen nor touched: installations with
// another INSTANCE, and other products.
func TestOthersInTheSameRedis(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	submit(t, client, workload.Work{Component: workload.NewComponent("c", "dev")})
	other := asynq.NewClientFromRedisClient(client)
	foreign := []string{"blue-provision", "provision:high"}
	for _, name := range foreign {
		if _, err := other.Enqueue(asynq.NewTask("other", nil), asynq.Queue(name), asynq.TaskID("t")); err != nil {
			t.Fatal(err)
		}
		serve(t, client, name)
	}
	serve(t, client, "provision")
	_, server := console(t, client, true)
	for path, list := range map[string]string{"queues": "queues", "queue_stats": "stats", "servers": "servers", "redis_info": "raw_info"} {
		status, _, body := ask(t, http.MethodGet, server.URL+"/monitoring/api/"+path)
		var told map[string]any
		if err := json.Unmarshal([]byte(body), &told); status != http.StatusOK || err != nil || told[list] == nil {
			t.Errorf("%s answered %d, %v: %s", path, status, err, body)
		}
		if path != "redis_info" && !strings.Contains(body, `"provision"`) || strings.Contains(body, "blue-") || strings.Contains(body, ":high") {
			t.Errorf("%s lacks our own, or shows others: %s", path, body)
		}
	}
	for _, name := range foreign {
		for _, deed := range []string{
			"GET ", "GET /pending_tasks", "GET /tasks/t", "GET /groups", "POST :pause", "POST :resume", "DELETE ", "DELETE /pending_tasks/t", "POST /pending_tasks:archive_all",
		} {
			method, rest, _ := strings.Cut(deed, " ")
			if status, _, body := ask(t, method, server.URL+"/monitoring/api/queues/"+name+rest); status != http.StatusNotFound {
				t.Errorf("%s of %s answered %d: %s", deed, name, status, body)
			}
		}
	}
	for _, deed := range []string{"GET ", "GET /pending_tasks", "POST :pause", "POST :resume"} {
		method, rest, _ := strings.Cut(deed, " ")
		if status, _, body := ask(t, method, server.URL+"/monitoring/api/queues/provision"+rest); status/100 != 2 {
			t.Errorf("%s of our own answered %d: %s", deed, status, body)
		}
	}
}

// serve starts a server of a queue, which does nothing and is in the list of servers.
func serve(t *testing.T, client redis.UniversalClient, queue string) {
	t.Helper()
	server := asynq.NewServerFromRedisClient(client, asynq.Config{
		Queues: map[string]int{queue: 1}, LogLevel: asynq.FatalLevel, TaskCheckInterval: 100 * time.Millisecond,
	})
	if err := server.Start(asynq.HandlerFunc(func(context.Context, *asynq.Task) error { return nil })); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Shutdown)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for inspector := asynq.NewInspectorFromRedisClient(client); ; <-tick.C {
		servers, err := inspector.Servers()
		if err != nil || t.Context().Err() != nil {
			t.Fatal(err, t.Context().Err())
		}
		if slices.ContainsFunc(servers, func(s *asynq.ServerInfo) bool { return s.Queues[queue] > 0 }) {
			return // it has told that it is there
		}
	}
}

func TestWritingIsOffUnlessWanted(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	token := submit(t, client, workload.Work{Component: workload.NewComponent("c", "dev")})
	path := "/monitoring/api/queues/provision/pending_tasks/" + token
	_, readOnly := console(t, client, false)
	if status, _, _ := ask(t, http.MethodDelete, readOnly.URL+path); status != http.StatusMethodNotAllowed {
		t.Errorf("deleting answered %d, want 405", status)
	}
	if status, _, _ := ask(t, http.MethodGet, readOnly.URL+"/monitoring/api/queues/provision/tasks/"+token); status != http.StatusOK {
		t.Errorf("the task is gone (%d)", status)
	}
	_, writable := console(t, client, true)
	if status, _, body := ask(t, http.MethodDelete, writable.URL+path); status/100 != 2 {
		t.Errorf("deleting, where it is allowed, answered %d: %s", status, body)
	}
}

// TestRedisWithUsers has the console work with a user's password, since asynqmon's own options are not used.
func TestRedisWithUsers(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	if err := server.Client().Do(t.Context(), "acl", "setuser", "console", "on", ">word", "~*", "&*", "+@all").Err(); err != nil {
		t.Fatal(err)
	}
	client := redis.NewUniversalClient(&redis.UniversalOptions{Addrs: []string{server.Addr()}, Username: "console", Password: "word"})
	t.Cleanup(func() { _ = client.Close() })
	submit(t, client, workload.Work{Component: workload.NewComponent("c", "dev")})
	_, web := console(t, client, false)
	for _, path := range []string{"/monitoring/api/queues", "/monitoring/api/redis_info", "/monitoring/api/servers"} {
		status, _, body := ask(t, http.MethodGet, web.URL+path)
		if status != http.StatusOK || strings.Contains(body, `"word"`) {
			t.Errorf("%s answered %d: %s", path, status, body)
		}
	}
}
