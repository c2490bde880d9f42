package worker

import (
	"sync"
	"time"

	"airbyte-provisioner/internal/workload"
)

// steps divides the time of an attempt among its phases. A phase's time is what
// passed before each of its log lines: most lines tell what was just done, and
// those that announce something long are followed by another of their phase.
type steps struct {
	mu   sync.Mutex
	last time.Time // of the last line, or the begin
	took map[workload.Phase]time.Duration
}

// reach notes that a phase has got so far; a line of no phase tells nothing.
func (s *steps) reach(phase workload.Phase, now time.Time) {
	if phase == "" {
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.took == nil {
		s.took = map[workload.Phase]time.Duration{}
	}
	s.took[phase] += now.Sub(s.last)
	s.last = now
}

// each visits the phases of an attempt that ends, the last of which is the finish.
func (s *steps) each(now time.Time, visit func(workload.Phase, time.Duration)) {
	s.reach(workload.PhaseFinish, now)
	s.mu.Lock()
	defer s.mu.Unlock()
	for phase, took := range s.took {
		visit(phase, took)
	}
}
