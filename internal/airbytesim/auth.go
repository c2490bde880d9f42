package airbytesim

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"time"
)

const defaultTokenLifetime = 15 * time.Minute

// authenticate refuses callers as the mode wants it.
func (s *Sim) authenticate(op string, r *http.Request) error {
	if op == "health" || op == "applications/token" {
		return nil
	}
	auth := s.options.Auth
	allowed := true
	switch auth.Mode {
	case AuthBasic:
		username, password, given := r.BasicAuth()
		allowed = given && username == auth.Username && password == auth.Password
	case AuthClient:
		token, given := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
		allowed = given && s.validToken(token)
	}
	if allowed {
		return nil
	}
	return nested(http.StatusUnauthorized, "Unauthorized", "Unauthorized", r.URL.Path)
}

// token is applications/token: client credentials for a JWT.
func token(s *Sim, c *call) (any, error) {
	auth := s.options.Auth
	good := c.text("client_id") == auth.ClientID && c.text("client_secret") == auth.ClientSecret
	if auth.Mode == AuthClient && !good {
		if auth.BadCredentials == http.StatusUnauthorized {
			return nil, nested(http.StatusUnauthorized, "Unauthorized", "Unauthorized", prefix+c.op)
		}
		return nil, nested(http.StatusBadRequest, "Bad Request", "The credentials are wrong", prefix+c.op)
	}
	lifetime := auth.TokenLifetime
	if lifetime == 0 {
		lifetime = defaultTokenLifetime
	}
	return map[string]any{"access_token": s.issue(lifetime)}, nil
}

// claims are those of an access token.
type claims struct {
	Issuer  string `json:"iss"`
	Subject string `json:"sub"`
	Issued  int64  `json:"iat"` // seconds since 1970
	Expires int64  `json:"exp"` // seconds since 1970
	ID      string `json:"jti"`
}

// issue makes a JWT (HS256) that expires after the lifetime, in whole seconds.
func (s *Sim) issue(lifetime time.Duration) string {
	s.mu.Lock()
	id, subject, key := s.newID(), s.world.admin, s.key
	s.mu.Unlock()
	now := s.now()
	head := segment(map[string]string{"alg": "HS256", "typ": "JWT"})
	body := segment(claims{Issuer: "airbyte", Subject: subject, Issued: now.Unix(), Expires: now.Add(lifetime).Unix(), ID: id})
	return head + "." + body + "." + sign(key, head+"."+body)
}

func (s *Sim) validToken(token string) bool {
	cut := strings.LastIndexByte(token, '.')
	if cut < 0 {
		return false
	}
	s.mu.Lock()
	key := s.key
	s.mu.Unlock()
	if !hmac.Equal([]byte(sign(key, token[:cut])), []byte(token[cut+1:])) {
		return false
	}
	_, body, _ := strings.Cut(token[:cut], ".")
	raw, err := base64.RawURLEncoding.DecodeString(body)
	if err != nil {
		return false
	}
	var c claims
	return json.Unmarshal(raw, &c) == nil && s.now().Unix() < c.Expires
}

// ExpireTokens makes every token that was handed out so far worthless.
func (s *Sim) ExpireTokens() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.key = []byte(s.newID())
}

func segment(value any) string { return base64.RawURLEncoding.EncodeToString(encode(value)) }

func sign(key []byte, text string) string {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
