// Package mishap says for people what a call to Airbyte ran into, or why none
// could be made, and what they can do. Whether another attempt may help was decided by the client, which saw
// the answer. It may import workload and airbyte only.
package mishap

import (
	"errors"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// Of turns the error of a call to Airbyte into a failure. What says what came
// of it, as a sentence without its end. Errors that are not of a call (a
// guard's, a failure already told) are passed on, and so is that of somebody
// who gave up: he knows why.
func Of(phase workload.Phase, what string, err error) error {
	var told *workload.Failure
	var call *airbyte.Error
	if errors.As(err, &told) || !errors.As(err, &call) || call.Class == airbyte.ClassCanceled {
		return err
	}
	return (&workload.Failure{
		Code: codeOf(call.Class), Phase: phase, Message: what + ". " + Sentence(call.Error()),
		Solutions: []string{advice(phase, call)}, Retry: call.Retryable, RetryAfter: call.RetryAfter,
	}).Because(err)
}

// NoWorkspace is the failure where the settings lead from an environment to no workspace.
func NoWorkspace(phase workload.Phase, environment string) *workload.Failure {
	return &workload.Failure{
		Code: workload.CodeInvalid, Phase: phase,
		Message: "No Airbyte workspace is set for the environment \u201c" + environment + "\u201d.",
		Solutions: []string{
			"Ask the operators of the Airbyte provisioner to name a workspace for this environment in its settings (airbyte.workspaces).",
			"Where the environment is misspelt, correct dataProduct.environment.",
		},
	}
}

// Sentence ends a text as a sentence ends.
func Sentence(text string) string {
	if strings.HasSuffix(text, ".") {
		return text
	}
	return text + "."
}

// codeOf is the failure code for a class of outcome.
func codeOf(class airbyte.Class) workload.Code {
	switch class {
	case airbyte.ClassNetwork, airbyte.ClassTimeout, airbyte.ClassRateLimited, airbyte.ClassServer, airbyte.ClassMalformed:
		return workload.CodeUnavailable
	case airbyte.ClassLocked, airbyte.ClassConflict:
		return workload.CodeConflict
	case airbyte.ClassInternal:
		return workload.CodeInternal
	default:
		return workload.CodeRefused
	}
}

// advice is what the reader can do. Nobody reads it before the last attempt, so
// it does not speak of further ones.
func advice(phase workload.Phase, call *airbyte.Error) string {
	const operators = "Ask the operators of the Airbyte provisioner "
	switch call.Class {
	case airbyte.ClassUnauthorized:
		return operators + "to check its credentials for Airbyte."
	case airbyte.ClassForbidden:
		if phase == workload.PhaseAccess {
			return operators + "to make its Airbyte application an administrator of the workspace."
		}
		return operators + "to give its application the role of an editor in the workspace."
	case airbyte.ClassNotFound:
		switch {
		case namesEntity(call.Operation):
			return "Submit the request again: what it is about may have been deleted in Airbyte in the meantime."
		case aboutActor(phase) || strings.Contains(call.Operation, "_definition"):
			return operators + "to check that the workspace has this connector, and the workspace's id in its settings."
		}
		return operators + "to check the base URL of Airbyte and the workspace's id in its settings."
	case airbyte.ClassInvalid:
		if phase != workload.PhaseAccess && phase != workload.PhaseObserve {
			return "Correct what Airbyte's message names in the component's specific block, then provision again."
		}
	case airbyte.ClassLocked:
		return "Look in Airbyte at why the connection is locked."
	case airbyte.ClassRedirect, airbyte.ClassTooLarge:
		return operators + "to check the base URL of Airbyte in its settings."
	case airbyte.ClassServer:
		if call.ErrorID != "" {
			return operators + "to look up Airbyte's error id in the log of Airbyte's server."
		}
	default:
	}
	if call.Retryable {
		return operators + "to check that Airbyte is up and can be reached from the provisioner."
	}
	if phase == workload.PhaseAccess || phase == workload.PhaseObserve {
		return operators + "to look at what Airbyte says, then submit the request again."
	}
	return "Look at the component's entities in Airbyte, then provision again."
}

// namesEntity reports whether a call names what it is about by an id that
// Airbyte gave it; the others name a workspace.
func namesEntity(operation string) bool {
	group, verb, _ := strings.Cut(operation, "/")
	switch group {
	case "connections":
		return verb != "list"
	case "sources", "destinations":
		return verb != "list" && verb != "create"
	case "jobs", "group_permissions":
		return true
	case "permissions":
		return verb == "update"
	case "groups":
		return verb == "get"
	}
	return false
}

// aboutActor reports whether the calls of a phase name a connector.
func aboutActor(phase workload.Phase) bool {
	return phase == workload.PhaseSource || phase == workload.PhaseDestination || phase == workload.PhaseDiscovery
}
