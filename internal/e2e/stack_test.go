package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/httpapi/contracttest"
	"airbyte-provisioner/internal/redistest"
)

// The credentials of every stack. Each holds the mark, so that a leak is found by searching for it.
const (
	secretMark   = "M4RKED"
	apiToken     = "token-" + secretMark + "-api"
	clientSecret = "client-" + secretMark + "-secret"
	snowflakeKey = "-----BEGIN PRIVATE KEY-----\n" + secretMark + "snowflake\n-----END PRIVATE KEY-----"
	secretValue  = "value-" + secretMark + "-referenced"
)

// stack is a whole installation: a redis-server, a simulated Airbyte, and the
// programs that a test starts.
type stack struct {
	t     *testing.T
	sim   *airbytesim.Sim
	redis *redistest.Server
	env   map[string]string
	api   string // address of the API that was started last

	mu       sync.Mutex
	started  []*process
	statuses []string // every answer of the API
}

// newStack starts Redis and the simulator; programs get the settings, which
// replace the usual ones.
func newStack(t *testing.T, settings map[string]string, opts ...func(*airbytesim.Options)) *stack {
	t.Helper()
	options := airbytesim.Options{
		Seed: 1,
		Auth: airbytesim.Auth{Mode: airbytesim.AuthClient, ClientID: "client", ClientSecret: clientSecret},
	}
	for _, opt := range opts {
		opt(&options)
	}
	sim, err := airbytesim.New(options)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(sim.API())
	t.Cleanup(server.Close)
	t.Cleanup(sim.Close)
	s := &stack{t: t, sim: sim, redis: redistest.Start(t)}
	s.env = map[string]string{
		"HTTP_ADDR": "127.0.0.1:0", "WORKER_HTTP_ADDR": "127.0.0.1:0",
		"API_TOKENS": apiToken, "REDIS_URL": s.redis.URL(),
		"AIRBYTE_BASE_URL": server.URL, "AIRBYTE_WORKSPACE_ID": airbytesim.DefaultWorkspace,
		"AIRBYTE_CLIENT_ID": "client", "AIRBYTE_CLIENT_SECRET": clientSecret,
		"SNOWFLAKE_HOST": "account.snowflakecomputing.com", "SNOWFLAKE_USER": "AIRBYTE",
		"SNOWFLAKE_PRIVATE_KEY": snowflakeKey, "SNOWFLAKE_ROLE": "LOADER", "SNOWFLAKE_WAREHOUSE": "LOADING",
		"SECRET_REFERENCED": secretValue,
		"RETRY_MIN_DELAY":   "20ms", "RETRY_MAX_DELAY": "100ms", "TASK_LEASE": "2s",
		"FINGERPRINT_KEY": "a key for tests",
		"LOG_LEVEL":       "debug",
	}
	maps.Copy(s.env, settings)
	return s
}

// program starts one of the programs with the stack's settings.
func (s *stack) program(name string, args ...string) *process {
	s.t.Helper()
	var env []string
	for _, key := range slices.Sorted(maps.Keys(s.env)) {
		env = append(env, key+"="+s.env[key])
	}
	p := start(s.t, name, args, env)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.started = append(s.started, p)
	return p
}

// startAPI starts an API and waits until it listens.
func (s *stack) startAPI() *process {
	s.t.Helper()
	p := s.program("api")
	s.api = p.address()
	return p
}

// startWorker starts a worker and waits until it takes tasks.
func (s *stack) startWorker() *process {
	s.t.Helper()
	p := s.program("worker")
	p.awaitText(`"msg":"working"`)
	return p
}

var listening = regexp.MustCompile(`"msg":"listening".*"addr":"([^"]+)"`)

// address waits for the address that the program listens on.
func (p *process) address() string {
	p.t.Helper()
	line := p.await("listening address", listening.MatchString)
	return listening.FindStringSubmatch(line)[1]
}

// checker is the API's own document, against which every answer is held.
var checker = sync.OnceValues(func() (*contracttest.Checker, error) { return contracttest.New("") })

// reply is an answer of the API.
type reply struct {
	status int
	header http.Header
	body   string
}

// request sends a request with the token and checks the answer against the API's document.
func (s *stack) request(method, path string, body any) reply {
	s.t.Helper()
	return s.requestWith(nil, method, path, body)
}

// requestWith is request with further headers.
func (s *stack) requestWith(header http.Header, method, path string, body any) reply {
	s.t.Helper()
	var text []byte
	switch b := body.(type) {
	case nil:
	case string:
		text = []byte(b)
	default:
		var err error
		if text, err = json.Marshal(b); err != nil {
			s.t.Fatal(err)
		}
	}
	request, err := http.NewRequestWithContext(s.t.Context(), method, "http://"+s.api+path, bytes.NewReader(text))
	if err != nil {
		s.t.Fatal(err)
	}
	maps.Copy(request.Header, header)
	request.Header.Set("Authorization", "Bearer "+apiToken)
	if text != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatalf("%s %s: %v", method, path, err)
	}
	check, err := checker()
	if err != nil {
		s.t.Fatal(err)
	}
	if err := check.Check(request, response); err != nil {
		s.t.Errorf("the answer is not in the API's document: %v", err)
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	s.mu.Lock()
	s.statuses = append(s.statuses, string(answer))
	s.mu.Unlock()
	return reply{response.StatusCode, response.Header, string(answer)}
}

// submission is a ProvisioningRequest.
type submission struct {
	DescriptorKind           string `json:"descriptorKind"`
	Descriptor               string `json:"descriptor"`
	LatestEnrichedDescriptor string `json:"latestEnrichedDescriptor,omitempty"`
	RemoveData               bool   `json:"removeData"`
}

// submit posts a descriptor and returns the token of the 202.
func (s *stack) submit(operation, descriptor string) string {
	s.t.Helper()
	return s.submitAll(operation, submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: descriptor})
}

func (s *stack) submitAll(operation string, body submission) string {
	s.t.Helper()
	got := s.request(http.MethodPost, "/v1/"+operation, body)
	if got.status != http.StatusAccepted {
		s.t.Fatalf("POST /v1/%s answered %d: %s", operation, got.status, got.body)
	}
	return got.body
}

// status is a ProvisioningStatus.
type status struct {
	Status string `json:"status"`
	Result string `json:"result"`
	Info   *struct {
		PublicInfo  map[string]map[string]string `json:"publicInfo"`
		PrivateInfo map[string]any               `json:"privateInfo"`
		ACLInfo     []granted                    `json:"aclInfo"`
	} `json:"info"`
	Logs []struct {
		Timestamp time.Time `json:"timestamp"`
		Level     string    `json:"level"`
		Message   string    `json:"message"`
		Phase     string    `json:"phase"`
	} `json:"logs"`
}

// logText is the log as one text.
func (s status) logText() string {
	var b strings.Builder
	for _, line := range s.Logs {
		fmt.Fprintf(&b, "%s %s: %s\n", line.Level, line.Phase, line.Message)
	}
	return b.String()
}

// ask polls a token once.
func (s *stack) ask(token string) status {
	s.t.Helper()
	got := s.request(http.MethodGet, "/v1/provision/"+token+"/status", nil)
	if got.status != http.StatusOK {
		s.t.Fatalf("the status of %s answered %d: %s", token, got.status, got.body)
	}
	var st status
	if err := json.Unmarshal([]byte(got.body), &st); err != nil {
		s.t.Fatal(err)
	}
	return st
}

// awaitEnd polls a token, as the Coordinator does, until it is terminal.
func (s *stack) awaitEnd(token string) status {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		st := s.ask(token)
		if st.Status != "RUNNING" && st.Status != "TERMINATING" {
			return st
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			s.t.Fatalf("%s is still %s after %s:\n%s", token, st.Status, patience, st.logText())
		}
	}
}

// awaitState waits for a token's end and fails unless it is the state.
func (s *stack) awaitState(token, state string) status {
	s.t.Helper()
	st := s.awaitEnd(token)
	if st.Status != state {
		s.t.Fatalf("%s is %s, want %s: %s\n%s", token, st.Status, state, st.Result, st.logText())
	}
	return st
}

// outputs is all that the programs have printed and the API has answered.
func (s *stack) outputs() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := map[string]string{"answers of the API": strings.Join(s.statuses, "\n")}
	for i, p := range s.started {
		all[fmt.Sprintf("output of %s (%d)", p.name, i)] = p.output()
	}
	return all
}

// contractDir is where the public contracts are; without it the test is skipped.
func contractDir(t *testing.T) string {
	t.Helper()
	dir := os.Getenv("CONTRACT_DIR")
	if dir == "" {
		t.Skip("CONTRACT_DIR is not set: there is no contract to compare with")
	}
	return dir
}
