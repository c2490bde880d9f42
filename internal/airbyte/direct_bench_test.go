package airbyte

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"
)

const benchmarked = "BENCHMARKED_SERVER"

// BenchmarkCall compares a call over direct with one over the library, alone
// and among sixteen at once. The server is another process, so the processor
// time is that of the calls alone.
func BenchmarkCall(b *testing.B) {
	url := startBenchmarked(b)
	own := newDirect(b)
	for _, run := range []struct {
		name string
		over http.RoundTripper
		many int
	}{{"direct", own, 1}, {"library", own.library, 1}, {"direct", own, 16}, {"library", own.library, 16}} {
		b.Run(fmt.Sprintf("%s/%d", run.name, run.many), func(b *testing.B) {
			b.ReportAllocs()
			before := processorTime(b)
			done := make(chan struct{}, run.many)
			for worker := range run.many {
				go func() {
					for i := worker; i < b.N; i += run.many {
						callBenchmarked(b, run.over, url)
					}
					done <- struct{}{}
				}()
			}
			for range run.many {
				<-done
			}
			b.ReportMetric(float64((processorTime(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// startBenchmarked starts the server and returns its URL.
func startBenchmarked(b *testing.B) string {
	b.Helper()
	program := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestBenchmarkedServer$")
	program.Env = append(os.Environ(), benchmarked+"=yes")
	in, err := program.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := program.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := program.Start(); err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		_ = in.Close()
		_ = program.Wait()
	})
	url, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(url)
}

// TestBenchmarkedServer is no test but the server of BenchmarkCall, until its input ends.
func TestBenchmarkedServer(t *testing.T) {
	if os.Getenv(benchmarked) == "" {
		t.Skip("only for BenchmarkCall")
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(bytes.Repeat([]byte("x"), 800))
	}))
	defer server.Close()
	fmt.Println(server.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

// callBenchmarked makes a call as a client does.
func callBenchmarked(b *testing.B, over http.RoundTripper, url string) {
	ctx, cancel := context.WithTimeout(b.Context(), time.Minute)
	defer cancel()
	response, err := over.RoundTrip(asking(ctx, b, http.MethodPost, url+"/api/v1/sources/get", bytes.Repeat([]byte("y"), 300)))
	if err != nil {
		b.Error(err)
		return
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		b.Error(err)
	}
	_ = response.Body.Close()
}

// processorTime is what this process has used so far, for itself and in the kernel.
func processorTime(b *testing.B) time.Duration {
	b.Helper()
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		b.Fatal(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}
