package app

import (
	"context"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// What the programs hold is small, some 3 MB, and by Go's default garbage would be
// collected after every few megabytes: under load a sixth of all time. So the
// collector is told of a ballast, which costs no memory because nobody touches it,
// and the heap may grow to three times both: by some 50 MB where little is held,
// and by no more than thrice what is held where that is much. It goes back to the
// system at rest.
const (
	growth  = 200 // GOGC
	ballast = 24 << 20
	// lookEvery is how often is looked whether the program is at rest: whether it
	// has allocated less than restBytes since.
	lookEvery = 2 * time.Second
	restBytes = 2 << 20
	// worthBytes is how much there must be to be given back.
	worthBytes = 4 << 20
)

// tuneHeap does so until ctx ends. A GOGC of the operator's own stays.
func tuneHeap(ctx context.Context) {
	const usual = 100
	if before := debug.SetGCPercent(growth); before != usual {
		debug.SetGCPercent(before)
		return
	}
	weight := make([]byte, ballast)
	last := readHeap()
	go every(ctx, lookEvery, func() {
		runtime.KeepAlive(weight)
		now := readHeap()
		if now.allocated-last.allocated < restBytes && now.spare() > worthBytes {
			debug.FreeOSMemory()
		}
		last = now
	})
}

// heap is what the runtime tells of its heap, in bytes.
type heap struct {
	allocated                  uint64 // ever
	live                       uint64 // held when garbage was collected last
	objects, unused, spareSpan uint64 // what the heap has of the system
}

// spare is what is taken from the system and not held.
func (h heap) spare() int64 {
	return int64(h.objects+h.unused+h.spareSpan) - int64(h.live) //nolint:gosec // far below 2^63
}

func readHeap() heap {
	read := []metrics.Sample{
		{Name: "/gc/heap/allocs:bytes"},
		{Name: "/gc/heap/live:bytes"},
		{Name: "/memory/classes/heap/objects:bytes"},
		{Name: "/memory/classes/heap/unused:bytes"},
		{Name: "/memory/classes/heap/free:bytes"},
	}
	metrics.Read(read)
	value := func(i int) uint64 { return read[i].Value.Uint64() }
	return heap{allocated: value(0), live: value(1), objects: value(2), unused: value(3), spareSpan: value(4)}
}
