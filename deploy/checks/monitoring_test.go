package checks

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	monitoringv1 "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/model/rulefmt"
	"github.com/prometheus/prometheus/promql/parser"
	"sigs.k8s.io/yaml"
)

var (
	promQL = parser.NewParser(parser.Options{})
	silent = slog.New(slog.DiscardHandler)
)

// target are labels that Prometheus itself adds to every metric.
var target = []string{"job", "instance", "namespace", "le", "__name__"}

// inventory is what the product really has, kept right by a test of the product.
func inventory(t *testing.T) map[string][]string {
	t.Helper()
	var found map[string][]string
	if err := json.Unmarshal(read(t, root, "deploy/prometheus/metrics.json"), &found); err != nil {
		t.Fatal(err)
	}
	return found
}

// checkExpression parses an expression and checks that each metric in it is one
// of the product's, and each label one that this metric has.
func checkExpression(t *testing.T, metrics map[string][]string, text string) {
	t.Helper()
	expression, err := promQL.ParseExpr(text)
	if err != nil {
		t.Errorf("%s: %v", text, err)
		return
	}
	known := slices.Clone(target)
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		selector, ok := node.(*parser.VectorSelector)
		if !ok {
			return nil
		}
		has, found := metrics[family(metrics, selector.Name)]
		if !found {
			t.Errorf("%s: the product has no metric %s", text, selector.Name)
			return nil
		}
		known = append(known, has...)
		for _, m := range selector.LabelMatchers {
			if !slices.Contains(has, m.Name) && !slices.Contains(target, m.Name) {
				t.Errorf("%s: %s has no label %s", text, selector.Name, m.Name)
			}
			if m.Name == "route" && m.Type == labels.MatchRegexp {
				checkRoutes(t, text, m)
			}
			if m.Type == labels.MatchEqual && m.Name != "__name__" {
				checkValue(t, text, m.Name, m.Value)
			}
		}
		return nil
	})
	parser.Inspect(expression, func(node parser.Node, _ []parser.Node) error {
		if by, ok := node.(*parser.AggregateExpr); ok {
			for _, label := range by.Grouping {
				if !slices.Contains(known, label) {
					t.Errorf("%s: nothing in it has a label %s", text, label)
				}
			}
		}
		return nil
	})
}

// family is the name under which a histogram's series are registered.
func family(metrics map[string][]string, name string) string {
	for _, suffix := range []string{"_bucket", "_sum", "_count"} {
		if base := strings.TrimSuffix(name, suffix); base != name {
			if _, ok := metrics[base]; ok {
				return base
			}
		}
	}
	return name
}

// values are those that some labels can have, as the product's code spells them.
var values = map[string]*regexp.Regexp{
	"outcome": regexp.MustCompile(`^(COMPLETED|FAILED|TERMINATED|completed|failed|retried|interrupted|postponed|terminated|lost)$`),
	"state":   regexp.MustCompile(`^(pending|active|scheduled|retry|archived|completed|aggregating)$`),
	"class": regexp.MustCompile(`^(ok|network|timeout|canceled|rate_limited|server|locked|malformed|too_large|invalid|unauthorized|forbidden|not_found|` +
		`conflict|redirect|job_failed|internal)$`),
}

func checkValue(t *testing.T, text, label, value string) {
	t.Helper()
	if form := values[label]; form != nil && !form.MatchString(value) {
		t.Errorf("%s: %s is never %q", text, label, value)
	}
}

// checkRoutes sees that a selection of the contract's routes finds them below a BASE_PATH, too.
func checkRoutes(t *testing.T, text string, m *labels.Matcher) {
	t.Helper()
	for _, base := range []string{"", "/datamesh.airbyte/0.0"} {
		for _, route := range []string{"/v1/provision", "/v1/provision/:token/status", "/v2/validate"} {
			if !m.Matches(base + route) {
				t.Errorf("%s: leaves out %s%s", text, base, route)
			}
		}
	}
	if m.Matches("/metrics") || m.Matches("/monitoring/*") {
		t.Errorf("%s: is not about the contract alone", text)
	}
}

// anchors are the headings of the run book, as links name them.
func anchors(t *testing.T) map[string]bool {
	t.Helper()
	found := map[string]bool{}
	for _, heading := range regexp.MustCompile(`(?m)^#+ (.+)$`).FindAllStringSubmatch(string(read(t, root, "docs/operations.md")), -1) {
		found[strings.ReplaceAll(strings.ToLower(heading[1]), " ", "-")] = true
	}
	return found
}

// Alert rules as Prometheus reads them; each has its place in the run book.
func TestRules(t *testing.T) {
	t.Parallel()
	groups, errs := rulefmt.Parse(read(t, root, "deploy/prometheus/rules.yaml"), false, model.UTF8Validation, promQL, silent)
	for _, err := range errs {
		t.Error(err)
	}
	if groups == nil {
		t.FailNow()
	}
	metrics, headings, seen := inventory(t), anchors(t), map[string]bool{}
	for _, group := range groups.Groups {
		for _, rule := range group.Rules {
			checkExpression(t, metrics, rule.Expr)
			if seen[rule.Alert] {
				t.Errorf("%s is there twice", rule.Alert)
			}
			seen[rule.Alert] = true
			if s := rule.Labels["severity"]; !slices.Contains([]string{"critical", "warning", "info"}, s) {
				t.Errorf("%s has the severity %q", rule.Alert, s)
			}
			if rule.Annotations["summary"] == "" || rule.Annotations["description"] == "" {
				t.Errorf("%s does not say what it is about", rule.Alert)
			}
			page, anchor, _ := strings.Cut(rule.Annotations["runbook_url"], "#")
			if page != "docs/operations.md" || anchor != strings.ToLower(rule.Alert) || !headings[anchor] {
				t.Errorf("%s: the run book has no #%s", rule.Alert, anchor)
			}
		}
	}
}

// The operator's resource holds the same rules, with the run book where the values say it is.
func TestChartRules(t *testing.T) {
	t.Parallel()
	for _, o := range rendered(t, examples(t)["production"]) {
		rule, ok := o.typed.(*monitoringv1.PrometheusRule)
		if !ok {
			continue
		}
		text, err := yaml.Marshal(rule.Spec)
		if err != nil {
			t.Fatal(err)
		}
		groups, errs := rulefmt.Parse(text, false, model.UTF8Validation, promQL, silent)
		if len(errs) > 0 {
			t.Fatal(errs)
		}
		for _, r := range groups.Groups[0].Rules {
			if want := "https://docs.example.com/airbyte-provisioner/operations.md#" + strings.ToLower(r.Alert); r.Annotations["runbook_url"] != want {
				t.Errorf("%s: got %s", r.Alert, r.Annotations["runbook_url"])
			}
		}
		return
	}
	t.Error("there is no PrometheusRule")
}

// KEDA's question to Prometheus is one that the product's metrics can answer.
func TestKEDAQuery(t *testing.T) {
	t.Parallel()
	for _, o := range rendered(t, examples(t)["sentinel"]) {
		if scaled, ok := o.typed.(*scaledObject); ok {
			checkExpression(t, inventory(t), scaled.Spec.Triggers[0].Metadata["query"])
			return
		}
	}
	t.Error("there is no ScaledObject")
}

// panel is what a dashboard's panel needs to have.
type panel struct {
	ID      int    `json:"id"`
	Title   string `json:"title"`
	Type    string `json:"type"`
	GridPos struct{ H, W, X, Y int }
	Targets []struct {
		Expr  string `json:"expr"`
		RefID string `json:"refId"`
	} `json:"targets"`
}

// variables are Grafana's, which PromQL does not know.
var variables = strings.NewReplacer("$__rate_interval", "5m", "$__range", "1h", "$namespace", ".*")

// Every panel of the dashboard has its place, and asks for what there is.
func TestDashboard(t *testing.T) {
	t.Parallel()
	var dashboard struct {
		UID        string  `json:"uid"`
		Title      string  `json:"title"`
		Panels     []panel `json:"panels"`
		Templating struct {
			List []struct{ Name string }
		}
	}
	if err := json.Unmarshal(read(t, root, "deploy/grafana/dashboards/airbyte-provisioner.json"), &dashboard); err != nil {
		t.Fatal(err)
	}
	if dashboard.UID != "airbyte-provisioner" || len(dashboard.Templating.List) != 2 {
		t.Errorf("got the uid %q and %d variables", dashboard.UID, len(dashboard.Templating.List))
	}
	metrics, ids, places := inventory(t), map[int]string{}, map[string]string{}
	for _, p := range dashboard.Panels {
		if other, taken := ids[p.ID]; taken {
			t.Errorf("%q has the id of %q", p.Title, other)
		}
		ids[p.ID] = p.Title
		for x := p.GridPos.X; x < p.GridPos.X+p.GridPos.W; x++ {
			for y := p.GridPos.Y; y < p.GridPos.Y+p.GridPos.H; y++ {
				place := fmt.Sprint(x, "/", y)
				if other, taken := places[place]; taken || x > 23 {
					t.Fatalf("%q lies on %q", p.Title, other)
				}
				places[place] = p.Title
			}
		}
		if p.Type != "row" && len(p.Targets) == 0 {
			t.Errorf("%q asks nothing", p.Title)
		}
		for _, target := range p.Targets {
			checkExpression(t, metrics, variables.Replace(target.Expr))
		}
	}
}

// Each of the product's own metrics is shown or watched somewhere.
func TestMetricsAreUsed(t *testing.T) {
	t.Parallel()
	all := string(read(t, root, "deploy/grafana/dashboards/airbyte-provisioner.json")) + string(read(t, root, "deploy/prometheus/rules.yaml"))
	for _, name := range slices.Sorted(maps.Keys(inventory(t))) {
		if strings.HasPrefix(name, "airbyte_provisioner_") && !strings.Contains(all, name) {
			t.Errorf("%s is neither on the dashboard nor in an alert", name)
		}
	}
}

// The documentation's table names exactly the metrics that there are, with their labels.
func TestMetricsAreDocumented(t *testing.T) {
	t.Parallel()
	documented := map[string]bool{}
	_, section, _ := strings.Cut(string(read(t, root, "docs/operations.md")), "\n## Metrics\n")
	section, _, _ = strings.Cut(section, "\n## ")
	metrics := inventory(t)
	for _, row := range regexp.MustCompile("(?m)^\\| (`.+`) \\|(.*)\\| .+ \\|$").FindAllStringSubmatch(section, -1) {
		for _, name := range regexp.MustCompile("`([a-z_]+)`").FindAllStringSubmatch(row[1], -1) {
			full := "airbyte_provisioner_" + name[1]
			documented[full] = true
			has, found := metrics[full]
			if !found {
				t.Errorf("the documentation names %s, which is none", full)
			}
			for _, label := range has {
				if !strings.Contains(row[2], label) {
					t.Errorf("the documentation does not name %s's label %s", full, label)
				}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(metrics)) {
		if strings.HasPrefix(name, "airbyte_provisioner_") && !documented[name] {
			t.Errorf("the documentation does not name %s", name)
		}
	}
}

// The compose file's Prometheus finds the programs and shows them their token.
func TestScrapeConfiguration(t *testing.T) {
	t.Parallel()
	var configuration struct {
		RuleFiles     []string `json:"rule_files"`
		ScrapeConfigs []struct {
			JobName       string `json:"job_name"`
			Authorization *struct {
				CredentialsFile string `json:"credentials_file"`
			} `json:"authorization"`
			StaticConfigs []struct{ Targets []string } `json:"static_configs"`
			DNSConfigs    []struct {
				Names []string
				Type  string
				Port  int
			} `json:"dns_sd_configs"`
		} `json:"scrape_configs"`
	}
	if err := yaml.Unmarshal(read(t, root, "deploy/prometheus/prometheus.yaml"), &configuration); err != nil {
		t.Fatal(err)
	}
	for _, file := range configuration.RuleFiles {
		read(t, root, "deploy/prometheus", file)
	}
	services := loadCompose(t, nil).Services
	for _, job := range configuration.ScrapeConfigs {
		switch {
		case strings.HasSuffix(job.JobName, "-api"):
			if len(services["prometheus"].Configs) != 1 || services["prometheus"].Configs[0].Target != job.Authorization.CredentialsFile {
				t.Error("Prometheus has no token for the API")
			}
			if host, port, _ := strings.Cut(job.StaticConfigs[0].Targets[0], ":"); services[host].Name != "api" || port != "8093" {
				t.Errorf("the API is looked for at %v", job.StaticConfigs)
			}
		case strings.HasSuffix(job.JobName, "-worker"):
			if d := job.DNSConfigs[0]; services[d.Names[0]].Name != "worker" || d.Port != 8094 || d.Type != "A" {
				t.Errorf("workers are looked for at %+v", d)
			}
		default:
			t.Errorf("the alerts know no job %s", job.JobName)
		}
	}
}
