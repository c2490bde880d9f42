package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"airbyte-provisioner/internal/progress"
)

// showVerdict prints the result of a validation.
func (j *job) showVerdict(v verdict) int {
	d := progress.New(j.out, j.display)
	if v.Valid {
		say(j.out, "%s", d.State("VALID"))
		return exitOK
	}
	say(j.out, "%s", d.State("INVALID"))
	list(j.out, "", v.Error.Errors)
	return exitFailed
}

// showRefusal prints why the API did not do it.
func (j *job) showRefusal(r *refusal) {
	say(j.err, "%s", progress.Clean(r.message))
	if len(r.problems) != 1 || r.problems[0] != r.message {
		list(j.err, "", r.problems)
	}
	list(j.err, "What to do:", r.solutions)
}

// say prints one line or more. Who has closed the output does not want to hear of it.
func say(out io.Writer, format string, a ...any) { _, _ = fmt.Fprintf(out, format+"\n", a...) }

// list prints texts as a list with a heading.
func list(out io.Writer, heading string, texts []string) {
	if len(texts) > 0 && heading != "" {
		say(out, "%s", heading)
	}
	for _, text := range texts {
		say(out, "%s", "  - "+indent(text, "    "))
	}
}

// indent makes a text harmless and puts its further lines behind a prefix.
func indent(text, prefix string) string {
	return strings.ReplaceAll(progress.Clean(strings.TrimSpace(text)), "\n", "\n"+prefix)
}

// showPresent prints a status that was asked for once; that it runs is no failure.
func (j *job) showPresent(s status) int {
	w := watch{display: progress.New(j.out, j.display)}
	w.show(s)
	if s.terminal() {
		return j.showEnd(s, 0)
	}
	say(j.out, "%s", w.display.State(s.Status))
	if s.Result != "" {
		say(j.out, "%s", indent(s.Result, ""))
	}
	return exitOK
}

// showEnd prints a final status and returns the exit code for it.
func (j *job) showEnd(s status, took time.Duration) int {
	if j.watch().validation && s.Status == "COMPLETED" {
		var v verdict
		if err := json.Unmarshal(s.Info.Public, &v); err != nil {
			say(j.err, "provisionctl: the validation is complete, but its result is not what the contract says")
			return exitFailed
		}
		return j.showVerdict(v)
	}
	headline := progress.New(j.out, j.display).State(s.Status)
	if took > 0 {
		headline += " after " + took.Round(100*time.Millisecond).String()
	}
	say(j.out, "%s", headline)
	if s.Result != "" {
		say(j.out, "%s", indent(s.Result, ""))
	}
	j.showPublic(s.Info.Public)
	j.showPrivate(s.Info.Private)
	if j.command.name == "terminate" {
		return j.terminated(s)
	}
	if s.Status == "COMPLETED" {
		return exitOK
	}
	return exitFailed
}

// terminated is the exit code of terminate: it has failed if the operation ended otherwise.
func (j *job) terminated(s status) int {
	if s.Status == "TERMINATED" {
		return exitOK
	}
	say(j.err, "The operation had ended before it could be terminated.")
	return exitFailed
}

// showPublic prints the entries that Witboost would show.
func (j *job) showPublic(raw json.RawMessage) {
	var entries map[string]struct{ Label, Value, Href string }
	if json.Unmarshal(raw, &entries) != nil || len(entries) == 0 {
		return
	}
	say(j.out, "")
	table := tabwriter.NewWriter(j.out, 0, 0, 2, ' ', 0)
	for _, key := range slices.Sorted(maps.Keys(entries)) {
		e := entries[key]
		label := e.Label
		if label == "" {
			label = key
		}
		line := "  " + cell(label) + "\t" + cell(e.Value)
		if e.Href != "" {
			line += "\t" + cell(e.Href)
		}
		say(table, "%s", line)
	}
	_ = table.Flush()
}

// showPrivate prints the ids that Witboost keeps.
func (j *job) showPrivate(values map[string]any) {
	if len(values) == 0 {
		return
	}
	say(j.out, "")
	table := tabwriter.NewWriter(j.out, 0, 0, 2, ' ', 0)
	for _, key := range slices.Sorted(maps.Keys(values)) {
		if text, ok := values[key].(string); ok && text != "" {
			say(table, "%s", "  "+cell(key)+"\t"+cell(text))
		}
	}
	_ = table.Flush()
}

// cell makes a text fit into a table.
func cell(text string) string {
	return strings.NewReplacer("\n", " ", "\t", " ").Replace(progress.Clean(text))
}
