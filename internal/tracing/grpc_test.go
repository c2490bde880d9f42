package tracing_test

import (
	"context"
	"net"
	"testing"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/grpc"

	"airbyte-provisioner/internal/tracing"
)

// grpcCollector is a collector that hands on what it gets.
type grpcCollector struct {
	collector.UnimplementedTraceServiceServer
	got chan *collector.ExportTraceServiceRequest
}

func (c *grpcCollector) Export(_ context.Context, request *collector.ExportTraceServiceRequest) (*collector.ExportTraceServiceResponse, error) {
	c.got <- request
	return &collector.ExportTraceServiceResponse{}, nil
}

func TestExporterOverGRPC(t *testing.T) {
	t.Parallel()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server, c := grpc.NewServer(), &grpcCollector{got: make(chan *collector.ExportTraceServiceRequest, 1)}
	collector.RegisterTraceServiceServer(server, c)
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(server.Stop)
	exporter, err := tracing.Exporter(t.Context(), "http://"+listener.Addr().String(), tracing.OverGRPC)
	if err != nil {
		t.Fatal(err)
	}
	tr, err := tracing.New(t.Context(), tracing.Options{Program: "api", Exporter: exporter})
	if err != nil {
		t.Fatal(err)
	}
	_, span := tr.Attempt(t.Context(), tracing.Attempt{Kind: "provision"})
	span.End("")
	if err := tr.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if name := (<-c.got).GetResourceSpans()[0].GetScopeSpans()[0].GetSpans()[0].GetName(); name != "provision" {
		t.Errorf("the span %q was sent", name)
	}
}
