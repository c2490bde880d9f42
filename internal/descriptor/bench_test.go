package descriptor_test

import (
	"fmt"
	"strings"
	"testing"

	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/workload"

	"gopkg.in/yaml.v3"
)

// large is the template's descriptor with 199 components more, some 230 KB.
func large(tb testing.TB) string {
	tb.Helper()
	text := read(tb, "../../examples/descriptor.yaml")
	head, tail, _ := strings.Cut(text, "componentIdToProvision:")
	start := strings.Index(head, "    - id: urn:dmb:cmp:finance:cashflow:1:snowflake-storage")
	component := head[strings.Index(head, "    - id: "):start]
	var b strings.Builder
	b.WriteString(head)
	for i := range 199 {
		b.WriteString(strings.Replace(component, "places-ingestion", fmt.Sprintf("other-%d", i), 1))
	}
	b.WriteString("componentIdToProvision:" + tail)
	return b.String()
}

// BenchmarkParse is reading a descriptor, beside its floor: one pass of the YAML
// library into a map.
func BenchmarkParse(b *testing.B) {
	connectors := load(b)
	for name, text := range map[string]string{"small": read(b, "../../examples/descriptor.yaml"), "large": large(b)} {
		b.Run(name+"/floor", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				var tree map[string]any
				if err := yaml.Unmarshal([]byte(text), &tree); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run(name+"/parse", func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			b.ReportAllocs()
			for b.Loop() {
				_, failure := descriptor.Parse(descriptor.Request{Kind: workload.Provision, DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: text}, connectors)
				if failure != nil {
					b.Fatal(failure.Text())
				}
			}
		})
	}
}
