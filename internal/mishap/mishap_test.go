package mishap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// answering gives each call the same answer.
type answering struct {
	status int
	body   string
	header http.Header
}

func (a answering) RoundTrip(r *http.Request) (*http.Response, error) {
	if a.status == 0 {
		return nil, errors.New("no route to host")
	}
	header := a.header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	return &http.Response{StatusCode: a.status, Header: header, Request: r, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

// met is the error of a call that gets the answer.
func met(ctx context.Context, t *testing.T, a answering) error {
	t.Helper()
	client, err := airbyte.New(airbyte.Options{BaseURL: "http://airbyte.test", Transport: a})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = client.GetWorkspace(ctx, "5ae6b09b-fdec-41af-aaf7-7d94cfc33ef6"); err == nil {
		t.Fatal("the call did not fail")
	}
	return err
}

// Each sort of answer has its code, and advice that names what to look at, by what was being done.
func TestOf(t *testing.T) {
	t.Parallel()
	later := http.Header{"Retry-After": {"7"}}
	for name, test := range map[string]struct {
		answer answering
		phase  workload.Phase
		code   workload.Code
		retry  bool
		advice string
	}{
		"nothing listens":           {answering{}, workload.PhaseSource, workload.CodeUnavailable, true, "can be reached"},
		"too many requests":         {answering{status: 429, header: later}, workload.PhaseSource, workload.CodeUnavailable, true, "can be reached"},
		"a fault of the server":     {answering{status: 500, body: `{"errorId":"e-1"}`}, workload.PhaseSource, workload.CodeUnavailable, true, "error id"},
		"a proxy's fault":           {answering{status: 502}, workload.PhaseSource, workload.CodeUnavailable, true, "can be reached"},
		"another form":              {answering{status: 200, body: `[]`}, workload.PhaseSource, workload.CodeUnavailable, true, "can be reached"},
		"no credentials":            {answering{status: 401}, workload.PhaseAccess, workload.CodeRefused, false, "credentials"},
		"may not provision":         {answering{status: 403}, workload.PhaseSource, workload.CodeRefused, false, "an editor"},
		"may not give access":       {answering{status: 403}, workload.PhaseAccess, workload.CodeRefused, false, "an administrator"},
		"no such connector":         {answering{status: 404}, workload.PhaseDestination, workload.CodeRefused, false, "this connector"},
		"no such workspace":         {answering{status: 404}, workload.PhaseObserve, workload.CodeRefused, false, "workspace's id in its settings."},
		"a wrong configuration":     {answering{status: 422}, workload.PhaseSource, workload.CodeRefused, false, "specific block"},
		"a wrong call about access": {answering{status: 422}, workload.PhaseAccess, workload.CodeRefused, false, "what Airbyte says"},
		"a state that forbids it":   {answering{status: 409}, workload.PhaseConnection, workload.CodeConflict, false, "entities"},
		"a lock":                    {answering{status: 423}, workload.PhaseConnection, workload.CodeConflict, true, "locked"},
		"a redirect to somewhere":   {answering{status: 302}, workload.PhaseConnection, workload.CodeRefused, false, "base URL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			cause := met(t.Context(), t, test.answer)
			err := Of(test.phase, "Reading the workspace failed", cause)
			var f *workload.Failure
			if !errors.As(err, &f) || !errors.Is(err, cause) {
				t.Fatalf("%v is no failure with its cause", err)
			}
			if f.Code != test.code || f.Retry != test.retry || f.Phase != test.phase {
				t.Errorf("code %s, retry %v, phase %s", f.Code, f.Retry, f.Phase)
			}
			if len(f.Solutions) != 1 || !strings.Contains(f.Solutions[0], test.advice) || strings.Contains(f.Solutions[0], "tried again") {
				t.Errorf("solutions %q, want one about %q", f.Solutions, test.advice)
			}
			if !strings.HasPrefix(f.Message, "Reading the workspace failed. Airbyte ") || !strings.HasSuffix(f.Message, ".") {
				t.Errorf("message %q", f.Message)
			}
			if test.answer.header != nil && f.RetryAfter != 7*time.Second {
				t.Errorf("wait %s, want the 7 s that Airbyte asked for", f.RetryAfter)
			}
		})
	}
}

// What is not found is what the call names: a workspace, a connector, or an entity that somebody deleted.
func TestOfWhatIsNotFound(t *testing.T) {
	t.Parallel()
	const deleted, connector, workspace = "deleted in Airbyte in the meantime", "has this connector", "base URL of Airbyte and the workspace's id"
	client, err := airbyte.New(airbyte.Options{BaseURL: "http://airbyte.test", Transport: answering{status: 404}})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	for name, test := range map[string]struct {
		call   func() error
		phase  workload.Phase
		advice string
	}{
		"a workspace":                         {func() error { _, err := client.GetWorkspace(ctx, "w"); return err }, workload.PhaseObserve, workspace},
		"a list of sources":                   {func() error { _, err := client.ListActors(ctx, airbyte.Source, "w", ""); return err }, workload.PhaseObserve, workspace},
		"a list of connections":               {func() error { _, err := client.ListConnections(ctx, "w"); return err }, workload.PhaseObserve, workspace},
		"who has access":                      {func() error { _, err := client.ListAccess(ctx, "w"); return err }, workload.PhaseAccess, workspace},
		"a new grant":                         {func() error { _, err := client.CreatePermission(ctx, "u", "w", "r"); return err }, workload.PhaseAccess, workspace},
		"a changed grant":                     {func() error { return client.UpdatePermission(ctx, "p", "r") }, workload.PhaseAccess, deleted},
		"a group":                             {func() error { _, err := client.GetGroup(ctx, "g"); return err }, workload.PhaseAccess, deleted},
		"the groups":                          {func() error { _, err := client.ListGroups(ctx, "o"); return err }, workload.PhaseAccess, workspace},
		"a group's grants":                    {func() error { _, err := client.ListGroupPermissions(ctx, "g"); return err }, workload.PhaseAccess, deleted},
		"a new source":                        {func() error { _, err := client.CreateActor(ctx, airbyte.Actor{Kind: airbyte.Source}); return err }, workload.PhaseSource, connector},
		"a check":                             {func() error { return client.CheckActor(ctx, airbyte.Actor{Kind: airbyte.Destination}) }, workload.PhaseDestination, connector},
		"a connector, read for other reasons": {func() error { _, err := client.GetSpecification(ctx, airbyte.Source, "w", "d"); return err }, workload.PhaseObserve, connector},
		"a changed source":                    {func() error { _, err := client.UpdateActor(ctx, airbyte.Actor{Kind: airbyte.Source}); return err }, workload.PhaseSource, deleted},
		"a discovery":                         {func() error { _, err := client.DiscoverSource(ctx, "s", false); return err }, workload.PhaseDiscovery, deleted},
		"a new connection":                    {func() error { _, err := client.CreateConnection(ctx, airbyte.ConnectionCreate{}); return err }, workload.PhaseConnection, deleted},
		"a changed connection":                {func() error { _, err := client.UpdateConnection(ctx, airbyte.ConnectionUpdate{}); return err }, workload.PhaseConnection, deleted},
		"a sync":                              {func() error { _, err := client.SyncConnection(ctx, "c"); return err }, workload.PhaseSync, deleted},
		"a job":                               {func() error { _, err := client.GetJob(ctx, 1); return err }, workload.PhaseSync, deleted},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := workload.AsFailure(Of(test.phase, "It failed", test.call()))
			if len(f.Solutions) != 1 || !strings.Contains(f.Solutions[0], test.advice) {
				t.Errorf("solutions %q, want one about %q", f.Solutions, test.advice)
			}
		})
	}
}

// What is no call's error is somebody else's to tell.
func TestOfPassesOn(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	call := met(t.Context(), t, answering{status: 500})
	for name, err := range map[string]error{
		"nothing":                   nil,
		"the end of an attempt":     errors.New("the lease was lost"),
		"whom somebody told before": fmt.Errorf("step: %w", (&workload.Failure{Code: workload.CodeCheck}).Because(call)),
		"who gave up":               met(ctx, t, answering{status: 200, body: "{}"}),
	} {
		if got := Of(workload.PhaseSource, "It failed", err); got != err { //nolint:errorlint // the very same
			t.Errorf("%s became %v", name, got)
		}
	}
}
