package workload

import "time"

// Kind is what an operation does.
type Kind string

// The kinds of operation, named as tasks and in logs.
const (
	Provision   Kind = "provision"
	Unprovision Kind = "unprovision"
	UpdateACL   Kind = "updateacl"
	Validate    Kind = "validate"
	Reverse     Kind = "reverse-provision"
)

// State is where an operation stands, in Witboost's words.
type State string

// The states of an operation. The last three are terminal: they never change.
const (
	Running     State = "RUNNING"
	Terminating State = "TERMINATING"
	Completed   State = "COMPLETED"
	Failed      State = "FAILED"
	Terminated  State = "TERMINATED"
)

// Terminal reports whether the state is final.
func (s State) Terminal() bool { return s == Completed || s == Failed || s == Terminated }

// Level is the severity of a log line, in Witboost's words.
type Level string

// The levels of the contract's Log schema.
const (
	Debug   Level = "DEBUG"
	Info    Level = "INFO"
	Warning Level = "WARNING"
	Error   Level = "ERROR"
)

// Phase names the step that a log line or a failure belongs to.
type Phase string

// The phases of an operation, in the order in which they usually come.
const (
	PhaseAccept      Phase = "accept"      // the request was taken
	PhaseObserve     Phase = "observe"     // what Airbyte holds is read
	PhasePlan        Phase = "plan"        // what must change is decided
	PhaseSource      Phase = "source"      // the source is written
	PhaseDiscovery   Phase = "discovery"   // the source's schema is read
	PhaseDestination Phase = "destination" // the destination is checked and written
	PhaseConnection  Phase = "connection"  // the connection is written
	PhaseSync        Phase = "sync"        // jobs are started, cancelled or waited for
	PhaseAccess      Phase = "access"      // grants are changed
	PhaseFinish      Phase = "finish"      // the end of an attempt or of the operation
)

// LogLine is one line of an operation's log, for the Coordinator and for people.
type LogLine struct {
	Time    time.Time `json:"timestamp"`
	Level   Level     `json:"level"`
	Phase   Phase     `json:"phase,omitempty"`
	Message string    `json:"message"`
}

// Order is a request to carry out an operation, before it has a token.
type Order struct {
	Kind    Kind
	Work    Work
	TraceID string // correlates the request with log lines and calls
}

// Status is what can be asked of an operation at any time.
type Status struct {
	Token       string
	Kind        Kind
	Component   Component
	Name        string      // the component's own name, for people; may be empty
	DataProduct DataProduct // for people; may be empty
	State       State
	Result      string   // one text for people; empty while running
	Outcome     *Outcome // set on COMPLETED
	Failure     *Failure // set on FAILED
	Logs        []LogLine
	Attempts    int // attempts begun so far
	Task        int // number of the operation's current task, 0 for its first
	AcceptedAt  time.Time
	StartedAt   time.Time // zero until the first attempt
	FinishedAt  time.Time // zero until terminal
	TraceID     string
}

// Outcome is what a completed operation answers.
type Outcome struct {
	Message string                 `json:"message"`
	Public  map[string]PublicEntry `json:"publicInfo,omitempty"`
	Private map[string]any         `json:"privateInfo,omitempty"`
	// Access tells who was granted access; the contract's aclInfo. An empty one says that nobody was, nil says nothing.
	Access []Grant `json:"aclInfo,omitzero"`
	// Validation is what a validate found; nil for the other kinds.
	Validation *Validation `json:"validation,omitempty"`
	// Updates maps paths of catalog-info.yaml to values; only of a reverse-provision.
	Updates map[string]any `json:"updates,omitempty"`
}

// Grant is one identity that was granted access.
type Grant struct {
	Identity string `json:"identity"`
	Locked   bool   `json:"locked"` // whether Witboost's access control panel must leave it alone
}

// Validation is the result of a check that could run: an invalid descriptor is
// a completed operation.
type Validation struct {
	Valid    bool      `json:"valid"`
	Problems []Problem `json:"problems,omitempty"` // at least one when not valid
}

// PublicEntry is one value that Witboost shows to people; entries of another
// shape are silently not shown.
type PublicEntry struct {
	Type  string `json:"type"` // string, link or date
	Label string `json:"label"`
	Value string `json:"value"`
	Href  string `json:"href,omitempty"` // with type link
}

// Attempt is what one attempt at an operation lends to the code that does the work.
type Attempt struct {
	Token   string
	TraceID string
	Number  int // from 1
	// Log adds a line to the operation's log; it never fails the work.
	Log func(level Level, phase Phase, message string)
	// Holds returns nil while this attempt may still act on its component. It is
	// asked before every call to Airbyte; after an error nothing more is sent.
	Holds func() error
}
