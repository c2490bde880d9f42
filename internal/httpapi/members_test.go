package httpapi

import (
	"encoding/json"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestMembersLikeEncodingJSON compares the walk with the decoder it stands in for.
func TestMembersLikeEncodingJSON(t *testing.T) {
	t.Parallel()
	value := rapid.Deferred(anyValue)
	rapid.Check(t, func(rt *rapid.T) {
		object := rapid.MapOf(rapid.String(), value).Draw(rt, "object")
		text, err := json.MarshalIndent(object, rapid.SampledFrom([]string{"", "\t", " "}).Draw(rt, "prefix"), rapid.SampledFrom([]string{"", "  ", "\r\n"}).Draw(rt, "indent"))
		if err != nil {
			rt.Fatal(err)
		}
		var want map[string]any
		if err := json.Unmarshal(text, &want); err != nil {
			rt.Fatal(err)
		}
		got := make(map[string]any)
		for name, raw := range members(text) {
			var v any
			if err := json.Unmarshal(raw, &v); err != nil {
				rt.Fatalf("%q is %q: %v", name, raw, err)
			}
			got[name] = v
		}
		if diff := cmp.Diff(want, got); diff != "" {
			rt.Error(diff)
		}
	})
}

func anyValue() *rapid.Generator[any] {
	inner := rapid.Deferred(anyValue)
	return rapid.OneOf(
		rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int32().AsAny(), rapid.String().AsAny(), rapid.SampledFrom([]any{"}", "\"", "\\", "]\"", 1e-7}),
		rapid.SliceOfN(inner, 0, 3).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 3).AsAny(),
	)
}

// FuzzUnquote compares unquote with the decoder it stands in for.
func FuzzUnquote(f *testing.F) {
	for _, seed := range []string{
		`""`, `"a"`, `"\""`, `"\\\/\b\f\n\r\t"`, `"\u00e4\u0000"`, `"\ud83d\ude00"`, `"\ud83d"`, `"\ud83dx"`, `"\ud83d\n"`, `"\ud83d\u0041"`, `"\ude00\ud83d"`,
		`"\ud83d\ud83d\ude00"`, `"x\\"`, `"\u005c\u0022"`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		var want string
		if len(raw) == 0 || raw[0] != '"' || raw[len(raw)-1] != '"' || !utf8.Valid(raw) || json.Unmarshal(raw, &want) != nil {
			return
		}
		if got := unquote(raw); got != want {
			t.Errorf("%q is %q, want %q", raw, got, want)
		}
	})
}
