package catalog_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/catalog"
)

func TestMasked(t *testing.T) {
	t.Parallel()
	configuration := map[string]any{
		"host": "db.example.com", "port": 5432, "ssl": true, "nothing": nil,
		"password":      "${secret:DB_PASSWORD}",
		"passphrase":    "literal ${secret:A}${secret:B} literal",
		"client_secret": "literal",
		"api_token":     12345,
		"private_key":   "${sealed:AAAA}",
		"note":          "${sealed:BBBB}",
		"url":           "https://me:literal@example.com/x?y=1 and ftp://you:${secret:FTP}@example.com",
		"credentials":   map[string]any{"auth_type": "key", "hmac_key_secret": "literal", "users": []any{"a", map[string]any{"passphrase": "literal"}}},
		"tokens":        []any{"literal", "${secret:T}"},
		"token_url":     "https://example.com/token",
		"empty_secret":  "",
	}
	want := map[string]any{
		"host": "db.example.com", "port": 5432, "ssl": true, "nothing": nil,
		"password":      "${secret:DB_PASSWORD}",
		"passphrase":    "***${secret:A}${secret:B}***",
		"client_secret": "***",
		"api_token":     "***",
		"private_key":   "${sealed:...}",
		"note":          "${sealed:...}",
		"url":           "https://me:***@example.com/x?y=1 and ftp://you:${secret:FTP}@example.com",
		"credentials":   map[string]any{"auth_type": "key", "hmac_key_secret": "***", "users": []any{"a", map[string]any{"passphrase": "***"}}},
		"tokens":        []any{"***", "${secret:T}"},
		"token_url":     "https://example.com/token",
		"empty_secret":  "",
	}
	if diff := cmp.Diff(want, catalog.Masked(configuration)); diff != "" {
		t.Errorf("masked (-want +got):\n%s", diff)
	}
	if configuration["client_secret"] != "literal" {
		t.Error("the configuration itself was changed")
	}
	if catalog.Masked(nil) != nil {
		t.Error("no configuration became one")
	}
}
