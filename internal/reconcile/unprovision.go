package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// unprovision removes all that a component has in Airbyte, takes the last steps,
// and only then forgets: an attempt after one that failed must know of both.
func (r *Reconciler) unprovision(ctx context.Context, work workload.Work, attempt workload.Attempt, last []Step) (workload.Outcome, error) {
	s, err := r.begin(ctx, work, attempt)
	if err != nil {
		return workload.Outcome{}, err
	}
	defer s.ledger.end(ctx)
	left := s.settle(leavesBoth)
	lost, err := s.removeAll(ctx)
	if err == nil && len(s.here().Intents) > 0 {
		// A create whose end was never heard of may have acted in the meantime.
		lost, err = s.removeAll(ctx)
	}
	if err != nil {
		return workload.Outcome{}, err
	}
	outcome := workload.Outcome{Message: s.removed(append(left, lost...))}
	for _, step := range last {
		lines, err := step(ctx, work.Component, attempt)
		if err != nil {
			return workload.Outcome{}, err
		}
		outcome.Message = strings.Join(append([]string{outcome.Message}, lines...), "\n- ")
	}
	s.ledger.forget()
	return outcome, nil
}

// removed says what the operation removed, and what is left to people.
func (s *session) removed(left []string) string {
	text := "Nothing had to be removed: this component has nothing in Airbyte."
	if parts := s.ledger.look().Deeds.of(s.attempt.Token).told(); len(parts) > 0 {
		text = capital(parts)
	} else if len(left) > 0 {
		text = "Nothing was removed."
	}
	return strings.Join(append([]string{text}, left...), " ")
}

// removal is what is to be removed of a component in the workspace of its session.
type removal struct {
	*session
	observed    *observed
	choice      choice
	plan        Plan
	connections []airbyte.ConnectionSummary
}

// removal looks at what there is to be removed, and changes nothing.
func (s *session) removal(ctx context.Context) (removal, error) {
	o, c, err := s.observe(ctx, nil)
	if err != nil {
		return removal{}, err
	}
	plan, connections := decideRemoval(o, c)
	if s.former {
		for i := range plan.Entries {
			plan.Entries[i].Reason = "in workspace " + s.workspace
		}
	}
	s.logPlan(plan)
	return removal{s, o, c, plan, connections}, s.refuseCascade(c)
}

// removeAll removes what the component has in its workspace and in those that it
// has moved from. All of it is looked at, and cleared where that is asked for,
// before anything is deleted. It returns, for people, what can never be removed.
func (s *session) removeAll(ctx context.Context) (left []string, err error) {
	removals, left, err := s.removals(ctx)
	if err != nil {
		return nil, err
	}
	if s.work.RemoveData {
		if err := s.clearAll(ctx, removals); err != nil {
			return nil, err
		}
	}
	for _, r := range removals {
		if err := r.remove(ctx); err != nil {
			return nil, err
		}
	}
	return left, nil
}

// remove deletes connections, then destinations, then sources.
func (r removal) remove(ctx context.Context) error {
	if err := r.removing(ctx, append(slices.Clone(r.plan.Entries), cascaded(r.choice)...)); err != nil {
		return err
	}
	for _, e := range r.plan.Entries {
		if err := r.removeEntry(ctx, r.observed, e); err != nil {
			return err
		}
	}
	return nil
}

// decideRemoval plans the removal of everything that is the component's. It is pure.
func decideRemoval(o *observed, c choice) (Plan, []airbyte.ConnectionSummary) {
	plan := Plan{Notes: c.notes}
	var connections []airbyte.ConnectionSummary
	if c.connection != nil {
		connections = append(connections, *c.connection)
	}
	connections = append(connections, c.extraConnections...)
	for _, s := range connections {
		plan.Entries = append(plan.Entries, Entry{Entity: Connection, Action: Delete, ID: s.ID, Name: s.Name})
	}
	for _, f := range o.destinations {
		plan.Entries = append(plan.Entries, Entry{Entity: Destination, Action: Delete, ID: f.ID, Name: f.Name})
	}
	for _, f := range o.sources {
		plan.Entries = append(plan.Entries, Entry{Entity: Source, Action: Delete, ID: f.ID, Name: f.Name})
	}
	return plan, connections
}

// cascaded are the connections of others that go down with our source or destination.
func cascaded(c choice) []Entry {
	var entries []Entry
	for _, f := range c.foreign {
		entries = append(entries, Entry{Entity: Connection, Action: Delete, ID: f.ID, Name: f.Name, Reason: "not this component's own"})
	}
	return entries
}

// refuseCascade keeps connections that people made from going down with our
// source or destination, unless that was allowed.
func (s *session) refuseCascade(c choice) error {
	if len(c.foreign) == 0 {
		return nil
	}
	var names []string
	for _, f := range c.foreign {
		names = append(names, fmt.Sprintf("%s (%s)", quoted(f.Name), f.ID))
	}
	if s.work.RemoveData || s.CascadeForeign {
		s.log(workload.Warning, workload.PhasePlan, "With this component's source and destination these connections, which are not its own, are deleted too: %s.", several(names))
		return nil
	}
	where := ""
	if s.former {
		where = " in workspace " + s.workspace
	}
	return &workload.Failure{
		Code: workload.CodeConflict, Phase: workload.PhasePlan,
		Message: fmt.Sprintf("Nothing was removed, because deleting this component's source or destination%s would delete connections that are not its own: %s.", where, several(names)),
		Solutions: []string{
			"Delete these connections in Airbyte, or give them another source and destination, then unprovision again.",
			"Unprovision with the data (removeData: true) if they may be deleted too.",
		},
	}
}

// removeEntry deletes one entity and sees that it is gone.
func (s *session) removeEntry(ctx context.Context, o *observed, e Entry) error {
	if e.Entity == Connection {
		if err := s.deleteConnection(ctx, e.ID); err != nil {
			return err
		}
		s.log(workload.Info, workload.PhaseConnection, "The connection %s was deleted (%s).", quoted(e.Name), e.ID)
		return nil
	}
	kind := airbyte.ActorKind(e.Entity)
	if err := s.deleteActor(ctx, kind, e.ID); err != nil {
		return err
	}
	for _, f := range o.actors(kind) {
		if f.ID == e.ID {
			if err := s.confirmGone(ctx, kind, []found{f}); err != nil {
				return err
			}
		}
	}
	s.log(workload.Info, phaseOf(kind), "The %s %s was deleted (%s).", kind, quoted(e.Name), e.ID)
	return nil
}
