package telemetry

import (
	"io"
	"log/slog"
	"time"
)

// NewLogger returns a logger that writes one event a line, as JSON unless the
// format is "text", from a level on. Times are in UTC.
func NewLogger(out io.Writer, format string, level slog.Level) *slog.Logger {
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: tidy}
	if format == "text" {
		return slog.New(slog.NewTextHandler(out, options))
	}
	return slog.New(slog.NewJSONHandler(out, options))
}

// tidy masks what must not be logged, tells times in one zone and durations with their unit.
func tidy(_ []string, attr slog.Attr) slog.Attr {
	if sensitive(attr.Key) {
		return slog.String(attr.Key, "***")
	}
	attr.Value = attr.Value.Resolve()
	switch attr.Value.Kind() {
	case slog.KindTime:
		attr.Value = slog.StringValue(attr.Value.Time().UTC().Format(time.RFC3339Nano))
	case slog.KindDuration: // a bare number would not tell its unit
		attr.Value = slog.StringValue(attr.Value.Duration().String())
	default:
	}
	return attr
}

// sensitive reports whether a key announces a secret. It is the last net, for a
// slip: secrets are not passed to the logger to begin with. An operation's token
// is no secret.
func sensitive(key string) bool {
	// Every attribute of every line comes here: no memory is taken for it.
	var plain [len("fingerprintkey")]byte // the longest of the words
	n := 0
	for _, c := range []byte(key) {
		switch {
		case c == '_' || c == '-' || c == '.':
			continue
		case n == len(plain):
			return false
		case 'A' <= c && c <= 'Z':
			c += 'a' - 'A'
		}
		plain[n] = c
		n++
	}
	switch string(plain[:n]) {
	case "password", "passphrase", "secret", "clientsecret", "privatekey", "apikey", "apitoken", "apitokens",
		"accesstoken", "bearertoken", "authorization", "cookie", "credentials", "fingerprintkey":
		return true
	}
	return false
}
