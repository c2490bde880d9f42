package operation

import (
	"encoding/json"
	"testing"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// Lines are taken apart by hand, which must not make a difference.
func TestReadLineReadsWhatJSONReads(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := encodeLine(workload.LogLine{
			Time:    time.UnixMilli(rapid.Int64().Draw(t, "time")),
			Level:   workload.Level(rapid.SampledFrom([]string{"INFO", "", `a"b`, "\\", "é"}).Draw(t, "level")),
			Phase:   workload.Phase(rapid.SampledFrom([]string{"", "plan", `","m":"x`, "a\nb"}).Draw(t, "phase")),
			Message: rapid.OneOf(rapid.String(), rapid.SampledFrom([]string{"", `"`, `}`, "\u2028<&>", "\xff", `\u0041`, "`x`", "a\tb\nc\x00", "😀"})).Draw(t, "message"),
		})
		var want storedLine
		if err := json.Unmarshal([]byte(text), &want); err != nil {
			t.Fatal(err)
		}
		got, ok := readLine(text)
		if diff := cmp.Diff(want, got); !ok || diff != "" {
			t.Fatalf("readLine(%s) = %v\n%s", text, ok, diff)
		}
	})
}

func TestReadLineOfStrangeTexts(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, reason string
		want         storedLine
		ok           bool
	}{
		{`{"m":"x","t":5,"l":"INFO"}`, "another order", storedLine{Time: 5, Level: "INFO", Message: "x"}, true},
		{`{"t":5,"l":"INFO","m":"x","new":1}`, "a field of a newer version", storedLine{Time: 5, Level: "INFO", Message: "x"}, true},
		{`{"t":5,"l":"INFO","m":"\ud83d\ude00"}`, "a surrogate pair, which Go's own syntax lacks", storedLine{Time: 5, Level: "INFO", Message: "😀"}, true},
		{`{"t":5,"l":"INFO","m":'x'}`, "no JSON", storedLine{}, false},
		{"{\"t\":5,\"l\":\"INFO\",\"m\":`x`}", "no JSON", storedLine{}, false},
		{`{"t":5,"l":"INFO","m":"x"`, "cut", storedLine{}, false},
		{``, "empty", storedLine{}, false},
	} {
		got, ok := readLine(test.text)
		if ok != test.ok || ok && got != test.want {
			t.Errorf("readLine(%s) = %+v, %v, want %+v, %v: %s", test.text, got, ok, test.want, test.ok, test.reason)
		}
	}
}
