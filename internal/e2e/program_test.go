package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEmbedded runs the whole product in one process, as `make demo` does.
func TestEmbedded(t *testing.T) {
	t.Parallel()
	api := start(t, "api", []string{"-embedded", "-http-addr", "127.0.0.1:0"}, nil)
	api.awaitText("nothing is kept")
	client := start(t, "provisionctl", []string{"-server", "http://" + api.address(), "provision", "-f", "../../examples/descriptor.yaml"}, nil)
	if code := client.exit(); code != 0 {
		t.Fatalf("provisionctl ended with %d:\n%s", code, client.output())
	}
	for _, want := range []string{"token ", "source", "discovery", "destination", "connection", "COMPLETED", "sourceId", "destinationId", "connectionId"} {
		if !strings.Contains(client.output(), want) {
			t.Errorf("provisionctl does not show %q:\n%s", want, client.output())
		}
	}
	token := regexp.MustCompile(`token ([0-9a-f-]{36})`).FindStringSubmatch(client.output())
	if token == nil {
		t.Fatalf("provisionctl shows no token:\n%s", client.output())
	}
	status := start(t, "provisionctl", []string{"-server", "http://" + api.address(), "status", token[1]}, nil)
	if code := status.exit(); code != 0 {
		t.Errorf("the status of a COMPLETED token ended with %d:\n%s", code, status.output())
	}
	bad := start(t, "provisionctl", []string{"-server", "http://" + api.address(), "validate", "-f", os.DevNull}, nil)
	if code := bad.exit(); code != 1 {
		t.Errorf("validating nothing ended with %d, want 1:\n%s", code, bad.output())
	}
	if code := api.stop(); code != 0 {
		t.Errorf("the embedded product ended with %d after SIGTERM, want 0", code)
	}
}

// TestSimulatorProgram provisions against the simulator as a process of its own.
func TestSimulatorProgram(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	sim := start(t, "airbytesim", []string{"-addr", "127.0.0.1:0", "-management", "127.0.0.1:0", "-workspace", s.env["AIRBYTE_WORKSPACE_ID"], "-client-id", "client", "-client-secret", clientSecret}, nil)
	line := sim.await("addresses", regexp.MustCompile(`"api":"`).MatchString)
	s.env["AIRBYTE_BASE_URL"] = regexp.MustCompile(`"api":"([^"]+)"`).FindStringSubmatch(line)[1] + "/api/v1/"
	s.startAPI()
	s.startWorker()
	s.awaitState(s.submit("provision", wish{}.descriptor()), "COMPLETED")
	s.env["HTTP_ADDR"] = s.api
	if code := s.program("api", "-healthcheck").exit(); code != 0 {
		t.Errorf("the health check of a running API ended with %d", code)
	}
	s.env["HTTP_ADDR"] = "127.0.0.1:1"
	if code := s.program("api", "-healthcheck").exit(); code != 1 {
		t.Errorf("the health check of no API ended with %d, want 1", code)
	}
	if code := sim.stop(); code != 0 {
		t.Errorf("the simulator ended with %d after SIGTERM, want 0", code)
	}
}

// TestBadSettings starts programs with settings that cannot work.
func TestBadSettings(t *testing.T) {
	t.Parallel()
	env := []string{
		"REDIS_URL=http://nowhere", "TASK_TIMEOUT=30", "AIRBYTE_BASE_URL=airbyte", "WORKER_QUEUES=provison:1",
		"AIRBYTE_CLIENT_ID=id", "AIRBYTE_CLIENT_SECRET_FILE=/does/not/exist",
	}
	worker := start(t, "worker", nil, env)
	if code := worker.exit(); code != 2 {
		t.Errorf("the worker ended with %d, want 2", code)
	}
	for _, name := range []string{"REDIS_URL", "TASK_TIMEOUT", "AIRBYTE_BASE_URL", "WORKER_QUEUES", "AIRBYTE_CLIENT_SECRET_FILE", "AIRBYTE_WORKSPACE_ID"} {
		if !strings.Contains(worker.output(), name) {
			t.Errorf("the message does not name %s:\n%s", name, worker.output())
		}
	}
	directory := t.TempDir()
	if err := os.WriteFile(filepath.Join(directory, "source-broken.yaml"), []byte("name: source-broken\nkindd: source\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	api := start(t, "api", nil, []string{"HTTP_ADDR=127.0.0.1:0", "CATALOG_DIR=" + directory})
	if code := api.exit(); code != 2 || !strings.Contains(api.output(), "source-broken.yaml") {
		t.Errorf("the API ended with %d, want 2 and the name of the bad file:\n%s", code, api.output())
	}
}

// TestVersions asks each program for its version.
func TestVersions(t *testing.T) {
	t.Parallel()
	for _, program := range []string{"api", "worker", "airbytesim", "provisionctl"} {
		out, err := exec.Command(filepath.Join(programs, program), "-version").CombinedOutput()
		if err != nil || !strings.HasPrefix(string(out), program+" ") {
			t.Errorf("%s -version: %v, %q", program, err, out)
		}
	}
}
