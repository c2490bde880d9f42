package app

import (
	"context"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What the programs hold is small, some 3 MB, and by Go's default garbage would be
// collected after every few megabytes: under load a sixth of all time. So the heap
// may grow to five times what is held, and goes back to the system at rest.
const (
	growth = 400 // GOGC
	// restAfter is how long less than busyBytes must be allocated for a program to be at rest.
	restAfter = 2 * time.Second
	busyBytes = 8 << 20
)

// tuneHeap does so until ctx ends. A GOGC of the operator's own stays.
func tuneHeap(ctx context.Context) {
	const usual = 100
	if before := debug.SetGCPercent(growth); before != usual {
		debug.SetGCPercent(before)
		return
	}
	busy, last := true, allocated()
	go every(ctx, restAfter, func() {
		now := allocated()
		switch {
		case now-last > busyBytes:
			busy = true
		case busy:
			busy = false
			debug.FreeOSMemory()
		}
		last = now
	})
}

// allocated is how many bytes were ever allocated.
func allocated() uint64 {
	read := []metrics.Sample{{Name: "/gc/heap/allocs:bytes"}}
	metrics.Read(read)
	return read[0].Value.Uint64()
}
