package httpapi

import (
	"slices"
	"strings"
	"time"

	"airbyte-provisioner/internal/workload"
)

// family is a set of kinds whose statuses are asked for at one route.
type family struct{ what, route string }

var (
	provisioning = family{"a provisioning, an unprovisioning or a change of access", "/v1/provision/{token}/status"}
	validating   = family{"a validation", "/v2/validate/{token}/status"}
	reversing    = family{"a reverse provisioning", "/v1/reverse-provisioning/{token}/status"}
)

func familyOf(kind workload.Kind) family {
	switch kind {
	case workload.Validate:
		return validating
	case workload.Reverse:
		return reversing
	default:
		return provisioning
	}
}

// elsewhere is the failure for a token that was asked for at another family's route.
func (f family) elsewhere() *workload.Failure {
	return &workload.Failure{
		Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
		Message:   "This token belongs to " + f.what + ", which this path does not serve.",
		Problems:  []workload.Problem{{Path: "token", Message: "belongs to " + f.what}},
		Solutions: []string{"Ask for it with GET " + f.route + "."},
	}
}

// provisioningStatus is the contract's ProvisioningStatus.
type provisioningStatus struct {
	Status workload.State     `json:"status"`
	Result string             `json:"result"`
	Info   *info              `json:"info,omitempty"`
	Logs   []workload.LogLine `json:"logs"`
}

// info is the contract's Info; both maps are required and so never null.
type info struct {
	Public  map[string]workload.PublicEntry `json:"publicInfo"`
	Private map[string]any                  `json:"privateInfo"`
	Access  []workload.Grant                `json:"aclInfo,omitzero"`
}

// validationResult is the contract's ValidationResult.
type validationResult struct {
	Valid bool             `json:"valid"`
	Error *validationError `json:"error,omitempty"`
}

type validationError struct {
	Errors []string `json:"errors"`
}

// validationStatus is the contract's ValidationStatus. Its logs are ours: the
// plan and what a failed check ran into have no other place.
type validationStatus struct {
	Status workload.State     `json:"status"`
	Info   *validationInfo    `json:"info,omitempty"`
	Logs   []workload.LogLine `json:"logs"`
}

type validationInfo struct {
	Public validationResult `json:"publicInfo"`
}

// reverseStatus is the contract's ReverseProvisioningStatus.
type reverseStatus struct {
	Status  workload.State     `json:"status"`
	Updates map[string]any     `json:"updates"`
	Logs    []workload.LogLine `json:"logs"`
}

func renderProvisioning(s workload.Status) provisioningStatus {
	r := provisioningStatus{Status: s.State, Result: resultOf(s), Logs: logsOf(s)}
	if s.State == workload.Completed || (s.State.Terminal() && s.Outcome != nil) {
		r.Info = infoOf(s.Outcome)
	}
	return r
}

// infoOf renders an outcome; a completed operation without one has empty maps.
func infoOf(o *workload.Outcome) *info {
	i := &info{Public: map[string]workload.PublicEntry{}, Private: map[string]any{}}
	if o == nil {
		return i
	}
	if o.Public != nil {
		i.Public = o.Public
	}
	if o.Private != nil {
		i.Private = o.Private
	}
	i.Access = o.Access
	return i
}

// resultOf is the required text for people, in every state.
func resultOf(s workload.Status) string {
	switch {
	case s.Result != "":
		return s.Result
	case s.Failure != nil:
		return s.Failure.Text()
	case s.Outcome != nil && s.Outcome.Message != "":
		return s.Outcome.Message
	}
	switch s.State {
	case workload.Running:
		if s.Attempts == 0 {
			return "The operation is accepted and waits for its turn."
		}
		return "The operation is under way."
	case workload.Terminating:
		return "The operation is about to be terminated."
	case workload.Terminated:
		return "The operation was terminated."
	case workload.Completed:
		return "The operation is complete."
	default:
		return "The operation failed."
	}
}

// logsOf are the log lines. An operation that ended badly and has none still
// says why: some statuses have no other place for it.
func logsOf(s workload.Status) []workload.LogLine {
	if len(s.Logs) > 0 {
		return s.Logs
	}
	if s.State != workload.Failed && s.State != workload.Terminated {
		return []workload.LogLine{}
	}
	line := workload.LogLine{Time: s.FinishedAt, Level: workload.Error, Phase: workload.PhaseFinish, Message: resultOf(s)}
	if s.Failure != nil && s.Failure.Phase != "" {
		line.Phase = s.Failure.Phase
	}
	return []workload.LogLine{line}
}

// explained are the log lines where the status has no result. Of an operation
// that failed they also tell what is wrong and what to do.
func explained(s workload.Status) []workload.LogLine {
	lines := logsOf(s)
	if s.State != workload.Failed || s.Failure == nil || len(s.Logs) == 0 {
		return lines
	}
	var told []string
	for _, problem := range s.Failure.Problems {
		told = append(told, problem.String())
	}
	for _, solution := range s.Failure.Solutions {
		told = append(told, "What to do: "+solution)
	}
	return append(slices.Clone(lines), linesOf(s.FinishedAt, workload.Error, s.Failure.Phase, told)...)
}

func linesOf(at time.Time, level workload.Level, phase workload.Phase, messages []string) []workload.LogLine {
	lines := make([]workload.LogLine, 0, len(messages))
	for _, message := range messages {
		lines = append(lines, workload.LogLine{Time: at, Level: level, Phase: phase, Message: message})
	}
	return lines
}

func renderValidation(s workload.Status) validationStatus {
	r := validationStatus{Status: withoutTermination(s.State), Logs: explained(s)}
	if s.State == workload.Completed {
		r.Info = &validationInfo{Public: validationOf(s)}
	}
	return r
}

// validationOf never says valid without having been told so.
func validationOf(s workload.Status) validationResult {
	if s.Outcome == nil || s.Outcome.Validation == nil {
		return validationResult{Error: &validationError{Errors: []string{resultOf(s)}}}
	}
	v := s.Outcome.Validation
	if v.Valid {
		return validationResult{Valid: true}
	}
	return validationResult{Error: &validationError{
		Errors: problemTexts(&workload.Failure{Message: resultOf(s), Problems: v.Problems}),
	}}
}

func renderReverse(s workload.Status) reverseStatus {
	r := reverseStatus{Status: withoutTermination(s.State), Updates: map[string]any{}, Logs: explained(s)}
	if s.State != workload.Completed || s.Outcome == nil {
		return r
	}
	if s.Outcome.Updates != nil {
		r.Updates = s.Outcome.Updates
	}
	if message := s.Outcome.Message; message != "" { // what it says has no other place
		told := linesOf(s.FinishedAt, workload.Info, workload.PhaseFinish, strings.Split(message, "\n- "))
		r.Logs = append(slices.Clone(r.Logs), told...)
	}
	return r
}

// withoutTermination maps a state to the three that validations and reverse
// provisionings have in the contract.
func withoutTermination(s workload.State) workload.State {
	switch s {
	case workload.Terminating:
		return workload.Running
	case workload.Terminated:
		return workload.Failed
	default:
		return s
	}
}
