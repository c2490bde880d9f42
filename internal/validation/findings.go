package validation

import (
	"errors"
	"slices"
	"strings"
	"sync"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// findings are what a validation has found so far. They are safe for concurrent use.
type findings struct {
	mu        sync.Mutex
	problems  []workload.Problem
	solutions []string
	// stops are why parts of the validation could not be carried out.
	stops []error
}

// found takes the error of a step down and reports whether there is none.
func (v *validation) found(err error) bool {
	if err == nil {
		return true
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	var failure *workload.Failure
	if !errors.As(err, &failure) || !descriptors(failure, err) {
		v.stops = append(v.stops, err)
		return false
	}
	problems := failure.Problems
	if len(problems) == 0 {
		problems = []workload.Problem{{Path: v.pathOf(failure, err), Message: failure.Message}}
	}
	for _, problem := range problems {
		if !slices.Contains(v.problems, problem) {
			v.problems = append(v.problems, problem)
		}
	}
	for _, solution := range failure.Solutions {
		if !slices.Contains(v.solutions, solution) {
			v.solutions = append(v.solutions, solution)
		}
	}
	return false
}

// descriptors reports whether a failure is the descriptor's, and not that of
// the installation or of Airbyte.
func descriptors(failure *workload.Failure, err error) bool {
	if failure.Retry {
		return false
	}
	switch failure.Code {
	case workload.CodeInvalid, workload.CodeSecret, workload.CodeCheck, workload.CodeConflict:
		return true
	case workload.CodeRefused:
		// Of the calls about an actor, Airbyte refuses a configuration that it does not
		// take, and does not find a connector that the workspace does not have.
		return slices.Contains([]workload.Phase{workload.PhaseSource, workload.PhaseDestination, workload.PhaseDiscovery}, failure.Phase) &&
			(airbyte.NotFound(err) || refusedBody(err))
	default:
		return false
	}
}

func refusedBody(err error) bool {
	var call *airbyte.Error
	return errors.As(err, &call) && call.Class == airbyte.ClassInvalid
}

// pathOf is the field that a failure without problems of its own is about.
func (v *validation) pathOf(failure *workload.Failure, err error) string {
	switch {
	case failure.Phase == workload.PhaseSource || failure.Phase == workload.PhaseDiscovery:
		return actorPath("source", v.work.Source, err)
	case failure.Phase == workload.PhaseDestination:
		return actorPath("destination", v.work.Destination, err)
	case v.rehearsal == nil:
		return "dataProduct.environment" // it leads to no workspace
	case failure.Code == workload.CodeConflict && v.work.Adopt != "":
		return "specific.adopt.connectionId"
	}
	return ""
}

func actorPath(block string, actor workload.Actor, err error) string {
	switch {
	case !airbyte.NotFound(err):
		return "specific." + block + ".connectionConfiguration"
	case actor.Connector != "":
		return "specific." + block + ".connector"
	default:
		return "specific." + block + ".definitionId"
	}
}

// stopped reports whether a part of the validation could not be carried out.
func (v *validation) stopped() bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.stops) > 0
}

// failure is why the validation could not be carried out, nil if it was: an
// error that is no failure first, since it decides what becomes of the attempt;
// then one that another attempt does not help.
func (v *validation) failure() error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.stops) == 0 {
		return nil
	}
	worst := slices.MinFunc(v.stops, func(a, b error) int { return rank(a) - rank(b) })
	var failure *workload.Failure
	if !errors.As(worst, &failure) || len(v.problems) == 0 {
		return worst
	}
	whole := *failure
	whole.Problems = append(slices.Clone(failure.Problems), v.problems...)
	whole.Solutions = slices.Clone(failure.Solutions)
	for _, solution := range v.solutions {
		if !slices.Contains(whole.Solutions, solution) {
			whole.Solutions = append(whole.Solutions, solution)
		}
	}
	return (&whole).Because(worst)
}

func rank(err error) int {
	var failure *workload.Failure
	switch {
	case !errors.As(err, &failure):
		return 0
	case !failure.Retry:
		return 1
	default:
		return 2
	}
}

// sorted are the problems in the order of their paths: two branches found them.
func (v *validation) sorted() []workload.Problem {
	v.mu.Lock()
	defer v.mu.Unlock()
	slices.SortStableFunc(v.problems, func(a, b workload.Problem) int { return strings.Compare(a.Path, b.Path) })
	return v.problems
}
