package app

import (
	"context"
	"io"
	"slices"
	"sync/atomic"
	"time"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/config"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/reverse"
	"airbyte-provisioner/internal/tracing"
	"airbyte-provisioner/internal/workload"
)

// API runs the HTTP API until ctx ends. The settings are those of the YAML file,
// if one is named, and of the environment, which wins. Log lines go to out. The
// error is a *config.Error if the settings cannot work.
func API(ctx context.Context, file string, environ []string, out io.Writer) error {
	cfg, err := config.Load(file, environ, config.ForAPI)
	if err != nil {
		return err
	}
	b, err := newBase(cfg, "api", out)
	if err != nil {
		return err
	}
	defer b.close()
	tuneHeap(ctx)
	b.checkRedis(ctx)
	return b.serveAPI(ctx)
}

// serveAPI answers requests until ctx ends.
func (b *base) serveAPI(ctx context.Context) error {
	connectors, err := b.catalog()
	if err != nil {
		return err
	}
	parse := func(kind workload.Kind, r httpapi.ProvisioningRequest) (workload.Work, *workload.Failure) {
		return descriptor.Parse(descriptor.Request{
			Kind: kind, DescriptorKind: r.DescriptorKind, Descriptor: r.Descriptor,
			LatestEnrichedDescriptor: r.LatestEnrichedDescriptor, RemoveData: r.RemoveData,
		}, connectors)
	}
	mounts, err := b.mounts()
	if err != nil {
		return err
	}
	clients, err := b.clientAddress()
	if err != nil {
		return err
	}
	encryption, err := b.tls(ctx)
	if err != nil {
		return err
	}
	handler, err := httpapi.New(httpapi.Options{
		Operations: operations{b.queue, b.metrics.TerminationAsked},
		Ready:      b.redisReady,
		Parse:      parse,
		ParseAccess: func(r httpapi.UpdateACLRequest) (workload.Work, *workload.Failure) {
			return parseAccess(r, connectors)
		},
		ParseReverse: func(r httpapi.ReverseRequest) (workload.Work, *workload.Failure) {
			return reverse.Parse(r.Environment, r.Params, r.CatalogInfo)
		},
		Kinds:         []workload.Kind{workload.Provision, workload.Unprovision, workload.UpdateACL, workload.Validate, workload.Reverse},
		BasePath:      b.config.HTTP.BasePath,
		JSONToken:     b.config.HTTP.TokenFormat == "json",
		Tokens:        b.tokens(ctx),
		Metrics:       b.metrics.Handler(),
		Verify:        b.verify(ctx),
		ClientAddress: clients,
		Mounts:        mounts,
		Observe:       b.answered,
		TraceID:       tracing.TraceID,
		Logger:        b.log,
	})
	if err != nil {
		return err
	}
	listener, err := listen(ctx, b.config.HTTP.Addr)
	if err != nil {
		return err
	}
	server := httpapi.HTTPServer(b.config.HTTP.Addr, b.tracing.Handler(handler, traceable), b.log)
	server.TLSConfig = encryption
	return serve(ctx, b.log, server, listener, b.config.Queue.ShutdownTimeout)
}

// catalog is the embedded catalogue with the operator's own files. Its error is
// a *config.Error.
func (b *base) catalog() (*catalog.Catalog, error) {
	a, snowflake := b.config.Airbyte, b.config.Snowflake
	literals, err := literalSecrets(b.config.Secrets)
	if err != nil {
		return nil, err
	}
	connectors, err := catalog.Load(b.config.Catalog.Dir, literals,
		catalog.WithDefaults(a.SourceDefinitionID, a.DestinationDefinitionID),
		catalog.WithSettings(map[string]string{
			"SNOWFLAKE_HOST": snowflake.Host, "SNOWFLAKE_USER": snowflake.User, "SNOWFLAKE_ROLE": snowflake.Role,
			"SNOWFLAKE_WAREHOUSE": snowflake.Warehouse, "SNOWFLAKE_PASSWORD": snowflake.Password.Reveal(),
			"SNOWFLAKE_PRIVATE_KEY":          snowflake.PrivateKey.Reveal(),
			"SNOWFLAKE_PRIVATE_KEY_PASSWORD": snowflake.PrivateKeyPassword.Reveal(),
		}))
	if err != nil {
		return nil, &config.Error{Problems: []config.Problem{{Name: "CATALOG_DIR", Message: err.Error()}}}
	}
	return connectors, nil
}

// literalSecrets says whether descriptors may hold secrets in clear text.
func literalSecrets(s config.Secrets) (catalog.Option, error) {
	if !s.AllowLiteral {
		return func(*catalog.Catalog) {}, nil
	}
	if s.SealKey == "" {
		return catalog.WithLiteralSecrets(nil), nil
	}
	sealer, err := catalog.NewSealer(s.SealKey.Reveal())
	if err != nil {
		return nil, &config.Error{Problems: []config.Problem{{Name: "SEAL_KEY", Message: err.Error()}}}
	}
	return catalog.WithLiteralSecrets(sealer), nil
}

// tokenAge is how soon a changed file of tokens counts.
const tokenAge = 10 * time.Second

// tokens returns the accepted tokens' source, nil for an API that is open. Those
// that came from a file are read again now and then.
func (b *base) tokens(ctx context.Context) func() []string {
	if len(b.config.HTTP.Tokens) == 0 {
		if b.config.OIDC.Issuer != "" {
			return nil
		}
		b.log.WarnContext(ctx, "the API is open: anybody who reaches it can provision; set API_TOKENS or OIDC_ISSUER")
		return nil
	}
	var current atomic.Pointer[[]string]
	keep := func(tokens []config.Secret) (changed bool) {
		texts := make([]string, len(tokens))
		for i, token := range tokens {
			texts[i] = token.Reveal()
		}
		before := current.Swap(&texts)
		return before == nil || !slices.Equal(*before, texts)
	}
	keep(b.config.HTTP.Tokens)
	if file := b.config.HTTP.TokensFile; file != "" {
		go every(ctx, tokenAge, func() {
			tokens, err := config.ReadTokens(file)
			if err != nil {
				b.log.WarnContext(ctx, "API_TOKENS_FILE cannot be read; the tokens read before still count", "error", err)
				return
			}
			if keep(tokens) {
				b.log.InfoContext(ctx, "API_TOKENS_FILE has changed: only the tokens that it holds now are accepted", "tokens", len(tokens))
			}
		})
	}
	return func() []string { return *current.Load() }
}

// every calls the function at each interval until ctx ends.
func every(ctx context.Context, interval time.Duration, do func()) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		select {
		case <-ticker.C:
			do()
		case <-ctx.Done():
			return
		}
	}
}
