package config

import (
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	workspace = "11111111-1111-4111-8111-111111111111"
	other     = "22222222-2222-4222-8222-222222222222"
)

// write writes a file into a fresh directory and returns its path.
func write(t *testing.T, name, content string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// load reads settings that must be good.
func load(t *testing.T, yaml string, environ ...string) Config {
	t.Helper()
	file := ""
	if yaml != "" {
		file = write(t, "config.yaml", yaml)
	}
	c, err := Load(file, environ, ForAPI)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// problems are what is wrong with settings, one on a line.
func problems(t *testing.T, program Program, yaml string, environ ...string) string {
	t.Helper()
	file := ""
	if yaml != "" {
		file = write(t, "config.yaml", yaml)
	}
	_, err := Load(file, environ, program)
	var bad *Error
	if err != nil && !errors.As(err, &bad) {
		t.Fatalf("got %T, want *Error", err)
	}
	var b strings.Builder
	if file == "" {
		file = "no file"
	}
	if bad != nil {
		for _, p := range bad.Problems {
			fmt.Fprintf(&b, "%s: %s\n", strings.ReplaceAll(p.Name, file, "FILE"), strings.ReplaceAll(p.Message, file, "FILE"))
			if !strings.Contains(err.Error(), p.Name+": "+p.Message) {
				t.Errorf("the message lacks %s", p.Name)
			}
		}
	}
	return b.String()
}

var ignoreHidden = cmpopts.IgnoreUnexported(Secrets{})

func TestDefaults(t *testing.T) {
	t.Parallel()
	none := 0
	want := Config{
		HTTP: HTTP{Addr: ":8093", TokenFormat: "text"},
		Worker: Worker{
			HTTPAddr: ":8094", Concurrency: 16,
			Queues: Weights{"provision": 6, "unprovision": 3, "access": 2, "validate": 1},
		},
		Queue: Queue{
			PollInterval: 25 * time.Millisecond, StatusTTL: 168 * time.Hour, TaskRetention: 24 * time.Hour, TaskTimeout: 30 * time.Minute, TaskLease: 15 * time.Second,
			TaskMaxRetry: 8, RetryMinDelay: 2 * time.Second, RetryMaxDelay: 5 * time.Minute, ShutdownTimeout: 25 * time.Second,
		},
		Redis:      Redis{Replicas: &none},
		Airbyte:    Airbyte{Timeout: 10 * time.Minute},
		Secrets:    Secrets{EnvPrefix: "SECRET_"},
		Access:     Access{Role: "workspace_reader"},
		Validation: Validation{Connections: true},
		Log:        Log{Level: slog.LevelInfo, Format: "json"},
		Tracing:    Tracing{Protocol: "http/protobuf", TracesProtocol: "http/protobuf"},
	}
	if diff := cmp.Diff(want, load(t, ""), ignoreHidden); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(want, load(t, "# nothing but a comment\n", "AIRBYTE_UI_URL=", "WORKER_CONCURRENCY="), ignoreHidden); diff != "" {
		t.Errorf("empty variables and files change nothing: %s", diff)
	}
}

// A failover loses what no replica has, so that where there are failovers one is waited for.
func TestReplicas(t *testing.T) {
	t.Parallel()
	const sentinels = "REDIS_URL=redis-sentinel://s1,s2,s3/0?master=m"
	cases := map[string]struct {
		environ []string
		want    int
	}{
		"one server":                  {nil, 0},
		"a cluster":                   {[]string{"REDIS_CLUSTER_ADDRS=n1:1,n2:2"}, 0},
		"a cluster with replicas":     {[]string{"REDIS_CLUSTER_ADDRS=n1:1,n2:2", "REDIS_REPLICAS=1"}, 1},
		"sentinels":                   {[]string{sentinels}, 1},
		"sentinels and two replicas":  {[]string{sentinels, "REDIS_REPLICAS=2"}, 2},
		"sentinels without a promise": {[]string{sentinels, "REDIS_REPLICAS=0"}, 0},
	}
	for name, c := range cases {
		if got := *load(t, "", c.environ...).Redis.Replicas; got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
}

func TestEverySettingFromBothPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	values := map[string]string{
		"HTTP_ADDR": "127.0.0.1:1", "BASE_PATH": "/a/b/", "TOKEN_FORMAT": "json", "API_TOKENS": "one, two",
		"WORKER_HTTP_ADDR": ":2", "WORKER_CONCURRENCY": "3", "WORKER_QUEUES": "validate:4,access",
		"QUEUE_POLL_INTERVAL": "5ms", "INSTANCE": "blue", "STATUS_TTL": "6h", "TASK_RETENTION": "7h", "TASK_TIMEOUT": "8m", "TASK_LEASE": "9s", "TASK_MAX_RETRY": "0",
		"RETRY_MIN_DELAY": "1s", "RETRY_MAX_DELAY": "1m", "SHUTDOWN_TIMEOUT": "9s", "FINGERPRINT_KEY": "key",
		"REDIS_URL": "redis://redis:1/2", "REDIS_CLUSTER_ADDRS": "", "REDIS_USERNAME": "me", "REDIS_PASSWORD": "pw", "REDIS_TLS": "true", "REDIS_REPLICAS": "2",
		"AIRBYTE_BASE_URL": "https://airbyte/api/v1", "AIRBYTE_UI_URL": "https://ui/", "AIRBYTE_WORKSPACE_ID": workspace,
		"AIRBYTE_CLIENT_ID": "id", "AIRBYTE_CLIENT_SECRET": "cs", "AIRBYTE_USERNAME": "", "AIRBYTE_PASSWORD": "", "AIRBYTE_BASIC_AUTH_ENABLED": "'false'",
		"AIRBYTE_SOURCE_ID": other, "AIRBYTE_DESTINATION_ID": other, "AIRBYTE_TIMEOUT": "1m30s", "AIRBYTE_MAX_JOBS": "4", "AIRBYTE_ADOPT": "True", "AIRBYTE_CASCADE_FOREIGN": "true",
		"SNOWFLAKE_HOST": "h", "SNOWFLAKE_USER": "u", "SNOWFLAKE_PASSWORD": "p", "SNOWFLAKE_PRIVATE_KEY": "k", "SNOWFLAKE_PRIVATE_KEY_PASSWORD": "kp",
		"SNOWFLAKE_ROLE": "r", "SNOWFLAKE_WAREHOUSE": "w",
		"SECRETS_DIR": dir, "SECRETS_ENV_PREFIX": "X_", "ALLOW_LITERAL_SECRETS": "true", "SEAL_KEY": "0123456789abcdef", "CATALOG_DIR": dir,
		"ACL_ROLE": "workspace_editor", "ACL_INVITE": "true", "PRINCIPALS_FILE": "principals.yaml", "VALIDATE_CONNECTIONS": "false", "LOG_LEVEL": "debug", "LOG_FORMAT": "text",
		"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318", "OTEL_EXPORTER_OTLP_PROTOCOL": "grpc",
		"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT": "http://traces:4318/x", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL": "http/protobuf",
		"TLS_CERT_FILE": "/dev/null", "TLS_KEY_FILE": "/dev/null", "TRUSTED_PROXIES": "10.0.0.0/8, ::1", "MONITORING_WRITE": "true",
		"OIDC_ISSUER": "https://idp/realm", "OIDC_AUDIENCE": "me", "OIDC_JWKS_URL": "https://idp/keys",
	}
	no, two := false, 2
	want := Config{
		HTTP: HTTP{
			Addr: "127.0.0.1:1", BasePath: "/a/b", TokenFormat: "json", Tokens: []Secret{"one", "two"},
			TLSCertFile: "/dev/null", TLSKeyFile: "/dev/null", TrustedProxies: []string{"10.0.0.0/8", "::1"}, MonitoringWrite: true,
		},
		OIDC:   OIDC{Issuer: "https://idp/realm", Audience: "me", KeysURL: "https://idp/keys"},
		Worker: Worker{HTTPAddr: ":2", Concurrency: 3, Queues: Weights{"validate": 4, "access": 1}},
		Queue: Queue{
			PollInterval: 5 * time.Millisecond, Instance: "blue", StatusTTL: 6 * time.Hour, TaskRetention: 7 * time.Hour, TaskTimeout: 8 * time.Minute, TaskLease: 9 * time.Second,
			RetryMinDelay: time.Second, RetryMaxDelay: time.Minute, ShutdownTimeout: 9 * time.Second, FingerprintKey: "key",
		},
		Redis: Redis{URL: "redis://redis:1/2", Username: "me", Password: "pw", TLS: true, Replicas: &two},
		Airbyte: Airbyte{
			BaseURL: "https://airbyte/api/v1", UIURL: "https://ui", WorkspaceID: workspace, ClientID: "id", ClientSecret: "cs", BasicAuth: &no,
			SourceDefinitionID: other, DestinationDefinitionID: other, Timeout: 90 * time.Second, MaxJobs: 4, Adopt: true, CascadeForeign: true,
		},
		Snowflake: Snowflake{Host: "h", User: "u", Password: "p", PrivateKey: "k", PrivateKeyPassword: "kp", Role: "r", Warehouse: "w"},
		Secrets:   Secrets{Dir: dir, EnvPrefix: "X_", AllowLiteral: true, SealKey: "0123456789abcdef"},
		Catalog:   Catalog{Dir: dir},
		Access:    Access{Role: "workspace_editor", Invite: true, PrincipalsFile: "principals.yaml"},
		Log:       Log{Level: slog.LevelDebug, Format: "text"},
		Tracing:   Tracing{Endpoint: "http://collector:4318", Protocol: "grpc", TracesEndpoint: "http://traces:4318/x", TracesProtocol: "http/protobuf"},
	}
	var environ, flat, nested []string
	level := ""
	for _, s := range Table() {
		value, ok := values[s.Name]
		if !ok {
			t.Errorf("%s is not in this test", s.Name)
		}
		environ = append(environ, s.Name+"="+value)
		flat = append(flat, fmt.Sprintf("%s: %q", strings.ReplaceAll(s.YAML, ".", "_"), value))
		key, rest, deep := strings.Cut(s.YAML, ".")
		if !deep {
			rest, key = key, ""
		}
		if key != level {
			if key != "" && !strings.Contains(strings.Join(nested, "\n"), "\n"+key+":") {
				nested = append(nested, key+":")
			}
			level = key
		}
		indent := strings.Repeat(" ", 2*min(1, len(key)))
		nested = append(nested, fmt.Sprintf("%s%s: %q", indent, rest, value))
	}
	for reason, got := range map[string]Config{
		"from the environment":                      load(t, "", environ...),
		"from YAML, nested":                         load(t, strings.Join(sortedByLevel(nested), "\n")),
		"from YAML, flat":                           load(t, strings.Join(flat, "\n")),
		"from the environment, which wins over all": load(t, "workerConcurrency: 99\nredis: {passwordFile: /nowhere}\nhttp: {addr: ':99'}\n", environ...),
	} {
		if diff := cmp.Diff(want, got, ignoreHidden); diff != "" {
			t.Errorf("%s: %s", reason, diff)
		}
	}
}

func TestWhereTracesGo(t *testing.T) {
	t.Parallel()
	for reason, c := range map[string]struct {
		environ            []string
		endpoint, protocol string
	}{
		"none are wanted":             {nil, "", "http/protobuf"},
		"a collector of everything":   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318/otlp/"}, "http://c:4318/otlp/v1/traces", "http/protobuf"},
		"the same over gRPC":          {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc"}, "http://c:4317", "grpc"},
		"a collector of traces alone": {[]string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t:4318/ingest"}, "http://t:4318/ingest", "http/protobuf"},
		"both: the nearer one wins":   {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://t:4318/ingest"}, "http://t:4318/ingest", "http/protobuf"},
		"a protocol for traces alone": {[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4317", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=grpc"}, "http://c:4317", "grpc"},
		"a protocol for all the others": {
			[]string{"OTEL_EXPORTER_OTLP_ENDPOINT=http://c:4318", "OTEL_EXPORTER_OTLP_PROTOCOL=grpc", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/protobuf"},
			"http://c:4318/v1/traces", "http/protobuf",
		},
	} {
		got := load(t, "", c.environ...).Tracing
		if got.TracesEndpoint != c.endpoint || got.TracesProtocol != c.protocol {
			t.Errorf("%s: %q over %q, want %q over %q", reason, got.TracesEndpoint, got.TracesProtocol, c.endpoint, c.protocol)
		}
	}
}

// sortedByLevel brings the keys of one level together, as YAML wants them.
func sortedByLevel(lines []string) []string {
	groups := map[string][]string{}
	var order []string
	level := ""
	for _, line := range lines {
		switch {
		case strings.HasSuffix(line, ":"):
			level = line
			if groups[level] == nil {
				order = append(order, level)
				groups[level] = []string{line}
			}
		case strings.HasPrefix(line, "  "):
			groups[level] = append(groups[level], line)
		default:
			order = append(order, line)
			groups[line] = []string{line}
			level = ""
		}
	}
	var out []string
	for _, key := range order {
		out = append(out, groups[key]...)
	}
	return out
}

func TestYAMLForms(t *testing.T) {
	t.Parallel()
	c := load(t, `
# Lists and maps where a variable has commas; any spelling that gives the same words.
apiTokens: [one, two]
worker:
  queues: {provision: 2, validate: 1}
  concurrency: 4
redis:
  clusterAddrs:
    - a:1
    - "[::1]:2"
airbyte:
  baseURL: &url http://airbyte:8001
  UIUrl: *url
  workspaceID: `+workspace+`
  clientId: ~
  workspaces:
    development: `+workspace+`
    production: `+other+`
statusTtl: 1h
http:
snowflake: {}
`)
	want := Config{
		HTTP:    HTTP{Tokens: []Secret{"one", "two"}},
		Worker:  Worker{Concurrency: 4, Queues: Weights{"provision": 2, "validate": 1}},
		Redis:   Redis{ClusterAddrs: []string{"a:1", "[::1]:2"}},
		Airbyte: Airbyte{BaseURL: "http://airbyte:8001", UIURL: "http://airbyte:8001", WorkspaceID: workspace, Workspaces: map[string]string{"development": workspace, "production": other}},
		Queue:   Queue{StatusTTL: time.Hour},
	}
	got := Config{
		HTTP:   HTTP{Tokens: c.HTTP.Tokens},
		Worker: Worker{Concurrency: c.Worker.Concurrency, Queues: c.Worker.Queues},
		Redis:  Redis{ClusterAddrs: c.Redis.ClusterAddrs},
		Airbyte: Airbyte{
			BaseURL: c.Airbyte.BaseURL, UIURL: c.Airbyte.UIURL, WorkspaceID: c.Airbyte.WorkspaceID, Workspaces: c.Airbyte.Workspaces,
		},
		Queue: Queue{StatusTTL: c.Queue.StatusTTL},
	}
	if diff := cmp.Diff(want, got, ignoreHidden); diff != "" {
		t.Error(diff)
	}
}

func TestProblems(t *testing.T) {
	t.Parallel()
	const hush = "hush-hush"
	for _, test := range []struct {
		reason  string
		yaml    string
		environ []string
		want    []string // parts of the message, one for each problem
	}{
		{"not a number", "", []string{"WORKER_CONCURRENCY=many"}, []string{`WORKER_CONCURRENCY: "many" is not a whole number`}},
		{"out of range", "", []string{"WORKER_CONCURRENCY=99999999999999999999"}, []string{"WORKER_CONCURRENCY: 99999999999999999999 is out of range"}},
		{"too small", "", []string{"WORKER_CONCURRENCY=0"}, []string{"WORKER_CONCURRENCY: 0 is less than 1"}},
		{"no unit", "", []string{"TASK_TIMEOUT=30"}, []string{`TASK_TIMEOUT: "30" is not a duration`}},
		{"no time at all", "", []string{"TASK_TIMEOUT=0s"}, []string{"TASK_TIMEOUT: 0s is not a time that passes"}},
		{"negative", "", []string{"AIRBYTE_TIMEOUT=-1s"}, []string{"AIRBYTE_TIMEOUT: -1s is not"}},
		{"not a switch", "", []string{"AIRBYTE_ADOPT=maybe"}, []string{`AIRBYTE_ADOPT: "maybe" is neither true nor false`}},
		{"not a level", "", []string{"LOG_LEVEL=loud"}, []string{`LOG_LEVEL: "loud" is not one of debug, info, warn, error`}},
		{"not a format", "", []string{"LOG_FORMAT=xml"}, []string{`LOG_FORMAT: "xml" is not one of json, text`}},
		{"not a token format", "", []string{"TOKEN_FORMAT=xml"}, []string{`TOKEN_FORMAT: "xml" is not one of text, json`}},
		{"not a role in a workspace", "", []string{"ACL_ROLE=instance_admin"}, []string{`ACL_ROLE: "instance_admin" is not one of workspace_reader`}},
		{"unknown queue", "", []string{"WORKER_QUEUES=provision:6,deploy:1"}, []string{`WORKER_QUEUES: "deploy" is not one of provision`}},
		{"odd weight", "", []string{"WORKER_QUEUES=provision:0"}, []string{`WORKER_QUEUES: "provision:0" is not a queue and its weight`}},
		{"a queue twice", "", []string{"WORKER_QUEUES=access,access"}, []string{`WORKER_QUEUES: the queue "access" is there twice`}},
		{"no address", "", []string{"HTTP_ADDR=8093", "WORKER_HTTP_ADDR=:70000"}, []string{`HTTP_ADDR: "8093"`, `WORKER_HTTP_ADDR: ":70000"`}},
		{"no path", "", []string{"BASE_PATH=v1"}, []string{`BASE_PATH: "v1" is not a path`}},
		{"a path that goes up", "", []string{"BASE_PATH=/a//b"}, []string{"BASE_PATH"}},
		{"instance with another's queue", "", []string{"INSTANCE=finance-un"}, []string{`INSTANCE: "finance-un" may not end in "un"`}},
		{"instance with a brace", "", []string{"INSTANCE=a{b}"}, []string{`INSTANCE: "a{b}" may hold`}},
		{"more than the longest wait", "", []string{"RETRY_MIN_DELAY=1h"}, []string{"RETRY_MIN_DELAY: 1h0m0s is longer than RETRY_MAX_DELAY, 5m0s"}},
		{"negative attempts", "", []string{"TASK_MAX_RETRY=-1"}, []string{"TASK_MAX_RETRY: -1 is less than 0"}},
		{"no web address", "", []string{"AIRBYTE_BASE_URL=airbyte:8001"}, []string{"AIRBYTE_BASE_URL: is not a web address"}},
		{"the public API", "", []string{"AIRBYTE_BASE_URL=http://airbyte/api/public/v1"}, []string{"AIRBYTE_BASE_URL: is the public API"}},
		{"credentials in a web address", "", []string{"AIRBYTE_BASE_URL=http://u:" + hush + "@airbyte"}, []string{"AIRBYTE_BASE_URL: must hold no user or password"}},
		{"a query in a web address", "", []string{"AIRBYTE_UI_URL=http://airbyte?token=" + hush}, []string{"AIRBYTE_UI_URL: must have neither"}},
		{"no ids", "", []string{"AIRBYTE_WORKSPACE_ID=main", "AIRBYTE_SOURCE_ID=x", "AIRBYTE_DESTINATION_ID=y"}, []string{`AIRBYTE_WORKSPACE_ID: "main" is not a UUID`, "AIRBYTE_SOURCE_ID", "AIRBYTE_DESTINATION_ID"}},
		{"id without secret", "", []string{"AIRBYTE_CLIENT_ID=x"}, []string{"AIRBYTE_CLIENT_SECRET: is missing, while AIRBYTE_CLIENT_ID is given"}},
		{"secret without id", "", []string{"AIRBYTE_CLIENT_SECRET=" + hush}, []string{"AIRBYTE_CLIENT_ID: is missing"}},
		{"basic without anything", "", []string{"AIRBYTE_BASIC_AUTH_ENABLED='true'"}, []string{"AIRBYTE_USERNAME: is missing", "AIRBYTE_PASSWORD: is missing"}},
		{"user without password", "", []string{"AIRBYTE_USERNAME=u"}, []string{"AIRBYTE_PASSWORD: is missing"}},
		{"two sorts of credentials", "", []string{"AIRBYTE_CLIENT_ID=x", "AIRBYTE_CLIENT_SECRET=" + hush, "AIRBYTE_BASIC_AUTH_ENABLED=true", "AIRBYTE_USERNAME=u", "AIRBYTE_PASSWORD=" + hush}, []string{"AIRBYTE_BASIC_AUTH_ENABLED: is true, while"}},
		{"a key's password without the key", "", []string{"SNOWFLAKE_PRIVATE_KEY_PASSWORD=" + hush}, []string{"SNOWFLAKE_PRIVATE_KEY: is missing"}},
		{"a URL where a host belongs", "", []string{"SNOWFLAKE_HOST=https://x.snowflakecomputing.com"}, []string{"SNOWFLAKE_HOST"}},
		{"a prefix that would give our own settings away", "", []string{"SECRETS_ENV_PREFIX=AIRBYTE_"}, []string{`SECRETS_ENV_PREFIX: "AIRBYTE_" is also the beginning of AIRBYTE_`}},
		{"a certificate without a key", "", []string{"TLS_CERT_FILE=/dev/null"}, []string{"TLS_KEY_FILE: is missing, while TLS_CERT_FILE is given"}},
		{"a key without a certificate", "", []string{"TLS_KEY_FILE=/dev/null"}, []string{"TLS_CERT_FILE: is missing"}},
		{"no such certificate", "", []string{"TLS_CERT_FILE=/nowhere/at/all", "TLS_KEY_FILE=/dev/null"}, []string{"TLS_CERT_FILE: /nowhere/at/all cannot be read"}},
		{"a proxy by its name", "", []string{"TRUSTED_PROXIES=10.0.0.1,ingress"}, []string{`TRUSTED_PROXIES: "ingress" is neither an address nor a network`}},
		{"tokens for anybody", "", []string{"OIDC_ISSUER=https://idp"}, []string{"OIDC_AUDIENCE: is missing, while OIDC_ISSUER is given"}},
		{"an audience of nobody", "", []string{"OIDC_AUDIENCE=me"}, []string{"OIDC_ISSUER: is missing"}},
		{"not a protocol of traces", "", []string{"OTEL_EXPORTER_OTLP_PROTOCOL=udp"}, []string{`OTEL_EXPORTER_OTLP_PROTOCOL: "udp" is not one of http/protobuf, grpc`}},
		{"a token that cannot be sent", "", []string{"API_TOKENS=" + hush + " x,y"}, []string{"API_TOKENS: holds a token with blanks"}},
		{"no such directory", "", []string{"CATALOG_DIR=/nowhere/at/all"}, []string{"CATALOG_DIR: /nowhere/at/all cannot be read: no such file"}},
		{"not a directory", "", []string{"CATALOG_DIR=/dev/null"}, []string{"CATALOG_DIR: /dev/null is not a directory"}},
		{"no such secret file", "", []string{"AIRBYTE_CLIENT_ID=x", "AIRBYTE_CLIENT_SECRET_FILE=/nowhere/at/all"}, []string{"AIRBYTE_CLIENT_SECRET_FILE: the file /nowhere/at/all cannot be read: no such file"}},
		{"an empty secret file", "", []string{"FINGERPRINT_KEY_FILE=/dev/null"}, []string{"FINGERPRINT_KEY_FILE: the file /dev/null is empty"}},
		{"value and file", "", []string{"REDIS_PASSWORD=" + hush, "REDIS_PASSWORD_FILE=/dev/null"}, []string{"REDIS_PASSWORD: is given together with REDIS_PASSWORD_FILE"}},
		{"cluster and URL", "", []string{"REDIS_URL=redis://x", "REDIS_CLUSTER_ADDRS=a:1"}, []string{"REDIS_URL: is given together with REDIS_CLUSTER_ADDRS"}},
		{"cluster without ports", "", []string{"REDIS_CLUSTER_ADDRS=a,b:1,c:x"}, []string{`REDIS_CLUSTER_ADDRS: "a" is not host:port`, `REDIS_CLUSTER_ADDRS: "c:x"`}},
		{"credentials of Redis twice", "", []string{"REDIS_URL=redis://u:" + hush + "@x", "REDIS_PASSWORD=" + hush}, []string{"REDIS_URL: holds credentials, and"}},
		{"Redis elsewhere", "", []string{"REDIS_URL=http://u:" + hush + "@x"}, []string{"REDIS_URL: must begin with"}},
		{"a password that is not escaped", "", []string{"REDIS_URL=redis://u:a/" + hush + "@x"}, []string{"REDIS_URL: cannot be read as a URL"}},
		{"odd port", "", []string{"REDIS_URL=redis://u:" + hush + "@x:port"}, []string{"REDIS_URL: cannot be read as a URL"}},
		{"sentinel without master", "", []string{"REDIS_URL=redis-sentinel://u:" + hush + "@x:1/0"}, []string{"REDIS_URL: names no master"}},
		{"sentinel with an unknown parameter", "", []string{"REDIS_URL=redis-sentinel://u:a?" + hush + "@x:1/0"}, []string{"REDIS_URL:"}},
		{"sentinel with a password that is not escaped", "", []string{"REDIS_URL=redis-sentinel://u:a/" + hush + "@x:1/0?master=m"}, []string{"REDIS_URL:"}},
		{"sentinel with an odd switch", "", []string{"REDIS_URL=redis-sentinel://x:1/0?master=m&tls=" + hush}, []string{"REDIS_URL:"}},
		{"sentinel with an odd database", "", []string{"REDIS_URL=redis-sentinel://x:1/" + hush + "?master=m"}, []string{"REDIS_URL:"}},
		{"an odd escape", "", []string{"REDIS_URL=redis-sentinel://u:%zz" + hush + "@x:1/0?master=m"}, []string{"REDIS_URL: cannot be read as a URL"}},
		{"not a protocol of traces alone", "", []string{"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL=http/json"}, []string{`OTEL_EXPORTER_OTLP_TRACES_PROTOCOL: "http/json" is not one of http/protobuf, grpc`}},
		{"no collector of traces", "", []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=collector:4317"}, []string{"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: is not a web address"}},
		{"no collector", "", []string{"OTEL_EXPORTER_OTLP_ENDPOINT=collector"}, []string{"OTEL_EXPORTER_OTLP_ENDPOINT: is not a web address"}},
		{
			"all at once, in the order of the documentation", "",
			[]string{"LOG_FORMAT=xml", "WORKER_CONCURRENCY=0", "AIRBYTE_TIMEOUT=x"},
			[]string{"AIRBYTE_TIMEOUT", "WORKER_CONCURRENCY", "LOG_FORMAT"},
		},

		{"unknown key", "airbyte:\n  baseUri: x\n", nil, []string{"airbyte.baseUri in FILE, line 2: is no setting; the nearest is airbyte.baseUrl"}},
		{"unknown key at the root", "redisUlr: x\n", nil, []string{"redisUlr in FILE, line 1: is no setting; the nearest is redis.url"}},
		{"unknown level", "airbite:\n  baseUrl: x\n", nil, []string{"airbite in FILE, line 2: is no setting; the nearest is"}},
		{"unknown key without a value", "verbose:\n", nil, []string{"verbose in FILE, line 1: is no setting"}},
		{"a file form of what is no secret", "airbyte: {baseUrlFile: x}\n", nil, []string{"airbyte.baseUrlFile in FILE, line 1: is no setting; the nearest is airbyte.baseUrl"}},
		{"a level with a value", "airbyte: x\n", nil, []string{"airbyte in FILE, line 1: must be a mapping"}},
		{"the root is a list", "- x\n", nil, []string{"FILE: must be a mapping"}},
		{"a list where a value belongs", "http: {addr: [x]}\n", nil, []string{"HTTP_ADDR (http.addr in FILE, line 1): must be a single value"}},
		{"a map where a list belongs", "apiTokens: {a: b}\n", nil, []string{"API_TOKENS (apiTokens in FILE, line 1): must be a single value"}},
		{"a list in a list", "apiTokens: [[a]]\n", nil, []string{"API_TOKENS (apiTokens in FILE, line 1): must be a list"}},
		{"a comma in a list", "apiTokens: ['a,b']\n", nil, []string{"API_TOKENS (apiTokens in FILE, line 1): must be a list of single values without commas"}},
		{"weights that are lists", "worker: {queues: {provision: [1]}}\n", nil, []string{"WORKER_QUEUES (worker.queues in FILE, line 1): must map names to weights"}},
		{"two spellings of one setting", "workerConcurrency: 1\nworker: {concurrency: 2}\n", nil, []string{"WORKER_CONCURRENCY (worker.concurrency in FILE, line 2): is there twice"}},
		{"a bad value in the file", "log:\n  format: xml\n", nil, []string{`LOG_FORMAT (log.format in FILE, line 2): "xml" is not one of`}},
		{"a bad value in the environment is not the file's", "log: {format: text}\n", []string{"LOG_FORMAT=xml"}, []string{`LOG_FORMAT: "xml" is not one of`}},
		{"no YAML", "a: b: c\n", nil, []string{"FILE: is not YAML"}},
		{"a text that begins with * and has no quotes", "redis: {password: *" + hush + "}\n", nil, []string{"FILE: is not YAML: an alias (*name) has no anchor; a text that begins with * needs quotes"}},
		{"a text that begins with ! and has no quotes", "redis:\n  password: !" + hush + "\n", nil, []string{"REDIS_PASSWORD (redis.password in FILE, line 2): has a YAML tag; a text that begins with ! needs quotes"}},
		{"a token that begins with ! and has no quotes", "apiTokens:\n- !" + hush + "\n", nil, []string{"API_TOKENS (apiTokens in FILE, line 2): must be a list"}},
		{"two documents", "http: {}\n---\nhttp: {}\n", nil, []string{"FILE: must hold one YAML document only"}},
		{"workspaces that are a list", "airbyte: {workspaces: [a]}\n", nil, []string{"AIRBYTE_WORKSPACES (airbyte.workspaces in FILE, line 1): must map"}},
		{"a workspace that is none", "airbyte: {workspaces: {dev: main}}\n", nil, []string{`AIRBYTE_WORKSPACES (airbyte.workspaces in FILE, line 1): "main" is not a workspace id (for the environment "dev")`}},
		{"rules that are none", "secrets: {allow: all}\n", nil, []string{"SECRETS_ALLOW (secrets.allow in FILE, line 1): must be a list of rules"}},
		{"a rule that is none", "secrets: {allow: [all]}\n", nil, []string{"rule 1 (line 1) must be a mapping"}},
		{"a rule without secrets", "secrets: {allow: [{domains: [x]}]}\n", nil, []string{"rule 1 (line 1) names no secrets"}},
		{"a rule with an unknown key", "secrets: {allow: [{secrets: x}, {secrets: x, domain: y}]}\n", nil, []string{`rule 2 (line 1) has the unknown key "domain"`}},
		{"a rule whose list was emptied must not allow all", "secrets: {allow: [{secrets: x, domains: []}]}\n", nil, []string{"rule 1 (line 1) domains must be"}},
		{"a rule with an odd pattern", "secrets: {allow: [{secrets: x, domains: '[a'}]}\n", nil, []string{`rule 1 (line 1) has "[a", which is no valid pattern`}},
		{"a rule with null", "secrets: {allow: [{secrets: x, domains: }]}\n", nil, []string{"rule 1 (line 1) domains must be"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			got := problems(t, ForAPI, test.yaml, test.environ...)
			lines := strings.Split(strings.TrimSuffix(got, "\n"), "\n")
			if len(lines) != len(test.want) {
				t.Fatalf("%d problems, want %d:\n%s", len(lines), len(test.want), got)
			}
			for i, want := range test.want {
				if !strings.Contains(lines[i], want) {
					t.Errorf("problem %d is\n%s\nwant %s", i+1, lines[i], want)
				}
			}
			if strings.Contains(got, hush) {
				t.Errorf("a secret shows: %s", got)
			}
		})
	}
}

func TestWhatEachProgramNeeds(t *testing.T) {
	t.Parallel()
	airbyte := []string{"AIRBYTE_BASE_URL=http://a", "AIRBYTE_WORKSPACE_ID=" + workspace}
	nowhere := []string{"SECRETS_DIR=/nowhere", "PRINCIPALS_FILE=/nowhere"}
	for _, test := range []struct {
		reason  string
		program Program
		yaml    string
		environ []string
		want    []string
	}{
		{"the API needs nothing of Airbyte", ForAPI, "", nil, nil},
		{"the API does not open the worker's files", ForAPI, "", nowhere, nil},
		{"embedded needs nothing", ForEmbedded, "", nil, nil},
		{"embedded has a worker that opens its files", ForEmbedded, "", nowhere, []string{"SECRETS_DIR", "PRINCIPALS_FILE"}},
		{"a worker needs Airbyte", ForWorker, "", nil, []string{"AIRBYTE_BASE_URL", "AIRBYTE_WORKSPACE_ID"}},
		{"a worker with all it needs", ForWorker, "", airbyte, nil},
		{"a worker with workspaces by environment only", ForWorker, "airbyte: {workspaces: {dev: " + workspace + "}}", airbyte[:1], nil},
		{"a worker opens its files", ForWorker, "", append(nowhere, airbyte...), []string{"SECRETS_DIR", "PRINCIPALS_FILE"}},
		{"a file where a directory belongs, and the other way", ForEmbedded, "", []string{"SECRETS_DIR=/dev/null", "PRINCIPALS_FILE=/"}, []string{"SECRETS_DIR: /dev/null is not", "PRINCIPALS_FILE: / is a directory"}},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			got := strings.Fields(strings.ReplaceAll(problems(t, test.program, test.yaml, test.environ...), "\n", "\n "))
			all := strings.Join(got, " ")
			for _, want := range test.want {
				if !strings.Contains(all, want) {
					t.Errorf("%q is not said: %s", want, all)
				}
			}
			if len(test.want) == 0 && all != "" {
				t.Errorf("got %s", all)
			}
		})
	}
	if _, err := Load("/nowhere/config.yaml", nil, ForAPI); err == nil || !strings.Contains(err.Error(), "/nowhere/config.yaml: cannot be read: no such file") {
		t.Errorf("got %v", err)
	}
}

func TestBasicAuth(t *testing.T) {
	t.Parallel()
	user := []string{"AIRBYTE_USERNAME=u", "AIRBYTE_PASSWORD=p"}
	client := []string{"AIRBYTE_CLIENT_ID=i", "AIRBYTE_CLIENT_SECRET=s"}
	for _, test := range []struct {
		reason  string
		environ []string
		user    string
	}{
		{"a username alone means basic", user, "u"},
		{"quoted, as the old chart wrote it", append(user[:2:2], "AIRBYTE_BASIC_AUTH_ENABLED='true'"), "u"},
		{"switched off", append(user[:2:2], `AIRBYTE_BASIC_AUTH_ENABLED="false"`), ""},
		{"a client id counts more", append(user[:2:2], client...), ""},
		{"nothing", nil, ""},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			c := load(t, "", test.environ...)
			if c.Airbyte.Username != test.user || (c.Airbyte.Password != "") != (test.user != "") {
				t.Errorf("got %q", c.Airbyte.Username)
			}
		})
	}
}

func TestUIURL(t *testing.T) {
	t.Parallel()
	for base, want := range map[string]string{
		"":                                "",
		"http://airbyte:8000":             "http://airbyte:8000",
		"http://airbyte:8000/":            "http://airbyte:8000",
		"https://airbyte/api/v1":          "https://airbyte",
		"https://airbyte/api/v1/":         "https://airbyte",
		"https://tools/airbyte/api/v1/":   "https://tools/airbyte",
		"https://tools.example/airbyte/":  "https://tools.example/airbyte",
		"https://tools.example/some/v1":   "https://tools.example/some",
		"https://tools.example/somev1/v1": "https://tools.example/somev1",
	} {
		if got := load(t, "", "AIRBYTE_BASE_URL="+base).Airbyte.UIURL; got != want {
			t.Errorf("%s: got %s, want %s", base, got, want)
		}
	}
}

func TestSecretFiles(t *testing.T) {
	t.Parallel()
	one := write(t, "one", "from file\n")
	key := write(t, "key.pem", "-----BEGIN\nabc\n-----END\n\n")
	windows := write(t, "windows", "x\r\n")
	tokens := write(t, "tokens", "first\nsecond, third\n")
	c := load(t, "redis:\n  passwordFile: "+one+"\nsnowflake:\n  password: in yaml\n  privateKeyFile: "+key+"\n",
		"AIRBYTE_CLIENT_ID=i", "AIRBYTE_CLIENT_SECRET_FILE="+windows, "API_TOKENS_FILE="+tokens, "SNOWFLAKE_PASSWORD_FILE="+one)
	for _, test := range []struct{ reason, got, want string }{
		{"one line end is taken off", c.Redis.Password.Reveal(), "from file"},
		{"only one", c.Snowflake.PrivateKey.Reveal(), "-----BEGIN\nabc\n-----END\n"},
		{"of either sort", c.Airbyte.ClientSecret.Reveal(), "x"},
		{"a file named by the environment wins over a value in YAML", c.Snowflake.Password.Reveal(), "from file"},
		{"where tokens came from is kept", c.HTTP.TokensFile, tokens},
	} {
		if test.got != test.want {
			t.Errorf("%s: got %q, want %q", test.reason, test.got, test.want)
		}
	}
	want := []Secret{"first", "second", "third"}
	if diff := cmp.Diff(want, c.HTTP.Tokens); diff != "" {
		t.Error(diff)
	}
	again, err := ReadTokens(tokens)
	if diff := cmp.Diff(want, again); diff != "" || err != nil {
		t.Errorf("%v %s", err, diff)
	}
	if _, err := ReadTokens(write(t, "none", " \n")); err == nil {
		t.Error("a file without tokens must not open the API")
	}
	if _, err := ReadTokens("/nowhere"); err == nil {
		t.Error("a missing file is an error")
	}
	if c := load(t, "redis: {passwordFile: "+one+"}", "REDIS_PASSWORD=env"); c.Redis.Password.Reveal() != "env" {
		t.Error("a value in the environment wins over a file named in YAML")
	}
}
