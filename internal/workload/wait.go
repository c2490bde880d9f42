package workload

import "time"

// WaitError says that the work cannot go on now although nothing failed: the
// attempt ends, costs nothing, and another follows after a while.
type WaitError struct {
	For time.Duration
	Why string // for people
}

// Error is why.
func (w *WaitError) Error() string { return w.Why }

// newerDelay is how long work is left to others that only a newer worker can do.
const newerDelay = 10 * time.Second

// LeftToNewer is the WaitError of work for which something has to be read that
// a newer version of this program wrote.
func LeftToNewer(what string) *WaitError {
	return &WaitError{For: newerDelay, Why: what + " was written by a newer version of the Airbyte provisioner; the operation is left to a newer worker."}
}
