package app

import (
	"bytes"
	"context"
	"crypto/tls"
	"sync/atomic"
	"time"

	"airbyte-provisioner/internal/config"
)

// certificateAge is how soon a changed certificate is used.
const certificateAge = 10 * time.Second

// tls is how the API speaks TLS with the certificate that the settings name,
// which is read again now and then; nil where they name none. The error is a
// *config.Error.
func (b *base) tls(ctx context.Context) (*tls.Config, error) {
	cert, key := b.config.HTTP.TLSCertFile, b.config.HTTP.TLSKeyFile
	if cert == "" {
		return nil, nil //nolint:nilnil // none is wanted
	}
	first, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		// Its text names neither a part of the key nor of the certificate.
		return nil, &config.Error{Problems: []config.Problem{{Name: "TLS_CERT_FILE", Message: "and TLS_KEY_FILE cannot be used: " + err.Error()}}}
	}
	var current atomic.Pointer[tls.Certificate]
	current.Store(&first)
	go every(ctx, certificateAge, func() {
		next, err := tls.LoadX509KeyPair(cert, key)
		switch {
		case err != nil: // it may be about to be replaced, one file after the other
			b.log.WarnContext(ctx, "the certificate cannot be read again; the one read before is used on", "error", err)
		case !bytes.Equal(next.Certificate[0], current.Load().Certificate[0]):
			current.Store(&next)
			b.log.InfoContext(ctx, "the certificate was replaced", "notAfter", next.Leaf.NotAfter)
		}
	})
	return &tls.Config{
		MinVersion:     tls.VersionTLS12,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return current.Load(), nil },
	}, nil
}
