package access

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/mishap"
	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

// Options are what a Performer needs.
type Options struct {
	Airbyte *airbyte.Client
	// Redis keeps what was granted.
	Redis redis.UniversalClient
	// Instance separates installations that share one Redis; it starts every key.
	Instance string
	// Workspace is the workspace of every environment that Workspaces does not have.
	Workspace string
	// Workspaces are the workspaces of environments.
	Workspaces map[string]string
	// Located tells in which workspace a component was provisioned; "" means that
	// its environment decides. It may be nil.
	Located func(context.Context, workload.Component) (string, error)
	// Role is what is granted, one of Roles; empty means workspace_reader.
	Role string
	// Invite lets addresses that Airbyte does not know be invited.
	Invite bool
	// Principals translates refs; nil means an empty table.
	Principals *Principals
	Log        *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// Performer carries out updateacl. It is safe for concurrent use.
type Performer struct {
	options Options
	prefix  string
}

// New returns a Performer, or an error that says which option is wrong. It opens nothing.
func New(options Options) (*Performer, error) {
	options.Role = cmp.Or(options.Role, "workspace_reader")
	if !slices.Contains(Roles(), options.Role) {
		return nil, fmt.Errorf("access: the role %q is none of %s", options.Role, strings.Join(Roles(), ", "))
	}
	if options.Principals == nil {
		options.Principals = &Principals{}
	}
	if options.Log == nil {
		options.Log = slog.New(slog.DiscardHandler)
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	return &Performer{options: options, prefix: options.Instance + "airbyte-provisioner:"}, nil
}

// Perform makes the users of work.Access the only ones that have access to the
// component's workspace through the component. Errors are a *workload.Failure,
// an *workload.WaitError, or what attempt.Holds returned.
func (p *Performer) Perform(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
	if work.Access == nil {
		return workload.Outcome{}, errors.New("access: the work holds no access request")
	}
	workspace, err := p.workspaceOf(ctx, work.Component)
	if err != nil {
		return workload.Outcome{}, err
	}
	s := p.session(work.Component, attempt, workspace)
	if err := s.supported(ctx); err != nil {
		return workload.Outcome{}, err
	}
	principals, err := p.principals(work.Access.Refs)
	if err != nil {
		return workload.Outcome{}, err
	}
	if err := s.findGroups(ctx, principals); err != nil {
		return workload.Outcome{}, err
	}
	result, err := s.converge(ctx, principals)
	if err != nil {
		return workload.Outcome{}, err
	}
	elsewhere, err := p.releaseBut(ctx, work.Component, attempt, workspace)
	if err != nil {
		return workload.Outcome{}, err
	}
	return outcome(principals, result, elsewhere), nil
}

// Release takes back everything that was granted for a component and that no
// other one wants, in whichever workspace; an unprovision ends with it. Where
// nothing was granted it calls Airbyte not at all. It returns one line for
// each user whose access changed; its errors are those of Perform.
func (p *Performer) Release(ctx context.Context, component workload.Component, attempt workload.Attempt) ([]string, error) {
	results, err := p.releaseBut(ctx, component, attempt, "")
	if err != nil {
		return nil, err
	}
	lines := []string{}
	for _, r := range results {
		lines = append(lines, r.lines()...)
	}
	return lines, nil
}

// releaseBut takes a component's grants back in every workspace but one.
func (p *Performer) releaseBut(ctx context.Context, component workload.Component, attempt workload.Attempt, but string) ([]result, error) {
	workspaces, err := p.session(component, attempt, "").entered(ctx)
	if err != nil {
		return nil, err
	}
	var results []result
	for _, workspace := range workspaces {
		if workspace == but {
			continue
		}
		r, err := p.session(component, attempt, workspace).converge(ctx, nil)
		if err != nil {
			return nil, err
		}
		results = append(results, r)
	}
	return results, nil
}

// workspaceOf is where the component's access is to be.
func (p *Performer) workspaceOf(ctx context.Context, component workload.Component) (string, error) {
	if p.options.Located != nil {
		if workspace, err := p.options.Located(ctx, component); workspace != "" || err != nil {
			return strings.ToLower(workspace), err
		}
	}
	workspace := cmp.Or(p.options.Workspaces[component.Environment], p.options.Workspace)
	if workspace == "" {
		return "", mishap.NoWorkspace(workload.PhaseAccess, component.Environment)
	}
	return strings.ToLower(workspace), nil
}

// principals resolves refs, or fails by the names of those that stand for nobody.
func (p *Performer) principals(refs []string) ([]principal, error) {
	all := p.options.Principals.resolve(refs)
	failure := &workload.Failure{
		Code: workload.CodeInvalid, Phase: workload.PhaseAccess,
		Message: "Some users or groups cannot be resolved to email addresses; nothing was changed.",
	}
	for _, found := range all {
		if found.problem != "" {
			failure.Problems = append(failure.Problems, problem(found, found.problem))
		}
	}
	if failure.Problems == nil {
		return all, nil
	}
	failure.Solutions = []string{
		"Ask the operators of the Airbyte provisioner to map these identities to email addresses in its principals file (PRINCIPALS_FILE), then request the access again.",
		"Remove them from the access request.",
	}
	return nil, failure
}

// maxRef bounds how much of a ref is repeated in messages, in bytes.
const maxRef = 200

func problem(about principal, what string) workload.Problem {
	ref := about.ref
	if len(ref) > maxRef {
		ref = strings.ToValidUTF8(ref[:maxRef], "") + "..."
	}
	return workload.Problem{Path: fmt.Sprintf("refs[%d]", about.index), Message: fmt.Sprintf("%q %s", ref, what)}
}
