package airbyte

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"
)

// Auth holds credentials: client id and secret of an application, or username
// and password for HTTP basic, or nothing for an Airbyte without authentication.
type Auth struct {
	ClientID     string
	ClientSecret string
	Username     string
	Password     string
}

// String keeps the credentials out of logs.
func (a Auth) String() string {
	switch {
	case a.ClientID != "":
		return "client credentials"
	case a.Username != "":
		return "basic"
	}
	return "none"
}

// GoString keeps the credentials out of logs.
func (a Auth) GoString() string { return a.String() }

func (a Auth) check() error {
	switch {
	case (a.ClientID == "") != (a.ClientSecret == ""):
		return errors.New("airbyte: client id and client secret must be given together")
	case a.Username == "" && a.Password != "":
		return errors.New("airbyte: a password is given without a username")
	case a.ClientID != "" && a.Username != "":
		return errors.New("airbyte: give either client id and secret or username and password, not both")
	}
	return nil
}

// advice says which settings to look at when Airbyte does not accept the credentials.
func (a Auth) advice() string {
	switch a.String() {
	case "client credentials":
		return "check the client id and secret of the Airbyte application"
	case "basic":
		return "check the Airbyte username and password"
	}
	return "this Airbyte asks for authentication: set the client id and secret of an Airbyte application"
}

const tokenOperation = "applications/token"

// authorize adds the Authorization header and returns the token used, if any.
func (c *Client) authorize(ctx context.Context, header http.Header) (string, error) {
	auth := c.options.Auth
	if c.tokens == nil {
		if auth.Username != "" {
			credentials := base64.StdEncoding.EncodeToString([]byte(auth.Username + ":" + auth.Password))
			header.Set("Authorization", "Basic "+credentials)
		}
		return "", nil
	}
	token, err := c.token(ctx)
	if err != nil {
		return "", err
	}
	header.Set("Authorization", "Bearer "+token)
	return token, nil
}

// tokens keeps the access token that all callers share.
type tokens struct {
	renewal singleflight.Group
	mu      sync.Mutex
	current string
	renewAt time.Time // zero: lifetime unknown, renewed after a 401 only
}

// get returns the token if there is one that is still fresh.
func (t *tokens) get(now time.Time) (string, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	fresh := t.current != "" && (t.renewAt.IsZero() || now.Before(t.renewAt))
	return t.current, fresh
}

func (t *tokens) put(token string, renewAt time.Time) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.current, t.renewAt = token, renewAt
}

// drop forgets a token that was refused, unless another caller has renewed it already.
func (t *tokens) drop(token string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.current == token {
		t.current = ""
	}
}

// token returns the shared token; whoever finds none renews it for all.
func (c *Client) token(ctx context.Context) (string, error) {
	if token, fresh := c.tokens.get(c.options.Now()); fresh {
		return token, nil
	}
	if err := c.allowed(ctx, tokenOperation); err != nil {
		return "", err
	}
	// One caller's end must not fail the others that wait for the same renewal.
	detached := context.WithoutCancel(ctx)
	renewal := c.tokens.renewal.DoChan("", func() (any, error) { return c.renew(detached) })
	select {
	case <-ctx.Done():
		return "", c.failed(ctx, tokenOperation, ctx.Err())
	case result := <-renewal:
		if result.Err != nil {
			return "", result.Err
		}
		token, _ := result.Val.(string)
		return token, nil
	}
}

// tokenAnswer is what applications/token answers.
type tokenAnswer struct {
	AccessToken string `json:"access_token"`
}

// renew asks Airbyte for a token.
func (c *connector) renew(ctx context.Context) (string, error) {
	if token, fresh := c.tokens.get(c.options.Now()); fresh {
		return token, nil // renewed between the caller's look and this one
	}
	payload, err := encode(map[string]string{
		"client_id":     c.options.Auth.ClientID,
		"client_secret": c.options.Auth.ClientSecret,
	})
	if err != nil {
		return "", err
	}
	var got tokenAnswer
	err = c.transact(ctx, request{http.MethodPost, tokenOperation, payload, nil}, func(from io.Reader) error {
		if err := decode(from, &got); err != nil {
			return err
		}
		if got.AccessToken == "" {
			return lacks("an access_token")
		}
		return nil
	})
	if err != nil {
		return "", refusedToken(err, c.options.Auth)
	}
	c.tokens.put(got.AccessToken, renewAt(got.AccessToken, c.options.Now()))
	return got.AccessToken, nil
}

// refusedToken says which settings to look at when the credentials were not
// accepted: 400 on Core, 401 or 403 elsewhere.
func refusedToken(err error, auth Auth) error {
	var e *Error
	if !errors.As(err, &e) || (e.Status != http.StatusBadRequest && e.Class != ClassUnauthorized && e.Class != ClassForbidden) {
		return err
	}
	clone := *e
	clone.Class = ClassUnauthorized
	clone.Message = joined("no access token was given; "+auth.advice(), e.Message)
	if e.Class == ClassUnauthorized {
		clone.Message = e.Message // a 401 carries the advice already
	}
	return &clone
}

// renewAt is a little before the token's own end, or zero when its end is
// unknown. A token that this machine's clock calls expired although it is new
// tells that the clocks differ: then only a 401 says when to renew.
func renewAt(token string, now time.Time) time.Time {
	expires := expiry(token)
	left := expires.Sub(now)
	if expires.IsZero() || left <= 0 {
		return time.Time{}
	}
	return expires.Add(-min(30*time.Second, left/5))
}

// expiry reads the exp claim of a JWT without verifying it: the token is meant
// for Airbyte, which does.
func expiry(token string) time.Time {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}
	}
	raw, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(parts[1], "="))
	if err != nil {
		return time.Time{}
	}
	var claims struct {
		Expires float64 `json:"exp"` // NumericDate may have a fraction
	}
	if json.Unmarshal(raw, &claims) != nil || claims.Expires <= 0 {
		return time.Time{}
	}
	return time.Unix(int64(claims.Expires), 0)
}
