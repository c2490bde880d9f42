package oidc_test

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"

	"airbyte-provisioner/internal/oidc"
)

// provider is an OpenID Connect provider.
type provider struct {
	*httptest.Server
	mu       sync.Mutex
	keys     jwkset.Storage
	away     bool
	keyReads int
	issuer   string // that the document tells; empty for its own
}

func newProvider(t *testing.T) *provider {
	t.Helper()
	p := &provider{keys: jwkset.NewMemoryStorage()}
	mux := http.NewServeMux()
	mux.HandleFunc("/realm/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		issuer := p.issuer
		if issuer == "" {
			issuer = p.URL + "/realm"
		}
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, issuer, p.URL+"/keys")
	})
	mux.HandleFunc("/keys", func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.keyReads++
		if p.away {
			http.Error(w, "away", http.StatusServiceUnavailable)
			return
		}
		text, err := p.keys.JSONPrivate(r.Context()) // a careless provider, which tells a symmetric key
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(text)
	})
	p.Server = httptest.NewServer(mux)
	t.Cleanup(p.Close)
	return p
}

// set changes what the provider does.
func (p *provider) set(change func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	change()
}

// newKey makes a key and has the provider publish it under the id.
func (p *provider) newKey(t *testing.T, id string) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	published, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: id, ALG: jwkset.AlgES256}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.keys.KeyWrite(t.Context(), published); err != nil {
		t.Fatal(err)
	}
	return key
}

// newSymmetricKey has the provider publish a key with which who can check can sign.
func (p *provider) newSymmetricKey(t *testing.T, id string) []byte {
	t.Helper()
	key := []byte("thirty-two bytes, known to all..")
	published, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{
		Metadata: jwkset.JWKMetadataOptions{KID: id, ALG: jwkset.AlgHS256}, Marshal: jwkset.JWKMarshalOptions{Private: true},
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.keys.KeyWrite(t.Context(), published); err != nil {
		t.Fatal(err)
	}
	return key
}

func sign(t *testing.T, key any, id string, method jwt.SigningMethod, claims jwt.MapClaims) string {
	t.Helper()
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = id
	text, err := token.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func verifier(t *testing.T, options oidc.Options) *oidc.Verifier {
	t.Helper()
	options.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	options.Pause = time.Millisecond
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	return oidc.New(ctx, options)
}

// settled asks until the answer is no longer that the keys are missing.
func settled(t *testing.T, v *oidc.Verifier, token string) bool {
	t.Helper()
	deadline, tick := time.After(20*time.Second), time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for {
		ok, err := v.Verify(t.Context(), token)
		if err == nil {
			return ok
		}
		if !errors.Is(err, oidc.ErrUnavailable) {
			t.Fatal(err)
		}
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the keys were never there")
		}
	}
}

func TestVerify(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	key := p.newKey(t, "one")
	stranger, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	good := func(change jwt.MapClaims) jwt.MapClaims {
		claims := jwt.MapClaims{
			"iss": p.URL + "/realm", "aud": []string{"other", "airbyte-provisioner"}, "sub": "coordinator",
			"exp": time.Now().Add(time.Hour).Unix(), "iat": time.Now().Unix(),
		}
		for name, value := range change {
			if claims[name] = value; value == nil {
				delete(claims, name)
			}
		}
		return claims
	}
	byDiscovery := verifier(t, oidc.Options{Issuer: p.URL + "/realm", Audience: "airbyte-provisioner"})
	byAddress := verifier(t, oidc.Options{Issuer: p.URL + "/realm", Audience: "airbyte-provisioner", KeysURL: p.URL + "/keys"})
	for name, c := range map[string]struct {
		token string
		want  bool
	}{
		"right":                        {sign(t, key, "one", jwt.SigningMethodES256, good(nil)), true},
		"one audience as a text":       {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"aud": "airbyte-provisioner"})), true},
		"expired a moment ago by skew": {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"exp": time.Now().Add(-10 * time.Second).Unix()})), true},
		"expired":                      {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"exp": time.Now().Add(-time.Hour).Unix()})), false},
		"without an end":               {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"exp": nil})), false},
		"not yet valid":                {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"nbf": time.Now().Add(time.Hour).Unix()})), false},
		"of another issuer":            {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"iss": p.URL})), false},
		"for another audience":         {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"aud": "other"})), false},
		"without an audience":          {sign(t, key, "one", jwt.SigningMethodES256, good(jwt.MapClaims{"aud": nil})), false},
		"signed by somebody else":      {sign(t, stranger, "one", jwt.SigningMethodES256, good(nil)), false},
		"unsigned":                     {sign(t, jwt.UnsafeAllowNoneSignatureType, "one", jwt.SigningMethodNone, good(nil)), false},
		"signed with a symmetric key":  {sign(t, []byte("secret"), "one", jwt.SigningMethodHS256, good(nil)), false},
		"signed with a published key that is symmetric": {sign(t, p.newSymmetricKey(t, "known to all"), "known to all", jwt.SigningMethodHS256, good(nil)), false},
		"of an unknown key":                             {sign(t, stranger, "unknown", jwt.SigningMethodES256, good(nil)), false},
		"no JSON Web Token at all":                      {"a-token", false},
		"something with two dots in it":                 {"a.b.c", false},
		"empty":                                         {"", false},
	} {
		if got := settled(t, byDiscovery, c.token); got != c.want {
			t.Errorf("%s: %t by discovery", name, got)
		}
		if got := settled(t, byAddress, c.token); got != c.want {
			t.Errorf("%s: %t by the keys' address", name, got)
		}
	}
}

// TestKeysChange has a provider that is away at first, changes its key, and is not asked more than it should be.
func TestKeysChange(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.set(func() { p.away = true })
	key := p.newKey(t, "one")
	claims := jwt.MapClaims{"iss": p.URL + "/realm", "aud": "a", "exp": time.Now().Add(time.Hour).Unix()}
	token := sign(t, key, "one", jwt.SigningMethodES256, claims)
	v := verifier(t, oidc.Options{Issuer: p.URL + "/realm", Audience: "a"})
	if ok, err := v.Verify(t.Context(), token); ok || !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("without keys: %t, %v", ok, err)
	}
	if ok, err := v.Verify(t.Context(), "no JSON Web Token"); ok || err != nil {
		t.Errorf("a token of another kind, without keys: %t, %v", ok, err)
	}
	p.set(func() { p.away = false })
	if !settled(t, v, token) {
		t.Fatal("the token is refused once the keys are there")
	}
	later := sign(t, p.newKey(t, "two"), "two", jwt.SigningMethodES256, claims)
	if !settled(t, v, later) {
		t.Error("the token of a new key is refused")
	}
	p.set(func() { p.away, p.keyReads = true, 0 })
	for range 5 {
		if settled(t, v, sign(t, key, "three", jwt.SigningMethodES256, claims)) {
			t.Error("a token of an unknown key is accepted")
		}
	}
	if !settled(t, v, token) {
		t.Error("with the provider away, a known key's token is refused")
	}
	p.set(func() {
		if p.keyReads > 1 {
			t.Errorf("five tokens of unknown keys had the provider asked %d times", p.keyReads)
		}
	})
}

func TestAnotherIssuersDocument(t *testing.T) {
	t.Parallel()
	p := newProvider(t)
	p.set(func() { p.issuer = "https://somebody.example.com" })
	token := sign(t, p.newKey(t, "one"), "one", jwt.SigningMethodES256, jwt.MapClaims{"iss": p.URL + "/realm"})
	said := make(watcher, 1)
	v := oidc.New(t.Context(), oidc.Options{
		Issuer: p.URL + "/realm", Audience: "a", Pause: time.Millisecond, Log: slog.New(slog.NewTextHandler(said, nil)),
	})
	select {
	case <-said:
	case <-time.After(20 * time.Second):
		t.Fatal("the wrong issuer was not noticed")
	}
	if ok, err := v.Verify(t.Context(), token); ok || !errors.Is(err, oidc.ErrUnavailable) {
		t.Errorf("got %t, %v", ok, err)
	}
}

// watcher is a log that tells when a wrong issuer is noticed.
type watcher chan struct{}

func (w watcher) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte("somebody.example.com")) {
		select {
		case w <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}
