package pages

import (
	"cmp"
	"fmt"
	"time"

	"airbyte-provisioner/internal/workload"
)

// moment is a time as it is shown.
type moment struct {
	At   time.Time
	Text string
}

// Machine is the time for programs.
func (m moment) Machine() string { return m.At.UTC().Format(time.RFC3339Nano) }

// Whole is the time for people, in full.
func (m moment) Whole() string { return m.At.UTC().Format("2006-01-02 15:04:05.000 UTC") }

// ago is a time in words.
func ago(at, now time.Time) moment {
	switch age := now.Sub(at); {
	case age < 5*time.Second:
		return moment{at, "just now"}
	case age < 7*24*time.Hour:
		return moment{at, rough(age) + " ago"}
	default:
		return moment{at, at.UTC().Format(time.DateOnly)}
	}
}

// rough is a duration in its largest unit.
func rough(d time.Duration) string {
	switch {
	case d < time.Minute:
		return fmt.Sprintf("%d s", int(d.Seconds()))
	case d < time.Hour:
		return fmt.Sprintf("%d min", int(d.Minutes()))
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h", int(d.Hours()))
	default:
		return fmt.Sprintf("%d days", int(d.Hours()/24))
	}
}

// took is a duration in full, as short as it can be.
func took(d time.Duration) string {
	switch {
	case d < 0:
		return "0 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Truncate(100*time.Millisecond).Seconds())
	case d < time.Hour:
		return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
	default:
		return fmt.Sprintf("%d h %d min", int(d.Hours()), int(d.Minutes())%60)
	}
}

// state is an operation's state as it is shown: never by colour alone.
type state struct{ Word, Mark, Class string }

func stateOf(s workload.Status) state {
	switch s.State {
	case workload.Completed:
		return state{"COMPLETED", "✓", "good"}
	case workload.Failed:
		return state{"FAILED", "✗", "bad"}
	case workload.Terminated:
		return state{"TERMINATED", "■", "warn"}
	case workload.Terminating:
		return state{"TERMINATING", "■", "warn"}
	default:
		if s.StartedAt.IsZero() {
			return state{"WAITING", "…", "soft"}
		}
		return state{"RUNNING", "▸", "busy"}
	}
}

// title names what an operation is about. It is never empty: it leads to the operation's page.
func title(s workload.Status) string { return cmp.Or(s.Name, s.Component.ID, s.Token) }

// productOf names a data product.
func productOf(d workload.DataProduct) string {
	name := d.Name
	if name == "" {
		name = d.ID
	}
	if name != "" && d.Version != "" {
		name += " " + d.Version
	}
	return name
}

// duration is how long an operation took, or has taken so far.
func duration(s workload.Status, now time.Time) string {
	end := s.FinishedAt
	if end.IsZero() {
		end = now
	}
	return took(end.Sub(s.AcceptedAt))
}
