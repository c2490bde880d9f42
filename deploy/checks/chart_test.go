package checks

import (
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	"helm.sh/helm/v3/pkg/lint"
	"helm.sh/helm/v3/pkg/lint/support"
	"sigs.k8s.io/yaml"
)

const chartDir = root + "/deploy/helm/airbyte-provisioner"

// release is what an operator would call `helm install airbyte-provisioner --namespace data`.
var release = chartutil.ReleaseOptions{Name: "airbyte-provisioner", Namespace: "data", Revision: 1, IsInstall: true}

func loadChart(t *testing.T) *chart.Chart {
	t.Helper()
	c, err := loader.Load(chartDir)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// render is `helm template` with the values: each file's text by its path in the chart.
func render(t *testing.T, values map[string]any) (map[string]string, error) {
	t.Helper()
	capabilities := chartutil.DefaultCapabilities.Copy()
	capabilities.KubeVersion = chartutil.KubeVersion{Version: "v1.32.0", Major: "1", Minor: "32"}
	c := loadChart(t)
	all, err := chartutil.ToRenderValues(c, values, release, capabilities)
	if err != nil {
		return nil, err
	}
	return engine.Render(c, all)
}

// joined is all that was rendered, in one text that is always in the same order.
func joined(files map[string]string) string {
	var b strings.Builder
	for _, path := range slices.Sorted(maps.Keys(files)) {
		if text := strings.TrimSpace(files[path]); text != "" {
			b.WriteString("# " + path + "\n" + text + "\n---\n")
		}
	}
	return b.String()
}

// examples are the values files beside the chart, by name.
func examples(t *testing.T) map[string]map[string]any {
	t.Helper()
	files, err := filepath.Glob(chartDir + "/examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatal("there are no examples", err)
	}
	all := map[string]map[string]any{}
	for _, file := range files {
		var values map[string]any
		if err := yaml.UnmarshalStrict(read(t, file), &values); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		all[strings.TrimSuffix(filepath.Base(file), ".yaml")] = values
	}
	return all
}

func TestChartLint(t *testing.T) {
	t.Parallel()
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, m := range lint.AllWithKubeVersion(chartDir, values, release.Namespace, nil).Messages {
				if m.Severity > support.InfoSev {
					t.Error(m.Error())
				}
			}
		})
	}
}

func TestChartGolden(t *testing.T) {
	t.Parallel()
	for name, values := range examples(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			files, err := render(t, values)
			if err != nil {
				t.Fatal(err)
			}
			// The dashboard is long, and has a test of its own.
			delete(files, "airbyte-provisioner/templates/monitoring/dashboard.yaml")
			golden(t, filepath.Join("testdata", "golden", name+".yaml"), []byte(joined(files)))
		})
	}
}

// set returns a copy of the values with one of them changed: "api.tokens.existingSecret".
func set(t *testing.T, values map[string]any, path string, value any) map[string]any {
	t.Helper()
	raw, err := yaml.Marshal(values)
	if err != nil {
		t.Fatal(err)
	}
	changed := map[string]any{}
	if err := yaml.Unmarshal(raw, &changed); err != nil {
		t.Fatal(err)
	}
	at, keys := changed, strings.Split(path, ".")
	for _, key := range keys[:len(keys)-1] {
		next, ok := at[key].(map[string]any)
		if !ok {
			next = map[string]any{}
			at[key] = next
		}
		at = next
	}
	at[keys[len(keys)-1]] = value
	return changed
}

func TestChartRefuses(t *testing.T) {
	t.Parallel()
	all := examples(t)
	for _, test := range []struct {
		reason, example, path string
		value                 any
		want                  string
	}{
		{"the API would be open by accident", "minimal", "api.tokens.existingSecret", "", "api.allowAnonymous"},
		{"open and not open", "minimal", "api.allowAnonymous", true, "api.allowAnonymous contradicts"},
		{"a provider for nobody in particular", "tls", "api.oidc.audience", "", "belong together"},
		{"no image", "minimal", "image.repository", "", "image.repository is missing"},
		{"no Airbyte", "minimal", "airbyte.baseUrl", "", "airbyte.baseUrl is missing"},
		{"no workspace", "minimal", "airbyte.workspaceId", "", "airbyte.workspaceId is missing"},
		{"a workspace that is no UUID", "minimal", "airbyte.workspaceId", "default", "workspaceId"},
		{"no Redis", "minimal", "redis.bundled.enabled", false, "there is no Redis"},
		{"two Redis servers", "minimal", "redis.external.address", "redis:6379", "two Redis servers"},
		{"a Redis without a password by accident", "minimal", "redis.bundled.existingSecret", "", "the bundled Redis has no password"},
		{"two external ones", "production", "redis.external.urlKey", "url", "more than one of"},
		{"an address without its port", "production", "redis.external.address", "redis.example.com", "/redis/external/address"},
		{"sentinels without their master", "sentinel", "redis.external.sentinel.master", "", "sentinel.master is missing"},
		{"half of an application's credentials", "production", "airbyte.auth.clientSecretKey", "", "belong together"},
		{"keys of no Secret", "production", "airbyte.auth.existingSecret", "", "names keys of no Secret"},
		{"a secret setting in the wrong form", "production", "worker.secretSettings.SNOWFLAKE_PASSWORD", "hush", "SNOWFLAKE_PASSWORD"},
		{"workers that could all go", "production", "worker.keda.minReplicas", 0, "minReplicas"},
		{"fewer than the least", "production", "worker.keda.maxReplicas", 1, "worker.keda.minReplicas is more than"},
		{"KEDA cannot read a URL from a Secret", "pool", "worker.keda.enabled", true, "trigger redis cannot read"},
		{"KEDA without Prometheus", "sentinel", "worker.keda.prometheus.serverAddress", "", "serverAddress is missing"},
		{"metrics behind a token that Prometheus lacks", "production", "metrics.serviceMonitor.tokenSecret.name", "", "tokenSecret"},
		{"a queue that nobody knows", "minimal", "worker.queues.fast", 1, "fast"},
		{"a misspelt value", "minimal", "worker.replica", 3, "replica"},
		{"a setting that has a value of its own", "minimal", "settings.shutdownTimeout", "60s", "shutdownTimeoutSeconds"},
		{"a setting that the workers' own values would hide", "minimal", "settings.worker.concurrency", 4, "settings.worker.concurrency has a value of its own in this chart: worker.concurrency"},
		{"an address that would be hidden", "minimal", "settings.http.addr", ":80", "settings.http.addr has no use"},
		{"a Redis that would be hidden, with its password", "production", "settings.redis.url", "redis://:hunter2@redis:6379", "settings.redis.url has a value of its own in this chart: redis.external"},
		{"a password that would stand in a ConfigMap", "minimal", "settings.snowflake.password", "hunter2", "settings holds a secret (password:)"},
		{"a key that would stand in a ConfigMap", "minimal", "settings.sealKey", "hunter2", "settings holds a secret (sealKey:)"},
		{"a policy that would lock Redis out", "pool", "networkPolicy.redisTo", []any{}, "networkPolicy.redisTo"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			_, err := render(t, set(t, all[test.example], test.path, test.value))
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want an error with %q", err, test.want)
			}
		})
	}
}

// The settings of these files come from the chart's values.
func TestChartCopies(t *testing.T) {
	t.Parallel()
	for source, name := range map[string]string{
		root + "/deploy/prometheus/rules.yaml":                       "rules.yaml",
		root + "/deploy/grafana/dashboards/airbyte-provisioner.json": "airbyte-provisioner.json",
	} {
		golden(t, filepath.Join(chartDir, "files", name), read(t, source))
	}
}
