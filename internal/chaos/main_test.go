package chaos

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"
)

// The flags say how long a soak is; the defaults are for a run among the other tests.
var (
	seedFlag       = flag.Uint64("chaos.seed", 0, "what random choices start from; 0 means another one each time")
	forFlag        = flag.Duration("chaos.for", 15*time.Second, "for how long a soak harms, at most")
	operationsFlag = flag.Int("chaos.operations", 300, "how many requests a soak submits, at most")
	componentsFlag = flag.Int("chaos.components", 60, "on how many components")
	longFlag       = flag.Bool("chaos.long", false, "also run what takes minutes")
	linesFlag      = flag.Int("chaos.lines", 60, "how many lines of each program to show after a failure")
	raceFlag       = flag.Bool("chaos.race", false, "build the programs with the race detector")
)

// patience is how long a test waits for an event before it fails; no test
// passes because of it.
const patience = 90 * time.Second

// programs is the directory of the built programs.
var programs string

func TestMain(m *testing.M) {
	flag.Parse()
	if p := flag.Lookup("test.parallel"); p.Value.String() == p.DefValue {
		_ = p.Value.Set("4") // these tests wait more than they compute
	}
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "airbyte-provisioner-chaos-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	args := []string{"build", "-o", dir}
	environ := append(os.Environ(), "CGO_ENABLED=0")
	if *raceFlag {
		args, environ = append(args, "-race"), os.Environ()
	}
	build := exec.Command("go", append(args, "../../cmd/api", "../../cmd/worker")...)
	build.Env = environ
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	programs = dir
	return m.Run()
}

// seed is the flag's, or another one each time; it is printed.
func seed(t *testing.T) uint64 {
	s := *seedFlag
	if s == 0 {
		s = uint64(time.Now().UnixNano())
	}
	t.Logf("seed %d (repeat with -chaos.seed %d)", s, s)
	return s
}
