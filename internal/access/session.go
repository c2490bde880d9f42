package access

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// session is one attempt's work on the access to one workspace.
type session struct {
	*Performer
	ledger
	attempt workload.Attempt
	// airbyte asks the attempt before each call.
	airbyte *airbyte.Client
	// groups are the names of groups by groupKey, as far as they are known.
	groups map[string]string
}

func (p *Performer) session(component workload.Component, attempt workload.Attempt, workspace string) *session {
	return &session{
		Performer: p,
		ledger:    ledger{redis: p.options.Redis, prefix: p.prefix, workspace: workspace, component: component},
		attempt:   attempt,
		airbyte:   p.options.Airbyte.Guarded(attempt.Holds),
		groups:    map[string]string{},
	}
}

// result is what became of everybody in one workspace.
type result struct {
	workspace string
	steps     []step
	// changed says that anything was done in Airbyte or in the ledger.
	changed bool
}

// supported fails where this Airbyte knows no roles. One that does not tell its
// edition is taken to know them: the calls will show.
func (s *session) supported(ctx context.Context) error {
	instance, err := s.airbyte.GetInstance(ctx)
	switch {
	case err == nil && instance.Edition == "community":
		return unsupported(instance.Edition)
	case airbyte.NotFound(err), airbyte.Forbidden(err):
		return nil
	}
	return failed(err, "Reading the edition of Airbyte")
}

// converge makes the principals' users, and no others, have access to the
// workspace through the component.
func (s *session) converge(ctx context.Context, principals []principal) (result, error) {
	r := result{workspace: s.workspace}
	mine, err := s.mine(ctx)
	if err != nil || len(mine) == 0 && len(emailsOf(principals)) == 0 {
		return r, s.left(ctx, err)
	}
	seen, err := s.observe(ctx, slices.Concat(mine, emailsOf(principals)))
	if err != nil {
		return s.vanished(ctx, principals, err)
	}
	wanted, err := s.find(ctx, principals, seen.users)
	if err != nil {
		return r, err
	}
	if r.steps, err = s.plan(ctx, wanted, mine, seen); err != nil {
		return r, err
	}
	if !slices.ContainsFunc(r.steps, func(s step) bool { return !s.idle() }) {
		return r, s.left(ctx, nil)
	}
	r.changed = true
	r.steps, err = s.change(ctx, wanted, mine)
	return r, s.left(ctx, err)
}

// left ends the work on the workspace: the component may want nothing there any more.
func (s *session) left(ctx context.Context, err error) error {
	if err != nil {
		return err
	}
	return s.leave(ctx)
}

// change plans again with the users locked, so that what was seen stays true, and acts.
func (s *session) change(ctx context.Context, wanted []person, mine []string) ([]step, error) {
	users := slices.Clone(mine)
	for _, p := range wanted {
		users = append(users, p.email)
	}
	slices.Sort(users)
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	held, err := s.lock(ctx, s.attempt, slices.Compact(users))
	if err != nil {
		return nil, err
	}
	defer held.release(ctx)
	seen, err := s.observe(ctx, users)
	if err != nil {
		return nil, err
	}
	steps, err := s.plan(ctx, wanted, mine, seen)
	if err != nil {
		return nil, err
	}
	for i := range steps {
		if err := s.act(ctx, held, &steps[i]); err != nil {
			return nil, err
		}
	}
	return steps, nil
}

// plan decides about everybody: those to be given something first.
func (s *session) plan(ctx context.Context, wanted []person, mine []string, access observation) ([]step, error) {
	users := slices.Clone(mine)
	ids := map[string]string{} // the emails of the wanted by Airbyte's id
	for _, p := range wanted {
		users = append(users, p.email)
		if p.id != "" {
			ids[p.id] = p.email
		}
	}
	slices.Sort(users)
	entries, err := s.look(ctx, slices.Compact(users))
	if err != nil {
		return nil, err
	}
	now := s.options.Now()
	var last []step
	for _, email := range mine {
		if slices.ContainsFunc(wanted, func(p person) bool { return p.email == email }) {
			continue
		}
		known := entries[email]
		gone := s.personOf(email)
		if known.grant != nil {
			gone.id = known.grant.UserID
		}
		if heir, ok := ids[gone.id]; ok {
			last = append(last, handOver(gone, entries, heir))
			continue
		}
		seen := s.sightOf(access, &gone, "", known.grant)
		last = append(last, release(gone, seen, known, now))
	}
	steps := make([]step, 0, len(wanted)+len(last))
	for _, p := range wanted {
		steps = append(steps, want(p, s.options.Role, s.sightOf(access, &p, s.options.Role, entries[p.email].grant), entries[p.email], now))
	}
	return append(steps, last...), conflicts(steps)
}

// handOver lets a grant follow a user whose address changed.
func handOver(gone person, entries map[string]entry, heir string) step {
	known, next := entries[gone.email], entries[heir]
	if next.grant == nil {
		next.grant = known.grant
		entries[heir] = next
	}
	s := step{person: gone, effect: effectMoved, role: known.grant.Role, note: true}
	if known.others > 0 {
		s.final = known.grant
	}
	return s
}

// sightOf finds what Airbyte shows of a person, by the id or, where that is
// not known, by the address; then it fills in the id. Of a group it is what
// counts for a role and for the grant that the ledger has.
func (s *session) sightOf(access observation, p *person, role string, known *grant) sight {
	if p.isGroup() {
		return groupSight(access.groups[p.email], s.workspace, role, known)
	}
	for _, a := range access.users {
		if p.id != "" && a.UserID == p.id || p.id == "" && strings.EqualFold(a.Email, p.email) {
			p.id = a.UserID
			return sight{workspace: a.Workspace, organization: a.Organization}
		}
	}
	return sight{}
}

// conflicts fails where somebody has a role that the wanted one can neither replace nor add to.
func conflicts(steps []step) error {
	var problems []workload.Problem
	for _, s := range steps {
		if s.effect == effectConflict {
			problems = append(problems, workload.Problem{Message: fmt.Sprintf(
				"%s has the role %s, given by somebody else; it neither includes the role to be granted nor is included in it, and Airbyte keeps one role for each user",
				s.address, s.role)})
		}
	}
	if problems == nil {
		return nil
	}
	return &workload.Failure{
		Code: workload.CodeConflict, Phase: workload.PhaseAccess,
		Message:   "Some users have a role in the workspace that must not be replaced; nothing was changed.",
		Problems:  problems,
		Solutions: []string{"Ask an administrator of the Airbyte workspace to give these users the role workspace_editor, which includes both, then request the access again."},
	}
}

// vanished handles a workspace whose access cannot be read: where it is
// deleted and only grants were to be taken back, they are gone with it.
func (s *session) vanished(ctx context.Context, principals []principal, cause error) (result, error) {
	r := result{workspace: s.workspace}
	if len(principals) > 0 || !airbyte.NotFound(cause) {
		return r, cause
	}
	workspace, err := s.airbyte.GetWorkspace(ctx, s.workspace)
	if !airbyte.NotFound(err) && (err != nil || !workspace.Tombstone) {
		return r, cause
	}
	if err := s.forget(ctx); err != nil {
		return r, err
	}
	s.attempt.Log(workload.Warning, workload.PhaseAccess,
		fmt.Sprintf("The workspace %s is gone, and what was granted in it with it.", s.workspace))
	return r, s.leave(ctx)
}

// forget drops what the ledger has of the component in the workspace.
func (s *session) forget(ctx context.Context) error {
	mine, err := s.mine(ctx)
	if err != nil {
		return err
	}
	held, err := s.lock(ctx, s.attempt, mine)
	if err != nil {
		return err
	}
	defer held.release(ctx)
	entries, err := s.look(ctx, mine)
	if err != nil {
		return err
	}
	for _, email := range slices.Sorted(maps.Keys(entries)) {
		var rest *grant
		if known := entries[email]; known.others > 0 {
			rest = known.grant // the others forget it when it is their turn
		}
		if err := held.write(ctx, email, rest, false); err != nil {
			return err
		}
	}
	return nil
}

// emailsOf are the addresses of all principals.
func emailsOf(principals []principal) []string {
	var emails []string
	for _, p := range principals {
		emails = append(emails, p.emails...)
	}
	return emails
}
