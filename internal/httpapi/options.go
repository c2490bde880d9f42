package httpapi

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/workload"
)

// Operations is where orders go and where tokens are asked for. Errors are
// *workload.Failure; any other error is answered as an internal one.
type Operations interface {
	// Submit accepts an order and returns its token.
	Submit(ctx context.Context, order workload.Order) (token string, err error)
	// Status returns what is known of a token; CodeUnknownToken if nothing is.
	Status(ctx context.Context, token string) (workload.Status, error)
	// Poll is Status, but may leave out what the operation is about: Component,
	// TraceID, Name and DataProduct.
	Poll(ctx context.Context, token string) (workload.Status, error)
	// Terminate asks for the end of an operation and returns its status after that.
	Terminate(ctx context.Context, token string) (workload.Status, error)
}

// Options are all that a Server needs. Operations, Parse, Ready and Logger must be set.
type Options struct {
	Operations Operations
	// Ready returns an error while requests cannot be served; its text is for the log.
	Ready func(context.Context) error
	// Parse makes work of a request to validate, provision or unprovision.
	Parse func(workload.Kind, ProvisioningRequest) (workload.Work, *workload.Failure)
	// ParseAccess makes work of a request to change access; needed for workload.UpdateACL.
	ParseAccess func(UpdateACLRequest) (workload.Work, *workload.Failure)
	// ParseReverse makes work of a request to read back; needed for workload.Reverse.
	ParseReverse func(ReverseRequest) (workload.Work, *workload.Failure)
	// Kinds are the operations that can be submitted; nil means Provision and
	// Unprovision. The routes of the others answer that they are not implemented.
	Kinds []workload.Kind

	// BasePath is a further prefix of the contract's routes, such as /datamesh.airbytespecificprovisioner/v1.0.
	BasePath string
	// JSONToken answers a token as a JSON string instead of plain text.
	JSONToken bool
	// MaxBody is the most bytes that a request's body may have; 0 means DefaultMaxBody.
	MaxBody int64

	// Tokens returns the tokens that open the API. A nil function leaves it
	// open, unless Verify is there; an empty list lets nobody in. It is asked at every request.
	Tokens func() []string
	// Verify reports whether a token that is none of Tokens opens the API, such
	// as one of an identity provider; nil means that none does. Its error says
	// that it cannot be told now: the request is to be sent again.
	Verify func(ctx context.Context, token string) (bool, error)
	// ClientAddress finds the address by which failed tokens are counted; nil
	// means the connection's own. Behind a proxy that is the proxy's.
	ClientAddress echo.IPExtractor

	// Metrics answers /metrics; nil means that there are none.
	Metrics http.Handler
	// Mounts are further handlers, behind the same authentication.
	Mounts []Mount
	// Observe is told of every finished request; nil means nobody is.
	Observe func(context.Context, Request)
	// TraceID returns the id of a trace that runs already; nil or "" means that
	// the request's headers decide.
	TraceID func(context.Context) string

	Logger *slog.Logger
	// Now is the clock of the failure limit and of the access log; nil means time.Now.
	Now func() time.Time
}

// Mount is a handler for a path. The handler sees the whole path of the request.
type Mount struct {
	// Path is "/" for the front page alone, or a prefix such as "/monitoring"
	// for it and all below it.
	Path    string
	Handler http.Handler
	// ContentSecurityPolicy says what its pages may load; empty means nothing at all.
	ContentSecurityPolicy string
}

// Request is what Observe is told of one finished request.
type Request struct {
	Method  string // one of HTTP's own, or "other"
	Route   string // the pattern, such as /v1/provision/:token/status; "" for an unknown path
	Status  int
	Elapsed time.Duration
	TraceID string // the id that was answered and logged
}

// DefaultMaxBody is the body limit where none is set. A descriptor of a data
// product with hundreds of components has some hundred kilobytes, and it comes twice.
const DefaultMaxBody = 4 << 20

// check fills in the defaults and returns everything that is wrong.
func (o *Options) check() error {
	var wrong []error
	needs := func(ok bool, what string) {
		if !ok {
			wrong = append(wrong, errors.New("httpapi: Options."+what))
		}
	}
	needs(o.Operations != nil, "Operations is missing")
	needs(o.Parse != nil, "Parse is missing")
	needs(o.Ready != nil, "Ready is missing")
	needs(o.Logger != nil, "Logger is missing")
	if o.Kinds == nil {
		o.Kinds = []workload.Kind{workload.Provision, workload.Unprovision}
	}
	needs(!o.supports(workload.UpdateACL) || o.ParseAccess != nil, "ParseAccess is missing")
	needs(!o.supports(workload.Reverse) || o.ParseReverse != nil, "ParseReverse is missing")
	base, err := cleanBase(o.BasePath)
	wrong = append(wrong, err)
	o.BasePath = base
	if o.MaxBody <= 0 {
		o.MaxBody = DefaultMaxBody
	}
	if o.ClientAddress == nil {
		o.ClientAddress = echo.ExtractIPDirect()
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return errors.Join(wrong...)
}

// supports reports whether operations of a kind can be submitted.
func (o *Options) supports(kind workload.Kind) bool {
	for _, k := range o.Kinds {
		if k == kind {
			return true
		}
	}
	return false
}

// cleanBase returns the prefix with one leading and no trailing slash, or "".
func cleanBase(base string) (string, error) {
	base = strings.Trim(base, "/")
	if base == "" {
		return "", nil
	}
	// The router gives a meaning to ':' and '*'; the rest would never arrive as written.
	if strings.ContainsAny(base, ":*?#% \t") || strings.Contains(base, "//") {
		return "", fmt.Errorf("httpapi: Options.BasePath %q is no plain path", base)
	}
	return "/" + base, nil
}
