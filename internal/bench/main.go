package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the whole program. The programs that bench measures with are bench
// itself, told so by its first argument.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		if part, ok := parts[args[0]]; ok {
			return part(ctx, args[1:])
		}
	}
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	quick := flags.Bool("quick", false, "fewer and shorter pairs, one line a goal, no document")
	only := flags.String("only", "", "measure only what begins with one of these comma-separated `names`")
	pairs := flags.Int("pairs", 0, "so many pairs instead of the usual number")
	seed := flags.Uint64("seed", 1, "decides which of a pair comes first, and pauses")
	out := flags.String("out", "docs/performance.md", "the `document` whose table is replaced; empty for none")
	profile := flags.String("profile", "", "write profiles of the programs into this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(ctx, *quick, *pairs, *seed, *profile, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	report := b.measure(*only)
	if *quick {
		return report.lines(stdout)
	}
	if err := report.table(stdout); err != nil {
		return err
	}
	if *out != "" && *only == "" {
		if err := report.document(*out); err != nil {
			return err
		}
	}
	return report.err()
}

// measurement is one row, or a few that are measured together.
type measurement struct {
	name string
	take func(*bench) ([]result, error)
}

// measurements are all of them, in the order of the table.
func measurements() []measurement {
	return []measurement{
		{"accept", (*bench).accept},
		{"poll", (*bench).poll},
		{"start", (*bench).start},
		{"work", (*bench).work},
		{"clock", (*bench).clock},
		{"scale", (*bench).scale},
		{"memory", (*bench).memory},
		{"backlog", (*bench).backlog},
	}
}

// measure takes the measurements whose names begin with one of those wanted.
func (b *bench) measure(only string) *report {
	r := newReport(b)
	for _, m := range measurements() {
		if !wanted(m.name, only) || b.ctx.Err() != nil {
			continue
		}
		begun := time.Now()
		results, err := m.take(b)
		b.stopAll()
		r.add(m.name, results, err)
		b.say("%s took %s", m.name, time.Since(begun).Round(100*time.Millisecond))
	}
	return r
}

func wanted(name, only string) bool {
	if only == "" {
		return true
	}
	for prefix := range strings.SplitSeq(only, ",") {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
