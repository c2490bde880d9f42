package reconcile

import (
	"context"
	"sync"
	"time"
)

// places are an attempt's rights to run checks and discoveries.
type places struct {
	job func(context.Context) (release func(), err error)
	// patience is after how long an attempt that had a place before asks again;
	// zero means that it ends. It is for what would have to run again otherwise.
	patience time.Duration
	mu       sync.Mutex
	had      bool
	held     int
	freed    chan struct{} // closed when the next place is given back
}

// take gets a place. Where there is none, it is only waited for while the
// attempt's other branch holds one: two branches that sent each other back to
// the queue would never end.
func (p *places) take(ctx context.Context) (release func(), err error) {
	if p.job == nil {
		return func() {}, nil
	}
	for {
		give, freed, err := p.try(ctx)
		switch {
		case err == nil:
			return give, nil
		case freed == nil && !p.patient():
			return nil, err
		case freed == nil:
			if err := wait(ctx, p.patience); err != nil {
				return nil, err
			}
			continue
		}
		select {
		case <-freed:
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		}
	}
}

func (p *places) patient() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.had && p.patience > 0
}

// try asks once. After a refusal freed tells when it makes sense to ask again;
// it is nil when this attempt holds no place.
func (p *places) try(ctx context.Context) (release func(), freed <-chan struct{}, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	give, err := p.job(ctx)
	switch {
	case err == nil:
		p.held++
		p.had = true
		return func() { p.give(give) }, nil, nil
	case p.held == 0:
		return nil, nil, err
	case p.freed == nil:
		p.freed = make(chan struct{})
	}
	return nil, p.freed, err
}

func (p *places) give(release func()) {
	release()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.held--
	if p.freed != nil {
		close(p.freed)
		p.freed = nil
	}
}

// slow runs a check or a discovery, when it may.
func (s *session) slow(ctx context.Context, run func() error) error {
	release, err := s.places.take(ctx)
	if err != nil {
		return err
	}
	defer release()
	return run()
}
