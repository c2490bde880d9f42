package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/config"
	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/redisbatch"
	"airbyte-provisioner/internal/telemetry"
	"airbyte-provisioner/internal/tracing"
	"airbyte-provisioner/internal/workload"
)

// base is what every program that works on Redis has.
type base struct {
	config  config.Config
	log     *slog.Logger
	metrics *telemetry.Metrics
	redis   redis.UniversalClient
	store   *operation.Store
	queue   *queue.Queue
	tracing *tracing.Tracing // nil where no traces are wanted
}

// newBase builds it; nothing has been sent to Redis afterwards.
func newBase(cfg config.Config, program string, out io.Writer) (*base, error) {
	options, err := cfg.Redis.Options()
	if err != nil {
		return nil, fmt.Errorf("REDIS_URL %w", err)
	}
	// An absent Redis has to be noticed within seconds: requests are waiting.
	options.DialTimeout = 2 * time.Second
	options.DialerRetries = 1
	options.MaxRetries = 2
	options.PipelinePoolSize = -1 // no connections apart for pipelines: there is one at a time
	if options.ReadTimeout == 0 { // and one that hangs, too
		options.ReadTimeout = 2 * time.Second
	}
	b := &base{
		config:  cfg,
		log:     telemetry.NewLogger(out, cfg.Log.Format, cfg.Log.Level).With("program", program),
		metrics: telemetry.NewMetrics(),
		redis:   redis.NewUniversalClient(options),
	}
	redis.SetLogger(redisLog{b.log}) // for the whole process: the library has no other place for it
	if err := b.trace(context.Background(), program); err != nil {
		return nil, err
	}
	batched := redisbatch.New(b.redis)
	b.store = operation.New(operation.Options{
		Redis:     b.redis,
		Batched:   batched,
		Instance:  cfg.Queue.Instance,
		StatusTTL: cfg.Queue.StatusTTL,
		Lease:     cfg.Queue.TaskLease,
		// A lane is looked at soon after a lease in it may have lapsed.
		CheckEvery:  3 * cfg.Queue.TaskLease,
		Replicas:    *cfg.Redis.Replicas,
		ReplicaWait: time.Second,
	})
	b.queue = queue.New(queue.Options{
		Redis:         b.redis,
		Batched:       batched,
		Store:         b.store,
		Instance:      cfg.Queue.Instance,
		TaskTimeout:   cfg.Queue.TaskTimeout,
		TaskRetention: cfg.Queue.TaskRetention,
		Headers:       b.tracing.Headers,
		Accepted:      func(kind workload.Kind) { b.metrics.Accepted(string(kind)) },
		Ended:         b.ended,
		Log:           b.log,
	})
	b.metrics.WatchQueues(b.depths)
	b.log.Info("starting", "version", telemetry.Version(), "redis", cfg.Redis.Where(), "instance", cfg.Queue.Instance)
	return b, nil
}

// ended counts an operation that reached its final state.
func (b *base) ended(kind workload.Kind, state workload.State, took time.Duration) {
	b.metrics.OperationEnded(string(kind), string(state), took)
}

func (b *base) close() {
	ctx, cancel := context.WithTimeout(context.Background(), traceTimeout)
	defer cancel()
	if err := b.tracing.Close(ctx); err != nil {
		b.log.Warn("the last traces could not be sent", "error", err)
	}
	if err := b.redis.Close(); err != nil {
		b.log.Warn("Redis connections could not be closed", "error", err)
	}
}

// redisReady returns nil while Redis answers.
func (b *base) redisReady(ctx context.Context) error {
	if err := b.redis.Ping(ctx).Err(); err != nil {
		return fmt.Errorf("Redis at %s cannot be reached: %w", b.config.Redis.Where(), err) //nolint:staticcheck // Redis is a name
	}
	return nil
}

// checkRedis warns of a Redis that may lose what it was given.
func (b *base) checkRedis(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	risks, err := b.store.Risks(ctx)
	if err != nil {
		b.log.WarnContext(ctx, "Redis cannot be used yet; the program waits for it", "redis", b.config.Redis.Where(), "error", err)
	}
	for _, risk := range risks {
		b.log.WarnContext(ctx, "Redis is not set up to keep every accepted operation", "risk", risk)
	}
}
