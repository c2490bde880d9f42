package access

import (
	"context"
	"errors"
	"fmt"
	"strings"
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

// do makes the step's call to Airbyte. After an error, sure says that it was
// certainly not carried out.
func (s *session) do(ctx context.Context, step *step) (sure bool, err error) {
	if step.isGroup() {
		return s.doForGroup(ctx, step)
	}
	switch step.deed {
	case create:
		err = s.create(ctx, step)
	case change:
		err = s.airbyte.UpdatePermission(ctx, step.permission, step.role)
	case remove:
		err = s.airbyte.DeleteUserFromWorkspace(ctx, step.id, s.workspace)
		if airbyte.NotFound(err) {
			err = nil // the user is gone, and the grant too
		}
	case invite:
		err = s.invite(ctx, step)
	case retract:
		err = s.retract(ctx, step)
	case nothing:
	}
	return s.undone(step, err)
}

// create grants the role to a user. Who was invited has joined some other way,
// and must not be able to have the role again by accepting, once it was taken back.
func (s *session) create(ctx context.Context, step *step) error {
	if have := step.before.grant; have != nil && have.UserID == "" {
		if err := s.retract(ctx, step); err != nil {
			return err
		}
	}
	permission, err := s.airbyte.CreatePermission(ctx, step.id, s.workspace, step.role)
	step.final.PermissionID = permission.ID
	return err
}

// invite invites the person. An invitation that is there already is ours only
// if the ledger says that we were about to make it.
func (s *session) invite(ctx context.Context, step *step) error {
	invitation, err := s.airbyte.CreateInvitation(ctx, step.address, s.workspace, step.role)
	if airbyte.Conflict(err) {
		if step.before.grant == nil {
			step.effect, step.final = effectOthers, nil
		}
		return nil
	}
	if invitation.DirectlyAdded {
		step.effect = effectGranted
	}
	return err
}

// retract withdraws the person's invitation, if it is still pending.
func (s *session) retract(ctx context.Context, step *step) error {
	pending, err := s.airbyte.ListInvitations(ctx, s.workspace)
	if err != nil {
		return err
	}
	for _, invitation := range pending {
		if strings.EqualFold(invitation.Email, step.email) {
			if err := s.airbyte.CancelInvitation(ctx, invitation); err != nil {
				return err
			}
		}
	}
	return nil
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
