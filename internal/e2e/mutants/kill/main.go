// Command kill breaks the product once for each row of the vendor's checklist
// and reports whether the row's test notices. It is run in the module's root and
// changes no file there: the broken sources are given to the compiler as an overlay.
//
//	go run ./internal/e2e/mutants/kill [-all] [ROW...]
//
// The exit code is 0 if every break was noticed, else 1.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"airbyte-provisioner/internal/e2e/mutants"
)

func main() {
	all := flag.Bool("all", false, "run the tests of all rows against each mutant, and name those that notice it beside the row's own; takes long")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	code := run(ctx, flag.Args(), *all)
	stop()
	os.Exit(code)
}

// run tries the mutants of the rows, or all of them, and returns the exit code.
func run(ctx context.Context, rows []string, all bool) int {
	left := 0
	for _, m := range mutants.All() {
		if ctx.Err() != nil {
			return 1
		}
		if len(rows) > 0 && !slices.Contains(rows, m.Row) {
			continue
		}
		begun := time.Now()
		verdict, killed := try(ctx, m, all)
		if !killed {
			left++
		}
		fmt.Fprintf(os.Stdout, "%-9s %-38s %s (%.0f s)\n", verdict, m.Row, m.Breaks, time.Since(begun).Seconds())
	}
	if left > 0 {
		fmt.Fprintf(os.Stdout, "%d mutants were not killed\n", left)
		return 1
	}
	return 0
}

// try builds the broken product and runs the row's test against it.
func try(ctx context.Context, m mutants.Mutant, all bool) (verdict string, killed bool) {
	dir, err := os.MkdirTemp("", "mutant-")
	if err != nil {
		return err.Error(), false
	}
	defer func() { _ = os.RemoveAll(dir) }()
	overlay, err := write(m, dir)
	if err != nil {
		fmt.Fprintln(os.Stdout, err)
		return "stale", false
	}
	pattern := "^TestChecklist$"
	if !all {
		pattern += "/^" + regexp.QuoteMeta(strings.ReplaceAll(m.Row, " ", "_")) + "$"
	}
	test := exec.CommandContext(ctx, "go", "test", "-count=1", "-vet=off", "-timeout=15m", "-run", pattern, "./internal/e2e")
	// By the environment, so that the tests' own build of the programs has it too.
	test.Env = append(test.Environ(), "GOFLAGS=-overlay="+overlay)
	output, err := test.CombinedOutput()
	failed := failures(string(output))
	own := slices.Contains(failed, m.Row)
	switch {
	case own && all && len(failed) > 1:
		fmt.Fprintln(os.Stdout, "  noticed by", strings.Join(failed, ", "))
		return "killed", true
	case own:
		return "killed", true
	case err == nil:
		return "SURVIVED", false
	default:
		fmt.Fprintln(os.Stdout, string(output))
		return "BROKEN", false // it does not build, or another row's test fails
	}
}

// write puts the broken sources and the overlay that names them into a directory.
func write(m mutants.Mutant, dir string) (overlay string, err error) {
	root, err := os.Getwd()
	if err != nil {
		return "", err
	}
	sources, err := m.Sources(root)
	if err != nil {
		return "", err
	}
	replace := map[string]string{}
	for file, text := range sources {
		broken := filepath.Join(dir, strings.ReplaceAll(file, "/", "_"))
		if err := os.WriteFile(broken, []byte(text), 0o600); err != nil {
			return "", err
		}
		replace[filepath.Join(root, file)] = broken
	}
	raw, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return "", err
	}
	overlay = filepath.Join(dir, "overlay.json")
	return overlay, os.WriteFile(overlay, raw, 0o600)
}

var failure = regexp.MustCompile(`--- FAIL: TestChecklist/(\S+)`)

// failures are the rows whose tests failed.
func failures(output string) []string {
	var rows []string
	for _, match := range failure.FindAllStringSubmatch(output, -1) {
		rows = append(rows, strings.ReplaceAll(match[1], "_", " "))
	}
	return rows
}
