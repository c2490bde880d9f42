package config

import (
	"fmt"
	"strings"
)

// Problem is one setting that cannot work.
type Problem struct {
	Name    string // of the setting, and where the file holds it if it came from there
	Message string // what is wrong with its value; never a secret's value
}

// Error is every setting that cannot work, at once.
type Error struct {
	Problems []Problem
}

// Error lists the problems, one on a line.
func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString("These settings cannot work:")
	for _, p := range e.Problems {
		b.WriteString("\n- " + p.Name + ": " + p.Message)
	}
	return b.String()
}

// report collects problems.
type report struct {
	problems []Problem
	// origin says where the file holds a setting that did not come from the environment.
	origin map[string]string
	// broken are settings whose value could not be read.
	broken map[string]bool
	// settled means that the reading is over: of a broken setting nothing more is said,
	// since what is checked from now on is not what was given.
	settled bool
}

func newReport() *report {
	return &report{origin: map[string]string{}, broken: map[string]bool{}}
}

func (r *report) settle() { r.settled = true }

// add notes a problem with the setting of a name.
func (r *report) add(name, format string, args ...any) {
	if r.settled && r.broken[name] {
		return
	}
	if !r.settled {
		r.broken[name] = true
	}
	shown := name
	if origin := r.origin[name]; origin != "" {
		shown += " (" + origin + ")"
	}
	r.problems = append(r.problems, Problem{shown, fmt.Sprintf(format, args...)})
}

// err is nil when there is no problem.
func (r *report) err() error {
	if len(r.problems) == 0 {
		return nil
	}
	return &Error{r.problems}
}
