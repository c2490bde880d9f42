package app

import (
	"bytes"
	"context"
	"strings"
	"testing"

	"airbyte-provisioner/internal/redistest"
)

// TestAWorkerIsStoppedWhileItWaits has it end in order where Redis does not let
// it in, and tell why until then.
func TestAWorkerIsStoppedWhileItWaits(t *testing.T) {
	t.Parallel()
	redis := redistest.Start(t, redistest.Args("--requirepass", "the-right-one"))
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	log := &watched{line: "the worker waits", seen: stop}
	err := Worker(ctx, "", []string{
		"REDIS_URL=redis://:a-wrong-one@" + redis.Addr() + "/0", "WORKER_HTTP_ADDR=127.0.0.1:0",
		"AIRBYTE_BASE_URL=http://127.0.0.1:1", "AIRBYTE_WORKSPACE_ID=5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6",
	}, log)
	if err != nil {
		t.Errorf("a worker that is told to stop ends with %v", err)
	}
	if text := log.text.String(); !strings.Contains(text, "WRONGPASS") || strings.Contains(text, "a-wrong-one") {
		t.Errorf("the log does not tell why Redis cannot be used, or tells the password:\n%s", text)
	}
}

// watched is a log that calls a function at the first line that holds a text.
// The logger writes one line at a time.
type watched struct {
	text bytes.Buffer
	line string
	seen func()
}

func (w *watched) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(w.line)) {
		w.seen()
	}
	return w.text.Write(line)
}
