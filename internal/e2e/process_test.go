package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// patience is how long a test waits for an event before it fails; no test
// passes because of it.
const patience = 90 * time.Second

// programs is the directory of the built programs.
var programs string

func TestMain(m *testing.M) {
	os.Exit(buildAndRun(m))
}

func buildAndRun(m *testing.M) int {
	dir, err := os.MkdirTemp("", "airbyte-provisioner-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(dir) }()
	build := exec.Command("go", "build", "-o", dir, "../../cmd/...")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	programs = dir
	return m.Run()
}

// process is a running program whose output is kept.
type process struct {
	t    *testing.T
	name string
	cmd  *exec.Cmd
	done chan struct{} // closed once it has ended and its output is read
	err  error         // how it ended; valid after done

	mu    sync.Mutex
	lines []string
	more  chan struct{} // closed and replaced at each new line
}

// start runs a program with exactly the environment env (and PATH), and ends it with the test.
func start(t *testing.T, program string, args, env []string) *process {
	t.Helper()
	return run(t, program, exec.Command(filepath.Join(programs, program), args...), env)
}

// run starts a command with exactly the environment env (and PATH), and ends it with the test.
func run(t *testing.T, program string, cmd *exec.Cmd, env []string) *process {
	t.Helper()
	p := &process{t: t, name: program, done: make(chan struct{}), more: make(chan struct{}), cmd: cmd}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	reader, writer := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", program, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(reader)
	}()
	go func() {
		p.err = p.cmd.Wait()
		_ = writer.Close()
		<-read
		close(p.done)
	}()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("output of %s (%d):\n%s", program, p.cmd.Process.Pid, p.tail(60))
		}
	})
	return p
}

func (p *process) read(from io.Reader) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 4<<20)
	for scanner.Scan() {
		p.mu.Lock()
		p.lines = append(p.lines, scanner.Text())
		close(p.more)
		p.more = make(chan struct{})
		p.mu.Unlock()
	}
}

// await returns the first line, from the beginning, that the function accepts.
func (p *process) await(what string, accept func(line string) bool) string {
	p.t.Helper()
	timeout := time.After(patience)
	seen := 0
	for {
		p.mu.Lock()
		lines, more := p.lines, p.more
		p.mu.Unlock()
		for ; seen < len(lines); seen++ {
			if accept(lines[seen]) {
				return lines[seen]
			}
		}
		select {
		case <-more:
		case <-p.done:
			p.t.Fatalf("%s ended (%v) before %s:\n%s", p.name, p.err, what, p.tail(40))
		case <-timeout:
			p.t.Fatalf("%s: no %s in %s:\n%s", p.name, what, patience, p.tail(40))
		}
	}
}

// awaitText waits for a line that holds the text.
func (p *process) awaitText(text string) string {
	p.t.Helper()
	return p.await(fmt.Sprintf("line with %q", text), func(line string) bool { return strings.Contains(line, text) })
}

// output is all that the program has printed so far.
func (p *process) output() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines, "\n")
}

func (p *process) tail(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines[max(0, len(p.lines)-n):], "\n")
}

// kill ends the program at once (SIGKILL) and waits for it.
func (p *process) kill() {
	_ = p.cmd.Process.Kill() // it may have ended already
	<-p.done
}

// stop asks the program to end (SIGTERM) and returns its exit code.
func (p *process) stop() int {
	p.t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		p.t.Fatalf("stop %s: %v", p.name, err)
	}
	return p.exit()
}

// exit waits for the program's end and returns its exit code.
func (p *process) exit() int {
	p.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	select {
	case <-p.done:
	case <-ctx.Done():
		p.t.Fatalf("%s did not end in %s:\n%s", p.name, patience, p.tail(40))
	}
	if p.err == nil {
		return 0
	}
	var exit *exec.ExitError
	if !errors.As(p.err, &exit) {
		p.t.Fatalf("%s: %v", p.name, p.err)
	}
	return exit.ExitCode()
}
