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

// A message may hold a secret in the form of whoever wrote it, and one secret within another.
func TestConcealForms(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		secrets []string
		message string
		want    string
	}{
		"one begins with another, the shorter first":    {[]string{"hunter2", "hunter2-and-more"}, "hunter2-and-more, hunter2", "***, ***"},
		"one begins with another, the longer first":     {[]string{"hunter2-and-more", "hunter2"}, "hunter2-and-more, hunter2", "***, ***"},
		"a line of one is a part of another":            {[]string{"first line\nsecond line", "my second line of all"}, "my second line of all", "***"},
		"JSON as Go writes it":                          {[]string{`a"b<c>&d`}, `{"password":"a\"b\u003cc\u003e\u0026d"}`, `{"password":"***"}`},
		"JSON as others write it":                       {[]string{`a"b<c>&d`}, `{"password":"a\"b<c>&d"}`, `{"password":"***"}`},
		"JSON with slashes escaped":                     {[]string{"a/b\"c"}, `{"password":"a\/b\"c"}`, `{"password":"***"}`},
		"a parameter of a URL":                          {[]string{"p@ss word/1"}, "jdbc:x?password=p%40ss+word%2F1", "jdbc:x?password=***"},
		"a parameter of a URL, blanks as others do":     {[]string{"p@ss word/1"}, "jdbc:x?password=p%40ss%20word%2F1", "jdbc:x?password=***"},
		"percent signs with small letters":              {[]string{"p@ss/1?x"}, "jdbc:x?password=p%40ss%2f1%3fx", "jdbc:x?password=***"},
		"before the host of a URL":                      {[]string{"p@ss:w/1$"}, "https://me:p%40ss%3Aw%2F1$@host", "https://me:***@host"},
		"a key whose lines a message puts in one row":   {[]string{"-----BEGIN\nMIIEvgIBADANBg\nkqhkiG9w0BAQEF\n-----END"}, "bad key MIIEvgIBADANBg kqhkiG9w0BAQEF", "bad key *** ***"},
		"the ends of a key are no secret by themselves": {[]string{"long enough a line\nabc"}, "abc of long enough a line", "abc of ***"},
		"an empty one":                                  {[]string{""}, "as it is", "as it is"},
		"nothing":                                       {nil, "as it is", "as it is"},
		"not there":                                     {[]string{"secret"}, "as it is", "as it is"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			secrets := &Concealed{}
			secrets.Add(test.secrets...)
			if got := secrets.conceal(test.message); got != test.want {
				t.Errorf("%q shows as %q, want %q", test.message, got, test.want)
			}
		})
	}
}

// What a job says of its failure is as safe to show as an error.
func TestJobsConceal(t *testing.T) {
	t.Parallel()
	attempt := `{"failureSummary":{"failures":[{"externalMessage":"client-geheim ` + strings.Repeat("x", maxMessage-30) + ` hunter2-and-more"}]}}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		job := `{"id":1,"configType":"clear","configId":"c","status":"failed"}`
		switch {
		case strings.HasSuffix(r.URL.Path, "jobs/list"):
			_, _ = w.Write([]byte(`{"jobs":[{"job":` + job + `,"attempts":[` + attempt + `]}]}`))
		default:
			_, _ = w.Write([]byte(`{"job":` + job + `,"attempts":[{"attempt":` + attempt + `}]}`))
		}
	}))
	defer server.Close()
	client, err := New(Options{BaseURL: server.URL, Auth: Auth{Username: "me", Password: "client-geheim"}})
	if err != nil {
		t.Fatal(err)
	}
	secrets := &Concealed{}
	secrets.Add("hunter2-and-more")
	client = client.Concealing(secrets)
	one, err := client.GetJob(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	listed, err := client.ListJobs(t.Context(), JobFilter{ConnectionID: "c"})
	if err != nil || len(listed) != 1 {
		t.Fatal(listed, err)
	}
	for how, job := range map[string]Job{"read": one, "listed": listed[0]} {
		if job.Message == "" || strings.Contains(job.Message, "hunt") || strings.Contains(job.Message, "geheim") {
			t.Errorf("the job that was %s shows %q", how, job.Message)
		}
	}
}
