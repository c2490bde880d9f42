package httpapi_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/descriptor"
	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/reverse"
	"airbyte-provisioner/internal/workload"
)

// TestAnyRequest sends whatever HTTP allows: any method, path, header and body.
// No answer is a 5xx, for nothing here can fail, and none is outside the document.
func TestAnyRequest(t *testing.T) {
	t.Parallel()
	a := start(t, realParse(t))
	guardedAPI := guarded(t)
	var tokens []string
	for _, kind := range allKinds {
		for _, state := range []workload.State{workload.Running, workload.Terminating, workload.Completed, workload.Failed, workload.Terminated} {
			tokens = append(tokens, a.store.put(workload.Status{Kind: kind, State: state, Attempts: 1}))
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		r := anyRequest(tokens).Draw(rt, "request")
		under := rapid.SampledFrom([]*api{a, a, a, a, guardedAPI}).Draw(rt, "api")
		w := httptest.NewRecorder()
		under.server.ServeHTTP(w, r)
		response := w.Result()
		response.Request = r
		if w.Code >= http.StatusInternalServerError {
			rt.Errorf("%s %s: %d %s\n%s", r.Method, r.URL, w.Code, w.Body, under.log)
		}
		if err := under.checker.Check(r, response); err != nil {
			rt.Error(err)
		}
	})
}

// realParse puts the product's own descriptor parser behind the API.
func realParse(t *testing.T) func(*httpapi.Options) {
	t.Helper()
	connectors, err := catalog.Load("")
	if err != nil {
		t.Fatal(err)
	}
	return func(o *httpapi.Options) {
		o.Parse = func(kind workload.Kind, r httpapi.ProvisioningRequest) (workload.Work, *workload.Failure) {
			return descriptor.Parse(descriptor.Request{
				Kind: kind, DescriptorKind: r.DescriptorKind, Descriptor: r.Descriptor,
				LatestEnrichedDescriptor: r.LatestEnrichedDescriptor, RemoveData: r.RemoveData,
			}, connectors)
		}
		o.ParseAccess = func(r httpapi.UpdateACLRequest) (workload.Work, *workload.Failure) {
			return descriptor.Parse(descriptor.Request{Kind: workload.UpdateACL, Descriptor: r.Request}, connectors)
		}
		o.ParseReverse = func(r httpapi.ReverseRequest) (workload.Work, *workload.Failure) {
			return reverse.Parse(r.Environment, r.Params, r.CatalogInfo)
		}
	}
}

// anyRequest draws requests of which many are nearly right: only those get past the first check.
func anyRequest(tokens []string) *rapid.Generator[*http.Request] {
	return rapid.Custom(func(t *rapid.T) *http.Request {
		target := anyPath(tokens).Draw(t, "path")
		method := rapid.SampledFrom([]string{"POST", "GET", "DELETE", "PUT", "HEAD", "OPTIONS", "TRACE", "CONNECT", "PATCH", "BREW"}).Draw(t, "method")
		if rapid.IntRange(0, 4).Draw(t, "right method") > 0 {
			method = methodOf(target.Path)
		}
		r := &http.Request{
			Method: method, URL: target, Header: anyHeader().Draw(t, "header"),
			Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Host: "provisioner", RemoteAddr: "192.0.2.1:1",
		}
		text := anyBody().Draw(t, "body")
		r = r.WithContext(t.Context())
		r.Body = http.NoBody
		if text != "" {
			r.Body = httptest.NewRequest(http.MethodPost, "/", strings.NewReader(text)).Body
			r.ContentLength = rapid.SampledFrom([]int64{int64(len(text)), -1}).Draw(t, "length")
		}
		return r
	})
}

// methodOf is the method that a path of the document is asked with.
func methodOf(path string) string {
	switch {
	case strings.HasSuffix(path, "/status"):
		return http.MethodGet
	case strings.Contains(path, "/v1/provision/"):
		return http.MethodDelete
	case strings.Contains(path, "/v1/") || strings.Contains(path, "/v2/"):
		return http.MethodPost
	default:
		return http.MethodGet
	}
}

func anyPath(tokens []string) *rapid.Generator[*url.URL] {
	segment := rapid.OneOf(
		rapid.SampledFrom([]string{"v1", "v2", "provision", "validate", "status", "reverse-provisioning", "updateacl", "healthz", "docs", "..", ".", "", ":token", "*"}),
		rapid.SampledFrom(tokens), rapid.Just(uuid.NewString()), rapid.String(),
	)
	token := rapid.OneOf(rapid.SampledFrom(tokens), rapid.StringMatching(`[0-9a-f-]{1,40}`), rapid.StringN(1, 10, 20))
	submit := rapid.SampledFrom([]string{
		"/v1/validate", "/v2/validate", "/v1/provision", "/v1/unprovision", "/v1/updateacl", "/v1/reverse-provisioning",
	})
	return rapid.Custom(func(t *rapid.T) *url.URL {
		path := rapid.OneOf(
			submit, submit, submit,
			rapid.SampledFrom([]string{
				"/healthz", "/readyz", "/openapi.yaml", "/docs", "/metrics", "/",
			}),
			rapid.Map(token, func(s string) string { return "/v1/provision/" + s }),
			rapid.Map(token, func(s string) string { return "/v1/provision/" + s + "/status" }),
			rapid.Map(token, func(s string) string { return "/v2/validate/" + s + "/status" }),
			rapid.Map(token, func(s string) string { return "/v1/reverse-provisioning/" + s + "/status" }),
			rapid.Map(rapid.SliceOf(segment), func(s []string) string { return "/" + strings.Join(s, "/") }),
		).Draw(t, "path")
		if rapid.Bool().Draw(t, "prefixed") {
			path = basePath + path
		}
		u := &url.URL{Path: path, RawQuery: rapid.SampledFrom([]string{"", "a=b", "%zz;", "token=x"}).Draw(t, "query")}
		if rapid.Bool().Draw(t, "escaped") {
			u.RawPath = (&url.URL{Path: path}).EscapedPath()
		}
		return u
	})
}

func anyHeader() *rapid.Generator[http.Header] {
	return rapid.Custom(func(t *rapid.T) http.Header {
		h := make(http.Header)
		set := func(name string, values ...string) {
			if rapid.IntRange(0, 3).Draw(t, name) == 0 {
				h.Set(name, rapid.OneOf(rapid.SampledFrom(values), rapid.String()).Draw(t, name+" value"))
			}
		}
		h.Set("Content-Type", rapid.SampledFrom([]string{"application/json", "application/json", "application/json", "application/json; charset=x", "text/plain", ""}).Draw(t, "type"))
		set("Authorization", "Bearer "+right, "Bearer wrong", "Basic Og==")
		set("Traceid", "abc", "\x00", strings.Repeat("x", 5000))
		set("Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
		set("Content-Encoding", "gzip", "identity")
		set("Origin", "https://elsewhere.example")
		set("X-Forwarded-For", "1.2.3.4, 5.6.7.8")
		set("X-Http-Method-Override", "DELETE")
		set("Accept", "text/html", "application/xml")
		return h
	})
}

// anyBody draws bodies that are nothing, noise, any JSON, or nearly a request.
func anyBody() *rapid.Generator[string] {
	descriptorText := rapid.OneOf(
		rapid.Just(goodDescriptor), rapid.Just(workloadDescriptor), rapid.String(), rapid.SampledFrom([]string{"a: [", "&a [*a]", "componentIdToProvision: [1]", "- x", "\x00", "componentIdToProvision: 1"}),
	)
	return rapid.Custom(func(t *rapid.T) string {
		switch rapid.IntRange(0, 4).Draw(t, "body kind") {
		case 0:
			return rapid.OneOf(rapid.String(), rapid.Map(rapid.SliceOf(rapid.Byte()), func(b []byte) string { return string(b) })).Draw(t, "noise")
		case 1:
			return rendered(anyJSON(4).Draw(t, "JSON"))
		default:
			fields := map[string]any{}
			add := func(name string, good *rapid.Generator[any]) {
				switch rapid.IntRange(0, 9).Draw(t, name+" kind") {
				case 0:
				case 1:
					fields[name] = anyJSON(2).Draw(t, name+" any")
				default:
					fields[name] = good.Draw(t, name)
				}
			}
			add("descriptorKind", rapid.Just[any]("COMPONENT_DESCRIPTOR"))
			add("descriptor", descriptorText.AsAny())
			add("latestEnrichedDescriptor", descriptorText.AsAny())
			add("removeData", rapid.Bool().AsAny())
			add("refs", rapid.SliceOf(rapid.String()).AsAny())
			add("provisionInfo", rapid.Custom(func(t *rapid.T) any {
				return map[string]any{"request": descriptorText.Draw(t, "request"), "result": rapid.String().Draw(t, "result")}
			}))
			add("useCaseTemplateId", rapid.String().AsAny())
			add("environment", rapid.String().AsAny())
			add("params", rapid.Just[any](map[string]any{"connectionId": "x"}))
			return rendered(fields)
		}
	})
}

func anyJSON(depth int) *rapid.Generator[any] {
	leaf := rapid.OneOf(rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Float64Range(-1e300, 1e300).AsAny(), rapid.Int().AsAny(), rapid.String().AsAny())
	if depth == 0 {
		return leaf
	}
	inner := rapid.Deferred(func() *rapid.Generator[any] { return anyJSON(depth - 1) })
	return rapid.OneOf(leaf, rapid.SliceOfN(inner, 0, 4).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny())
}

func rendered(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return string(text)
}

// FuzzValidate looks for bodies that break the reader, with what go test -fuzz finds.
func FuzzValidate(f *testing.F) {
	for _, seed := range []string{`{"descriptorKind":"COMPONENT_DESCRIPTOR","descriptor":"a: b"}`, `{"a":{"b":[1,"\"]"]},"a":null}`, ``, `[`, `{"\u0000":"\ud800"}`} {
		f.Add([]byte(seed))
	}
	server, err := httpapi.New(optionsFor(f))
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		w := httptest.NewRecorder()
		server.ServeHTTP(w, post("/v1/validate", string(text)))
		if w.Code != http.StatusOK {
			t.Errorf("got %d %s", w.Code, w.Body)
		}
	})
}

// workloadDescriptor is a whole one, as the usual template writes it.
const workloadDescriptor = `
dataProduct:
  id: urn:dmb:dp:sales:orders:0
  name: Orders
  domain: sales
  environment: production
  version: 0.1.0
  components:
    - id: urn:dmb:cmp:sales:orders:0:ingestion
      name: Ingestion
      kind: workload
      specific:
        source: {name: File, connectionConfiguration: {dataset_name: orders, format: csv, url: "https://example.com/orders.csv", provider: {storage: HTTPS}}}
        destination: {name: Snowflake, connectionConfiguration: {database: SALES}}
        connection: {name: File <> Snowflake, dbtGitUrl: null}
componentIdToProvision: urn:dmb:cmp:sales:orders:0:ingestion
`
