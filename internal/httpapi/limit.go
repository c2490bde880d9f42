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
	// rememberedClients bounds the memory: at most twice as many limiters live.
	rememberedClients = 4096
)

// failureLimit counts failed tokens per client. It keeps two generations of
// clients: when the younger one is full, it becomes the older one, and what was
// not seen since is forgotten. So memory is bounded whatever comes.
type failureLimit struct {
	mu           sync.Mutex
	young, older map[netip.Prefix]*rate.Limiter
}

// judge takes note of a client's token, right or wrong, and returns how long the
// client has to wait before it is listened to; 0 if it was listened to now. To
// look and to count is one step, or guesses made at once would all be free.
func (l *failureLimit) judge(client string, right bool, now time.Time) time.Duration {
	l.mu.Lock()
	defer l.mu.Unlock()
	prefix := prefixOf(client)
	limiter := l.find(prefix)
	if limiter == nil {
		if right {
			return 0
		}
		limiter = rate.NewLimiter(rate.Every(failureEvery), failureBurst)
		l.keep(prefix, limiter)
	}
	if missing := 1 - limiter.TokensAt(now); missing > 0 {
		return time.Duration(missing * float64(failureEvery))
	}
	if !right {
		limiter.AllowN(now, 1)
		l.keep(prefix, limiter)
	}
	return 0
}

// keep makes a client one of the younger generation.
func (l *failureLimit) keep(prefix netip.Prefix, limiter *rate.Limiter) {
	if _, known := l.young[prefix]; !known && (l.young == nil || len(l.young) >= rememberedClients) {
		l.older, l.young = l.young, make(map[netip.Prefix]*rate.Limiter)
	}
	l.young[prefix] = limiter
}

func (l *failureLimit) find(prefix netip.Prefix) *rate.Limiter {
	if limiter := l.young[prefix]; limiter != nil {
		return limiter
	}
	return l.older[prefix]
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
