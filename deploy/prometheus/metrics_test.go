package prometheus_test

import (
	"context"
	"encoding/json"
	"flag"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"

	"airbyte-provisioner/internal/telemetry"
)

//nolint:gochecknoglobals // a flag of the test
var update = flag.Bool("update", false, "write the list of metrics anew")

// list is read by the checks of the rules and the dashboard (deploy/checks), a
// module that cannot run the product.
const list = "metrics.json"

// TestMetricsList compares the list with what the product really has: every
// metric of its own, of the process and of the runtime, with its labels.
func TestMetricsList(t *testing.T) {
	t.Parallel()
	text, err := json.MarshalIndent(metrics(t), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	got := string(text) + "\n"
	if *update {
		if err := os.WriteFile(list, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the product's metrics have changed: go test ./deploy/prometheus -update, then cd deploy/checks && go test ./...\n%s", diff)
	}
}

// metrics are the labels of each metric by its name.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	m := telemetry.NewMetrics()
	m.WatchQueues(func(context.Context) ([]telemetry.QueueDepth, error) { return nil, nil })
	registry, ok := m.Registerer().(prometheus.Collector)
	if !ok {
		t.Fatalf("%T tells nothing of its metrics", m.Registerer())
	}
	described := make(chan *prometheus.Desc)
	go func() {
		registry.Describe(described)
		close(described)
	}()
	// The library has no other way to ask a description for its parts.
	form := regexp.MustCompile(`^Desc\{fqName: "([a-z0-9_]+)", .*variableLabels: \{([^}]*)\}`)
	found := map[string][]string{}
	for d := range described {
		parts := form.FindStringSubmatch(d.String())
		if parts == nil {
			t.Fatalf("not understood: %s", d)
		}
		labels := strings.FieldsFunc(parts[2], func(c rune) bool { return c == ',' || c == ' ' })
		slices.Sort(labels)
		if strings.HasPrefix(parts[1], "go_") && parts[1] != "go_goroutines" {
			continue // they vary with Go's version
		}
		found[parts[1]] = append([]string{}, labels...)
	}
	return found
}
