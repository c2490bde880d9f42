package config

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRules(t *testing.T) {
	t.Parallel()
	got := load(t, `
secrets:
  allow:
    - secrets: ["sales-*", shared]
      domains: Sales
    - {secrets: "*.pem", dataProducts: ["urn:dmb:dp:sales:orders:*"]}
`).Secrets.Allow
	want := []Rule{
		{Secrets: []string{"sales-*", "shared"}, Domains: []string{"Sales"}},
		{Secrets: []string{"*.pem"}, DataProducts: []string{"urn:dmb:dp:sales:orders:*"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if got := load(t, "").Secrets.Allow; got != nil {
		t.Errorf("without rules everything resolves: got %v", got)
	}
	if got := load(t, "secrets: {allow: []}").Secrets.Allow; got == nil || len(got) != 0 {
		t.Errorf("an empty list allows nothing: got %v", got)
	}
}

func TestVariables(t *testing.T) {
	t.Parallel()
	environ := []string{"SECRET_db=one", "SECRET_db=two", "SECRET_empty=", "MY_x=mine", "PATH=/bin"}
	for _, test := range []struct {
		reason, prefix, name, want string
		ok                         bool
	}{
		{"with the usual prefix, the last of two", "SECRET_", "SECRET_db", "two", true},
		{"an empty one is there", "SECRET_", "SECRET_empty", "", true},
		{"another prefix", "MY_", "MY_x", "mine", true},
		{"only with the prefix", "MY_", "SECRET_db", "", false},
		{"nothing else of the environment", "SECRET_", "PATH", "", false},
		{"unknown", "SECRET_", "SECRET_gone", "", false},
	} {
		secrets := load(t, "", append(environ, "SECRETS_ENV_PREFIX="+test.prefix)...).Secrets
		if got, ok := secrets.Variable(test.name); got != test.want || ok != test.ok {
			t.Errorf("%s: got %q, %v", test.reason, got, ok)
		}
	}
}
