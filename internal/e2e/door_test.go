package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/MicahParks/jwkset"
	"github.com/golang-jwt/jwt/v5"
)

// writeCertificate makes a certificate of 127.0.0.1 with a name, and writes it with its key.
func writeCertificate(t *testing.T, dir, name string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	about := &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	certificate, err := x509.CreateCertificate(rand.Reader, about, about, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for file, block := range map[string]*pem.Block{
		"cert.pem": {Type: "CERTIFICATE", Bytes: certificate}, "key.pem": {Type: "PRIVATE KEY", Bytes: private},
	} {
		if err := os.WriteFile(filepath.Join(dir, file), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTLS has the API speak TLS, and its certificate replaced while it runs.
func TestTLS(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeCertificate(t, dir, "first")
	s := newStack(t, map[string]string{"TLS_CERT_FILE": filepath.Join(dir, "cert.pem"), "TLS_KEY_FILE": filepath.Join(dir, "key.pem")})
	api := s.startAPI()
	served := func() (name string, header http.Header) {
		client := &http.Client{Transport: &http.Transport{
			DisableKeepAlives: true, ForceAttemptHTTP2: true,
			TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, // its name is what the test is about
		}}
		response, err := client.Get("https://" + s.api + "/healthz")
		if err != nil {
			t.Fatal(err)
		}
		defer func() { _ = response.Body.Close() }()
		if response.StatusCode != http.StatusOK || response.ProtoMajor != 2 {
			t.Errorf("/healthz answers %d over %s", response.StatusCode, response.Proto)
		}
		return response.TLS.PeerCertificates[0].Subject.CommonName, response.Header
	}
	name, header := served()
	if name != "first" || header.Get("Strict-Transport-Security") == "" {
		t.Errorf("the certificate is %q, and the headers are %v", name, header)
	}
	if status, _, _ := s.raw(http.MethodGet, "/healthz", "", nil); status != http.StatusBadRequest {
		t.Errorf("without TLS /healthz answers %d", status)
	}
	old := &tls.Config{InsecureSkipVerify: true, MaxVersion: tls.VersionTLS11} // refused, as it must be
	if conn, err := tls.Dial("tcp", s.api, old); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	writeCertificate(t, dir, "second")
	api.awaitText("the certificate was replaced")
	if name, _ := served(); name != "second" {
		t.Errorf("after it was replaced the certificate is %q", name)
	}
}

// TestOnlyHealthIsOpen asks the program for all that it serves, without a token and with one.
func TestOnlyHealthIsOpen(t *testing.T) {
	t.Parallel()
	s := newStack(t, nil)
	s.startAPI()
	with := map[string]string{"Authorization": "Bearer " + apiToken}
	for path, open := range map[string]bool{
		"/healthz": true, "/readyz": true, "/": false, "/operations": false, "/operations/x": false, "/docs": false, "/openapi.yaml": false,
		"/metrics": false, "/monitoring": false, "/monitoring/api/queues": false, "/monitoring/static/js/main.5adda2da.chunk.js": false,
		"/v1/provision/x/status": false, "/nothing": false,
	} {
		status, header, _ := s.raw(http.MethodGet, path, "", nil)
		if open != (status == http.StatusOK) || !open && status != http.StatusUnauthorized {
			t.Errorf("%s answers %d without a token", path, status)
		}
		if header.Get("Server") != "" || header.Get("X-Powered-By") != "" || header.Get("X-Content-Type-Options") != "nosniff" ||
			header.Get("Content-Security-Policy") == "" {
			t.Errorf("%s has the headers %v", path, header)
		}
		if status, _, _ := s.raw(http.MethodGet, path, "", with); status == http.StatusUnauthorized {
			t.Errorf("%s answers 401 with the token", path)
		}
	}
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete, http.MethodOptions} {
		if status, _, _ := s.raw(method, "/monitoring/api/queues/provision", "", with); status/100 == 2 {
			t.Errorf("%s of a queue answers %d, although nobody lets asynqmon write", method, status)
		}
	}
}

// TestTokensRotate changes the file of tokens while the API runs; one that was emptied by mistake neither opens nor closes it.
func TestTokensRotate(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "tokens")
	write := func(text string) {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("first-token\nsecond-token\n")
	s := newStack(t, map[string]string{"API_TOKENS": "", "API_TOKENS_FILE": file})
	api := s.startAPI()
	check := func(when string, answers map[string]int) {
		t.Helper()
		for token, want := range answers {
			if got, _, _ := s.raw(http.MethodGet, "/openapi.yaml", "", map[string]string{"Authorization": "Bearer " + token}); got != want {
				t.Errorf("%s, %s is answered %d, want %d", when, token, got, want)
			}
		}
	}
	check("at the start", map[string]int{"first-token": 200, "second-token": 200, "third-token": 401})
	write("second-token\nthird-token\n")
	api.awaitText("API_TOKENS_FILE has changed")
	rotated := map[string]int{"first-token": 401, "second-token": 200, "third-token": 200}
	check("after the rotation", rotated)
	write("\n")
	api.awaitText("API_TOKENS_FILE cannot be read")
	check("with an empty file", rotated)
	if strings.Contains(api.output(), "second-token") {
		t.Error("the log shows a token")
	}
}

// TestIdentityProvider has an API without tokens of its own that accepts a provider's.
func TestIdentityProvider(t *testing.T) {
	t.Parallel()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	published, err := jwkset.NewJWKFromKey(key, jwkset.JWKOptions{Metadata: jwkset.JWKMetadataOptions{KID: "one"}})
	if err != nil {
		t.Fatal(err)
	}
	keys := jwkset.NewMemoryStorage()
	if err := keys.KeyWrite(t.Context(), published); err != nil {
		t.Fatal(err)
	}
	provider := httptest.NewUnstartedServer(nil)
	provider.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/openid-configuration") {
			fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":%q}`, provider.URL, provider.URL+"/keys")
			return
		}
		text, err := keys.JSONPublic(r.Context())
		if err != nil {
			t.Error(err)
		}
		_, _ = w.Write(text)
	})
	provider.Start()
	t.Cleanup(provider.Close)
	sign := func(audience string) string {
		token := jwt.NewWithClaims(jwt.SigningMethodES256, jwt.MapClaims{
			"iss": provider.URL, "aud": audience, "exp": time.Now().Add(time.Hour).Unix(),
		})
		token.Header["kid"] = "one"
		text, err := token.SignedString(key)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	s := newStack(t, map[string]string{"API_TOKENS": "", "OIDC_ISSUER": provider.URL, "OIDC_AUDIENCE": "provisioner"})
	api := s.startAPI()
	api.awaitText("tokens of the OpenID Connect provider are accepted")
	for name, c := range map[string]struct {
		token string
		want  int
	}{"the provider's": {sign("provisioner"), 200}, "for another service": {sign("other"), 401}, "no token": {"", 401}, "another token": {apiToken, 401}} {
		header := map[string]string{}
		if c.token != "" {
			header["Authorization"] = "Bearer " + c.token
		}
		if got, _, _ := s.raw(http.MethodGet, "/openapi.yaml", "", header); got != c.want {
			t.Errorf("%s: answered %d, want %d", name, got, c.want)
		}
	}
	if strings.Contains(api.output(), "the API is open") {
		t.Error("the API says that it is open")
	}
}

// TestTrustedProxies guesses tokens from behind a proxy, and sees who is counted.
func TestTrustedProxies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		proxies string
		other   int // what another caller behind the same proxy is answered
	}{
		"a trusted proxy":          {"127.0.0.0/8", http.StatusUnauthorized},
		"somebody else is trusted": {"10.0.0.0/8", http.StatusTooManyRequests},
		"nobody is trusted":        {"", http.StatusTooManyRequests},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newStack(t, map[string]string{"TRUSTED_PROXIES": c.proxies})
			s.startAPI()
			guess := func(from string) int {
				status, _, _ := s.raw(http.MethodGet, "/openapi.yaml", "", map[string]string{
					"Authorization": "Bearer wrong", "X-Forwarded-For": "1.2.3.4, " + from,
				})
				return status
			}
			for range 20 {
				guess("203.0.113.7")
			}
			if got := guess("203.0.113.7"); got != http.StatusTooManyRequests {
				t.Errorf("after many guesses the guesser is answered %d", got)
			}
			if got := guess("203.0.113.8"); got != c.other {
				t.Errorf("another caller is answered %d, want %d", got, c.other)
			}
		})
	}
}
