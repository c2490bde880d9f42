package pages

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"airbyte-provisioner/internal/workload"
)

// operationEvery is after what time an unfinished operation is shown anew.
const operationEvery = time.Second

// operationPage is one operation.
type operationPage struct {
	page
	Name, Note                  string
	State                       state
	Failure                     *workload.Failure
	Result, ResultClass         string
	Problems                    []workload.Problem // that a validation has found
	Entries                     []workload.PublicEntry
	Steps                       []step
	Plan                        []string
	Log                         []line
	Grants                      []workload.Grant
	Updates                     []update
	Component                   workload.Component
	Product                     string
	Kind                        workload.Kind
	Token, TraceID, Queue, Task string
	Accepted, Started, Finished moment
	Attempts                    int
}

// line is one line of the log.
type line struct {
	Time    moment
	Phase   workload.Phase
	Level   workload.Level // empty for the usual
	Message string
}

// update is one value that a reverse provisioning has read.
type update struct{ Path, Value string }

// LevelClass is the class of a level that is shown.
func (operationPage) LevelClass(level workload.Level) string {
	switch level {
	case workload.Error:
		return "bad"
	case workload.Warning:
		return "warn"
	default:
		return "soft"
	}
}

func (p *Pages) operation(w http.ResponseWriter, r *http.Request, token string) {
	status, err := p.options.Operations.Status(r.Context(), token)
	if err != nil {
		p.fail(w, r, err, "../")
		return
	}
	p.answer(w, r, http.StatusOK, "operation", p.operationView(status))
}

func (p *Pages) operationView(s workload.Status) operationPage {
	now := p.options.Now()
	shown := stateOf(s)
	view := operationPage{
		page: p.page(shown.Word+" · "+string(s.Kind)+" · "+title(s), "../"),
		Name: title(s), Note: note(s, now), State: shown, Failure: s.Failure, Steps: stepsOf(s, now),
		Component: s.Component, Product: productOf(s.DataProduct), Kind: s.Kind, Token: s.Token, TraceID: s.TraceID,
		Accepted: exact(s.AcceptedAt), Started: exact(s.StartedAt), Finished: exact(s.FinishedAt), Attempts: s.Attempts,
	}
	view.Queue, view.Task = p.options.Task(s)
	if !s.State.Terminal() {
		view.Every, view.Reload = operationEvery, 5
	}
	if s.Failure == nil { // whose text is shown part by part
		view.Result, view.ResultClass = s.Result, shown.Class
	}
	if o := s.Outcome; o != nil {
		if found := o.Validation; found != nil && !found.Valid { // which is a completed operation
			view.ResultClass, view.Problems = "bad", found.Problems
		}
		view.Grants = o.Access
		view.Entries, view.Updates = entriesOf(o.Public), updatesOf(o.Updates)
	}
	view.Plan = planOf(s.Logs)
	for _, l := range s.Logs {
		level := l.Level
		if level == workload.Info {
			level = ""
		}
		view.Log = append(view.Log, line{moment{l.Time, l.Time.UTC().Format("15:04:05.000")}, l.Phase, level, l.Message})
	}
	return view
}

// planOf is the plan of the last attempt that made one.
func planOf(logs []workload.LogLine) []string {
	var plan []string
	over := false // the attempt that made the plan
	for _, l := range logs {
		if l.Phase == "" { // it waits, or another begins
			over = true
		}
		if l.Phase != workload.PhasePlan {
			continue
		}
		if over {
			plan, over = nil, false
		}
		plan = append(plan, strings.TrimPrefix(l.Message, "Plan: "))
	}
	return plan
}

func exact(at time.Time) moment { return moment{at, at.UTC().Format(time.DateTime)} }

// note says in words how an operation stands.
func note(s workload.Status, now time.Time) string {
	switch {
	case s.State.Terminal():
		return fmt.Sprintf("%s, took %s", s.Kind, duration(s, now))
	case s.StartedAt.IsZero():
		return fmt.Sprintf("%s, has waited for its turn for %s", s.Kind, duration(s, now))
	default:
		return fmt.Sprintf("%s, for %s", s.Kind, duration(s, now))
	}
}

// entriesOf is publicInfo in a steady order, links first.
func entriesOf(public map[string]workload.PublicEntry) []workload.PublicEntry {
	var entries []workload.PublicEntry
	for _, e := range public {
		if e.Type != "link" {
			e.Href = ""
		}
		entries = append(entries, e)
	}
	rank := func(e workload.PublicEntry) int {
		if e.Href != "" {
			return 0
		}
		return 1
	}
	slices.SortFunc(entries, func(a, b workload.PublicEntry) int {
		return cmp.Or(cmp.Compare(rank(a), rank(b)), cmp.Compare(a.Label, b.Label))
	})
	return entries
}

func updatesOf(values map[string]any) []update {
	var updates []update
	for path, value := range values {
		var text strings.Builder
		encoder := json.NewEncoder(&text)
		encoder.SetEscapeHTML(false) // the page does that
		if err := encoder.Encode(value); err != nil {
			continue // what was read from JSON can be written again
		}
		updates = append(updates, update{path, strings.TrimSpace(text.String())})
	}
	slices.SortFunc(updates, func(a, b update) int { return cmp.Compare(a.Path, b.Path) })
	return updates
}
