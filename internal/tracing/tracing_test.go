package tracing_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"airbyte-provisioner/internal/tracing"
)

// kept keeps the spans that are exported.
type kept struct {
	mu    sync.Mutex
	spans []sdktrace.ReadOnlySpan
}

func (k *kept) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spans = append(k.spans, spans...)
	return nil
}

func (*kept) Shutdown(context.Context) error { return nil }

// traced returns a Tracing and a function that ends it and returns its spans by name.
func traced(t *testing.T) (*tracing.Tracing, func() map[string]sdktrace.ReadOnlySpan) {
	t.Helper()
	exporter := &kept{}
	tr, err := tracing.New(t.Context(), tracing.Options{Program: "test", Version: "1", Exporter: exporter})
	if err != nil {
		t.Fatal(err)
	}
	return tr, func() map[string]sdktrace.ReadOnlySpan {
		if err := tr.Close(context.Background()); err != nil {
			t.Fatal(err)
		}
		spans := map[string]sdktrace.ReadOnlySpan{}
		for _, span := range exporter.spans {
			spans[span.Name()] = span
		}
		return spans
	}
}

func always(*http.Request) bool { return true }

// TestOneTrace goes from a request over the queue's headers to a call of another server.
func TestOneTrace(t *testing.T) {
	t.Parallel()
	const (
		hex    = "0af7651916cd43dd8448eb211c80319c"
		parent = "00-" + hex + "-b7ad6b7169203331-01"
	)
	for name, c := range map[string]struct {
		header map[string]string
		want   string // the trace's id; empty for any
	}{
		"a W3C trace goes on":              {map[string]string{"traceparent": parent, "traceId": "11111111111111111111111111111111"}, hex},
		"the contract's id in hex":         {map[string]string{"traceId": hex}, hex},
		"the contract's id as a UUID":      {map[string]string{"traceId": "0AF76519-16cd-43dd-8448-eb211c80319c"}, hex},
		"an id that can be no trace's":     {map[string]string{"traceId": "order-17"}, ""},
		"an id of zeroes":                  {map[string]string{"traceId": "00000000000000000000000000000000"}, ""},
		"no id at all":                     {nil, ""},
		"a broken traceparent counts none": {map[string]string{"traceparent": "00-xyz"}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tr, end := traced(t)
			var arrived string
			airbyte := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				arrived = r.Header.Get("Traceparent")
			}))
			defer airbyte.Close()
			var headers map[string]string
			api := httptest.NewServer(tr.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
				tr.Answered(r.Context(), r.Method, "/v1/provision", "logged")
				headers = tr.Headers(r.Context())
				if headers == nil || tracing.TraceID(r.Context()) == "" {
					t.Error("there is no trace to carry")
				}
			}), always))
			defer api.Close()
			send(t, http.DefaultClient, api.URL, c.header)

			ctx, span := tr.Attempt(tr.Resume(context.Background(), headers, ""), tracing.Attempt{Kind: "provision", Token: "t", Number: 1})
			span.Log("INFO", "source", "The source was created.")
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, airbyte.URL+"/sources/create", nil)
			if err != nil {
				t.Fatal(err)
			}
			response, err := tr.Transport(http.DefaultTransport).RoundTrip(request)
			if err != nil {
				t.Fatal(err)
			}
			_ = response.Body.Close()
			span.End("")

			spans := end()
			for _, want := range []string{"POST /v1/provision", "provision", "POST /sources/create"} {
				got := spans[want]
				if got == nil {
					t.Fatalf("there is no span %q in %v", want, spans)
				}
				id := got.SpanContext().TraceID().String()
				if c.want != "" && id != c.want || id != spans["provision"].SpanContext().TraceID().String() {
					t.Errorf("the span %q is of the trace %s", want, id)
				}
			}
			call := spans["POST /sources/create"]
			if want := fmt.Sprintf("00-%s-%s-01", call.SpanContext().TraceID(), call.SpanContext().SpanID()); arrived != want {
				t.Errorf("the called server got the traceparent %q, want %q", arrived, want)
			}
			if spans["provision"].Parent().SpanID() != spans["POST /v1/provision"].SpanContext().SpanID() {
				t.Error("the attempt does not follow from the request")
			}
			if events := spans["provision"].Events(); len(events) != 1 || events[0].Name != "The source was created." {
				t.Errorf("the attempt's events are %v", events)
			}
		})
	}
}

func send(t *testing.T, client *http.Client, url string, header map[string]string) {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range header {
		r.Header.Set(name, value)
	}
	response, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
}

// TestWithoutHeaders is a task that was started anew: the record's id begins the trace.
func TestWithoutHeaders(t *testing.T) {
	t.Parallel()
	tr, end := traced(t)
	const id = "0af7651916cd43dd8448eb211c80319c"
	_, span := tr.Attempt(tr.Resume(context.Background(), nil, id), tracing.Attempt{Kind: "provision"})
	span.End("Airbyte refused.")
	got := end()["provision"]
	if got.SpanContext().TraceID().String() != id || got.Status().Description != "Airbyte refused." {
		t.Errorf("the span is of the trace %s and says %q", got.SpanContext().TraceID(), got.Status().Description)
	}
}

func TestWhatIsNotWorthASpan(t *testing.T) {
	t.Parallel()
	tr, end := traced(t)
	server := httptest.NewServer(tr.Handler(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		tr.Answered(r.Context(), r.Method, "/healthz", "x")
	}), func(r *http.Request) bool { return r.URL.Path != "/healthz" }))
	defer server.Close()
	send(t, http.DefaultClient, server.URL+"/healthz", nil)
	if spans := end(); len(spans) > 0 {
		t.Errorf("a probe made spans: %v", spans)
	}
}

// TestNothing is what happens without an exporter.
func TestNothing(t *testing.T) {
	t.Parallel()
	tr, err := tracing.New(t.Context(), tracing.Options{})
	if tr != nil || err != nil {
		t.Fatalf("got %v, %v", tr, err)
	}
	next := http.NotFoundHandler()
	if got := tr.Transport(http.DefaultTransport); got != http.DefaultTransport {
		t.Error("the transport is another")
	}
	tr.Handler(next, always).ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", nil))
	ctx, span := tr.Attempt(tr.Resume(t.Context(), nil, "x"), tracing.Attempt{})
	span.Log("INFO", "", "x")
	span.End("x")
	tr.Answered(ctx, "GET", "/", "x")
	if ctx != t.Context() || tr.Headers(ctx) != nil || tracing.TraceID(ctx) != "" || tr.Close(ctx) != nil {
		t.Error("something happens")
	}
}

// TestCallsOutsideOfTraces, such as those of a readiness probe, make no traces of their own.
func TestCallsOutsideOfTraces(t *testing.T) {
	t.Parallel()
	tr, end := traced(t)
	airbyte := httptest.NewServer(http.NotFoundHandler())
	defer airbyte.Close()
	send(t, &http.Client{Transport: tr.Transport(http.DefaultTransport)}, airbyte.URL, nil)
	if spans := end(); len(spans) != 0 {
		t.Errorf("there are spans: %v", spans)
	}
}

// TestExporterOverHTTP has a collector of the test's, which reads what the protocol says.
func TestExporterOverHTTP(t *testing.T) {
	t.Parallel()
	got := make(chan *collector.ExportTraceServiceRequest, 10)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		var request collector.ExportTraceServiceRequest
		if err != nil || r.URL.Path != "/otlp/v1/traces" || proto.Unmarshal(body, &request) != nil {
			t.Errorf("%s %s: %v", r.Method, r.URL.Path, err)
			http.Error(w, "wrong", http.StatusBadRequest)
			return
		}
		got <- &request
	}))
	defer server.Close()
	exporter, err := tracing.Exporter(t.Context(), server.URL+"/otlp/v1/traces", tracing.OverHTTP)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := tracing.New(t.Context(), tracing.Options{Program: "worker", Version: "1.2.3", Exporter: exporter})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tr.Attempt(t.Context(), tracing.Attempt{Kind: "provision"})
	span.End("")
	if err := tr.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	sent := (<-got).GetResourceSpans()[0]
	if name := sent.GetScopeSpans()[0].GetSpans()[0].GetName(); name != "provision" {
		t.Errorf("the span %q was sent", name)
	}
	about := map[string]string{}
	for _, a := range sent.GetResource().GetAttributes() {
		about[a.GetKey()] = a.GetValue().GetStringValue()
	}
	if about["service.name"] != "airbyte-provisioner-worker" || about["service.version"] != "1.2.3" {
		t.Errorf("the spans are of %v", about)
	}
}

func TestIDsAreNeverZero(t *testing.T) {
	t.Parallel()
	tr, end := traced(t)
	seen := map[trace.TraceID]bool{}
	for range 100 {
		ctx, span := tr.Attempt(t.Context(), tracing.Attempt{Kind: "x"})
		id := trace.SpanContextFromContext(ctx)
		if !id.IsValid() || seen[id.TraceID()] {
			t.Fatalf("the id %s is none, or not new", id.TraceID())
		}
		seen[id.TraceID()] = true
		span.End("")
	}
	end()
}
