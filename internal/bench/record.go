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
	calls   []call
	answers []map[string]any
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
	for i := range calls {
		calls[i].Body = digestPattern.ReplaceAllString(calls[i].Body, "wb-"+digestMark)
		calls[i].Body = uuidPattern.ReplaceAllStringFunc(calls[i].Body, func(id string) string {
			from, field := r.origin(id, i)
			if field == "" {
				return id // the same for everybody: a workspace, a definition
			}
			if !slices.Contains(calls[from].Keep, field) {
				calls[from].Keep = append(calls[from].Keep, field)
			}
			return fmt.Sprintf("{%d.%s}", from, field)
		})
	}
	if len(calls) == 0 {
		return nil, errors.New("no call was recorded")
	}
	return calls, nil
}

// origin is the call before the given one whose answer gave out an id, and the field.
func (r *recorder) origin(id string, before int) (from int, field string) {
	for from, answer := range r.answers[:before] {
		for field, value := range answer {
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
		recording.mu.Lock()
		recording.calls, recording.answers = nil, nil
		recording.mu.Unlock()
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
	path := filepath.Join(b.dir, "calls.json")
	return path, os.WriteFile(path, text, 0o600)
}

// replayer makes recorded calls.
type replayer struct {
	base   string
	client *http.Client
	calls  []call
}

func newReplayer(base string, calls []call) *replayer {
	transport := &http.Transport{MaxIdleConns: 128, MaxIdleConnsPerHost: 128}
	return &replayer{base: strings.TrimSuffix(base, "/"), client: &http.Client{Transport: transport}, calls: calls}
}

// play makes the calls one after the other for the component with the digest.
func (r *replayer) play(ctx context.Context, digest string) error {
	return r.walk(ctx, digest, func(_ call, post func() error) error { return post() }, nil)
}

// walk lets visit make each call or leave it out. Every id in the answers goes
// to made, if there is one.
func (r *replayer) walk(ctx context.Context, digest string, visit func(at call, post func() error) error, made map[string]string) error {
	replace := []string{digestMark, digest}
	for i, c := range r.calls {
		post := func() error {
			answer, err := r.post(ctx, c.Path, strings.NewReplacer(replace...).Replace(c.Body))
			if err != nil || len(c.Keep) == 0 && made == nil {
				return err
			}
			var fields map[string]any
			if err := json.Unmarshal(answer, &fields); err != nil {
				return fmt.Errorf("%s: %w", c.Path, err)
			}
			for _, field := range c.Keep {
				id, _ := fields[field].(string)
				replace = append(replace, fmt.Sprintf("{%d.%s}", i, field), id)
			}
			keepIDs(fields, made)
			return nil
		}
		if err := visit(c, post); err != nil {
			return err
		}
	}
	return nil
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

// post makes one call and returns its answer.
func (r *replayer) post(ctx context.Context, path, body string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, r.base+path, strings.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	response, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode >= http.StatusMultipleChoices {
		err = fmt.Errorf("%s answered %d: %.300s", path, response.StatusCode, answer)
	}
	return answer, err
}
