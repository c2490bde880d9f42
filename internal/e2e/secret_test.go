package e2e

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"strings"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/operation"
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
	gathered := newTraces(t)
	s := newStack(t, map[string]string{"TASK_MAX_RETRY": "1", "OTEL_EXPORTER_OTLP_ENDPOINT": gathered.URL})
	api, worker := s.startAPI(), s.startWorker()
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

	written := map[string]string{
		"metrics of the worker": fetch(t, "http://"+metrics+"/metrics", ""),
		"metrics of the API":    fetch(t, "http://"+s.api+"/metrics", apiToken),
		"Redis":                 s.dump(),
	}
	for _, p := range []*process{api, worker} {
		if code := p.stop(); code != 0 { // which sends the last spans
			t.Errorf("%s ended with %d", p.name, code)
		}
	}
	if !strings.Contains(written["Redis"], `"password":"${secret:REFERENCED}"`) {
		t.Error("what was searched of Redis holds no payload")
	}
	written["traces"] = gathered.text()
	for _, name := range []string{"POST /v1/provision", "provision", "POST /api/v1/sources/create"} {
		if !strings.Contains(written["traces"], fmt.Sprintf("%q", name)) {
			t.Errorf("the traces have no span %q", name)
		}
	}
	s.searchForSecrets(written)
}

// searchForSecrets looks for marked secrets in what the programs printed, what the
// API answered, and further texts.
func (s *stack) searchForSecrets(written map[string]string) {
	s.t.Helper()
	maps.Copy(written, s.outputs())
	for where, text := range written {
		if strings.TrimSpace(text) == "" {
			s.t.Errorf("%s is empty: nothing was searched", where)
		}
		if i := strings.Index(text, secretMark); i >= 0 {
			s.t.Errorf("%s holds a secret: ...%s...", where, text[max(0, i-300):min(len(text), i+60)])
		}
	}
}

// TestLiteralSecrets has them allowed: they travel sealed, or not at all.
func TestLiteralSecrets(t *testing.T) {
	t.Parallel()
	const literal = "literal-" + secretMark
	s := newStack(t, map[string]string{"ALLOW_LITERAL_SECRETS": "true"}, withHR)
	marked := wish{SourceSpec: strings.Replace(postgres, "${secret:REFERENCED}", literal, 1)}
	custom := wish{ID: "urn:dmb:cmp:finance:orders:0:staff", SourceSpec: `          definitionId: 5f0d2f5a-3c1e-4d57-9c59-2a3c4f1b7e11
          connectionConfiguration: {tenant: acme, page_size: 7, api_key: ` + literal + "}"}

	s.startAPI()
	body := submission{DescriptorKind: "COMPONENT_DESCRIPTOR", Descriptor: marked.descriptor()}
	refused := s.request(http.MethodPost, "/v1/provision", body)
	if refused.status != http.StatusBadRequest || !strings.Contains(refused.body, "no key to seal them with") {
		t.Errorf("without a key a literal secret was answered with %d: %s", refused.status, refused.body)
	}
	s.env["SEAL_KEY"] = "key-" + secretMark + "-of-the-seal"
	s.startAPI()
	// Without a worker both wait in the queue.
	tokens := []string{s.submit("provision", marked.descriptor()), s.submit("provision", custom.descriptor())}
	waiting := s.dump()
	for _, field := range []string{"password", "api_key", "tenant"} { // what is a tenant, the API cannot know
		if !strings.Contains(waiting, `"`+field+`":"${sealed:`) {
			t.Errorf("Redis holds no sealed value of the field %s", field)
		}
	}
	s.startWorker()
	for _, token := range tokens {
		s.awaitState(token, "COMPLETED")
	}
	for _, source := range s.alive().sources {
		c := source.Configuration
		if c["password"] != literal && (c["api_key"] != literal || c["tenant"] != "acme") {
			t.Errorf("Airbyte got %v", c)
		}
	}
	before := s.lastCall()
	s.awaitState(s.submit("provision", custom.descriptor()), "COMPLETED")
	if writes := s.writes(before); len(writes) > 0 {
		t.Errorf("the same literals again led to %v", writes)
	}
	s.searchForSecrets(map[string]string{"Redis while the tasks waited": waiting, "Redis": s.dump()})
}

// TestSealedWithAnotherKey has the worker hold another key than the API.
func TestSealedWithAnotherKey(t *testing.T) {
	t.Parallel()
	s := newStack(t, map[string]string{"ALLOW_LITERAL_SECRETS": "true", "SEAL_KEY": "the key of the API " + secretMark})
	s.startAPI()
	token := s.submit("provision", wish{SourceSpec: strings.Replace(postgres, "${secret:REFERENCED}", "literal-"+secretMark, 1)}.descriptor())
	s.env["SEAL_KEY"] = "the key of the worker " + secretMark
	s.startWorker()
	if st := s.awaitState(token, "FAILED"); !strings.Contains(st.Result, "connectionConfiguration.password: A sealed secret cannot be opened") {
		t.Errorf("the result is %s", st.Result)
	}
	s.searchForSecrets(map[string]string{"Redis": s.dump()})
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

// dump is everything that Redis holds, as text; what is packed is unpacked.
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
			b.WriteString(s.readable(client.Get(ctx, key).Val()))
		case "hash":
			for field, value := range client.HGetAll(ctx, key).Val() {
				b.WriteString(field + " " + s.readable(value) + "\n")
			}
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

// readable is a value of Redis without packing: neither its own, nor that of the
// payload in a task's message, which asynq writes as Protocol Buffers.
func (s *stack) readable(value string) string {
	s.t.Helper()
	text, err := operation.Unpack([]byte(value))
	if err == nil {
		return string(text)
	}
	text = []byte(value) // shown too, since it may be something else
	for rest := []byte(value); len(rest) > 0; {
		_, kind, n := protowire.ConsumeTag(rest)
		if n < 0 {
			s.t.Fatalf("Redis holds what is neither packed nor a message: %q", value)
		}
		rest = rest[n:]
		if n = protowire.ConsumeFieldValue(1, kind, rest); n < 0 {
			s.t.Fatalf("Redis holds a broken message: %q", value)
		}
		if content, m := protowire.ConsumeBytes(rest); kind == protowire.BytesType && m > 0 {
			if inner, err := operation.Unpack(content); err == nil {
				text = append(append(text, ' '), inner...)
			}
		}
		rest = rest[n:]
	}
	return string(text)
}
