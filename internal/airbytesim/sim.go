package airbytesim

import (
	"context"
	"encoding/binary"
	"errors"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"github.com/google/uuid"
)

// Sim is one simulated Airbyte. All its methods may be called at the same time.
type Sim struct {
	options Options
	rules   *rules
	routes  map[string]handler
	log     *slog.Logger
	now     func() time.Time
	after   func(time.Duration) <-chan time.Time
	key     []byte // signs access tokens

	// mu guards what the server holds. Nothing waits while it is held.
	mu       sync.Mutex
	world    *world
	behavior Behavior
	random   *rand.Rand

	traffic traffic
}

// New starts a simulator. The error says which definition or option is wrong.
func New(options Options) (*Sim, error) {
	loaded, err := loadRules()
	if err != nil {
		return nil, err
	}
	s := &Sim{options: options, rules: loaded, log: options.Logger, now: options.Now, after: options.After}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	if s.now == nil {
		s.now = time.Now
	}
	if s.after == nil {
		s.after = time.After
	}
	if options.Auth.Mode == AuthClient && (options.Auth.ClientID == "" || options.Auth.ClientSecret == "") {
		return nil, errors.New("airbytesim: client credentials are asked for, but none are given")
	}
	if err := options.Behavior.check(); err != nil {
		return nil, err
	}
	s.routes = routes()
	s.traffic.init(options.CallLimit)
	if err := s.fresh(); err != nil {
		return nil, err
	}
	return s, nil
}

// fresh gives the simulator the world that its options describe, from the seed.
func (s *Sim) fresh() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], uint64(s.options.Seed)) //nolint:gosec // every bit pattern is a good seed
	s.random = rand.New(rand.NewChaCha8(seed))                     //nolint:gosec // ids must repeat, not be secret
	s.key = []byte(s.newID())
	s.behavior = s.options.Behavior
	w, err := s.newWorld()
	if err != nil {
		return err
	}
	s.world = w
	s.traffic.setLatencies(s.options.Latencies)
	return nil
}

// Reset forgets everything: entities, faults, calls, latencies, catalogs; held
// calls go on. The same ids come again from the seed.
func (s *Sim) Reset() error {
	s.traffic.reset()
	return s.fresh()
}

// Close lets every held call go on, now and later, so that servers in front of
// the simulator can shut down.
func (s *Sim) Close() { s.traffic.close() }

// SetBehavior replaces how the server behaves from the next call on. An unknown
// edition is taken for one with permissions.
func (s *Sim) SetBehavior(b Behavior) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.behavior = b
}

// Behavior answers how the server behaves now.
func (s *Sim) Behavior() Behavior {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.behavior
}

// newID draws a UUID from the seed; mu is held.
func (s *Sim) newID() string {
	var b [16]byte
	binary.LittleEndian.PutUint64(b[:8], s.random.Uint64())
	binary.LittleEndian.PutUint64(b[8:], s.random.Uint64())
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80 // version 4
	return uuid.UUID(b).String()
}

// draw takes a time from a latency's range.
func (s *Sim) draw(l Latency) time.Duration {
	if l.Max <= l.Min {
		return l.Min
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return l.Min + time.Duration(s.random.Int64N(int64(l.Max-l.Min)+1))
}

// wait lets a latency pass; it ends early when the context does.
func (s *Sim) wait(ctx context.Context, l Latency) {
	d := s.draw(l)
	if d <= 0 {
		return
	}
	select {
	case <-s.after(d):
	case <-ctx.Done():
	case <-s.traffic.closed:
	}
}
