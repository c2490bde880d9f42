// Command airbytesim runs the Airbyte simulator as a server, for local work and
// for tests that start real programs. It keeps everything in memory.
//
// Once it listens it prints one line of JSON with its addresses:
//
//	{"api":"http://127.0.0.1:8001","management":"http://127.0.0.1:8002","workspaceId":"..."}
//
// SIGTERM and SIGINT end it with exit code 0; a wrong flag with 2.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/telemetry"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, syscall.SIGINT)
	code := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// The exit codes.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

const shutdownPatience = 5 * time.Second

// settings are the flags.
type settings struct {
	api, management string
	level           slog.Level
	version         bool
	sim             airbytesim.Options
}

func run(ctx context.Context, arguments []string, out, complaints io.Writer) int {
	set, err := parse(arguments, complaints)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitOK
	case err != nil:
		return complain(complaints, exitUsage, err)
	case set.version:
		if _, err := fmt.Fprintln(out, "airbytesim", telemetry.Version()); err != nil {
			return complain(complaints, exitFailed, err)
		}
		return exitOK
	}
	set.sim.Logger = slog.New(slog.NewJSONHandler(complaints, &slog.HandlerOptions{Level: set.level}))
	sim, err := airbytesim.New(set.sim)
	if err != nil {
		return complain(complaints, exitUsage, err)
	}
	if err := serve(ctx, sim, set, out); err != nil {
		return complain(complaints, exitFailed, err)
	}
	return exitOK
}

// complain says what went wrong and answers the exit code; where nobody listens to complaints, nothing is left to do.
func complain(to io.Writer, code int, err error) int {
	_, _ = fmt.Fprintln(to, "airbytesim:", strings.TrimPrefix(err.Error(), "airbytesim: "))
	return code
}

// serve announces the addresses and serves until the context ends.
func serve(ctx context.Context, sim *airbytesim.Sim, set settings, out io.Writer) error {
	server, err := sim.Listen(ctx, set.api, set.management)
	if err != nil {
		return err
	}
	announcement := map[string]string{"api": "http://" + server.API, "workspaceId": sim.Contents().Workspaces[0].ID}
	if server.Management != "" {
		announcement["management"] = "http://" + server.Management
	}
	if err := json.NewEncoder(out).Encode(announcement); err != nil {
		return err
	}
	var failed error
	select {
	case failed = <-server.Failed():
	case <-ctx.Done():
	}
	patience, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownPatience)
	defer cancel()
	if err := server.Shutdown(patience); failed == nil && !errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return failed
}

func parse(arguments []string, complaints io.Writer) (settings, error) {
	var set settings
	var workspaces, basic, format string
	latencies := latencyFlag{}
	flags := flag.NewFlagSet("airbytesim", flag.ContinueOnError)
	flags.SetOutput(complaints)
	flags.StringVar(&set.api, "addr", "127.0.0.1:8001", "where the API listens; port 0 takes a free one")
	flags.StringVar(&set.management, "management", "127.0.0.1:8002", "where the management listens; empty for none")
	flags.StringVar(&workspaces, "workspace", airbytesim.DefaultWorkspace, "workspace ids, comma-separated; the first is the default")
	flags.Int64Var(&set.sim.Seed, "seed", 1, "makes ids and jitter the same in every run")
	flags.StringVar(&set.sim.ConnectorsDir, "connectors", "", "directory of connector specifications that replace the embedded ones")
	flags.StringVar(&set.sim.Auth.ClientID, "client-id", "", "ask for client credentials with this id")
	flags.StringVar(&set.sim.Auth.ClientSecret, "client-secret", "", "the secret of -client-id")
	flags.DurationVar(&set.sim.Auth.TokenLifetime, "token-lifetime", 15*time.Minute, "how long an access token is good")
	flags.IntVar(&set.sim.Auth.BadCredentials, "bad-credentials", 400, "the status of wrong client credentials: 400 or 401")
	flags.StringVar(&basic, "basic", "", "ask for HTTP basic with this user:password")
	flags.StringVar(&set.sim.Behavior.Edition, "edition", airbytesim.EditionEnterprise, "community, pro, enterprise or trial")
	flags.Var(&latencies, "latency", "operation=time or operation=least..most, repeatable, such as discover_schema=5s or *=1ms..20ms")
	flags.StringVar(&format, "error-format", "new", "error bodies of servers before 2.0 (old) or since (new)")
	flags.BoolVar(&set.sim.Behavior.IgnorePaging, "ignore-paging", false, "answer lists whole, as older servers do")
	flags.BoolVar(&set.sim.Behavior.SubHourly, "sub-hourly", false, "allow schedules more often than hourly")
	flags.IntVar(&set.sim.Behavior.JobPolls, "job-polls", 2, "a job succeeds after it was asked for so often; negative: never by itself")
	flags.IntVar(&set.sim.CallLimit, "call-limit", 100_000, "how many calls the log keeps, the newest")
	flags.TextVar(&set.level, "log-level", slog.LevelInfo, "debug logs each call")
	flags.BoolVar(&set.version, "version", false, "print the version and end")
	if err := flags.Parse(arguments); err != nil {
		return set, err
	}
	if flags.NArg() > 0 {
		return set, fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	set.sim.WorkspaceIDs = strings.Split(workspaces, ",")
	set.sim.Latencies = latencies
	return set, set.check(basic, format)
}

// check fills what follows from several flags.
func (s *settings) check(basic, format string) error {
	auth := &s.sim.Auth
	var given bool
	switch {
	case basic != "" && auth.ClientID != "":
		return errors.New("-basic and -client-id exclude each other")
	case basic != "":
		auth.Mode = airbytesim.AuthBasic
		if auth.Username, auth.Password, given = strings.Cut(basic, ":"); !given {
			return errors.New("-basic wants user:password")
		}
	case auth.ClientID != "" || auth.ClientSecret != "":
		auth.Mode = airbytesim.AuthClient
	}
	switch format {
	case "old", "new":
		s.sim.Behavior.OldErrors = format == "old"
	default:
		return fmt.Errorf("-error-format is old or new, not %q", format)
	}
	return nil
}

// latencyFlag collects operation=time pairs.
type latencyFlag map[string]airbytesim.Latency

// String is for the usage text.
func (f latencyFlag) String() string { return "" }

// Set reads one pair.
func (f latencyFlag) Set(text string) error {
	operation, duration, given := strings.Cut(text, "=")
	if !given || operation == "" {
		return errors.New("want operation=time")
	}
	var l airbytesim.Latency
	if err := l.UnmarshalText([]byte(duration)); err != nil {
		return err
	}
	f[operation] = l
	return nil
}
