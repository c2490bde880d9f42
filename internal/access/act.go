package access

import (
	"context"
	"errors"
	"fmt"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/mishap"
	"airbyte-provisioner/internal/workload"
)

// act carries out one step: intent, deed, and what became of it. The intent is
// refused once the lock is lost, so it also decides whether the deed may be done.
func (s *session) act(ctx context.Context, held *lock, step *step) error {
	if step.idle() {
		return nil
	}
	if step.deed != nothing {
		// Until the deed is done, the component counts as one that wants the
		// user: so the next attempt finds what is left to do.
		if err := held.write(ctx, step.email, step.intent, true); err != nil {
			return err
		}
		if sure, err := s.do(ctx, step); err != nil {
			if sure {
				s.takeBack(ctx, held, step)
			}
			return err
		}
	}
	if err := held.write(ctx, step.email, step.final, step.wanted); err != nil {
		return err
	}
	if step.deed != nothing {
		s.attempt.Log(workload.Info, workload.PhaseAccess, step.String())
	}
	return nil
}

// takeBack takes the intent back, so that a like grant that somebody else makes
// later is not taken for ours. Where that fails, what is seen then decides.
func (s *session) takeBack(ctx context.Context, held *lock, step *step) {
	bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	_ = held.write(bounded, step.email, step.before.grant, step.before.mine)
}

// do makes the step's one call to Airbyte. After an error, sure says that the
// call was certainly not carried out.
func (s *session) do(ctx context.Context, step *step) (sure bool, err error) {
	if step.isGroup() {
		return s.doForGroup(ctx, step)
	}
	switch step.deed {
	case create:
		var permission airbyte.Permission
		permission, err = s.airbyte.CreatePermission(ctx, step.id, s.workspace, step.role)
		step.final.PermissionID = permission.ID
	case change:
		err = s.airbyte.UpdatePermission(ctx, step.permission, step.role)
	case remove:
		err = s.airbyte.DeleteUserFromWorkspace(ctx, step.id, s.workspace)
		if airbyte.NotFound(err) {
			err = nil // the user is gone, and the grant too
		}
	case invite:
		var invitation airbyte.Invitation
		invitation, err = s.airbyte.CreateInvitation(ctx, step.address, s.workspace, step.role)
		if airbyte.Conflict(err) {
			err = nil // it was invited before
		}
		if invitation.DirectlyAdded {
			step.effect = effectGranted
		}
	case nothing:
	}
	return s.undone(step, err)
}

// undone is the failure of a step's call, nil if it did not fail, and whether
// the call was certainly not carried out.
func (s *session) undone(step *step, err error) (sure bool, failure error) {
	if err == nil {
		return false, nil
	}
	var e *airbyte.Error
	sure = !errors.As(err, &e) || e.Status >= 400 && e.Status < 500 && !e.Retryable
	became := "was not changed"
	if !sure {
		became = "may not have been changed"
	}
	what := fmt.Sprintf("The access of %s to the workspace %s (it was to be %s)", step.address, became, step.effect)
	return sure, mishap.Of(workload.PhaseAccess, what, err)
}
