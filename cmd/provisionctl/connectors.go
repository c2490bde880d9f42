package main

import (
	"fmt"
	"strings"
	"text/tabwriter"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/progress"
)

// connectors lists the connectors of the catalogue, or shows one as a block that
// can be put into a descriptor. It asks no API.
func (j *job) connectors() int {
	known, err := catalog.Load(j.catalog)
	if err != nil {
		say(j.err, "provisionctl: %s", progress.Clean(err.Error()))
		return exitFailed
	}
	if j.connector == "" {
		table := tabwriter.NewWriter(j.out, 0, 0, 2, ' ', 0)
		for _, profile := range known.Profiles() {
			say(table, "%s\t%s", profile.Name, progress.Clean(profile.Title))
		}
		_ = table.Flush()
		say(j.out, "\nOthers that the Airbyte workspace has work too: by their name, or by their definitionId.\n"+
			"To see how one is configured: provisionctl connectors show NAME")
		return exitOK
	}
	profile := known.Profile(j.connector)
	if profile == nil {
		say(j.err, "provisionctl: the catalogue has no connector %q%s", j.connector, meant(j.connector, known))
		return exitFailed
	}
	say(j.out, "%s", specific(profile.Block()))
	return exitOK
}

// specific puts a block where a descriptor has it. What its fields' texts may
// do to a terminal they do not do.
func specific(block string) string {
	var b strings.Builder
	b.WriteString("specific:")
	for line := range strings.Lines(block) {
		b.WriteString("\n  " + progress.Clean(strings.TrimRight(line, "\n")))
	}
	return b.String()
}

// meant offers the names that are nearest to one that is not there.
func meant(name string, known *catalog.Catalog) string {
	var names []string
	for _, profile := range known.Profiles() {
		names = append(names, profile.Name)
	}
	near := catalog.Nearest(catalog.BareName(name), names)
	if len(near) == 0 {
		return "; see provisionctl connectors"
	}
	return fmt.Sprintf("; did you mean %s?", strings.Join(near, " or "))
}
