package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"time"

	"airbyte-provisioner/internal/progress"
)

// steps are the phases of an operation, in the order in which they usually come.
var steps = []string{"accept", "observe", "plan", "source", "discovery", "destination", "connection", "finish"}

// answer is what one question for the status came to.
type answer struct {
	status status
	err    error
}

// follow shows an operation's progress until it ends, and then its result.
func (j *job) follow(ctx context.Context) int {
	path := j.watch().path(url.PathEscape(j.token))
	if j.noWait {
		s, err := j.client.status(ctx, path)
		if err != nil {
			return j.fail(ctx, err)
		}
		return j.showPresent(s)
	}
	options := j.display
	options.Steps = steps
	w := watch{display: progress.New(j.out, options), begun: j.now()}
	defer w.display.Close()

	asking, stop := context.WithCancel(ctx)
	defer stop()
	answers := make(chan answer)
	go j.ask(asking, path, answers)
	tick := time.NewTicker(j.pace.tick)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			w.display.Close()
			return j.leave(ctx)
		case <-tick.C:
			w.display.Tick(w.now, j.now().Sub(w.begun))
		case a := <-answers:
			if a.err != nil {
				w.display.Close()
				return j.fail(ctx, a.err)
			}
			w.show(a.status)
			if a.status.terminal() {
				w.display.Close()
				return j.showEnd(a.status, j.took(w.begun))
			}
		}
	}
}

// took is how long an operation took that was begun now; 0 for one that somebody
// began before.
func (j *job) took(begun time.Time) time.Duration {
	if j.file == "" {
		return 0
	}
	return j.now().Sub(begun)
}

// ask sends what it hears of a token until its end, an error that will not
// pass, or an outage that lasts too long. Between two questions it waits
// longer while nothing happens.
func (j *job) ask(ctx context.Context, path string, answers chan<- answer) {
	wait, seen := j.pace.first, 0
	lastHeard := j.now()
	for {
		s, err := j.client.status(ctx, path)
		switch {
		case err != nil && (!passing(err) || j.now().Sub(lastHeard) > j.pace.outage):
			send(ctx, answers, answer{err: err})
			return
		case err != nil:
			if !send(ctx, answers, answer{status: status{Status: outage}}) {
				return
			}
		default:
			lastHeard = j.now()
			if !send(ctx, answers, answer{status: s}) || s.terminal() {
				return
			}
		}
		if len(s.Logs) > seen {
			wait, seen = j.pace.first, len(s.Logs)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(wait):
		}
		wait = min(wait*3/2, j.pace.most)
	}
}

// outage stands for the status of an operation while the API does not answer.
const outage = "the API does not answer"

// passing reports whether an error may go away by itself.
func passing(err error) bool {
	var r *refusal
	return !errors.As(err, &r) || r.passing()
}

func send(ctx context.Context, answers chan<- answer, a answer) bool {
	select {
	case <-ctx.Done():
		return false
	case answers <- a:
		return true
	}
}

// watch is what was shown of an operation so far.
type watch struct {
	display *progress.Display
	begun   time.Time
	last    *logLine
	state   string
	now     string // what the moving line says
}

// show prints what is new in a status.
func (w *watch) show(s status) {
	if s.Status == outage {
		if w.state != outage {
			w.display.Print("The API does not answer; asking again.")
		}
		w.state, w.now = outage, outage
		return
	}
	if w.state == outage {
		w.display.Print("The API answers again.")
	}
	if s.Status == "TERMINATING" && w.state != s.Status {
		w.display.Print("A termination was asked for.")
	}
	w.state = s.Status
	for _, line := range w.fresh(s.Logs) {
		w.display.Line(line.Time, line.Level, line.Phase, line.Message)
		w.last, w.now = &line, fmt.Sprintf("%s: %s", line.Phase, line.Message)
	}
	if w.now == "" || w.now == outage {
		w.now = s.Status
	}
}

// fresh returns the lines behind the last one that was shown. The server may
// drop old lines of a long log, so positions do not tell.
func (w *watch) fresh(lines []logLine) []logLine {
	if w.last == nil {
		return lines
	}
	for i := len(lines) - 1; i >= 0; i-- {
		if lines[i] == *w.last {
			return lines[i+1:]
		}
	}
	for i, line := range lines {
		if line.Time.After(w.last.Time) {
			return lines[i:]
		}
	}
	return nil
}
