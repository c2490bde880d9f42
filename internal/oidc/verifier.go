// Package oidc accepts the JSON Web Tokens of an OpenID Connect provider. Its
// keys are found by discovery, or at a given address; they are read again now
// and then, and when a token names an unknown one, but not more often than the
// provider should be asked. It imports nothing else of this module.
package oidc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/MicahParks/keyfunc/v3"
	"github.com/golang-jwt/jwt/v5"
	"golang.org/x/time/rate"
)

// Options are what a Verifier needs.
type Options struct {
	// Issuer is what a token's iss must be, to the letter.
	Issuer string
	// Audience is what a token's aud must hold.
	Audience string
	// KeysURL is where the provider's keys (JWKS) are; empty means that its
	// discovery document, below the issuer, tells.
	KeysURL string
	// Client makes the calls to the provider; nil means one with a time-out.
	Client *http.Client
	// Pause is between attempts to find the keys at first (5 s when zero).
	Pause time.Duration
	Log   *slog.Logger
}

const (
	callTimeout = 10 * time.Second
	refreshed   = 10 * time.Minute // age at which keys are read again
	unknownKey  = 30 * time.Second // least time between two readings for tokens with unknown keys
	leeway      = 30 * time.Second // by which clocks may differ
)

// ErrUnavailable says that the provider's keys were not there yet: whether a
// token is right cannot be said.
var ErrUnavailable = errors.New("the keys of the OpenID Connect provider could not be read yet")

// methods are those with public keys: with another one, who can check could sign.
var methods = []string{"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"}

// Verifier checks tokens. It is safe for concurrent use.
type Verifier struct {
	options Options
	parser  *jwt.Parser
	keys    atomic.Pointer[keyfunc.Keyfunc]
}

// New returns a Verifier, which gets the provider's keys in the background until ctx ends.
func New(ctx context.Context, options Options) *Verifier {
	if options.Client == nil {
		options.Client = &http.Client{Timeout: callTimeout}
	}
	if options.Pause <= 0 {
		options.Pause = 5 * time.Second
	}
	v := &Verifier{options: options, parser: jwt.NewParser(
		jwt.WithValidMethods(methods), jwt.WithIssuer(options.Issuer), jwt.WithAudience(options.Audience),
		jwt.WithExpirationRequired(), jwt.WithIssuedAt(), jwt.WithLeeway(leeway))}
	go v.load(ctx)
	return v
}

// Verify reports whether a token is one of the provider's for this audience,
// and has not expired. The error is ErrUnavailable.
func (v *Verifier) Verify(ctx context.Context, token string) (bool, error) {
	if strings.Count(token, ".") != 2 {
		return false, nil // a token of another kind
	}
	keys := v.keys.Load()
	if keys == nil {
		return false, ErrUnavailable
	}
	_, err := v.parser.ParseWithClaims(token, &jwt.RegisteredClaims{}, (*keys).KeyfuncCtx(ctx))
	if err != nil {
		v.options.Log.DebugContext(ctx, "a JSON Web Token was refused", "reason", err)
	}
	return err == nil, nil
}

// load gets the keys for the first time; after that the library sees to them.
func (v *Verifier) load(ctx context.Context) {
	for {
		keys, err := v.read(ctx)
		if err == nil {
			v.keys.Store(&keys)
			v.options.Log.InfoContext(ctx, "tokens of the OpenID Connect provider are accepted", "issuer", v.options.Issuer)
			return
		}
		if ctx.Err() != nil {
			return
		}
		v.options.Log.WarnContext(ctx, "the keys of the OpenID Connect provider cannot be read; its tokens are not accepted until they can",
			"issuer", v.options.Issuer, "error", err)
		select {
		case <-ctx.Done():
			return
		case <-time.After(v.options.Pause):
		}
	}
}

func (v *Verifier) read(ctx context.Context) (keyfunc.Keyfunc, error) {
	address := v.options.KeysURL
	if address == "" {
		var err error
		if address, err = v.discover(ctx); err != nil {
			return nil, err
		}
	}
	strict := false // the first reading must succeed
	return keyfunc.NewDefaultOverrideCtx(ctx, []string{address}, keyfunc.Override{
		Client: v.options.Client, HTTPTimeout: callTimeout, NoErrorReturnFirstHTTPReq: &strict,
		RefreshInterval: refreshed, RefreshUnknownKID: rate.NewLimiter(rate.Every(unknownKey), 1), RateLimitWaitMax: time.Second,
		RefreshErrorHandlerFunc: func(string) func(context.Context, error) {
			return func(ctx context.Context, err error) {
				v.options.Log.WarnContext(ctx, "the keys of the OpenID Connect provider cannot be read again; those read before still count",
					"issuer", v.options.Issuer, "error", err)
			}
		},
	})
}

// maxDocument bounds a discovery document, in bytes.
const maxDocument = 1 << 20

// discover reads where the keys are (OpenID Connect Discovery 1.0, section 4).
func (v *Verifier) discover(ctx context.Context) (string, error) {
	address := strings.TrimSuffix(v.options.Issuer, "/") + "/.well-known/openid-configuration"
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", err
	}
	response, err := v.options.Client.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answered %d", address, response.StatusCode)
	}
	var document struct {
		Issuer  string `json:"issuer"`
		KeysURL string `json:"jwks_uri"`
	}
	if err := json.NewDecoder(io.LimitReader(response.Body, maxDocument)).Decode(&document); err != nil {
		return "", fmt.Errorf("%s: %w", address, err)
	}
	switch {
	case document.Issuer != v.options.Issuer:
		return "", fmt.Errorf("%s says that the issuer is %q, not %q", address, document.Issuer, v.options.Issuer)
	case document.KeysURL == "":
		return "", fmt.Errorf("%s names no jwks_uri", address)
	}
	return document.KeysURL, nil
}
