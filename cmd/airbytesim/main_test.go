package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// asProgram makes this test binary be the program itself.
const asProgram = "AIRBYTESIM_TEST_AS_PROGRAM"

func TestMain(m *testing.M) {
	if os.Getenv(asProgram) != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

// announced is the line that the program prints once it listens.
type announced struct {
	API         string `json:"api"`
	Management  string `json:"management"`
	WorkspaceID string `json:"workspaceId"`
}

// launch starts the program and waits for its line.
func launch(t *testing.T, arguments ...string) (*exec.Cmd, announced) {
	t.Helper()
	program := exec.CommandContext(t.Context(), os.Args[0], append([]string{"-addr", "127.0.0.1:0"}, arguments...)...)
	program.Env = append(os.Environ(), asProgram+"=1")
	program.Stderr = t.Output()
	out, err := program.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := program.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(out).ReadBytes('\n')
	if err != nil {
		t.Fatal(err)
	}
	var a announced
	if err := json.Unmarshal(line, &a); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return program, a
}

func send(t *testing.T, method, url, body string, header http.Header) (int, string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	request.Header = header
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(raw)
}

var jsonHeader = http.Header{"Content-Type": {"application/json"}}

func TestProgramServesUntilItIsToldToStop(t *testing.T) {
	t.Parallel()
	for _, stop := range []os.Signal{syscall.SIGTERM, os.Interrupt} {
		t.Run(stop.String(), func(t *testing.T) {
			t.Parallel()
			program, at := launch(t, "-management", "127.0.0.1:0", "-error-format", "old", "-client-id", "id", "-client-secret", "secret")
			if status, raw := send(t, http.MethodGet, at.API+"/api/v1/health", "", nil); status != 200 {
				t.Errorf("health answered %d: %s", status, raw)
			}
			if status, _ := send(t, http.MethodPost, at.API+"/api/v1/workspaces/get", `{}`, jsonHeader); status != 401 {
				t.Errorf("a caller without a token got %d", status)
			}
			if status, _ := send(t, http.MethodPost, at.Management+"/faults", `{"operation":"health","do":"hold"}`, nil); status != 200 {
				t.Errorf("the management answered %d", status)
			}
			held := make(chan error, 1)
			go func() { // a held call must not keep the program from ending
				request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, at.API+"/api/v1/health", http.NoBody)
				if err != nil {
					held <- err
					return
				}
				response, err := http.DefaultClient.Do(request)
				if err == nil {
					err = response.Body.Close()
				}
				held <- err
			}()
			if status, _ := send(t, http.MethodGet, at.Management+"/wait/held?operation=health", "", nil); status != 204 {
				t.Errorf("nothing is held: %d", status)
			}
			if err := program.Process.Signal(stop); err != nil {
				t.Fatal(err)
			}
			if err := program.Wait(); err != nil {
				t.Errorf("the program ended with %v, want exit 0", err)
			}
			if err := <-held; err != nil {
				t.Errorf("the held call: %v", err)
			}
		})
	}
}

func TestProgramWithoutManagement(t *testing.T) {
	t.Parallel()
	program, at := launch(t, "-management", "", "-workspace", "11111111-2222-4333-8444-555555555555,22222222-2222-4333-8444-555555555555")
	if at.Management != "" || at.WorkspaceID != "11111111-2222-4333-8444-555555555555" {
		t.Errorf("unexpected line: %+v", at)
	}
	body := `{"workspaceId":"22222222-2222-4333-8444-555555555555"}`
	if status, raw := send(t, http.MethodPost, at.API+"/api/v1/workspaces/get", body, jsonHeader); status != 200 {
		t.Errorf("the second workspace: %d %s", status, raw)
	}
	if err := program.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := program.Wait(); err != nil {
		t.Error(err)
	}
}

func TestFlags(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		reason    string
		arguments []string
		code      int
		says      string
	}{
		{"the version", []string{"-version"}, exitOK, "airbytesim"},
		{"help", []string{"-h"}, exitOK, "-latency"},
		{"an unknown flag", []string{"-colour"}, exitUsage, "colour"},
		{"an argument", []string{"serve"}, exitUsage, "serve"},
		{"an unknown edition", []string{"-edition", "gold"}, exitUsage, "gold"},
		{"an unknown format", []string{"-error-format", "xml"}, exitUsage, "xml"},
		{"a workspace that is no UUID", []string{"-workspace", "main"}, exitUsage, "main"},
		{"basic without a password", []string{"-basic", "user"}, exitUsage, "user:password"},
		{"two ways to authenticate", []string{"-basic", "u:p", "-client-id", "id"}, exitUsage, "exclude"},
		{"half of the credentials", []string{"-client-id", "id"}, exitUsage, "client credentials"},
		{"a latency without an operation", []string{"-latency", "5s"}, exitUsage, "operation=time"},
		{"a latency without a time", []string{"-latency", "*=long"}, exitUsage, "long"},
		{"a directory that is not there", []string{"-connectors", filepath.Join(t.TempDir(), "none")}, exitUsage, "connectors"},
		{"an unknown level", []string{"-log-level", "loud"}, exitUsage, "loud"},
		{"an address that cannot be", []string{"-addr", "127.0.0.1:no-port"}, exitFailed, "no-port"},
	} {
		var out bytes.Buffer
		if code := run(context.WithoutCancel(t.Context()), c.arguments, &out, &out); code != c.code || !strings.Contains(out.String(), c.says) {
			t.Errorf("%s: exit %d, want %d, saying %q: %s", c.reason, code, c.code, c.says, out.String())
		}
	}
}

func TestLatencyFlag(t *testing.T) {
	t.Parallel()
	set, err := parse([]string{"-latency", "discover_schema=5s", "-latency", "*=1ms..20ms"}, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	for operation, want := range map[string]string{"discover_schema": "5s", "*": "1ms..20ms"} {
		if text, err := set.sim.Latencies[operation].MarshalText(); err != nil || string(text) != want {
			t.Errorf("%s: %s %v, want %s", operation, text, err, want)
		}
	}
}
