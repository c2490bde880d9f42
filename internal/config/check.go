package config

import (
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
)

// check reports values that were read but cannot work, and what a program needs
// and does not have.
func (c *Config) check(program Program, r *report) {
	c.HTTP.check(r)
	c.Worker.check(r)
	c.Queue.check(r)
	if _, err := c.Redis.Options(); err != nil {
		r.add("REDIS_URL", "%v", err)
	}
	c.Redis.check(r)
	c.Airbyte.check(r)
	c.Snowflake.check(r)
	c.Secrets.check(r)
	oneOf(r, "ACL_ROLE", c.Access.Role, roles...)
	oneOf(r, "LOG_FORMAT", c.Log.Format, "json", "text")
	c.Tracing.check(r)
	c.OIDC.check(r)
	if program != ForWorker { // a worker answers probes only
		exists(r, "TLS_CERT_FILE", c.HTTP.TLSCertFile, false)
		exists(r, "TLS_KEY_FILE", c.HTTP.TLSKeyFile, false)
	}
	exists(r, "CATALOG_DIR", c.Catalog.Dir, true)
	if program == ForWorker {
		c.Airbyte.need(r)
	}
	if program != ForAPI { // the API never opens these, and need not have them mounted
		exists(r, "SECRETS_DIR", c.Secrets.Dir, true)
		exists(r, "PRINCIPALS_FILE", c.Access.PrincipalsFile, false)
	}
}

// roles are the roles that can be granted in a workspace.
var roles = []string{
	"workspace_reader", "workspace_runner", "workspace_editor", "workspace_source_editor",
	"workspace_destination_editor", "workspace_admin",
}

func (h HTTP) check(r *report) {
	listenAddress(r, "HTTP_ADDR", h.Addr)
	oneOf(r, "TOKEN_FORMAT", h.TokenFormat, "text", "json")
	if h.BasePath != "" && !basePath.MatchString(h.BasePath) {
		r.add("BASE_PATH", "%q is not a path such as /datamesh.airbytespecificprovisioner/0.0", h.BasePath)
	}
	for _, token := range h.Tokens {
		if strings.ContainsFunc(token.Reveal(), func(c rune) bool { return c <= ' ' || c > '~' }) {
			r.add("API_TOKENS", "holds a token with blanks, control characters or letters beyond ASCII, which no client can send")
			break
		}
	}
	h.checkNetwork(r)
}

func (h HTTP) checkNetwork(r *report) {
	switch {
	case h.TLSCertFile != "" && h.TLSKeyFile == "":
		r.add("TLS_KEY_FILE", "is missing, while TLS_CERT_FILE is given")
	case h.TLSCertFile == "" && h.TLSKeyFile != "":
		r.add("TLS_CERT_FILE", "is missing, while TLS_KEY_FILE is given")
	}
	if _, err := h.Proxies(); err != nil {
		r.add("TRUSTED_PROXIES", "%v", err)
	}
}

// Proxies are the networks of TrustedProxies; a single address is a network of one.
func (h HTTP) Proxies() ([]netip.Prefix, error) {
	var networks []netip.Prefix
	for _, text := range h.TrustedProxies {
		if address, err := netip.ParseAddr(text); err == nil {
			networks = append(networks, netip.PrefixFrom(address.Unmap(), address.Unmap().BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", text)
		}
		networks = append(networks, network.Masked())
	}
	return networks, nil
}

func (o OIDC) check(r *report) {
	webAddress(r, "OIDC_ISSUER", o.Issuer)
	webAddress(r, "OIDC_JWKS_URL", o.KeysURL)
	switch {
	case o.Issuer == "" && (o.Audience != "" || o.KeysURL != ""):
		r.add("OIDC_ISSUER", "is missing, while OIDC_AUDIENCE or OIDC_JWKS_URL is given")
	case o.Issuer != "" && o.Audience == "":
		r.add("OIDC_AUDIENCE", "is missing, while OIDC_ISSUER is given: tokens for other services would be accepted")
	}
}

func (t Tracing) check(r *report) {
	webAddress(r, "OTEL_EXPORTER_OTLP_ENDPOINT", t.Endpoint)
	webAddress(r, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", t.TracesEndpoint)
	oneOf(r, "OTEL_EXPORTER_OTLP_PROTOCOL", t.Protocol, overHTTP, "grpc")
	if t.TracesProtocol != "" {
		oneOf(r, "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", t.TracesProtocol, overHTTP, "grpc")
	}
}

var basePath = regexp.MustCompile(`^(/[A-Za-z0-9._~-]+)+/?$`)

func (w Worker) check(r *report) {
	listenAddress(r, "WORKER_HTTP_ADDR", w.HTTPAddr)
	atLeast(r, "WORKER_CONCURRENCY", w.Concurrency, 1)
	for _, queue := range sortedKeys(w.Queues) {
		oneOf(r, "WORKER_QUEUES", queue, "provision", "unprovision", "access", "validate")
	}
}

func (q Queue) check(r *report) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{
		{"QUEUE_POLL_INTERVAL", q.PollInterval},
		{"STATUS_TTL", q.StatusTTL},
		{"TASK_RETENTION", q.TaskRetention},
		{"TASK_TIMEOUT", q.TaskTimeout},
		{"TASK_LEASE", q.TaskLease},
		{"RETRY_MIN_DELAY", q.RetryMinDelay},
		{"RETRY_MAX_DELAY", q.RetryMaxDelay},
		{"SHUTDOWN_TIMEOUT", q.ShutdownTimeout},
	} {
		positive(r, d.name, d.value)
	}
	if q.RetryMaxDelay > 0 && q.RetryMinDelay > q.RetryMaxDelay {
		r.add("RETRY_MIN_DELAY", "%v is longer than RETRY_MAX_DELAY, %v", q.RetryMinDelay, q.RetryMaxDelay)
	}
	atLeast(r, "TASK_MAX_RETRY", q.TaskMaxRetry, 0)
	// Braces would move keys to another slot of a cluster, colons part queues for asynq.
	if q.Instance != "" && !instance.MatchString(q.Instance) {
		r.add("INSTANCE", "%q may hold letters, digits, dots, underscores and hyphens, at most 64", q.Instance)
	}
	if strings.HasSuffix(q.Instance, "un") {
		r.add("INSTANCE", `%q may not end in "un": its queue of provisions would have the name of another installation's queue of unprovisions; put a hyphen behind it`, q.Instance)
	}
}

var instance = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

func (c Redis) check(r *report) {
	if c.Replicas != nil {
		atLeast(r, "REDIS_REPLICAS", *c.Replicas, 0)
	}
	for _, addr := range c.ClusterAddrs {
		if host, port, err := net.SplitHostPort(addr); err != nil || host == "" || !isPort(port) {
			r.add("REDIS_CLUSTER_ADDRS", "%q is not host:port", addr)
		}
	}
}

func (a Airbyte) check(r *report) {
	webAddress(r, "AIRBYTE_BASE_URL", a.BaseURL)
	if strings.Contains(a.BaseURL, "/api/public") {
		r.add("AIRBYTE_BASE_URL", "is the public API; the Configuration API (/api/v1) is needed")
	}
	webAddress(r, "AIRBYTE_UI_URL", a.UIURL)
	isUUID(r, "AIRBYTE_WORKSPACE_ID", a.WorkspaceID)
	for _, environment := range sortedKeys(a.Workspaces) {
		if id := a.Workspaces[environment]; uuid.Validate(id) != nil {
			r.add(workspacesName, "%q is not a workspace id (for the environment %q)", id, environment)
		}
	}
	isUUID(r, "AIRBYTE_SOURCE_ID", a.SourceDefinitionID)
	isUUID(r, "AIRBYTE_DESTINATION_ID", a.DestinationDefinitionID)
	positive(r, "AIRBYTE_TIMEOUT", a.Timeout)
	atLeast(r, "AIRBYTE_MAX_JOBS", a.MaxJobs, 0)
	a.checkCredentials(r)
}

func (a Airbyte) checkCredentials(r *report) {
	switch {
	case a.ClientID != "" && a.ClientSecret == "":
		r.add("AIRBYTE_CLIENT_SECRET", "is missing, while AIRBYTE_CLIENT_ID is given")
	case a.ClientID == "" && a.ClientSecret != "":
		r.add("AIRBYTE_CLIENT_ID", "is missing, while AIRBYTE_CLIENT_SECRET is given")
	}
	if !a.basic() {
		return
	}
	if a.ClientID != "" {
		r.add("AIRBYTE_BASIC_AUTH_ENABLED", "is true, while AIRBYTE_CLIENT_ID is given; Airbyte takes one of the two")
	}
	if a.Username == "" {
		r.add("AIRBYTE_USERNAME", "is missing, which HTTP basic needs")
	}
	if a.Password == "" {
		r.add("AIRBYTE_PASSWORD", "is missing, which HTTP basic needs")
	}
}

// basic reports whether HTTP basic is wanted.
func (a Airbyte) basic() bool {
	if a.BasicAuth != nil {
		return *a.BasicAuth
	}
	return a.Username != "" && a.ClientID == ""
}

// need reports what a worker cannot do without.
func (a Airbyte) need(r *report) {
	if a.BaseURL == "" {
		r.add("AIRBYTE_BASE_URL", "is missing; a worker needs it")
	}
	if a.WorkspaceID == "" && len(a.Workspaces) == 0 {
		r.add("AIRBYTE_WORKSPACE_ID", "is missing; a worker needs it, or airbyte.workspaces")
	}
}

func (s Snowflake) check(r *report) {
	if s.PrivateKeyPassword != "" && s.PrivateKey == "" {
		r.add("SNOWFLAKE_PRIVATE_KEY", "is missing, while its password is given")
	}
	if strings.ContainsAny(s.Host, "/ @") {
		r.add("SNOWFLAKE_HOST", "%q is not the name of a host, such as account.snowflakecomputing.com", s.Host)
	}
}

// A prefix that our own settings share would let descriptors name them.
func (s Secrets) check(r *report) {
	for _, own := range settings() {
		if strings.HasPrefix(own.Name, s.EnvPrefix) {
			r.add("SECRETS_ENV_PREFIX", "%q is also the beginning of %s: a descriptor could read this program's own settings", s.EnvPrefix, own.Name)
			return
		}
	}
}

// derive waits for a replica behind sentinels: they are there for failovers,
// which lose what no replica has.
func (c *Redis) derive() {
	if c.Replicas != nil {
		return
	}
	replicas := 0
	if o, err := c.address(); err == nil && o.MasterName != "" {
		replicas = 1
	}
	c.Replicas = &replicas
}

// derive fills in what follows from other settings.
func (c *Config) derive() {
	c.HTTP.BasePath = strings.TrimRight(c.HTTP.BasePath, "/")
	c.Tracing.derive()
	c.Redis.derive()
	a := &c.Airbyte
	if !a.basic() {
		a.Username, a.Password = "", ""
	}
	if a.UIURL == "" {
		a.UIURL = a.BaseURL
		for _, end := range []string{"/", "/v1", "/api", "/"} {
			a.UIURL = strings.TrimSuffix(a.UIURL, end)
		}
	}
	a.UIURL = strings.TrimRight(a.UIURL, "/")
}

func oneOf(r *report, name, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		r.add(name, "%q is not one of %s", value, strings.Join(allowed, ", "))
	}
}

func atLeast(r *report, name string, value, least int) {
	if value < least {
		r.add(name, "%d is less than %d", value, least)
	}
}

func positive(r *report, name string, value time.Duration) {
	if value <= 0 {
		r.add(name, "%v is not a time that passes", value)
	}
}

func isUUID(r *report, name, value string) {
	if value != "" && uuid.Validate(value) != nil {
		r.add(name, "%q is not a UUID", value)
	}
}

func isPort(port string) bool {
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && n > 0
}

// listenAddress allows port 0, which means any free one.
func listenAddress(r *report, name, value string) {
	_, port, err := net.SplitHostPort(value)
	if err != nil || port != "0" && !isPort(port) {
		r.add(name, "%q is not an address to listen on, such as :8093 or 127.0.0.1:8093", value)
	}
}

func webAddress(r *report, name, value string) {
	if value == "" {
		return
	}
	u, err := url.Parse(value)
	switch {
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "":
		r.add(name, "is not a web address that begins with http:// or https:// and names a host")
	case u.User != nil:
		r.add(name, "must hold no user or password: they have settings of their own")
	case u.RawQuery != "" || u.Fragment != "":
		r.add(name, "must have neither a query nor a fragment")
	}
}

// exists checks that a file or directory is there, if one is named.
func exists(r *report, name, path string, wantDir bool) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	switch {
	case err != nil:
		r.add(name, "%s %s", path, cannotRead(err))
	case info.IsDir() != wantDir && wantDir:
		r.add(name, "%s is not a directory", path)
	case info.IsDir() != wantDir:
		r.add(name, "%s is a directory, not a file", path)
	}
}

func sortedKeys[V any](m map[string]V) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
