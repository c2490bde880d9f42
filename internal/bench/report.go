package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"regexp"
	"runtime"
	"strings"
	"time"
)

// result is one goal and what was measured of it.
type result struct {
	name     string // one word, for machines
	what     string // for people
	measured float64
	goal     float64
	atMost   bool   // the goal is an upper bound
	unit     string // empty for a ratio
	floor    string // what it is compared with
	spread   string // the middle half of the pairs
	note     string // absolute figures, which do not repeat
}

func (r result) ok() bool {
	if r.atMost {
		return r.measured <= r.goal
	}
	return r.measured >= r.goal
}

func (r result) verdict() string {
	if r.ok() {
		return "ok"
	}
	return "short"
}

// report is what a run has found.
type report struct {
	bench   *bench
	begun   time.Time
	results []result
	errs    []error
}

func newReport(b *bench) *report { return &report{bench: b, begun: time.Now()} }

func (r *report) add(name string, results []result, err error) {
	r.results = append(r.results, results...)
	if err != nil {
		r.errs = append(r.errs, fmt.Errorf("%s could not be measured: %w", name, err))
	}
}

// join adds what another report has found; nil adds nothing.
func (r *report) join(other *report) {
	if other != nil {
		r.results, r.errs = append(r.results, other.results...), append(r.errs, other.errs...)
		if other.begun.Before(r.begun) {
			r.begun = other.begun
		}
	}
}

// err says what could not be measured.
func (r *report) err() error {
	return errors.Join(append(r.errs, r.bench.ctx.Err())...)
}

// lines is the report for machines.
func (r *report) lines(to io.Writer) error {
	for _, each := range r.results {
		fmt.Fprintf(to, "%s %s %s %s\n", each.name, figure(each.measured), figure(each.goal), each.verdict())
	}
	return r.err()
}

// table is the report for people, in Markdown.
func (r *report) table(to io.Writer) error {
	var b strings.Builder
	fmt.Fprintf(&b, "%s. Seed %d.\n\n", strings.Join(r.facts(), ". "), r.bench.seed)
	b.WriteString("| what | measured | middle half | goal | | floor | absolute, this time |\n|---|---|---|---|---|---|---|\n")
	for _, each := range r.results {
		bound := "at least "
		if each.atMost {
			bound = "at most "
		}
		fmt.Fprintf(&b, "| %s | %s%s | %s | %s%s%s | %s | %s | %s |\n", each.what, figure(each.measured), each.unit, each.spread,
			bound, figure(each.goal), each.unit, each.verdict(), each.floor, each.note)
	}
	for _, err := range r.errs {
		fmt.Fprintf(&b, "\n%v\n", err)
	}
	_, err := io.WriteString(to, b.String())
	return err
}

// facts are what the figures depend on.
func (r *report) facts() []string {
	facts := []string{
		"Measured " + r.begun.UTC().Format("2006-01-02 15:04") + " UTC in " + time.Since(r.begun).Round(time.Second).String(),
		fmt.Sprintf("%s, %d processors, %s/%s", processor(), runtime.NumCPU(), runtime.GOOS, runtime.GOARCH),
		runtime.Version(),
	}
	if version := r.output("redis-server", "--version"); version != "" {
		facts = append(facts, "Redis "+strings.TrimPrefix(version, "v="))
	}
	if commit := r.output("git", "describe", "--always", "--dirty"); commit != "" {
		facts = append(facts, "Commit "+commit)
	}
	return append(facts, "Load of the machine before and after: "+r.bench.loadBefore+" and "+load())
}

var versionOf = regexp.MustCompile(`v=\S+`)

// output is the first line that a program prints, "" where it is absent; of redis-server the version alone.
func (r *report) output(name string, args ...string) string {
	out, err := exec.CommandContext(context.WithoutCancel(r.bench.ctx), name, args...).Output()
	if err != nil {
		return ""
	}
	line, _, _ := strings.Cut(string(out), "\n")
	if found := versionOf.FindString(line); found != "" {
		return found
	}
	return line
}

// processor is the model's name, where the system tells.
func processor() string {
	text, err := os.ReadFile("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	if found := regexp.MustCompile(`model name\s*: (.+)`).FindSubmatch(text); found != nil {
		return string(found[1])
	}
	return "unknown processor"
}

// load is the mean number of runnable threads of the last minute: above the
// number of processors, somebody else is at work.
func load() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	one, _, _ := strings.Cut(string(text), " ")
	return one
}

// The marks between which a document holds the table.
const (
	tableBegin = "<!-- measured: begin -->\n"
	tableEnd   = "<!-- measured: end -->\n"
)

// document puts the table into a document, between its marks.
func (r *report) document(path string, table func(io.Writer) error) error {
	text, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	before, rest, begins := bytes.Cut(text, []byte(tableBegin))
	_, after, ends := bytes.Cut(rest, []byte(tableEnd))
	if !begins || !ends {
		return fmt.Errorf("%s has no place for the table, between %q and %q", path, tableBegin, tableEnd)
	}
	var b bytes.Buffer
	b.Write(before)
	b.WriteString(tableBegin)
	if err := table(&b); err != nil {
		return err
	}
	b.WriteString(tableEnd)
	b.Write(after)
	return os.WriteFile(path, b.Bytes(), 0o644)
}
