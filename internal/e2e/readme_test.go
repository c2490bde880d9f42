package e2e

import (
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"airbyte-provisioner/internal/redistest"
)

// TestREADMEPath gives the README's commands for a real Redis with two workers
// to a shell, as a new reader would, on ports that are free here.
func TestREADMEPath(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## Run it for real\n")
	section, _, found := strings.Cut(section, "\nA real Airbyte needs")
	if !found {
		t.Fatal("README.md has no such section")
	}
	ports := map[string]string{}
	port := regexp.MustCompile(`:(\d{4})\b`)
	local := func(command string) string { // each of the README's ports is another one here
		return port.ReplaceAllStringFunc(command, func(p string) string {
			if ports[p] == "" {
				ports[p] = ":" + strconv.Itoa(redistest.FreePort(t))
			}
			return ports[p]
		})
	}
	replace := strings.NewReplacer(
		"redis-server ", "redis-server --save '' --dir "+t.TempDir()+" --port "+strings.TrimPrefix(local(":6379"), ":")+" ",
		"bin/airbytesim", programs+"/airbytesim -management '' -addr 127.0.0.1"+local(":8001"),
		"bin/provisionctl", programs+"/provisionctl -server http://127.0.0.1"+local(":8093"), "bin/", programs+"/", " examples/", " ../../examples/")
	env := []string{"REDIS_URL=redis://127.0.0.1" + local(":6379"), "HTTP_ADDR=127.0.0.1" + local(":8093"), "WORKER_HTTP_ADDR=127.0.0.1" + local(":8094")}
	ready := regexp.MustCompile(`Ready to accept connections|"api":"http|"msg":"listening"`)
	var servers []*process
	for _, line := range regexp.MustCompile(`(?m)^    .+$`).FindAllString(section, -1) {
		command := replace.Replace(local(strings.TrimSpace(line)))
		p := run(t, strings.TrimSpace(line), exec.Command("bash", "-c", "exec env "+command), env)
		if !strings.Contains(line, "provisionctl") {
			p.await("readiness", ready.MatchString)
			servers = append(servers, p)
			continue
		}
		if code := p.exit(); code != 0 || !strings.Contains(p.output(), "COMPLETED") {
			t.Errorf("the example ended with %d:\n%s", code, p.output())
		}
	}
	if len(servers) != 5 {
		t.Errorf("%d servers were started, want Redis, Airbyte, the API and two workers", len(servers))
	}
	for _, p := range servers {
		select {
		case <-p.done:
			t.Errorf("%s has ended:\n%s", p.name, p.tail(20))
		default:
		}
	}
}
