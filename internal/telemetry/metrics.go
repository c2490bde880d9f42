package telemetry

import (
	"net/http"
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promauto"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

const namespace = "airbyte_provisioner"

// Buckets of the histograms, in seconds: for answers of this product, and for
// work that waits for Airbyte's containers.
var (
	quick = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10}
	slow  = []float64{.05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600, 1800}
)

// Metrics are the numbers of one process. Its methods are safe for concurrent use.
// Every label has a bounded set of values: kinds, states, classes and paths of
// Airbyte's API, never an id or a name out of a request.
type Metrics struct {
	registry *prometheus.Registry

	requests       *prometheus.CounterVec
	requestSeconds *prometheus.HistogramVec
	accepted       *prometheus.CounterVec
	operations     *prometheus.CounterVec
	operationTime  *prometheus.HistogramVec
	waitSeconds    *prometheus.HistogramVec
	stepSeconds    *prometheus.HistogramVec
	running        *prometheus.GaugeVec
	attempts       *prometheus.CounterVec
	attemptSeconds *prometheus.HistogramVec
	terminations   *prometheus.CounterVec
	reconciled     *prometheus.CounterVec
	airbyteCalls   *prometheus.CounterVec
	airbyteSeconds *prometheus.HistogramVec
	tokenRenewals  *prometheus.CounterVec
}

// NewMetrics returns metrics in a registry of their own, with the process's, the
// runtime's and the build's.
func NewMetrics() *Metrics {
	registry := prometheus.NewRegistry()
	registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		buildInfo(CurrentBuild()),
	)
	m := &Metrics{registry: registry}
	vec := maker{promauto.With(registry)}
	m.requests = vec.counter("http_requests_total", "HTTP requests answered.", "method", "route", "code")
	m.requestSeconds = vec.histogram("http_request_duration_seconds", "Time to answer an HTTP request.", quick, "method", "route")
	m.accepted = vec.counter("operations_accepted_total", "Operations that were given a token.", "kind")
	m.operations = vec.counter("operations_total", "Operations that ended, by how.", "kind", "outcome")
	m.operationTime = vec.histogram("operation_duration_seconds", "Time from the acceptance of an operation to its end.", slow, "kind", "outcome")
	m.waitSeconds = vec.histogram("operation_wait_seconds", "Time from the acceptance of an operation to its first attempt.", slow, "kind")
	m.stepSeconds = vec.histogram("operation_step_duration_seconds", "Time that one step of an attempt took.", slow, "kind", "step")
	m.running = vec.gauge("attempts_running", "Attempts that run in this process.", "kind")
	m.attempts = vec.counter("attempts_total", "Attempts that ended, by how.", "kind", "outcome")
	m.attemptSeconds = vec.histogram("attempt_duration_seconds", "Time that one attempt took.", slow, "kind")
	m.terminations = vec.counter("terminations_total", "Terminations asked for, by what they met.", "result")
	m.reconciled = vec.counter("reconciled_tokens_total", "Tokens without a living task that were put right, by how.", "kind", "action")
	m.airbyteCalls = vec.counter("airbyte_calls_total", "HTTP calls to Airbyte, by the class of their outcome.", "operation", "class")
	m.airbyteSeconds = vec.histogram("airbyte_call_duration_seconds", "Time that an HTTP call to Airbyte took.", slow, "operation")
	m.tokenRenewals = vec.counter("airbyte_token_renewals_total", "Access tokens asked of Airbyte, by the class of the outcome.", "class")
	return m
}

// maker makes metrics of one namespace and registers them.
type maker struct{ promauto.Factory }

func (m maker) counter(name, help string, labels ...string) *prometheus.CounterVec {
	return m.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func (m maker) gauge(name, help string, labels ...string) *prometheus.GaugeVec {
	return m.NewGaugeVec(prometheus.GaugeOpts{Namespace: namespace, Name: name, Help: help}, labels)
}

func (m maker) histogram(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return m.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Name: name, Help: help, Buckets: buckets}, labels)
}

func buildInfo(b Build) prometheus.Collector {
	info := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info", Help: "What the program was built from; always 1.",
	}, []string{"version", "commit", "go_version"})
	info.WithLabelValues(b.Version, b.Commit, b.Go).Set(1)
	return info
}

// Handler answers a scrape.
func (m *Metrics) Handler() http.Handler {
	return promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{Registry: m.registry})
}

// Registerer takes further collectors, such as those of a library.
func (m *Metrics) Registerer() prometheus.Registerer { return m.registry }

// Request counts an answered HTTP request. The route is the pattern that
// matched, empty for none.
func (m *Metrics) Request(method, route string, status int, took time.Duration) {
	method, route = knownMethod(method), orWord(route, "none")
	m.requests.WithLabelValues(method, route, strconv.Itoa(status)).Inc()
	m.requestSeconds.WithLabelValues(method, route).Observe(took.Seconds())
}

// knownMethod keeps a made-up method from becoming a label's value.
func knownMethod(method string) string {
	switch method {
	case http.MethodGet, http.MethodHead, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete, http.MethodOptions:
		return method
	}
	return "other"
}

func orWord(value, word string) string {
	if value == "" {
		return word
	}
	return value
}

// Accepted counts an operation that was given a token.
func (m *Metrics) Accepted(kind string) { m.accepted.WithLabelValues(kind).Inc() }

// AttemptBegan counts an attempt as running. Waited is the time since the
// operation was accepted; zero, after the first attempt, is not counted.
func (m *Metrics) AttemptBegan(kind string, waited time.Duration) {
	m.running.WithLabelValues(kind).Inc()
	if waited > 0 {
		m.waitSeconds.WithLabelValues(kind).Observe(waited.Seconds())
	}
}

// AttemptEnded counts an attempt that began before, by how it ended.
func (m *Metrics) AttemptEnded(kind, how string, took time.Duration) {
	m.running.WithLabelValues(kind).Dec()
	m.attempts.WithLabelValues(kind, how).Inc()
	m.attemptSeconds.WithLabelValues(kind).Observe(took.Seconds())
}

// Step records how long one step of an attempt took, such as "discovery".
func (m *Metrics) Step(kind, step string, took time.Duration) {
	m.stepSeconds.WithLabelValues(kind, step).Observe(took.Seconds())
}

// OperationEnded counts an operation that reached its final state; took is the
// time since it was accepted.
func (m *Metrics) OperationEnded(kind, outcome string, took time.Duration) {
	m.operations.WithLabelValues(kind, outcome).Inc()
	m.operationTime.WithLabelValues(kind, outcome).Observe(took.Seconds())
}

// TerminationAsked counts a termination that was asked for, by the state that
// the operation was in afterwards.
func (m *Metrics) TerminationAsked(result string) { m.terminations.WithLabelValues(result).Inc() }

// TokenReconciled counts a token whose task was lost, by what was done for it.
func (m *Metrics) TokenReconciled(action, kind string) {
	m.reconciled.WithLabelValues(kind, action).Inc()
}

// AirbyteCall counts an HTTP call to Airbyte: the path of its API and the class
// of the outcome, "ok" for a good one.
func (m *Metrics) AirbyteCall(operation, class string, took time.Duration) {
	m.airbyteCalls.WithLabelValues(operation, class).Inc()
	m.airbyteSeconds.WithLabelValues(operation).Observe(took.Seconds())
	if operation == "applications/token" {
		m.tokenRenewals.WithLabelValues(class).Inc()
	}
}
