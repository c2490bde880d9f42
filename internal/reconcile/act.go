package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// act carries out a plan: source and destination side by side, then the
// connection, then the end of what is superfluous.
func (s *session) act(ctx context.Context, d *draft) error {
	if err := s.intend(ctx, d); err != nil {
		return err
	}
	if err := s.write(ctx, d); err != nil {
		s.takeBack(d)
		return err
	}
	return s.removeExtras(ctx, d)
}

func (s *session) write(ctx context.Context, d *draft) error {
	var found *airbyte.Discovery
	var modes []string
	err := parallel(
		func() (err error) {
			found, err = s.sourceBranch(ctx, d)
			return err
		},
		func() (err error) {
			modes, err = s.destinationBranch(ctx, d)
			return err
		},
	)
	if err != nil {
		return err
	}
	streams, err := s.chooseStreams(ctx, d, found, modes)
	if err != nil {
		return err
	}
	return s.writeConnection(ctx, d, streams, found)
}

// sourceBranch writes the source and, where that is planned, has it discover its schema.
func (s *session) sourceBranch(ctx context.Context, d *draft) (*airbyte.Discovery, error) {
	id, err := s.writeActor(ctx, d, d.wanted.source, d.choice.source)
	if err != nil {
		return nil, err
	}
	d.source = id
	if d.plan.of(Discovery).Action != Run {
		return nil, nil //nolint:nilnil // none is needed
	}
	return s.discover(ctx, d, id)
}

// discover asks the source for its schema. Airbyte keeps the answer, so asking
// again after a cut connection is cheap; only a wish to look again reaches the
// source, and only once.
func (s *session) discover(ctx context.Context, d *draft, id string) (*airbyte.Discovery, error) {
	s.log(workload.Info, workload.PhaseDiscovery, "Reading the source's schema; this may take minutes.")
	var found airbyte.Discovery
	err := s.slow(ctx, func() (err error) {
		if d.wanted.connection.rediscover {
			found, err = s.rediscover(ctx, id)
		} else {
			found, err = s.client.DiscoverSource(ctx, id, false)
		}
		return err
	})
	if refused(err) {
		s.ledger.note(func(k *known) { k.done(Discovery) })
	}
	if err != nil {
		return nil, s.stored(s.failed(workload.PhaseDiscovery, "The source's schema could not be read", err), d)
	}
	s.log(workload.Info, workload.PhaseDiscovery, "The source has %s.", count(len(found.Catalog.Streams), "stream"))
	return &found, nil
}

// stored tells, where a source that is in use fails its discovery for good, that
// its new configuration is in use too: unlike a destination, which is checked
// before, a source is proved by the discovery of what is stored.
func (s *session) stored(err error, d *draft) error {
	var failure *workload.Failure
	proved := same(s.here().Discovery.Source, d.wanted.source.marks.Wanted)
	if proved || d.connection == nil || !errors.As(err, &failure) || failure.Code != workload.CodeCheck || failure.Retry {
		return err
	}
	told := *failure
	told.Message += " Airbyte has stored the new configuration: until it is corrected, the connection's syncs use it and are likely to fail."
	return (&told).Because(err)
}

// discoveryTime is after which time a discovery that was begun counts as ended.
const discoveryTime = 10 * time.Minute

// rediscover has the source itself look again. After an attempt whose answer was
// cut off, what Airbyte keeps is taken if it is news, or if the discovery that
// was begun then must have ended; until then nothing tells it from what was there before.
func (s *session) rediscover(ctx context.Context, id string) (airbyte.Discovery, error) {
	k := s.here()
	if begun, pending := k.Intents[Discovery]; pending && s.attempt.Number > 1 {
		kept, err := s.client.DiscoverSource(ctx, id, false)
		if err != nil || kept.CatalogID != k.Discovery.CatalogID || s.now().Sub(begun.Since) >= discoveryTime {
			return kept, err
		}
	} else {
		err := s.ledger.remember(ctx, func(k *known) { k.intend(Discovery, intent{Action: Run, Since: s.now()}) })
		if err != nil {
			return airbyte.Discovery{}, err
		}
	}
	return s.client.DiscoverSource(ctx, id, true)
}

// destinationBranch checks and writes the destination, and tells its sync modes
// where they are needed.
func (s *session) destinationBranch(ctx context.Context, d *draft) ([]string, error) {
	w, entry := d.wanted.destination, d.plan.of(Destination)
	if entry.configures() {
		if err := s.check(ctx, w); err != nil {
			return nil, err
		}
	}
	id, err := s.writeActor(ctx, d, w, d.choice.destination)
	if err != nil {
		return nil, err
	}
	d.destination = id
	if d.plan.of(Discovery).Action != Run {
		return nil, nil
	}
	spec, err := s.specification(ctx, airbyte.Destination, w.definitionID)
	return spec.DestinationSyncModes, s.failed(workload.PhaseDestination, "The sync modes of the destination could not be read", err)
}

// check has the connector check a configuration that is not stored.
func (s *session) check(ctx context.Context, w wantedActor) error {
	s.log(workload.Info, phaseOf(w.kind), "Checking the %s; this may take minutes.", w.kind)
	err := s.slow(ctx, func() error { return s.client.CheckActor(ctx, w.actor(s.workspace)) })
	if err != nil {
		return s.failed(phaseOf(w.kind), fmt.Sprintf("The check of the %s failed", w.kind), err)
	}
	s.log(workload.Info, phaseOf(w.kind), "The check of the %s succeeded.", w.kind)
	return nil
}

// writeActor creates or updates a source or destination as planned and returns its id.
func (s *session) writeActor(ctx context.Context, d *draft, w wantedActor, current *found) (string, error) {
	entry := d.plan.of(Entity(w.kind))
	if entry.Action == Keep {
		s.keepActor(w, *current)
		return current.ID, nil
	}
	wish := w.actor(s.workspace)
	wish.Name = w.name
	s.begins(entry.Entity)
	var written airbyte.Actor
	var err error
	if entry.Action == Update {
		wish.ID = current.ID
		written, err = s.client.UpdateActor(ctx, wish)
	} else {
		written, err = s.client.CreateActor(ctx, wish)
	}
	uncertain := d.before.pending(entry.Entity) // an earlier attempt never heard how its write ended
	if err != nil {
		return "", s.notWritten(w, entry, uncertain, err)
	}
	s.wrote(w, written)
	s.log(workload.Info, phaseOf(w.kind), "The %s %s was %s (%s).", w.kind, quoted(w.name), past(entry.Action), written.ID)
	if uncertain && entry.Action == Create {
		return written.ID, s.removeLate(ctx, d, w.kind, written.ID)
	}
	return written.ID, nil
}

// notWritten tells of a write that failed. Where Airbyte refused it, nothing is
// pending that was not before.
func (s *session) notWritten(w wantedActor, entry Entry, uncertain bool, err error) error {
	if refused(err) && !uncertain {
		s.ledger.note(func(k *known) { k.done(entry.Entity) })
	}
	return s.failed(phaseOf(w.kind), fmt.Sprintf("The %s could not be %s", w.kind, past(entry.Action)), err)
}

// wrote notes what was written and what Airbyte made of it.
func (s *session) wrote(w wantedActor, written airbyte.Actor) {
	marks := w.marks
	marks.Read = s.readPrint(w.kind, written.Configuration)
	s.ledger.note(func(k *known) {
		*k.actor(w.kind) = knownActor{ID: written.ID, DefinitionID: w.definitionID, Connector: w.connector, Prints: marks}
		k.done(Entity(w.kind))
	})
}

func (s *session) readPrint(kind airbyte.ActorKind, configuration map[string]any) string {
	if configuration == nil {
		return ""
	}
	return s.keyed.of(string(kind)+" read", configuration)
}

// keepActor notes one that is as wanted, so that the next look is short.
func (s *session) keepActor(w wantedActor, current found) {
	if !settled(w, &current, s.here()) && w.configuration != nil {
		s.wrote(w, current.Actor)
	}
}

// removeLate looks, after an earlier create whose end was never heard of, whether
// that one acted after all, and removes what it made: nothing uses it yet.
func (s *session) removeLate(ctx context.Context, d *draft, kind airbyte.ActorKind, keep string) error {
	listed, err := s.client.ListActors(ctx, kind, s.workspace, searchTerm(s.digest))
	if err != nil {
		return s.failed(phaseOf(kind), "What an earlier attempt may have made could not be read", err)
	}
	for _, a := range listed {
		if a.ID == keep || ownerOf(a.Name) != s.digest || has(d.observed.actors(kind), a.ID) {
			continue
		}
		s.log(workload.Warning, phaseOf(kind), "An earlier attempt made the %s %s after all; it is removed.", kind, a.ID)
		if err := s.deleteActor(ctx, kind, a.ID); err != nil {
			return err
		}
	}
	return nil
}

// removeExtras deletes what the plan says, in its order: connections first.
func (s *session) removeExtras(ctx context.Context, d *draft) error {
	if err := s.removing(ctx, d.plan.Entries); err != nil {
		return err
	}
	for _, e := range d.plan.Entries {
		if e.Action != Delete {
			continue
		}
		var err error
		switch e.Entity {
		case Connection:
			err = s.deleteConnection(ctx, e.ID)
		case Source:
			err = s.deleteActor(ctx, airbyte.Source, e.ID)
		default:
			err = s.deleteActor(ctx, airbyte.Destination, e.ID)
		}
		if err != nil {
			return err
		}
		d.done = append(d.done, e)
		s.log(workload.Info, workload.PhaseFinish, "The %s %s (%s) was removed: %s.", e.Entity, quoted(e.Name), e.ID, e.Reason)
	}
	s.ledger.note(func(k *known) { k.Leftovers = d.left() })
	return nil
}

// left are sources and destinations that are no longer needed and had to stay.
// Those with the digest in their name are found without being remembered.
func (d *draft) left() map[Entity][]string {
	left := map[Entity][]string{}
	add := func(e Entity, current *found, extras []found) {
		if current != nil && d.plan.of(e).Action == Replace {
			extras = append(slices.Clone(extras), *current)
		}
		for _, f := range extras {
			gone := slices.ContainsFunc(d.done, func(done Entry) bool { return done.ID == f.ID })
			if !gone && ownerOf(f.Name) == "" {
				left[e] = append(left[e], f.ID)
			}
		}
	}
	add(Source, d.choice.source, d.choice.extraSources)
	add(Destination, d.choice.destination, d.choice.extraDestinations)
	if len(left) == 0 {
		return nil
	}
	return left
}

func past(a Action) string {
	switch a {
	case Update:
		return "updated"
	case Delete:
		return "deleted"
	default:
		return "created"
	}
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
