package airbyte_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"

	"github.com/google/go-cmp/cmp"
)

const (
	workspaceID   = "11111111-1111-4111-8111-111111111111"
	definitionID  = "22222222-2222-4222-8222-222222222222"
	sourceID      = "33333333-3333-4333-8333-333333333333"
	destinationID = "44444444-4444-4444-8444-444444444444"
	connectionID  = "55555555-5555-4555-8555-555555555555"
	otherID       = "66666666-6666-4666-8666-666666666666"
)

// serve starts a server and returns a client of it.
func serve(t *testing.T, handler http.HandlerFunc, adjust ...func(*airbyte.Options)) *airbyte.Client {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	options := airbyte.Options{BaseURL: server.URL}
	for _, a := range adjust {
		a(&options)
	}
	client, err := airbyte.New(options)
	if err != nil {
		t.Fatalf("New: %v", err)
	}
	return client
}

// says is a handler that gives every request the same answer.
func says(status int, contentType, body string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", contentType)
		w.WriteHeader(status)
		_, _ = io.WriteString(w, body)
	}
}

// asError returns the *airbyte.Error in err.
func asError(t *testing.T, err error) *airbyte.Error {
	t.Helper()
	var e *airbyte.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %T (%v), want *airbyte.Error", err, err)
	}
	return e
}

func TestBaseURL(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ reason, add, path string }{
		{"bare host", "", "/api/v1/workspaces/get"},
		{"trailing slash", "/", "/api/v1/workspaces/get"},
		{"with the API's path", "/api/v1", "/api/v1/workspaces/get"},
		{"with the API's path and slashes", "/api/v1//", "/api/v1/workspaces/get"},
		{"half of the API's path", "/api", "/api/v1/workspaces/get"},
		{"under a path of a proxy", "/tools/airbyte", "/tools/airbyte/api/v1/workspaces/get"},
		{"under a path of a proxy, complete", "/tools/airbyte/api/v1/", "/tools/airbyte/api/v1/workspaces/get"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			var got atomic.Value
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				got.Store(r.URL.Path)
				_, _ = io.WriteString(w, `{"workspaceId":"`+workspaceID+`"}`)
			}, func(o *airbyte.Options) { o.BaseURL += test.add })
			if _, err := client.GetWorkspace(t.Context(), workspaceID); err != nil {
				t.Fatal(err)
			}
			if got.Load() != test.path {
				t.Errorf("asked for %v, want %s", got.Load(), test.path)
			}
		})
	}
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	const url = "http://airbyte:8001"
	for _, test := range []struct {
		reason string
		give   airbyte.Options
		say    string
	}{
		{"no URL", airbyte.Options{}, "missing"},
		{"no scheme", airbyte.Options{BaseURL: "airbyte:8001"}, "http://"},
		{"another scheme", airbyte.Options{BaseURL: "ftp://airbyte"}, "http://"},
		{"no host", airbyte.Options{BaseURL: "http:///api/v1"}, "host"},
		{"not a URL", airbyte.Options{BaseURL: "http://user:hush@a b"}, "parsed"},
		{"credentials in the URL would be logged", airbyte.Options{BaseURL: "http://user:hush@airbyte"}, "credentials"},
		{"a fragment", airbyte.Options{BaseURL: url + "#x"}, "fragment"},
		{"a query", airbyte.Options{BaseURL: url + "?x=1"}, "query"},
		{"the public API cannot test before it creates", airbyte.Options{BaseURL: url + "/api/public/v1"}, "public API"},
		{"id without secret", airbyte.Options{BaseURL: url, Auth: airbyte.Auth{ClientID: "x"}}, "together"},
		{"secret without id", airbyte.Options{BaseURL: url, Auth: airbyte.Auth{ClientSecret: "hush"}}, "together"},
		{"password without user", airbyte.Options{BaseURL: url, Auth: airbyte.Auth{Password: "hush"}}, "username"},
		{"two sorts at once", airbyte.Options{BaseURL: url, Auth: airbyte.Auth{ClientID: "x", ClientSecret: "hush", Username: "u"}}, "either"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			_, err := airbyte.New(test.give)
			if err == nil || !strings.Contains(err.Error(), test.say) {
				t.Fatalf("got %v, want an error with %q", err, test.say)
			}
			if strings.Contains(err.Error(), "hush") {
				t.Errorf("the error holds a secret: %v", err)
			}
		})
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var got http.Header
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		got = r.Header.Clone()
		_, _ = io.WriteString(w, `{"workspaceId":"x"}`)
	}, func(o *airbyte.Options) {
		o.Header = func(context.Context) http.Header { return http.Header{"X-Trace-Id": {"t-1"}} }
	})
	if _, err := client.GetWorkspace(t.Context(), workspaceID); err != nil {
		t.Fatal(err)
	}
	want := map[string]string{
		"User-Agent": "airbyte-provisioner", "Content-Type": "application/json", "Accept": "application/json",
		"X-Trace-Id": "t-1", "Authorization": "",
	}
	for name, value := range want {
		if got.Get(name) != value {
			t.Errorf("%s is %q, want %q", name, got.Get(name), value)
		}
	}
}

func TestObserve(t *testing.T) {
	t.Parallel()
	type seen struct {
		Operation string
		Class     airbyte.Class
	}
	var got []seen
	observe := func(o *airbyte.Options) {
		o.Observe = func(operation string, class airbyte.Class, took time.Duration) {
			if took <= 0 {
				t.Errorf("%s took %v", operation, took)
			}
			got = append(got, seen{operation, class})
		}
	}
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasSuffix(r.URL.Path, "workspaces/get"):
			_, _ = io.WriteString(w, `{"workspaceId":"x"}`)
		case strings.HasSuffix(r.URL.Path, "scheduler/sources/check_connection"):
			_, _ = io.WriteString(w, `{"status":"failed","message":"no"}`)
		case strings.HasSuffix(r.URL.Path, "sources/get"):
			_, _ = io.WriteString(w, `{}`)
		default:
			w.WriteHeader(http.StatusBadGateway)
		}
	}, observe)
	_, _ = client.GetWorkspace(t.Context(), workspaceID)
	_ = client.CheckActor(t.Context(), airbyte.Actor{Kind: airbyte.Source})
	_, _ = client.GetActor(t.Context(), airbyte.Source, sourceID)
	_ = client.DeleteConnection(t.Context(), connectionID)
	want := []seen{
		{"workspaces/get", airbyte.ClassOK},
		{"scheduler/sources/check_connection", airbyte.ClassJobFailed},
		{"sources/get", airbyte.ClassMalformed},
		{"connections/delete", airbyte.ClassServer},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestGuardIsAskedBeforeEachCall(t *testing.T) {
	t.Parallel()
	var sent []string
	var mu sync.Mutex
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		sent = append(sent, strings.TrimPrefix(r.URL.Path, "/api/v1/"))
		switch {
		case strings.HasSuffix(r.URL.Path, "/token"):
			_, _ = io.WriteString(w, `{"access_token":"opaque"}`)
		default:
			_ = json.NewEncoder(w).Encode(map[string]any{"sources": actors(t, r, 250)})
		}
	}, withClientCredentials)

	lost := errors.New("the lease was lost")
	for allow, want := range [][]string{
		nil,
		{"applications/token"},
		{"sources/list"}, // the token is there by now
		{"sources/list", "sources/list"},
	} {
		sent = nil
		left := allow
		if allow >= 2 {
			left-- // no renewal any more
		}
		guarded := client.Guarded(func() error {
			if left == 0 {
				return lost
			}
			left--
			return nil
		})
		_, err := guarded.ListActors(t.Context(), airbyte.Source, workspaceID, "")
		if err != lost { //nolint:errorlint // the guard's error comes back as it is
			t.Fatalf("after %d calls: got %v, want the guard's own error", allow, err)
		}
		if diff := cmp.Diff(want, sent); diff != "" {
			t.Errorf("after %d calls: %s", allow, diff)
		}
	}
	if all, err := client.ListActors(t.Context(), airbyte.Source, workspaceID, ""); err != nil || len(all) != 250 {
		t.Errorf("the client itself is not guarded: got %d, %v", len(all), err)
	}
}

func TestGuardIsAskedBeforeTheRepeat(t *testing.T) {
	t.Parallel()
	var calls int
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			_, _ = io.WriteString(w, `{"access_token":"opaque"}`)
			return
		}
		calls++
		w.WriteHeader(http.StatusUnauthorized)
	}, withClientCredentials)
	asked := 0
	lost := errors.New("lost")
	_, err := client.Guarded(func() error {
		if asked++; asked == 4 { // token, call, renewal, repeat
			return lost
		}
		return nil
	}).GetWorkspace(t.Context(), workspaceID)
	if !errors.Is(err, lost) || calls != 1 {
		t.Errorf("got %v after %d calls, want the guard's error after 1", err, calls)
	}
}

func TestCallerGivesUp(t *testing.T) {
	t.Parallel()
	t.Run("before the call: nothing is sent", func(t *testing.T) {
		t.Parallel()
		client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("was called") })
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := client.GetWorkspace(ctx, workspaceID)
		if e := asError(t, err); e.Class != airbyte.ClassCanceled || e.Retryable || !errors.Is(err, context.Canceled) {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("during the call", func(t *testing.T) {
		t.Parallel()
		ctx, cancel := context.WithCancel(t.Context())
		client := serve(t, func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then the server notices the client leaving
			cancel()
			<-r.Context().Done()
		})
		_, err := client.GetWorkspace(ctx, workspaceID)
		if e := asError(t, err); e.Class != airbyte.ClassCanceled || e.Retryable || !errors.Is(err, context.Canceled) {
			t.Errorf("got %+v", e)
		}
	})
	t.Run("the caller's deadline may be met next time", func(t *testing.T) {
		t.Parallel()
		client := serve(t, func(http.ResponseWriter, *http.Request) { t.Error("was called") })
		ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
		defer cancel()
		_, err := client.GetWorkspace(ctx, workspaceID)
		if e := asError(t, err); e.Class != airbyte.ClassTimeout || !e.Retryable {
			t.Errorf("got %+v", e)
		}
	})
}

func TestNoAnswer(t *testing.T) {
	t.Parallel()
	hangUp := func(w http.ResponseWriter, written string) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(conn, written)
		_ = conn.Close()
	}
	for _, test := range []struct {
		reason  string
		handler http.HandlerFunc
		adjust  func(*airbyte.Options)
		class   airbyte.Class
	}{
		{"closed without an answer", func(w http.ResponseWriter, _ *http.Request) { hangUp(w, "") }, nil, airbyte.ClassNetwork},
		{
			"closed in the middle of an answer",
			func(w http.ResponseWriter, _ *http.Request) {
				hangUp(w, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"workspaceId\":")
			},
			nil, airbyte.ClassNetwork,
		},
		{
			"closed in the middle of an error: the status counts",
			func(w http.ResponseWriter, _ *http.Request) {
				hangUp(w, "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n{\"mess")
			},
			nil, airbyte.ClassServer,
		},
		{
			"too slow",
			func(_ http.ResponseWriter, r *http.Request) {
				_, _ = io.Copy(io.Discard, r.Body)
				<-r.Context().Done()
			},
			func(o *airbyte.Options) { o.Timeout = 20 * time.Millisecond }, airbyte.ClassTimeout,
		},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			var adjust []func(*airbyte.Options)
			if test.adjust != nil {
				adjust = append(adjust, test.adjust)
			}
			_, err := serve(t, test.handler, adjust...).GetWorkspace(t.Context(), workspaceID)
			if e := asError(t, err); e.Class != test.class || !e.Retryable {
				t.Errorf("got %+v, want retryable %s", e, test.class)
			}
		})
	}
	t.Run("nobody listens", func(t *testing.T) {
		t.Parallel()
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		_ = listener.Close()
		client, err := airbyte.New(airbyte.Options{BaseURL: "http://" + listener.Addr().String()})
		if err != nil {
			t.Fatal(err)
		}
		_, err = client.GetWorkspace(t.Context(), workspaceID)
		e := asError(t, err)
		if e.Class != airbyte.ClassNetwork || !e.Retryable || !strings.Contains(e.Error(), "connection refused") {
			t.Errorf("got %v (%+v)", e, e)
		}
	})
}

func TestUnusableAnswers(t *testing.T) {
	t.Parallel()
	workspace := func(c *airbyte.Client) error {
		_, err := c.GetWorkspace(context.Background(), workspaceID)
		return err
	}
	for _, test := range []struct {
		reason string
		body   string
		call   func(*airbyte.Client) error
	}{
		{"empty", "", workspace},
		{"null", "null", workspace},
		{"a page of HTML with 200", "<html>login</html>", workspace},
		{"cut", `{"workspaceId":"x"`, workspace},
		{"another type", `{"workspaceId":5}`, workspace},
		{"more than one value", `{"workspaceId":"x"} {"workspaceId":"y"}`, workspace},
		{"no id", `{"name":"x"}`, workspace},
		{"empty id", `{"workspaceId":""}`, workspace},
		{"an actor of the other kind", `{"destinationId":"x"}`, func(c *airbyte.Client) error {
			_, err := c.CreateActor(context.Background(), airbyte.Actor{Kind: airbyte.Source})
			return err
		}},
		{"an updated actor without id", `{"sourceId":"x"}`, func(c *airbyte.Client) error {
			_, err := c.UpdateActor(context.Background(), airbyte.Actor{Kind: airbyte.Destination})
			return err
		}},
		{"no list is not an empty list", `{}`, listAll},
		{"null is not an empty list", `{"sources":null}`, listAll},
		{"a listed actor without id", `{"sources":[{"sourceDefinitionId":"d","name":"x"}]}`, listAll},
		{"a listed actor without name", `{"sources":[{"sourceId":"s","sourceDefinitionId":"d"}]}`, listAll},
		{"a listed actor without definition", `{"sources":[{"sourceId":"s","name":"x"}]}`, listAll},
		{"no list of definitions", `{}`, func(c *airbyte.Client) error {
			_, err := c.ListDefinitions(context.Background(), airbyte.Source, workspaceID)
			return err
		}},
		{"a definition of the other kind", `{"sourceDefinitionId":"x"}`, func(c *airbyte.Client) error {
			_, err := c.GetDefinition(context.Background(), airbyte.Destination, workspaceID, definitionID)
			return err
		}},
		{"no specification", `{"sourceDefinitionId":"x","connectionSpecification":null}`, func(c *airbyte.Client) error {
			_, err := c.GetSpecification(context.Background(), airbyte.Source, workspaceID, definitionID)
			return err
		}},
		{"no list of connections", `{"other":[1,2]}`, listConnections},
		{"connections are null", `{"connections":null}`, listConnections},
		{"a cut list of connections", `{"connections":[{"connectionId":"c","sourceId":"s","destinationId":"d"}`, listConnections},
		{"a connection without source", `{"connections":[{"connectionId":"c","destinationId":"d"}]}`, listConnections},
		{"connections of another form", `[]`, listConnections},
		{"an odd connection", `{"connections":[7]}`, listConnections},
		{"a connection without id", `{"sourceId":"s","destinationId":"d","status":"active","syncCatalog":{"streams":[]}}`, createConnection},
		{"a connection from nowhere", `{"connectionId":"c","destinationId":"d","status":"active","syncCatalog":{"streams":[]}}`, createConnection},
		{"a connection to nowhere", `{"connectionId":"c","sourceId":"s","status":"active","syncCatalog":{"streams":[]}}`, createConnection},
		{"a connection without status", `{"connectionId":"c","sourceId":"s","destinationId":"d","syncCatalog":{"streams":[]}}`, createConnection},
		{"a connection without catalog", `{"connectionId":"c","sourceId":"s","destinationId":"d","status":"active"}`, createConnection},
		{"a check without status", `{"jobInfo":{"succeeded":true}}`, func(c *airbyte.Client) error {
			return c.CheckActor(context.Background(), airbyte.Actor{Kind: airbyte.Source})
		}},
		{"a discovery that succeeded without catalog", `{"jobInfo":{"succeeded":true}}`, discover},
		{"a discovery without streams", `{"catalog":{},"jobInfo":{"succeeded":true}}`, discover},
		{"a nameless stream", `{"catalog":{"streams":[{"stream":{}}]},"jobInfo":{"succeeded":true}}`, discover},
		{"a job without id", `{"job":{"status":"running"}}`, func(c *airbyte.Client) error {
			_, err := c.SyncConnection(context.Background(), connectionID)
			return err
		}},
		{"no list of jobs", `{}`, func(c *airbyte.Client) error {
			_, err := c.ActiveJobs(context.Background(), connectionID)
			return err
		}},
		{"no list of users", `{}`, func(c *airbyte.Client) error {
			_, err := c.ListAccess(context.Background(), workspaceID)
			return err
		}},
		{"health without an answer", `{}`, func(c *airbyte.Client) error { return c.Health(context.Background()) }},
		{"an instance that tells nothing", `{}`, func(c *airbyte.Client) error {
			_, err := c.GetInstance(context.Background())
			return err
		}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			err := test.call(serve(t, says(http.StatusOK, "application/json", test.body)))
			e := asError(t, err)
			if e.Class != airbyte.ClassMalformed || !e.Retryable || e.Status != http.StatusOK || !strings.Contains(e.Message, "lacks") {
				t.Errorf("got %+v", e)
			}
		})
	}
}

func listAll(c *airbyte.Client) error {
	_, err := c.ListActors(context.Background(), airbyte.Source, workspaceID, "")
	return err
}

func createConnection(c *airbyte.Client) error {
	_, err := c.CreateConnection(context.Background(), airbyte.ConnectionCreate{})
	return err
}

func listConnections(c *airbyte.Client) error {
	_, err := c.ListConnections(context.Background(), workspaceID)
	return err
}

func discover(c *airbyte.Client) error {
	_, err := c.DiscoverSource(context.Background(), sourceID, false)
	return err
}

func TestAnswerOverTheLimit(t *testing.T) {
	t.Parallel()
	small := func(o *airbyte.Options) { o.MaxBody = 100 }
	long := strings.Repeat("x", 200)
	_, err := serve(t, says(200, "application/json", `{"workspaceId":"x","name":"`+long+`"}`), small).GetWorkspace(t.Context(), workspaceID)
	if e := asError(t, err); e.Class != airbyte.ClassTooLarge || e.Retryable || !strings.Contains(e.Message, "100 bytes") {
		t.Errorf("got %+v", e)
	}

	// The list of connections is read piece by piece and may be larger.
	list := `{"x":{"y":[1]},"connections":[{"connectionId":"c","name":"n","sourceId":"s","destinationId":"d","status":"active","syncCatalog":{"streams":["` + long + `"]}}],"z":1}`
	got, err := serve(t, says(200, "application/json", list), small).ListConnections(t.Context(), workspaceID)
	want := []airbyte.ConnectionSummary{{ID: "c", Name: "n", SourceID: "s", DestinationID: "d", Status: "active"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
}

func TestConnectionsAreReused(t *testing.T) {
	t.Parallel()
	var opened atomic.Int32
	server := httptest.NewUnstartedServer(says(200, "application/json", `{"connections":[],"more":[1,2,3]}`))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client, err := airbyte.New(airbyte.Options{BaseURL: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	for range 5 {
		if _, err := client.ListConnections(t.Context(), workspaceID); err != nil {
			t.Fatal(err)
		}
	}
	if opened.Load() != 1 {
		t.Errorf("%d connections for 5 calls, want 1", opened.Load())
	}
}
