package airbyte_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"airbyte-provisioner/internal/airbyte"
)

const (
	clientID     = "the-client"
	clientSecret = "hush-client-secret"
)

func withClientCredentials(o *airbyte.Options) {
	o.Auth = airbyte.Auth{ClientID: clientID, ClientSecret: clientSecret}
}

// jwt is an unsigned token with the given exp claim; the id makes it unique.
func jwt(id int64, expires any) string {
	claims, _ := json.Marshal(map[string]any{"exp": expires, "jti": id})
	return "e30." + base64.RawURLEncoding.EncodeToString(claims) + ".c2ln"
}

// tokenServer gives out tokens and accepts the newest one only.
type tokenServer struct {
	mu      sync.Mutex
	issued  int64
	calls   int64
	current string
	make    func(id int64) string
	hold    chan struct{} // when set, tokens are given out after it is closed
}

func (s *tokenServer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasSuffix(r.URL.Path, "/applications/token") {
		s.token(w, r)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls++
	if r.Header.Get("Authorization") != "Bearer "+s.current {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	_, _ = io.WriteString(w, `{"workspaceId":"x"}`)
}

func (s *tokenServer) token(w http.ResponseWriter, r *http.Request) {
	var body map[string]string
	if json.NewDecoder(r.Body).Decode(&body) != nil || body["client_id"] != clientID || body["client_secret"] != clientSecret || len(body) != 2 {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if r.Header.Get("Authorization") != "" {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	if s.hold != nil {
		<-s.hold
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued++
	s.current = s.make(s.issued)
	_ = json.NewEncoder(w).Encode(map[string]any{"access_token": s.current, "token_type": "Bearer"})
}

func (s *tokenServer) counts() (issued, calls int64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued, s.calls
}

func TestTokenLifetime(t *testing.T) {
	t.Parallel()
	begin := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		reason string
		token  func(id int64) string
		after  time.Duration // between two calls
		issued int64
	}{
		{"fresh", func(id int64) string { return jwt(id, begin.Add(3*time.Minute).Unix()) }, 2 * time.Minute, 1},
		{"renewed a little before its end", func(id int64) string { return jwt(id, begin.Add(3*time.Minute).Unix()) }, 2*time.Minute + 31*time.Second, 2},
		{"a short life leaves a smaller margin", func(id int64) string { return jwt(id, begin.Add(10*time.Second).Unix()) }, 7 * time.Second, 1},
		{"a short life ends too", func(id int64) string { return jwt(id, begin.Add(10*time.Second).Unix()) }, 9 * time.Second, 2},
		{"a fraction in exp", func(id int64) string { return jwt(id, float64(begin.Add(time.Minute).Unix())+0.5) }, 2 * time.Minute, 2},
		{"an opaque token is kept until refused", func(id int64) string { return fmt.Sprint("opaque-", id) }, 24 * time.Hour, 1},
		{"no exp", func(id int64) string { return jwt(id, nil) }, 24 * time.Hour, 1},
		{"an odd exp", func(id int64) string { return jwt(id, "soon") }, 24 * time.Hour, 1},
		{"not base64", func(id int64) string { return fmt.Sprintf("a.%%%d.c", id) }, 24 * time.Hour, 1},
		{"already over by this clock: the clocks differ", func(id int64) string { return jwt(id, begin.Add(-time.Hour).Unix()) }, time.Hour, 1},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			now := begin
			server := &tokenServer{make: test.token}
			client := serve(t, server.ServeHTTP, withClientCredentials, func(o *airbyte.Options) { o.Now = func() time.Time { return now } })
			for range 2 {
				if _, err := client.GetWorkspace(t.Context(), workspaceID); err != nil {
					t.Fatal(err)
				}
				now = now.Add(test.after)
			}
			if issued, calls := server.counts(); issued != test.issued || calls != 2 {
				t.Errorf("%d tokens and %d calls, want %d and 2", issued, calls, test.issued)
			}
		})
	}
}

func TestConcurrentCallersShareOneToken(t *testing.T) {
	t.Parallel()
	const callers = 40
	server := &tokenServer{make: func(id int64) string { return fmt.Sprint("opaque-", id) }, hold: make(chan struct{})}
	client := serve(t, server.ServeHTTP, withClientCredentials)
	var wanting atomic.Int32
	guarded := client.Guarded(func() error { // asked right before the renewal is joined
		if wanting.Add(1) == callers {
			close(server.hold)
		}
		return nil
	})
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := guarded.GetWorkspace(t.Context(), workspaceID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if issued, calls := server.counts(); issued != 1 || calls != callers {
		t.Errorf("%d tokens and %d calls, want 1 and %d", issued, calls, callers)
	}
}

// Who finds no token, and is overtaken by a whole renewal before beginning one, takes what that brought.
func TestATokenRenewedMeanwhileIsTaken(t *testing.T) {
	t.Parallel()
	server := &tokenServer{make: func(id int64) string { return fmt.Sprint("opaque-", id) }}
	client := serve(t, server.ServeHTTP, withClientCredentials)
	var overtake sync.Once
	guarded := client.Guarded(func() error { // asked between the look at the token and its renewal
		overtake.Do(func() {
			if _, err := client.GetWorkspace(t.Context(), workspaceID); err != nil {
				t.Error(err)
			}
		})
		return nil
	})
	if _, err := guarded.GetWorkspace(t.Context(), workspaceID); err != nil {
		t.Fatal(err)
	}
	if issued, calls := server.counts(); issued != 1 || calls != 2 {
		t.Errorf("%d tokens and %d calls, want 1 and 2", issued, calls)
	}
}

func TestRefusedTokenIsRenewedOnce(t *testing.T) {
	t.Parallel()
	const callers = 20
	server := &tokenServer{make: func(id int64) string { return fmt.Sprint("opaque-", id) }}
	client := serve(t, server.ServeHTTP, withClientCredentials)
	if _, err := client.GetWorkspace(t.Context(), workspaceID); err != nil {
		t.Fatal(err)
	}
	server.mu.Lock()
	server.current = "revoked: the client's token is no longer good"
	server.mu.Unlock()
	var all sync.WaitGroup
	for range callers {
		all.Go(func() {
			if _, err := client.GetWorkspace(t.Context(), workspaceID); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if issued, _ := server.counts(); issued != 2 {
		t.Errorf("%d tokens, want 2: one at first, one after the refusal", issued)
	}
}

// handled sends requests straight to a handler.
type handled struct{ http.Handler }

func (h handled) RoundTrip(r *http.Request) (*http.Response, error) {
	recorder := httptest.NewRecorder()
	h.ServeHTTP(recorder, r)
	if r.Context().Err() != nil {
		return nil, r.Context().Err()
	}
	return recorder.Result(), nil
}

// Who began a renewal and gives up does not end it for those who have joined it. In the bubble it is certain that
// the other has.
func TestARenewalOutlivesWhoBeganIt(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &tokenServer{make: func(id int64) string { return fmt.Sprint("opaque-", id) }, hold: make(chan struct{})}
		client, err := airbyte.New(airbyte.Options{BaseURL: "http://airbyte.test", Auth: airbyte.Auth{ClientID: clientID, ClientSecret: clientSecret}, Transport: handled{server}})
		if err != nil {
			t.Fatal(err)
		}
		first, cancel := context.WithCancel(t.Context())
		ask := func(ctx context.Context) chan error {
			ended := make(chan error, 1)
			go func() {
				_, err := client.GetWorkspace(ctx, workspaceID)
				ended <- err
			}()
			synctest.Wait()
			return ended
		}
		gaveUp, other := ask(first), ask(t.Context())
		cancel()
		if e := asError(t, <-gaveUp); e.Class != airbyte.ClassCanceled {
			t.Errorf("the first caller got %v", e)
		}
		close(server.hold)
		if err := <-other; err != nil {
			t.Errorf("the other caller got %v", err)
		}
		if issued, _ := server.counts(); issued != 1 {
			t.Errorf("%d tokens, want the one that both waited for", issued)
		}
	})
}

// A refusal that comes late, of a token that another caller has renewed already, renews nothing.
func TestALateRefusalRenewsNothing(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		server := &tokenServer{make: func(id int64) string { return fmt.Sprint("opaque-", id) }}
		late := make(chan struct{})
		client, err := airbyte.New(airbyte.Options{
			BaseURL: "http://airbyte.test", Auth: airbyte.Auth{ClientID: clientID, ClientSecret: clientSecret},
			Transport: handled{http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				server.ServeHTTP(w, r)
				if r.Header.Get("X-Late") != "" && r.Header.Get("Authorization") == "Bearer opaque-1" {
					<-late
				}
			})},
			Header: func(ctx context.Context) http.Header {
				if ctx.Value(lateKey{}) != nil {
					return http.Header{"X-Late": {"yes"}}
				}
				return nil
			},
		})
		if err != nil {
			t.Fatal(err)
		}
		call := func(ctx context.Context) error { _, err := client.GetWorkspace(ctx, workspaceID); return err }
		if err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
		server.mu.Lock()
		server.current = "revoked"
		server.mu.Unlock()
		ended := make(chan error, 1)
		go func() { ended <- call(context.WithValue(t.Context(), lateKey{}, true)) }()
		synctest.Wait() // refused, and not told yet
		if err := call(t.Context()); err != nil {
			t.Fatal(err)
		}
		close(late)
		if err := <-ended; err != nil {
			t.Error(err)
		}
		if issued, _ := server.counts(); issued != 2 {
			t.Errorf("%d tokens, want 2: one at first, one after the refusal", issued)
		}
	})
}

type lateKey struct{}

func TestStillRefusedAfterRenewal(t *testing.T) {
	t.Parallel()
	var tokens, calls int
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/token") {
			tokens++
			_, _ = io.WriteString(w, `{"access_token":"opaque"}`)
			return
		}
		calls++
		says(http.StatusUnauthorized, "application/json", `{"message":"Unauthorized"}`)(w, r)
	}, withClientCredentials)
	_, err := client.GetWorkspace(t.Context(), workspaceID)
	e := asError(t, err)
	if e.Class != airbyte.ClassUnauthorized || e.Retryable || !strings.Contains(e.Message, "client id and secret") {
		t.Errorf("got %+v", e)
	}
	if tokens != 2 || calls != 2 {
		t.Errorf("%d tokens and %d calls, want 2 and 2", tokens, calls)
	}
}

func TestTokenIsNotGiven(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason    string
		status    int
		body      string
		class     airbyte.Class
		retryable bool
		say       string
	}{
		{
			"Core's answer to bad credentials", 400,
			`{"message":"Bad Request","_links":{"self":{"href":"/api/v1/applications/token"}},"_embedded":{"errors":[{"message":"Invalid client id or token hush-client-secret"}]}}`,
			airbyte.ClassUnauthorized, false, "Invalid client id or token ***",
		},
		{"others' answer to bad credentials", 401, `{"message":"Unauthorized"}`, airbyte.ClassUnauthorized, false, "Unauthorized"},
		{"forbidden", 403, `{}`, airbyte.ClassUnauthorized, false, "client id and secret"},
		{"no such endpoint on old servers", 404, `{}`, airbyte.ClassNotFound, false, ""},
		{"down", 503, `{}`, airbyte.ClassServer, true, ""},
		{"too many", 429, `{}`, airbyte.ClassRateLimited, true, ""},
		{"an empty token", 200, `{"access_token":""}`, airbyte.ClassMalformed, true, "access_token"},
		{"no JSON", 200, `welcome`, airbyte.ClassMalformed, true, "JSON"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				if !strings.HasSuffix(r.URL.Path, "/token") {
					t.Error("was called without a token")
				}
				says(test.status, "application/json", test.body)(w, r)
			}, withClientCredentials)
			_, err := client.GetWorkspace(t.Context(), workspaceID)
			e := asError(t, err)
			if e.Class != test.class || e.Retryable != test.retryable || e.Operation != "applications/token" {
				t.Errorf("got %+v", e)
			}
			if !strings.Contains(e.Error(), test.say) || strings.Contains(e.Error(), clientSecret) {
				t.Errorf("says %q, want %q", e.Error(), test.say)
			}
			if e.Class == airbyte.ClassUnauthorized && strings.Count(e.Error(), "client id and secret") != 1 {
				t.Errorf("says %q, want the settings to look at, once", e.Error())
			}
		})
	}
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	handler := func(w http.ResponseWriter, r *http.Request) {
		if user, password, _ := r.BasicAuth(); user != "airbyte" || password != "hush:pässword" {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, `{"workspaceId":"x"}`)
	}
	client := serve(t, handler, func(o *airbyte.Options) { o.Auth = airbyte.Auth{Username: "airbyte", Password: "hush:pässword"} })
	if _, err := client.GetWorkspace(t.Context(), workspaceID); err != nil {
		t.Error(err)
	}
	client = serve(t, handler, func(o *airbyte.Options) { o.Auth = airbyte.Auth{Username: "airbyte", Password: "wrong"} })
	_, err := client.GetWorkspace(t.Context(), workspaceID)
	if e := asError(t, err); e.Class != airbyte.ClassUnauthorized || !strings.Contains(e.Message, "username and password") {
		t.Errorf("got %+v", e)
	}
	client = serve(t, handler)
	_, err = client.GetWorkspace(t.Context(), workspaceID)
	if e := asError(t, err); !strings.Contains(e.Message, "asks for authentication") {
		t.Errorf("got %+v", e)
	}
}

func TestCredentialsDoNotPrint(t *testing.T) {
	t.Parallel()
	options := airbyte.Options{Auth: airbyte.Auth{ClientID: clientID, ClientSecret: clientSecret, Username: "u", Password: "hush-password"}}
	for _, form := range []string{"%v", "%+v", "%#v", "%s"} {
		if got := fmt.Sprintf(form, options.Auth) + fmt.Sprintf(form, options); strings.Contains(got, "hush") {
			t.Errorf("%s prints a secret: %s", form, got)
		}
	}
}

func TestRenewalFailureWrapsNothingSecret(t *testing.T) {
	t.Parallel()
	client := serve(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		says(http.StatusInternalServerError, "text/plain", "cannot handle "+string(body))(w, r)
	}, withClientCredentials)
	_, err := client.GetWorkspace(t.Context(), workspaceID)
	for ; err != nil; err = errors.Unwrap(err) {
		if strings.Contains(err.Error(), clientSecret) {
			t.Errorf("an error holds the secret: %v", err)
		}
	}
}
