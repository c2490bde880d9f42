package reconcile

import (
	"context"
	"maps"
	"slices"
	"time"
)

// intent is a call whose end is not known yet.
type intent struct {
	Action Action    `json:"action"`
	Since  time.Time `json:"since"`
	// Name is the one that a connection was to get.
	Name string `json:"name,omitempty"`
}

func (k known) pending(e Entity) bool {
	_, pending := k.Intents[e]
	return pending
}

func (k *known) intend(e Entity, call intent) {
	k.Intents = with(k.Intents, e, call)
}

func (k *known) done(e Entity) {
	k.Intents = without(k.Intents, e)
}

// with and without return changed copies.
func with[V any](all map[Entity]V, e Entity, value V) map[Entity]V {
	next := maps.Clone(all)
	if next == nil {
		next = map[Entity]V{}
	}
	next[e] = value
	return next
}

func without[V any](all map[Entity]V, e Entity) map[Entity]V {
	next := maps.Clone(all)
	delete(next, e)
	return next
}

// writes are the entries that create or change something.
func (p Plan) writes() []Entry {
	return slices.DeleteFunc(slices.Clone(p.Entries), func(e Entry) bool {
		return e.Entity == Discovery || e.Action == Keep || e.Action == Delete
	})
}

// intend remembers all planned writes before the first of them is made: should
// the attempt end without a word, the next one knows what it may find.
func (s *session) intend(ctx context.Context, d *draft) error {
	d.before = s.here()
	writes := d.plan.writes()
	if len(writes) == 0 {
		return nil
	}
	return s.ledger.remember(ctx, func(k *known) {
		for _, e := range writes {
			s.intended(k, d, e)
		}
	})
}

func (s *session) intended(k *known, d *draft, e Entry) {
	k.Deeds = k.Deeds.of(s.attempt.Token).writes(e)
	switch {
	case e.Entity != Connection:
		k.intend(e.Entity, intent{Action: e.Action, Since: s.now()})
		k.SyncDue = k.SyncDue || d.wanted.connection.sync
	case e.Action == Update: // what came of it can be read
		k.SyncDue = k.SyncDue || d.wanted.connection.sync
	default:
		k.intend(e.Entity, intent{Action: Create, Since: s.now(), Name: e.Name})
		k.SyncDue = d.wanted.connection.sync
	}
}

// begins notes that an intended call is made now.
func (s *session) begins(e Entity) {
	s.ledger.note(func(k *known) { k.begun = append(slices.Clone(k.begun), e) })
}

// takeBack notes what an attempt that failed had intended and did not begin: it
// is known as before.
func (s *session) takeBack(d *draft) {
	writes := d.plan.writes()
	if len(writes) == 0 {
		return
	}
	s.ledger.note(func(k *known) {
		for _, e := range writes {
			if slices.Contains(k.begun, e.Entity) {
				continue
			}
			k.done(e.Entity)
			if before, pending := d.before.Intents[e.Entity]; pending {
				k.intend(e.Entity, before)
			}
			k.Deeds = k.Deeds.back(e.Entity, d.before.Deeds)
		}
		if len(k.begun) == 0 {
			k.SyncDue = d.before.SyncDue
		}
	})
}
