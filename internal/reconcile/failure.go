package reconcile

import (
	"context"
	"errors"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/mishap"
	"airbyte-provisioner/internal/workload"
)

// phaseOf is the phase in which an actor of a kind is written.
func phaseOf(kind airbyte.ActorKind) workload.Phase {
	if kind == airbyte.Source {
		return workload.PhaseSource
	}
	return workload.PhaseDestination
}

// failed turns an error of a step into a failure that people can read. What
// says what the step was to do, as a sentence without its end. Errors that are
// not about Airbyte (a guard's, the memory's, a failure already told) are passed on.
func (s *session) failed(phase workload.Phase, what string, err error) error {
	var job *airbyte.JobFailure
	var told *workload.Failure
	switch {
	case err == nil:
		return nil
	case errors.As(err, &told):
		return inPhase(err, phase)
	case errors.As(err, &job):
		return jobFailure(phase, what, job, err)
	}
	return mishap.Of(phase, what, err)
}

func jobFailure(phase workload.Phase, what string, job *airbyte.JobFailure, err error) error {
	solution := "Correct the connectionConfiguration of the " + jobSubject(phase) + " as the message says, or make what it names reachable from Airbyte, then provision again."
	if job.Retryable {
		solution = "Check that what the connectionConfiguration of the " + jobSubject(phase) + " names is up and can be reached from Airbyte; the job's log there says more."
	}
	return (&workload.Failure{
		Code: workload.CodeCheck, Phase: phase, Message: what + ". " + mishap.Sentence(job.Error()),
		Solutions: []string{solution}, Retry: job.Retryable,
	}).Because(err)
}

func jobSubject(phase workload.Phase) string {
	if phase == workload.PhaseDestination {
		return "destination"
	}
	return "source"
}

// inPhase gives a failure that has none the phase.
func inPhase(err error, phase workload.Phase) error {
	var failure *workload.Failure
	if !errors.As(err, &failure) || failure.Phase != "" {
		return err
	}
	placed := *failure
	placed.Phase = phase
	return (&placed).Because(err)
}

// secretFailure reports whether an error is about a secret that cannot be used.
func secretFailure(err error) (*workload.Failure, bool) {
	var failure *workload.Failure
	if errors.As(err, &failure) && failure.Code == workload.CodeSecret {
		return failure, true
	}
	return nil, false
}

// refused reports whether an error says that Airbyte did not act: it answered
// that it would not. After any other error it may have.
func refused(err error) bool {
	var call *airbyte.Error
	var job *airbyte.JobFailure
	switch {
	case errors.As(err, &job):
		return true
	case errors.As(err, &call):
		return call.Status >= 400 && call.Status < 500 && call.Class != airbyte.ClassTimeout
	}
	return false
}

func hasClass(err error, class airbyte.Class) bool {
	var call *airbyte.Error
	return errors.As(err, &call) && call.Class == class
}

// both makes one error of what went wrong in the two branches. It is worth
// another try if one of them is and none is permanent.
func both(a, b error) error {
	if a == nil || b == nil {
		return errors.Join(a, b)
	}
	var first, second *workload.Failure
	switch {
	case !errors.As(a, &first):
		return a // a guard's error or the like: it decides
	case !errors.As(b, &second):
		return b
	case first.Retry && !second.Retry:
		first, second = second, first // the permanent one says what it is about
	}
	return (&workload.Failure{
		Code: first.Code, Phase: first.Phase, Message: first.Message + " " + second.Message,
		Problems:  append(append([]workload.Problem{}, first.Problems...), second.Problems...),
		Solutions: unique(append(append([]string{}, first.Solutions...), second.Solutions...)),
		Retry:     first.Retry && second.Retry, RetryAfter: max(first.RetryAfter, second.RetryAfter),
	}).Because(errors.Join(a, b))
}

func unique(texts []string) []string {
	var kept []string
	seen := map[string]bool{}
	for _, t := range texts {
		if !seen[t] {
			seen[t] = true
			kept = append(kept, t)
		}
	}
	return kept
}

// wait waits, unless the context ends first.
func wait(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
