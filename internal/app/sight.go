package app

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/monitoring"
	"airbyte-provisioner/internal/oidc"
	"airbyte-provisioner/internal/pages"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/reconcile"
	"airbyte-provisioner/internal/telemetry"
	"airbyte-provisioner/internal/tracing"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"
)

// traceTimeout bounds the sending of the last spans at the end.
const traceTimeout = 3 * time.Second

// trace sets up tracing where the settings want it.
func (b *base) trace(ctx context.Context, program string) error {
	settings := b.config.Tracing
	if settings.TracesEndpoint == "" {
		return nil
	}
	exporter, err := tracing.Exporter(ctx, settings.TracesEndpoint, settings.TracesProtocol)
	if err != nil {
		return err
	}
	b.tracing, err = tracing.New(ctx, tracing.Options{
		Program: program, Version: telemetry.CurrentBuild().Version, Exporter: exporter,
		Errors: func(err error) { b.log.Warn("traces could not be sent", "error", err) },
	})
	return err
}

// redisLog carries the Redis library's lines over, which it would print as they
// are. What matters of them is told by who used the connection.
type redisLog struct{ log *slog.Logger }

// Printf is the library's.
func (l redisLog) Printf(ctx context.Context, format string, v ...any) {
	l.log.DebugContext(ctx, "redis", "text", fmt.Sprintf(format, v...))
}

// traceable reports whether a request is part of somebody's work, and no probe, scrape or page.
func traceable(r *http.Request) bool {
	return strings.Contains(r.URL.Path, "/v1/") || strings.Contains(r.URL.Path, "/v2/")
}

// answered tells metrics and traces of a finished request.
func (b *base) answered(ctx context.Context, r httpapi.Request) {
	b.metrics.Request(r.Method, r.Route, r.Status, r.Elapsed)
	b.tracing.Answered(ctx, r.Method, r.Route, r.TraceID)
}

// handle gives a task's handler the trace of who submitted it.
func (b *base) handle(next queue.Handler) queue.Handler {
	return func(ctx context.Context, task queue.Task) error {
		return next(b.tracing.Resume(ctx, task.Headers, task.Order.TraceID), task)
	}
}

// spanned makes a span of each attempt, with the lines of its log.
func (b *base) spanned(kind workload.Kind, p worker.Performer) worker.Performer {
	return reconcile.Performer(func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		ctx, span := b.tracing.Attempt(ctx, tracing.Attempt{
			Kind: string(kind), Token: attempt.Token, TraceID: attempt.TraceID, Number: attempt.Number,
			Component: work.Component.ID, Environment: work.Component.Environment,
		})
		note := attempt.Log
		attempt.Log = func(level workload.Level, phase workload.Phase, message string) {
			span.Log(string(level), string(phase), message)
			note(level, phase, message)
		}
		outcome, err := p.Perform(ctx, work, attempt)
		failure := ""
		if err != nil {
			failure = workload.AsFailure(err).Message
		}
		span.End(failure)
		return outcome, err
	})
}

// depths tells the metrics what the queues hold.
func (b *base) depths(ctx context.Context) ([]telemetry.QueueDepth, error) {
	depths, err := b.queue.Depths(ctx)
	if err != nil {
		return nil, err
	}
	told := make([]telemetry.QueueDepth, len(depths))
	for i, d := range depths {
		told[i] = telemetry.QueueDepth(d)
	}
	return told, nil
}

// operations is the queue, with its terminations counted.
type operations struct {
	*queue.Queue
	asked func(result string)
}

// Terminate is queue.Queue's.
func (o operations) Terminate(ctx context.Context, token string) (workload.Status, error) {
	status, err := o.Queue.Terminate(ctx, token)
	if err == nil {
		o.asked(string(status.State))
	}
	return status, err
}

// monitoringPath is where asynqmon is.
const monitoringPath = "/monitoring"

// mounts are the pages for people.
func (b *base) mounts() ([]httpapi.Mount, error) {
	console, err := monitoring.New(monitoring.Options{
		Path: monitoringPath, Redis: b.redis, Queues: b.queue.Names(), Write: b.config.HTTP.MonitoringWrite,
	})
	if err != nil {
		return nil, err
	}
	people := pages.New(pages.Options{
		Operations: b.store, Task: b.queue.TaskOf, Version: telemetry.Version(), Log: b.log,
	})
	return []httpapi.Mount{
		{Path: "/", Handler: people, ContentSecurityPolicy: people.ContentSecurityPolicy()},
		{Path: pages.Path, Handler: people, ContentSecurityPolicy: people.ContentSecurityPolicy()},
		{Path: monitoringPath, Handler: console, ContentSecurityPolicy: console.ContentSecurityPolicy()},
	}, nil
}

// verify accepts the tokens of an identity provider; nil where none is set.
func (b *base) verify(ctx context.Context) func(context.Context, string) (bool, error) {
	settings := b.config.OIDC
	if settings.Issuer == "" {
		return nil
	}
	return oidc.New(ctx, oidc.Options{
		Issuer: settings.Issuer, Audience: settings.Audience, KeysURL: settings.KeysURL, Log: b.log,
	}).Verify
}

// clientAddress finds the caller's address behind the proxies that are trusted;
// nil, which means the connection's own, where none is.
func (b *base) clientAddress() (echo.IPExtractor, error) {
	networks, err := b.config.HTTP.Proxies()
	if err != nil {
		return nil, fmt.Errorf("TRUSTED_PROXIES: %w", err)
	}
	if len(networks) == 0 {
		return nil, nil //nolint:nilnil // the default
	}
	// Nobody is trusted by default: who can reach the API from a private network is no proxy for that.
	trusted := []echo.TrustOption{echo.TrustLoopback(false), echo.TrustLinkLocal(false), echo.TrustPrivateNet(false)}
	for _, network := range networks {
		bits := network.Addr().BitLen()
		trusted = append(trusted, echo.TrustIPRange(&net.IPNet{
			IP: network.Addr().AsSlice(), Mask: net.CIDRMask(network.Bits(), bits),
		}))
	}
	return echo.ExtractIPFromXFFHeader(trusted...), nil
}
