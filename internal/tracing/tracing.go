package tracing

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Options are what a Tracing needs.
type Options struct {
	// Program and Version name who makes the spans; OTEL_SERVICE_NAME and
	// OTEL_RESOURCE_ATTRIBUTES, which the library reads, come before them.
	Program, Version string
	// Exporter takes the spans (see Exporter); nil means that none are made.
	Exporter sdktrace.SpanExporter
	// Errors is told when spans could not be sent.
	Errors func(error)
}

// Tracing makes spans. A nil Tracing makes none.
type Tracing struct {
	provider *sdktrace.TracerProvider
	tracer   trace.Tracer
	carried  propagation.TextMapPropagator
}

// The protocols of Exporter.
const (
	OverHTTP = "http/protobuf"
	OverGRPC = "grpc"
)

// Exporter sends spans to an OTLP collector at the endpoint, a URL that is used
// as it is. Headers, certificates, time-outs and the like are the library's to
// read from the standard variables.
func Exporter(ctx context.Context, endpoint, protocol string) (sdktrace.SpanExporter, error) {
	var exporter sdktrace.SpanExporter
	var err error
	if protocol == OverGRPC {
		exporter, err = otlptracegrpc.New(ctx, otlptracegrpc.WithEndpointURL(endpoint))
	} else {
		exporter, err = otlptracehttp.New(ctx, otlptracehttp.WithEndpointURL(endpoint))
	}
	if err != nil {
		return nil, fmt.Errorf("the exporter of traces cannot be made: %w", err)
	}
	return exporter, nil
}

// New returns a Tracing; nil where there is no exporter.
func New(ctx context.Context, options Options) (*Tracing, error) {
	if options.Exporter == nil {
		return nil, nil //nolint:nilnil // a nil Tracing is one that does nothing
	}
	about, err := resource.New(ctx,
		resource.WithAttributes(
			attribute.String("service.name", "airbyte-provisioner-"+options.Program),
			attribute.String("service.version", options.Version),
		),
		resource.WithHost(), resource.WithTelemetrySDK(), resource.WithFromEnv())
	if err != nil {
		return nil, fmt.Errorf("OTEL_RESOURCE_ATTRIBUTES: %w", err)
	}
	if options.Errors != nil {
		// The library has no other place for it, and would print to the standard error.
		otel.SetErrorHandler(otel.ErrorHandlerFunc(options.Errors))
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithBatcher(options.Exporter), sdktrace.WithResource(about), sdktrace.WithIDGenerator(ids{}))
	return &Tracing{
		provider: provider,
		tracer:   provider.Tracer("airbyte-provisioner"),
		carried:  propagation.NewCompositeTextMapPropagator(propagation.TraceContext{}, propagation.Baggage{}),
	}, nil
}

// Close sends what was not sent yet. After it no spans are made.
func (t *Tracing) Close(ctx context.Context) error {
	if t == nil {
		return nil
	}
	return t.provider.Shutdown(ctx)
}

// TraceID is the id of the trace that runs in the context; empty where none does.
func TraceID(ctx context.Context) string {
	if running := trace.SpanContextFromContext(ctx); running.HasTraceID() {
		return running.TraceID().String()
	}
	return ""
}

// Headers carry the trace of the context to who takes up the work.
func (t *Tracing) Headers(ctx context.Context) map[string]string {
	if t == nil || !trace.SpanContextFromContext(ctx).IsValid() {
		return nil
	}
	headers := propagation.MapCarrier{}
	t.carried.Inject(ctx, headers)
	return headers
}

// Resume returns a context in which the trace of the headers goes on. Where
// they carry none, spans begin a trace with the contract's id, if it can be one.
func (t *Tracing) Resume(ctx context.Context, headers map[string]string, traceID string) context.Context {
	if t == nil {
		return ctx
	}
	ctx = t.carried.Extract(ctx, propagation.MapCarrier(headers))
	return wanting(ctx, traceID)
}
