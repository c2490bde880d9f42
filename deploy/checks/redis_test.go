package checks

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

// The bundled Redis starts with the chart's own command and configuration, and
// asks for the password.
func TestBundledRedisStarts(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("there is no redis-server on PATH (make deps)")
	}
	const password = `a "quoted" $pass#word \`
	address := startBundled(t, password)
	for _, step := range []struct{ command, want string }{
		{"PING", "-NOAUTH"},
		{"AUTH wrong", "-WRONGPASS"},
		{fmt.Sprintf("*2\r\n$4\r\nAUTH\r\n$%d\r\n%s", len(password), password), "+OK"},
		{"CONFIG GET maxmemory-policy", "noeviction"},
		{"CONFIG GET appendfsync", "always"},
		{"CONFIG GET appendonly", "yes"},
	} {
		if got := address.say(t, step.command); !strings.Contains(got, step.want) {
			t.Errorf("%s: got %q, want %q", step.command, got, step.want)
		}
	}
}

// startBundled runs the container's command where its paths are a directory of the test.
func startBundled(t *testing.T, password string) *talk {
	t.Helper()
	files, err := render(t, examples(t)["minimal"])
	if err != nil {
		t.Fatal(err)
	}
	var command []string
	var configuration string
	for _, o := range decode(t, files) {
		switch typed := o.typed.(type) {
		case *appsv1.StatefulSet:
			command = typed.Spec.Template.Spec.Containers[0].Command
		case *corev1.ConfigMap:
			if text := typed.Data["redis.conf"]; text != "" {
				configuration = text
			}
		}
	}
	dir := t.TempDir()
	socket := filepath.Join(dir, "redis.sock")
	configuration = strings.ReplaceAll(configuration, "dir /data", "dir "+dir)
	configuration = strings.ReplaceAll(configuration, "port 6379", "port 0\nunixsocket "+socket)
	write(t, filepath.Join(dir, "redis.conf"), configuration)
	write(t, filepath.Join(dir, "password"), password+"\n")
	script := strings.NewReplacer("/etc/redis", dir, "/run/secrets/redis", dir).Replace(command[len(command)-1])

	process := exec.Command(command[0], append(command[1:len(command)-1:len(command)-1], script)...)
	var log strings.Builder
	process.Stdout, process.Stderr = &log, &log
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Signal(syscall.SIGTERM) // the shell has become redis-server, or this would not reach it
		if err := process.Wait(); err != nil {
			t.Errorf("redis-server did not end in order: %v\n%s", err, log.String())
		}
	})
	for deadline := time.Now().Add(30 * time.Second); ; {
		connection, err := net.Dial("unix", socket)
		if err == nil {
			t.Cleanup(func() { _ = connection.Close() })
			return &talk{connection, bufio.NewReader(connection)}
		}
		if time.Now().After(deadline) {
			t.Fatalf("redis-server does not listen: %v\n%s", err, log.String())
		}
		time.Sleep(20 * time.Millisecond)
	}
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// talk speaks Redis' protocol well enough for a few commands.
type talk struct {
	net.Conn
	answers *bufio.Reader
}

// say sends a command and returns the lines of its answer.
func (c *talk) say(t *testing.T, command string) string {
	t.Helper()
	if _, err := fmt.Fprint(c, command+"\r\n"); err != nil {
		t.Fatal(err)
	}
	first, err := c.answers.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	answer := []string{first}
	if strings.HasPrefix(first, "*") { // name and value, each after its length
		for range 4 {
			line, err := c.answers.ReadString('\n')
			if err != nil {
				t.Fatal(err)
			}
			answer = append(answer, line)
		}
	}
	return strings.Join(answer, "")
}
