package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil"
)

func TestBuild(t *testing.T) {
	t.Parallel()
	revision := debug.BuildSetting{Key: "vcs.revision", Value: "0123456789abcdef0123"}
	vcs := []debug.BuildSetting{revision}
	dirty := []debug.BuildSetting{revision, {Key: "vcs.modified", Value: "true"}}
	for _, test := range []struct {
		reason          string
		info            debug.BuildInfo
		version, commit string
		want            Build
	}{
		{"installed as a module", debug.BuildInfo{GoVersion: "go1.26.8", Main: debug.Module{Version: "v1.2.3"}}, "", "", Build{"v1.2.3", "unknown", "go1.26.8"}},
		{"built in a repository", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: vcs}, "", "", Build{"devel", "0123456789ab", ""}},
		{"built in a changed repository", debug.BuildInfo{Settings: dirty}, "", "", Build{"devel", "0123456789ab-dirty", ""}},
		{"told by the linker", debug.BuildInfo{Main: debug.Module{Version: "(devel)"}, Settings: dirty}, "v2.0.0", "feedfacefeedface", Build{"v2.0.0", "feedfacefeed", ""}},
		{"told by nobody", debug.BuildInfo{}, "", "", Build{"devel", "unknown", ""}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(test.want, buildOf(&test.info, test.version, test.commit)); diff != "" {
				t.Error(diff)
			}
		})
	}
	if got := Version(); !strings.Contains(got, "commit ") || !strings.Contains(got, "go1.") {
		t.Errorf("got %q", got)
	}
}

func TestLogger(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := NewLogger(&out, "json", slog.LevelInfo).With("component", "urn:x")
	log.Debug("not this")
	log.Info("done", "token", "t-1", "at", time.Date(2030, 1, 1, 1, 0, 0, 0, time.FixedZone("", 3600)), "error", errors.New("two\nlines"),
		"clientSecret", "hush", slog.Group("auth", "authorization", "Bearer hush", "user", "u"))
	if strings.Count(out.String(), "\n") != 1 || strings.Contains(out.String(), "hush") {
		t.Fatalf("want one line without secrets, got %s", out.String())
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if when, _ := got["time"].(string); !strings.HasSuffix(when, "Z") {
		t.Errorf("the time is %q, want UTC", when)
	}
	delete(got, "time")
	want := map[string]any{
		"level": "INFO", "msg": "done", "component": "urn:x", "token": "t-1", "at": "2030-01-01T00:00:00Z", "error": "two\nlines",
		"clientSecret": "***", "auth": map[string]any{"authorization": "***", "user": "u"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	out.Reset()
	NewLogger(&out, "text", slog.LevelDebug).Debug("now this", "password", "hush", "error", errors.New("two\nlines"))
	if text := out.String(); !strings.Contains(text, `msg="now this" password=*** error="two\nlines"`) || strings.Count(text, "\n") != 1 {
		t.Errorf("got %s", text)
	}
}

// scrape is what Prometheus gets.
func scrape(t *testing.T, m *Metrics) string {
	t.Helper()
	recorder := httptest.NewRecorder()
	m.Handler().ServeHTTP(recorder, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/metrics", nil))
	body, err := io.ReadAll(recorder.Body)
	if err != nil || recorder.Code != http.StatusOK {
		t.Fatalf("%d %v: %s", recorder.Code, err, body)
	}
	return string(body)
}

func TestMetricsMove(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	m.Request("POST", "/v1/provision", 202, 3*time.Millisecond)
	m.Request("BREW", "", 404, time.Millisecond)
	m.Accepted("provision")
	m.AttemptBegan("provision", 2*time.Second)
	m.AttemptBegan("provision", 0)
	m.AttemptEnded("provision", "retried", time.Second)
	m.Step("provision", "discovery", 4*time.Second)
	m.OperationEnded("provision", "COMPLETED", time.Minute)
	m.TerminationAsked("TERMINATED")
	m.TokenReconciled("anew", "unprovision")
	m.AirbyteCall("sources/create", "ok", time.Second)
	m.AirbyteCall("applications/token", "unauthorized", time.Second)
	m.WatchQueues(func(context.Context) ([]QueueDepth, error) {
		return []QueueDepth{{Queue: "provision", Tasks: map[string]int{"pending": 3, "active": 1}, OldestWaiting: 90 * time.Second}}, nil
	})
	got := scrape(t, m)
	for _, line := range []string{
		`airbyte_provisioner_http_requests_total{code="202",method="POST",route="/v1/provision"} 1`,
		`airbyte_provisioner_http_requests_total{code="404",method="other",route="none"} 1`,
		`airbyte_provisioner_http_request_duration_seconds_bucket{method="POST",route="/v1/provision",le="0.005"} 1`,
		`airbyte_provisioner_operations_accepted_total{kind="provision"} 1`,
		`airbyte_provisioner_operation_wait_seconds_count{kind="provision"} 1`,
		`airbyte_provisioner_operation_wait_seconds_sum{kind="provision"} 2`,
		`airbyte_provisioner_attempts_running{kind="provision"} 1`,
		`airbyte_provisioner_attempts_total{kind="provision",outcome="retried"} 1`,
		`airbyte_provisioner_attempt_duration_seconds_sum{kind="provision"} 1`,
		`airbyte_provisioner_operation_step_duration_seconds_sum{kind="provision",step="discovery"} 4`,
		`airbyte_provisioner_operations_total{kind="provision",outcome="COMPLETED"} 1`,
		`airbyte_provisioner_operation_duration_seconds_sum{kind="provision",outcome="COMPLETED"} 60`,
		`airbyte_provisioner_terminations_total{result="TERMINATED"} 1`,
		`airbyte_provisioner_reconciled_tokens_total{action="anew",kind="unprovision"} 1`,
		`airbyte_provisioner_airbyte_calls_total{class="ok",operation="sources/create"} 1`,
		`airbyte_provisioner_airbyte_call_duration_seconds_sum{operation="sources/create"} 1`,
		`airbyte_provisioner_airbyte_token_renewals_total{class="unauthorized"} 1`,
		`airbyte_provisioner_queue_tasks{queue="provision",state="pending"} 3`,
		`airbyte_provisioner_queue_oldest_waiting_seconds{queue="provision"} 90`,
		`airbyte_provisioner_queues_up 1`,
		`go_goroutines `,
		`process_start_time_seconds `,
	} {
		if !strings.Contains(got, line) {
			t.Errorf("%s is missing", line)
		}
	}
	if !strings.Contains(got, `airbyte_provisioner_build_info{commit="`) || !strings.Contains(got, `go_version="go1.`) {
		t.Error("the build is missing")
	}
	if strings.Contains(got, `airbyte_token_renewals_total{class="ok"}`) {
		t.Error("another call counts as a renewal")
	}
}

func TestQueuesThatCannotBeSeen(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	m.WatchQueues(func(ctx context.Context) ([]QueueDepth, error) {
		if _, bounded := ctx.Deadline(); !bounded {
			t.Error("the look at the queues is not bounded")
		}
		return nil, errors.New("Redis is away")
	})
	got := scrape(t, m)
	if !strings.Contains(got, "airbyte_provisioner_queues_up 0\n") || strings.Contains(got, "queue_tasks{") {
		t.Errorf("got %s", got)
	}
}

func TestMetricNamesKeepTheConventions(t *testing.T) {
	t.Parallel()
	m := NewMetrics()
	m.WatchQueues(func(context.Context) ([]QueueDepth, error) {
		return []QueueDepth{{Queue: "q", Tasks: map[string]int{"pending": 1}}}, nil
	})
	m.Request("GET", "/", 200, 1)
	m.AttemptBegan("k", 1)
	m.AttemptEnded("k", "h", 1)
	m.OperationEnded("k", "o", 1)
	m.AirbyteCall("applications/token", "ok", 1)
	problems, err := testutil.GatherAndLint(m.registry)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}
