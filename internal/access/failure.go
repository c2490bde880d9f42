package access

import (
	"fmt"

	"airbyte-provisioner/internal/mishap"
	"airbyte-provisioner/internal/workload"
)

// failed says what a call to Airbyte ran into; doing is what was being done.
func failed(err error, doing string) error {
	return mishap.Of(workload.PhaseAccess, doing+" failed", err)
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
