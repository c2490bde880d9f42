package e2e

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"airbyte-provisioner/internal/airbytesim"
)

// postgres is a source whose password is a reference.
const postgres = `          connector: source-postgres
          connectionConfiguration:
            host: db.example.com
            port: 5432
            database: orders
            username: reader
            password: ${secret:REFERENCED}
            schemas: [public]`

// TestNoSecretLeaks lets work succeed and fail in many ways, then searches
// everything that the product wrote for the marked secrets.
func TestNoSecretLeaks(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"TASK_MAX_RETRY": "1"})
	s.startAPI()
	worker := s.startWorker()
	metrics := worker.address()

	good := wish{SourceSpec: postgres}
	s.awaitState(s.submit("provision", good.descriptor()), "COMPLETED")
	a := s.one()
	if got := a.sources[0].Configuration["password"]; got != secretValue {
		t.Fatalf("Airbyte got the password %q, want the referenced secret's value", got)
	}
	if got := fmt.Sprint(a.destinations[0].Configuration["credentials"]); !strings.Contains(got, secretMark+"snowflake") {
		t.Fatalf("Airbyte got the Snowflake credentials %s, want the setting's key", got)
	}
	for i, fault := range []airbytesim.Fault{
		// Airbyte echoes what it was sent, in a refusal, in an error page and in a failed job's stack.
		{Operation: "sources/create", Do: airbytesim.DoAnswer, Status: 422, Body: `{"message":"cannot use password ` + secretValue + `"}`},
		{Operation: "destinations/create", Do: airbytesim.DoAnswer, Status: 500, Body: "<html>" + secretMark + "snowflake</html>", Times: 2},
		{Operation: "sources/discover_schema", Do: airbytesim.DoFail},
		{Operation: "scheduler/destinations/check_connection", Do: airbytesim.DoFail, Failure: &airbytesim.JobFailure{Died: true}, Times: 2},
	} {
		if _, err := s.sim.AddFault(fault); err != nil {
			t.Fatal(err)
		}
		w := wish{ID: fmt.Sprintf("urn:dmb:cmp:finance:orders:0:leak-%d", i), SourceSpec: postgres}
		s.awaitState(s.submit("provision", w.descriptor()), "FAILED")
	}
	missing := wish{ID: "urn:dmb:cmp:finance:orders:0:missing", SourceSpec: strings.Replace(postgres, "REFERENCED", "ABSENT", 1)}
	if st := s.awaitState(s.submit("provision", missing.descriptor()), "FAILED"); !strings.Contains(st.Result, "ABSENT") {
		t.Errorf("the result does not name the missing secret: %s", st.Result)
	}
	literal := wish{SourceSpec: strings.Replace(postgres, "${secret:REFERENCED}", "literal-"+secretMark, 1)}
	got := s.request(http.MethodPost, "/v1/provision", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: literal.descriptor()})
	if got.status != http.StatusBadRequest || !strings.Contains(got.body, "password") {
		t.Errorf("a literal secret was answered with %d: %s", got.status, got.body)
	}
	s.request(http.MethodPost, "/v1/validate", submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: literal.descriptor()})

	found := s.outputs()
	found["metrics of the worker"] = fetch(t, "http://"+metrics+"/metrics", "")
	found["metrics of the API"] = fetch(t, "http://"+s.api+"/metrics", apiToken)
	found["Redis"] = s.dump()
	for where, text := range found {
		if strings.TrimSpace(text) == "" {
			t.Errorf("%s is empty: nothing was searched", where)
		}
		if i := strings.Index(text, secretMark); i >= 0 {
			t.Errorf("%s holds a secret: ...%s...", where, text[max(0, i-300):min(len(text), i+60)])
		}
	}
}

// TestRotatedSecret changes a secret between two equal requests.
func TestRotatedSecret(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	worker := s.startWorker()
	w := wish{SourceSpec: postgres}
	s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
	made := s.one()
	if code := worker.stop(); code != 0 {
		t.Fatalf("the worker ended with %d", code)
	}
	s.env["SECRET_REFERENCED"] = "rotated-" + secretMark
	s.startWorker()
	before := s.lastCall()
	s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
	if got := strings.Join(s.writes(before), " "); got != "sources/update" {
		t.Errorf("a rotated secret led to %q, want one update of the source", got)
	}
	after := s.one()
	if after.ids() != made.ids() || after.sources[0].Configuration["password"] != "rotated-"+secretMark {
		t.Errorf("the rotated secret is not in the same source: %v", after.sources[0].Configuration["password"])
	}
	before = s.lastCall()
	s.awaitState(s.submit("provision", w.descriptor()), "COMPLETED")
	if writes := s.writes(before); len(writes) > 0 {
		t.Errorf("the same secret again led to %v", writes)
	}
}

func fetch(t *testing.T, url, token string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusOK {
		t.Fatalf("GET %s: %d, %v", url, response.StatusCode, err)
	}
	return string(body)
}

// dump is everything that Redis holds, as text.
func (s *stack) dump() string {
	s.t.Helper()
	ctx, client := s.t.Context(), s.redis.Client()
	var b strings.Builder
	keys, err := client.Keys(ctx, "*").Result()
	if err != nil {
		s.t.Fatal(err)
	}
	for _, key := range keys {
		b.WriteString(key + "\n")
		switch kind := client.Type(ctx, key).Val(); kind {
		case "string":
			b.WriteString(client.Get(ctx, key).Val())
		case "hash":
			fmt.Fprintln(&b, client.HGetAll(ctx, key).Val())
		case "list":
			fmt.Fprintln(&b, client.LRange(ctx, key, 0, -1).Val())
		case "set":
			fmt.Fprintln(&b, client.SMembers(ctx, key).Val())
		case "zset":
			fmt.Fprintln(&b, client.ZRangeWithScores(ctx, key, 0, -1).Val())
		default:
			s.t.Fatalf("%s is a %s, which is not searched", key, kind)
		}
	}
	return b.String()
}
