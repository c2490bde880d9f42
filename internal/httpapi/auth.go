package httpapi

import (
	"crypto/sha256"
	"crypto/subtle"
	"net/http"
	"strings"
	"time"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/workload"
)

// open are the routes that probes ask without a token.
var open = map[string]bool{"/healthz": true, "/readyz": true}

// challenge offers both ways: programs send a bearer token, a browser asks its user.
var challenge = []string{`Bearer realm="airbyte-provisioner"`, `Basic realm="airbyte-provisioner", charset="UTF-8"`}

// authenticate returns an error unless the request may be served. A request
// without credentials is only told so; one with wrong credentials counts
// against its address, and an address that has failed too often is not
// listened to until it has waited (see failureLimit).
func (s *Server) authenticate(x *exchange) error {
	if s.options.Tokens == nil && s.options.Verify == nil || open[x.Path()] {
		return nil
	}
	presented, ok := credentials(x.Request())
	if !ok {
		x.Response().Header()[wwwAuthenticate] = challenge
		return echo.ErrUnauthorized
	}
	right, err := s.right(x, presented)
	if err != nil {
		return err
	}
	if wait := s.failures.judge(x.client(), right, s.options.Now()); wait > 0 {
		return tooManyFailures(x, wait)
	}
	if right {
		return nil
	}
	x.Response().Header()[wwwAuthenticate] = challenge
	return echo.ErrUnauthorized
}

// right reports whether a token opens the API. The error says that it cannot be told now.
func (s *Server) right(x *exchange, presented string) (bool, error) {
	if s.options.Tokens != nil && accepted(presented, s.options.Tokens()) {
		return true, nil
	}
	if s.options.Verify == nil {
		return false, nil
	}
	right, err := s.options.Verify(x.Request().Context(), presented)
	if err != nil {
		return false, (&workload.Failure{
			Code: workload.CodeUnavailable, Phase: workload.PhaseAccept, Retry: true,
			Message:   "Whether the request's token is right cannot be checked now.",
			Solutions: []string{"Send the request again in a moment; if it stays so, ask the operators of the Airbyte provisioner to check that it reaches the identity provider."},
		}).Because(err)
	}
	return right, nil
}

// tooManyFailures answers 429 with the wait.
func tooManyFailures(x *exchange, wait time.Duration) error {
	x.retryAfter(&workload.Failure{RetryAfter: wait})
	return echo.NewHTTPError(http.StatusTooManyRequests)
}

// credentials returns the token that a request presents, by either scheme.
func credentials(r *http.Request) (string, bool) {
	if _, password, ok := r.BasicAuth(); ok {
		return password, true
	}
	header := r.Header.Get(echo.HeaderAuthorization)
	const scheme = "bearer "
	if len(header) > len(scheme) && strings.EqualFold(header[:len(scheme)], scheme) {
		return strings.TrimSpace(header[len(scheme):]), true
	}
	return "", false
}

// wwwAuthenticate is echo.HeaderWWWAuthenticate in net/http's spelling.
const wwwAuthenticate = "Www-Authenticate"

// accepted compares the presented token with all accepted ones, in a time that
// depends neither on where they differ nor on their lengths nor on which of them matches.
func accepted(presented string, tokens []string) bool {
	hash := sha256.Sum256([]byte(presented))
	found := 0
	for _, token := range tokens {
		each := sha256.Sum256([]byte(token))
		if token != "" { // an empty line of a token file opens nothing
			found |= subtle.ConstantTimeCompare(hash[:], each[:])
		}
	}
	return found == 1
}
