package httpapi_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"gopkg.in/yaml.v3"

	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/httpapi/contracttest"
	"airbyte-provisioner/internal/workload"
)

const basePath = "/datamesh.airbytespecificprovisioner/v1.0"

// store keeps operations in memory: what httpapi needs of a queue, without one.
type store struct {
	mu       sync.Mutex
	statuses map[string]workload.Status
	orders   []workload.Order
	broken   error // answered by every method while it is set
}

func (s *store) Submit(_ context.Context, order workload.Order) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return "", s.broken
	}
	token := uuid.NewString()
	s.orders = append(s.orders, order)
	s.statuses[token] = workload.Status{
		Token: token, Kind: order.Kind, Component: order.Work.Component, State: workload.Running, TraceID: order.TraceID,
	}
	return token, nil
}

func (s *store) Status(_ context.Context, token string) (workload.Status, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.broken != nil {
		return workload.Status{}, s.broken
	}
	status, ok := s.statuses[token]
	if !ok {
		return workload.Status{}, &workload.Failure{Code: workload.CodeUnknownToken, Message: "No operation has this token."}
	}
	return status, nil
}

// Poll tells no more than it must.
func (s *store) Poll(ctx context.Context, token string) (workload.Status, error) {
	status, err := s.Status(ctx, token)
	status.Component, status.TraceID, status.Name, status.DataProduct = workload.Component{}, "", "", workload.DataProduct{}
	return status, err
}

func (s *store) Terminate(ctx context.Context, token string) (workload.Status, error) {
	status, err := s.Status(ctx, token)
	if err != nil || status.State != workload.Running {
		return status, err
	}
	status.State = workload.Terminating
	if status.Attempts == 0 { // it waits, so there is nobody to wait for
		status.State = workload.Terminated
	}
	s.put(status)
	return status, nil
}

func (s *store) put(status workload.Status) string {
	if status.Token == "" {
		status.Token = uuid.NewString()
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.statuses[status.Token] = status
	return status.Token
}

func (s *store) accepted() []workload.Order {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]workload.Order(nil), s.orders...)
}

// parse finds the component in a descriptor, as far as these tests need it.
func parse(_ workload.Kind, r httpapi.ProvisioningRequest) (workload.Work, *workload.Failure) {
	return parseText(r.Descriptor, r.RemoveData)
}

func parseText(text string, removeData bool) (workload.Work, *workload.Failure) {
	var d struct {
		ID      string `yaml:"componentIdToProvision"`
		Product struct {
			Environment string `yaml:"environment"`
		} `yaml:"dataProduct"`
	}
	if err := yaml.Unmarshal([]byte(text), &d); err != nil || d.ID == "" {
		return workload.Work{}, &workload.Failure{
			Code: workload.CodeInvalid, Message: "The descriptor is invalid.",
			Problems:  []workload.Problem{{Path: "componentIdToProvision", Message: "is missing"}},
			Solutions: []string{"Name the component."},
		}
	}
	return workload.Work{Component: workload.NewComponent(d.ID, d.Product.Environment), RemoveData: removeData}, nil
}

var allKinds = []workload.Kind{
	workload.Provision, workload.Unprovision, workload.UpdateACL, workload.Validate, workload.Reverse,
}

// api is a server under test; every answer is checked against the document.
type api struct {
	t       *testing.T
	server  *httpapi.Server
	store   *store
	log     *syncBuffer
	checker *contracttest.Checker
}

// start returns an API with every kind supported, changed by the given functions.
func start(t *testing.T, changes ...func(*httpapi.Options)) *api {
	t.Helper()
	a := &api{t: t, log: new(syncBuffer), checker: checker(t)}
	options := optionsFor(t)
	a.store = options.Operations.(*store)
	options.Logger = slog.New(slog.NewJSONHandler(a.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	for _, change := range changes {
		change(&options)
	}
	server, err := httpapi.New(options)
	if err != nil {
		t.Fatal(err)
	}
	a.server = server
	return a
}

// optionsFor are options with every kind supported, an empty store and no log.
func optionsFor(t testing.TB) httpapi.Options {
	t.Helper()
	return httpapi.Options{
		Operations: &store{statuses: map[string]workload.Status{}},
		Ready:      func(context.Context) error { return nil },
		Parse:      parse,
		ParseAccess: func(r httpapi.UpdateACLRequest) (workload.Work, *workload.Failure) {
			return parseText(r.Request, false)
		},
		ParseReverse: func(r httpapi.ReverseRequest) (workload.Work, *workload.Failure) {
			return workload.Work{Component: workload.NewComponent(r.UseCaseTemplateID, r.Environment)}, nil
		},
		Kinds:    allKinds,
		BasePath: basePath,
		Logger:   slog.New(slog.DiscardHandler),
	}
}

var checker = func() func(t *testing.T) *contracttest.Checker {
	once := sync.OnceValues(func() (*contracttest.Checker, error) { return contracttest.New(basePath) })
	return func(t *testing.T) *contracttest.Checker {
		t.Helper()
		c, err := once()
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
}()

// do sends a request and fails the test if the answer is not in the document.
func (a *api) do(r *http.Request) *httptest.ResponseRecorder {
	a.t.Helper()
	w := httptest.NewRecorder()
	a.server.ServeHTTP(w, r)
	response := w.Result()
	response.Request = r
	if err := a.checker.Check(r, response); err != nil {
		a.t.Error(err)
	}
	return w
}

func (a *api) get(path string) *httptest.ResponseRecorder {
	a.t.Helper()
	return a.do(httptest.NewRequest(http.MethodGet, path, nil))
}

func (a *api) remove(path string) *httptest.ResponseRecorder {
	a.t.Helper()
	return a.do(httptest.NewRequest(http.MethodDelete, path, nil))
}

// post sends a JSON body.
func (a *api) post(path, body string) *httptest.ResponseRecorder {
	a.t.Helper()
	return a.do(post(path, body))
}

func post(path, body string) *http.Request {
	r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	return r
}

// body renders a value as JSON.
func body(t *testing.T, v any) string {
	t.Helper()
	text, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// read parses an answer.
func read[T any](t *testing.T, w *httptest.ResponseRecorder) T {
	t.Helper()
	var v T
	if err := json.Unmarshal(w.Body.Bytes(), &v); err != nil {
		t.Fatalf("answer %d %q: %v", w.Code, w.Body, err)
	}
	return v
}

// requestError is a RequestValidationError as a caller reads it.
type requestError struct {
	Errors          []string
	UserMessage     string
	InputErrorField string
	MoreInfo        struct{ Problems, Solutions []string }
}

// systemError is a SystemError as a caller reads it.
type systemError struct {
	Error, UserMessage string
	MoreInfo           struct{ Problems, Solutions []string }
}

const goodDescriptor = `
dataProduct:
  environment: production
componentIdToProvision: urn:dmb:cmp:sales:orders:0:Ingestion
`

// provisioning is a good body for validate, provision and unprovision.
func provisioning(t *testing.T) string {
	t.Helper()
	return body(t, map[string]any{"descriptorKind": "COMPONENT_DESCRIPTOR", "descriptor": goodDescriptor, "removeData": false})
}

// syncBuffer is a buffer for a log that several goroutines write.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// lines are the log's lines with a given message.
func (s *syncBuffer) lines(t *testing.T, message string) []map[string]any {
	t.Helper()
	var found []map[string]any
	decoder := json.NewDecoder(strings.NewReader(s.String()))
	for {
		var line map[string]any
		if err := decoder.Decode(&line); err == io.EOF {
			return found
		} else if err != nil {
			t.Fatal(err)
		}
		if line["msg"] == message {
			found = append(found, line)
		}
	}
}
