// Command provisionctl is a client of the Airbyte provisioner for people: it
// sends a descriptor as Witboost would, follows what comes of it, and says how
// it ended.
package main

import (
	"context"
	"errors"
	"io"
	"os"
	"os/signal"
	"syscall"
	"time"

	"airbyte-provisioner/internal/progress"
	"airbyte-provisioner/internal/telemetry"
)

// Exit codes.
const (
	exitOK          = 0
	exitFailed      = 1 // failed, terminated, invalid, or it could not be asked
	exitUsage       = 2
	exitInterrupted = 130 // as a shell reports SIGINT: nothing is known of the end
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	options := progress.FromFile(os.Stdout, os.Getenv("TERM"), os.Getenv("NO_COLOR"))
	code := run(ctx, os.Args[1:], surroundings{
		access: os.Getenv("PROVISIONER_TOKEN"),
		in:     os.Stdin, out: os.Stdout, err: os.Stderr,
		display: options, now: time.Now,
		pace: pace{first: 200 * time.Millisecond, most: 3 * time.Second, tick: 100 * time.Millisecond, outage: 2 * time.Minute},
	})
	stop()
	os.Exit(code)
}

// surroundings are what the program takes from its process.
type surroundings struct {
	access   string // the token that opens the API; not that of an operation
	in       io.Reader
	out, err io.Writer
	display  progress.Options
	pace     pace
	now      func() time.Time
}

// pace says how often a token is asked for.
type pace struct {
	first, most time.Duration // between two questions: grows from first to most while nothing happens
	tick        time.Duration // between two moves of the moving line
	outage      time.Duration // how long the API may be away
}

// run is the whole program; it returns the exit code.
func run(ctx context.Context, args []string, s surroundings) int {
	order, err := parseArgs(args)
	var wrong *usageError
	switch {
	case errors.Is(err, errHelp):
		say(s.out, "%s", usage())
		return exitOK
	case errors.As(err, &wrong):
		say(s.err, "provisionctl: %s\nRun 'provisionctl -h' to see how it is used.", wrong.Error())
		return exitUsage
	}
	if order.version {
		say(s.out, "provisionctl %s", telemetry.Version())
		return exitOK
	}
	if order.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, order.timeout, errTimeout)
		defer cancel()
	}
	j := job{order: order, surroundings: s, client: newClient(order.server, s.access)}
	return j.do(ctx)
}

// errTimeout is the cause of a context that -timeout has ended.
var errTimeout = errors.New("the time of -timeout is over")
