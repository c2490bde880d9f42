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

// TestProvenClient sees that who shares an address with somebody who guesses is not locked out.
func TestProvenClient(t *testing.T) {
	t.Parallel()
	now := time.Unix(1_800_000_000, 0)
	var l failureLimit
	const proxy = "10.0.0.1"
	l.judge(proxy, true, now)
	for range 2 * failureBurst {
		l.judge(proxy, false, now)
	}
	if l.judge(proxy, false, now) == 0 {
		t.Error("guesses are not slowed down")
	}
	if l.judge(proxy, true, now) != 0 {
		t.Error("the one with the right token waits too")
	}
	for i := range 2 * rememberedClients {
		l.judge(fmt.Sprintf("192.%d.%d.%d", i>>16, i>>8&255, i&255), false, now)
		if i%100 == 0 && l.judge(proxy, true, now) != 0 {
			t.Fatal("one that keeps coming was forgotten")
		}
	}
}
