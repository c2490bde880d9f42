package httpapi

import (
	"fmt"
	"testing"
	"time"
)

// TestFailureLimitForgets sees that memory stays bounded, and that somebody who
// keeps on guessing is not forgotten meanwhile.
func TestFailureLimitForgets(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var l failureLimit
	const guesser = "192.0.2.1"
	for range failureBurst {
		l.judge(guesser, false, now)
	}
	for i := range 20 * rememberedClients {
		l.judge(fmt.Sprintf("10.%d.%d.%d", i>>16, i>>8&255, i&255), false, now)
		if i%rememberedClients == 0 {
			if now = now.Add(failureEvery); l.judge(guesser, false, now) != 0 {
				t.Fatal("after its wait, the guesser is not listened to")
			}
		}
	}
	if known := len(l.young) + len(l.older); known > 2*rememberedClients {
		t.Errorf("%d clients are remembered", known)
	}
	if l.judge(guesser, true, now) == 0 {
		t.Error("the guesser was forgotten")
	}
}

// TestFailureLimitIgnoresSuccess sees that clients that never fail take no memory.
func TestFailureLimitIgnoresSuccess(t *testing.T) {
	t.Parallel()
	var l failureLimit
	for i := range 1000 {
		l.judge(fmt.Sprintf("10.0.%d.%d", i>>8, i&255), true, time.Unix(0, 0))
	}
	if len(l.young)+len(l.older) != 0 {
		t.Error("somebody is remembered")
	}
}
