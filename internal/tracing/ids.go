package tracing

import (
	"context"
	"encoding/binary"
	"math/rand/v2"
	"strings"

	"go.opentelemetry.io/otel/trace"
)

// ids makes the ids of spans, and of traces whose id nobody has given.
type ids struct{}

type wantedKey struct{}

// wanting returns a context in which a new trace has the contract's id, where
// that can be a trace's and none runs already.
func wanting(ctx context.Context, traceID string) context.Context {
	if trace.SpanContextFromContext(ctx).IsValid() {
		return ctx
	}
	id, err := trace.TraceIDFromHex(strings.ToLower(strings.ReplaceAll(traceID, "-", "")))
	if err != nil {
		return ctx
	}
	return context.WithValue(ctx, wantedKey{}, id)
}

// NewIDs implements sdktrace.IDGenerator.
func (g ids) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id, ok := ctx.Value(wantedKey{}).(trace.TraceID)
	if !ok {
		binary.BigEndian.PutUint64(id[:8], notZero())
		binary.BigEndian.PutUint64(id[8:], notZero())
	}
	return id, g.NewSpanID(ctx, id)
}

// NewSpanID implements sdktrace.IDGenerator.
func (ids) NewSpanID(context.Context, trace.TraceID) (id trace.SpanID) {
	binary.BigEndian.PutUint64(id[:], notZero())
	return id
}

// notZero is a random number: an id of zeroes is none.
func notZero() uint64 {
	for {
		if n := rand.Uint64(); n != 0 { //nolint:gosec // an id, no secret
			return n
		}
	}
}
