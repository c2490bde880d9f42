package main

import (
	"context"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
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
	limits := flags.Bool("limits", false, "measure where growth ends instead, for docs/scaling.md")
	quick := flags.Bool("quick", false, "fewer and shorter pairs, one line a goal, no document")
	only := flags.String("only", "", "measure only what begins with one of these comma-separated `names`")
	pairs := flags.Int("pairs", 0, "so many pairs instead of the usual number")
	seed := flags.Uint64("seed", 1, "decides which of a pair comes first, and pauses")
	out := flags.String("out", "docs", "the `folder` with the documents whose tables are replaced; empty for none")
	profile := flags.String("profile", "", "write profiles of the programs into this `directory`")
	if err := flags.Parse(args); err != nil {
		return err
	}
	b, err := newBench(ctx, *quick, *pairs, *seed, *profile, stderr)
	if err != nil {
		return err
	}
	defer b.close()
	if *limits {
		return b.reportLimits(stdout, *out)
	}
	report := b.measure(*only)
	if *quick {
		return report.lines(stdout)
	}
	if err := report.table(stdout); err != nil {
		return err
	}
	if *out != "" && *only == "" {
		if err := report.document(filepath.Join(*out, "performance.md"), report.table); err != nil {
			return err
		}
	}
	return report.err()
}

// reportLimits measures where growth ends and puts it into docs/scaling.md.
func (b *bench) reportLimits(stdout io.Writer, out string) error {
	r := newReport(b)
	all, err := b.limits()
	if err != nil {
		return err
	}
	table := func(to io.Writer) error { return r.limitsTable(to, all) }
	if err := table(stdout); err != nil || out == "" {
		return err
	}
	return r.document(filepath.Join(out, "scaling.md"), table)
}

// measurement is one row, or a few that are measured together.
type measurement struct {
	name  string
	waits bool // for most of its time, so that others may wait beside it
	take  func(*bench) ([]result, error)
}

// measurements are all of them, in the order of the table.
func measurements() []measurement {
	return []measurement{
		{"accept", false, (*bench).accept},
		{"poll", false, (*bench).poll},
		{"start", false, (*bench).start},
		{"work", false, (*bench).work},
		{"clock", true, (*bench).clock},
		{"scale", true, (*bench).scale},
		{"memory", true, (*bench).memory},
		{"redis", true, (*bench).redis},
		{"backlog", false, (*bench).backlog},
	}
}

// measure takes the measurements whose names begin with one of those wanted, one
// after the other. Where time is short, those that nearly only wait wait together.
func (b *bench) measure(only string) *report {
	all := measurements()
	reports := make([]*report, len(all))
	var waiting sync.WaitGroup
	for i, m := range all {
		if !wanted(m.name, only) || b.ctx.Err() != nil {
			continue
		}
		take := func() { reports[i] = b.takeOne(i, m) }
		if b.quick && m.waits {
			waiting.Go(take)
			continue
		}
		waiting.Wait()
		take()
	}
	waiting.Wait()
	sum := newReport(b)
	for _, r := range reports {
		sum.join(r)
	}
	return sum
}

// takeOne takes a measurement with processes and numbers of its own.
func (b *bench) takeOne(number int, m measurement) *report {
	begun, own := time.Now(), b.fork(m.name, number)
	r := newReport(b)
	results, err := m.take(own)
	own.stopAll()
	r.add(m.name, results, err)
	b.say("%s took %s", m.name, time.Since(begun).Round(100*time.Millisecond))
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
