// Command worker takes tasks from Redis and works on Airbyte. Any number of
// them may run; each serves the queues that WORKER_QUEUES names.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"airbyte-provisioner/internal/app"
	"airbyte-provisioner/internal/config"
	"airbyte-provisioner/internal/telemetry"
)

// exitUsage is the exit code for flags that cannot be read.
const exitUsage = 2

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	code := run(ctx, os.Args[1:], os.Environ(), os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

func run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	flags := flag.NewFlagSet("worker", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "read settings from this YAML `file`; environment variables win over it")
	version := flags.Bool("version", false, "print the version and end")
	healthcheck := flags.Bool("healthcheck", false, "ask the worker that runs here with the same settings whether it is alive, and end")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	if flags.NArg() > 0 { // a settings file whose -config was forgotten must not be passed over
		fmt.Fprintf(stderr, "worker: unexpected argument %q; -h shows the flags\n", flags.Arg(0))
		return exitUsage
	}
	if *version {
		fmt.Fprintln(stdout, "worker", telemetry.Version())
		return 0
	}
	if *healthcheck {
		return app.Report(stderr, "worker", app.Healthy(ctx, *file, environ, config.ForWorker))
	}
	return app.Report(stderr, "worker", app.Worker(ctx, *file, environ, stdout))
}
