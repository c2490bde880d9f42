package main

import (
	"bytes"
	"context"
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/progress"
)

var update = flag.Bool("update", false, "write the golden files anew")

const token = "0198c8a2-5f0e-8c3a-9b1d-1f2e3d4c5b6a"

// script is an API that answers a token's status with one text after the other,
// and the last one from then on.
type script struct {
	mu       sync.Mutex
	requests []string // method, path and body of each request
	auth     []string
	posted   http.HandlerFunc
	statuses []any // a status, or an int for an answer of that code
	asked    int
	gone     chan struct{} // closed when the last status was given out
}

func (s *script) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body := new(bytes.Buffer)
	_, _ = body.ReadFrom(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path+" "+body.String())
	s.auth = append(s.auth, r.Header.Get("Authorization"))
	if !strings.HasSuffix(r.URL.Path, "/status") {
		s.posted(w, r)
		return
	}
	answer := s.statuses[min(s.asked, len(s.statuses)-1)]
	s.asked++
	if s.asked == len(s.statuses) && s.gone != nil {
		close(s.gone)
	}
	if code, ok := answer.(int); ok {
		w.WriteHeader(code)
		return
	}
	writeJSON(w, http.StatusOK, answer)
}

func writeJSON(w http.ResponseWriter, code int, body any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(code)
	_ = json.NewEncoder(w).Encode(body)
}

func accept(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusAccepted)
	_, _ = w.Write([]byte(token))
}

func line(second int, level, phase, message string) map[string]any {
	at := time.Date(2026, 5, 4, 10, 0, second, 0, time.UTC)
	return map[string]any{"timestamp": at, "level": level, "phase": phase, "message": message}
}

func running(lines ...map[string]any) map[string]any {
	return map[string]any{"status": "RUNNING", "result": "The operation is under way.", "logs": lines}
}

var (
	begun   = line(1, "INFO", "accept", "The request was accepted.")
	source  = line(2, "INFO", "source", "Created the source.")
	waits   = line(3, "WARNING", "discovery", "Attempt 1 failed: Airbyte answered 503.\nAnother one follows in 2s.")
	linked  = line(9, "INFO", "connection", "Created the connection.")
	success = map[string]any{
		"status": "COMPLETED", "result": "Provisioned: created 3 entities.", "logs": []any{begun, source, waits, linked},
		"info": map[string]any{
			"publicInfo": map[string]any{
				"connection":  map[string]any{"type": "link", "label": "Connection", "value": "Orders to warehouse", "href": "http://airbyte/connections/c1"},
				"source":      map[string]any{"type": "string", "label": "Source", "value": "Orders database [wb-1f2e3d4c5b6a7988]"},
				"destination": map[string]any{"type": "string", "label": "Destination", "value": "Warehouse [wb-1f2e3d4c5b6a7988]"},
			},
			"privateInfo": map[string]any{"connectionId": "c1", "sourceId": "s1", "destinationId": "d1", "workspaceId": "w1"},
		},
	}
	failure = map[string]any{
		"status": "FAILED", "logs": []any{begun, line(4, "ERROR", "source", "The check of the source failed.")},
		"result": "The connection check of the source failed: password \x1b[31mauthentication failed.\n" +
			"- specific.source.connectionConfiguration.password: is not accepted\nWhat to do: Correct the password.",
	}
)

// outcome is what one run of the program left.
type outcome struct {
	code     int
	out, err string
}

// run starts the program against a script.
func (s *script) run(t *testing.T, args ...string) outcome {
	t.Helper()
	return s.runWith(t, t.Context(), func(*surroundings) {}, args...)
}

func (s *script) runWith(t *testing.T, ctx context.Context, change func(*surroundings), args ...string) outcome { //nolint:revive // t first, as everywhere in tests
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	var out, errs bytes.Buffer
	around := surroundings{
		in: strings.NewReader("from: stdin"), out: &out, err: &errs,
		display: progress.Options{Zone: time.UTC},
		pace:    pace{first: time.Millisecond, most: time.Millisecond, tick: time.Hour, outage: time.Minute},
		now:     func() time.Time { return time.Unix(0, 0) },
	}
	change(&around)
	code := run(ctx, append([]string{"-server", server.URL}, args...), around)
	hide := strings.NewReplacer(server.URL, "http://provisioner")
	return outcome{code: code, out: hide.Replace(out.String()), err: hide.Replace(errs.String())}
}

// descriptorFile writes a descriptor and returns its path.
func descriptorFile(t *testing.T, text string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "descriptor.yaml")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestOutput compares what people see with golden files.
func TestOutput(t *testing.T) {
	t.Parallel()
	refuse := func(code int, body map[string]any) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, code, body) }
	}
	answer := func(body map[string]any) http.HandlerFunc { return refuse(http.StatusOK, body) }
	info := func(v map[string]any) map[string]any { return map[string]any{"publicInfo": v} }
	cases := map[string]struct {
		args   []string
		file   bool // adds -f with a descriptor
		script *script
		code   int
	}{
		"provision": {
			args: []string{"provision"}, file: true,
			script: &script{posted: accept, statuses: []any{running(begun), running(begun, source), running(begun, source, waits), success}},
		},
		"provision-failed": {
			args: []string{"provision"}, file: true, code: exitFailed,
			script: &script{posted: accept, statuses: []any{running(begun), failure}},
		},
		"provision-outage": { // the API is away for some questions, or has too many
			args: []string{"provision"}, file: true,
			script: &script{posted: accept, statuses: []any{running(begun), 503, 500, 429, success}},
		},
		"provision-dropped-lines": { // the server keeps only the last lines of a long log
			args: []string{"provision"}, file: true,
			script: &script{posted: accept, statuses: []any{running(begun, source), running(waits, linked), success}},
		},
		"provision-no-wait": {
			args: []string{"provision", "-no-wait"}, file: true,
			script: &script{posted: accept},
		},
		"provision-refused": {
			args: []string{"provision"}, file: true, code: exitFailed,
			script: &script{posted: refuse(http.StatusBadRequest, map[string]any{
				"errors": []string{"dataProduct.domain: is missing"}, "userMessage": "The descriptor is invalid.",
				"moreInfo": map[string]any{"problems": []string{"dataProduct.domain: is missing", "specific.source: is missing"}, "solutions": []string{"Fill in the form."}},
			})},
		},
		"provision-unauthorized": {
			args: []string{"provision"}, file: true, code: exitFailed,
			script: &script{posted: refuse(http.StatusUnauthorized, map[string]any{
				"errors": []string{"no token"}, "userMessage": "The request carries no accepted token.",
			})},
		},
		"provision-not-ours": { // a proxy's page
			args: []string{"provision"}, file: true, code: exitFailed,
			script: &script{posted: func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(http.StatusBadGateway)
				_, _ = w.Write([]byte("<html>Bad gateway</html>"))
			}},
		},
		"provision-no-token": { // something else listens there
			args: []string{"provision"}, file: true, code: exitFailed,
			script: &script{posted: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("<html>Welcome</html>")) }},
		},
		"provision-no-word": { // what is printed as a token must be one
			args: []string{"provision", "-no-wait"}, file: true, code: exitFailed,
			script: &script{posted: func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("\x1b]0;title\x07")) }},
		},
		"validate": {
			args: []string{"validate"}, file: true,
			script: &script{posted: answer(map[string]any{"valid": true})},
		},
		"validate-invalid": {
			args: []string{"validate"}, file: true, code: exitFailed,
			script: &script{posted: answer(map[string]any{"valid": false, "error": map[string]any{"errors": []string{"dataProduct: is missing", "two\nlines"}}})},
		},
		"validate-deep": {
			args: []string{"validate", "-deep"}, file: true, code: exitFailed,
			script: &script{posted: accept, statuses: []any{
				running(begun),
				map[string]any{"status": "COMPLETED", "logs": []any{begun, source}, "info": info(map[string]any{"valid": false, "error": map[string]any{"errors": []string{"a: b"}}})},
			}},
		},
		"status-no-wait": {
			args:   []string{"status", token, "-no-wait"},
			script: &script{statuses: []any{running(begun, source)}},
		},
		"status-terminated": {
			args: []string{"status", token}, code: exitFailed,
			script: &script{statuses: []any{
				running(begun),
				map[string]any{"status": "TERMINATING", "result": "", "logs": []any{begun}},
				map[string]any{"status": "TERMINATED", "result": "The operation was terminated.", "logs": []any{begun}},
			}},
		},
		"status-unknown": {
			args: []string{"status", "gone"}, code: exitFailed,
			script: &script{statuses: []any{400}},
		},
		"terminate": {
			args: []string{"terminate", token},
			script: &script{
				posted:   func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusAccepted) },
				statuses: []any{map[string]any{"status": "TERMINATED", "result": "The operation was terminated.", "logs": []any{begun}}},
			},
		},
		"terminate-too-late": {
			args: []string{"terminate", token}, code: exitFailed,
			script: &script{posted: answer(success), statuses: []any{success}},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			args := c.args
			if c.file {
				args = append(args, "-f", descriptorFile(t, "a: b"))
			}
			got := c.script.run(t, args...)
			if got.code != c.code {
				t.Errorf("exit code %d, want %d", got.code, c.code)
			}
			golden(t, name, "exit "+string(rune('0'+got.code))+"\n--- stdout\n"+got.out+"--- stderr\n"+got.err)
		})
	}
}

// golden compares a text with its file, or writes it with -update.
func golden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Error(diff)
	}
}

func TestRequest(t *testing.T) {
	t.Parallel()
	latest := descriptorFile(t, "latest: true")
	cases := map[string]struct {
		args []string
		want string
	}{
		"provision": {[]string{"provision", "-f", descriptorFile(t, "x: 1")}, `POST /v1/provision {"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"x: 1","removeData":false}`},
		"flags first, file last": {
			[]string{"-remove-data", "-latest", latest, "unprovision", "-f", descriptorFile(t, "x: 1")},
			`POST /v1/unprovision {"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"x: 1","latestEnrichedDescriptor":"latest: true","removeData":true}`,
		},
		"from the standard input": {[]string{"provision", "-f", "-"}, `POST /v1/provision {"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"from: stdin","removeData":false}`},
		"deep validation":         {[]string{"validate", "-deep", "-f", "-"}, `POST /v2/validate {"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"from: stdin","removeData":false}`},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := &script{posted: accept}
			got := s.runWith(t, t.Context(), func(around *surroundings) { around.access = "s3cret" }, append(c.args, "-no-wait")...)
			if got.code != exitOK {
				t.Fatalf("exit code %d: %s", got.code, got.err)
			}
			if diff := cmp.Diff([]string{c.want}, s.requests); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff([]string{"Bearer s3cret"}, s.auth); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestTokenAsJSON(t *testing.T) {
	t.Parallel()
	s := &script{posted: func(w http.ResponseWriter, _ *http.Request) { writeJSON(w, http.StatusAccepted, token) }}
	if got := s.run(t, "provision", "-no-wait", "-f", "-"); got.out != token+"\n" {
		t.Errorf("printed %q", got.out)
	}
}

func TestUsage(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		args []string
		says string
	}{
		"no command":             {nil, "a command is missing"},
		"an unknown command":     {[]string{"delete"}, `"delete" is no command`},
		"an unknown flag":        {[]string{"status", token, "-colour"}, "not defined: -colour"},
		"no token":               {[]string{"status"}, "status needs a token"},
		"a file where none is":   {[]string{"terminate", token, "-f", "x"}, "takes a token and no -f"},
		"neither":                {[]string{"provision"}, "either -f FILE or the token"},
		"both":                   {[]string{"provision", token, "-f", "x"}, "either -f FILE or the token"},
		"two tokens":             {[]string{"status", token, "more"}, `there is also "more"`},
		"data with provision":    {[]string{"provision", "-f", "-", "-remove-data"}, "-remove-data means nothing"},
		"latest without file":    {[]string{"provision", token, "-latest", "x"}, "-latest means nothing"},
		"deep provision":         {[]string{"provision", "-f", "-", "-deep"}, "-deep means nothing"},
		"a negative time":        {[]string{"status", token, "-timeout", "-1s"}, "cannot be negative"},
		"no server":              {[]string{"-server", "localhost:8093", "status", token}, "is no URL"},
		"a server of a bad kind": {[]string{"-server", "ftp://x", "status", token}, "is no URL"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got := new(script).run(t, c.args...)
			if got.code != exitUsage || !strings.Contains(got.err, c.says) || got.out != "" {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestHelpAndVersion(t *testing.T) {
	t.Parallel()
	got := new(script).run(t, "-h")
	for _, word := range append(commandNames(), "-remove-data", "PROVISIONER_TOKEN", "Exit code") {
		if !strings.Contains(got.out, word) {
			t.Errorf("the help does not speak of %s", word)
		}
	}
	if got.code != exitOK || got.err != "" {
		t.Errorf("got %+v", got)
	}
	if got := new(script).run(t, "-version"); got.code != exitOK || !strings.HasPrefix(got.out, "provisionctl ") {
		t.Errorf("got %+v", got)
	}
}

func TestMissingFile(t *testing.T) {
	t.Parallel()
	got := new(script).run(t, "provision", "-f", filepath.Join(t.TempDir(), "none.yaml"))
	if got.code != exitFailed || !strings.Contains(got.err, "none.yaml") {
		t.Errorf("got %+v", got)
	}
}

// TestInterrupt ends the following as Ctrl-C does, once the first status was shown.
func TestInterrupt(t *testing.T) {
	t.Parallel()
	s := &script{posted: accept, statuses: []any{running(begun)}, gone: make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-s.gone
		cancel()
	}()
	got := s.runWith(t, ctx, func(*surroundings) {}, "provision", "-f", "-")
	if got.code != exitInterrupted || !strings.Contains(got.err, "provisionctl -server http://provisioner status "+token) && !strings.Contains(got.err, "status "+token) {
		t.Errorf("got %+v", got)
	}
}

// TestHowLongItTook is told of what was begun here: of another, following it took
// a time that says nothing.
func TestHowLongItTook(t *testing.T) {
	t.Parallel()
	for want, args := range map[string][]string{
		"COMPLETED after ":                  {"provision", "-f", "-"},
		"COMPLETED\nProvisioned: created 3": {"status", token},
	} {
		s := &script{posted: accept, statuses: []any{success}}
		got := s.runWith(t, t.Context(), func(a *surroundings) {
			var clock atomic.Int64 // goes on whenever it is looked at
			a.now = func() time.Time { return time.Unix(clock.Add(1), 0) }
		}, args...)
		if got.code != exitOK || !strings.Contains(got.out, want) {
			t.Errorf("%v tells no %q: %+v", args, want, got)
		}
	}
}

func TestTimeout(t *testing.T) {
	t.Parallel()
	s := &script{posted: accept, statuses: []any{running(begun)}}
	got := s.run(t, "validate", "-deep", "-f", "-", "-timeout", "50ms")
	if got.code != exitFailed || !strings.Contains(got.err, "the time of -timeout is over") || !strings.Contains(got.err, "validate "+token) {
		t.Errorf("got %+v", got)
	}
}

// TestOutageEnds gives up once the API was away for longer than the pace allows.
func TestOutageEnds(t *testing.T) {
	t.Parallel()
	s := &script{statuses: []any{running(begun), 500}}
	var minutes atomic.Int64
	got := s.runWith(t, t.Context(), func(around *surroundings) {
		around.now = func() time.Time { return time.Unix(minutes.Add(40), 0) } // every look at the clock is 40 s later
	}, "status", token)
	if got.code != exitFailed || !strings.Contains(got.out, "The API does not answer; asking again.") || !strings.Contains(got.err, "answered 500") {
		t.Errorf("got %+v", got)
	}
}

// TestRedirect does not follow one: the token would go to somebody else.
func TestRedirect(t *testing.T) {
	t.Parallel()
	var stolen atomic.Bool
	other := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { stolen.Store(true) }))
	t.Cleanup(other.Close)
	s := &script{posted: func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, other.URL, http.StatusTemporaryRedirect)
	}}
	if got := s.run(t, "provision", "-f", "-"); got.code != exitFailed || stolen.Load() {
		t.Errorf("got %+v, followed %t", got, stolen.Load())
	}
}
