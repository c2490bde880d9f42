package validation

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// failureOf is a failure as the steps of a rehearsal return them.
func failureOf(code workload.Code, phase workload.Phase, cause error) *workload.Failure {
	return (&workload.Failure{Code: code, Phase: phase, Message: "It failed.", Solutions: []string{"Mend it."}}).Because(cause)
}

func TestWhoseFaultItIs(t *testing.T) {
	t.Parallel()
	work := workload.Work{
		Source: workload.Actor{Connector: "source-postgres"}, Destination: workload.Actor{DefinitionID: "some id"}, Adopt: "some connection",
	}
	notFound := &airbyte.Error{Class: airbyte.ClassNotFound, Status: 404}
	transient := failureOf(workload.CodeCheck, workload.PhaseSource, nil)
	transient.Retry = true
	cases := map[string]struct {
		err    error
		path   string // of the problem that the descriptor has; "-" where it has none
		reason string
	}{
		"failed check":                {failureOf(workload.CodeCheck, workload.PhaseDestination, nil), "specific.destination.connectionConfiguration", "the connector said no to the configuration"},
		"failed discovery":            {failureOf(workload.CodeCheck, workload.PhaseDiscovery, nil), "specific.source.connectionConfiguration", "the source's configuration is to blame"},
		"job that died":               {transient, "-", "it need not come again"},
		"refused configuration":       {failureOf(workload.CodeRefused, workload.PhaseSource, &airbyte.Error{Class: airbyte.ClassInvalid}), "specific.source.connectionConfiguration", "Airbyte itself checks it, too"},
		"unknown connector by name":   {failureOf(workload.CodeRefused, workload.PhaseSource, notFound), "specific.source.connector", "the workspace does not have it"},
		"unknown connector by id":     {failureOf(workload.CodeRefused, workload.PhaseDestination, notFound), "specific.destination.definitionId", "the workspace does not have it"},
		"forbidden":                   {failureOf(workload.CodeRefused, workload.PhaseSource, &airbyte.Error{Class: airbyte.ClassForbidden}), "-", "the application's role is the installation's"},
		"workspace that is not there": {failureOf(workload.CodeRefused, workload.PhaseObserve, notFound), "-", "its id is the installation's"},
		"credentials":                 {failureOf(workload.CodeRefused, workload.PhaseObserve, &airbyte.Error{Class: airbyte.ClassUnauthorized}), "-", "they are the installation's"},
		"Airbyte away":                {failureOf(workload.CodeUnavailable, workload.PhaseSource, nil), "-", "nobody can mend that in a descriptor"},
		"lost lease":                  {errors.New("the lease is lost"), "-", "it decides what becomes of the attempt"},
		"no workspace":                {failureOf(workload.CodeInvalid, workload.PhaseObserve, nil), "dataProduct.environment", "the environment leads to none"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &validation{work: work}
			if v.found(c.err) {
				t.Error("an error was taken for none")
			}
			var want []workload.Problem
			if c.path != "-" {
				want = []workload.Problem{{Path: c.path, Message: "It failed."}}
			}
			if diff := cmp.Diff(want, v.sorted()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", c.reason, diff)
			}
			if stopped := v.failure() != nil; stopped != (c.path == "-") {
				t.Errorf("the validation could not be carried out: %t; %s", stopped, c.reason)
			}
		})
	}
}

func TestWhatEndsAnAttempt(t *testing.T) {
	t.Parallel()
	problem := &workload.Failure{Code: workload.CodeInvalid, Solutions: []string{"Correct it.", "Wait."}, Problems: []workload.Problem{{Path: "specific.source", Message: "is wrong"}}}
	again := &workload.Failure{Code: workload.CodeUnavailable, Message: "Airbyte is away.", Solutions: []string{"Wait."}, Retry: true}
	never := &workload.Failure{Code: workload.CodeRefused, Message: "Airbyte refused."}
	lost := errors.New("the lease is lost")
	cases := map[string]struct {
		errs     []error
		message  string
		retry    bool
		problems int
		todo     []string
		reason   string
	}{
		"only what may pass":     {[]error{again}, "Airbyte is away.", true, 0, []string{"Wait."}, "another attempt follows"},
		"what may pass and not":  {[]error{again, never}, "Airbyte refused.", false, 0, nil, "another attempt cannot help"},
		"with problems":          {[]error{problem, again}, "Airbyte is away.", true, 1, []string{"Wait.", "Correct it."}, "what was found so far is told, and what to do about it"},
		"with a lease that went": {[]error{problem, never, lost}, "the lease is lost", false, 0, nil, "the attempt may write nothing more"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v := &validation{}
			for _, err := range c.errs {
				v.found(err)
			}
			err := v.failure()
			if err == nil || err.Error() != c.message {
				t.Fatalf("the attempt ends with %v, want %q: %s", err, c.message, c.reason)
			}
			var failure *workload.Failure
			if errors.As(err, &failure) && (failure.Retry != c.retry || len(failure.Problems) != c.problems || !slices.Equal(failure.Solutions, c.todo)) {
				t.Errorf("got %+v: %s", failure, c.reason)
			}
		})
	}
	if len(again.Problems) != 0 || len(again.Solutions) != 1 {
		t.Error("a failure of somebody else's was changed")
	}
}

// A branch that panics ends the attempt, not the worker.
func TestBranchThatPanics(t *testing.T) {
	t.Parallel()
	v := &validation{}
	if v.branch(context.Background(), func(context.Context) bool { panic("a fault") }) {
		t.Error("a branch that panicked is said to have configured something")
	}
	if failure := workload.AsFailure(v.failure()); failure.Code != workload.CodeInternal {
		t.Errorf("the attempt ends with %s, want an internal error", failure.Code)
	}
}
