package checks

import (
	"slices"
	"testing"
	"time"

	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/histogram"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql"
	"github.com/prometheus/prometheus/storage"
	"github.com/prometheus/prometheus/tsdb/chunkenc"
	"github.com/prometheus/prometheus/tsdb/chunks"
	"github.com/prometheus/prometheus/util/annotations"
)

// Each alert by what Prometheus sees: series in the notation of its own tests, a
// value a minute. Where an alert is expected, it must be the one that is named;
// all others must be silent.
var situations = []struct {
	reason string
	series []string
	after  time.Duration
	want   []string
}{
	{"all is well", nil, time.Hour, nil},
	{"outside of Kubernetes all is well", []string{
		`airbyte_provisioner_build_info{job="airbyte-provisioner-api",version="v1",commit="a"} 1x90`,
		`airbyte_provisioner_build_info{job="airbyte-provisioner-worker",version="v1",commit="a"} 1x90`,
		`airbyte_provisioner_queues_up{job="airbyte-provisioner-api"} 1x90`,
	}, time.Hour, nil},
	{
		"the API is gone",
		[]string{`airbyte_provisioner_build_info{namespace="data",job="airbyte-provisioner-api",version="v1",commit="a"} 1x20 _x70`},
		time.Hour,
		[]string{"AirbyteProvisionerAPIDown"},
	},
	{
		"the workers are gone",
		[]string{`airbyte_provisioner_build_info{namespace="data",job="airbyte-provisioner-worker",version="v1",commit="a"} 1x20 _x70`},
		time.Hour,
		[]string{"AirbyteProvisionerWorkersDown"},
	},
	{"nobody reaches Redis", []string{
		`airbyte_provisioner_queues_up{namespace="data",job="airbyte-provisioner-api"} 0x90`,
		`airbyte_provisioner_queues_up{namespace="data",job="airbyte-provisioner-worker"} 0x90`,
	}, time.Hour, []string{"AirbyteProvisionerRedisUnreachable"}},
	{"one program does not reach Redis: its own readiness says so", []string{
		`airbyte_provisioner_queues_up{namespace="data",job="airbyte-provisioner-api"} 1x90`,
		`airbyte_provisioner_queues_up{namespace="data",job="airbyte-provisioner-worker"} 0x90`,
	}, time.Hour, nil},
	{
		"tasks wait for minutes",
		[]string{`airbyte_provisioner_queue_oldest_waiting_seconds{namespace="data",job="airbyte-provisioner-api",queue="provision"} 400x90`},
		time.Hour,
		[]string{"AirbyteProvisionerQueueSlow"},
	},
	{
		"tasks wait for ever",
		[]string{`airbyte_provisioner_queue_oldest_waiting_seconds{namespace="data",job="airbyte-provisioner-api",queue="provision"} 0+60x90`},
		time.Hour,
		[]string{"AirbyteProvisionerQueueStalled", "AirbyteProvisionerQueueSlow"},
	},
	{"Airbyte is away", []string{
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="ok"} 0+1x90`,
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="network"} 0+9x90`,
	}, time.Hour, []string{"AirbyteProvisionerAirbyteUnreachable"}},
	{"an error of Airbyte's now and then", []string{
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="ok"} 0+9x90`,
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="server"} 0+1x90`,
	}, time.Hour, nil},
	{"checks that fail are no outage", []string{
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="scheduler/destinations/check_connection",class="job_failed"} 0+9x90`,
	}, time.Hour, nil},
	{
		"Airbyte answers 401",
		[]string{`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="unauthorized"} 0+2x90`},
		time.Hour,
		[]string{"AirbyteProvisionerAirbyteCredentialsRefused"},
	},
	{
		"Core answers wrong credentials with 400",
		[]string{`airbyte_provisioner_airbyte_token_renewals_total{namespace="data",class="invalid"} 0+2x90`},
		time.Hour,
		[]string{"AirbyteProvisionerAirbyteCredentialsRefused"},
	},
	{"one token that was not good any more", []string{
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="ok"} 0+9x90`,
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="unauthorized"} 0x40 1x50`,
	}, time.Hour, nil},
	{"Airbyte Cloud's limit", []string{
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="ok"} 0+90x90`,
		`airbyte_provisioner_airbyte_calls_total{namespace="data",operation="sources/list",class="rate_limited"} 0+12x90`,
	}, time.Hour, []string{"AirbyteProvisionerAirbyteRateLimited"}},
	{"most provisionings fail", []string{
		`airbyte_provisioner_operations_total{namespace="data",kind="provision",outcome="FAILED"} 0+1x90`,
		`airbyte_provisioner_operations_total{namespace="data",kind="provision",outcome="COMPLETED"} 0x90`,
	}, time.Hour, []string{"AirbyteProvisionerOperationsFailing"}},
	{"a few wrong descriptors", []string{
		`airbyte_provisioner_operations_total{namespace="data",kind="provision",outcome="FAILED"} 0x40 3x50`,
		`airbyte_provisioner_operations_total{namespace="data",kind="provision",outcome="COMPLETED"} 0x90`,
	}, time.Hour, nil},
	{
		"workers lose their work",
		[]string{`airbyte_provisioner_attempts_total{namespace="data",kind="provision",outcome="lost"} 0+1x90`},
		time.Hour,
		[]string{"AirbyteProvisionerAttemptsLost"},
	},
	{"a worker that stopped in order", []string{`airbyte_provisioner_attempts_total{namespace="data",kind="provision",outcome="interrupted"} 0+1x90`}, time.Hour, nil},
	{
		"tasks disappear",
		[]string{`airbyte_provisioner_reconciled_tokens_total{namespace="data",kind="provision",action="anew"} 0+1x90`},
		time.Hour,
		[]string{"AirbyteProvisionerTasksPutRight"},
	},
	{"the API breaks", []string{
		`airbyte_provisioner_http_requests_total{namespace="data",method="POST",route="/v1/provision",code="202"} 0+60x90`,
		`airbyte_provisioner_http_requests_total{namespace="data",method="POST",route="/v1/provision",code="500"} 0+6x90`,
	}, time.Hour, []string{"AirbyteProvisionerAPIErrors"}},
	{"what the contract calls not implemented", []string{
		`airbyte_provisioner_http_requests_total{namespace="data",method="DELETE",route="/v1/provision/:token",code="501"} 0+6x90`,
	}, time.Hour, nil},
	{"the API is slow", []string{
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/v1/provision",le="1"} 0+50x90`,
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/v1/provision",le="2.5"} 0+60x90`,
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/v1/provision",le="+Inf"} 0+60x90`,
	}, time.Hour, []string{"AirbyteProvisionerAPISlow"}},
	{"the API is slow, below its base path", []string{
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/datamesh.airbyte/0.0/v1/provision/:token/status",le="1"} 0+50x90`,
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/datamesh.airbyte/0.0/v1/provision/:token/status",le="2.5"} 0+60x90`,
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/datamesh.airbyte/0.0/v1/provision/:token/status",le="+Inf"} 0+60x90`,
	}, time.Hour, []string{"AirbyteProvisionerAPISlow"}},
	{"a slow look at the queues", []string{
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/metrics",le="1"} 0+5x90`,
		`airbyte_provisioner_http_request_duration_seconds_bucket{namespace="data",route="/metrics",le="+Inf"} 0+60x90`,
	}, time.Hour, nil},
	{
		"somebody guesses tokens",
		[]string{`airbyte_provisioner_http_requests_total{namespace="data",method="POST",route="/v1/provision",code="401"} 0+90x90`},
		time.Hour,
		[]string{"AirbyteProvisionerRequestsRefused"},
	},
	{
		"an upgrade that did not end",
		[]string{`airbyte_provisioner_build_info{namespace="data",job="airbyte-provisioner-worker",version="v2",commit="b"} 1x90`},
		time.Hour,
		[]string{"AirbyteProvisionerVersionsDiffer"},
	},
}

// well are series of an installation that works; a situation replaces those of the same name and labels.
var well = []string{
	`airbyte_provisioner_build_info{namespace="data",job="airbyte-provisioner-api",version="v1",commit="a"} 1x90`,
	`airbyte_provisioner_build_info{namespace="data",job="airbyte-provisioner-worker",version="v1",commit="a"} 1x90`,
	`airbyte_provisioner_queues_up{namespace="data",job="airbyte-provisioner-api"} 1x90`,
	`airbyte_provisioner_queue_oldest_waiting_seconds{namespace="data",job="airbyte-provisioner-api",queue="provision"} 1x90`,
	`airbyte_provisioner_operations_total{namespace="data",kind="provision",outcome="COMPLETED"} 0+1x90`,
	`airbyte_provisioner_operations_total{namespace="data",kind="provision",outcome="FAILED"} 0x90`,
	`airbyte_provisioner_attempts_total{namespace="data",kind="provision",outcome="completed"} 0+1x90`,
}

// Prometheus's own engine evaluates the rules over what an installation would tell.
func TestAlertsFire(t *testing.T) {
	t.Parallel()
	groups, errs := rulefmt.Parse(read(t, root, "deploy/prometheus/rules.yaml"), false, model.UTF8Validation, promQL, silent)
	if len(errs) > 0 {
		t.Fatal(errs)
	}
	engine := promql.NewEngine(promql.EngineOpts{MaxSamples: 1e6, Timeout: time.Minute, Parser: promQL})
	seen := map[string]bool{}
	for _, s := range situations {
		series := seriesOf(t, s.series)
		source := &storage.MockQueryable{MockQuerier: &storage.MockQuerier{
			SelectMockFunction: func(_ bool, _ *storage.SelectHints, matchers ...*labels.Matcher) storage.SeriesSet {
				return series.match(matchers)
			},
		}}
		var fired []string
		for _, rule := range groups.Groups[0].Rules {
			query, err := engine.NewInstantQuery(t.Context(), source, nil, rule.Expr, time.Unix(0, 0).Add(s.after))
			if err != nil {
				t.Fatalf("%s: %v", rule.Alert, err)
			}
			result, err := query.Exec(t.Context()).Vector()
			if err != nil {
				t.Fatalf("%s: %v", rule.Alert, err)
			}
			if len(result) > 0 {
				fired = append(fired, rule.Alert)
				seen[rule.Alert] = true
			}
			query.Close()
		}
		if !slices.Equal(fired, s.want) {
			t.Errorf("%s: got %v, want %v", s.reason, fired, s.want)
		}
	}
	for _, rule := range groups.Groups[0].Rules {
		if !seen[rule.Alert] {
			t.Errorf("%s fires in no situation", rule.Alert)
		}
	}
}

// seriesList holds series by their labels.
type seriesList []storage.Series

// seriesOf are those of a situation, and those of an installation that works which it does not replace.
func seriesOf(t *testing.T, notations []string) seriesList {
	t.Helper()
	var all seriesList
	known := map[string]bool{}
	for _, notation := range append(slices.Clone(notations), well...) {
		name, values, err := promQL.ParseSeriesDesc(notation)
		if err != nil {
			t.Fatalf("%s: %v", notation, err)
		}
		if known[name.String()] {
			continue
		}
		known[name.String()] = true
		var samples []chunks.Sample
		for minute, v := range values {
			if !v.Omitted {
				samples = append(samples, sample{(time.Duration(minute) * time.Minute).Milliseconds(), v.Value})
			}
		}
		all = append(all, storage.NewListSeries(name, samples))
	}
	return all
}

func (l seriesList) match(matchers []*labels.Matcher) storage.SeriesSet {
	var found seriesList
	for _, s := range l {
		if !slices.ContainsFunc(matchers, func(m *labels.Matcher) bool { return !m.Matches(s.Labels().Get(m.Name)) }) {
			found = append(found, s)
		}
	}
	return &seriesSet{list: found, at: -1}
}

// seriesSet walks over a list.
type seriesSet struct {
	list seriesList
	at   int
}

func (s *seriesSet) Next() bool                        { s.at++; return s.at < len(s.list) }
func (s *seriesSet) At() storage.Series                { return s.list[s.at] }
func (s *seriesSet) Err() error                        { return nil }
func (s *seriesSet) Warnings() annotations.Annotations { return nil }

// sample is one value at a time in milliseconds.
type sample struct {
	t int64
	v float64
}

func (s sample) T() int64                      { return s.t }
func (s sample) ST() int64                     { return 0 }
func (s sample) F() float64                    { return s.v }
func (s sample) H() *histogram.Histogram       { return nil }
func (s sample) FH() *histogram.FloatHistogram { return nil }
func (s sample) Type() chunkenc.ValueType      { return chunkenc.ValFloat }
func (s sample) Copy() chunks.Sample           { return s }
