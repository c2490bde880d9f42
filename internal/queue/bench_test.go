package queue

import (
	"context"
	"log/slog"
	"strconv"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"
)

// benchOrder is about the size of the example descriptor's.
func benchOrder(n int64) workload.Order {
	return workload.Order{Kind: workload.Provision, TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", Work: workload.Work{
		Component:   workload.NewComponent("urn:dmb:cmp:marketing:customers:0:airbyte-"+strconv.FormatInt(n, 10), "development"),
		Name:        "Customers of the marketing domain",
		DataProduct: workload.DataProduct{ID: "urn:dmb:dp:marketing:customers:0", Name: "customers", Domain: "marketing", Version: "0.1.0"},
		Source: workload.Actor{Name: "marketing.customers.0.File", Connector: "source-file", Configuration: map[string]any{
			"dataset_name": "customers", "format": "csv", "url": "https://example.com/marketing/customers.csv",
			"provider": map[string]any{"storage": "HTTPS", "user_agent": false}, "reader_options": `{"sep":";","keep_default_na":false}`,
		}},
		Destination: workload.Actor{Name: "marketing.customers.0.Snowflake", Connector: "destination-snowflake", Configuration: map[string]any{
			"database": "MARKETING", "schema": "CUSTOMERS_0", "warehouse": "COMPUTE_WH", "loading_method": map[string]any{"method": "Internal Staging"},
		}},
		Connection: workload.Connection{Name: "marketing.customers.0.File <> Snowflake", Schedule: &workload.Schedule{Type: "cron", CronExpression: "0 0 3 * * ?", CronTimeZone: "UTC"}},
	}}
}

// The accept path: what the product adds to the floor is the record, the order
// and the repeats.
func BenchmarkSubmit(b *testing.B) {
	client := redistest.Start(b).Client()
	store := operation.New(operation.Options{Redis: client})
	q := New(Options{Redis: client, Store: store, Log: slog.New(slog.DiscardHandler)})
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := q.Submit(context.Background(), benchOrder(n.Add(1))); err != nil {
				b.Error(err)
			}
		}
	})
}

// The floor of Submit: one task, and nothing else.
func BenchmarkFloorEnqueue(b *testing.B) {
	client := redistest.Start(b).Client()
	enqueuer := asynq.NewClientFromRedisClient(client)
	var n atomic.Int64
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			text, _, err := encode(benchOrder(n.Add(1)))
			if err == nil {
				_, err = enqueuer.Enqueue(asynq.NewTask("provision", text), asynq.TaskID(uuid.NewString()), asynq.Retention(time.Hour))
			}
			if err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkStatus(b *testing.B) {
	client := redistest.Start(b).Client()
	store := operation.New(operation.Options{Redis: client})
	q := New(Options{Redis: client, Store: store, Log: slog.New(slog.DiscardHandler)})
	token, err := q.Submit(context.Background(), benchOrder(1))
	if err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := q.Status(context.Background(), token); err != nil {
				b.Error(err)
			}
		}
	})
}

// The floor of Status: one GET.
func BenchmarkFloorGet(b *testing.B) {
	client := redistest.Start(b).Client()
	ctx := context.Background()
	if err := client.Set(ctx, "k", "RUNNING", 0).Err(); err != nil {
		b.Fatal(err)
	}
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := client.Get(ctx, "k").Err(); err != nil {
				b.Error(err)
			}
		}
	})
}
