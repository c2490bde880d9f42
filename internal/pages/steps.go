package pages

import (
	"time"

	"airbyte-provisioner/internal/workload"
)

// step is one phase of an operation as it is shown.
type step struct {
	Name, Took, Mark, Class string
	Current                 bool
}

// names are the phases' in words.
//
//nolint:gochecknoglobals // a constant table
var names = map[workload.Phase]string{
	workload.PhaseAccept: "Accept", workload.PhaseObserve: "Look at Airbyte", workload.PhasePlan: "Plan",
	workload.PhaseSource: "Source", workload.PhaseDiscovery: "Schema", workload.PhaseDestination: "Destination",
	workload.PhaseConnection: "Connection", workload.PhaseSync: "Sync", workload.PhaseAccess: "Access", workload.PhaseFinish: "End",
}

// stepsOf divides the time of an operation's attempts among the phases of its log,
// as the metrics do: a phase's time is what passed before each of its lines.
func stepsOf(s workload.Status, now time.Time) []step {
	var order []workload.Phase
	spent := map[workload.Phase]time.Duration{}
	last, current := s.AcceptedAt, workload.Phase("")
	for _, l := range s.Logs {
		if l.Phase == "" {
			last = l.Time // another attempt begins: the wait for it is no part of a phase
			continue
		}
		if _, seen := spent[l.Phase]; !seen {
			order = append(order, l.Phase)
		}
		if l.Phase != workload.PhaseAccept && last.Before(s.StartedAt) {
			last = s.StartedAt // the wait for a worker is no part of a phase
		}
		spent[l.Phase] += max(0, l.Time.Sub(last))
		last, current = l.Time, l.Phase
	}
	steps := make([]step, len(order))
	for i, phase := range order {
		steps[i] = step{Name: nameOf(phase), Took: took(spent[phase]), Mark: "✓", Class: "good"}
		if phase != current {
			continue
		}
		switch s.State {
		case workload.Completed:
		case workload.Failed:
			steps[i].Mark, steps[i].Class = "✗", "bad"
		case workload.Terminated, workload.Terminating:
			steps[i].Mark, steps[i].Class = "■", "warn"
		default:
			steps[i].Mark, steps[i].Class, steps[i].Current = "▸", "busy", true
			steps[i].Took = took(spent[phase] + max(0, now.Sub(last)))
		}
	}
	return steps
}

func nameOf(phase workload.Phase) string {
	if name := names[phase]; name != "" {
		return name
	}
	return string(phase)
}
