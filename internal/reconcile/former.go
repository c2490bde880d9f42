package reconcile

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// How it is told that a component is not in its environment's workspace, with both workspaces.
const (
	moves = "This component moves from workspace %s to workspace %s: nothing can be taken along, so what is wanted is made anew, " +
		"its first sync copies everything, and what is left behind is removed at the end."
	leavesBoth = "This component is in workspace %s, and its environment's workspace is now %s: it is removed from both."
)

// settle makes the session's workspace that of what is known. What is known of
// another workspace becomes something to be left, which is told as moved says.
// It returns, for people, what only they can remove.
func (s *session) settle(moved string) (left []string) {
	before := s.seed(s.ledger.look())
	if p := s.work.Previous; before.WorkspaceID == "" && p != nil && p.WorkspaceID != "" && !strings.EqualFold(p.WorkspaceID, s.workspace) {
		left = append(left, s.warn(workload.PhaseObserve, fmt.Sprintf(
			"privateInfo says that this component is in workspace %s, and not in this environment's (%s), but is not signed by this provisioner: whatever is left there must be removed by hand.",
			p.WorkspaceID, s.workspace)))
	}
	if before.WorkspaceID == "" || before.WorkspaceID == s.workspace {
		before.WorkspaceID = s.workspace
		before.Former = withFormer(before.Former, workload.Entities{WorkspaceID: s.workspace}, s.workspace)
		s.ledger.adjust(before)
		return left
	}
	s.log(workload.Warning, workload.PhaseObserve, moved, before.WorkspaceID, s.workspace)
	s.ledger.adjust(known{
		WorkspaceID: s.workspace, Former: withFormer(before.Former, before.entities(), s.workspace),
		ClearJobs: before.ClearJobs, Deeds: before.Deeds, // which hold wherever the component is
	})
	return left
}

// warn logs a warning and returns it, to be told in the result as well.
func (s *session) warn(phase workload.Phase, text string) string {
	s.log(workload.Warning, phase, text)
	return text
}

// withFormer adds entities of a workspace that is left; those of the one that is come back to are no longer to be removed.
func withFormer(former []workload.Entities, left workload.Entities, now string) []workload.Entities {
	var kept []workload.Entities
	for _, e := range append(append([]workload.Entities{}, former...), left) {
		if e.WorkspaceID != now {
			kept = append(kept, e)
		}
	}
	return kept
}

// formers are sessions in the workspaces that the component has moved from.
func (s *session) formers() []*session {
	var all []*session
	for _, former := range s.ledger.look().Former {
		there := *s
		there.workspace, there.former, there.work.Previous = former.WorkspaceID, true, &former
		all = append(all, &there)
	}
	return all
}

// leaveFormer removes what is left of the component, apart from its data, in
// workspaces that it has moved from. It returns, for people, what stays there.
func (s *session) leaveFormer(ctx context.Context) (left []string, err error) {
	for _, there := range s.formers() {
		there.work.RemoveData = false
		r, err := there.removal(ctx)
		if err == nil {
			err = r.remove(ctx)
		}
		switch {
		case err == nil:
		case airbyte.NotFound(err), airbyte.Forbidden(err), isConflict(err):
			left = append(left, s.warn(workload.PhaseFinish, fmt.Sprintf(
				"What this component had in workspace %s is left there: %s", there.workspace, workload.AsFailure(err).Message)))
		default:
			return nil, err
		}
	}
	return left, nil
}

func isConflict(err error) bool {
	return workload.AsFailure(err).Code == workload.CodeConflict && !workload.AsFailure(err).Retry
}

// removals are what is to be removed in the component's workspace and in those
// that it has moved from. Left is, for people, what can never be.
func (s *session) removals(ctx context.Context) (all []removal, left []string, err error) {
	for _, place := range append([]*session{s}, s.formers()...) {
		r, err := place.removal(ctx)
		switch {
		case err == nil:
			all = append(all, r)
		case !place.former:
			return nil, nil, err
		case place.gone(ctx, err):
			left = append(left, s.warn(workload.PhaseObserve, place.lost()))
		case airbyte.Forbidden(err):
			return nil, nil, place.closed(err)
		default:
			return nil, nil, err
		}
	}
	return all, left, nil
}

// gone reports whether a call failed because the workspace does not exist any
// more: then there is nothing that anybody could still do there.
func (s *session) gone(ctx context.Context, err error) bool {
	if !airbyte.NotFound(err) {
		return false
	}
	workspace, err := s.client.GetWorkspace(ctx, s.workspace)
	return airbyte.NotFound(err) || err == nil && workspace.Tombstone
}

// lost tells what a component had in a workspace that is gone.
func (s *session) lost() string {
	nothing := "so nothing was removed there"
	if s.work.RemoveData {
		nothing += " and no data was cleared"
	}
	return fmt.Sprintf("Airbyte no longer has workspace %s, in which this component was before (%s), %s.", s.workspace, s.had(), nothing)
}

// had names the entities that the component is known to have had.
func (s *session) had() string {
	p := s.work.Previous
	parts := []string{"connection " + p.ConnectionID, "source " + p.SourceID, "destination " + p.DestinationID}
	parts = slices.DeleteFunc(parts, func(part string) bool { return strings.HasSuffix(part, " ") })
	if len(parts) == 0 {
		return "with nothing whose id is known"
	}
	return strings.Join(parts, ", ")
}

// closed is the failure where a workspace must not be entered. The component is
// not forgotten then: its syncs would go on there, and nobody would know.
func (s *session) closed(err error) error {
	told := *workload.AsFailure(err)
	told.Message = fmt.Sprintf("Nothing was removed, because this component was in workspace %s before and what it had there (%s) cannot be looked at. %s",
		s.workspace, s.had(), told.Message)
	told.Solutions = []string{
		"Ask the operators of the Airbyte provisioner to give its application the role of an editor in workspace " + s.workspace + ", then unprovision again.",
		"If it is never to enter workspace " + s.workspace + " again, have what is named removed there by hand and deploy the component once more, which leaves that workspace for good; then unprovision again.",
	}
	return (&told).Because(err)
}
