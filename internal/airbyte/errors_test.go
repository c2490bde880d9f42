package airbyte_test

import (
	"net/http"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"airbyte-provisioner/internal/airbyte"
)

func TestClasses(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason    string
		status    int
		body      string
		class     airbyte.Class
		retryable bool
	}{
		{"request timeout", 408, ``, airbyte.ClassTimeout, true},
		{"too early", 425, ``, airbyte.ClassRateLimited, true},
		{"too many", 429, ``, airbyte.ClassRateLimited, true},
		{"opaque 500", 500, `{"errorId":"x"}`, airbyte.ClassServer, true},
		{"proxy: bad gateway", 502, `<html>`, airbyte.ClassServer, true},
		{"unavailable", 503, ``, airbyte.ClassServer, true},
		{"proxy: gateway timeout", 504, ``, airbyte.ClassServer, true},
		{"a proxy's own code", 524, ``, airbyte.ClassServer, true},
		{"locked, as a problem", 409, `{"status":409,"type":"error:connection/locked","title":"x","detail":"y"}`, airbyte.ClassLocked, true},
		{"locked, in words", 409, `{"message":"Connection is locked by another operation"}`, airbyte.ClassLocked, true},
		{"423", 423, ``, airbyte.ClassLocked, true},
		{"a running sync is another conflict", 409, `{"message":"A sync is already running for: 5"}`, airbyte.ClassConflict, false},
		{"a conflict about a block", 409, `{"message":"blocked by clocks"}`, airbyte.ClassConflict, false},
		{"a conflict without words", 409, ``, airbyte.ClassConflict, false},
		{"bad request", 400, ``, airbyte.ClassInvalid, false},
		{"unprocessable", 422, ``, airbyte.ClassInvalid, false},
		{"wrong method", 405, ``, airbyte.ClassInvalid, false},
		{"payment", 402, ``, airbyte.ClassInvalid, false},
		{"unauthorized without credentials", 401, ``, airbyte.ClassUnauthorized, false},
		{"forbidden", 403, ``, airbyte.ClassForbidden, false},
		{"not found", 404, ``, airbyte.ClassNotFound, false},
		{"moved", 301, ``, airbyte.ClassRedirect, false},
		{"to a login page", 302, ``, airbyte.ClassRedirect, false},
		{"not modified", 304, ``, airbyte.ClassRedirect, false},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			calls := 0
			client := serve(t, func(w http.ResponseWriter, r *http.Request) {
				calls++
				w.Header().Set("Location", "/elsewhere")
				says(test.status, "application/json", test.body)(w, r)
			})
			_, err := client.GetWorkspace(t.Context(), workspaceID)
			e := asError(t, err)
			if e.Class != test.class || e.Retryable != test.retryable || e.Status != test.status || e.Operation != "workspaces/get" {
				t.Errorf("got %+v", e)
			}
			if calls != 1 {
				t.Errorf("%d calls, want 1", calls)
			}
		})
	}
}

func TestMessages(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		reason      string
		contentType string
		body        string
		want        string
	}{
		{
			"known exception of an older server", "application/json",
			`{"message":"Could not find the source","exceptionClassName":"io.airbyte.X","exceptionStack":["a","b"],"rootCauseExceptionClassName":"java.lang.Y"}`,
			"Could not find the source",
		},
		{
			"the framework's nested form", "application/json",
			`{"message":"Bad Request","_embedded":{"errors":[{"message":"Invalid client"},{"message":"Try again"}]}}`,
			"Invalid client: Try again",
		},
		{"nested form with nothing inside", "application/json", `{"message":"Bad Request","_embedded":{"errors":[{}]}}`, "Bad Request"},
		{"nested form of another shape", "application/json", `{"message":"Bad Request","_embedded":[1]}`, "Bad Request"},
		{
			"a problem", "application/problem+json",
			`{"status":409,"type":"error:state-conflict","title":"State conflict","detail":"The request could not be done","documentationUrl":null,"data":{"message":"The connection is busy"}}`,
			"The request could not be done: The connection is busy",
		},
		{"a problem with a title only", "application/json", `{"type":"error:x","title":"Forbidden thing"}`, "Forbidden thing"},
		{"a problem whose data is a text", "application/json", `{"detail":"Not so","data":"text"}`, "Not so"},
		{"a problem that says the same twice", "application/json", `{"detail":"Not so","data":{"message":"Not so"}}`, "Not so"},
		{
			"invalid input: the offending value stays out", "application/json",
			`{"message":"Some properties contained invalid input","validationErrors":[{"propertyPath":"body.name","invalidValue":"hush","message":"must not be null"},{"message":"twice"}]}`,
			"body.name: must not be null: twice",
		},
		{"OAuth's form", "application/json", `{"error":"invalid_client","error_description":"Client unknown"}`, "Client unknown"},
		{"OAuth's short form", "application/json", `{"error":"invalid_client"}`, "invalid_client"},
		{"a message that is not a text", "application/json", `{"message":{"a":1}}`, ""},
		{"a page of a proxy", "text/html", `<html><h1>502 Bad Gateway</h1></html>`, ""},
		{"a page of a proxy that calls itself JSON", "application/json", "\n<html>502</html>", ""},
		{"plain text of a proxy", "text/plain", "upstream connect error\nmore", "upstream connect error"},
		{"a JSON text", "application/json", `"no such thing"`, "no such thing"},
		{"a JSON list", "application/json", `["x"]`, ""},
		{"cut JSON", "application/json", `{"message":"x`, ""},
		{"nothing", "", ``, ""},
		{
			"the connector's schema is cut off", "application/json",
			`{"message":"json schema validation failed when comparing the data to the json schema. \nErrors: $.port: required \nSchema: \n{\"secret\":1}"}`,
			"json schema validation failed when comparing the data to the json schema. Errors: $.port: required",
		},
		{"the schema on the same line", "application/json", `{"message":"Errors: $.x Schema: {\"a\":1}"}`, "Errors: $.x"},
		{"a word like it stays", "application/json", `{"message":"Schema: public is missing"}`, "Schema: public is missing"},
		{"a stack trace is cut off", "application/json", `{"message":"Boom\n\tat io.airbyte.Main.run(Main.kt:5)\n\tat x"}`, "Boom"},
		{"a cause is cut off", "application/json", `{"message":"Boom\nCaused by: java.lang.X: y"}`, "Boom"},
		{"control characters", "application/json", `{"message":"a\u0000b\u001b[31m  c\r\nd"}`, "a b [31m c d"},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			_, err := serve(t, says(http.StatusUnprocessableEntity, test.contentType, test.body)).GetWorkspace(t.Context(), workspaceID)
			if got := asError(t, err).Message; got != test.want {
				t.Errorf("got  %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestLongMessageIsCut(t *testing.T) {
	t.Parallel()
	_, err := serve(t, says(400, "application/json", `{"message":"`+strings.Repeat("ä", 5000)+`"}`)).GetWorkspace(t.Context(), workspaceID)
	if e := asError(t, err); utf8.RuneCountInString(e.Message) != 1000 || !strings.HasSuffix(e.Message, "ä…") {
		t.Errorf("%d runes: %s", utf8.RuneCountInString(e.Message), e.Message)
	}
}

func TestOpaqueErrorKeepsItsID(t *testing.T) {
	t.Parallel()
	_, err := serve(t, says(500, "application/json", `{"errorId":"0b5e9a0a-0000-4000-8000-000000000000"}`)).GetWorkspace(t.Context(), workspaceID)
	e := asError(t, err)
	if e.ErrorID != "0b5e9a0a-0000-4000-8000-000000000000" || e.Message != "" {
		t.Errorf("got %+v", e)
	}
	want := "Airbyte answered workspaces/get with 500 Internal Server Error (Airbyte's error id 0b5e9a0a-0000-4000-8000-000000000000)"
	if e.Error() != want {
		t.Errorf("got %q, want %q", e.Error(), want)
	}
}

func TestRetryAfter(t *testing.T) {
	t.Parallel()
	now := time.Date(2030, 5, 1, 12, 0, 0, 0, time.UTC)
	for _, test := range []struct {
		reason string
		status int
		value  string
		want   time.Duration
	}{
		{"seconds", 429, "7", 7 * time.Second},
		{"on a 503 too", 503, "7", 7 * time.Second},
		{"a fraction", 429, "0.5", 500 * time.Millisecond},
		{"a date", 429, now.Add(90 * time.Second).Format(http.TimeFormat), 90 * time.Second},
		{"a date that is over", 429, now.Add(-time.Hour).Format(http.TimeFormat), 0},
		{"absent, as on Cloud", 429, "", 0},
		{"nonsense", 429, "soon", 0},
		{"negative", 429, "-5", 0},
		{"not a number", 429, "NaN", 0},
		{"bounded", 429, "86400", 15 * time.Minute},
		{"infinite", 429, "Inf", 15 * time.Minute},
		{"a far date", 429, now.Add(24 * time.Hour).Format(http.TimeFormat), 15 * time.Minute},
		{"of no meaning on a permanent error", 400, "7", 0},
	} {
		t.Run(test.reason, func(t *testing.T) {
			t.Parallel()
			client := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Retry-After", test.value)
				w.WriteHeader(test.status)
			}, func(o *airbyte.Options) { o.Now = func() time.Time { return now } })
			_, err := client.GetWorkspace(t.Context(), workspaceID)
			if got := asError(t, err).RetryAfter; got != test.want {
				t.Errorf("got %v, want %v", got, test.want)
			}
		})
	}
}
