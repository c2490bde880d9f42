// Package progress shows people how an operation goes: log lines as they come
// and, on a terminal, a line below them that moves. It imports nothing of ours.
package progress

import (
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"golang.org/x/term"
)

// Options say how a display shows things; FromFile finds them out for a file.
type Options struct {
	// Live draws the moving line, which needs a terminal.
	Live bool
	// Color marks levels and states with ANSI colours.
	Color bool
	// Width returns the terminal's columns; nil means 80.
	Width func() int
	// Steps are the phases in the order in which they usually come; the moving
	// line's bar has one place for each.
	Steps []string
	// Zone is where the times of log lines are told; nil means the local zone.
	Zone *time.Location
}

// FromFile returns the options for a file: live and in colour on a terminal
// that can do it. The arguments are the values of TERM and NO_COLOR (see no-color.org).
func FromFile(f *os.File, termName, noColor string) Options {
	fd := int(f.Fd())
	live := term.IsTerminal(fd) && termName != "dumb"
	return Options{
		Live:  live,
		Color: live && noColor == "",
		Width: func() int {
			if width, _, err := term.GetSize(fd); err == nil && width > 0 {
				return width
			}
			return 80
		},
	}
}

// Display writes to one place. It is not safe for use by several goroutines.
type Display struct {
	out     io.Writer
	options Options
	drawn   bool // the moving line is on the screen
	frame   int
	reached int // steps that were begun
}

// New returns a display that writes to out. Write errors are ignored: who no
// longer listens misses nothing but the show.
func New(out io.Writer, options Options) *Display {
	if options.Width == nil {
		options.Width = func() int { return 80 }
	}
	if options.Zone == nil {
		options.Zone = time.Local
	}
	return &Display{out: out, options: options}
}

// Line shows one log line for good, above the moving line.
func (d *Display) Line(at time.Time, level, phase, message string) {
	d.reach(phase)
	d.erase()
	mark := ""
	if level != "INFO" {
		mark = d.paint(colorOf(level), level) + " "
	}
	_, _ = fmt.Fprintf(d.out, "%s  %-12s %s%s\n", at.In(d.options.Zone).Format(time.TimeOnly), Clean(phase), mark, indented(Clean(message), 23))
}

// Print shows text for good, above the moving line.
func (d *Display) Print(text string) {
	d.erase()
	_, _ = io.WriteString(d.out, text+"\n")
}

// Tick moves the moving line: what goes on, and since when. Without a terminal nothing is shown.
func (d *Display) Tick(what string, elapsed time.Duration) {
	if !d.options.Live {
		return
	}
	d.erase()
	d.frame++
	spinner := []rune("⠋⠙⠹⠸⠼⠴⠦⠧⠇⠏")
	line := fmt.Sprintf("%c %s %s · %s", spinner[d.frame%len(spinner)], d.bar(), Clean(what), elapsed.Truncate(time.Second))
	_, _ = io.WriteString(d.out, clip(line, d.options.Width()-1))
	d.drawn = true
}

// Close takes the moving line away.
func (d *Display) Close() { d.erase() }

// State paints a state's name by how good it is.
func (d *Display) State(state string) string { return d.paint(colorOf(state), state) }

// reach notes that a phase was begun, so that the bar only grows.
func (d *Display) reach(phase string) {
	if at := slices.Index(d.options.Steps, phase); at >= d.reached {
		d.reached = at + 1
	}
}

func (d *Display) bar() string {
	total := len(d.options.Steps)
	return strings.Repeat("■", d.reached) + strings.Repeat("□", total-d.reached)
}

func (d *Display) erase() {
	if d.drawn {
		_, _ = io.WriteString(d.out, "\r\x1b[2K")
		d.drawn = false
	}
}

func (d *Display) paint(color, text string) string {
	text = Clean(text)
	if !d.options.Color || color == "" {
		return text
	}
	return "\x1b[" + color + "m" + text + "\x1b[0m"
}

// colorOf is the ANSI colour of a level or a state.
func colorOf(word string) string {
	switch word {
	case "COMPLETED", "VALID":
		return "32" // green
	case "WARNING", "TERMINATING", "TERMINATED":
		return "33" // yellow
	case "ERROR", "FAILED", "INVALID":
		return "31" // red
	case "DEBUG":
		return "2" // faint
	default:
		return ""
	}
}

// Clean makes a server's text harmless on a terminal: control characters other
// than line breaks become blanks, and what is no UTF-8 becomes U+FFFD.
func Clean(text string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r)) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, string(utf8.RuneError)))
}

// indented puts the further lines of a text below its first one.
func indented(text string, columns int) string {
	return strings.ReplaceAll(strings.TrimRight(text, "\n "), "\n", "\n"+strings.Repeat(" ", columns))
}

// clip cuts a line to a number of columns, so that it never wraps.
func clip(line string, columns int) string {
	line = strings.ReplaceAll(line, "\n", " ")
	if utf8.RuneCountInString(line) <= columns {
		return line
	}
	if columns < 1 {
		return ""
	}
	return string([]rune(line)[:columns-1]) + "…"
}
