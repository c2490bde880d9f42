package catalog

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"strings"
)

// Sealer encrypts literal secrets for their way through the queue, as
// ${sealed:...}. A nil Sealer seals and opens nothing.
type Sealer struct {
	aead  cipher.AEAD
	nonce []byte // key of the nonces
}

// errSealed says what is known of a sealed value that cannot be opened: nothing.
var errSealed = errors.New("the sealed value cannot be opened: it was sealed with another key, or changed")

// NewSealer makes a sealer from a key of any form, such as 32 random bytes in
// base64. The API and the workers need the same one.
func NewSealer(key string) (*Sealer, error) {
	if len(key) < 16 {
		return nil, errors.New("the key is too short: expected at least 16 characters")
	}
	block, err := aes.NewCipher(derive(key, "encryption"))
	if err != nil {
		return nil, err
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, err
	}
	return &Sealer{aead: aead, nonce: derive(key, "nonce")}, nil
}

func derive(key, purpose string) []byte {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte("airbyte-provisioner sealed value v1 " + purpose))
	return mac.Sum(nil)
}

// Seal encrypts a text. Equal texts give equal results, so that a repeated
// request has an equal payload; the nonce is a keyed hash of the text.
func (s *Sealer) Seal(text string) string {
	mac := hmac.New(sha256.New, s.nonce)
	mac.Write([]byte(text))
	nonce := mac.Sum(nil)[:s.aead.NonceSize()]
	return sealedPrefix + base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, []byte(text), nil)) + "}"
}

// Open decrypts what Seal made.
func (s *Sealer) Open(sealed string) (string, error) {
	if s == nil {
		return "", errors.New("a sealed value needs the key that it was sealed with, and none is set")
	}
	data, err := base64.RawURLEncoding.DecodeString(strings.TrimSuffix(strings.TrimPrefix(sealed, sealedPrefix), "}"))
	if err != nil || len(data) < s.aead.NonceSize() {
		return "", errSealed
	}
	size := s.aead.NonceSize()
	text, err := s.aead.Open(nil, data[:size], data[size:], nil)
	if err != nil {
		return "", errSealed
	}
	return string(text), nil
}
