package operation

import "time"

// WaitError says that the work cannot go on now although nothing failed: the
// attempt ends, costs nothing, and another follows after a while.
type WaitError struct {
	For time.Duration
	Why string // for people
}

// Error is why.
func (w *WaitError) Error() string { return w.Why }
