package tracing

import (
	"context"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"
)

// Attempt is what the span of an attempt tells.
type Attempt struct {
	Kind, Token, TraceID   string
	Component, Environment string
	Number                 int
}

// Span is the span of an attempt. A nil Span does nothing.
type Span struct{ span trace.Span }

// Attempt begins the span of an attempt, whose trace the context carries (see Resume).
func (t *Tracing) Attempt(ctx context.Context, about Attempt) (context.Context, *Span) {
	if t == nil {
		return ctx, nil
	}
	ctx, span := t.tracer.Start(ctx, about.Kind, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithAttributes(
		attribute.String("operation.kind", about.Kind), attribute.String("operation.token", about.Token),
		attribute.Int("operation.attempt", about.Number), attribute.String("traceId", about.TraceID),
		attribute.String("component.id", about.Component), attribute.String("component.environment", about.Environment)))
	return ctx, &Span{span}
}

// Log adds a line of the operation's log.
func (s *Span) Log(level, phase, message string) {
	if s == nil {
		return
	}
	s.span.AddEvent(message, trace.WithAttributes(attribute.String("level", level), attribute.String("phase", phase)))
}

// End ends the span; failure is why the attempt failed, fit to be shown, or empty.
func (s *Span) End(failure string) {
	if s == nil {
		return
	}
	if failure != "" {
		s.span.SetStatus(codes.Error, failure)
	}
	s.span.End()
}
