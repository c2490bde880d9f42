package httpapi_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/workload"
)

// TestCodes walks the table from failure codes to answers.
func TestCodes(t *testing.T) {
	t.Parallel()
	want := map[workload.Code]int{
		workload.CodeInvalid: 400, workload.CodeTooLarge: 413, workload.CodeUnknownToken: 400, workload.CodeUnsupported: 500,
		workload.CodeUnavailable: 500, workload.CodeRefused: 500, workload.CodeCheck: 400, workload.CodeConflict: 400, workload.CodeSecret: 400,
		workload.CodeRemoved: 500, workload.CodeExhausted: 500, workload.CodeTerminated: 400, workload.CodeInternal: 500, "some new code": 500,
	}
	for code, status := range want {
		t.Run(string(code), func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.store.broken = fmt.Errorf("wrapped: %w", (&workload.Failure{
				Code: code, Message: "It did not work.", RetryAfter: 1500 * time.Millisecond,
				Problems: []workload.Problem{{Path: "a.b", Message: "is wrong"}}, Solutions: []string{"Do it better."},
			}).Because(errors.New("the cause")))
			w := a.post("/v1/provision", provisioning(t))
			if w.Code != status || w.Header().Get("Retry-After") != "2" {
				t.Errorf("got %d, Retry-After %q", w.Code, w.Header().Get("Retry-After"))
			}
			if strings.Contains(w.Body.String(), "the cause") {
				t.Errorf("the cause is told: %s", w.Body)
			}
			more := read[struct {
				MoreInfo struct{ Problems, Solutions []string }
			}](t, w).MoreInfo
			if diff := cmp.Diff([]string{"a.b: is wrong"}, more.Problems); diff != "" {
				t.Error(diff)
			}
			if !slices.Contains(more.Solutions, "Do it better.") {
				t.Errorf("solutions are %q", more.Solutions)
			}
		})
	}
}

func TestFieldAtFault(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		problems []workload.Problem
		want     string
	}{
		"one field":                 {[]workload.Problem{{Path: "a.b", Message: "x"}}, "a.b"},
		"one field, twice":          {[]workload.Problem{{Path: "a.b", Message: "x"}, {Path: "a.b", Message: "y"}}, "a.b"},
		"two fields":                {[]workload.Problem{{Path: "a.b", Message: "x"}, {Path: "a.c", Message: "y"}}, ""},
		"a field and the whole":     {[]workload.Problem{{Path: "a.b", Message: "x"}, {Message: "y"}}, ""},
		"no field":                  {[]workload.Problem{{Message: "y"}}, ""},
		"not even a problem listed": {nil, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.store.broken = &workload.Failure{Code: workload.CodeInvalid, Message: "Wrong.", Problems: c.problems}
			got := read[requestError](t, a.post("/v1/provision", provisioning(t)))
			if got.InputErrorField != c.want || len(got.Errors) == 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

var idInText = regexp.MustCompile(`\(error id ([0-9a-f]{16})\)`)

// TestSystemErrorHasIDInLog finds the line of each 500, and in it what the answer must not say.
func TestSystemErrorHasIDInLog(t *testing.T) {
	t.Parallel()
	const secret = "dial tcp 10.1.2.3:6379: connection refused"
	cases := map[string]func(*api){
		"an error without a failure": func(a *api) { a.store.broken = errors.New(secret) },
		"a failure with a cause": func(a *api) {
			a.store.broken = (&workload.Failure{Code: workload.CodeUnavailable, Message: "Redis cannot be reached."}).Because(errors.New(secret))
		},
	}
	for name, breakIt := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			breakIt(a)
			token := uuid.NewString()
			for _, r := range []*http.Request{
				post("/v1/provision", provisioning(t)), post("/v1/unprovision", provisioning(t)), post("/v2/validate", provisioning(t)),
				post("/v1/updateacl", aclBody), post("/v1/reverse-provisioning", reverseBody),
				httptest.NewRequest(http.MethodGet, "/v1/provision/"+token+"/status", nil),
				httptest.NewRequest(http.MethodGet, "/v2/validate/"+token+"/status", nil),
				httptest.NewRequest(http.MethodGet, "/v1/reverse-provisioning/"+token+"/status", nil),
				httptest.NewRequest(http.MethodDelete, "/v1/provision/"+token, nil),
			} {
				w := a.do(r)
				got := read[systemError](t, w)
				id := idInText.FindStringSubmatch(got.Error)
				if w.Code != http.StatusInternalServerError || id == nil || strings.Contains(w.Body.String(), "10.1.2.3") {
					t.Fatalf("got %d %s", w.Code, w.Body)
				}
				lines := a.log.lines(t, "request failed")
				found := slices.ContainsFunc(lines, func(line map[string]any) bool {
					return line["errorId"] == id[1] && line["cause"] == secret && line["traceId"] == w.Header().Get("traceId") && line["level"] == "ERROR"
				})
				if !found {
					t.Errorf("no line of the log has id %s and the cause", id[1])
				}
			}
		})
	}
}

// TestPanic sees that a fault of ours is a proper answer, with its stack in the log alone.
func TestPanic(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *httpapi.Options) {
		o.Parse = func(workload.Kind, httpapi.ProvisioningRequest) (workload.Work, *workload.Failure) {
			panic("a nil pointer, say")
		}
	})
	for _, path := range []string{"/v1/provision", "/v1/validate"} {
		w := a.post(path, provisioning(t))
		if w.Code != http.StatusInternalServerError || idInText.FindString(read[systemError](t, w).Error) == "" {
			t.Errorf("%s: got %d %s", path, w.Code, w.Body)
		}
		if text := w.Body.String(); strings.Contains(text, "nil pointer") || strings.Contains(text, ".go:") || strings.Contains(text, "goroutine") {
			t.Errorf("%s: the answer shows too much: %s", path, text)
		}
	}
	if line := a.log.lines(t, "request failed")[0]; !strings.Contains(line["cause"].(string), "failure_test.go") {
		t.Errorf("the log has no stack: %v", line)
	}
	if lines := a.log.lines(t, "request"); len(lines) != 2 || lines[0]["status"] != 500.0 {
		t.Errorf("the access log is %v", lines)
	}
}

// TestAbortedHandler lets net/http cut the connection, as it is meant.
func TestAbortedHandler(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *httpapi.Options) {
		o.Mounts = []httpapi.Mount{{Path: "/", Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })}}
	})
	defer func() {
		if recover() != http.ErrAbortHandler { //nolint:errorlint // net/http compares it so
			t.Error("the panic was swallowed")
		}
	}()
	a.server.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
}

// TestPanicAfterAnswerBegan cannot be answered any more, but is logged.
func TestPanicAfterAnswerBegan(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *httpapi.Options) {
		o.Mounts = []httpapi.Mount{{Path: "/", Handler: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
			_, _ = w.Write([]byte("half"))
			panic("broken")
		})}}
	})
	w := httptest.NewRecorder()
	a.server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/", nil))
	if w.Body.String() != "half" || len(a.log.lines(t, "request failed")) != 1 {
		t.Errorf("body %q, log %s", w.Body, a.log)
	}
}

// TestCallerWhoLeft is no error of ours.
func TestCallerWhoLeft(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.store.broken = context.Canceled
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	a.do(httptest.NewRequest(http.MethodGet, "/v1/provision/"+uuid.NewString()+"/status", nil).WithContext(ctx))
	if line := a.log.lines(t, "request failed")[0]; line["level"] != "INFO" {
		t.Errorf("logged as %v", line["level"])
	}
}

// TestOrdersSurviveTheirCaller sees that none is half made when its caller leaves.
func TestOrdersSurviveTheirCaller(t *testing.T) {
	t.Parallel()
	a := start(t)
	a.server = nil
	seen := make(chan error, 1)
	b := start(t, func(o *httpapi.Options) { o.Operations = submitted{seen: seen} })
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for _, r := range []*http.Request{
		post("/v1/provision", provisioning(t)), httptest.NewRequest(http.MethodDelete, "/v1/provision/"+uuid.NewString(), nil),
	} {
		b.do(r.WithContext(ctx))
		if err := <-seen; err != nil {
			t.Errorf("%s: the order's context has ended: %v", r.Method, err)
		}
	}
}

// submitted tells how the context of an order stands.
type submitted struct {
	httpapi.Operations

	seen chan error
}

func (s submitted) Submit(ctx context.Context, _ workload.Order) (string, error) {
	s.seen <- ctx.Err()
	return uuid.NewString(), nil
}

func (s submitted) Status(context.Context, string) (workload.Status, error) {
	return workload.Status{Kind: workload.Provision, State: workload.Running}, nil
}

func (s submitted) Terminate(ctx context.Context, _ string) (workload.Status, error) {
	s.seen <- ctx.Err()
	return workload.Status{State: workload.Terminating}, nil
}

// TestAnswersRepeatNoInput posts a secret in every place and looks for it in answers and log.
func TestAnswersRepeatNoInput(t *testing.T) {
	t.Parallel()
	const secret = "hunter2-do-not-repeat"
	a := start(t)
	quoted := body(t, "password: "+secret)
	for _, text := range []string{
		`{"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":` + quoted + `}`,
		`{"descriptorKind":` + quoted + `,"descriptor":` + quoted + `,"latestEnrichedDescriptor":` + quoted + `}`,
		`{"descriptorKind":` + quoted + ` ` + quoted + `}`,
		`{"removeData":` + quoted + `}`,
		`{"refs":` + quoted + `,"provisionInfo":` + quoted + `,"params":` + quoted + `}`,
		quoted, secret,
	} {
		for path := range submissions(t) {
			if w := a.post(path, text); strings.Contains(w.Body.String(), secret) {
				t.Errorf("%s repeats its input: %s", path, w.Body)
			}
		}
		if w := a.post("/v1/validate", text); strings.Contains(w.Body.String(), secret) {
			t.Errorf("/v1/validate repeats its input: %s", w.Body)
		}
	}
	a.get("/v1/provision/" + secret + "/status?token=" + secret)
	a.get("/" + secret + "?q=" + secret)
	if strings.Contains(a.log.String(), secret) {
		t.Errorf("the log repeats input: %s", a.log)
	}
}
