package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/redis/go-redis/v9"

	"airbyte-provisioner/internal/airbytesim"
)

// bench is one run, or the part of it that takes one measurement.
type bench struct {
	ctx        context.Context //nolint:containedctx // the run's: everything ends with it
	quick      bool
	pairs      int // 0 for the usual number
	seed       uint64
	random     *rand.Rand
	dir        string // of the built programs and of their output
	profile    string
	stderr     io.Writer
	running    []*process
	closers    []func()
	name       string // of the measurement
	started    int
	loadBefore string
	serial     int64 // of the components, so that none comes twice in a run
}

// newBench builds the programs.
func newBench(ctx context.Context, quick bool, pairs int, seed uint64, profile string, stderr io.Writer) (*bench, error) {
	dir, err := os.MkdirTemp("", "airbyte-provisioner-bench-")
	if err != nil {
		return nil, err
	}
	b := &bench{
		ctx: ctx, quick: quick, pairs: pairs, seed: seed, dir: dir, profile: profile, stderr: stderr,
		loadBefore: load(),
		random:     rand.New(rand.NewPCG(seed, 0)),
	}
	if profile != "" {
		if b.profile, err = filepath.Abs(profile); err != nil {
			return nil, err
		}
		if err := os.MkdirAll(b.profile, 0o750); err != nil {
			return nil, err
		}
	}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", dir, "./cmd/api", "./cmd/worker", "./cmd/airbytesim")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		b.close()
		return nil, fmt.Errorf("build the programs: %w\n%s", err, out)
	}
	return b, nil
}

// fork is a bench for one measurement. Its components are its own.
func (b *bench) fork(name string, number int) *bench {
	own := *b
	own.name, own.serial = name, int64(number)*1_000_000_000
	own.random = rand.New(rand.NewPCG(b.seed, uint64(number)))
	own.running, own.closers, own.started = nil, nil, 0
	return &own
}

// say tells the user how far the run is.
func (b *bench) say(format string, args ...any) { fmt.Fprintf(b.stderr, format+"\n", args...) }

// count is the number of pairs: as asked for, or the usual one.
func (b *bench) count(quick, full int) int {
	switch {
	case b.pairs > 0:
		return b.pairs
	case b.quick:
		return quick
	default:
		return full
	}
}

func (b *bench) close() {
	b.stopAll()
	_ = os.RemoveAll(b.dir) // only what we made
}

// stopAll ends what a measurement has started, in the opposite order.
func (b *bench) stopAll() {
	for i := len(b.running) - 1; i >= 0; i-- {
		b.running[i].stop()
	}
	b.running = nil
	for i := len(b.closers) - 1; i >= 0; i-- {
		b.closers[i]()
	}
	b.closers = nil
}

// process is a started program. Its output goes to a file, as a container's would.
type process struct {
	name   string
	cmd    *exec.Cmd
	output string
	done   chan struct{}
}

// spawn starts a program with exactly this environment.
func (b *bench) spawn(name string, env map[string]string, args ...string) (*process, error) {
	b.started++
	p := &process{
		name: name, output: filepath.Join(b.dir, fmt.Sprintf("%s-%s-%d.log", b.name, filepath.Base(name), b.started)),
		done: make(chan struct{}),
	}
	file, err := os.Create(p.output)
	if err != nil {
		return nil, err
	}
	defer func() { _ = file.Close() }() // the child has its own
	p.cmd = exec.Command(name, args...) //nolint:noctx // our own programs; ended in order by stop
	p.cmd.Env = []string{}
	for key, value := range env {
		p.cmd.Env = append(p.cmd.Env, key+"="+value)
	}
	p.cmd.Stdout, p.cmd.Stderr = file, file
	p.cmd.SysProcAttr = dieWithParent()
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	go func() {
		_ = p.cmd.Wait()
		close(p.done)
	}()
	b.running = append(b.running, p)
	return p, nil
}

// stop asks the program to end, and ends it where it does not.
func (p *process) stop() {
	_ = p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(5 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.done
	}
}

// await waits for output that matches and returns the pattern's first group.
func (p *process) await(pattern *regexp.Regexp) (string, error) {
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(2 * time.Millisecond) {
		text, err := os.ReadFile(p.output)
		if err != nil {
			return "", err
		}
		if found := pattern.FindSubmatch(text); found != nil {
			return string(found[1]), nil
		}
		select {
		case <-p.done:
			return "", fmt.Errorf("%s ended:\n%s", p.name, text)
		default:
		}
	}
	return "", fmt.Errorf("%s did not get ready: no %s in %s", p.name, pattern, p.output)
}

// resident is the process's resident memory in bytes.
func (p *process) resident() (float64, error) {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		return 0, fmt.Errorf("resident memory (only Linux tells): %w", err)
	}
	found := regexp.MustCompile(`VmRSS:\s+(\d+) kB`).FindSubmatch(text)
	if found == nil {
		return 0, errors.New("resident memory: no VmRSS")
	}
	kb, err := strconv.ParseFloat(string(found[1]), 64)
	return kb * 1024, err
}

// cpu is the processor time that the process has used; 0 where the system does not tell.
func (p *process) cpu() time.Duration {
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		return 0
	}
	fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
	if len(fields) < 13 {
		return 0
	}
	var ticks int64
	for _, field := range fields[11:13] { // utime and stime, in hundredths of a second
		n, _ := strconv.ParseInt(field, 10, 64) // the kernel writes numbers
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

var (
	listening = regexp.MustCompile(`"msg":"listening".*"addr":"([^"]+)"`)
	working   = regexp.MustCompile(`"msg":"(working)"`)
	floorAddr = regexp.MustCompile(`floor on (\S+)`)
	simAddr   = regexp.MustCompile(`"api":"([^"]+)","management":"[^"]+"`)
	simAdmin  = regexp.MustCompile(`"management":"([^"]+)"`)
)

// program starts one of the product's programs; with profiles it is bench
// itself that runs the same code.
func (b *bench) program(name string, env map[string]string) (*process, error) {
	if b.profile == "" {
		return b.spawn(filepath.Join(b.dir, name), env)
	}
	b.started++
	return b.self(env, "profiled", name, filepath.Join(b.profile, fmt.Sprintf("%s-%s-%d", b.name, name, b.started)))
}

// self starts another part of bench.
func (b *bench) self(env map[string]string, args ...string) (*process, error) {
	path, err := os.Executable()
	if err != nil {
		return nil, err
	}
	return b.spawn(path, env, args...)
}

// startRedis starts a redis-server and returns a client of it.
func (b *bench) startRedis(more ...string) (*redisServer, error) {
	program, err := exec.LookPath("redis-server")
	if err != nil {
		return nil, fmt.Errorf("no redis-server on PATH; 'make deps' installs one where it can: %w", err)
	}
	for range 20 { // another process may take the port first
		port := 10000 + b.random.IntN(20000)
		addr := net.JoinHostPort("127.0.0.1", strconv.Itoa(port))
		args := append([]string{"--bind", "127.0.0.1", "--port", strconv.Itoa(port), "--save", "", "--dir", b.dir}, more...)
		p, err := b.spawn(program, nil, args...)
		if err != nil {
			return nil, err
		}
		if _, err := p.await(regexp.MustCompile(`(Ready to accept connections)`)); err != nil {
			continue
		}
		client := redis.NewClient(&redis.Options{Addr: addr})
		b.closers = append(b.closers, func() { _ = client.Close() })
		return &redisServer{process: p, addr: addr, client: client}, nil
	}
	return nil, errors.New("redis-server does not start")
}

type redisServer struct {
	*process
	addr   string
	client *redis.Client
}

func (r *redisServer) url() string { return "redis://" + r.addr + "/0" }

// simulator is a started airbytesim.
type simulator struct {
	*process
	api, management string
}

// startSim starts the simulator, with latencies such as "check_connection=2s".
func (b *bench) startSim(latencies ...string) (*simulator, error) {
	args := []string{"-addr", "127.0.0.1:0", "-management", "127.0.0.1:0"}
	for _, latency := range latencies {
		args = append(args, "-latency", latency)
	}
	p, err := b.spawn(filepath.Join(b.dir, "airbytesim"), nil, args...)
	if err != nil {
		return nil, err
	}
	s := &simulator{process: p}
	if s.api, err = p.await(simAddr); err != nil {
		return nil, err
	}
	s.management, err = p.await(simAdmin)
	return s, err
}

// settings are the product's, its defaults but for what a run needs.
func settings(redisURL, airbyteURL string) map[string]string {
	return map[string]string{
		"HTTP_ADDR": "127.0.0.1:0", "WORKER_HTTP_ADDR": "127.0.0.1:0", "REDIS_URL": redisURL,
		"AIRBYTE_BASE_URL": airbyteURL, "AIRBYTE_WORKSPACE_ID": airbytesim.DefaultWorkspace,
		"SNOWFLAKE_HOST": "account.snowflakecomputing.com", "SNOWFLAKE_USER": "AIRBYTE", "SNOWFLAKE_PASSWORD": "of the bench",
		"SNOWFLAKE_ROLE": "LOADER", "SNOWFLAKE_WAREHOUSE": "LOADING", "FINGERPRINT_KEY": "of the bench",
	}
}

// startAPI starts the API and returns its address.
func (b *bench) startAPI(r *redisServer) (*process, string, error) {
	p, err := b.program("api", settings(r.url(), "http://127.0.0.1:1"))
	if err != nil {
		return nil, "", err
	}
	addr, err := p.await(listening)
	return p, addr, err
}

// startWorker starts a worker and waits until it takes tasks.
func (b *bench) startWorker(r *redisServer, airbyteURL string, more ...string) (*process, error) {
	env := settings(r.url(), airbyteURL)
	for _, setting := range more {
		key, value, _ := strings.Cut(setting, "=")
		env[key] = value
	}
	p, err := b.program("worker", env)
	if err != nil {
		return nil, err
	}
	_, err = p.await(working)
	return p, err
}
