package reconcile

import (
	"context"
	"slices"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// chooseStreams decides the streams of the connection after a discovery; nil
// without one, when they are those that the connection has.
func (s *session) chooseStreams(ctx context.Context, d *draft, discovery *airbyte.Discovery, modes []string) ([]airbyte.ConfiguredStream, error) {
	if discovery == nil {
		return nil, streamFailure(d.wanted.connection.namespacing().collisions(d.connection.Catalog.Streams))
	}
	before := d.plan.of(Connection)
	streams, err := s.planStreams(d, discovery, modes)
	if err != nil {
		return nil, err
	}
	if e := d.plan.of(Connection); e.Action == Update && !slices.Equal(e.Fields, before.Fields) {
		s.log(workload.Info, workload.PhaseConnection, "Plan: "+e.String())
	}
	return streams, ctx.Err()
}

// planStreams chooses streams out of what was discovered and plans the
// connection, which was planned without them, anew.
func (s *session) planStreams(d *draft, discovery *airbyte.Discovery, modes []string) ([]airbyte.ConfiguredStream, error) {
	streams, problems := s.selection(d, discovery, modes).choose()
	if len(problems) > 0 {
		return nil, streamFailure(problems)
	}
	d.wanted.connection.shape.Streams, d.wanted.connection.streams = streamShapes(streams), true
	for i, e := range d.plan.Entries {
		if e.Entity == Connection && e.Action != Delete {
			d.plan.Entries[i] = s.replan(d)
		}
	}
	return streams, nil
}

// selection is what streams are chosen from: where nothing gave reason to look
// for others, only those of the last discovery count.
func (s *session) selection(d *draft, discovery *airbyte.Discovery, modes []string) selection {
	pick := selection{
		discovered: discovery.Catalog.Streams, modes: modes,
		wishes: s.work.Connection.Streams, namespace: d.wanted.connection.namespacing(),
	}
	if k := s.here(); !fresh(d.wanted, d.plan.of(Source), k) {
		pick.only = k.Discovery.Streams
		s.missing(pick)
	}
	return pick
}

// replan decides on the connection again, now that the streams are known.
func (s *session) replan(d *draft) Entry {
	return decideConnection(d.wanted.connection, d.plan.of(Source), d.plan.of(Destination), d.connection, s.here())
}

// missing tells of streams that were there at the last discovery.
func (s *session) missing(pick selection) {
	for _, key := range pick.only {
		if !slices.ContainsFunc(pick.discovered, func(c airbyte.ConfiguredStream) bool { return c.Stream.Key() == key }) {
			s.log(workload.Warning, workload.PhaseDiscovery, "The source no longer has the stream %s.", key)
		}
	}
}

func streamFailure(problems []workload.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	return &workload.Failure{
		Code: workload.CodeInvalid, Phase: workload.PhaseDiscovery,
		Message:   "The streams that the descriptor asks for do not fit the source and the destination.",
		Problems:  problems,
		Solutions: []string{"Correct specific.connection.streams as each problem says, then provision again."},
	}
}

// writeConnection creates or updates the connection as planned.
func (s *session) writeConnection(ctx context.Context, d *draft, streams []airbyte.ConfiguredStream, discovery *airbyte.Discovery) error {
	entry := d.plan.of(Connection)
	switch entry.Action {
	case Keep:
		s.wroteConnection(d, *d.connection, streams, discovery, false)
		return nil
	case Update:
		return s.updateConnection(ctx, d, streams, discovery)
	default:
		return s.createConnection(ctx, d, streams, discovery)
	}
}

func (s *session) createConnection(ctx context.Context, d *draft, streams []airbyte.ConfiguredStream, discovery *airbyte.Discovery) error {
	w := d.wanted.connection.shape
	if d.connection != nil {
		streams = s.carry(d, streams)
	}
	s.begins(Connection)
	created, err := s.client.CreateConnection(ctx, airbyte.ConnectionCreate{
		SourceID: d.source, DestinationID: d.destination, Status: w.Status, Name: w.Name,
		NamespaceDefinition: w.NamespaceDefinition, NamespaceFormat: w.NamespaceFormat, Prefix: w.Prefix,
		ScheduleType: w.Schedule.Type, ScheduleData: scheduleData(w.Schedule),
		Catalog: &airbyte.Catalog{Streams: streams}, SourceCatalogID: discovery.CatalogID, NonBreakingChanges: w.NonBreakingChanges,
	})
	if err != nil {
		if refused(err) {
			s.ledger.note(func(k *known) { k.done(Connection) })
		}
		return s.failed(workload.PhaseConnection, "The connection could not be created", err)
	}
	s.log(workload.Info, workload.PhaseConnection, "The connection %s was created (%s) with %s.", quoted(w.Name), created.ID, count(len(streams), "stream"))
	s.wroteConnection(d, created, streams, discovery, true)
	return nil
}

func (s *session) updateConnection(ctx context.Context, d *draft, streams []airbyte.ConfiguredStream, discovery *airbyte.Discovery) error {
	w, changes := d.wanted.connection.shape, connectionChanges(d.wanted.connection, *d.connection, s.here())
	patch := airbyte.ConnectionUpdate{ID: d.connection.ID}
	for field := range changes {
		switch field {
		case fieldName:
			patch.Name = &w.Name
		case fieldStatus:
			patch.Status = &w.Status
		case fieldSchedule:
			patch.ScheduleType, patch.ScheduleData = &w.Schedule.Type, scheduleData(w.Schedule)
		case fieldNamespace:
			patch.NamespaceDefinition = &w.NamespaceDefinition
			if w.NamespaceDefinition == customFormat {
				patch.NamespaceFormat = &w.NamespaceFormat
			}
		case fieldPrefix:
			patch.Prefix = &w.Prefix
		case fieldNonBreaking:
			patch.NonBreakingChanges = &w.NonBreakingChanges
		case fieldStreams:
			patch.Catalog = &airbyte.Catalog{Streams: keepMappers(streams, d.connection.Catalog.Streams)}
			if discovery.CatalogID != "" {
				patch.SourceCatalogID = &discovery.CatalogID
			}
			if d.connection.BreakingChange {
				patch.BreakingChange = new(bool) // what broke is in the new catalog
			}
		}
	}
	// Its streams may have made it another entry than the one that was intended.
	if entry := d.plan.of(Connection); !s.here().Deeds.of(s.attempt.Token).tell(entry) {
		if err := s.ledger.remember(ctx, func(k *known) { s.intended(k, d, entry) }); err != nil {
			return err
		}
	}
	s.begins(Connection)
	updated, err := s.client.UpdateConnection(ctx, patch)
	if err != nil {
		return s.failed(workload.PhaseConnection, "The connection could not be updated", err)
	}
	s.log(workload.Info, workload.PhaseConnection, "The connection %s was updated (%s).", quoted(w.Name), updated.ID)
	s.wroteConnection(d, updated, streams, discovery, true)
	return nil
}

// carry takes what people set on the streams of a connection along to the one
// that replaces it: a column that they had hashed must not arrive in the clear.
// To another source's streams it need not fit, so there it is only told.
func (s *session) carry(d *draft, streams []airbyte.ConfiguredStream) []airbyte.ConfiguredStream {
	old := slices.Clone(d.connection.Catalog.Streams)
	touched := false
	for i := range old {
		config := &old[i].Config
		touched = touched || len(config.Mappers) > 0 || len(config.HashedFields) > 0
		config.IncludeFiles, config.DestinationObjectName = nil, "" // these belong to the destination
	}
	if d.plan.of(Source).Action != Replace {
		return keepMappers(streams, old)
	}
	if touched {
		s.log(workload.Warning, workload.PhaseConnection,
			"The mappers and hashed fields that were set by hand on connection %s (%s) are not taken along, because its source is replaced: set them again before its first sync.",
			quoted(d.connection.Name), d.connection.ID)
	}
	return streams
}

// keepMappers leaves in place what people set on a stream that stays and that a
// descriptor cannot say: a catalog that is sent replaces the whole one.
func keepMappers(streams, before []airbyte.ConfiguredStream) []airbyte.ConfiguredStream {
	kept := slices.Clone(streams)
	for i := range kept {
		at := slices.IndexFunc(before, func(c airbyte.ConfiguredStream) bool { return c.Stream.Key() == kept[i].Stream.Key() })
		if at < 0 {
			continue
		}
		old, config := before[at].Config, &kept[i].Config
		config.Mappers, config.HashedFields = old.Mappers, old.HashedFields
		config.IncludeFiles, config.DestinationObjectName = old.IncludeFiles, old.DestinationObjectName
	}
	return kept
}

// wroteConnection notes the connection and the discovery behind it.
func (s *session) wroteConnection(d *draft, c airbyte.Connection, streams []airbyte.ConfiguredStream, discovery *airbyte.Discovery, changed bool) {
	w := d.wanted.connection
	d.joined = c.ID
	s.ledger.note(func(k *known) {
		if discovery != nil {
			k.Discovery = knownDiscovery{
				At: s.now(), Source: d.wanted.source.marks.Wanted, Wishes: w.wishes, CatalogID: discovery.CatalogID,
				Set: s.keyed.of("streams", w.shape.Streams), Streams: keys(streams),
			}
			k.done(Discovery)
		}
		// Of a connection that was only looked at, no more is taken down than that
		// it is the one: what differs and is kept, for a server that does not take
		// it over, was taken down when it was written.
		if wanted := w.print(k.Discovery.Set); changed || k.Connection.ID != c.ID || !same(k.Connection.Wanted, wanted) {
			k.Connection = knownConnection{ID: c.ID, Name: c.Name, Wanted: wanted, Read: s.keyed.of("read", shapeOf(c))}
		}
		k.done(Connection)
	})
}

func keys(streams []airbyte.ConfiguredStream) []airbyte.StreamKey {
	all := make([]airbyte.StreamKey, 0, len(streams))
	for _, c := range streams {
		all = append(all, c.Stream.Key())
	}
	return all
}

// sync starts a sync where one is due.
func (s *session) sync(ctx context.Context, d *draft) error {
	if !s.here().SyncDue {
		return nil
	}
	if d.wanted.connection.shape.Status != defaultStatus {
		s.log(workload.Info, workload.PhaseSync, "No sync was started: the connection is not active.")
		s.ledger.note(func(k *known) { k.SyncDue = false })
		return nil
	}
	job, err := s.client.SyncConnection(ctx, d.joined)
	switch {
	case hasClass(err, airbyte.ClassConflict):
		s.log(workload.Info, workload.PhaseSync, "A sync is running already.")
	case err != nil:
		return s.failed(workload.PhaseSync, "Everything is in place, but the sync could not be started", err)
	default:
		s.log(workload.Info, workload.PhaseSync, "A sync was started (job %d).", job.ID)
	}
	s.ledger.note(func(k *known) { k.SyncDue = false })
	return nil
}
