package validation

import (
	"context"
	"fmt"
	"runtime/debug"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/reconcile"
	"airbyte-provisioner/internal/workload"
)

// Options are what a Performer needs.
type Options struct {
	Reconciler *reconcile.Reconciler
	// Quick leaves out what takes minutes: the checks and the discovery.
	Quick bool
}

// Performer carries out validations. It is safe for concurrent use.
type Performer struct{ options Options }

// New returns a Performer. It opens nothing.
func New(options Options) *Performer { return &Performer{options: options} }

// Perform validates the work. An invalid one is an outcome; the error is a
// *workload.Failure where the validation could not be carried out, or what the
// attempt or the reconciler's limit of jobs returned.
func (p *Performer) Perform(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
	v := &validation{options: p.options, work: work, attempt: attempt}
	rehearsal, err := p.options.Reconciler.Rehearse(ctx, work, attempt)
	if !v.found(err) {
		return v.end(reconcile.Plan{})
	}
	v.rehearsal = rehearsal
	if !v.found(rehearsal.Workspace(ctx)) {
		return v.end(reconcile.Plan{})
	}
	if p.options.Quick {
		v.log(workload.Info, workload.PhaseAccept, "Neither connections are checked nor is the source's schema read: this installation leaves that out of validations.")
	}
	destination := make(chan bool, 1)
	go func() { destination <- v.branch(ctx, v.destination) }()
	source := v.branch(ctx, v.source)
	return v.end(v.plan(ctx, <-destination && source))
}

// validation is one attempt's work.
type validation struct {
	findings
	options   Options
	rehearsal *reconcile.Rehearsal
	work      workload.Work
	attempt   workload.Attempt
}

func (v *validation) log(level workload.Level, phase workload.Phase, text string) {
	if v.attempt.Log != nil {
		v.attempt.Log(level, phase, text)
	}
}

// branch runs a side of the validation and makes its panic an error: on a
// goroutine of its own it would end the worker.
func (v *validation) branch(ctx context.Context, run func(context.Context) bool) (configured bool) {
	defer func() {
		if p := recover(); p != nil {
			v.found(fmt.Errorf("panic: %v\n%s", p, debug.Stack())) // for the log: it is no Failure
		}
	}()
	return run(ctx)
}

// source validates the source and reports whether its configuration is right.
func (v *validation) source(ctx context.Context) bool {
	if !v.found(v.rehearsal.Configure(ctx, airbyte.Source)) {
		return false
	}
	if !v.options.Quick && v.found(v.rehearsal.Check(ctx, airbyte.Source)) {
		v.found(v.rehearsal.Discover(ctx))
	}
	return true
}

// destination is source for the destination.
func (v *validation) destination(ctx context.Context) bool {
	if !v.found(v.rehearsal.Configure(ctx, airbyte.Destination)) {
		return false
	}
	if !v.options.Quick {
		v.found(v.rehearsal.Check(ctx, airbyte.Destination))
	}
	return true
}

// plan tells what provisioning would do, where both configurations are right,
// and holds the wanted streams against what was discovered.
func (v *validation) plan(ctx context.Context, configured bool) reconcile.Plan {
	if v.stopped() {
		return reconcile.Plan{}
	}
	if !configured {
		v.log(workload.Info, workload.PhasePlan, "What provisioning would do can be told once the problems are solved.")
		v.found(v.rehearsal.Streams(ctx))
		return reconcile.Plan{}
	}
	plan, err := v.rehearsal.Plan(ctx)
	v.found(err)
	for _, note := range plan.Notes {
		v.log(workload.Warning, workload.PhasePlan, note)
	}
	for _, entry := range plan.Entries {
		v.log(workload.Info, workload.PhasePlan, "Plan: "+entry.String())
	}
	return plan
}

// end is the verdict.
func (v *validation) end(plan reconcile.Plan) (workload.Outcome, error) {
	if err := v.failure(); err != nil {
		return workload.Outcome{}, err
	}
	problems := v.sorted()
	if len(problems) == 0 {
		message := "The descriptor is valid. " + summary(plan)
		v.log(workload.Info, workload.PhaseFinish, message)
		return workload.Outcome{Message: message, Validation: &workload.Validation{Valid: true}}, nil
	}
	for _, problem := range problems {
		v.log(workload.Error, workload.PhaseFinish, problem.String())
	}
	for _, solution := range v.solutions {
		v.log(workload.Info, workload.PhaseFinish, "What to do: "+solution)
	}
	return workload.Outcome{
		Message:    fmt.Sprintf("The descriptor is not valid: %s.", count(len(problems), "problem")),
		Validation: &workload.Validation{Problems: problems},
	}, nil
}

// summary says in a sentence what provisioning would do.
func summary(plan reconcile.Plan) string {
	if plan.Empty() {
		return "Provisioning would change nothing."
	}
	var deeds []string
	for _, e := range plan.Entries {
		if e.Action != reconcile.Keep && e.Entity != reconcile.Discovery {
			deeds = append(deeds, string(e.Action)+" the "+string(e.Entity))
		}
	}
	if len(deeds) == 0 {
		return "Provisioning would read the source's schema and change nothing else."
	}
	return "Provisioning would " + strings.Join(deeds, ", ") + "."
}

func count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
