// Command api serves the Witboost Tech Adapter contract: it checks requests,
// queues work in Redis and answers what became of it. With -embedded it is the
// whole product in one process, for a first look and for local work.
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
	flags := flag.NewFlagSet("api", flag.ContinueOnError)
	flags.SetOutput(stderr)
	file := flags.String("config", "", "read settings from this YAML `file`; environment variables win over it")
	embedded := flags.Bool("embedded", false, "run everything in this process: Redis, a worker and the Airbyte simulator; nothing is kept")
	addr := flags.String("http-addr", "", "listen on this `address`; wins over HTTP_ADDR")
	version := flags.Bool("version", false, "print the version and end")
	healthcheck := flags.Bool("healthcheck", false, "ask the api that runs here with the same settings whether it is alive, and end")
	if err := flags.Parse(args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			return 0
		}
		return exitUsage
	}
	if flags.NArg() > 0 { // a settings file whose -config was forgotten must not be passed over
		fmt.Fprintf(stderr, "api: unexpected argument %q; -h shows the flags\n", flags.Arg(0))
		return exitUsage
	}
	if *version {
		fmt.Fprintln(stdout, "api", telemetry.Version())
		return 0
	}
	if *addr != "" {
		environ = append(environ, "HTTP_ADDR="+*addr)
	}
	if *healthcheck {
		return app.Report(stderr, "api", app.Healthy(ctx, *file, environ, config.ForAPI))
	}

	start := app.API
	if *embedded {
		start = app.Embedded
	}
	return app.Report(stderr, "api", start(ctx, *file, environ, stdout))
}
