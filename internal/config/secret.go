package config

import (
	"fmt"
	"io"
	"log/slog"
)

const masked = "***"

// Secret is a text that must not be shown: through fmt, slog, JSON and YAML it
// prints as asterisks, or as nothing when it is empty.
type Secret string

// Reveal returns the text itself, for the one place that needs it.
func (s Secret) Reveal() string { return string(s) }

// String is asterisks.
func (s Secret) String() string {
	if s == "" {
		return ""
	}
	return masked
}

// Format prints asterisks for every verb, also those that are wrong for a text.
func (s Secret) Format(state fmt.State, _ rune) { _, _ = io.WriteString(state, s.String()) }

// LogValue is asterisks.
func (s Secret) LogValue() slog.Value { return slog.StringValue(s.String()) }

// MarshalText is asterisks, in JSON too. As a key of a map a secret would show in JSON: it must be none.
func (s Secret) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// MarshalYAML is asterisks.
func (s Secret) MarshalYAML() (any, error) { return s.String(), nil }
