package monitoring

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"maps"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strconv"
	"strings"

	"github.com/hibiken/asynqmon"
	"github.com/redis/go-redis/v9"
)

// Options are what a Console needs.
type Options struct {
	// Path is where the console is mounted, such as /monitoring.
	Path string
	// Redis is the connection to the queues; it stays the caller's to close.
	Redis redis.UniversalClient
	// Queues are the names of those that are shown.
	Queues []string
	// Write lets people run, archive and delete tasks and pause queues.
	Write bool
}

// Console answers below its path.
type Console struct {
	path     string
	queues   map[string]bool // by name
	asynqmon http.Handler
	page     []byte
	policy   string
}

// New returns a Console, or an error if asynqmon's page is not as expected. It sends nothing.
func New(options Options) (*Console, error) {
	c := &Console{path: strings.TrimSuffix(options.Path, "/"), queues: map[string]bool{}}
	for _, name := range options.Queues {
		c.queues[name] = true
	}
	c.asynqmon = asynqmon.New(asynqmon.Options{
		RootPath:         c.path,
		RedisConnOpt:     connection{options.Redis},
		PayloadFormatter: asynqmon.PayloadFormatterFunc(func(_ string, payload []byte) string { return Payload(payload) }),
		ResultFormatter:  asynqmon.ResultFormatterFunc(func(_ string, result []byte) string { return Result(result) }),
		ReadOnly:         !options.Write,
	})
	r, err := http.NewRequest(http.MethodGet, c.path+"/", nil) //nolint:noctx // it is answered from memory
	if err != nil {
		return nil, err
	}
	answer := record(c.asynqmon, r)
	if !isPage(answer.body.Bytes()) {
		return nil, errors.New("monitoring: asynqmon answers no page")
	}
	c.page = withoutOutside(answer.body.Bytes())
	c.policy = policyOf(c.page)
	return c, nil
}

// connection lends asynqmon our own client, whatever its kind and credentials.
type connection struct{ client redis.UniversalClient }

// MakeRedisClient is asynq.RedisConnOpt's.
func (c connection) MakeRedisClient() any { return c.client }

// ContentSecurityPolicy is what the console's pages need: their own files, the
// scripts within the page, and the style sheets that its components make as they run.
func (c *Console) ContentSecurityPolicy() string { return c.policy }

// ServeHTTP answers one request.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, c.path+"/api/") {
		c.api(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "This path does not answer this method.", http.StatusMethodNotAllowed)
		return
	}
	answer := record(c.asynqmon, r)
	body := answer.body.Bytes()
	maps.Copy(w.Header(), answer.header)
	switch kind := mime.TypeByExtension(path.Ext(r.URL.Path)); {
	case isPage(body):
		body = c.page
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
	case kind != "":
		w.Header().Set("Content-Type", kind) // asynqmon guesses, and calls an SVG a text
	}
	if strings.HasPrefix(r.URL.Path, c.path+"/static/") && answer.status == http.StatusOK && !isPage(body) {
		w.Header().Set("Cache-Control", "private, max-age=31536000, immutable") // their names hold a hash
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(answer.status)
	_, _ = w.Write(body) // who went away needs no answer
}

// isPage tells the page from asynqmon's files: it answers it for every path that is none of them.
func isPage(body []byte) bool { return bytes.HasPrefix(bytes.ToLower(body), []byte("<!doctype html")) }

// outside are the links of the page to files elsewhere, and to the description
// of an app that a browser would fetch without credentials.
var outside = regexp.MustCompile(`<link [^>]*(https?://|rel="manifest")[^>]*>`)

func withoutOutside(page []byte) []byte { return outside.ReplaceAll(page, nil) }

var inlineScript = regexp.MustCompile(`(?s)<script>(.*?)</script>`)

func policyOf(page []byte) string {
	scripts := []string{"script-src", "'self'"}
	for _, script := range inlineScript.FindAllSubmatch(page, -1) {
		sum := sha256.Sum256(script[1])
		scripts = append(scripts, "'sha256-"+base64.StdEncoding.EncodeToString(sum[:])+"'")
	}
	return strings.Join([]string{
		"default-src 'none'", strings.Join(scripts, " "), "style-src 'self' 'unsafe-inline'", "img-src 'self' data:",
		"font-src 'self' data:", "connect-src 'self'", "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
	}, "; ")
}

// recorded is an answer that is kept before it is sent.
type recorded struct {
	header http.Header
	status int
	body   bytes.Buffer
}

// Header implements http.ResponseWriter.
func (a *recorded) Header() http.Header { return a.header }

// WriteHeader implements http.ResponseWriter.
func (a *recorded) WriteHeader(status int) { a.status = status }

// Write implements http.ResponseWriter.
func (a *recorded) Write(p []byte) (int, error) { return a.body.Write(p) }

func record(handler http.Handler, r *http.Request) *recorded {
	answer := &recorded{header: http.Header{}, status: http.StatusOK}
	handler.ServeHTTP(answer, r)
	return answer
}
