package descriptor_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"testing/quick"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// doubled is a list of anchors, each of which holds the one before it twice: 2^n
// values in n lines. As an alias bomb it is an item of a mapping under a key.
func doubled(n int) string {
	var b strings.Builder
	b.WriteString("x0: &x0 [lol, lol]\n")
	for i := 1; i < n; i++ {
		fmt.Fprintf(&b, "x%d: &x%d [*x%d, *x%d]\n", i, i, i-1, i-1)
	}
	return b.String()
}

func TestHostileTextsAreRefused(t *testing.T) {
	t.Parallel()
	field := "            host: db.example.com\n"
	at := func(value string) string { return strings.Replace(base, field, field+value, 1) }
	const tooLarge = "is too large: with its aliases written out there are more than 100000 values or 1048576 bytes"
	const bomb = "descriptor: is too large: with its aliases written out there are more than 1000000 values"
	configuration := "dataProduct.components[1].specific.source.connectionConfiguration"
	for name, test := range map[string]struct {
		text string
		want []string // nil: only that it is refused
	}{
		"alias bomb in what is read":     {text: doubled(40) + at("            jdbc_url_params: *x39\n"), want: []string{bomb}},
		"alias bomb in what is not read": {text: doubled(40) + base, want: []string{bomb}},
		"alias bomb as streams":          {text: doubled(40) + strings.Replace(base, connection, connection+"          streams: *x39\n", 1)},
		"an alias within itself":         {text: at("            ssl_mode: &a {mode: require, more: *a}\n")},
		"a merge within itself":          {text: at("            ssl_mode: &a {mode: require, <<: *a}\n"), want: []string{"descriptor: line 21: the alias *a leads back to itself"}},
		"a list within itself":           {text: at("            schemas: &a [*a]\n")},
		"components within themselves":   {text: strings.Replace(base, "  components:\n", "  components: &c\n    - components: *c\n", 1)},
		"a huge text many times":         {text: "x: &x " + strings.Repeat("y", 300_000) + "\n" + at("            schemas: [*x, *x, *x, *x]\n"), want: []string{configuration + ".schemas[3]: " + tooLarge}},
		"deep flow":                      {text: "a: " + strings.Repeat("[", 9000) + strings.Repeat("]", 9000) + "\n" + base},
		"deep blocks":                    {text: strings.Repeat("- ", 9000) + "a"},
		"too deep for the parser":        {text: strings.Repeat("[", 100_000), want: []string{"descriptor: is not a YAML document: line 1: exceeded max depth of 10000"}},
		"deep JSON":                      {text: strings.Repeat(`{"a":`, 100_000) + "1" + strings.Repeat("}", 100_000)},
		"many merges":                    {text: mergeBomb() + at("            <<: *m19\n")},
		"many merges to look through":    {text: mergeBomb() + strings.Replace(base, "  name: Orders\n", "  <<: *m19\n", 1)},
		"very many values":               {text: "a: [" + strings.Repeat("b,", 2_000_000) + "b]"},
		"very many lines":                {text: strings.Repeat("- a\n", 1_000_000)},
		"a mapping many times over":      {text: "m: &m {" + keys(20_000) + "}\n" + strings.Replace(base, connection, connection+"          streams: ["+strings.Repeat("*m, ", 20_000)+"]\n", 1)},
		"a component many times over":    {text: "m: &m {" + keys(20_000) + "}\n" + strings.Replace(base, "  components:\n", "  components:\n"+strings.Repeat("    - *m\n", 50_000), 1), want: []string{bomb}},
		"too many bytes":                 {text: "a: " + strings.Repeat("b", descriptor.MaxBytes), want: []string{"descriptor: is too large: it has 4194307 bytes; at most 4194304 are accepted"}},
		"one long word":                  {text: strings.Repeat("b", descriptor.MaxBytes)},
		"quotes that never end":          {text: `a: "` + strings.Repeat("b\n", 1_000_000)},
		"nothing but comments":           {text: strings.Repeat("#\n", 300_000)},
		"nothing but documents":          {text: strings.Repeat("---\n", 300_000)},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, failure := parse(t, workload.Provision, test.text)
			if failure == nil {
				t.Fatal("it was accepted")
			}
			if len(failure.Text()) > 40_000 {
				t.Errorf("the answer has %d bytes", len(failure.Text()))
			}
			if test.want != nil && !strings.HasPrefix(told(failure)[0], test.want[0]) {
				t.Error(cmp.Diff(test.want, told(failure)))
			}
		})
	}
}

// mergeBomb is a ladder of mappings, each merging the one below it many times.
func mergeBomb() string {
	var b strings.Builder
	b.WriteString("m0: &m0 {a: b}\n")
	for i := 1; i < 20; i++ {
		fmt.Fprintf(&b, "m%d: &m%d {<<: [%s], k%d: v}\n", i, i, strings.TrimSuffix(strings.Repeat(fmt.Sprintf("*m%d, ", i-1), 20), ", "), i)
	}
	return b.String()
}

func keys(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, "k%d: , ", i)
	}
	return b.String()
}

func TestTooLargeIsACodeOfItsOwn(t *testing.T) {
	t.Parallel()
	_, failure := parse(t, workload.Provision, strings.Repeat(" ", descriptor.MaxBytes+1))
	if failure == nil || failure.Code != workload.CodeTooLarge {
		t.Errorf("the failure is %+v", failure)
	}
}

func TestManyProblemsAreBounded(t *testing.T) {
	t.Parallel()
	_, failure := parse(t, workload.Provision, strings.Replace(base, connection, connection+"          streams: ["+strings.Repeat("x, ", 5000)+"]\n", 1))
	if failure == nil || len(failure.Problems) != 101 {
		t.Fatalf("the failure is %v", failure)
	}
	if last := failure.Problems[100].Message; last != "There are more problems; they are not listed." {
		t.Error(last)
	}
}

func TestMemoryOfAHostileTextIsBounded(t *testing.T) { //nolint:paralleltest // it reads the process's counters
	var before, after runtime.MemStats
	connectors := load(t)
	for _, text := range []string{
		"a: [" + strings.Repeat("b,", 190_000) + "b]",
		strings.Repeat("- a\n", 190_000),
		doubled(60) + strings.Replace(base, connection, connection+"          streams: *x59\n", 1),
	} {
		runtime.ReadMemStats(&before)
		_, failure := descriptor.Parse(descriptor.Request{Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text}, connectors)
		runtime.ReadMemStats(&after)
		if failure == nil {
			t.Error("it was accepted")
		}
		if allocated := after.TotalAlloc - before.TotalAlloc; allocated > 200<<20 {
			t.Errorf("%d MB were allocated for %d bytes", allocated>>20, len(text))
		}
	}
}

func FuzzParse(f *testing.F) {
	connectors, err := catalog.Load("")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(base, base)
	f.Add(read(f, "../../examples/postgres-to-bigquery.yaml"), "components: [{id: 'urn:dmb:cmp:sales:orders:1:ingestion', info: {privateInfo: {sourceId: x}}}]")
	f.Add(doubled(12)+base, "{")
	f.Add(mergeBomb(), "&a [*a]")
	for _, test := range problemCases {
		text := test.text
		if test.old != "" {
			text = strings.Replace(base, test.old, test.with, 1)
		}
		f.Add(text, "")
	}
	f.Fuzz(func(t *testing.T, text, latest string) {
		for _, kind := range []workload.Kind{workload.Provision, workload.Unprovision, workload.UpdateACL} {
			work, failure := descriptor.Parse(descriptor.Request{
				Kind: kind, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text, LatestEnrichedDescriptor: latest,
			}, connectors)
			switch {
			case failure != nil && len(failure.Problems) == 0:
				t.Error("a failure without a problem")
			case failure == nil && work.Component.ID == "":
				t.Error("work for no component")
			}
		}
	})
}

func TestAnyTextIsAnswered(t *testing.T) {
	t.Parallel()
	connectors := load(t)
	answered := func(text string) bool {
		_, failure := descriptor.Parse(descriptor.Request{Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text}, connectors)
		return failure != nil && len(failure.Problems) > 0
	}
	if err := quick.Check(answered, nil); err != nil {
		t.Error(err)
	}
}
