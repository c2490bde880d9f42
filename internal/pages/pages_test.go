package pages_test

import (
	"cmp"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/pages"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// site is the pages over a real Redis.
type site struct {
	t     *testing.T
	redis *redistest.Server
	store *operation.Store
	pages *pages.Pages
	url   string
}

func newSite(t *testing.T, change ...func(*pages.Options)) *site {
	t.Helper()
	s := &site{t: t, redis: redistest.Start(t)}
	s.store = operation.New(operation.Options{Redis: s.redis.Client(), StatusTTL: time.Hour})
	q := queue.New(queue.Options{Redis: s.redis.Client(), Store: s.store, Instance: "blue-"})
	options := pages.Options{
		Operations: s.store, Task: q.TaskOf, Version: "1.2.3", Limit: 5, Log: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	for _, f := range change {
		f(&options)
	}
	s.pages = pages.New(options)
	server := httptest.NewServer(s.pages)
	t.Cleanup(server.Close)
	s.url = server.URL
	return s
}

// accept puts an operation in line; each is another.
func (s *site) accept(kind workload.Kind, id string, change ...func(*operation.Request)) string {
	s.t.Helper()
	r := operation.Request{
		Kind: kind, Component: workload.NewComponent(id, "dev"), TraceID: "trace-" + id, Payload: []byte("p"), Hash: rand.Text(),
		Name: "Name of " + id, DataProduct: workload.DataProduct{ID: "dp", Name: "Orders", Domain: "sales", Version: "1.0.0"},
	}
	for _, f := range change {
		f(&r)
	}
	accepted, err := s.store.Accept(context.Background(), r)
	if err != nil {
		s.t.Fatal(err)
	}
	return accepted.Token
}

func (s *site) begin(token string) *operation.Lease {
	s.t.Helper()
	lease, err := s.store.Begin(context.Background(), token, workload.Component{}, 0)
	if err != nil {
		s.t.Fatal(err)
	}
	return lease
}

func (s *site) end(token string, end operation.End) {
	s.t.Helper()
	if _, err := s.begin(token).Finish(context.Background(), end); err != nil {
		s.t.Fatal(err)
	}
}

// reply is an answer of the site.
type reply struct {
	status int
	header http.Header
	body   string
}

func (s *site) get(path string) reply { return s.ask(http.MethodGet, path) }

func (s *site) ask(method, path string) reply {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.t.Context(), method, s.url+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	response, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return reply{response.StatusCode, response.Header, string(body)}
}

// rows are the tokens of the list, in order.
func rows(body string) []string {
	var tokens []string
	for _, match := range regexp.MustCompile(`<td><a href="\./operations/([^"]+)">`).FindAllStringSubmatch(body, -1) {
		tokens = append(tokens, match[1])
	}
	return tokens
}

func holds(t *testing.T, where, body string, wanted ...string) {
	t.Helper()
	for _, want := range wanted {
		if !strings.Contains(body, want) {
			t.Errorf("%s lacks %q:\n%s", where, want, body)
		}
	}
}

func TestTheList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	holds(t, "the empty list", s.get("/").body, "There is no operation yet")

	done := s.accept(workload.Provision, "one")
	s.end(done, operation.End{Outcome: &workload.Outcome{Message: "made"}})
	failed := s.accept(workload.Unprovision, "one")
	s.end(failed, operation.End{Failure: &workload.Failure{Code: workload.CodeRefused, Message: "no"}})
	running := s.accept(workload.Provision, "two")
	s.begin(running)
	waiting := s.accept(workload.Provision, "two")
	nameless := s.accept(workload.Validate, "three", func(r *operation.Request) {
		r.Name, r.DataProduct, r.Component.Environment = "", workload.DataProduct{}, ""
	})
	everything := s.get("/")
	if everything.status != http.StatusOK || everything.header.Get("Content-Type") != "text/html; charset=utf-8" {
		t.Errorf("the list answers %d %v", everything.status, everything.header)
	}
	holds(t, "the list", everything.body, "✓ COMPLETED", "✗ FAILED", "▸ RUNNING", "… WAITING", "Name of one", "one in dev", "Orders 1.0.0", "sales",
		"just now", `data-every="3000"`, ">three<", "Version 1.2.3", `href="./monitoring"`, `href="./docs"`)

	for path, want := range map[string][]string{
		"/?state=RUNNING":                  {running, waiting, nameless},
		"/?state=FAILED&kind=unprovision":  {failed},
		"/?state=FAILED&kind=provision":    nil,
		"/?q=ONE":                          {done, failed},
		"/?q=orders":                       {done, failed, running, waiting},
		"/?q=dev":                          {done, failed, running, waiting},
		"/?q=" + failed[:30]:               {failed},
		"/?component=one&environment=dev":  {done, failed},
		"/?component=one&environment=prod": nil,
	} {
		body := s.get(path).body
		got := rows(body)
		if len(got) != len(want) {
			t.Errorf("%s lists %v, want %v", path, got, want)
		}
		for _, token := range want {
			if !strings.Contains(body, token) {
				t.Errorf("%s lacks %s", path, token)
			}
		}
		if len(want) == 0 {
			holds(t, path, body, "No operation matches.", "Show all")
		}
	}
	holds(t, "the form", s.get("/?q=a%22b&state=FAILED&kind=validate").body, `value="a&#34;b"`, "<option selected>FAILED", "<option selected>validate")
	holds(t, "a component's list", s.get("/?component=one&environment=dev&q=x").body,
		`type="hidden" name="component" value="one"`, `name="environment" value="dev"`, "Only the component <code>one</code> in <code>dev</code>")

	if got := s.get("/?q=%20" + strings.ToUpper(done) + "%20"); got.status != http.StatusSeeOther || got.header.Get("Location") != "./operations/"+done {
		t.Errorf("searching for a token answers %d, %s", got.status, got.header.Get("Location"))
	}
	unknown := strings.Replace(done, done[:4], "ffff", 1)
	holds(t, "searching for an unknown token", s.get("/?q="+unknown).body, "No operation matches.")
}

func TestPagesOfTheList(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	seen := map[string]bool{}
	for i := range 12 {
		seen[s.accept(workload.Provision, "c"+strconv.Itoa(i))] = false
	}
	next := regexp.MustCompile(`<a rel="next" href="\.(/\?[^"]+)">Older</a>`)
	path, count := "/?q=name+of&kind=provision", 0
	for page := 1; path != ""; page++ {
		body := s.get(path).body
		for _, token := range rows(body) {
			if again, known := seen[token]; !known || again {
				t.Errorf("page %d has %s, which is unknown or was there", page, token)
			}
			seen[token] = true
			count++
		}
		if first := page == 1; strings.Contains(body, "data-every") != first || strings.Contains(body, ">Newest</a>") == first {
			t.Errorf("page %d is kept up to date, or lacks the way back", page)
		}
		path = ""
		if match := next.FindStringSubmatch(body); match != nil {
			path = html.UnescapeString(match[1])
			holds(t, "the link to older ones", path, "kind=provision", "q=name+of")
		}
	}
	if count != 12 {
		t.Errorf("the pages have %d operations, want 12", count)
	}
	for _, wrong := range []string{"x", "1.x", "1", ".", "-1." + rows(s.get("/").body)[0][:10]} {
		if got := s.get("/?before=" + wrong); got.status != http.StatusOK || len(rows(got.body)) != 5 {
			t.Errorf("before=%s answers %d with %d rows", wrong, got.status, len(rows(got.body)))
		}
	}
}

func TestAnOperation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.accept(workload.Provision, "one")
	holds(t, "a waiting operation", s.get("/operations/"+token).body, "… WAITING", "has waited for its turn", `data-every="1000"`, "The request was accepted.")

	lease := s.begin(token)
	lease.Log(workload.Info, workload.PhasePlan, "Plan: create source “x”")
	lease.Log(workload.Warning, workload.PhaseDiscovery, "first\nsecond")
	if err := lease.Renew(context.Background()); err != nil {
		t.Fatal(err)
	}
	running := s.get("/operations/" + token).body
	holds(t, "a running operation", running, "▸ RUNNING", "<h2>Plan</h2>", "<li>create source “x”</li>", `aria-current="step"`, "Schema",
		`<strong class="warn">WARNING</strong> first`, "second", `http-equiv="refresh" content="5"`)

	outcome := workload.Outcome{
		Message: "Created the source.",
		Public: map[string]workload.PublicEntry{
			"a": {Type: "string", Label: "An id", Value: "17", Href: "https://elsewhere.example.com"},
			"b": {Type: "link", Label: "The connection", Value: "orders", Href: "https://airbyte.example.com/connections/17"},
			"c": {Type: "link", Label: "A bad link", Value: "bad", Href: "javascript:alert(1)"},
		},
		Private: map[string]any{"signature": "PRIVATE"},
		Access:  []workload.Grant{{Identity: "user:jane", Locked: true}},
		Updates: map[string]any{"spec.mesh.name": "Read & shown"},
	}
	if _, err := lease.Finish(context.Background(), operation.End{Outcome: &outcome}); err != nil {
		t.Fatal(err)
	}
	done := s.get("/operations/" + token).body
	holds(t, "a completed operation", done, "✓ COMPLETED", "Created the source.", `<a href="https://airbyte.example.com/connections/17" rel="noreferrer">orders</a>`,
		"<dt>An id</dt><dd>17</dd>", "user:jane", "Read &amp; shown", `href="../monitoring/queues/blue-provision/tasks/`+token+`"`,
		`href="../?component=one&amp;environment=dev"`, "trace-one", "Orders 1.0.0")
	for _, never := range []string{"PRIVATE", "javascript:", "data-every", `http-equiv="refresh"`} {
		if strings.Contains(done, never) {
			t.Errorf("a completed operation's page holds %q", never)
		}
	}
	if strings.Index(done, "The connection") > strings.Index(done, "An id") {
		t.Error("links do not come first")
	}
	if got := s.get("/operations/" + strings.ToUpper(token)); got.status != http.StatusOK {
		t.Errorf("a token in upper case answers %d", got.status)
	}
}

func TestAFailedOperation(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.accept(workload.Provision, "one")
	s.end(token, operation.End{Failure: &workload.Failure{
		Code: workload.CodeRefused, Phase: workload.PhaseSource, Message: "Airbyte refused the source.",
		Problems: []workload.Problem{{Path: "specific.source", Message: "is wrong"}}, Solutions: []string{"Mend it."},
	}})
	holds(t, "a failed operation", s.get("/operations/"+token).body, "✗ FAILED", "Airbyte refused the source.",
		"<code>specific.source</code>: is wrong", "What to do:", "<li>Mend it.</li>")

	stopped := s.accept(workload.Provision, "two")
	if _, err := s.store.Terminate(context.Background(), stopped); err != nil {
		t.Fatal(err)
	}
	holds(t, "a terminated operation", s.get("/operations/"+stopped).body, "■ TERMINATED", "terminated on request")

	checked := s.accept(workload.Validate, "three")
	s.end(checked, operation.End{Outcome: &workload.Outcome{
		Message: "The descriptor is not valid: 1 problem.", Validation: &workload.Validation{Problems: []workload.Problem{{Path: "x", Message: "is missing"}}},
	}})
	invalid := s.get("/operations/" + checked).body
	holds(t, "an invalid descriptor", invalid, `<div class="notice bad"><p>The descriptor is not valid: 1 problem.</p>`, "<code>x</code>: is missing")
	if strings.Contains(invalid, "notice good") {
		t.Errorf("what is invalid is told as if it were good:\n%s", invalid)
	}
}

// TestNothingBreaksOut has hostile texts wherever somebody else's text is shown.
func TestNothingBreaksOut(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	const evil = `"><script>alert(1)</script><img src=x onerror=alert(1)>'{{.}}`
	token := s.accept(workload.Provision, evil, func(r *operation.Request) {
		r.Name, r.TraceID, r.Component.Environment = evil, evil, evil
		r.DataProduct = workload.DataProduct{ID: evil, Name: evil, Domain: evil, Version: evil}
	})
	lease := s.begin(token)
	lease.Log(workload.Info, workload.Phase(evil), evil)
	lease.Log(workload.Level(evil), workload.PhasePlan, evil)
	end := operation.End{Outcome: &workload.Outcome{
		Message: evil, Public: map[string]workload.PublicEntry{evil: {Type: "link", Label: evil, Value: evil, Href: evil}},
		Access: []workload.Grant{{Identity: evil}}, Updates: map[string]any{evil: evil},
		Validation: &workload.Validation{Problems: []workload.Problem{{Path: evil, Message: evil}}},
	}}
	if _, err := lease.Finish(context.Background(), end); err != nil {
		t.Fatal(err)
	}
	failed := s.accept(workload.Provision, "other")
	s.end(failed, operation.End{Failure: &workload.Failure{Message: evil, Solutions: []string{evil}, Problems: []workload.Problem{{Path: evil, Message: evil}}}})
	for _, path := range []string{"/", "/operations/" + token, "/operations/" + failed, "/operations/%22%3E%3Cscript%3E", "/?q=%22%3E%3Cscript%3Ealert(1)&state=%3Cb%3E&component=%3Cb%3E&environment=%3Cb%3E"} {
		body := s.get(path).body
		if strings.Contains(body, "<script>alert") || strings.Contains(body, "<img") || strings.Contains(body, "<b>") || strings.Count(body, "<script>") != 1 {
			t.Errorf("%s lets a text break out:\n%s", path, body)
		}
	}
}

func TestWhatIsNotThere(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for path, want := range map[string]struct {
		status   int
		location string
	}{
		"/operations":     {http.StatusSeeOther, "./"},
		"/operations/":    {http.StatusSeeOther, "../"},
		"/operations/x":   {http.StatusNotFound, ""},
		"/operations/x/y": {http.StatusNotFound, ""},
		"/elsewhere":      {http.StatusNotFound, ""},
		"/operations/0af76519-16cd-83dd-8448-eb211c80319c": {http.StatusNotFound, ""},
	} {
		got := s.get(path)
		if got.status != want.status || got.header.Get("Location") != want.location {
			t.Errorf("%s answers %d to %q", path, got.status, got.header.Get("Location"))
		}
		back := cmp.Or(strings.Repeat("../", strings.Count(path, "/")-1), "./")
		if want.status == http.StatusNotFound && !strings.Contains(got.body, `<a href="`+back+`">All operations</a>`) {
			t.Errorf("%s does not lead back to the list by a relative link:\n%s", path, got.body)
		}
		if want.status == http.StatusNotFound && strings.Contains(got.body, "data-every") {
			t.Errorf("%s is asked for again and again", path)
		}
	}
	if got := s.ask(http.MethodPost, "/"); got.status != http.StatusMethodNotAllowed || got.header.Get("Allow") != "GET, HEAD" {
		t.Errorf("a POST answers %d", got.status)
	}
	if got := s.ask(http.MethodHead, "/"); got.status != http.StatusOK || got.body != "" {
		t.Errorf("a HEAD answers %d", got.status)
	}
	token := s.accept(workload.Provision, "one")
	s.redis.Kill()
	for _, path := range []string{"/", "/operations/" + token} {
		got := s.get(path)
		if got.status != http.StatusServiceUnavailable || got.header.Get("Retry-After") == "" || !strings.Contains(got.body, `data-every="5000"`) {
			t.Errorf("%s without Redis answers %d:\n%s", path, got.status, got.body)
		}
	}
}

// broken is a store that fails in a way nobody thought of.
type broken struct{ pages.Operations }

func (broken) Status(context.Context, string) (workload.Status, error) {
	return workload.Status{}, errors.New("password=CLEARTEXT")
}

func TestAnInternalError(t *testing.T) {
	t.Parallel()
	s := newSite(t, func(o *pages.Options) { o.Operations = broken{o.Operations} })
	got := s.get("/operations/x")
	if got.status != http.StatusInternalServerError || strings.Contains(got.body, "CLEARTEXT") {
		t.Errorf("got %d:\n%s", got.status, got.body)
	}
}

// TestPolicy holds what each page has within against its policy, and looks for anything that would be loaded.
func TestPolicy(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	token := s.accept(workload.Provision, "one")
	for _, path := range []string{"/", "/operations/" + token, "/operations/x"} {
		body := s.get(path).body
		for element, directive := range map[string]string{"style": "style-src", "script": "script-src"} {
			_, rest, _ := strings.Cut(body, "<"+element+">")
			text, _, found := strings.Cut(rest, "</"+element+">")
			sum := sha256.Sum256([]byte(text))
			want := directive + " 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
			if !found || len(text) < 500 || !strings.Contains(s.pages.ContentSecurityPolicy(), want) {
				t.Errorf("the %s of %s is not in the policy %s", element, path, s.pages.ContentSecurityPolicy())
			}
		}
		if loads := regexp.MustCompile(`(?i)(src=|<link rel="stylesheet"|@import|url\(|\son\w+=|style=)`).FindString(body); loads != "" {
			t.Errorf("%s has %q", path, loads)
		}
	}
}

// TestAnOperationOfNoComponent is a reverse provisioning, which is asked for by
// names in Airbyte, or by an id: the list must lead to it all the same.
func TestAnOperationOfNoComponent(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	nameless := func(name string) func(*operation.Request) {
		return func(r *operation.Request) { r.Name, r.DataProduct = name, workload.DataProduct{} }
	}
	named := s.accept(workload.Reverse, "", nameless("Orders <> Warehouse"))
	unnamed := s.accept(workload.Reverse, "", nameless(""))
	list := s.get("/").body
	holds(t, "the list", list, `operations/`+named+`">Orders &lt;&gt; Warehouse</a>`, `operations/`+unnamed+`">`+unnamed+`</a>`, `<small class="soft">dev</small>`)
	one := s.get("/operations/" + unnamed).body
	holds(t, "its page", one, "<h1>"+unnamed+"</h1>", "<dt>Environment</dt><dd>dev</dd>")
	for where, body := range map[string]string{"the list": list, "its page": one} {
		if empty := regexp.MustCompile(`<a [^>]*></a>|component=&`).FindString(body); empty != "" {
			t.Errorf("%s has a link to nothing: %s", where, empty)
		}
	}
}

// TestAnotherAttempt has a plan and steps that are not mixed with those of the attempt before.
func TestAnotherAttempt(t *testing.T) {
	t.Parallel()
	begun := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	at := func(seconds int) time.Time { return begun.Add(time.Duration(seconds) * time.Second) }
	status := workload.Status{
		Token: "t", Kind: workload.Provision, State: workload.Running, AcceptedAt: begun, StartedAt: begun, Attempts: 2,
		Logs: []workload.LogLine{
			{Time: at(0), Phase: workload.PhaseAccept, Message: "The request was accepted."},
			{Time: at(1), Phase: workload.PhasePlan, Message: "Plan: create destination “w”"},
			{Time: at(2), Phase: workload.PhaseSource, Message: "Attempt 1 failed."},
			{Time: at(302), Message: "Attempt 2 begins."},
			{Time: at(303), Phase: workload.PhasePlan, Message: "Plan: keep destination “w”"},
			{Time: at(304), Phase: workload.PhaseSource, Message: "The source was created."},
			{Time: at(305), Message: "The operation waits: for its turn."},
		},
	}
	s := newSite(t, func(o *pages.Options) {
		o.Operations = fixed{o.Operations, status}
		o.Now = func() time.Time { return at(306) }
	})
	body := s.get("/operations/t").body
	holds(t, "the page", body, "<li>keep destination “w”</li>", `Plan <span class="soft">2.0 s</span>`, `Source <span class="soft">3.0 s</span>`)
	if strings.Contains(body, "<li>create destination") {
		t.Errorf("the plan of the first attempt is shown as if it were to be done:\n%s", body)
	}
}

// fixed is a store in which every operation stands as given.
type fixed struct {
	pages.Operations
	status workload.Status
}

func (f fixed) Status(context.Context, string) (workload.Status, error) { return f.status, nil }
