package e2e

import (
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	tracev1 "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/encoding/prototext"
	"google.golang.org/protobuf/proto"
)

// traces is an OTLP collector.
type traces struct {
	*httptest.Server
	mu    sync.Mutex
	spans []*tracev1.Span
}

func newTraces(t *testing.T) *traces {
	t.Helper()
	c := &traces{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/v1/traces" || proto.Unmarshal(body, &request) != nil {
			http.Error(w, "no traces", http.StatusBadRequest)
			return
		}
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.GetResourceSpans() {
			for _, scope := range resource.GetScopeSpans() {
				c.spans = append(c.spans, scope.GetSpans()...)
			}
		}
	}))
	t.Cleanup(c.Close)
	return c
}

// text is all that the collector was told, names of spans in quotes.
func (c *traces) text() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var b strings.Builder
	for _, span := range c.spans {
		b.WriteString(prototext.Format(span))
	}
	return b.String()
}

// TestOneTrace follows one trace from the Coordinator's request to each call that reaches Airbyte.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	const id = "0af7651916cd43dd8448eb211c80319c"
	gathered := newTraces(t)
	s := newStack(t, map[string]string{"OTEL_EXPORTER_OTLP_ENDPOINT": gathered.URL})
	api, worker := s.startAPI(), s.startWorker()
	s.sim.AnswerNext("connections/create", 1, http.StatusServiceUnavailable) // so there are two attempts
	before := s.lastCall()
	token := s.submitTraced(wish{}.descriptor(), "0AF76519-16cd-43dd-8448-eb211c80319c")
	s.awaitState(token, "COMPLETED")
	for _, p := range []*process{api, worker} {
		if code := p.stop(); code != 0 {
			t.Errorf("%s ended with %d", p.name, code)
		}
	}

	calls := map[string]int{}
	for _, call := range s.sim.Calls("*", before) {
		calls["POST /api/v1/"+call.Operation]++
		if got := call.Header.Get("Traceparent"); !strings.HasPrefix(got, "00-"+id+"-") {
			t.Errorf("the call %s came with the traceparent %q", call.Operation, got)
		}
	}
	gathered.mu.Lock()
	defer gathered.mu.Unlock()
	spans, parents := map[string]int{}, map[string]*tracev1.Span{}
	for _, span := range gathered.spans {
		if hex.EncodeToString(span.GetTraceId()) == id {
			spans[span.GetName()]++
			parents[string(span.GetSpanId())] = span
		}
	}
	want := map[string]int{"POST /v1/provision": 1, "provision": 2}
	for name, n := range calls {
		want[name] = n
	}
	for name, n := range want {
		if spans[name] != n {
			t.Errorf("the trace has %d spans %q, want %d", spans[name], name, n)
		}
	}
	for _, span := range parents {
		parent := parents[string(span.GetParentSpanId())].GetName()
		switch name := span.GetName(); {
		case name == "POST /v1/provision" && len(span.GetParentSpanId()) > 0,
			name == "provision" && parent != "POST /v1/provision",
			strings.HasPrefix(name, "POST /api/v1/") && parent != "provision":
			t.Errorf("the span %q is below %q", name, parent)
		}
	}
	for _, p := range []*process{api, worker} {
		if !strings.Contains(p.output(), token) {
			t.Errorf("the log of %s lacks the token", p.name)
		}
	}
}

// submitTraced posts a descriptor with a trace id of the Coordinator's.
func (s *stack) submitTraced(descriptor, traceID string) string {
	s.t.Helper()
	body, err := json.Marshal(submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: descriptor})
	if err != nil {
		s.t.Fatal(err)
	}
	status, header, token := s.raw(http.MethodPost, "/v1/provision", string(body), map[string]string{
		"Authorization": "Bearer " + apiToken, "Content-Type": "application/json", "traceId": traceID,
	})
	if status != http.StatusAccepted || header.Get("traceId") != traceID {
		s.t.Fatalf("a request with the trace id %s answered %d %s, trace id %s", traceID, status, token, header.Get("traceId"))
	}
	return token
}

// raw sends a request as it is.
func (s *stack) raw(method, path, body string, header map[string]string) (int, http.Header, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.api+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	for name, value := range header {
		request.Header.Set(name, value)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, response.Header, string(answer)
}

// metrics are the samples of some scrapes: name of a family to the largest value in it.
type metrics map[string]float64

// scrape adds what a program tells now.
func (m metrics) scrape(t *testing.T, address string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+"/metrics", nil)
	if err != nil {
		t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+apiToken)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	for name, family := range families {
		for _, sample := range family.GetMetric() {
			m[name] = max(m[name], valueOf(sample))
		}
	}
}

func valueOf(m *dto.Metric) float64 {
	switch {
	case m.GetCounter() != nil:
		return m.GetCounter().GetValue()
	case m.GetHistogram() != nil:
		return float64(m.GetHistogram().GetSampleCount())
	default:
		return m.GetGauge().GetValue()
	}
}

// told are all metrics that the telemetry's source names.
func told(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, file := range []string{"metrics.go", "queues.go"} {
		text, err := os.ReadFile("../telemetry/" + file)
		if err != nil {
			t.Fatal(err)
		}
		for _, match := range regexp.MustCompile(`(?:counter|histogram|gauge|description)\("([a-z_]+)"`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, "airbyte_provisioner_"+match[1])
		}
	}
	if len(names) < 15 {
		t.Fatalf("only %v are found", names)
	}
	return append(names, "airbyte_provisioner_build_info")
}

// TestSight has operations of every sort and looks at what the metrics and the logs tell of them.
func TestSight(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	api := s.startAPI()
	seen := metrics{}

	// While nobody works, a task waits; then its queue loses it.
	lost := s.submit("provision", wish{ID: "urn:dmb:cmp:finance:orders:0:lost"}.descriptor())
	seen.scrape(t, s.api)
	if seen["airbyte_provisioner_queue_tasks"] != 1 || seen["airbyte_provisioner_queue_oldest_waiting_seconds"] <= 0 {
		t.Errorf("of the waiting task the metrics tell %v and %v s", seen["airbyte_provisioner_queue_tasks"], seen["airbyte_provisioner_queue_oldest_waiting_seconds"])
	}
	if err := s.redis.Client().Del(t.Context(), "asynq:{provision}:t:"+lost).Err(); err != nil {
		t.Fatal(err)
	}
	worker := s.startWorker()
	s.sim.AnswerNext("sources/create", 1, http.StatusServiceUnavailable)
	s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	s.sim.AnswerNext("connections/create", 1, http.StatusUnprocessableEntity)
	s.awaitState(s.submit("provision", wish{ID: "urn:dmb:cmp:finance:orders:0:bad"}.descriptor()), "FAILED")

	s.sim.HoldNext("sources/discover_schema", true)
	held := s.submit("provision", wish{ID: "urn:dmb:cmp:finance:orders:0:held"}.descriptor())
	if err := s.sim.WaitHeld(t.Context(), "sources/discover_schema", 1); err != nil {
		t.Fatal(err)
	}
	seen.scrape(t, worker.address()) // an attempt runs
	s.request(http.MethodDelete, "/v1/provision/"+held, nil)
	s.sim.Release("*", 0)
	s.awaitEnd(held)
	s.awaitState(lost, "COMPLETED")
	seen.scrape(t, s.api)
	seen.scrape(t, worker.address())

	names := told(t)
	for _, name := range names {
		if seen[name] <= 0 {
			t.Errorf("the metric %s has not moved", name)
		}
	}
	for name := range seen {
		if strings.HasPrefix(name, "airbyte_provisioner_") && !slices.Contains(names, name) {
			t.Errorf("the metric %s is told by nobody known", name)
		}
	}
	checkNames(t, names)
	checkLog(t, api)
	checkLog(t, worker)
}

// checkNames looks for metrics that dashboards, alerts or documents name and nobody tells.
func checkNames(t *testing.T, names []string) {
	t.Helper()
	metric := regexp.MustCompile(`airbyte_provisioner_[a-z_]+[a-z]`)
	for _, dir := range []string{"../../deploy/grafana", "../../deploy/prometheus", "../../deploy/helm", "../../docs"} {
		err := filepath.WalkDir(dir, func(path string, entry os.DirEntry, err error) error {
			if err != nil || entry.IsDir() || strings.HasSuffix(path, ".go") {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			for _, name := range metric.FindAllString(string(text), -1) {
				family := regexp.MustCompile(`_(bucket|sum|count)$`).ReplaceAllString(name, "")
				if !slices.Contains(names, name) && !slices.Contains(names, family) {
					t.Errorf("%s names the metric %s, which there is not", path, name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// checkLog wants one JSON object a line, no key twice, and what operators search for on each line about an operation.
func checkLog(t *testing.T, p *process) {
	t.Helper()
	about := 0
	for line := range strings.Lines(p.output()) {
		var event struct {
			Time                         time.Time
			Level, Msg, Token, Component string
			TraceID                      string `json:"traceId"`
		}
		if err := json.Unmarshal([]byte(line), &event); err != nil || event.Time.IsZero() || event.Level == "" || event.Msg == "" {
			t.Errorf("%s printed a line that is no event: %v: %s", p.name, err, line)
		}
		if again := twice(line); again != "" {
			t.Errorf("%s printed %s twice on a line: %s", p.name, again, line)
		}
		if event.Token != "" && event.Level != "DEBUG" {
			about++
			if event.Component == "" || event.TraceID == "" {
				t.Errorf("%s printed a line about an operation without its component or trace id: %s", p.name, line)
			}
		}
	}
	if about < 4 {
		t.Errorf("%s printed %d lines about operations", p.name, about)
	}
}

// twice is a key that an object has more than once at its top.
func twice(line string) string {
	decoder, seen, depth := json.NewDecoder(strings.NewReader(line)), map[string]bool{}, 0
	for key := true; ; {
		token, err := decoder.Token()
		if err != nil {
			return ""
		}
		switch value := token.(type) {
		case json.Delim:
			if value == '{' || value == '[' {
				depth++
				key = true
				continue
			}
			depth--
		case string:
			if depth == 1 && key {
				if seen[value] {
					return value
				}
				seen[value] = true
				key = false
				continue
			}
		}
		key = true
	}
}
