package access

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/mail"
	"os"
	"slices"
	"strings"
	"sync"

	"gopkg.in/yaml.v3"
)

// Principals translates Witboost's users and groups into email addresses. It
// is safe for concurrent use.
type Principals struct {
	path string
	log  *slog.Logger

	mu    sync.Mutex
	raw   []byte // the file as it was last read, good or bad
	bad   bool   // the last reading failed
	table map[string]members
}

// members is what one line of the table stands for.
type members struct {
	emails []string
	group  string // the name of a group in Airbyte
}

// LoadPrincipals reads a table from a YAML file. Its keys are Witboost's
// identities, with or without "user:" or "group:"; a value is an email address,
// a list of addresses, or {airbyteGroup: NAME}:
//
//	user:john.doe_acme.com: j.doe@acme.com
//	group:analysts: [anna@acme.com, ben@acme.com]
//
// The file is read again whenever it has changed; a file that cannot be used
// is logged and changes nothing. An empty path means an empty table.
func LoadPrincipals(path string, log *slog.Logger) (*Principals, error) {
	p := &Principals{path: path, log: log}
	if log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	if path == "" {
		return p, nil
	}
	raw, err := os.ReadFile(path) //nolint:gosec // the operator's own file
	if err != nil {
		return nil, fmt.Errorf("read the principals: %w", err)
	}
	if p.table, err = parsePrincipals(raw); err != nil {
		return nil, fmt.Errorf("read the principals in %s: %w", path, err)
	}
	p.raw = raw
	return p, nil
}

// current is the table of now.
func (p *Principals) current() map[string]members {
	if p.path == "" {
		return p.table
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	raw, err := os.ReadFile(p.path)
	if err != nil {
		p.reject(nil, err)
		return p.table
	}
	if bytes.Equal(raw, p.raw) && (p.raw != nil || !p.bad) {
		return p.table
	}
	table, err := parsePrincipals(raw)
	if err != nil {
		p.reject(raw, err)
		return p.table
	}
	p.raw, p.bad, p.table = raw, false, table
	p.log.Info("the principals were read again", "path", p.path, "principals", len(table))
	return table
}

// reject logs a file that cannot be used, once for each content.
func (p *Principals) reject(raw []byte, err error) {
	if p.bad && bytes.Equal(raw, p.raw) {
		return
	}
	p.raw, p.bad = raw, true
	p.log.Error("the principals cannot be read; those read before are kept", "path", p.path, "error", err)
}

func parsePrincipals(raw []byte) (map[string]members, error) {
	var nodes map[string]yaml.Node
	if err := yaml.Unmarshal(raw, &nodes); err != nil {
		return nil, err
	}
	table := make(map[string]members, len(nodes))
	for name, node := range nodes {
		m, err := parseMembers(&node)
		if err != nil {
			return nil, fmt.Errorf("line %d: %s: %w", node.Line, name, err)
		}
		key := normal(name)
		if _, twice := table[key]; twice {
			return nil, fmt.Errorf("line %d: %s: it is there twice", node.Line, name)
		}
		table[key] = m
	}
	return table, nil
}

var errOneOf = errors.New("must be an email address, a list of them, or {airbyteGroup: NAME}")

func parseMembers(node *yaml.Node) (members, error) {
	var m members
	switch node.Kind {
	case yaml.ScalarNode:
		m.emails = []string{node.Value}
	case yaml.SequenceNode:
		m.emails = []string{}
		if err := node.Decode(&m.emails); err != nil {
			return m, errors.New("must be a list of email addresses")
		}
	case yaml.MappingNode:
		var group struct {
			Name string `yaml:"airbyteGroup"`
		}
		if err := node.Decode(&group); err != nil || group.Name == "" || len(node.Content) != 2 {
			return m, errOneOf
		}
		return members{group: group.Name}, nil
	default:
		return m, errOneOf
	}
	for i, email := range m.emails {
		m.emails[i] = strings.TrimSpace(email)
		if !isEmail(m.emails[i]) {
			return m, fmt.Errorf("%q is no email address", email)
		}
	}
	return m, nil
}

// principal is a ref and what it stands for.
type principal struct {
	ref    string
	index  int // among the refs of the request
	emails []string
	// group is the name of the group in Airbyte that it stands for, instead of emails.
	group string
	// problem is why it stands for nothing; empty where it does.
	problem string
}

const (
	userPrefix  = "user:"
	groupPrefix = "group:"
)

// normal is the form in which identities are compared.
func normal(name string) string { return strings.ToLower(strings.TrimSpace(name)) }

// resolve translates refs, each once, by the table of now.
func (p *Principals) resolve(refs []string) []principal {
	table := p.current()
	all := make([]principal, 0, len(refs))
	for i, ref := range refs {
		if !slices.Contains(refs[:i], ref) {
			all = append(all, resolve(table, ref))
			all[len(all)-1].index = i
		}
	}
	return all
}

func resolve(table map[string]members, ref string) principal {
	found := principal{ref: ref}
	name := normal(ref)
	m, known := lookUp(table, name)
	switch {
	case known && m.group != "":
		found.group = m.group
	case known:
		found.emails = m.emails
	case strings.HasPrefix(name, groupPrefix):
		found.problem = "is a group that the principals table does not map to users"
	default:
		email, ok := emailOf(strings.TrimPrefix(name, userPrefix))
		if !ok {
			found.problem = "is neither in the principals table nor a user written as name.surname_company.com"
			break
		}
		found.emails = []string{email}
	}
	return found
}

// lookUp finds a name in the table, where either may have a prefix or not.
func lookUp(table map[string]members, name string) (members, bool) {
	keys := []string{name, userPrefix + name, groupPrefix + name}
	for _, prefix := range []string{userPrefix, groupPrefix} {
		if bare, cut := strings.CutPrefix(name, prefix); cut {
			keys = []string{name, bare}
		}
	}
	for _, key := range keys {
		if m, ok := table[key]; ok {
			return m, true
		}
	}
	return members{}, false
}

// emailOf reads a user's name as an address: its last underscore stands for @.
func emailOf(name string) (string, bool) {
	if at := strings.LastIndex(name, "_"); at > 0 && !strings.Contains(name, "@") {
		name = name[:at] + "@" + name[at+1:]
	}
	return name, isEmail(name)
}

// isEmail reports whether the text is a bare address, without a display name.
func isEmail(text string) bool {
	address, err := mail.ParseAddress(text)
	return err == nil && address.Name == "" && address.Address == text
}
