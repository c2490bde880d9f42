package httpapi_test

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"

	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/workload"
)

var (
	aclBody     = `{"refs":["user:jane.doe_example.com"],"provisionInfo":{"request":"componentIdToProvision: urn:dmb:cmp:a:b:0:c","result":""}}`
	reverseBody = `{"useCaseTemplateId":"urn:dmb:utm:airbyte:0.0.0","environment":"production","params":{"connectionName":"a"},"catalogInfo":null}`
)

// submissions are the routes that answer a token, with a good body for each.
func submissions(t *testing.T) map[string]struct {
	body string
	kind workload.Kind
} {
	t.Helper()
	return map[string]struct {
		body string
		kind workload.Kind
	}{
		"/v1/provision":            {provisioning(t), workload.Provision},
		"/v1/unprovision":          {provisioning(t), workload.Unprovision},
		"/v2/validate":             {provisioning(t), workload.Validate},
		"/v1/updateacl":            {aclBody, workload.UpdateACL},
		"/v1/reverse-provisioning": {reverseBody, workload.Reverse},
	}
}

func TestSubmissionAnswersToken(t *testing.T) {
	t.Parallel()
	for path, submission := range submissions(t) {
		for _, prefix := range []string{"", basePath} {
			t.Run(prefix+path, func(t *testing.T) {
				t.Parallel()
				a := start(t)
				w := a.post(prefix+path, submission.body)
				if w.Code != http.StatusAccepted || w.Header().Get("Content-Type") != "text/plain; charset=utf-8" {
					t.Fatalf("got %d %s: %s", w.Code, w.Header().Get("Content-Type"), w.Body)
				}
				if _, err := uuid.Parse(w.Body.String()); err != nil {
					t.Errorf("the token %q is not raw text: %v", w.Body, err)
				}
				orders := a.store.accepted()
				if len(orders) != 1 || orders[0].Kind != submission.kind {
					t.Errorf("orders are %+v, want one of kind %s", orders, submission.kind)
				}
			})
		}
	}
}

func TestTokenAsJSON(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *httpapi.Options) { o.JSONToken = true })
	w := a.post("/v1/provision", provisioning(t))
	if w.Code != http.StatusAccepted || w.Header().Get("Content-Type") != "application/json" {
		t.Fatalf("got %d %s", w.Code, w.Header().Get("Content-Type"))
	}
	if _, err := uuid.Parse(read[string](t, w)); err != nil {
		t.Error(err)
	}
}

func TestSubmissionRefusesBadDescriptor(t *testing.T) {
	t.Parallel()
	bad := body(t, map[string]any{"descriptorKind": "COMPONENT_DESCRIPTOR", "descriptor": "dataProduct: {}", "removeData": true})
	for _, path := range []string{"/v1/provision", "/v1/unprovision", "/v2/validate"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			w := a.post(path, bad)
			got := read[requestError](t, w)
			if w.Code != http.StatusBadRequest || got.InputErrorField != "componentIdToProvision" {
				t.Errorf("got %d %+v", w.Code, got)
			}
			if diff := cmp.Diff([]string{"componentIdToProvision: is missing"}, got.MoreInfo.Problems); diff != "" {
				t.Error(diff)
			}
			if diff := cmp.Diff(got.MoreInfo.Problems, got.Errors); diff != "" {
				t.Error(diff)
			}
			if len(a.store.accepted()) != 0 {
				t.Error("it was queued all the same")
			}
		})
	}
}

func TestRemoveDataIsPassedOn(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{`,"removeData":true`: true, `,"removeData":false`: false, `,"removeData":null`: false, ``: false} {
		a := start(t)
		w := a.post("/v1/unprovision", `{"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"componentIdToProvision: a"`+text+`}`)
		if w.Code != http.StatusAccepted {
			t.Fatalf("%q: %d %s", text, w.Code, w.Body)
		}
		if got := a.store.accepted()[0].Work.RemoveData; got != want {
			t.Errorf("%q is read as %t", text, got)
		}
	}
}

func TestValidate(t *testing.T) {
	t.Parallel()
	type result struct {
		Valid bool
		Error *struct{ Errors []string }
	}
	a := start(t)
	a.store.broken = errors.New("validate must not ask the store")

	w := a.post("/v1/validate", provisioning(t))
	if got := read[result](t, w); w.Code != http.StatusOK || !got.Valid || got.Error != nil {
		t.Errorf("a good descriptor: %d %s", w.Code, w.Body)
	}
	w = a.post("/v1/validate", `{"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"a: b"}`)
	if got := read[result](t, w); w.Code != http.StatusOK || got.Valid || !cmp.Equal(got.Error.Errors, []string{"componentIdToProvision: is missing"}) {
		t.Errorf("a bad descriptor: %d %s", w.Code, w.Body)
	}
}

func TestStatusAndTerminationOfUnknownTokens(t *testing.T) {
	t.Parallel()
	known := uuid.NewString() // that is asked for in another spelling
	tokens := map[string]string{
		"never handed out": uuid.NewString(),
		"not a token":      "42",
		"braces":           "{" + known + "}",
		"a URN":            "urn:uuid:" + known,
		"without dashes":   strings.ReplaceAll(known, "-", ""),
		"very long":        strings.Repeat("a", 10_000),
		"escaped":          "%00%2e%2e%2f",
		"quoted":           "%22" + known + "%22",
	}
	for name, token := range tokens {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			a.store.put(workload.Status{Token: known, Kind: workload.Provision, State: workload.Completed})
			for _, w := range []*httptest.ResponseRecorder{
				a.get("/v1/provision/" + token + "/status"), a.get("/v2/validate/" + token + "/status"),
				a.get("/v1/reverse-provisioning/" + token + "/status"), a.remove("/v1/provision/" + token),
			} {
				if got := read[requestError](t, w); w.Code != http.StatusBadRequest || len(got.Errors) == 0 || len(got.MoreInfo.Solutions) == 0 {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
			}
		})
	}
}

func TestTokenAtAnotherRoute(t *testing.T) {
	t.Parallel()
	a := start(t)
	for kind, right := range map[workload.Kind]string{
		workload.Provision: "/v1/provision/", workload.Unprovision: "/v1/provision/", workload.UpdateACL: "/v1/provision/",
		workload.Validate: "/v2/validate/", workload.Reverse: "/v1/reverse-provisioning/",
	} {
		token := a.store.put(workload.Status{Kind: kind, State: workload.Running})
		for _, route := range []string{"/v1/provision/", "/v2/validate/", "/v1/reverse-provisioning/"} {
			w := a.get(route + token + "/status")
			want := http.StatusBadRequest
			if route == right {
				want = http.StatusOK
			}
			if w.Code != want {
				t.Errorf("%s at %s: %d %s", kind, route, w.Code, w.Body)
			}
			if want == http.StatusBadRequest && !strings.Contains(w.Body.String(), right+"{token}/status") {
				t.Errorf("%s at %s is not told where to ask: %s", kind, route, w.Body)
			}
		}
	}
}

func TestTerminate(t *testing.T) {
	t.Parallel()
	a := start(t)
	cases := map[string]struct {
		status workload.Status
		code   int
		state  string
	}{
		"waits: it ends at once":     {workload.Status{Kind: workload.Provision, State: workload.Running}, http.StatusOK, "TERMINATED"},
		"runs: it will end":          {workload.Status{Kind: workload.Provision, State: workload.Running, Attempts: 1}, http.StatusAccepted, ""},
		"is about to end already":    {workload.Status{Kind: workload.Unprovision, State: workload.Terminating, Attempts: 1}, http.StatusAccepted, ""},
		"is complete and stays so":   {workload.Status{Kind: workload.UpdateACL, State: workload.Completed}, http.StatusOK, "COMPLETED"},
		"has failed and stays so":    {workload.Status{Kind: workload.Provision, State: workload.Failed}, http.StatusOK, "FAILED"},
		"a validation has no DELETE": {workload.Status{Kind: workload.Validate, State: workload.Running}, http.StatusBadRequest, ""},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := a.remove("/v1/provision/" + a.store.put(c.status))
			if w.Code != c.code {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			if c.code == http.StatusAccepted && w.Body.Len() > 0 {
				t.Errorf("a 202 has the body %q", w.Body)
			}
			if c.state != "" {
				if got := read[map[string]any](t, w)["status"]; got != c.state {
					t.Errorf("status is %v", got)
				}
			}
		})
	}
}

func TestNotImplemented(t *testing.T) {
	t.Parallel()
	a := start(t, func(o *httpapi.Options) { o.Kinds = nil })
	token := uuid.NewString()
	for _, r := range []*http.Request{
		post("/v2/validate", provisioning(t)), post("/v1/updateacl", aclBody), post("/v1/reverse-provisioning", reverseBody),
		httptest.NewRequest(http.MethodGet, "/v2/validate/"+token+"/status", nil),
		httptest.NewRequest(http.MethodGet, "/v1/reverse-provisioning/"+token+"/status", nil),
	} {
		w := a.do(r)
		if got := read[systemError](t, w); w.Code != http.StatusInternalServerError || !strings.Contains(got.UserMessage, "not implemented") {
			t.Errorf("%s: %d %s", r.URL.Path, w.Code, w.Body)
		}
	}
	if len(a.store.accepted()) != 0 {
		t.Error("something was queued")
	}
	a.store.broken = &workload.Failure{Code: workload.CodeUnsupported, Message: "Operations cannot be terminated here."}
	if w := a.remove("/v1/provision/" + token); w.Code != http.StatusNotImplemented {
		t.Errorf("DELETE: %d %s", w.Code, w.Body)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	a := start(t)
	for name, c := range map[string]struct {
		method, path string
		code         int
		allow        string
	}{
		"nothing there":           {http.MethodGet, "/v3/provision", http.StatusNotFound, ""},
		"the root":                {http.MethodGet, "/", http.StatusNotFound, ""},
		"no token":                {http.MethodDelete, "/v1/provision/", http.StatusNotFound, ""},
		"below another prefix":    {http.MethodPost, "/other/v1/provision", http.StatusNotFound, ""},
		"health under the prefix": {http.MethodGet, basePath + "/healthz", http.StatusNotFound, ""},
		"GET where POST is":       {http.MethodGet, "/v1/provision", http.StatusMethodNotAllowed, "POST"},
		"POST where GET is":       {http.MethodPost, "/v1/provision/" + uuid.NewString() + "/status", http.StatusMethodNotAllowed, "GET"},
		"GET where DELETE is":     {http.MethodGet, "/v1/provision/" + uuid.NewString(), http.StatusMethodNotAllowed, "DELETE"},
		"OPTIONS":                 {http.MethodOptions, "/v1/validate", http.StatusMethodNotAllowed, "POST"},
		"a method of no standard": {"BREW", "/v1/validate", http.StatusMethodNotAllowed, "POST"},
		"no metrics configured":   {http.MethodGet, "/metrics", http.StatusNotFound, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := a.do(httptest.NewRequest(c.method, c.path, nil))
			if got := read[requestError](t, w); w.Code != c.code || got.UserMessage == "" {
				t.Errorf("got %d %s", w.Code, w.Body)
			}
			if w.Header().Get("Allow") != c.allow {
				t.Errorf("Allow is %q", w.Header().Get("Allow"))
			}
		})
	}
}
