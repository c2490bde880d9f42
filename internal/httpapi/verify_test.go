package httpapi_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"airbyte-provisioner/internal/httpapi"
)

// TestTokensOfAnIdentityProvider has tokens that only Verify knows, with and without tokens of our own.
func TestTokensOfAnIdentityProvider(t *testing.T) {
	t.Parallel()
	verify := func(_ context.Context, token string) (bool, error) {
		if token == "away" {
			return false, errors.New("dial tcp 10.0.0.1: refused")
		}
		return token == "signed", nil
	}
	own := func() []string { return []string{right} }
	for name, c := range map[string]struct {
		tokens  func() []string
		present string
		code    int
	}{
		"signed":                       {own, "signed", http.StatusOK},
		"one of our own":               {own, right, http.StatusOK},
		"neither":                      {own, "wrong", http.StatusUnauthorized},
		"cannot be told now":           {own, "away", http.StatusInternalServerError},
		"signed, without own tokens":   {nil, "signed", http.StatusOK},
		"wrong, without own tokens":    {nil, "wrong", http.StatusUnauthorized},
		"nothing, without own tokens":  {nil, "", http.StatusUnauthorized},
		"cannot be told, without them": {nil, "away", http.StatusInternalServerError},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t, func(o *httpapi.Options) { o.Tokens, o.Verify = c.tokens, verify })
			authorization := ""
			if c.present != "" {
				authorization = "Bearer " + c.present
			}
			w := a.do(with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), authorization))
			if w.Code != c.code || strings.Contains(w.Body.String(), "10.0.0.1") {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if c.code != http.StatusInternalServerError {
				return
			}
			for range 30 {
				w = a.do(with(httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil), authorization))
			}
			if w.Code != c.code {
				t.Errorf("a provider that is away locks its callers out: %d", w.Code)
			}
		})
	}
}
