package redistest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
)

// Security is TLS and users for servers that are not open to everybody. The
// user default is off.
type Security struct {
	// CAFile is the PEM file of the authority that the servers' certificate is from.
	CAFile string
	// User and Password are those of the programs under test, who may do nothing
	// dangerous but INFO, and ask sentinels for the master alone.
	User, Password string

	certFile, keyFile string
	tls               *tls.Config
}

// The user of the test itself, of replicas and of sentinels.
const (
	adminUser     = "admin"
	adminPassword = "of-the-test"
)

// Secure makes a certificate for 127.0.0.1, and users, for servers of one test.
func Secure(t testing.TB) *Security {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "redistest"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
	}
	cert, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	encoded, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatalf("redistest: %v", err)
	}
	certPEM := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert})
	s := &Security{
		User: "provisioner", Password: "p@ss/word:50%",
		certFile: Write(t, "cert.pem", string(certPEM)),
		keyFile:  Write(t, "key.pem", string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: encoded}))),
		tls:      &tls.Config{RootCAs: x509.NewCertPool(), MinVersion: tls.VersionTLS12},
	}
	s.CAFile = s.certFile
	s.tls.RootCAs.AppendCertsFromPEM(certPEM)
	return s
}

// Option gives the security to a server.
func (s *Security) Option() Option { return func(server *Server) { server.security = s } }

// Rights are those of the programs' own user, as the documents give them.
const Rights = "~asynq:* ~airbyte-provisioner:* &asynq:* &airbyte-provisioner:* +@all -@admin -@dangerous +info"

// args are redis-server's arguments for listening on a port.
func (s *Security) args(port string, sentinel bool) []string {
	if s == nil {
		return []string{"--port", port}
	}
	args := []string{
		"--port", "0", "--tls-port", port, "--tls-auth-clients", "no", "--tls-replication", "yes",
		"--tls-cert-file", s.certFile, "--tls-key-file", s.keyFile, "--tls-ca-cert-file", s.CAFile,
	}
	rights := " " + Rights
	if sentinel {
		rights = " &* -@all +@connection +subscribe +sentinel|get-master-addr-by-name +sentinel|sentinels +sentinel|replicas"
	}
	// default keeps its rights although it is off: many versions of Redis read an
	// append-only file with them, and drop what scripts wrote where they are missing
	// (https://github.com/redis/redis/issues/14541).
	for _, user := range []string{
		"default off ~* &* +@all", adminUser + " on >" + adminPassword + " ~* &* +@all", s.User + " on >" + s.Password + rights,
	} {
		args = append(append(args, "--user"), strings.Fields(user)...)
	}
	return args
}

// dataArgs are those that only servers with data take.
func (s *Security) dataArgs() []string {
	if s == nil {
		return nil
	}
	return []string{"--tls-cluster", "yes", "--masteruser", adminUser, "--masterauth", adminPassword}
}

// sentinelConfig are the lines by which a sentinel speaks to servers and to other sentinels.
func (s *Security) sentinelConfig() string {
	if s == nil {
		return ""
	}
	return "sentinel auth-user " + MasterName + " " + adminUser + "\nsentinel auth-pass " + MasterName + " " + adminPassword +
		"\nsentinel sentinel-user " + adminUser + "\nsentinel sentinel-pass " + adminPassword + "\n"
}

// options are those of the test's own client at an address.
func (s *Security) options(addr string) *redis.Options {
	if s == nil {
		return &redis.Options{Addr: addr}
	}
	return &redis.Options{Addr: addr, Username: adminUser, Password: adminPassword, TLSConfig: s.tls}
}

// url is an address as REDIS_URL writes it, for the programs under test.
func (s *Security) url(scheme, hosts, query string) string {
	u := url.URL{Scheme: scheme, Host: hosts, Path: "/0", RawQuery: query}
	if s != nil {
		u.User = url.UserPassword(s.User, s.Password)
	}
	return u.String()
}
