package operation

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"testing"

	"pgregory.net/rapid"
)

func TestPackThereAndBack(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.SliceOf(rapid.Byte()).Draw(t, "text")
		got, err := Unpack(Pack(text))
		if err != nil || !bytes.Equal(got, text) {
			t.Fatalf("%q came back as %q, %v", text, got, err)
		}
	})
}

func TestUnpackLeavesWhatWasNotPacked(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"", "{}", `{"v":1}`, "no JSON"} {
		if got, err := Unpack([]byte(text)); string(got) != text || err != nil {
			t.Errorf("%q became %q, %v", text, got, err)
		}
	}
	for _, text := range []string{"\x00", "\x02{}", "\x1f\x8b"} {
		if got, err := Unpack([]byte(text)); !errors.Is(err, ErrNewer) {
			t.Errorf("%q, of a newer version, became %q, %v", text, got, err)
		}
	}
	whole := Pack([]byte(`{"v":1,"kind":"provision"}`))
	for cut := 1; cut < len(whole); cut++ {
		if got, err := Unpack(whole[:cut]); err == nil {
			t.Errorf("%d of %d bytes became %q", cut, len(whole), got)
		}
	}
}

// What was packed with a dictionary can be read with that one alone.
func TestTheDictionaryIsNeverChanged(t *testing.T) {
	t.Parallel()
	sum := sha256.Sum256(dictionary)
	if got := hex.EncodeToString(sum[:8]); got != "16d52ec7a54842f5" {
		t.Errorf("the dictionary is %s: another one needs another mark than packed", got)
	}
}

// BenchmarkPack packs a payload of about the example's size, and unpacks it.
func BenchmarkPack(b *testing.B) {
	text := []byte(`{"v":1,"kind":"provision","traceId":"4bf92f3577b34da6a3ce929d0e0e4736","work":{"component":{"id":"urn:dmb:cmp:finance:cashflow:1:places-ingestion","environment":"development"},"name":"Places ingestion","source":{"name":"finance.cashflow.1.File","connector":"source-file","configuration":{"dataset_name":"places","format":"csv","provider":{"storage":"HTTPS","user_agent":false},"url":"https://storage.googleapis.com/covid19-open-data/v2/latest/epidemiology.csv"}},"destination":{"name":"finance.cashflow.1.Snowflake","connector":"destination-snowflake","configuration":{"database":"","schema":""}},"connection":{"name":"finance.cashflow.1.File <> Snowflake"}}}`)
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := Unpack(Pack(text)); err != nil {
			b.Fatal(err)
		}
	}
}
