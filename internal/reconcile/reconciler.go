package reconcile

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/mishap"
	"airbyte-provisioner/internal/workload"
)

// Options are what a Reconciler needs.
type Options struct {
	Client *airbyte.Client
	// Catalog knows connectors, and Secrets what their configurations refer to; nil resolves nothing.
	Catalog *catalog.Catalog
	Secrets catalog.Secrets
	Memory  Memory
	// Workspace is the id of the workspace of every environment that Workspaces does not name.
	Workspace  string
	Workspaces map[string]string
	// UIURL is where people open Airbyte; empty means that nothing is linked.
	UIURL string
	// FingerprintKey is the key of the hashes by which changed secrets are noticed.
	FingerprintKey []byte
	// Adopt takes over, once, entities that carry the descriptor's plain names.
	Adopt bool
	// CascadeForeign lets an unprovision delete a source or destination although
	// a connection that people made still uses it.
	CascadeForeign bool
	// PollInterval is the time between two looks at a job that is waited for; zero means three seconds.
	PollInterval time.Duration
	// Job asks for the right to start a check or a discovery and returns how to
	// give it back; its error ends the attempt. Nil bounds nothing.
	Job func(ctx context.Context) (release func(), err error)
	// Log gets what is for operators only; nil means none.
	Log *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Reconciler brings Airbyte to what descriptors want. It is safe for concurrent
// use, but for one component only one attempt may be made at a time.
type Reconciler struct {
	Options
	specifications *specifications
}

// New returns a reconciler, or an error that says which option is missing.
func New(options Options) (*Reconciler, error) {
	switch {
	case options.Client == nil || options.Catalog == nil || options.Memory == nil:
		return nil, errors.New("reconcile: client, catalog and memory are needed")
	case len(options.FingerprintKey) == 0:
		return nil, errors.New("reconcile: the fingerprint key is missing")
	}
	options.PollInterval = cmp.Or(options.PollInterval, 3*time.Second)
	options.UIURL = strings.TrimRight(options.UIURL, "/")
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	return &Reconciler{Options: options, specifications: &specifications{}}, nil
}

// Performer does one kind of operation.
type Performer func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error)

// Perform calls the function.
func (p Performer) Perform(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
	return p(ctx, work, attempt)
}

// Provision is the performer of provision operations.
func (r *Reconciler) Provision() Performer { return r.provision }

// Step is something else that ends with a component. It returns what it did, in
// lines for people, and is taken again after an attempt that failed.
type Step func(ctx context.Context, component workload.Component, attempt workload.Attempt) ([]string, error)

// Unprovision is the performer of unprovision operations. The last steps come
// when all is removed.
func (r *Reconciler) Unprovision(last ...Step) Performer {
	return func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		return r.unprovision(ctx, work, attempt, last)
	}
}

// session is one attempt at one component in one workspace.
type session struct {
	*Reconciler
	client    *airbyte.Client
	secrets   *airbyte.Concealed // that this attempt sends
	work      workload.Work
	attempt   workload.Attempt
	digest    string
	workspace string
	keyed     fingerprints
	ledger    *ledger
	specs     *attemptSpecs
	places    *places
	// former says that the workspace is one that the component has moved from, and
	// that the ids in the work are ours.
	former bool
}

// attemptSpecs are the specifications that an attempt has read.
type attemptSpecs struct {
	mu   sync.Mutex
	read map[airbyte.ActorKind]specification
}

func (a *attemptSpecs) get(kind airbyte.ActorKind) (specification, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	spec, ok := a.read[kind]
	return spec, ok
}

func (a *attemptSpecs) put(kind airbyte.ActorKind, spec specification) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.read[kind] = spec
}

// begin recalls what is known and binds the client to the attempt.
func (r *Reconciler) begin(ctx context.Context, work workload.Work, attempt workload.Attempt) (*session, error) {
	s := &session{Reconciler: r, client: r.Client, work: work, attempt: attempt, digest: work.Component.Digest()}
	s.specs = &attemptSpecs{read: map[airbyte.ActorKind]specification{}}
	s.places = &places{job: r.Job}
	s.keyed = fingerprints{key: r.FingerprintKey, digest: s.digest}
	s.secrets = &airbyte.Concealed{}
	s.client = s.client.Concealing(s.secrets)
	if attempt.Holds != nil {
		s.client = s.client.Guarded(attempt.Holds)
	}
	s.workspace = cmp.Or(r.Workspaces[work.Component.Environment], r.Workspace)
	if s.workspace == "" {
		return nil, mishap.NoWorkspace(workload.PhaseObserve, work.Component.Environment)
	}
	s.workspace = strings.ToLower(s.workspace)
	ledger, readable, err := openLedger(ctx, r.Memory, work.Component)
	if err != nil {
		return nil, err
	}
	if !readable {
		s.Log.WarnContext(ctx, "what is remembered of a component cannot be read", "token", attempt.Token,
			"component", work.Component.String(), "traceId", attempt.TraceID)
		s.log(workload.Warning, workload.PhaseObserve, "What was remembered of this component cannot be read; it is found again in Airbyte.")
	}
	s.ledger = ledger
	return s, nil
}

// log writes a line to the operation's log.
func (s *session) log(level workload.Level, phase workload.Phase, format string, a ...any) {
	if s.attempt.Log != nil {
		if len(a) > 0 {
			format = fmt.Sprintf(format, a...)
		}
		s.attempt.Log(level, phase, format)
	}
}
