package reconcile

import (
	"errors"
	"strings"
	"testing"
)

func TestParallel(t *testing.T) {
	t.Parallel()
	failed := errors.New("failed")
	nothing := func() error { return nil }
	if err := parallel(nothing, nothing); err != nil {
		t.Errorf("two good branches give %v", err)
	}
	if err := parallel(func() error { return failed }, nothing); !errors.Is(err, failed) {
		t.Errorf("a failed branch gives %v", err)
	}
	if err := parallel(func() error { panic("poison") }, nothing); err == nil || !strings.Contains(err.Error(), "poison") {
		t.Errorf("a branch that panics gives %v: it must not end the process, nor pass for good", err)
	}
}
