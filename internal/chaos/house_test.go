package chaos

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbytesim"
)

const apiToken = "a-token-for-tests"

// house is a whole installation: Redis, a simulated Airbyte, APIs and workers.
type house struct {
	t       *testing.T
	sim     *airbytesim.Sim
	airbyte string // base URL, to which each process adds its own name
	env     map[string]string
	apis    []*slot
	workers []*slot
}

// people are those who may be given access.
var people = []string{"anna", "ben", "cleo", "dora"}

func users() []airbytesim.User {
	var users []airbytesim.User
	for _, name := range people {
		users = append(users, airbytesim.User{Email: name + "@example.com", OrganizationRole: "organization_member"})
	}
	return users
}

// access are the people who have access to the workspace, with their roles.
func access(contents airbytesim.Contents) map[string]string {
	emails, roles := map[string]string{}, map[string]string{}
	for _, u := range contents.Users {
		emails[u.ID] = strings.TrimSuffix(u.Email, "@example.com")
	}
	for _, p := range contents.Permissions {
		if p.WorkspaceID == airbytesim.DefaultWorkspace {
			roles[emails[p.UserID]] = p.Type
		}
	}
	return roles
}

// redisSettings are the settings that say where Redis is.
type redisSettings map[string]string

// newHouse starts the simulator; nothing else runs yet. The settings replace
// the usual ones.
func newHouse(t *testing.T, redis redisSettings, settings map[string]string) *house {
	t.Helper()
	sim, err := airbytesim.New(airbytesim.Options{
		Seed:      1,
		Auth:      airbytesim.Auth{Mode: airbytesim.AuthClient, ClientID: "client", ClientSecret: "secret"},
		CallLimit: 4_000_000,
		Users:     users(),
	})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(named(sim.API()))
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close)
	h := &house{t: t, sim: sim, airbyte: server.URL, env: map[string]string{
		"HTTP_ADDR": "127.0.0.1:0", "WORKER_HTTP_ADDR": "127.0.0.1:0", "API_TOKENS": apiToken,
		"AIRBYTE_WORKSPACE_ID": airbytesim.DefaultWorkspace,
		"AIRBYTE_CLIENT_ID":    "client", "AIRBYTE_CLIENT_SECRET": "secret",
		"SNOWFLAKE_HOST": "account.snowflakecomputing.com", "SNOWFLAKE_USER": "AIRBYTE", "SNOWFLAKE_PASSWORD": "secret",
		"SNOWFLAKE_ROLE": "LOADER", "SNOWFLAKE_WAREHOUSE": "LOADING",
		"FINGERPRINT_KEY": "a key for tests", "TASK_LEASE": "1s", "SHUTDOWN_TIMEOUT": "3s",
		"RETRY_MIN_DELAY": "20ms", "RETRY_MAX_DELAY": "200ms",
	}}
	maps.Copy(h.env, redis)
	maps.Copy(h.env, settings)
	return h
}

// processHeader tells in the log of calls which process made one.
const processHeader = "Process"

// named takes the first part of the path, which is the name of the process that
// calls, into a header: each process has a base URL of its own.
func named(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
		r.URL.Path = "/" + rest
		r.Header.Set(processHeader, name)
		next.ServeHTTP(w, r)
	})
}

// slot is a place for an API or a worker, which one process after another takes.
type slot struct {
	house   *house
	program string
	name    string
	ready   *regexp.Regexp
	started int

	mu   sync.Mutex
	addr string // of an API; empty while none listens
	p    *process
}

// staff makes the slots; nothing is started.
func (h *house) staff(apis, workers int) {
	for i := range apis {
		h.apis = append(h.apis, &slot{
			house: h, program: "api", name: fmt.Sprintf("api%d", i+1),
			ready: regexp.MustCompile(`"msg":"listening".*"addr":"([^"]+)"`),
		})
	}
	for i := range workers {
		h.workers = append(h.workers, &slot{
			house: h, program: "worker", name: fmt.Sprintf("worker%d", i+1), ready: regexp.MustCompile(`"msg":"working"`),
		})
	}
	h.t.Cleanup(func() {
		for _, s := range slices.Concat(h.apis, h.workers) {
			s.end()
		}
	})
}

// open starts every slot and waits until each is ready.
func (h *house) open() {
	h.t.Helper()
	for _, s := range slices.Concat(h.apis, h.workers) {
		s.start()
	}
	for _, s := range slices.Concat(h.apis, h.workers) {
		s.await()
	}
}

// start starts a process in the slot.
func (s *slot) start() {
	s.house.t.Helper()
	s.started++
	name := fmt.Sprintf("%s.%d", s.name, s.started)
	env := []string{"AIRBYTE_BASE_URL=" + s.house.airbyte + "/" + name}
	for _, key := range slices.Sorted(maps.Keys(s.house.env)) {
		env = append(env, key+"="+s.house.env[key])
	}
	p, err := start(name, s.program, env, s.ready)
	if err != nil {
		s.house.t.Fatal(err)
	}
	s.mu.Lock()
	s.p, s.addr = p, ""
	s.mu.Unlock()
	go func() {
		select {
		case addr := <-p.ready:
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.p == p {
				s.addr = addr
			}
		case <-p.done:
		}
	}()
}

// await waits until the slot's process is ready.
func (s *slot) await() {
	s.house.t.Helper()
	await(s.house.t, s.name+" to be ready", func() bool {
		select {
		case <-s.process().done:
			s.house.t.Fatalf("%s ended: %v\n%s", s.name, s.process().err, s.process().tail(40))
		default:
		}
		return s.address() != ""
	})
}

func (s *slot) process() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.p
}

// address is where the slot's API listens; empty while it does not.
func (s *slot) address() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.addr
}

// leave tells that nobody is to be sent to the slot's process any more.
func (s *slot) leave() *process {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addr = ""
	return s.p
}

// end kills the slot's process at the end of a test and looks at what it printed.
func (s *slot) end() {
	p := s.process()
	if p == nil {
		return
	}
	p.kill()
	s.inspect(p)
	if s.house.t.Failed() {
		s.house.t.Logf("output of %s:\n%s", p.name, p.tail(*linesFlag))
	}
}

// inspect fails the test if an ended process printed what none may print.
func (s *slot) inspect(p *process) {
	for _, line := range p.bad {
		s.house.t.Errorf("%s printed: %s\n%s", p.name, line, p.tail(40))
	}
}

// await asks until what is wanted is so. It is for what nobody tells of; no
// test passes or fails by the time between two questions.
func await(t *testing.T, what string, wanted func() bool) {
	t.Helper()
	deadline, tick := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer tick.Stop()
	for !wanted() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("waited %s for %s", patience, what)
		}
	}
}
