package airbyte

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestConcealed has Airbyte repeat what it was sent, in every form and place.
func TestConcealed(t *testing.T) {
	t.Parallel()
	const secret = "line one of it\nline two \"quoted\""
	quoted, err := json.Marshal(secret)
	if err != nil {
		t.Fatal(err)
	}
	nested, err := json.Marshal("refused: " + string(quoted))
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", maxMessage-8)
	cases := []struct {
		name, body, reason string
		status             int
	}{
		{"message", `{"message":` + string(quoted) + `}`, "as it is", 422},
		{"escaped", `{"message":` + string(nested) + `}`, "as JSON within JSON", 422},
		{"cut", `{"message":"` + long + string(quoted[1:]) + `}`, "where the message is cut, no part may stay", 422},
		{"plain", "line one of it", "a line of it alone, as text", 500},
		{"job", `{"jobInfo":{"id":"1","succeeded":false,"failureReason":{"failureType":"config_error","externalMessage":` + string(quoted) + `}}}`, "in a failed job", 200},
		{"check", `{"status":"failed","message":` + string(quoted) + `,"jobInfo":{"succeeded":true}}`, "in a failed check", 200},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(c.status)
				_, _ = w.Write([]byte(c.body))
			}))
			defer server.Close()
			client, err := New(Options{BaseURL: server.URL})
			if err != nil {
				t.Fatal(err)
			}
			secrets := &Concealed{}
			secrets.Add("", secret)
			err = client.Concealing(secrets).CheckActor(t.Context(), Actor{Kind: Source, Configuration: map[string]any{"password": secret}})
			if err == nil {
				t.Fatal("no error")
			}
			for _, part := range []string{"line one", "line two", "quoted"} {
				if strings.Contains(err.Error(), part) {
					t.Errorf("%s: the error shows %q: %v", c.reason, part, err)
				}
			}
			if !strings.Contains(err.Error(), "***") {
				t.Errorf("%s: the error does not show that something was taken out: %v", c.reason, err)
			}
		})
	}
}
