// Package redistest starts real redis-servers for tests: each on a port of its
// own on 127.0.0.1, with its files in the test's temporary directory, stopped
// when the test ends. It imports nothing else of this module.
package redistest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"github.com/redis/go-redis/v9"
)

// Server is one redis-server process, which a test may kill and start again.
type Server struct {
	t        testing.TB
	port     int
	dir      string // of its files
	args     []string
	security *Security // nil: open to everybody
	follows  string    // port of the master at the start; empty: none

	mu      sync.Mutex
	process *process
}

// Option changes how the server is started.
type Option func(*Server)

// AOF keeps every write on disk before it is answered, so that a Kill loses nothing that was answered.
func AOF() Option { return Args("--appendonly", "yes", "--appendfsync", "always") }

// Args adds arguments to redis-server's command line.
func Args(args ...string) Option {
	return func(s *Server) { s.args = append(s.args, args...) }
}

// Start starts a redis-server and returns once it answers. The test fails
// where there is no redis-server on PATH.
func Start(t testing.TB, opts ...Option) *Server {
	t.Helper()
	program, err := exec.LookPath("redis-server")
	if err != nil {
		t.Fatal("redistest: no redis-server on PATH; 'make deps' installs one on Debian, elsewhere see https://redis.io/docs/latest/operate/oss_and_stack/install/")
	}
	dir := t.TempDir()
	s := &Server{t: t, dir: dir, args: []string{program, "--bind", "127.0.0.1", "--save", "", "--dir", dir}}
	for _, opt := range opts {
		opt(s)
	}
	if !s.sentinel() {
		s.args = append(s.args, s.security.dataArgs()...)
	}
	// Another process may take a free port before redis-server does: try others.
	for range 20 {
		s.port = FreePort(t)
		if s.process, err = startProcess(s.command()); err == nil {
			t.Cleanup(s.Kill)
			return s
		}
	}
	t.Fatalf("redistest: redis-server does not start: %v", err)
	return nil
}

// command is the server's command line.
func (s *Server) command() []string {
	args := append(slices.Clip(s.args), s.security.args(strconv.Itoa(s.port), s.sentinel())...)
	if s.follows != "" {
		args = append(args, "--replicaof", "127.0.0.1 "+s.follows)
	}
	return args
}

// follow makes the server a replica of the one at the port, from its next start on.
func (s *Server) follow(port string) { s.follows = port }

func (s *Server) sentinel() bool { return slices.Contains(s.args, "--sentinel") }

// Addr is the server's host:port; it stays the same over a Restart.
func (s *Server) Addr() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(s.port)) }

// Port is the server's TCP port.
func (s *Server) Port() int { return s.port }

// URL is the server's address as REDIS_URL writes it.
func (s *Server) URL() string {
	scheme := "redis"
	if s.security != nil {
		scheme = "rediss"
	}
	return s.security.url(scheme, s.Addr(), "")
}

// Client returns a new client of the server, closed when the test ends.
func (s *Server) Client() *redis.Client {
	client := redis.NewClient(s.security.options(s.Addr()))
	s.t.Cleanup(func() { _ = client.Close() })
	return client
}

// Pid is the process id of the running server, 0 after a Kill.
func (s *Server) Pid() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return 0
	}
	return s.process.cmd.Process.Pid
}

// Kill ends the server as kill -9 does and waits until it is gone.
func (s *Server) Kill() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return
	}
	s.process.kill()
	s.process = nil
}

// Pause stops the server as SIGSTOP does: connections stay open and nothing is answered.
func (s *Server) Pause() { s.signal(syscall.SIGSTOP) }

// Resume lets a paused server go on.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

// Restart kills the server where it still runs and starts it again with the
// same port and files; it returns once the server answers.
func (s *Server) Restart() {
	s.t.Helper()
	s.Kill()
	s.mu.Lock()
	defer s.mu.Unlock()
	var err error
	if s.process, err = startProcess(s.command()); err != nil {
		s.t.Fatalf("redistest: redis-server does not start again: %v", err)
	}
}

// Backup copies the server's files as they are now; what it returns restores
// them and starts the server with them.
func (s *Server) Backup() (restore func()) {
	s.t.Helper()
	kept := filepath.Join(s.t.TempDir(), "backup")
	s.Pause()
	err := os.CopyFS(kept, os.DirFS(s.dir))
	s.Resume()
	if err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
	return func() {
		s.t.Helper()
		s.Kill()
		err := os.RemoveAll(s.dir)
		if err == nil {
			err = os.CopyFS(s.dir, os.DirFS(kept))
		}
		if err != nil {
			s.t.Fatalf("redistest: %v", err)
		}
		s.Restart()
	}
}

// Wipe deletes everything that the server holds.
func (s *Server) Wipe() {
	s.t.Helper()
	client := redis.NewClient(s.security.options(s.Addr()))
	defer func() { _ = client.Close() }()
	if err := client.FlushAll(context.Background()).Err(); err != nil {
		s.t.Fatalf("redistest: %v", err)
	}
}

func (s *Server) signal(sig syscall.Signal) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process != nil {
		_ = s.process.cmd.Process.Signal(sig)
	}
}

// process is a started redis-server that answers.
type process struct {
	cmd    *exec.Cmd
	exited chan struct{}
}

func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	<-p.exited
}

// startProcess returns once the server says that it takes connections, or an
// error with its last words when it ends before.
func startProcess(args []string) (*process, error) {
	//nolint:gosec,noctx // a test's own redis-server; it is ended by kill, not by a context
	cmd := exec.Command(args[0], args[1:]...)
	// The server dies with the test program, also when that is killed.
	cmd.SysProcAttr = dieWithParent()
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("pipe: %w", err)
	}
	cmd.Stderr = cmd.Stdout
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start: %w", err)
	}
	p := &process{cmd: cmd, exited: make(chan struct{})}
	ready, last := make(chan struct{}), ""
	go func() {
		defer close(p.exited)
		last = watch(out, ready)
		_ = cmd.Wait()
	}()
	select {
	case <-ready:
		return p, nil
	case <-p.exited:
		return nil, errors.New("it ended: " + last)
	}
}

// watch reads the server's log to its end, closes ready at the line that says
// so, and returns the last line.
func watch(out io.Reader, ready chan struct{}) string {
	last, said := "", false
	for lines := bufio.NewScanner(out); lines.Scan(); {
		last = lines.Text()
		if !said && (strings.Contains(last, "Ready to accept connections") || strings.Contains(last, "Sentinel ID is")) {
			close(ready)
			said = true
		}
	}
	return last
}

// FreePort returns a port that nobody listens on. It is below the range from
// which the system takes ports for outgoing connections, so that it is still
// free at a Restart.
func FreePort(t testing.TB) int {
	t.Helper()
	for range 1000 {
		port := 10000 + rand.IntN(20000) //nolint:gosec // no secret
		var config net.ListenConfig
		listener, err := config.Listen(context.Background(), "tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port)))
		if err == nil {
			_ = listener.Close()
			return port
		}
	}
	t.Fatal("redistest: no free port")
	return 0
}

// Write puts a file with the text into a temporary directory of the test and
// returns its path: for configurations that redis rewrites, as a sentinel's.
func Write(t testing.TB, name, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatalf("redistest: %v", err)
	}
	return path
}
