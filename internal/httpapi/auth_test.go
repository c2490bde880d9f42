package httpapi_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/httpapi"
)

const right = "the-right-token"

// guarded is an API with one token.
func guarded(t *testing.T, changes ...func(*httpapi.Options)) *api {
	t.Helper()
	changes = append(changes, func(o *httpapi.Options) { o.Tokens = func() []string { return []string{"another", right} } })
	return start(t, changes...)
}

func with(r *http.Request, authorization string) *http.Request {
	if authorization != "" {
		r.Header.Set("Authorization", authorization)
	}
	return r
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	basic := func(user, password string) string {
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		r.SetBasicAuth(user, password)
		return r.Header.Get("Authorization")
	}
	cases := map[string]struct {
		authorization string
		code          int
	}{
		"bearer":                     {"Bearer " + right, http.StatusOK},
		"scheme in any case":         {"bEARER " + right, http.StatusOK},
		"the other accepted one":     {"Bearer another", http.StatusOK},
		"basic, any user":            {basic("me", right), http.StatusOK},
		"basic, no user":             {basic("", right), http.StatusOK},
		"none":                       {"", http.StatusUnauthorized},
		"wrong":                      {"Bearer wrong", http.StatusUnauthorized},
		"a prefix":                   {"Bearer " + right[:5], http.StatusUnauthorized},
		"more than it":               {"Bearer " + right + "x", http.StatusUnauthorized},
		"another case":               {"Bearer " + strings.ToUpper(right), http.StatusUnauthorized},
		"both at once":               {"Bearer another," + right, http.StatusUnauthorized},
		"no scheme":                  {right, http.StatusUnauthorized},
		"empty bearer":               {"Bearer ", http.StatusUnauthorized},
		"token as the user":          {basic(right, ""), http.StatusUnauthorized},
		"basic that is not base64":   {"Basic !!!", http.StatusUnauthorized},
		"another scheme":             {"Digest " + right, http.StatusUnauthorized},
		"a very long wrong token":    {"Bearer " + strings.Repeat("x", 1<<16), http.StatusUnauthorized},
		"a token with a zero byte":   {"Bearer " + right + "\x00", http.StatusUnauthorized},
		"a token with blanks around": {"Bearer  " + right + " ", http.StatusOK},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := guarded(t)
			w := a.do(with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), c.authorization))
			if w.Code != c.code {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			challenges := w.Header().Values("WWW-Authenticate")
			if (c.code == http.StatusUnauthorized) != (len(challenges) == 2) {
				t.Errorf("challenges are %q", challenges)
			}
			if c.code == http.StatusUnauthorized && strings.Contains(a.log.String()+w.Body.String(), right[:5]) {
				t.Error("the presented token is told again")
			}
		})
	}
}

// TestOnlyHealthIsOpen asks every route, and paths that do not exist, without a token.
func TestOnlyHealthIsOpen(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	a := guarded(t, func(o *httpapi.Options) {
		o.Metrics = page
		o.Mounts = []httpapi.Mount{{Path: "/", Handler: page}, {Path: "/monitoring", Handler: page}}
	})
	token := uuid.NewString()
	for _, path := range []string{
		"/", "/monitoring", "/monitoring/api/queues", "/metrics", "/docs", "/openapi.yaml", "/nothing", "/healthz/", "/healthz/x", "/%68ealthz/..",
		"/v1/validate", "/v1/provision", "/v1/unprovision", "/v1/updateacl", "/v2/validate", "/v1/reverse-provisioning",
		"/v1/provision/" + token, "/v1/provision/" + token + "/status", "/v2/validate/" + token + "/status",
		"/v1/reverse-provisioning/" + token + "/status", basePath + "/v1/validate", basePath + "/v1/provision/" + token + "/status",
	} {
		for _, method := range []string{http.MethodGet, http.MethodPost, http.MethodDelete, http.MethodOptions, http.MethodHead} {
			w := httptest.NewRecorder()
			a.server.ServeHTTP(w, httptest.NewRequest(method, path, nil))
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s %s: got %d", method, path, w.Code)
			}
		}
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		if w := a.get(path); w.Code != http.StatusOK {
			t.Errorf("%s: got %d", path, w.Code)
		}
	}
}

// TestEveryRouteWantsAToken asks the router what there is, so that a route that is added later is asked, too.
func TestEveryRouteWantsAToken(t *testing.T) {
	t.Parallel()
	page := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusTeapot) })
	a := guarded(t, func(o *httpapi.Options) {
		o.Metrics = page
		o.Mounts = []httpapi.Mount{{Path: "/", Handler: page}, {Path: "/monitoring", Handler: page}}
	})
	concrete := strings.NewReplacer(":token", uuid.NewString(), "*", "a/b")
	guardedRoutes, open := 0, []string{}
	for _, route := range a.server.Routes() {
		w := httptest.NewRecorder()
		a.server.ServeHTTP(w, httptest.NewRequest(route.Method, concrete.Replace(route.Path), nil))
		switch w.Code {
		case http.StatusUnauthorized:
			guardedRoutes++
		case http.StatusOK:
			open = append(open, route.Method+" "+route.Path)
		default:
			t.Errorf("%s %s: got %d", route.Method, route.Path, w.Code)
		}
	}
	slices.Sort(open)
	if want := []string{"GET /healthz", "GET /readyz", "HEAD /healthz", "HEAD /readyz"}; !slices.Equal(open, want) {
		t.Errorf("open are %v, want %v", open, want)
	}
	if guardedRoutes < 50 { // the contract's ten, twice; the documents; each method of the pages
		t.Errorf("only %d routes were asked", guardedRoutes)
	}
}

func TestTokensRotate(t *testing.T) {
	t.Parallel()
	var tokens atomic.Value
	tokens.Store([]string{"old"})
	a := start(t, func(o *httpapi.Options) { o.Tokens = func() []string { return tokens.Load().([]string) } })
	ask := func(token string) int {
		return a.do(with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), "Bearer "+token)).Code
	}
	if ask("old") != http.StatusOK || ask("new") != http.StatusUnauthorized {
		t.Error("before the rotation")
	}
	tokens.Store([]string{"new"})
	if ask("new") != http.StatusOK || ask("old") != http.StatusUnauthorized {
		t.Error("after the rotation")
	}
	// A token file that was emptied by mistake must not open the API.
	tokens.Store([]string{})
	if ask("new") != http.StatusUnauthorized || ask("") != http.StatusUnauthorized {
		t.Error("without any token")
	}
	tokens.Store([]string{""})
	if got := a.do(with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), "Basic Og==")).Code; got != http.StatusUnauthorized {
		t.Errorf("an empty token opens the API: %d", got)
	}
}

// clock is a time that tests set.
type clock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *clock) time() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// from asks for the document from an address, with a token.
func (a *api) from(address, token string) *httptest.ResponseRecorder {
	r := with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), "Bearer "+token)
	r.RemoteAddr = address
	return a.do(r)
}

func TestFailuresAreLimited(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Unix(1_800_000_000, 0)}
	a := guarded(t, func(o *httpapi.Options) { o.Now = now.time })
	const guesser, other = "192.0.2.1:1234", "192.0.2.2:1234"
	for i := range 10 {
		if w := a.from(guesser, "guess"+strconv.Itoa(i)); w.Code != http.StatusUnauthorized {
			t.Fatalf("guess %d: got %d", i, w.Code)
		}
	}
	w := a.from(guesser, "guess")
	wait, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if w.Code != http.StatusTooManyRequests || err != nil || wait < 1 || wait > 6 {
		t.Fatalf("got %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
	}
	if got := read[requestError](t, w); got.UserMessage == "" || len(got.Errors) == 0 {
		t.Errorf("the body is %s", w.Body)
	}
	// Otherwise a guess that is right could be told from a wrong one.
	if w := a.from(guesser, right); w.Code != http.StatusTooManyRequests {
		t.Errorf("the right token during the wait: got %d", w.Code)
	}
	if w := a.from(other, right); w.Code != http.StatusOK {
		t.Errorf("another client waits too: got %d", w.Code)
	}
	if w := a.do(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil)); w.Code != http.StatusUnauthorized {
		t.Errorf("a request without credentials: got %d", w.Code)
	}
	now.pass(time.Duration(wait) * time.Second)
	if w := a.from(guesser, "guess"); w.Code != http.StatusUnauthorized {
		t.Errorf("one guess after the wait: got %d", w.Code)
	}
	if w := a.from(guesser, "guess"); w.Code != http.StatusTooManyRequests {
		t.Errorf("a second guess after the wait: got %d", w.Code)
	}
	now.pass(time.Minute)
	if w := a.from(guesser, right); w.Code != http.StatusOK {
		t.Errorf("the right token after the wait: got %d", w.Code)
	}
}

// TestGuessesAtOnce sees that guesses in parallel are counted like guesses one by one.
func TestGuessesAtOnce(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Unix(1_800_000_000, 0)}
	a := guarded(t, func(o *httpapi.Options) { o.Now = now.time })
	var listened atomic.Int32
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if a.from("192.0.2.1:1", "guess").Code == http.StatusUnauthorized {
				listened.Add(1)
			}
		})
	}
	group.Wait()
	if listened.Load() != 10 {
		t.Errorf("%d guesses were listened to", listened.Load())
	}
}

// TestOneClientOfManyAddresses sees that an IPv6 network is one client.
func TestOneClientOfManyAddresses(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Unix(1_800_000_000, 0)}
	a := guarded(t, func(o *httpapi.Options) { o.Now = now.time })
	for i := range 10 {
		a.from(fmt.Sprintf("[2001:db8::%x]:1", i), "guess")
	}
	if w := a.from("[2001:db8::ffff]:1", "guess"); w.Code != http.StatusTooManyRequests {
		t.Errorf("the same network: got %d", w.Code)
	}
	if w := a.from("[2001:db8:0:1::1]:1", "guess"); w.Code != http.StatusUnauthorized {
		t.Errorf("another network: got %d", w.Code)
	}
	if w := a.from("[::ffff:192.0.2.9]:1", right); w.Code != http.StatusOK {
		t.Errorf("IPv4 in IPv6: got %d", w.Code)
	}
}

// TestClientBehindProxy counts by the address that the proxy names, where that is configured.
func TestClientBehindProxy(t *testing.T) {
	t.Parallel()
	now := &clock{now: time.Unix(1_800_000_000, 0)}
	a := guarded(t, func(o *httpapi.Options) {
		o.Now = now.time
		o.ClientAddress = echo.ExtractIPFromXFFHeader()
	})
	ask := func(client, token string) int {
		r := with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), "Bearer "+token)
		r.RemoteAddr = "10.0.0.1:1"
		r.Header.Set("X-Forwarded-For", client)
		return a.do(r).Code
	}
	for range 11 {
		ask("198.51.100.1", "guess")
	}
	if got := ask("198.51.100.1", right); got != http.StatusTooManyRequests {
		t.Errorf("the guesser: got %d", got)
	}
	if got := ask("198.51.100.2", right); got != http.StatusOK {
		t.Errorf("another client of the proxy: got %d", got)
	}
}

func TestOpenWithoutTokens(t *testing.T) {
	t.Parallel()
	a := start(t)
	if w := a.do(with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), "Bearer anything")); w.Code != http.StatusOK {
		t.Errorf("got %d", w.Code)
	}
}
