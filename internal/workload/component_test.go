package workload

import "testing"

func TestComponentsHaveAName(t *testing.T) {
	t.Parallel()
	for component, want := range map[Component]string{
		NewComponent(" URN:dmb:cmp:a ", " dev "): "urn:dmb:cmp:a in dev",
		NewComponent("urn:dmb:cmp:a", ""):        "urn:dmb:cmp:a",
		NewComponent("", "dev"):                  "",
	} {
		if got := component.String(); got != want {
			t.Errorf("%#v is named %q, want %q", component, got, want)
		}
	}
}
