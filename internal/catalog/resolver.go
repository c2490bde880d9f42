package catalog

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"
	"unicode/utf8"

	"airbyte-provisioner/internal/workload"
)

// SecretUser says on whose behalf a secret is asked for.
type SecretUser struct {
	Domain      string
	DataProduct string // the data product's name
	ID          string // the data product's id
	// Operator marks a reference in the operator's own catalogue: the mapping
	// of who may use what is about descriptors.
	Operator bool
}

// Secrets resolves the names in ${secret:NAME}.
type Secrets interface {
	// Resolve returns the secret's value; that of a reference of Airbyte's own is
	// the reference. Its errors are *workload.Failure with CodeSecret: a missing and
	// a forbidden name, each with the name and never the value.
	Resolve(ctx context.Context, name string, user SecretUser) (string, error)
}

// Forgiving are the same secrets, but for those that are missing or forbidden:
// references to them stay as they are. Of nil that is all of them.
func Forgiving(secrets Secrets) Secrets { return forgiving{secrets} }

type forgiving struct{ secrets Secrets }

// Resolve is Secrets'.
func (f forgiving) Resolve(ctx context.Context, name string, user SecretUser) (string, error) {
	reference := "${secret:" + name + "}"
	if f.secrets == nil {
		return reference, nil
	}
	value, err := f.secrets.Resolve(ctx, name, user)
	if err == nil {
		return value, nil
	}
	if failure := workload.AsFailure(err); failure.Code != workload.CodeSecret || failure.Retry {
		return "", err
	}
	return reference, nil
}

// SecretRule allows some secrets to some users. Names and values are compared
// without case and may hold * for any text; an empty list of a rule allows all.
// A reference of Airbyte's own is named as it is: secret_coordinate::NAME.
type SecretRule struct {
	Secrets      []string `yaml:"secrets"`
	Domains      []string `yaml:"domains"`
	DataProducts []string `yaml:"dataProducts"` // names or ids
}

// SecretStore resolves secrets from a directory of files and from variables.
type SecretStore struct {
	root   *os.Root // nil without a directory
	lookup func(name string) (string, bool)
	prefix string
	rules  []SecretRule
}

// SecretOptions says where secrets are and who may use them.
type SecretOptions struct {
	Dir string // a file NAME for each secret; "" for none
	// Lookup finds a variable of the environment; nil for none.
	Lookup func(variable string) (string, bool)
	Prefix string // of the variables: PREFIX+NAME
	// Allow is the mapping; nil lets every name resolve, and with one only what
	// a rule allows does.
	Allow []SecretRule
}

// maxSecretBytes bounds one secret; the longest known are service accounts' keys.
const maxSecretBytes = 64 << 10

// NewSecretStore opens the store. The directory must exist.
func NewSecretStore(options SecretOptions) (*SecretStore, error) {
	for i, rule := range options.Allow {
		if len(rule.Secrets) == 0 {
			return nil, fmt.Errorf("secrets.allow[%d] names no secrets", i)
		}
		for _, pattern := range rule.Secrets {
			if _, err := path.Match(strings.ToLower(pattern), ""); err != nil {
				return nil, fmt.Errorf("secrets.allow[%d]: %q is no valid pattern", i, pattern)
			}
		}
	}
	store := &SecretStore{lookup: options.Lookup, prefix: options.Prefix, rules: options.Allow}
	if options.Dir == "" {
		return store, nil
	}
	root, err := os.OpenRoot(options.Dir)
	if err != nil {
		return nil, fmt.Errorf("secrets directory: %w", err)
	}
	store.root = root
	return store, nil
}

// Close releases the directory.
func (s *SecretStore) Close() error {
	if s.root == nil {
		return nil
	}
	return s.root.Close()
}

// Resolve reads the secret anew each time, so that a rotated one is noticed: the
// file first, then the variable.
func (s *SecretStore) Resolve(_ context.Context, name string, user SecretUser) (string, error) {
	coordinate := isCoordinate(name)
	if !coordinate && secretReference.FindString("${secret:"+name+"}") == "" {
		return "", secretFailure(fmt.Sprintf("The secret name %.60q is not valid.", name), "Name the secret with letters, digits, dots, dashes and underscores.")
	}
	if !user.Operator && !s.allowed(name, user) {
		return "", secretFailure(
			fmt.Sprintf("The secret %q may not be used by the data product %q of the domain %q.", name, user.DataProduct, user.Domain),
			"Ask the platform team to allow this secret for your domain or data product (secrets.allow), or refer to one that is.")
	}
	if coordinate {
		return name, nil
	}
	value, err := s.read(name)
	switch {
	case err == nil:
		return value, nil
	case errors.Is(err, fs.ErrNotExist):
		return "", secretFailure(fmt.Sprintf("The secret %q does not exist.", name),
			"Check the name in ${secret:"+name+"}, or ask the platform team to store the secret under it.")
	default:
		return "", secretFailure(fmt.Sprintf("The secret %q cannot be read.", name),
			"Ask the platform team to look at the secret's file and its permissions.").Because(err)
	}
}

func secretFailure(message, solution string) *workload.Failure {
	return &workload.Failure{Code: workload.CodeSecret, Message: message, Solutions: []string{solution}}
}

func (s *SecretStore) read(name string) (string, error) {
	if s.root != nil {
		value, err := s.file(name)
		if !errors.Is(err, fs.ErrNotExist) {
			return value, err
		}
	}
	if s.lookup != nil {
		if value, ok := s.lookup(s.prefix + name); ok {
			return trimNewline(value), nil
		}
	}
	return "", fs.ErrNotExist
}

// file reads a secret's file. Kubernetes mounts each as a symbolic link within
// the directory; os.Root follows no link that leads out of it.
func (s *SecretStore) file(name string) (string, error) {
	info, err := s.root.Stat(name)
	if err != nil {
		return "", err
	}
	if !info.Mode().IsRegular() {
		return "", fs.ErrNotExist
	}
	if info.Size() > maxSecretBytes {
		return "", fmt.Errorf("the file has %d bytes, more than %d", info.Size(), maxSecretBytes)
	}
	data, err := s.root.ReadFile(name)
	if err == nil && !utf8.Valid(data) { // JSON would hold another one
		return "", errors.New("the file is no text in UTF-8")
	}
	return trimNewline(string(data)), err
}

// trimNewline drops the line break that editors put at a file's end.
func trimNewline(value string) string {
	return strings.TrimSuffix(strings.TrimSuffix(value, "\n"), "\r")
}

func (s *SecretStore) allowed(name string, user SecretUser) bool {
	if s.rules == nil {
		return true
	}
	for _, rule := range s.rules {
		if matches(rule.Secrets, name) &&
			(len(rule.Domains) == 0 || matches(rule.Domains, user.Domain)) &&
			(len(rule.DataProducts) == 0 || matches(rule.DataProducts, user.DataProduct, user.ID)) {
			return true
		}
	}
	return false
}

// matches reports whether one of the patterns covers one of the values. No value
// is a path: to path.Match a slash is a character of its own, which * leaves out.
func matches(patterns []string, values ...string) bool {
	for _, pattern := range patterns {
		for _, value := range values {
			if ok, _ := path.Match(slashless(pattern), slashless(value)); ok && value != "" {
				return true
			}
		}
	}
	return false
}

func slashless(text string) string { return strings.ReplaceAll(strings.ToLower(text), "/", "\x00") }
