package config

import (
	"log/slog"
	"strings"
	"time"
)

// Config is every setting, by who uses it. Tags: env is the setting's name,
// envDefault its default, doc its meaning, shown what the documentation gives
// as its default where that is not a value.
type Config struct {
	HTTP       HTTP
	Worker     Worker
	Queue      Queue
	Redis      Redis
	Airbyte    Airbyte
	Snowflake  Snowflake
	Secrets    Secrets
	Catalog    Catalog
	Access     Access
	Validation Validation
	Log        Log
	Tracing    Tracing
	OIDC       OIDC
}

// HTTP is the API's side towards the Coordinator.
type HTTP struct {
	Addr        string   `env:"HTTP_ADDR" envDefault:":8093" doc:"where the API listens"`
	BasePath    string   `env:"BASE_PATH" doc:"further prefix under which the contract is served, besides the root"`
	TokenFormat string   `env:"TOKEN_FORMAT" envDefault:"text" doc:"json answers a 202's token as a JSON string"`
	Tokens      []Secret `env:"API_TOKENS" doc:"accepted bearer tokens, comma-separated; none means open, said in one warning at start"`
	// TokensFile is the file that the tokens came from, so that it can be read
	// again (see ReadTokens); empty when they came from elsewhere.
	TokensFile string
	// TLSCertFile and TLSKeyFile are both empty where something else, such as an ingress, speaks TLS.
	TLSCertFile     string   `env:"TLS_CERT_FILE" doc:"PEM file with the API's certificate and its chain, with which it speaks TLS itself; read again when it changes"`
	TLSKeyFile      string   `env:"TLS_KEY_FILE" doc:"PEM file with the certificate's private key"`
	TrustedProxies  []string `env:"TRUSTED_PROXIES" doc:"addresses and networks (CIDR), comma-separated, whose X-Forwarded-For is believed: wrong tokens are then counted by the caller's own address, not by the proxy's"`
	MonitoringWrite bool     `env:"MONITORING_WRITE" envDefault:"false" doc:"let /monitoring run, archive and delete tasks and pause queues"`
}

// OIDC says whose JSON Web Tokens are accepted besides the API's own tokens.
type OIDC struct {
	Issuer   string `env:"OIDC_ISSUER" doc:"accept the tokens of this OpenID Connect provider too; what iss must be, to the letter"`
	Audience string `env:"OIDC_AUDIENCE" doc:"what a token's aud must hold, with OIDC_ISSUER"`
	KeysURL  string `env:"OIDC_JWKS_URL" shown:"found by the provider's discovery document" doc:"where the provider's keys are"`
}

// Worker is what one worker process serves.
type Worker struct {
	HTTPAddr    string  `env:"WORKER_HTTP_ADDR" envDefault:":8094" doc:"the worker's /healthz, /readyz and /metrics"`
	Concurrency int     `env:"WORKER_CONCURRENCY" envDefault:"16" doc:"tasks at once in one worker"`
	Queues      Weights `env:"WORKER_QUEUES" envDefault:"provision:6,unprovision:3,access:2,validate:1" doc:"which queues this worker serves, with weights: pools may be dedicated"`
}

// Queue is how tasks live: polling, expiry, attempts, stopping.
type Queue struct {
	PollInterval    time.Duration `env:"QUEUE_POLL_INTERVAL" envDefault:"25ms" doc:"how often an idle worker looks for work"`
	Instance        string        `env:"INSTANCE" doc:"separates installations that share one Redis: it prefixes every queue and key"`
	StatusTTL       time.Duration `env:"STATUS_TTL" envDefault:"168h" doc:"how long a finished operation can be asked for"`
	TaskRetention   time.Duration `env:"TASK_RETENTION" envDefault:"24h" doc:"how long asynqmon shows a finished task"`
	TaskTimeout     time.Duration `env:"TASK_TIMEOUT" envDefault:"30m" doc:"one attempt"`
	TaskLease       time.Duration `env:"TASK_LEASE" envDefault:"15s" doc:"how long an attempt may be silent before another worker takes over"`
	TaskMaxRetry    int           `env:"TASK_MAX_RETRY" envDefault:"8" doc:"attempts after the first"`
	RetryMinDelay   time.Duration `env:"RETRY_MIN_DELAY" envDefault:"2s" doc:"least wait before another attempt"`
	RetryMaxDelay   time.Duration `env:"RETRY_MAX_DELAY" envDefault:"5m" doc:"longest wait before another attempt"`
	ShutdownTimeout time.Duration `env:"SHUTDOWN_TIMEOUT" envDefault:"25s" doc:"time for running work at a stop"`
	FingerprintKey  Secret        `env:"FINGERPRINT_KEY" shown:"made once and kept in Redis, with a warning" doc:"key of the hash by which a changed secret is noticed"`
}

// Redis says where Redis is; see Options.
type Redis struct {
	URL          Secret   `env:"REDIS_URL" shown:"redis://127.0.0.1:6379/0" doc:"redis://[user:password@]host:port/db, rediss://... or redis-sentinel://[user:password@]host:port,host:port/db?master=NAME[&sentinel_username=..&sentinel_password=..&tls=true]"`
	ClusterAddrs []string `env:"REDIS_CLUSTER_ADDRS" doc:"host:port list of a cluster, instead of REDIS_URL"`
	Username     string   `env:"REDIS_USERNAME" doc:"user, where REDIS_URL names none"`
	Password     Secret   `env:"REDIS_PASSWORD" doc:"password, where REDIS_URL holds none"`
	TLS          bool     `env:"REDIS_TLS" envDefault:"false" doc:"speak TLS to Redis"`
	// Replicas is never nil in what Load returns.
	Replicas *int `env:"REDIS_REPLICAS" shown:"1 behind sentinels, else 0" doc:"how many replicas are to have an accepted request before its token is answered, so that a failover does not lose it (at most a second is waited)"`
}

// Airbyte says which Airbyte is worked on, and how.
type Airbyte struct {
	BaseURL     string `env:"AIRBYTE_BASE_URL" doc:"the Configuration API, with or without /api/v1"`
	UIURL       string `env:"AIRBYTE_UI_URL" shown:"derived from AIRBYTE_BASE_URL" doc:"where people open Airbyte"`
	WorkspaceID string `env:"AIRBYTE_WORKSPACE_ID" doc:"the workspace; airbyte.workspaces in YAML maps environments to others"`
	// Workspaces maps a descriptor's environment to a workspace id.
	Workspaces   map[string]string
	ClientID     string `env:"AIRBYTE_CLIENT_ID" doc:"client id of an application in Airbyte"`
	ClientSecret Secret `env:"AIRBYTE_CLIENT_SECRET" doc:"its secret"`
	// Username and Password are empty unless HTTP basic is to be used.
	Username string `env:"AIRBYTE_USERNAME" doc:"user for HTTP basic, for old instances"`
	Password Secret `env:"AIRBYTE_PASSWORD" doc:"password for HTTP basic"`
	// BasicAuth is nil when the setting is absent: then a username alone decides.
	BasicAuth               *bool         `env:"AIRBYTE_BASIC_AUTH_ENABLED" shown:"true when a username and no client id is given" doc:"whether to use HTTP basic"`
	SourceDefinitionID      string        `env:"AIRBYTE_SOURCE_ID" doc:"definition id that replaces the default source connector's"`
	DestinationDefinitionID string        `env:"AIRBYTE_DESTINATION_ID" doc:"definition id that replaces the default destination connector's"`
	Timeout                 time.Duration `env:"AIRBYTE_TIMEOUT" envDefault:"10m" doc:"one call to Airbyte (checks and discoveries are slow)"`
	MaxJobs                 int           `env:"AIRBYTE_MAX_JOBS" envDefault:"0" shown:"(none)" doc:"checks and discoveries at once over all workers; 0 means no limit"`
	Adopt                   bool          `env:"AIRBYTE_ADOPT" envDefault:"false" doc:"take over, once, entities that the old provisioner made under the plain name"`
	CascadeForeign          bool          `env:"AIRBYTE_CASCADE_FOREIGN" envDefault:"false" doc:"let an unprovision delete a source or destination although a connection that people made still uses it, which Airbyte then deletes too"`
}

// Snowflake is what the Snowflake connector needs beyond the descriptor.
type Snowflake struct {
	Host               string `env:"SNOWFLAKE_HOST" doc:"host of the Snowflake account"`
	User               string `env:"SNOWFLAKE_USER" doc:"user that Airbyte writes as"`
	Password           Secret `env:"SNOWFLAKE_PASSWORD" doc:"its password, for password authentication"`
	PrivateKey         Secret `env:"SNOWFLAKE_PRIVATE_KEY" doc:"its private key (PEM), for key pair authentication"`
	PrivateKeyPassword Secret `env:"SNOWFLAKE_PRIVATE_KEY_PASSWORD" doc:"password of the private key"`
	Role               string `env:"SNOWFLAKE_ROLE" doc:"role of the user"`
	Warehouse          string `env:"SNOWFLAKE_WAREHOUSE" doc:"warehouse that loads the data"`
}

// Secrets says where the worker resolves ${secret:NAME}, and who may use which.
type Secrets struct {
	Dir          string `env:"SECRETS_DIR" doc:"directory in which a file NAME holds the secret NAME"`
	EnvPrefix    string `env:"SECRETS_ENV_PREFIX" envDefault:"SECRET_" doc:"the variable PREFIX+NAME holds the secret NAME"`
	AllowLiteral bool   `env:"ALLOW_LITERAL_SECRETS" envDefault:"false" doc:"accept a literal value in a field that the connector marks secret"`
	SealKey      Secret `env:"SEAL_KEY" doc:"key, of at least 16 characters and equal in API and workers, that seals literal secrets on their way through the queue; without it ALLOW_LITERAL_SECRETS refuses them"`
	// Allow says who may use which secret. Nil means that every name resolves; a
	// list that is there but empty allows none.
	Allow []Rule
	// variables are the environment's that begin with EnvPrefix.
	variables map[string]Secret
}

// Variable returns a variable of the environment, as it was at the start, if its
// name begins with EnvPrefix. Its value is a secret.
func (s Secrets) Variable(name string) (value string, ok bool) {
	secret, ok := s.variables[name]
	return secret.Reveal(), ok
}

// Catalog is where the operator's own connector files are.
type Catalog struct {
	Dir string `env:"CATALOG_DIR" doc:"the operator's own connector files"`
}

// Access is what updateacl grants and to whom.
type Access struct {
	Role           string `env:"ACL_ROLE" envDefault:"workspace_reader" doc:"what updateacl grants"`
	Invite         bool   `env:"ACL_INVITE" envDefault:"false" doc:"invite whom Airbyte does not know; otherwise an updateacl that wants them fails by their names"`
	PrincipalsFile string `env:"PRINCIPALS_FILE" doc:"YAML file that maps principals to email addresses or to groups of Airbyte; read again when it changes"`
}

// Validation is what an asynchronous validation does.
type Validation struct {
	Connections bool `env:"VALIDATE_CONNECTIONS" envDefault:"true" doc:"whether asynchronous validation also has Airbyte check the source and the destination and read the source's schema, which takes minutes"`
}

// Log is how much is logged and in which form.
type Log struct {
	Level  slog.Level `env:"LOG_LEVEL" envDefault:"info" doc:"debug, info, warn or error"`
	Format string     `env:"LOG_FORMAT" envDefault:"json" doc:"json or text"`
}

// Tracing is where traces go. Endpoint and Protocol are for whatever is sent to
// a collector; what counts are TracesEndpoint and TracesProtocol, which follow
// from those where they are not given.
type Tracing struct {
	Endpoint       string `env:"OTEL_EXPORTER_OTLP_ENDPOINT" doc:"turns tracing on: the collector of OpenTelemetry, with /v1/traces added over HTTP. OpenTelemetry's own variables for headers, certificates, time-outs, sampling, batches and resources work too"`
	TracesEndpoint string `env:"OTEL_EXPORTER_OTLP_TRACES_ENDPOINT" doc:"the same for a collector of traces alone; used as it is, and wins"`
	Protocol       string `env:"OTEL_EXPORTER_OTLP_PROTOCOL" envDefault:"http/protobuf" doc:"http/protobuf or grpc"`
	TracesProtocol string `env:"OTEL_EXPORTER_OTLP_TRACES_PROTOCOL" shown:"that of OTEL_EXPORTER_OTLP_PROTOCOL" doc:"the same for traces alone"`
}

// derive fills in what is not given for traces alone, as OpenTelemetry says:
// https://opentelemetry.io/docs/specs/otel/protocol/exporter/
func (t *Tracing) derive() {
	if t.TracesProtocol == "" {
		t.TracesProtocol = t.Protocol
	}
	if t.TracesEndpoint != "" || t.Endpoint == "" {
		return
	}
	t.TracesEndpoint = t.Endpoint
	if t.TracesProtocol == overHTTP {
		t.TracesEndpoint = strings.TrimRight(t.Endpoint, "/") + "/v1/traces"
	}
}

// overHTTP is the protocol of traces that are sent by HTTP.
const overHTTP = "http/protobuf"
