package config

import (
	"errors"
	"fmt"
	"os"
	"path"
	"regexp"
	"strings"

	"gopkg.in/yaml.v3"
)

// Rule allows secrets to data products: a secret whose name matches one of
// Secrets, used by a data product of one of Domains and that is one of
// DataProducts. An empty list of the latter two means any. All are patterns in
// which * stands for any text; domains and data products are compared without case.
type Rule struct {
	Secrets      []string
	Domains      []string
	DataProducts []string
}

// readRule reads one rule of secrets.allow. Each part may be a list or a single text.
func readRule(node *yaml.Node) (rule Rule, problem string) {
	if node.Kind != yaml.MappingNode {
		return Rule{}, "must be a mapping with secrets, domains, dataProducts"
	}
	parts := map[string]*[]string{"secrets": &rule.Secrets, "domains": &rule.Domains, "dataProducts": &rule.DataProducts}
	for i := 0; i+1 < len(node.Content); i += 2 {
		key, value := node.Content[i].Value, target(node.Content[i+1])
		part, ok := parts[key]
		if !ok {
			return Rule{}, fmt.Sprintf("has the unknown key %q; it may have secrets, domains and dataProducts", key)
		}
		if value.Kind == yaml.ScalarNode && !isNull(value) {
			*part = []string{value.Value}
			continue
		}
		// An emptied list must not turn into "any".
		if value.Kind != yaml.SequenceNode || value.Decode(part) != nil || len(*part) == 0 {
			return Rule{}, key + " must be a text or a list of texts that is not empty"
		}
	}
	if len(rule.Secrets) == 0 {
		return Rule{}, "names no secrets"
	}
	return rule, ""
}

// permits reports whether the rule allows the secret to a data product.
func (r Rule) permits(name, domain, dataProduct string) bool {
	return matches(r.Secrets, name) &&
		(len(r.Domains) == 0 || matches(lower(r.Domains), strings.ToLower(domain))) &&
		(len(r.DataProducts) == 0 || matches(lower(r.DataProducts), strings.ToLower(dataProduct)))
}

func lower(texts []string) []string {
	out := make([]string, len(texts))
	for i, t := range texts {
		out[i] = strings.ToLower(t)
	}
	return out
}

// matches reports whether one of the patterns matches the whole text.
func matches(patterns []string, text string) bool {
	for _, p := range patterns {
		if glob(p, text) {
			return true
		}
	}
	return false
}

// glob matches a text in which * of the pattern stands for any part, also with slashes and colons.
func glob(pattern, text string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == text
	}
	first, last := parts[0], parts[len(parts)-1]
	if !strings.HasPrefix(text, first) || len(text) < len(first)+len(last) || !strings.HasSuffix(text, last) {
		return false
	}
	text = text[len(first) : len(text)-len(last)]
	for _, part := range parts[1 : len(parts)-1] {
		at := strings.Index(text, part)
		if at < 0 {
			return false
		}
		text = text[at+len(part):]
	}
	return true
}

// Allowed reports whether a data product may use the secret of a name.
func (s Secrets) Allowed(name, domain, dataProductID string) bool {
	if s.Allow == nil {
		return true
	}
	for _, rule := range s.Allow {
		if rule.permits(name, domain, dataProductID) {
			return true
		}
	}
	return false
}

// ErrNoSecret says that there is no secret of the name asked for.
var ErrNoSecret = errors.New("no such secret")

var secretName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]*$`)

// Lookup returns the secret of a name: the content of its file, without one line
// end, else its variable as it was at the start. It returns an error that wraps
// ErrNoSecret when there is neither, and says where it looked.
func (s Secrets) Lookup(name string) (Secret, error) {
	if !secretName.MatchString(name) {
		return "", fmt.Errorf("%w: %q is not a secret's name (letters, digits, underscores, dots and hyphens)", ErrNoSecret, name)
	}
	if s.Dir != "" {
		content, err := readWithin(s.Dir, name)
		if err == nil {
			return content, nil
		}
		if !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("read the secret %s: %w", name, err)
		}
	}
	if value, ok := s.variables[name]; ok {
		return value, nil
	}
	where := "the variable " + s.EnvPrefix + name
	if s.Dir != "" {
		where = "the file " + path.Join(s.Dir, name) + " nor " + where
		return "", fmt.Errorf("%w as %s: neither %s is there", ErrNoSecret, name, where)
	}
	return "", fmt.Errorf("%w as %s: %s is not set, and SECRETS_DIR is not either", ErrNoSecret, name, where)
}

// readWithin reads a file of a directory and never one outside it, whatever links say.
func readWithin(dir, name string) (Secret, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close() //nolint:errcheck // it was only read
	raw, err := root.ReadFile(name)
	return Secret(withoutLineEnd(string(raw))), err
}

// withoutLineEnd takes one line end off, as editors and here-documents add it.
func withoutLineEnd(s string) string {
	return strings.TrimSuffix(strings.TrimSuffix(s, "\n"), "\r")
}
