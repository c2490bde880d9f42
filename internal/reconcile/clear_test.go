package reconcile

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/airbytesim"

	"github.com/google/go-cmp/cmp"
)

// statuses are the jobs that the simulator has seen, with how many streams they were about.
func (b *bench) statuses() []string {
	var all []string
	for _, j := range b.sim.Contents().Jobs {
		all = append(all, fmt.Sprintf("%s of %d %s", j.ConfigType, len(j.Streams), j.Status))
	}
	return all
}

// A clear that is not about every stream leaves data, however it came to be and whether it runs or has ended.
func TestAClearOfSomeStreamsDoesNotCount(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		start func(b *bench, connection string) int64
		ends  string
		want  []string
	}{
		"a clear that runs":        {(*bench).clears, "", []string{"clear of 1 cancelled", "clear of 3 succeeded"}},
		"a clear that has ended":   {(*bench).clears, "succeeded", []string{"clear of 1 succeeded", "clear of 3 succeeded"}},
		"an older server's reset":  {(*bench).resets, "", []string{"reset_connection of 1 cancelled", "clear of 3 succeeded"}},
		"a reset that was stopped": {(*bench).resets, "cancelled", []string{"reset_connection of 1 cancelled", "clear of 3 succeeded"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(ordersOnly("orders"))
			_, _, c := b.one()
			job := tt.start(b, c.ID)
			if tt.ends != "" {
				must(t, 0, b.sim.FinishJob(job, tt.ends))
			}
			b.provision(orders()) // with streams that the job knows nothing of
			b.unprovision(withData())
			if diff := cmp.Diff(tt.want, b.statuses()); diff != "" {
				t.Errorf("%s\n%s", diff, b.log())
			}
			b.none()
		})
	}
}

func (b *bench) clears(connection string) int64 {
	return must1(b.r.Client.ClearConnection(b.t.Context(), connection)).ID
}

func (b *bench) resets(connection string) int64 {
	return must1(b.r.Client.ResetConnection(b.t.Context(), connection)).ID
}

// However often nobody hears that the clear began, it is begun once.
func TestAClearThatNobodyHeardOfIsFollowed(t *testing.T) {
	t.Parallel()
	for name, ends := range map[string]bool{"it runs": false, "it has ended": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			b := newBench(t, airbytesim.Options{})
			b.provision(orders())
			b.fault(airbytesim.Fault{Operation: "connections/clear", Times: -1, Do: airbytesim.DoAnswer, Status: 504, Acts: true})
			if failure := b.failure(second(b.tryUnprovision(withData()))); !failure.Retry {
				t.Fatal(failure.Text())
			}
			if ends {
				must(t, 0, b.sim.FinishJob(b.sim.Contents().Jobs[0].ID, "succeeded"))
			}
			b.number = 2
			b.unprovision(withData())
			if diff := cmp.Diff([]string{"clear of 3 succeeded"}, b.statuses()); diff != "" {
				t.Errorf("%s\n%s", diff, b.log())
			}
			b.none()
		})
	}
}

// jobsWithoutStreams is a server that does not tell what a job clears.
type jobsWithoutStreams struct{ http.RoundTripper }

func (j jobsWithoutStreams) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := j.RoundTripper.RoundTrip(r)
	if err != nil || !strings.HasSuffix(r.URL.Path, "jobs/list") {
		return response, err
	}
	raw := must1(io.ReadAll(response.Body))
	response.Body = io.NopCloser(bytes.NewReader(bytes.ReplaceAll(raw, []byte(`"resetConfig"`), []byte(`"unknown"`))))
	return response, nil
}

// Where the server does not tell what a job clears, only one that is remembered counts.
func TestAClearOfUnknownStreamsDoesNotCount(t *testing.T) {
	t.Parallel()
	start := func(t *testing.T) *bench {
		t.Helper()
		sim := must1(airbytesim.New(airbytesim.Options{WorkspaceIDs: []string{workspace}}))
		t.Cleanup(sim.Close)
		b := benchOf(t, sim, airbyte.Options{BaseURL: "http://airbyte.example", Transport: jobsWithoutStreams{handled{sim.API()}}})
		b.provision(orders())
		return b
	}
	t.Run("nobody heard of it", func(t *testing.T) {
		t.Parallel()
		b := start(t)
		b.fault(airbytesim.Fault{Operation: "connections/clear", Do: airbytesim.DoAnswer, Status: 504, Acts: true})
		_ = b.failure(second(b.tryUnprovision(withData())))
		b.number = 2
		b.unprovision(withData())
		if diff := cmp.Diff([]string{"clear of 3 cancelled", "clear of 3 succeeded"}, b.statuses()); diff != "" {
			t.Errorf("%s\n%s", diff, b.log())
		}
		b.none()
	})
	t.Run("it is remembered", func(t *testing.T) {
		t.Parallel()
		b := start(t)
		b.fault(airbytesim.Fault{Operation: "jobs/get", Do: airbytesim.DoAnswer, Status: 503})
		_ = b.failure(second(b.tryUnprovision(withData())))
		b.number = 2
		b.unprovision(withData())
		if diff := cmp.Diff([]string{"clear of 3 succeeded"}, b.statuses()); diff != "" {
			t.Errorf("%s\n%s", diff, b.log())
		}
		b.none()
	})
}
