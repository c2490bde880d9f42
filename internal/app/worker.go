package app

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/config"
	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"
)

// Worker takes tasks until ctx ends. Settings, output and errors are those of API.
func Worker(ctx context.Context, file string, environ []string, out io.Writer) error {
	cfg, err := config.Load(file, environ, config.ForWorker)
	if err != nil {
		return err
	}
	b, err := newBase(cfg, "worker", out)
	if err != nil {
		return err
	}
	defer b.close()
	tuneHeap(ctx)
	b.checkRedis(ctx)
	client, err := b.airbyte()
	if err != nil {
		return err
	}
	listener, err := listen(ctx, cfg.Worker.HTTPAddr)
	if err != nil {
		return err
	}
	// Probes are answered until the last task has ended.
	probing, stopProbing := context.WithCancel(context.WithoutCancel(ctx))
	probes := make(chan error, 1)
	go func() {
		server := httpapi.HTTPServer(cfg.Worker.HTTPAddr, b.probes(client), b.log)
		probes <- serve(probing, b.log, server, listener, time.Second)
	}()
	err = b.work(ctx, client)
	stopProbing()
	if failed := <-probes; err == nil {
		err = failed
	}
	return err
}

// airbyte is the client of the Airbyte that the settings name.
func (b *base) airbyte() (*airbyte.Client, error) {
	a := b.config.Airbyte
	client, err := airbyte.New(airbyte.Options{
		BaseURL: a.BaseURL,
		Auth: airbyte.Auth{
			ClientID: a.ClientID, ClientSecret: a.ClientSecret.Reveal(),
			Username: a.Username, Password: a.Password.Reveal(),
		},
		Timeout:   a.Timeout,
		Transport: b.tracing.Transport(airbyte.NewTransport()),
		Observe: func(operation string, class airbyte.Class, took time.Duration) {
			b.metrics.AirbyteCall(operation, string(class), took)
		},
		Header: func(ctx context.Context) http.Header {
			header, _ := ctx.Value(callerKey{}).(http.Header)
			return header
		},
	})
	if err != nil {
		return nil, fmt.Errorf("AIRBYTE_BASE_URL: %w", err)
	}
	return client, nil
}

// probes answers the worker's health and metrics.
func (b *base) probes(client *airbyte.Client) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "alive\n") })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), 3*time.Second)
		defer cancel()
		err := b.redisReady(ctx)
		if err == nil {
			err = client.Health(ctx)
		}
		if err != nil {
			b.log.WarnContext(ctx, "not ready", "error", err)
			http.Error(w, "not ready", http.StatusServiceUnavailable)
			return
		}
		_, _ = io.WriteString(w, "ready\n")
	})
	mux.Handle("GET /metrics", b.metrics.Handler())
	return mux
}

// work takes tasks until ctx ends, then lets running work finish or go back.
func (b *base) work(ctx context.Context, client *airbyte.Client) error {
	performers, err := b.performers(ctx, client)
	switch {
	case ctx.Err() != nil:
		return nil
	case err != nil:
		return err
	}
	for kind, performer := range performers {
		performers[kind] = b.spanned(kind, performer)
	}
	settings := b.config.Queue
	handler := worker.New(worker.Options{
		Store: b.store, Release: b.queue.Release, Performers: performers,
		Timeout: settings.TaskTimeout, MaxRetry: settings.TaskMaxRetry,
		MinDelay: settings.RetryMinDelay, MaxDelay: settings.RetryMaxDelay,
		Beat: min(time.Second, settings.TaskLease/4),
		// Running work is told in the last half, or the last five seconds, of the time to stop.
		StopGrace: min(2*time.Second, settings.ShutdownTimeout/5),
		Hooks: worker.Hooks{
			Began: func(kind workload.Kind, waited time.Duration) { b.metrics.AttemptBegan(string(kind), waited) },
			Ended: func(kind workload.Kind, how string, took time.Duration) {
				b.metrics.AttemptEnded(string(kind), how, took)
			},
			Step: func(kind workload.Kind, phase workload.Phase, took time.Duration) {
				b.metrics.Step(string(kind), string(phase), took)
			},
			Finished: b.ended,
		},
		Log: b.log,
	})
	server, err := queue.NewServer(queue.ServerOptions{
		Redis: b.redis, Instance: settings.Instance,
		Queues: b.config.Worker.Queues, Concurrency: b.config.Worker.Concurrency,
		PollInterval: settings.PollInterval, ShutdownTimeout: settings.ShutdownTimeout,
		Handler: b.handle(handler.Handle), Store: b.store, Log: b.log,
	})
	if err != nil {
		return err
	}
	sweeper := queue.NewSweeper(queue.SweeperOptions{
		Queue: b.queue, Every: settings.TaskLease / 3, Doubt: settings.TaskLease + 5*time.Second,
		Done: func(what string, kind workload.Kind) { b.metrics.TokenReconciled(what, string(kind)) },
		Log:  b.log,
	})
	listening, stop := context.WithCancel(context.WithoutCancel(ctx)) // until the last attempt has ended
	defer stop()
	go b.store.Watch(listening)
	if err := server.Start(); err != nil {
		return fmt.Errorf("start taking tasks: %w", err)
	}
	b.log.InfoContext(ctx, "working", "queues", b.config.Worker.Queues, "concurrency", b.config.Worker.Concurrency)
	sweeper.Run(ctx) // until ctx ends
	b.log.InfoContext(ctx, "stopping: no new work is taken")
	server.Shutdown()
	b.log.InfoContext(ctx, "stopped")
	return nil
}

// fingerprintKey is the setting, or a key that is made once for all workers and kept in Redis.
func (b *base) fingerprintKey(ctx context.Context) ([]byte, error) {
	if key := b.config.Queue.FingerprintKey.Reveal(); key != "" {
		return []byte(key), nil
	}
	random := []byte(rand.Text())
	for {
		key, made, err := b.store.Keep(ctx, "fingerprint-key", random)
		if made {
			b.log.WarnContext(ctx, "FINGERPRINT_KEY is not set: a key was made and is kept in Redis; whoever reads Redis can test guesses of secrets with it")
		}
		if err == nil {
			return key, nil
		}
		b.log.WarnContext(ctx, "Redis cannot be used yet; the worker waits for it", "error", err)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(time.Second):
		}
	}
}
