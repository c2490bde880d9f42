package airbytesim

import (
	"fmt"
	"log/slog"
	"strings"
	"time"
)

// DefaultWorkspace is the workspace of a simulator that was given none.
const DefaultWorkspace = "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"

// Options say what a simulator starts with. The zero value is a working one:
// no authentication, one workspace, every embedded connector, no latency.
type Options struct {
	// Seed makes ids and jitter the same in every run.
	Seed int64
	// WorkspaceIDs are the workspaces it holds; none means DefaultWorkspace. The first is the instance's default.
	WorkspaceIDs []string
	// OrganizationID is the organization of every workspace; empty means one made from the seed.
	OrganizationID string
	// Auth is what the API asks of its callers.
	Auth Auth
	// Behavior is how it differs from the newest server.
	Behavior Behavior
	// Definitions are added to the embedded connectors, or replace one of the same id.
	Definitions []Definition
	// ConnectorsDir is a directory of connector specifications (NAME.json holding definitionId and
	// connectionSpecification) that replace the embedded ones; empty means none.
	ConnectorsDir string
	// Users are there from the start, beside the instance's own administrator.
	Users []User
	// Latencies are waited for by operation (see Fault.Operation for how one is matched). On a check or
	// a discovery it is the time its job takes, so a cached discovery does not wait.
	Latencies map[string]Latency
	// CallLimit is how many calls the log keeps, the newest; 0 means 100,000. Counters count all.
	CallLimit int
	// Now is the clock; nil means time.Now.
	Now func() time.Time
	// After is how latencies are waited for; nil means time.After.
	After func(time.Duration) <-chan time.Time
	// Logger gets one debug line a call; nil means none.
	Logger *slog.Logger
}

// The authentication modes.
const (
	AuthNone   = "none"   // no header is looked at
	AuthBasic  = "basic"  // HTTP basic, as old instances
	AuthClient = "client" // applications/token with client credentials, then a bearer token
)

// Auth is what the API asks of its callers.
type Auth struct {
	// Mode is AuthNone (also when empty), AuthBasic or AuthClient.
	Mode     string
	Username string
	Password string
	// ClientID and ClientSecret are the application's.
	ClientID     string
	ClientSecret string
	// TokenLifetime is how long an access token is good; 0 means 15 minutes.
	TokenLifetime time.Duration
	// BadCredentials is the status that wrong client credentials get: 400 as on Core (also when 0) or 401.
	BadCredentials int
}

// The editions, as instance_configuration names them.
const (
	EditionCommunity  = "community" // Core: one user, no permissions
	EditionPro        = "pro"
	EditionEnterprise = "enterprise"
	EditionTrial      = "trial"
)

// Behavior is how the simulated server behaves; it can be changed while it runs.
type Behavior struct {
	// Edition is one of the editions; empty means EditionEnterprise, which has permissions.
	Edition string `json:"edition,omitempty"`
	// OldErrors makes error bodies those of servers before 2.0 (trap 9).
	OldErrors bool `json:"oldErrors,omitempty"`
	// IgnorePaging makes lists answer everything, as older servers do (trap 1).
	IgnorePaging bool `json:"ignorePaging,omitempty"`
	// SubHourly entitles to schedules more often than hourly (trap 7's values).
	SubHourly bool `json:"subHourly,omitempty"`
	// NotInstanceAdmin means that the caller may not look up users by email.
	NotInstanceAdmin bool `json:"notInstanceAdmin,omitempty"`
	// NoGroups means that the edition or its licence has no groups of users.
	NoGroups bool `json:"noGroups,omitempty"`
	// JobPolls is after how many times of being asked for a job succeeds by itself; 0 means 2, negative
	// means never: then only a command ends it.
	JobPolls int `json:"jobPolls,omitempty"`
	// ProxyTimeout is after how long a proxy in front answers 504 to a check or a discovery, whose job goes
	// on (trap 10); zero means that there is no proxy.
	ProxyTimeout Latency `json:"proxyTimeout,omitzero"`
}

// check refuses an edition that Airbyte does not have.
func (b Behavior) check() error {
	switch b.Edition {
	case "", EditionCommunity, EditionPro, EditionEnterprise, EditionTrial:
		return nil
	}
	return fmt.Errorf("airbytesim: the edition is community, pro, enterprise or trial, not %q", b.Edition)
}

func (b Behavior) edition() string {
	if b.Edition == "" {
		return EditionEnterprise
	}
	return b.Edition
}

func (b Behavior) jobPolls() int {
	if b.JobPolls == 0 {
		return 2
	}
	return b.JobPolls
}

// Latency is a wait of at least Min and at most Max, drawn from the seed; a Max
// below Min means exactly Min. As text it is "2s" or "1s..3s".
type Latency struct {
	Min time.Duration
	Max time.Duration
}

// UnmarshalText reads "2s" or "1s..3s".
func (l *Latency) UnmarshalText(text []byte) error {
	low, high, ranged := strings.Cut(string(text), "..")
	var err error
	if l.Min, err = time.ParseDuration(low); err != nil {
		return err
	}
	l.Max = 0
	if ranged {
		l.Max, err = time.ParseDuration(high)
	}
	return err
}

// MarshalText is the reverse of UnmarshalText.
func (l Latency) MarshalText() ([]byte, error) {
	if l.Max > l.Min {
		return []byte(l.Min.String() + ".." + l.Max.String()), nil
	}
	return []byte(l.Min.String()), nil
}
