package httpapi_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/workload"
)

// TestBadProvisioningBodies sends each body to the four routes that take a
// ProvisioningRequest: a 400 with the problems, or a 200 at /v1/validate.
func TestBadProvisioningBodies(t *testing.T) {
	t.Parallel()
	const kind = `"descriptorKind":"COMPONENT_DESCRIPTOR"`
	cases := map[string]struct {
		body     string
		problems []string
		field    string
	}{
		"nothing":       {"", []string{"The body is empty; a JSON object is expected."}, ""},
		"blanks":        {" \n\t", []string{"The body is empty; a JSON object is expected."}, ""},
		"not JSON":      {"descriptor: x", []string{"The body is not one JSON value: invalid character 'd' looking for beginning of value at byte 1."}, ""},
		"cut off":       {`{"descriptor": "x`, []string{"The body is not one JSON value: unexpected end of JSON input at byte 17."}, ""},
		"trailing text": {`{"a":1} x`, []string{"The body is not one JSON value: invalid character 'x' after top-level value at byte 9."}, ""},
		"two objects":   {`{} {}`, []string{"The body is not one JSON value: invalid character '{' after top-level value at byte 4."}, ""},
		"invalid UTF-8": {"{\"descriptor\":\"\xff\"}", []string{"The body is not valid UTF-8; JSON is always UTF-8."}, ""},
		"a string":      {`"x"`, []string{"The body must be a JSON object, but is a string."}, ""},
		"an array":      {`[{}]`, []string{"The body must be a JSON object, but is an array."}, ""},
		"null":          {`null`, []string{"The body must be a JSON object, but is null."}, ""},
		"a number":      {` 1 `, []string{"The body must be a JSON object, but is a number."}, ""},
		"an empty object": {
			`{}`, []string{"descriptorKind: is missing; a string is expected", "descriptor: is missing; a string is expected"}, "",
		},
		"nulls": {
			`{"descriptorKind":null,"descriptor":null,"removeData":null,"latestEnrichedDescriptor":null}`,
			[]string{"descriptorKind: is missing; a string is expected", "descriptor: is missing; a string is expected"},
			"",
		},
		"wrong types": {
			`{"descriptorKind":1,"descriptor":{"dataProduct":{}},"removeData":"true","latestEnrichedDescriptor":[]}`,
			[]string{
				"descriptorKind: must be a string, but is a number", "descriptor: must be a string, but is an object",
				"latestEnrichedDescriptor: must be a string, but is an array", "removeData: must be true or false, but is a string",
			},
			"",
		},
		"an unknown kind": {
			`{"descriptorKind":"component","descriptor":"x"}`,
			[]string{"descriptorKind: must be one of COMPONENT_DESCRIPTOR, DATAPRODUCT_DESCRIPTOR, DATAPRODUCT_DESCRIPTOR_WITH_RESULTS"},
			"descriptorKind",
		},
		"an empty descriptor": {`{` + kind + `,"descriptor":" \n"}`, []string{"descriptor: is empty"}, "descriptor"},
		"another case of a name": {
			`{"DescriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"x"}`, []string{"descriptorKind: is missing; a string is expected"}, "descriptorKind",
		},
		"a name twice":              {`{` + kind + `,"descriptor":"a: b","descriptor":"c: d"}`, []string{"descriptor: is there more than once"}, "descriptor"},
		"a name twice, one escaped": {`{` + kind + `,"descriptor":"a: b","\u0064escriptor":"c: d"}`, []string{"descriptor: is there more than once"}, "descriptor"},
		"an unknown name twice":     {`{` + kind + `,"descriptor":"a: b","x":1,"x":2}`, []string{"x: is there more than once"}, "x"},
		"a very long name twice": {
			`{` + kind + `,"descriptor":"a: b","` + strings.Repeat("x", 500) + `":1,"` + strings.Repeat("x", 500) + `":2}`,
			[]string{strings.Repeat("x", 64) + "…: is there more than once"},
			strings.Repeat("x", 64) + "…",
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			for _, path := range []string{"/v1/provision", "/v1/unprovision", "/v2/validate"} {
				w := a.post(path, c.body)
				got := read[requestError](t, w)
				if w.Code != http.StatusBadRequest || got.InputErrorField != c.field {
					t.Errorf("%s: got %d %s", path, w.Code, w.Body)
				}
				if diff := cmp.Diff(c.problems, got.MoreInfo.Problems); diff != "" {
					t.Errorf("%s: %s", path, diff)
				}
				if len(got.MoreInfo.Solutions) < 2 {
					t.Errorf("%s: solutions are %q", path, got.MoreInfo.Solutions)
				}
			}
			w := a.post("/v1/validate", c.body)
			got := read[struct {
				Valid bool
				Error struct{ Errors []string }
			}](t, w)
			if w.Code != http.StatusOK || got.Valid {
				t.Errorf("/v1/validate: got %d %s", w.Code, w.Body)
			}
			if diff := cmp.Diff(c.problems, got.Error.Errors); diff != "" {
				t.Errorf("/v1/validate: %s", diff)
			}
			if len(a.store.accepted()) != 0 {
				t.Error("something was queued")
			}
		})
	}
}

func TestGoodBodies(t *testing.T) {
	t.Parallel()
	const required = `"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"componentIdToProvision: a"`
	cases := map[string]struct {
		body string
		want httpapi.ProvisioningRequest
	}{
		"no optional fields":        {`{` + required + `}`, httpapi.ProvisioningRequest{}},
		"latest is null":            {`{` + required + `,"latestEnrichedDescriptor":null}`, httpapi.ProvisioningRequest{}},
		"latest is empty":           {`{` + required + `,"latestEnrichedDescriptor":""}`, httpapi.ProvisioningRequest{}},
		"everything":                {`{` + required + `,"latestEnrichedDescriptor":"b: c","removeData":true}`, httpapi.ProvisioningRequest{LatestEnrichedDescriptor: "b: c", RemoveData: true}},
		"unknown fields":            {`{"new":{"a":[1,{"b":"}\"]"}],"c":null},"n":-1.5e3,"t":true,` + required + `,"last":"x"}`, httpapi.ProvisioningRequest{}},
		"blanks everywhere":         {" {\n\t\"a\" : [ ] ,\r\n" + required + " , \"removeData\" : true } \n", httpapi.ProvisioningRequest{RemoveData: true}},
		"escapes":                   {`{` + required + `,"latestEnrichedDescriptor":"\"\\\/\b\f\n\r\t\u00e4\ud83d\ude00"}`, httpapi.ProvisioningRequest{LatestEnrichedDescriptor: "\"\\/\b\f\n\r\tä😀"}},
		"another kind of the three": {`{"descriptor":"componentIdToProvision: a","descriptorKind":"DATAPRODUCT_DESCRIPTOR"}`, httpapi.ProvisioningRequest{DescriptorKind: "DATAPRODUCT_DESCRIPTOR"}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var got httpapi.ProvisioningRequest
			a := start(t, func(o *httpapi.Options) {
				o.Parse = func(kind workload.Kind, r httpapi.ProvisioningRequest) (workload.Work, *workload.Failure) {
					got = r
					return parse(kind, r)
				}
			})
			if w := a.post("/v1/provision", c.body); w.Code != http.StatusAccepted {
				t.Fatalf("got %d %s", w.Code, w.Body)
			}
			want := c.want
			want.Descriptor = "componentIdToProvision: a"
			if want.DescriptorKind == "" {
				want.DescriptorKind = "COMPONENT_DESCRIPTOR"
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestUpdateACLBodies(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		body     string
		problems []string // nil: it is accepted
	}{
		"empty list revokes all": {`{"refs":[],"provisionInfo":{"request":"componentIdToProvision: a","result":"ok"}}`, nil},
		"all fields":             {`{"refs":["user:a"],"provisionInfo":{"request":"componentIdToProvision: a","result":"","more":1},"accessControlFields":{"reason":"x"}}`, nil},
		"fields null":            {`{"refs":["user:a"],"provisionInfo":{"request":"componentIdToProvision: a","result":""},"accessControlFields":null}`, nil},
		"nothing":                {`{}`, []string{"refs: is missing; an array of strings is expected", "provisionInfo: is missing; an object is expected"}},
		"wrong types": {
			`{"refs":"user:a","provisionInfo":"x","accessControlFields":[]}`,
			[]string{"refs: must be an array of strings, but is a string", "provisionInfo: must be an object, but is a string", "accessControlFields: must be an object, but is an array"},
		},
		"wrong elements": {
			`{"refs":["user:a",1,null,["b"]],"provisionInfo":{"result":null}}`,
			[]string{
				"refs[1]: must be a string, but is a number", "refs[2]: must be a string, but is null", "refs[3]: must be a string, but is an array",
				"provisionInfo.request: is missing; a string is expected", "provisionInfo.result: is missing; a string is expected",
			},
		},
		"a name twice inside": {
			`{"refs":[],"provisionInfo":{"request":"a","request":"componentIdToProvision: a","result":""}}`,
			[]string{"provisionInfo.request: is there more than once"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			w := a.post("/v1/updateacl", c.body)
			if c.problems == nil {
				if w.Code != http.StatusAccepted {
					t.Errorf("got %d %s", w.Code, w.Body)
				}
				return
			}
			if w.Code != http.StatusBadRequest {
				t.Errorf("got %d", w.Code)
			}
			if diff := cmp.Diff(c.problems, read[requestError](t, w).MoreInfo.Problems); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestReverseBodies(t *testing.T) {
	t.Parallel()
	a := start(t)
	for text, want := range map[string]int{
		reverseBody: http.StatusAccepted,
		`{"useCaseTemplateId":"a","environment":"b"}`:             http.StatusAccepted,
		`{"useCaseTemplateId":"","environment":"b"}`:              http.StatusBadRequest,
		`{"environment":"b"}`:                                     http.StatusBadRequest,
		`{"useCaseTemplateId":"a","environment":"b","params":[]}`: http.StatusBadRequest,
	} {
		if w := a.post("/v1/reverse-provisioning", text); w.Code != want {
			t.Errorf("%s: got %d %s", text, w.Code, w.Body)
		}
	}
}

func TestBodyLimit(t *testing.T) {
	t.Parallel()
	const limit = 1000
	padded := func(size int) string {
		const head = `{"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"componentIdToProvision: a`
		return head + strings.Repeat(" ", size-len(head)-len(`"}`)) + `"}`
	}
	a := start(t, func(o *httpapi.Options) { o.MaxBody = limit })
	unannounced := func(path, body string) *http.Request {
		r := post(path, body)
		r.ContentLength = -1
		return r
	}
	for name, send := range map[string]func(path, body string) *http.Request{"announced": post, "unannounced": unannounced} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if w := a.do(send("/v1/provision", padded(limit))); w.Code != http.StatusAccepted {
				t.Errorf("at the limit: %d %s", w.Code, w.Body)
			}
			w := a.do(send("/v1/provision", padded(limit+1)))
			if got := read[requestError](t, w); w.Code != http.StatusRequestEntityTooLarge || !strings.Contains(got.UserMessage, strconv.Itoa(limit)) {
				t.Errorf("over the limit: %d %s", w.Code, w.Body)
			}
			w = a.do(send("/v1/validate", padded(limit+1)))
			if got := read[map[string]any](t, w); w.Code != http.StatusOK || got["valid"] != false {
				t.Errorf("over the limit at validate: %d %s", w.Code, w.Body)
			}
		})
	}
}

// TestHugeBodyIsNotRead sees that a body that never ends is left alone some time after the limit.
func TestHugeBodyIsNotRead(t *testing.T) {
	t.Parallel()
	a := start(t)
	endless := &counting{}
	r := httptest.NewRequest(http.MethodPost, "/v1/provision", endless)
	r.Header.Set("Content-Type", "application/json")
	if w := a.do(r); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("got %d %s", w.Code, w.Body)
	}
	if endless.read > 6*httpapi.DefaultMaxBody {
		t.Errorf("%d bytes were read", endless.read)
	}
}

// counting is a body of blanks without end.
type counting struct{ read int }

func (c *counting) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = ' '
	}
	c.read += len(p)
	return len(p), nil
}

func TestDeepBody(t *testing.T) {
	t.Parallel()
	a := start(t)
	deep := `{"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"componentIdToProvision: a","x":` + strings.Repeat("[", 1<<20) + strings.Repeat("]", 1<<20) + `}`
	if w := a.post("/v1/provision", deep); w.Code != http.StatusBadRequest || !strings.Contains(w.Body.String(), "exceeded max depth") {
		t.Errorf("got %d %.300s", w.Code, w.Body)
	}
}

func TestBrokenBody(t *testing.T) {
	t.Parallel()
	a := start(t)
	for name, err := range map[string]error{"ends too early": io.ErrUnexpectedEOF, "connection lost": errors.New("read tcp: reset")} {
		r := httptest.NewRequest(http.MethodPost, "/v1/provision", io.MultiReader(strings.NewReader(`{"descriptor`), failing{err}))
		r.Header.Set("Content-Type", "application/json")
		if w := a.do(r); w.Code != http.StatusBadRequest || strings.Contains(w.Body.String(), "tcp") {
			t.Errorf("%s: got %d %s", name, w.Code, w.Body)
		}
	}
}

type failing struct{ err error }

func (f failing) Read([]byte) (int, error) { return 0, f.err }

func TestMediaTypes(t *testing.T) {
	t.Parallel()
	cases := map[string]struct {
		header map[string]string
		code   int
	}{
		"JSON":                       {map[string]string{"Content-Type": "application/json"}, http.StatusAccepted},
		"JSON in capitals":           {map[string]string{"Content-Type": "Application/JSON"}, http.StatusAccepted},
		"with a charset":             {map[string]string{"Content-Type": "application/json; charset=utf-8"}, http.StatusAccepted},
		"with any charset parameter": {map[string]string{"Content-Type": `application/json;charset="ISO-8859-1"`}, http.StatusAccepted},
		"none said":                  {nil, http.StatusAccepted},
		"not encoded":                {map[string]string{"Content-Encoding": "identity"}, http.StatusAccepted},
		"plain text":                 {map[string]string{"Content-Type": "text/plain"}, http.StatusUnsupportedMediaType},
		"YAML":                       {map[string]string{"Content-Type": "application/yaml"}, http.StatusUnsupportedMediaType},
		"a form":                     {map[string]string{"Content-Type": "application/x-www-form-urlencoded"}, http.StatusUnsupportedMediaType},
		"no type at all":             {map[string]string{"Content-Type": "; charset=utf-8"}, http.StatusUnsupportedMediaType},
		"compressed":                 {map[string]string{"Content-Type": "application/json", "Content-Encoding": "gzip"}, http.StatusUnsupportedMediaType},
		"none said, by a page":       {map[string]string{"Origin": "https://elsewhere.example"}, http.StatusUnsupportedMediaType},
		"none said, by a browser":    {map[string]string{"Sec-Fetch-Site": "cross-site"}, http.StatusUnsupportedMediaType},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			a := start(t)
			for _, path := range []string{"/v1/provision", "/v1/validate"} {
				r := httptest.NewRequest(http.MethodPost, path, strings.NewReader(provisioning(t)))
				for key, value := range c.header {
					r.Header.Set(key, value)
				}
				want := c.code
				if path == "/v1/validate" && want == http.StatusAccepted {
					want = http.StatusOK
				}
				if w := a.do(r); w.Code != want {
					t.Errorf("%s: got %d %s", path, w.Code, w.Body)
				}
			}
		})
	}
}
