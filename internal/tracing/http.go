package tracing

import (
	"context"
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric/noop"
	"go.opentelemetry.io/otel/trace"
)

// traceHeader is the contract's header with a trace id.
const traceHeader = "Traceid"

// Handler makes a span of each request that is worth one. A W3C traceparent is
// gone on with; the contract's header gives a new trace its id.
func (t *Tracing) Handler(next http.Handler, worth func(*http.Request) bool) http.Handler {
	if t == nil {
		return next
	}
	spans := otelhttp.NewHandler(next, "http", append(t.options(), otelhttp.WithFilter(worth),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method }))...)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Traceparent") == "" {
			r = r.WithContext(wanting(r.Context(), r.Header.Get(traceHeader)))
		}
		spans.ServeHTTP(w, r)
	})
}

// Answered adds to a request's span what is known once it is answered: its
// route, and the id that is logged and answered.
func (t *Tracing) Answered(ctx context.Context, method, route, traceID string) {
	if t == nil {
		return
	}
	span := trace.SpanFromContext(ctx)
	if route != "" {
		span.SetName(method + " " + route)
	}
	span.SetAttributes(attribute.String("http.route", route), attribute.String("traceId", traceID))
}

// Transport makes a span of each call within a trace, and carries the trace on.
func (t *Tracing) Transport(next http.RoundTripper) http.RoundTripper {
	if t == nil {
		return next
	}
	return otelhttp.NewTransport(next, append(t.options(),
		otelhttp.WithFilter(func(r *http.Request) bool { return TraceID(r.Context()) != "" }),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }))...)
}

// options are those of both sides; there are metrics already.
func (t *Tracing) options() []otelhttp.Option {
	return []otelhttp.Option{
		otelhttp.WithTracerProvider(t.provider), otelhttp.WithPropagators(t.carried), otelhttp.WithMeterProvider(noop.NewMeterProvider()),
	}
}
