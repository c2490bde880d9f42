package catalog

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"airbyte-provisioner/internal/workload"
)

func TestSecretStore(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	write(t, outside, "FOREIGN", "out of bounds")
	dir := filepath.Join(outside, "secrets")
	if err := os.MkdirAll(filepath.Join(dir, "..data"), 0o700); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"PLAIN": "value", "NEWLINE": "value\n", "WINDOWS": "value\r\n", "LINES": "a\nb\n\n", "BOTH": "file", "EMPTY": "", "BINARY": "\xff\x00\x01", "HUGE": strings.Repeat("x", maxSecretBytes+1)} {
		write(t, dir, name, text)
	}
	write(t, filepath.Join(dir, "..data"), "MOUNTED", "as Kubernetes does it")
	for link, target := range map[string]string{"MOUNTED": filepath.Join("..data", "MOUNTED"), "FOREIGN": filepath.Join("..", "FOREIGN")} {
		if err := os.Symlink(target, filepath.Join(dir, link)); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]string{"SECRET_BOTH": "variable", "SECRET_VARIABLE": "variable", "OTHER": "no secret"}
	store, err := NewSecretStore(SecretOptions{Dir: dir, Prefix: "SECRET_", Lookup: func(name string) (string, bool) {
		value, ok := variables[name]
		return value, ok
	}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	for name, test := range map[string]struct{ reason, want, message string }{
		"PLAIN":       {reason: "a file", want: "value"},
		"NEWLINE":     {reason: "editors end files with one", want: "value"},
		"WINDOWS":     {reason: "and other editors with two characters", want: "value"},
		"LINES":       {reason: "only one line end is the editor's", want: "a\nb\n"},
		"MOUNTED":     {reason: "Kubernetes mounts files as links within the directory", want: "as Kubernetes does it"},
		"BOTH":        {reason: "the file wins over the variable", want: "file"},
		"VARIABLE":    {reason: "a variable with the prefix", want: "variable"},
		"EMPTY":       {reason: "an empty file is an empty secret", want: ""},
		"OTHER":       {reason: "a variable without the prefix is none", message: `The secret "OTHER" does not exist.`},
		"MISSING":     {reason: "neither", message: `The secret "MISSING" does not exist.`},
		"FOREIGN":     {reason: "a link out of the directory is not followed", message: `The secret "FOREIGN" cannot be read.`},
		"..data":      {reason: "a name does not begin with a dot", message: `The secret name "..data" is not valid.`},
		"../FOREIGN":  {reason: "a name is no path", message: `The secret name "../FOREIGN" is not valid.`},
		"/etc/passwd": {reason: "nor an absolute one", message: `The secret name "/etc/passwd" is not valid.`},
		"HUGE":        {reason: "no secret is that long", message: `The secret "HUGE" cannot be read.`},
		"BINARY":      {reason: "JSON cannot hold it as it is", message: `The secret "BINARY" cannot be read.`},
		"":            {reason: "a name is needed", message: `The secret name "" is not valid.`},
	} {
		value, err := store.Resolve(context.Background(), name, SecretUser{})
		switch {
		case test.message == "" && (err != nil || value != test.want):
			t.Errorf("%s (%s): %q, %v", name, test.reason, value, err)
		case test.message != "" && (err == nil || err.Error() != test.message || workload.AsFailure(err).Code != workload.CodeSecret || value != ""):
			t.Errorf("%s (%s): %q, %v", name, test.reason, value, err)
		}
	}
	write(t, dir, "PLAIN", "rotated")
	if value, err := store.Resolve(context.Background(), "PLAIN", SecretUser{}); err != nil || value != "rotated" {
		t.Errorf("after a rotation: %q, %v", value, err)
	}
}

func TestWhoMayUseASecret(t *testing.T) {
	t.Parallel()
	rules := []SecretRule{
		{Secrets: []string{"SHARED"}},
		{Secrets: []string{"FIN_*", "secret_coordinate::fin_*"}, Domains: []string{"finance", "risk*"}},
		{Secrets: []string{"ALL"}, DataProducts: []string{"*"}}, // of any name
		{Secrets: []string{"ONE"}, Domains: []string{"sales"}, DataProducts: []string{"Orders", "urn:dmb:dp:sales:returns:1"}},
	}
	user := func(domain, product, id string) SecretUser {
		return SecretUser{Domain: domain, DataProduct: product, ID: id}
	}
	for name, test := range map[string]struct {
		rules  []SecretRule
		secret string
		user   SecretUser
		want   bool
	}{
		"without a mapping every name resolves":     {nil, "ANY", user("a", "b", "c"), true},
		"with an empty one nothing does":            {[]SecretRule{}, "ANY", user("a", "b", "c"), false},
		"a secret for all":                          {rules, "SHARED", user("a", "b", "c"), true},
		"a secret of no rule":                       {rules, "OTHER", user("finance", "b", "c"), false},
		"a domain's":                                {rules, "FIN_DB", user("Finance", "b", "c"), true},
		"by a pattern of domains":                   {rules, "FIN_DB", user("risk-eu", "b", "c"), true},
		"another domain's":                          {rules, "FIN_DB", user("sales", "b", "c"), false},
		"a reference of Airbyte's for all":          {nil, "secret_coordinate::airbyte_1", user("a", "b", "c"), true},
		"a reference of Airbyte's, of a domain":     {rules, "secret_coordinate::fin_1", user("finance", "b", "c"), true},
		"a reference of Airbyte's, of another":      {rules, "secret_coordinate::fin_1", user("sales", "b", ""), false},
		"any text, slashes too":                     {rules, "ALL", user("", "orders/returns", ""), true},
		"no domain":                                 {rules, "FIN_DB", user("", "", ""), false},
		"a data product's by name":                  {rules, "ONE", user("sales", "orders", "c"), true},
		"a data product's by id":                    {rules, "ONE", user("sales", "x", "URN:dmb:dp:sales:returns:1"), true},
		"another data product's":                    {rules, "ONE", user("sales", "stock", "c"), false},
		"a data product of that name elsewhere":     {rules, "ONE", user("hr", "Orders", "c"), false},
		"the operator's own reference is not asked": {rules, "OTHER", SecretUser{Operator: true}, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			store, err := NewSecretStore(SecretOptions{Allow: test.rules, Lookup: func(string) (string, bool) { return "hunter2", true }})
			if err != nil {
				t.Fatal(err)
			}
			value, err := store.Resolve(context.Background(), test.secret, test.user)
			if got := err == nil && (value == "hunter2" || value == test.secret && isCoordinate(value)); got != test.want {
				t.Errorf("allowed is %t: %v", got, err)
			}
			if err != nil && (workload.AsFailure(err).Code != workload.CodeSecret || !strings.Contains(err.Error(), test.secret)) {
				t.Errorf("the error is %v", err)
			}
		})
	}
}

func TestBadSecretOptions(t *testing.T) {
	t.Parallel()
	for name, options := range map[string]SecretOptions{
		"no directory":           {Dir: filepath.Join(t.TempDir(), "nowhere")},
		"a rule without secrets": {Allow: []SecretRule{{Domains: []string{"a"}}}},
		"a bad pattern":          {Allow: []SecretRule{{Secrets: []string{"[a"}}}},
	} {
		if _, err := NewSecretStore(options); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func TestSealer(t *testing.T) {
	t.Parallel()
	sealer, err := NewSealer("a key of some length")
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewSealer("another key of some length")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"", "hunter2", strings.Repeat("long ", 5000), "}${secret:A}"} {
		sealed := sealer.Seal(text)
		if !isSealed(sealed) || text != "" && strings.Contains(sealed, text) {
			t.Errorf("%.20q is sealed as %.40q", text, sealed)
		}
		if opened, err := sealer.Open(sealed); err != nil || opened != text {
			t.Errorf("%.20q was opened as %.20q, %v", text, opened, err)
		}
		if _, err := other.Open(sealed); err == nil {
			t.Error("another key opens it")
		}
	}
	if sealer.Seal("a") == sealer.Seal("b") {
		t.Error("two texts are sealed alike")
	}
	// With one nonce for two texts, whoever reads both learns how they differ.
	const nonce = len(sealedPrefix) + 16 // 12 bytes in base64
	if sealer.Seal("a")[:nonce] == sealer.Seal("b")[:nonce] {
		t.Error("two texts have one nonce")
	}
	for _, bad := range []string{"${sealed:}", "${sealed:!!}", "${sealed:AAAA}", sealer.Seal("a")[:30] + "A}"} {
		if _, err := sealer.Open(bad); err == nil {
			t.Errorf("%q was opened", bad)
		}
	}
	if _, err := (*Sealer)(nil).Open(sealer.Seal("a")); err == nil {
		t.Error("no key opens it")
	}
	if _, err := NewSealer("short"); err == nil {
		t.Error("a short key was accepted")
	}
}
