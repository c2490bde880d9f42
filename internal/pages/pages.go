package pages

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"embed"
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/workload"
)

// Path is below which the operations' own pages are; the list is at the root.
const Path = "/operations"

// Operations is what is shown. Errors are *workload.Failure.
type Operations interface {
	// List returns operations, the newest first, from behind a position on.
	List(ctx context.Context, filter operation.Filter, from operation.Position, limit int) (operation.Page, error)
	// Status returns what is known of an operation.
	Status(ctx context.Context, token string) (workload.Status, error)
}

// Options are what Pages need.
type Options struct {
	Operations Operations
	// Task names the task of an operation in asynqmon: its queue and its id.
	Task func(workload.Status) (queue, id string)
	// Version is the program's, for the foot of the pages.
	Version string
	// Limit is how many operations are on a page of the list (50 when zero).
	Limit int
	Log   *slog.Logger
	// Now is the clock of ages and durations (time.Now when nil).
	Now func() time.Time
}

// Pages answer at the root and below Path.
type Pages struct {
	options   Options
	templates *template.Template
	policy    string
}

//go:embed *.html style.css live.js
var files embed.FS

// New returns the pages.
func New(options Options) *Pages {
	if options.Limit <= 0 {
		options.Limit = 50
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	style, script := read("style.css"), read("live.js")
	text := strings.NewReplacer("STYLE", style, "SCRIPT", script).Replace(read("page.html"))
	p := &Pages{options: options, templates: template.Must(template.New("").Parse(text + read("list.html") + read("operation.html")))}
	p.policy = p.policyOf()
	return p
}

func read(name string) string {
	text, err := files.ReadFile(name)
	if err != nil {
		panic(err) // it is embedded
	}
	return string(text)
}

// ContentSecurityPolicy allows the style sheet and the script that are within
// the pages, and that the script fetches the page again.
func (p *Pages) ContentSecurityPolicy() string { return p.policy }

func (p *Pages) policyOf() string {
	page, err := p.render("problem", p.problem(&workload.Failure{}, 0, "./"))
	if err != nil {
		panic(err) // the templates are embedded
	}
	hash := func(element string) string {
		_, rest, _ := bytes.Cut(page, []byte("<"+element+">"))
		text, _, _ := bytes.Cut(rest, []byte("</"+element+">"))
		sum := sha256.Sum256(text)
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash("style") + "; script-src " + hash("script") +
		"; connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// ServeHTTP answers one request.
func (p *Pages) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This path does not answer this method.", http.StatusMethodNotAllowed)
		return
	}
	token, below := strings.CutPrefix(r.URL.Path, Path+"/")
	switch {
	case r.URL.Path == "/":
		p.list(w, r)
	case below && token != "" && !strings.Contains(token, "/"):
		p.operation(w, r, token)
	case strings.TrimSuffix(r.URL.Path, "/") == Path:
		back := "./"
		if below {
			back = "../"
		}
		redirect(w, back)
	default:
		p.fail(w, r, notFound(), cmp.Or(strings.Repeat("../", strings.Count(r.URL.Path, "/")-1), "./"))
	}
}

// redirect leads on by a relative path, which http.Redirect would make absolute.
func redirect(w http.ResponseWriter, to string) {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusSeeOther)
}

func notFound() error {
	return &workload.Failure{
		Code: workload.CodeUnknownToken, Message: "There is no such page.",
		Solutions: []string{"Look for the operation in the list."},
	}
}

// page is what every page has.
type page struct {
	Title, Root, Version string
	// Every is after what time the script fetches the page again; 0: not at all.
	Every time.Duration
	// Reload is the same for browsers without scripts, in seconds.
	Reload int
}

func (p *Pages) page(title, root string) page {
	return page{Title: title, Root: root, Version: p.options.Version}
}

// problemPage tells why there is nothing to see.
type problemPage struct {
	page
	Failure *workload.Failure
}

func (p *Pages) problem(failure *workload.Failure, again time.Duration, root string) problemPage {
	view := problemPage{page: p.page("Not shown", root), Failure: failure}
	view.Every, view.Reload = again, int(again.Seconds())
	return view
}

// retryAfter is when a page is tried again that could not be shown.
const retryAfter = 5 * time.Second

// fail answers with why there is nothing to see.
func (p *Pages) fail(w http.ResponseWriter, r *http.Request, err error, root string) {
	failure, status, again := workload.AsFailure(err), http.StatusInternalServerError, time.Duration(0)
	switch failure.Code {
	case workload.CodeUnknownToken:
		status = http.StatusNotFound
	case workload.CodeUnavailable:
		status, again = http.StatusServiceUnavailable, retryAfter
		w.Header().Set("Retry-After", strconv.Itoa(int(retryAfter.Seconds())))
	default:
	}
	if status != http.StatusNotFound {
		p.options.Log.WarnContext(r.Context(), "a page could not be shown", "error", failure)
	}
	p.answer(w, r, status, "problem", p.problem(failure, again, root))
}

// answer renders a page and sends it.
func (p *Pages) answer(w http.ResponseWriter, r *http.Request, status int, name string, view any) {
	text, err := p.render(name, view)
	if err != nil {
		p.options.Log.ErrorContext(r.Context(), "a page could not be rendered", "page", name, "error", err)
		http.Error(w, "This page cannot be shown; the log tells why.", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Length", strconv.Itoa(len(text)))
	w.WriteHeader(status)
	_, _ = w.Write(text) //nolint:gosec // html/template has escaped it; who went away needs no answer
}

func (p *Pages) render(name string, view any) ([]byte, error) {
	var text bytes.Buffer
	err := p.templates.ExecuteTemplate(&text, name, view)
	return text.Bytes(), err
}
