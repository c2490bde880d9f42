package reconcile

import (
	"bytes"
	"context"
	"encoding/json"
	"maps"
	"slices"
	"sync"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// Memory keeps what is known of a component from one operation to the next.
type Memory interface {
	// Recall returns what was last remembered; nil when nothing is.
	Recall(ctx context.Context, component workload.Component) ([]byte, error)
	// Remember keeps a value before it returns.
	Remember(ctx context.Context, component workload.Component, value []byte) error
	// Note keeps a value together with the end of the attempt, or never if that
	// ends without a word. No value forgets the component.
	Note(ctx context.Context, component workload.Component, value []byte)
}

// knownVersion is the version of the JSON form of known.
const knownVersion = 1

// known is what is remembered of a component: nothing in it is trusted before
// Airbyte was looked at, and no secret is in it, only keyed fingerprints.
type known struct {
	Version     int             `json:"v"`
	WorkspaceID string          `json:"workspace,omitempty"`
	Source      knownActor      `json:"source,omitzero"`
	Destination knownActor      `json:"destination,omitzero"`
	Connection  knownConnection `json:"connection,omitzero"`
	Discovery   knownDiscovery  `json:"discovery,omitzero"`
	// Intents are the calls that were about to be made when this was remembered.
	Intents map[Entity]intent `json:"intents,omitempty"`
	// Former are entities in other workspaces that are still to be removed.
	Former []workload.Entities `json:"former,omitempty"`
	// Leftovers are ids of what is to be removed once all that is wanted stands:
	// what was replaced, and what was one too many.
	Leftovers map[Entity][]string `json:"leftovers,omitempty"`
	// SyncDue says that a sync is to be started when all is in place.
	SyncDue bool `json:"syncDue,omitempty"`
	// Large says that the workspace had many connections when they were last listed.
	Large bool `json:"large,omitempty"`
	// ClearJobs are the jobs that clear the streams' data for an unprovision, by connection.
	ClearJobs map[string]int64 `json:"clearJobs,omitempty"`
	// Deeds are what the last operation that changed something did, all its attempts together.
	Deeds deeds `json:"deeds,omitzero"`
	// begun are the intended calls that this attempt has come to make.
	begun []Entity
}

// knownActor is what was last written to a source or destination.
type knownActor struct {
	ID           string `json:"id,omitempty"`
	DefinitionID string `json:"definition,omitempty"`
	Connector    string `json:"connector,omitempty"`
	// Prints are the fingerprints of what was sent and read; zero when unknown.
	Prints Prints `json:"prints,omitzero"`
}

// Prints are keyed fingerprints of an actor's configuration.
type Prints struct {
	Wanted  string `json:"wanted,omitempty"`  // what the descriptor and the settings came to, secrets included
	Read    string `json:"read,omitempty"`    // what Airbyte answered after the last write, secrets masked
	Secrets string `json:"secrets,omitempty"` // the secrets last sent
}

// knownConnection is what was last written to the connection.
type knownConnection struct {
	ID     string `json:"id,omitempty"`
	Name   string `json:"name,omitempty"`
	Wanted string `json:"wanted,omitempty"` // fingerprint of what was wanted
	Read   string `json:"read,omitempty"`   // fingerprint of what Airbyte answered, normalised
}

// knownDiscovery is the last discovery that led to a connection.
type knownDiscovery struct {
	At        time.Time `json:"at,omitzero"`
	Source    string    `json:"source,omitempty"` // fingerprint of the source's configuration that was discovered
	Wishes    string    `json:"wishes,omitempty"` // fingerprint of what the descriptor said of streams
	CatalogID string    `json:"catalogId,omitempty"`
	Set       string    `json:"set,omitempty"` // fingerprint of the configured streams
	// Streams are the chosen ones.
	Streams []airbyte.StreamKey `json:"streams,omitempty"`
}

func (k *known) actor(kind airbyte.ActorKind) *knownActor {
	if kind == airbyte.Source {
		return &k.Source
	}
	return &k.Destination
}

// entities are the ids.
func (k known) entities() workload.Entities {
	return workload.Entities{
		WorkspaceID: k.WorkspaceID, SourceID: k.Source.ID, DestinationID: k.Destination.ID, ConnectionID: k.Connection.ID,
	}
}

// ledger holds what is known during an attempt. What must be known before a call
// is made is remembered at once; the rest is noted, and kept with the end of the
// attempt: after one that ends without a word it is found again in Airbyte. It is
// safe for concurrent use.
type ledger struct {
	memory    Memory
	component workload.Component

	mu    sync.Mutex
	known known
	saved []byte
	noted bool // something is to be kept with the end of the attempt
}

// openLedger recalls what is known. Something unreadable counts as nothing: all of it
// can be found again, at the price of one needless update.
func openLedger(ctx context.Context, memory Memory, component workload.Component) (l *ledger, readable bool, err error) {
	raw, err := memory.Recall(ctx, component)
	if err != nil {
		return nil, false, err
	}
	l = &ledger{memory: memory, component: component, saved: raw}
	if len(raw) == 0 {
		return l, true, nil
	}
	if err := json.Unmarshal(raw, &l.known); err != nil {
		l.known = known{}
		return l, false, nil //nolint:nilerr // it is told by readable
	}
	if l.known.Version > knownVersion {
		return nil, true, workload.LeftToNewer("What is remembered of this component")
	}
	return l, true, nil
}

// look returns what is known now. Maps and slices in it must not be changed.
func (l *ledger) look() known {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.known
}

// adjust changes what is known, to be kept with the next thing that is.
func (l *ledger) adjust(k known) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.known = k
}

// note changes what is known, to be kept with the end of the attempt. The
// function must replace maps and slices, not change them: look hands them out.
func (l *ledger) note(change func(*known)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.known)
	l.noted = true
}

// remember is a note that is kept at once.
func (l *ledger) remember(ctx context.Context, change func(*known)) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.known)
	raw, err := l.text()
	if err != nil || bytes.Equal(raw, l.saved) {
		return err
	}
	if err := l.memory.Remember(ctx, l.component, raw); err != nil {
		return err
	}
	l.saved, l.noted = raw, false
	return nil
}

// end keeps what was noted with the end of the attempt, however that ends.
func (l *ledger) end(ctx context.Context) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.noted {
		return
	}
	if raw, err := l.text(); err == nil && !bytes.Equal(raw, l.saved) {
		l.memory.Note(ctx, l.component, raw)
	}
}

// text is what is known as it is kept; none where all was forgotten.
func (l *ledger) text() ([]byte, error) {
	if l.known.WorkspaceID == "" {
		return nil, nil
	}
	l.known.Version = knownVersion
	return json.Marshal(l.known)
}

// forget makes nothing known, with the end of the attempt.
func (l *ledger) forget() { l.note(func(k *known) { *k = known{} }) }

// clearing takes down the job that clears a connection's data.
func (k *known) clearing(connection string, job int64) {
	next := maps.Clone(k.ClearJobs)
	if next == nil {
		next = map[string]int64{}
	}
	next[connection] = job
	k.ClearJobs = next
}

// leave takes down what is to be removed.
func (k *known) leave(e Entity, id string) {
	if !slices.Contains(k.Leftovers[e], id) {
		k.Leftovers = with(k.Leftovers, e, append(slices.Clone(k.Leftovers[e]), id))
	}
}
