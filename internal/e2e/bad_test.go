package e2e

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// TestBadDescriptors sends each sort of bad descriptor to both entrances and
// looks for the path and the words of its problems.
func TestBadDescriptors(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI() // no worker and no Airbyte is needed to refuse
	good := wish{}.descriptor()
	without := func(line string) string {
		var kept []string
		for l := range strings.Lines(good) {
			if !strings.Contains(l, line) {
				kept = append(kept, l)
			}
		}
		return strings.Join(kept, "")
	}
	replaced := func(old, with string) string {
		if !strings.Contains(good, old) {
			t.Fatalf("the descriptor lacks %q", old)
		}
		return strings.ReplaceAll(good, old, with)
	}
	kind := func(kind, descriptor string) submission {
		return submission{DescriptorKind: kind, Descriptor: descriptor}
	}
	component := func(descriptor string) submission { return kind("COMPONENT_DESCRIPTOR", descriptor) }
	cases := []struct {
		name   string
		body   submission
		wanted []string // in the problems
	}{
		{"not YAML", component("a: [b"), []string{"YAML"}},
		{"a text", component("just words"), []string{"dataProduct"}},
		{"empty", component(" "), []string{"descriptor"}},
		{"no dataProduct", component("componentIdToProvision: a"), []string{"dataProduct"}},
		{"no componentIdToProvision", component(without("componentIdToProvision")), []string{"componentIdToProvision"}},
		{"component not there", component(replaced("componentIdToProvision: urn:dmb:cmp:finance:orders:0:ingest", "componentIdToProvision: urn:dmb:cmp:finance:orders:0:ingst")), []string{"componentIdToProvision", "ingst", "urn:dmb:cmp:finance:orders:0:ingest"}},
		{"component there twice", component(replaced("urn:dmb:cmp:finance:orders:0:storage", "URN:dmb:cmp:finance:orders:0:ingest")), []string{"components[1].id", "components[0].id", "once"}},
		{"not a workload", component(replaced("kind: workload", "kind: outputport")), []string{"components[1].kind", "workload"}},
		{"data product's kind", kind("DATAPRODUCT_DESCRIPTOR", good), []string{"descriptorKind", "COMPONENT_DESCRIPTOR"}},
		{"data product's kind with results", kind("DATAPRODUCT_DESCRIPTOR_WITH_RESULTS", good), []string{"descriptorKind", "COMPONENT_DESCRIPTOR"}},
		{"all at once", component(strings.NewReplacer("  name: Orders\n", "", "  domain: finance\n", "  domain: null\n", "environment: development\n  version: 0.1.0\n", "environment: development\n").Replace(good)), []string{"dataProduct.name", "dataProduct.domain", "dataProduct.version"}},
		{"no source", component(replaced("        source:\n", "        sauce:\n")), []string{"specific.source"}},
		{"source is a text", component(replaced("        source:\n          name: finance.orders.0.File\n", "        source: File\n        other:\n")), []string{"specific.source"}},
		{"no names", component(strings.NewReplacer("          name: finance.orders.0.File\n", "", "          name: finance.orders.0.Snowflake\n", "          name: null\n", "          name: finance.orders.0.File <> Snowflake\n", "          name: ''\n").Replace(good)), []string{"specific.source.name", "specific.destination.name", "specific.connection.name"}},
		{"no url", component(without("url:")), []string{"specific.source.connectionConfiguration.url"}},
		{"wrong format", component(replaced("format: csv", "format: cvs")), []string{"specific.source.connectionConfiguration.format", "csv"}},
		{"alias bomb", component("a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b,*b,*b,*b]\nd: &d [*c,*c,*c,*c,*c,*c,*c,*c,*c]\ne: &e [*d,*d,*d,*d,*d,*d,*d,*d,*d]\nf: &f [*e,*e,*e,*e,*e,*e,*e,*e,*e]\ndataProduct: {components: *f}\n"), []string{"alias", "too large"}},
		{"deep nesting", component("dataProduct: " + strings.Repeat("[", 20_000) + strings.Repeat("]", 20_000)), []string{"descriptor", "depth"}},
		{"duplicate keys", component(replaced("  domain: finance\n", "  domain: finance\n  domain: sales\n")), []string{"domain", "twice"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			for _, operation := range []string{"provision", "unprovision", "validate"} {
				if operation == "unprovision" && (c.name == "no url" || c.name == "wrong format") {
					continue // what is wrong in a configuration does not keep a component from being removed
				}
				problems := s.refused(t, operation, c.body)
				for _, want := range c.wanted {
					if !strings.Contains(strings.ToLower(problems), strings.ToLower(want)) {
						t.Errorf("%s: the problems lack %q: %s", operation, want, problems)
					}
				}
			}
		})
	}
	t.Run("bodies", func(t *testing.T) {
		t.Parallel()
		for name, c := range map[string]struct {
			body   string
			status int
		}{
			"trailing bytes": {`{"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"a: 1","removeData":false} {}`, http.StatusBadRequest},
			"invalid UTF-8":  {"{\"descriptorKind\":\"COMPONENT_DESCRIPTOR\",\"descriptor\":\"\xff\",\"removeData\":false}", http.StatusBadRequest},
			"not JSON":       {"descriptorKind: COMPONENT_DESCRIPTOR", http.StatusBadRequest},
			"too large":      {`{"descriptor":"` + strings.Repeat("x", 5<<20) + `"}`, http.StatusRequestEntityTooLarge},
		} {
			if got := s.request(http.MethodPost, "/v1/provision", c.body); got.status != c.status {
				t.Errorf("%s: answered %d, want %d: %.200s", name, got.status, c.status, got.body)
			}
			if got := s.request(http.MethodPost, "/v1/validate", c.body); got.status != http.StatusOK || !strings.Contains(got.body, `"valid":false`) {
				t.Errorf("%s: validate answered %d, want 200 and valid: false: %.200s", name, got.status, got.body)
			}
		}
	})
	// Subtests end before their parent's clean-up.
	t.Cleanup(func() {
		if keys := s.redis.Client().Keys(context.Background(), "*:op:*").Val(); len(keys) > 0 {
			t.Errorf("refused requests left records behind: %v", keys)
		}
	})
	if got := s.request(http.MethodPost, "/v1/validate", component(good)); got.status != http.StatusOK || !strings.Contains(got.body, `"valid":true`) {
		t.Errorf("a good descriptor was validated with %d: %s", got.status, got.body)
	}
}

// refused sends a request that must be refused and returns its problems as one text.
func (s *stack) refused(t *testing.T, operation string, body submission) string {
	t.Helper()
	got := s.request(http.MethodPost, "/v1/"+operation, body)
	var answer struct {
		Valid  *bool    `json:"valid"`
		Errors []string `json:"errors"`
		Error  struct {
			Errors []string `json:"errors"`
		} `json:"error"`
		UserMessage string `json:"userMessage"`
		MoreInfo    struct {
			Problems  []string `json:"problems"`
			Solutions []string `json:"solutions"`
		} `json:"moreInfo"`
	}
	if err := json.Unmarshal([]byte(got.body), &answer); err != nil {
		t.Fatalf("%s: %v in %s", operation, err, got.body)
	}
	if operation == "validate" {
		if got.status != http.StatusOK || answer.Valid == nil || *answer.Valid {
			t.Errorf("validate answered %d: %s", got.status, got.body)
		}
		return strings.Join(answer.Error.Errors, "\n")
	}
	if got.status != http.StatusBadRequest {
		t.Errorf("%s answered %d, want 400: %s", operation, got.status, got.body)
	}
	if answer.UserMessage == "" || len(answer.MoreInfo.Solutions) == 0 || len(answer.Errors) == 0 {
		t.Errorf("%s: the answer lacks a message, errors or solutions: %s", operation, got.body)
	}
	return strings.Join(answer.MoreInfo.Problems, "\n")
}
