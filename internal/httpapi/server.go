package httpapi

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/workload"
)

// Server answers the contract's requests. It is an http.Handler and holds no
// connection of its own: there is nothing to close.
type Server struct {
	options  Options
	echo     *echo.Echo
	failures failureLimit
	document []byte
	docs     []byte
	// docsPolicy is the Content-Security-Policy of docs.
	docsPolicy []string
}

// New returns a server, or an error that names every option that cannot work.
func New(options Options) (*Server, error) {
	if err := options.check(); err != nil {
		return nil, err
	}
	s := &Server{options: options, echo: echo.New()}
	s.document = documentFor(options.BasePath)
	page, policy, err := renderDocs(s.document)
	if err != nil {
		return nil, fmt.Errorf("httpapi: render the API's document: %w", err)
	}
	s.docs, s.docsPolicy = page, []string{policy}
	s.echo.Use(s.around)
	s.echo.HTTPErrorHandler = func(err error, _ echo.Context) {
		// around has answered every error already; this is for what even it could not send.
		options.Logger.Error("answer was lost", slog.String("error", err.Error()))
	}
	s.contract("")
	if options.BasePath != "" {
		s.contract(options.BasePath)
	}
	s.beside()
	for _, m := range options.Mounts {
		s.mount(m)
	}
	return s, nil
}

// ServeHTTP answers one request.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.echo.ServeHTTP(w, r) }

// contract registers the Tech Adapter contract's routes below a prefix.
func (s *Server) contract(prefix string) {
	post := func(path string, kind workload.Kind, what string, h func(*exchange) error) {
		s.echo.POST(prefix+path, handle(s.ifSupported(kind, what, h)))
	}
	get := func(path string, kind workload.Kind, what string, h func(*exchange) error) {
		s.echo.GET(prefix+path, handle(s.ifSupported(kind, what, h)))
	}
	s.echo.POST(prefix+"/v1/validate", handle(s.validate))
	post("/v1/provision", workload.Provision, "Provisioning", s.accept(workload.Provision, s.provisioningWork))
	post("/v1/unprovision", workload.Unprovision, "Unprovisioning", s.accept(workload.Unprovision, s.provisioningWork))
	post("/v1/updateacl", workload.UpdateACL, "Changing access", s.accept(workload.UpdateACL, s.accessWork))
	s.echo.GET(prefix+"/v1/provision/:token/status", handle(s.provisioningStatus))
	s.echo.DELETE(prefix+"/v1/provision/:token", handle(s.terminate))
	post("/v2/validate", workload.Validate, "Asynchronous validation", s.accept(workload.Validate, s.provisioningWork))
	get("/v2/validate/:token/status", workload.Validate, "Asynchronous validation", s.validationStatus)
	post("/v1/reverse-provisioning", workload.Reverse, "Reverse provisioning", s.accept(workload.Reverse, s.reverseWork))
	get("/v1/reverse-provisioning/:token/status", workload.Reverse, "Reverse provisioning", s.reverseStatus)
}

// ifSupported is the handler itself, or one that says that the kind is not implemented.
func (s *Server) ifSupported(kind workload.Kind, what string, h func(*exchange) error) func(*exchange) error {
	if s.options.supports(kind) {
		return h
	}
	return notImplemented(what)
}

// beside registers what there is beside the contract.
func (s *Server) beside() {
	probed := []string{http.MethodGet, http.MethodHead} // by load balancers
	s.echo.Match(probed, "/healthz", handle(func(x *exchange) error { return x.json(http.StatusOK, health{Status: "alive"}) }))
	s.echo.Match(probed, "/readyz", handle(s.readiness))
	s.echo.GET("/openapi.yaml", handle(func(x *exchange) error { return x.blob(http.StatusOK, yamlType, s.document) }))
	s.echo.GET("/docs", handle(func(x *exchange) error {
		x.Response().Header()["Content-Security-Policy"] = s.docsPolicy
		return x.blob(http.StatusOK, htmlType, s.docs)
	}))
	if s.options.Metrics != nil {
		s.echo.GET("/metrics", echo.WrapHandler(s.options.Metrics))
	}
}

// mount registers a handler for a path, and for all below it unless it is the
// front page. A browser that holds our credentials may change something only
// from our own pages.
func (s *Server) mount(m Mount) {
	handler := echo.WrapHandler(http.NewCrossOriginProtection().Handler(m.Handler))
	policy := noContent
	if m.ContentSecurityPolicy != "" {
		policy = []string{m.ContentSecurityPolicy}
	}
	serve := func(c echo.Context) error {
		c.Response().Header()["Content-Security-Policy"] = policy
		return handler(c)
	}
	path := strings.TrimSuffix(m.Path, "/")
	patterns := []string{path, path + "/*"}
	if path == "" {
		patterns = []string{"/"}
	}
	for _, pattern := range patterns {
		s.echo.Any(pattern, serve)
	}
}

// health is the body of the two health routes.
type health struct {
	Status string `json:"status"`
}

// readyTimeout bounds the question whether requests can be served; probes ask every few seconds.
const readyTimeout = 3 * time.Second

// readiness answers a probe. Why it is not ready is for the log: the route is open to everybody.
func (s *Server) readiness(x *exchange) error {
	ctx, cancel := context.WithTimeout(x.Request().Context(), readyTimeout)
	defer cancel()
	if err := s.options.Ready(ctx); err != nil {
		s.options.Logger.WarnContext(ctx, "not ready", slog.String("error", err.Error()), slog.String("traceId", x.traceID))
		return x.json(http.StatusServiceUnavailable, health{Status: "not ready"})
	}
	return x.json(http.StatusOK, health{Status: "ready"})
}

// HTTPServer returns a server for the handler with strict limits of time and
// size. TLS, listening and shutdown are its owner's.
func HTTPServer(address string, handler http.Handler, logger *slog.Logger) *http.Server {
	return &http.Server{
		Addr:              address,
		Handler:           handler,
		ReadHeaderTimeout: 5 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      60 * time.Second,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
	}
}
