package access

import (
	"errors"
	"fmt"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// failed turns the error of a call to Airbyte into a failure that tells what
// was being done. Other errors, such as a guard's, pass as they are.
func failed(err error, doing string) error {
	var e *airbyte.Error
	if !errors.As(err, &e) || e.Class == airbyte.ClassCanceled {
		return err
	}
	failure := &workload.Failure{
		Code: workload.CodeRefused, Phase: workload.PhaseAccess,
		Message: fmt.Sprintf("%s failed: %s.", doing, e.Error()),
		Retry:   e.Retryable, RetryAfter: e.RetryAfter,
	}
	switch {
	case e.Retryable:
		failure.Code = workload.CodeUnavailable
		failure.Solutions = []string{"Submit the request again when Airbyte can be reached; it goes on from what was done."}
	case e.Class == airbyte.ClassForbidden, e.Class == airbyte.ClassUnauthorized:
		failure.Solutions = []string{"Ask the operators of the Airbyte provisioner to give its Airbyte application the role of an administrator of the workspace."}
	default:
		failure.Solutions = []string{"Ask the operators of the Airbyte provisioner to look at what Airbyte says, then submit the request again."}
	}
	return failure.Because(err)
}

func hasClass(err error, class airbyte.Class) bool {
	var e *airbyte.Error
	return errors.As(err, &e) && e.Class == class
}

// unavailable is the failure of a Redis that does not answer.
func unavailable(err error) error {
	return (&workload.Failure{
		Code: workload.CodeUnavailable, Phase: workload.PhaseAccess,
		Message:   "Redis, which keeps what was granted, cannot be used now.",
		Solutions: []string{"Try again in a moment; if it stays so, ask the operators of the Airbyte provisioner to check Redis."},
		Retry:     true,
	}).Because(err)
}

func unsupported(edition string) *workload.Failure {
	return &workload.Failure{
		Code: workload.CodeUnsupported, Phase: workload.PhaseAccess,
		Message: fmt.Sprintf("This Airbyte (edition %s) has a single user and no roles, so access cannot be granted or revoked in it; nothing was changed.", edition),
		Solutions: []string{
			"Leave access to this component out of the request: whoever can reach this Airbyte can use it.",
			"Ask the operators for an Airbyte edition with users and roles (Self-Managed Enterprise or Cloud).",
		},
	}
}
