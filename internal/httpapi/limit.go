package httpapi

import (
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// An address may fail failureBurst times at once, and then once in failureEvery.
const (
	failureBurst = 10
	failureEvery = 6 * time.Second
	// rememberedClients bounds the memory: at most twice as many records live.
	rememberedClients = 4096
)

// failureLimit counts failed tokens per client. It keeps two generations of
// clients: when the younger one is full, it becomes the older one, and what was
// not seen since is forgotten. So memory is bounded whatever comes.
//
// A client that has shown a right token before is always listened to when it
// shows one again: behind a proxy whose clients share one address, somebody
// who guesses would otherwise lock out the Coordinator.
type failureLimit struct {
	mu           sync.Mutex
	young, older map[netip.Prefix]*record
}

// record is what is known of one client.
type record struct {
	failures *rate.Limiter // nil before the first
	proven   bool          // has shown a right token
}

// judge takes note of a client's token, right or wrong, and returns how long the
// client has to wait before it is listened to; 0 if it was listened to now. To
// look and to count is one step, or guesses made at once would all be free.
func (l *failureLimit) judge(client string, right bool, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	known := l.find(prefixOf(client))
	if right && known.proven {
		return 0
	}
	if known.failures != nil {
		if missing := 1 - known.failures.TokensAt(now); missing > 0 {
			return time.Duration(missing * float64(failureEvery))
		}
	}
	if right {
		known.proven = true
		return 0
	}
	if known.failures == nil {
		known.failures = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
	}
	known.failures.AllowN(now, 1)
	return 0
}

// find returns a client's record, which is of the younger generation from now on.
func (l *failureLimit) find(prefix netip.Prefix) *record {
	if known := l.young[prefix]; known != nil {
		return known
	}
	known := l.older[prefix]
	if known == nil {
		known = new(record)
	}
	if l.young == nil || len(l.young) >= rememberedClients {
		l.older, l.young = l.young, make(map[netip.Prefix]*record)
	}
	l.young[prefix] = known
	return known
}

// prefixOf is what one client is taken to own: an IPv4 address, or an IPv6
// network of 64 bits. What is no address at all is one client.
func prefixOf(client string) netip.Prefix {
	address, err := netip.ParseAddr(client)
	if err != nil {
		return netip.Prefix{}
	}
	address = address.Unmap().WithZone("")
	bits := 32
	if address.Is6() {
		bits = 64
	}
	prefix, _ := address.Prefix(bits) // the bits fit, so there is no error
	return prefix
}
