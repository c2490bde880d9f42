package workload

import (
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestActorKeepsNumbersAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	want := Work{Source: Actor{Name: "s", Configuration: map[string]any{
		"version": json.Number("1.10"), "id": json.Number("12345678901234567890"), "list": []any{json.Number("1e3")},
	}}}
	data, err := json.Marshal(want)
	if err != nil {
		t.Fatal(err)
	}
	var got Work
	if err := json.Unmarshal(data, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
