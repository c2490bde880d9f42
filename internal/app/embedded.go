package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/alicebob/miniredis/v2"
	"golang.org/x/sync/errgroup"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/config"
)

// Embedded runs the whole product in one process until ctx ends: a Redis that
// lives in memory, the API, a worker, and the Airbyte simulator. Nothing is
// kept. Settings, output and errors are those of API; the ones that say where
// Redis and Airbyte are do not count.
func Embedded(ctx context.Context, file string, environ []string, out io.Writer) error {
	cfg, err := config.Load(file, environ, config.ForEmbedded)
	if err != nil {
		return err
	}
	// What is started here is stopped after the programs that use it.
	under, stopUnder := context.WithCancel(context.WithoutCancel(ctx))
	defer stopUnder()
	server, err := embeddedRedis(under)
	if err != nil {
		return err
	}
	defer server.Close()
	none := 0
	cfg.Redis = config.Redis{URL: config.Secret("redis://" + server.Addr() + "/0"), Replicas: &none}

	airbyteURL, err := embeddedAirbyte(under)
	if err != nil {
		return err
	}
	cfg.Airbyte.BaseURL, cfg.Airbyte.UIURL = airbyteURL, airbyteURL
	cfg.Airbyte.WorkspaceID, cfg.Airbyte.Workspaces = airbytesim.DefaultWorkspace, nil
	cfg.Airbyte.ClientID, cfg.Airbyte.ClientSecret = "", ""
	cfg.Airbyte.Username, cfg.Airbyte.Password = "", ""
	embeddedSnowflake(&cfg.Snowflake)
	if cfg.Queue.FingerprintKey == "" {
		cfg.Queue.FingerprintKey = "embedded" // it lives as long as what it is the key for
	}

	b, err := newBase(cfg, "embedded", out)
	if err != nil {
		return err
	}
	defer b.close()
	b.log.WarnContext(ctx, "embedded mode: Redis and Airbyte are simulated in this process, and nothing is kept after it ends",
		"airbyte", airbyteURL)
	client, err := b.airbyte()
	if err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return b.work(ctx, client) })
	group.Go(func() error { return b.serveAPI(ctx) })
	return group.Wait()
}

// embeddedRedis starts a Redis in memory. Its keys expire only when it is told
// that time passes, so it is told every second.
func embeddedRedis(ctx context.Context) (*miniredis.Miniredis, error) {
	server := miniredis.NewMiniRedis()
	if err := server.Start(); err != nil {
		return nil, fmt.Errorf("start the embedded Redis: %w", err)
	}
	const tick = time.Second
	go every(ctx, tick, func() { server.FastForward(tick) })
	return server, nil
}

// embeddedAirbyte starts the simulator on a free port and returns its URL.
func embeddedAirbyte(ctx context.Context) (string, error) {
	sim, err := airbytesim.New(airbytesim.Options{Seed: time.Now().UnixNano()})
	if err != nil {
		return "", err
	}
	listener, err := listen(ctx, "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	server := &http.Server{Handler: sim.API(), ReadHeaderTimeout: 5 * time.Second}
	go func() {
		<-ctx.Done()
		sim.Close()
		_ = server.Close() // the process ends
	}()
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			panic(err) // a listener of our own that breaks leaves nothing to go on with
		}
	}()
	return "http://" + listener.Addr().String(), nil
}

// embeddedSnowflake fills in what the default destination needs, where the
// settings are silent: the simulator believes anything.
func embeddedSnowflake(s *config.Snowflake) {
	for field, value := range map[*string]string{
		&s.Host: "embedded.snowflakecomputing.com", &s.User: "AIRBYTE", &s.Role: "AIRBYTE", &s.Warehouse: "AIRBYTE",
	} {
		if *field == "" {
			*field = value
		}
	}
	if s.Password == "" && s.PrivateKey == "" {
		s.Password = "embedded"
	}
}
