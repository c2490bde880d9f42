package telemetry

import (
	"context"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// QueueDepth is what one queue holds at a moment.
type QueueDepth struct {
	Queue string
	// Tasks is the number of tasks by state: pending, active, scheduled, retry, ...
	Tasks map[string]int
	// OldestWaiting is how long the oldest task has waited that could run; zero when none waits.
	OldestWaiting time.Duration
}

// WatchQueues has each scrape ask for the depths of all queues, with a bounded
// time for it. While they cannot be had, queues_up is 0 and the depths are absent,
// rather than old.
func (m *Metrics) WatchQueues(depths func(context.Context) ([]QueueDepth, error)) {
	m.registry.MustRegister(&queues{
		depths: depths,
		tasks:  description("queue_tasks", "Tasks in a queue, by their state.", "queue", "state"),
		oldest: description("queue_oldest_waiting_seconds", "Age of the oldest task that waits for a worker.", "queue"),
		up:     description("queues_up", "Whether the queues could be looked at (1) or not (0)."),
	})
}

func description(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// queuesTimeout bounds one look at the queues: a scrape must not hang with Redis.
const queuesTimeout = 3 * time.Second

// queues collects depths when it is asked to.
type queues struct {
	depths            func(context.Context) ([]QueueDepth, error)
	tasks, oldest, up *prometheus.Desc
}

// Describe tells what is collected.
func (q *queues) Describe(to chan<- *prometheus.Desc) {
	to <- q.tasks
	to <- q.oldest
	to <- q.up
}

// Collect asks for the depths.
func (q *queues) Collect(to chan<- prometheus.Metric) {
	ctx, cancel := context.WithTimeout(context.Background(), queuesTimeout)
	defer cancel()
	depths, err := q.depths(ctx)
	if err != nil {
		to <- prometheus.MustNewConstMetric(q.up, prometheus.GaugeValue, 0)
		return
	}
	to <- prometheus.MustNewConstMetric(q.up, prometheus.GaugeValue, 1)
	for _, d := range depths {
		for state, count := range d.Tasks {
			to <- prometheus.MustNewConstMetric(q.tasks, prometheus.GaugeValue, float64(count), d.Queue, state)
		}
		to <- prometheus.MustNewConstMetric(q.oldest, prometheus.GaugeValue, d.OldestWaiting.Seconds(), d.Queue)
	}
}
