package reconcile

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"

	"github.com/google/go-cmp/cmp"
)

// The counted calls are documented, and the document is what the test compares with.
var update = flag.Bool("update", false, "write docs/reconcile.md's table anew")

const (
	callsDocument = "../../docs/reconcile.md"
	tableBegin    = "<!-- calls: begin -->\n"
	tableEnd      = "<!-- calls: end -->"
)

// counted is a row of the table.
type counted struct {
	name   string
	reason string
	// before brings the bench to where the row begins.
	before func(b *bench)
	work   func() workload.Work
	remove bool
	cold   bool // in a new process, whose caches are empty
}

func countedCalls() []counted {
	provisioned := func(b *bench) { b.provision(orders()) }
	twice := func(b *bench) { b.provision(orders()); b.provision(orders()) }
	return []counted{
		{
			name: "first provision", reason: "nothing is there; each connector's specification is read once", cold: true,
			before: func(*bench) {}, work: orders,
		},
		{name: "unchanged", reason: "reads only: two lists, the connection, and the connections of a workspace that is not large", before: provisioned, work: orders, cold: true},
		{name: "unchanged, once more", reason: "the same", before: twice, work: orders, cold: true},
		{
			name: "unchanged, in a workspace of more than 500 connections", reason: "the list of connections has no pages, so it is left out",
			before: func(b *bench) {
				b.provision(orders())
				b.crowd(501)
				b.provision(orders())
			}, work: orders, cold: true,
		},
		{
			name: "one secret of the destination changed", reason: "exactly one update, after a check",
			before: func(b *bench) { twice(b); b.secrets.set("WAREHOUSE", "rotated") }, work: orders,
		},
		{
			name: "one secret of the source changed", reason: "exactly one update, and the source is proved by a discovery",
			before: func(b *bench) { twice(b); b.secrets.set("SOURCE", "rotated") }, work: orders,
		},
		{
			name: "one stream added", reason: "the schema is asked for again (Airbyte has it cached), and the connection updated",
			before: func(b *bench) { b.provision(ordersOnly("orders")) }, work: func() workload.Work { return ordersOnly("orders", "customers") },
		},
		{
			name: "schedule changed", reason: "one update of the connection, no discovery",
			before: twice, work: func() workload.Work {
				w := orders()
				w.Connection.Schedule = &workload.Schedule{Type: "basic", Units: 6, TimeUnit: "hours"}
				return w
			},
		},
		{name: "unprovision", reason: "each delete is confirmed by looking again", before: twice, work: orders, remove: true, cold: true},
		{
			name: "unprovision with the data", reason: "the clear job is waited for: here it is asked for twice",
			before: twice, remove: true, work: func() workload.Work {
				w := orders()
				w.RemoveData = true
				return w
			},
		},
		{name: "unprovision of what never was", reason: "no call that writes", before: func(*bench) {}, work: orders, remove: true, cold: true},
	}
}

func ordersOnly(names ...string) workload.Work {
	w := orders()
	for _, name := range names {
		w.Connection.Streams = append(w.Connection.Streams, workload.Stream{Name: name})
	}
	return w
}

func TestCountedCalls(t *testing.T) {
	t.Parallel()
	var table strings.Builder
	table.WriteString("| what | reading | writing | discoveries and checks | which | why |\n|---|---|---|---|---|---|\n")
	for _, row := range countedCalls() {
		b := newBench(t, airbytesim.Options{})
		row.before(b)
		if row.cold {
			b.restart()
		}
		if row.remove {
			b.unprovision(row.work())
		} else {
			b.provision(row.work())
		}
		table.WriteString(row.render(b))
	}
	raw, err := os.ReadFile(filepath.FromSlash(callsDocument))
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), tableBegin)
	documented, tail, closed := strings.Cut(rest, tableEnd)
	if !ok || !closed {
		t.Fatalf("%s has no table of calls", callsDocument)
	}
	if diff := cmp.Diff(documented, table.String()); diff != "" {
		if *update {
			if err := os.WriteFile(filepath.FromSlash(callsDocument), []byte(head+tableBegin+table.String()+tableEnd+tail), 0o644); err != nil {
				t.Fatal(err)
			}
			return
		}
		t.Errorf("%s tells other calls than there are; if that is right, run the test with -update\n%s", callsDocument, diff)
	}
}

// render makes a row of the table from the calls that the last operation made.
func (row counted) render(b *bench) string {
	writes := b.writes()
	var slow, reads int
	for _, operation := range b.calls() {
		switch {
		case strings.HasSuffix(operation, "check_connection") || strings.HasSuffix(operation, "discover_schema"):
			slow++
		case !slices.Contains(writes, operation):
			reads++
		}
	}
	var which []string
	calls := b.calls()
	for i, operation := range calls {
		if i > 0 && calls[i-1] == operation {
			continue
		}
		n := 0
		for _, other := range calls {
			if other == operation {
				n++
			}
		}
		if n > 1 {
			operation += fmt.Sprintf(" x%d", n)
		}
		which = append(which, operation)
	}
	return fmt.Sprintf("| %s | %d | %d | %d | %s | %s |\n", row.name, reads, len(writes), slow, strings.Join(which, ", "), row.reason)
}

func TestUnchangedReadsAtMostFiveTimes(t *testing.T) {
	t.Parallel()
	b := newBench(t, airbytesim.Options{})
	b.provision(orders())
	for i := range 3 {
		b.restart()
		outcome := b.provision(orders())
		if calls := b.calls(); len(calls) > 5 || len(b.writes()) > 0 {
			t.Errorf("run %d: an unchanged component led to %v", i, calls)
		}
		if !strings.Contains(strings.ToLower(outcome.Message), "no changes") || !strings.Contains(outcome.Message, "2026-03-04") {
			t.Errorf("the outcome must say that nothing changed and when the schema was read: %q", outcome.Message)
		}
	}
}

// crowd puts other components' entities into the workspace.
func (b *bench) crowd(connections int) {
	b.t.Helper()
	err := b.sim.Fill(airbytesim.Filler{WorkspaceID: workspace, Sources: 3, Destinations: 3, Connections: connections})
	if err != nil {
		b.t.Fatal(err)
	}
}
