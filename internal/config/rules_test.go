package config

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestAllowed(t *testing.T) {
	t.Parallel()
	const rules = `
secrets:
  allow:
    - secrets: ["sales-*", shared]
      domains: Sales
    - secrets: one
      dataProducts: ["urn:dmb:dp:sales:orders:*", "urn:dmb:dp:hr:people:0"]
    - {secrets: "*.pem", domains: "fin*", dataProducts: "*ledger*"}
`
	for _, test := range []struct {
		reason           string
		yaml             string
		name, domain, id string
		want             bool
	}{
		{"without rules everything resolves", "", "any", "x", "y", true},
		{"an empty list allows nothing", "secrets: {allow: []}", "any", "x", "y", false},
		{"by pattern", rules, "sales-db", "sales", "p", true},
		{"by exact name, domain without case", rules, "shared", "SALES", "p", true},
		{"another domain", rules, "sales-db", "hr", "p", false},
		{"a name is compared with case", rules, "Sales-db", "sales", "p", false},
		{"a pattern matches the whole name", rules, "x-sales-db", "sales", "p", false},
		{"by data product, without case", rules, "one", "hr", "URN:dmb:dp:hr:people:0", true},
		{"by data product with a pattern", rules, "one", "sales", "urn:dmb:dp:sales:orders:1", true},
		{"another data product", rules, "one", "sales", "urn:dmb:dp:sales:returns:1", false},
		{"both must match", rules, "tls.pem", "finance", "urn:ledger:1", true},
		{"only the domain matches", rules, "tls.pem", "finance", "urn:books:1", false},
		{"only the data product matches", rules, "tls.pem", "sales", "urn:ledger:1", false},
		{"no rule names it", rules, "other", "sales", "p", false},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			if got := load(t, test.yaml).Secrets.Allowed(test.name, test.domain, test.id); got != test.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestPatterns(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		pattern, text string
		want          bool
	}{
		{"*", "", true},
		{"*", "a/b:c", true},
		{"a*", "a", true},
		{"a*a", "a", false},
		{"a*a", "aa", true},
		{"a*b*c", "a-b-c", true},
		{"a*b*c", "a-c-b", false},
		{"**", "x", true},
		{"a?c", "abc", false},
		{"[a]", "a", false},
	} {
		c := load(t, "secrets: {allow: [{secrets: '"+test.pattern+"'}]}")
		if got := c.Secrets.Allowed(test.text, "", ""); got != test.want {
			t.Errorf("%s on %s: got %v", test.pattern, test.text, got)
		}
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	outside := write(t, "outside", "of the directory")
	dir := t.TempDir()
	for name, content := range map[string]string{"db": "from file\n", "both": "file", "a.b-c_1": "odd name"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// As Kubernetes mounts secrets: links within the directory.
	if err := os.MkdirAll(filepath.Join(dir, "..2030"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "..2030", "mounted"), []byte("linked"), 0o600); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"..data": "..2030", "mounted": "..data/mounted", "escape": outside} {
		if err := os.Symlink(to, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	environ := []string{"SECRET_both=environment", "SECRET_only-env=e", "SECRET_=nameless", "OTHER=x", "MY_x=prefixed"}
	with := load(t, "", append(environ, "SECRETS_DIR="+dir)...).Secrets
	without := load(t, "", environ...).Secrets
	mine := load(t, "", append(environ, "SECRETS_ENV_PREFIX=MY_")...).Secrets
	for _, test := range []struct {
		reason  string
		secrets Secrets
		name    string
		want    string // empty: there is none
		say     string
	}{
		{"from a file, without its line end", with, "db", "from file", ""},
		{"a file counts more than a variable", with, "both", "file", ""},
		{"from a variable", with, "only-env", "e", ""},
		{"any letter of a name", with, "a.b-c_1", "odd name", ""},
		{"through links within the directory", with, "mounted", "linked", ""},
		{"not through a link out of it", with, "escape", "", ""},
		{"a variable without a directory", without, "both", "environment", ""},
		{"another prefix", mine, "x", "prefixed", ""},
		{"another prefix only", mine, "both", "", "MY_both"},
		{"nowhere", with, "gone", "", "neither the file " + filepath.Join(dir, "gone") + " nor the variable SECRET_gone is there"},
		{"nowhere, without a directory", without, "gone", "", "the variable SECRET_gone is not set"},
		{"out of the directory", with, "../outside", "", "not a secret's name"},
		{"hidden", with, "..data", "", "not a secret's name"},
		{"no name", with, "", "", "not a secret's name"},
		{"the directory itself", with, "..2030/mounted", "", "not a secret's name"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			got, err := test.secrets.Lookup(test.name)
			if got.Reveal() != test.want || (err != nil) != (test.want == "") {
				t.Errorf("got %q, %v", got.Reveal(), err)
			}
			if test.say != "" && (!errors.Is(err, ErrNoSecret) || !strings.Contains(err.Error(), test.say)) {
				t.Errorf("got %v, want %q", err, test.say)
			}
		})
	}
}
