package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"airbyte-provisioner/internal/airbytesim"
)

// call is one call to Airbyte that the product made, for floors to make again.
// Ids that Airbyte gave out in answers are replaced by {call.field} of the
// answer in which they came.
type call struct {
	Path string `json:"path"`
	Body string `json:"body"`
	// Keep are the fields of the answer that later calls name.
	Keep []string `json:"keep,omitempty"`
}

// recorder keeps the calls and their answers.
type recorder struct {
	mu      sync.Mutex
	begun   int // calls before the operation that counts
	calls   []call
	answers []map[string]any
}

// again makes what was recorded so far not count.
func (r *recorder) again() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.begun = len(r.calls)
}

func (r *recorder) around(api http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, request *http.Request) {
		body, err := io.ReadAll(request.Body)
		if err != nil {
			return
		}
		r.mu.Lock()
		at := len(r.calls)
		r.calls = append(r.calls, call{Path: request.URL.Path, Body: string(body)})
		r.answers = append(r.answers, nil)
		r.mu.Unlock()
		request.Body = io.NopCloser(bytes.NewReader(body))
		answer := httptest.NewRecorder()
		api.ServeHTTP(answer, request)
		var fields map[string]any
		_ = json.Unmarshal(answer.Body.Bytes(), &fields) // an answer without fields has none to keep
		r.mu.Lock()
		r.answers[at] = fields
		r.mu.Unlock()
		for name, values := range answer.Header() {
			w.Header()[name] = values
		}
		w.WriteHeader(answer.Code)
		_, _ = w.Write(answer.Body.Bytes())
	})
}

// digestMark stands for the component's digest in recorded calls.
const digestMark = "{digest}"

var (
	uuidPattern   = regexp.MustCompile(`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`)
	digestPattern = regexp.MustCompile(`wb-[0-9a-f]{16}`)
)

// script turns what was recorded into calls that can be made for any component.
func (r *recorder) script() ([]call, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	calls := slices.Clone(r.calls)
	for i := r.begun; i < len(calls); i++ {
		calls[i].Body = digestPattern.ReplaceAllString(calls[i].Body, "wb-"+digestMark)
		calls[i].Body = uuidPattern.ReplaceAllStringFunc(calls[i].Body, func(id string) string {
			from, field := r.origin(id, i)
			if field == "" {
				return id // the same for everybody: a workspace, a definition
			}
			if !slices.Contains(calls[from].Keep, field) {
				calls[from].Keep = append(calls[from].Keep, field)
			}
			return fmt.Sprintf("{%d.%s}", from-r.begun, field)
		})
	}
	if len(calls) == r.begun {
		return nil, errors.New("no call was recorded")
	}
	return calls[r.begun:], nil
}

// origin is the call before the given one whose answer gave out an id, and the field.
func (r *recorder) origin(id string, before int) (from int, field string) {
	for from := r.begun; from < before; from++ {
		for field, value := range r.answers[from] {
			if value == id && strings.HasSuffix(field, "Id") && !strings.Contains(r.calls[from].Body, id) {
				return from, field
			}
		}
	}
	return 0, ""
}

// record lets the product provision once, after a first time that fills its
// caches, and returns the calls of it.
func (b *bench) record(r *redisServer) ([]call, error) {
	sim, err := airbytesim.New(airbytesim.Options{})
	if err != nil {
		return nil, err
	}
	var recording recorder
	server := httptest.NewServer(recording.around(sim.API()))
	defer server.Close()
	defer sim.Close()
	if err := r.client.FlushAll(b.ctx).Err(); err != nil {
		return nil, err
	}
	worker, err := b.startWorker(r, server.URL)
	if err != nil {
		return nil, err
	}
	defer worker.stop()
	orders, err := newOrders()
	if err != nil {
		return nil, err
	}
	_, q := b.storeOf(r)
	for i := range 2 {
		recording.again()
		if _, err := q.Submit(b.ctx, orders.of(int64(i))); err != nil {
			return nil, err
		}
		bounded, cancel := context.WithTimeout(b.ctx, 30*time.Second)
		err := sim.WaitFinished(bounded, "connections/create", i+1)
		cancel()
		if err != nil {
			return nil, fmt.Errorf("the provisioning to be recorded did not end: %w", err)
		}
	}
	return recording.script()
}

// keepScript writes calls to a file for another process.
func (b *bench) keepScript(calls []call) (string, error) {
	text, err := json.Marshal(calls)
	if err != nil {
		return "", err
	}
	path := filepath.Join(b.dir, b.name+"-calls.json")
	return path, os.WriteFile(path, text, 0o600)
}

// replayer makes recorded calls, as a simple client would: it renders each
// request from maps and decodes each answer into one.
type replayer struct {
	base   string
	client *http.Client
	calls  []call
	bodies []any // of the calls, decoded
}

func newReplayer(base string, calls []call) (*replayer, error) {
	transport := &http.Transport{MaxIdleConns: 128, MaxIdleConnsPerHost: 128}
	r := &replayer{base: strings.TrimSuffix(base, "/"), client: &http.Client{Transport: transport}, calls: calls, bodies: make([]any, len(calls))}
	for i, c := range calls {
		if err := json.Unmarshal([]byte(c.Body), &r.bodies[i]); err != nil {
			return nil, fmt.Errorf("the body of %s: %w", c.Path, err)
		}
	}
	return r, nil
}

// play makes the calls one after the other for the component with the digest.
func (r *replayer) play(ctx context.Context, digest string) error {
	return r.walk(ctx, digest, func(_ call, post func() error) error { return post() }, nil)
}

// walk lets visit make each call or leave it out. Every id in the answers goes
// to made, if there is one.
func (r *replayer) walk(ctx context.Context, digest string, visit func(at call, post func() error) error, made map[string]string) error {
	known := map[string]string{digestMark: digest}
	for i, c := range r.calls {
		post := func() error {
			answer, err := r.post(ctx, c.Path, filled(r.bodies[i], known))
			if err != nil {
				return err
			}
			for _, field := range c.Keep {
				known[fmt.Sprintf("{%d.%s}", i, field)], _ = answer[field].(string)
			}
			keepIDs(answer, made)
			return nil
		}
		if err := visit(c, post); err != nil {
			return err
		}
	}
	return nil
}

// filled is a copy of a body in which marks are replaced.
func filled(body any, known map[string]string) any {
	switch v := body.(type) {
	case map[string]any:
		full := make(map[string]any, len(v))
		for name, value := range v {
			full[name] = filled(value, known)
		}
		return full
	case []any:
		full := make([]any, len(v))
		for i, value := range v {
			full[i] = filled(value, known)
		}
		return full
	case string:
		if id, ok := known[v]; ok {
			return id
		}
		return strings.ReplaceAll(v, digestMark, known[digestMark])
	default:
		return body
	}
}

// keepIDs copies the texts of an answer, if somebody wants them.
func keepIDs(fields map[string]any, made map[string]string) {
	if made == nil {
		return
	}
	for field, value := range fields {
		if id, ok := value.(string); ok {
			made[field] = id
		}
	}
}

// post makes one call and returns its answer, nil for an empty one.
func (r *replayer) post(ctx context.Context, path string, body any) (map[string]any, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode >= http.StatusMultipleChoices {
		answer, _ := io.ReadAll(io.LimitReader(response.Body, 300)) // for the message alone
		return nil, fmt.Errorf("%s answered %d: %s", path, response.StatusCode, answer)
	}
	var answer map[string]any
	if err := json.NewDecoder(response.Body).Decode(&answer); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	_, err = io.Copy(io.Discard, response.Body) // so that the connection is used again
	return answer, err
}
