package chaos

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
)

// process is a running program. The end of its output is kept.
type process struct {
	name  string
	cmd   *exec.Cmd
	ready chan string   // gets the ready line's first submatch, once
	done  chan struct{} // closed once it has ended and its output is read
	err   error         // how it ended; valid after done

	mu    sync.Mutex
	lines []string // the newest
	bad   []string // lines that no program may ever print
}

// keep is how many lines of output are kept.
const keep = 400

// start runs a program with exactly the environment env (and PATH). ready is
// what a line says once it does its work.
func start(name, program string, env []string, ready *regexp.Regexp) (*process, error) {
	p := &process{
		name: name, ready: make(chan string, 1), done: make(chan struct{}),
		cmd: exec.Command(filepath.Join(programs, program)),
	}
	p.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH")}, env...)
	reader, writer := io.Pipe()
	p.cmd.Stdout, p.cmd.Stderr = writer, writer
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		p.read(reader, ready)
	}()
	go func() {
		p.err = p.cmd.Wait()
		_ = writer.Close()
		<-read
		close(p.done)
	}()
	return p, nil
}

var never = regexp.MustCompile(`an attempt panicked|^panic:|^fatal error:|DATA RACE`)

func (p *process) read(from io.Reader, ready *regexp.Regexp) {
	scanner := bufio.NewScanner(from)
	scanner.Buffer(nil, 4<<20)
	told := false
	for scanner.Scan() {
		line := scanner.Text()
		if found := ready.FindStringSubmatch(line); found != nil && !told {
			told = true
			p.ready <- found[len(found)-1]
		}
		p.mu.Lock()
		if p.lines = append(p.lines, line); len(p.lines) > 2*keep {
			p.lines = append([]string(nil), p.lines[keep:]...)
		}
		if never.MatchString(line) {
			p.bad = append(p.bad, line)
		}
		p.mu.Unlock()
	}
}

// tail is the end of the output.
func (p *process) tail(n int) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return strings.Join(p.lines[max(0, len(p.lines)-n):], "\n")
}

// said reports whether the kept output holds the text.
func (p *process) said(text string) bool { return strings.Contains(p.tail(2*keep), text) }

// signal sends a signal; a process that has ended does not mind.
func (p *process) signal(s syscall.Signal) { _ = p.cmd.Process.Signal(s) }

// kill ends the process at once (SIGKILL) and waits for it.
func (p *process) kill() {
	p.signal(syscall.SIGKILL)
	<-p.done
}
