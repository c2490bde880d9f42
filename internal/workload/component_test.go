package workload_test

import (
	"testing"

	"airbyte-provisioner/internal/workload"
)

func TestComponentsHaveAName(t *testing.T) {
	t.Parallel()
	for component, want := range map[workload.Component]string{
		workload.NewComponent(" URN:dmb:cmp:a ", " dev "): "urn:dmb:cmp:a in dev",
		workload.NewComponent("urn:dmb:cmp:a", ""):        "urn:dmb:cmp:a",
		workload.NewComponent("", "dev"):                  "",
	} {
		if got := component.String(); got != want {
			t.Errorf("%#v is named %q, want %q", component, got, want)
		}
	}
}
