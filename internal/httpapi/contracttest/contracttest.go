// Package contracttest checks answers of the API against the API's own OpenAPI
// document. It is for tests: those of httpapi, and those of whole programs.
package contracttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"

	"airbyte-provisioner/internal/httpapi"
)

// Checker holds the parsed document. It may be used by many goroutines.
type Checker struct {
	document *openapi3.T
	router   routers.Router
	basePath string
}

// New returns a checker for a server that answers under the root and, unless it
// is empty, under basePath too.
func New(basePath string) (*Checker, error) {
	document, err := openapi3.NewLoader().LoadFromData(httpapi.Document())
	if err != nil {
		return nil, fmt.Errorf("load document: %w", err)
	}
	if err := document.Validate(context.Background()); err != nil {
		return nil, fmt.Errorf("the document is no valid OpenAPI: %w", err)
	}
	if basePath != "" {
		document.Servers = append(document.Servers, &openapi3.Server{URL: basePath})
	}
	// The document lets objects grow, as the contract does. What the API answers
	// today must all be in it.
	for _, schema := range document.Components.Schemas {
		if len(schema.Value.Properties) > 0 {
			schema.Value.AdditionalProperties = openapi3.AdditionalProperties{Has: new(false)}
		}
	}
	router, err := gorillamux.NewRouter(document)
	if err != nil {
		return nil, fmt.Errorf("route document: %w", err)
	}
	return &Checker{document: document, router: router, basePath: basePath}, nil
}

// Check returns an error if the answer to a request is not in the document:
// its status, its media type or its body. The response's body is read and
// put back.
func (c *Checker) Check(request *http.Request, response *http.Response) error {
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return fmt.Errorf("read answer: %w", err)
	}
	_ = response.Body.Close()
	response.Body = io.NopCloser(bytes.NewReader(body))
	if err := c.check(request, response, body); err != nil {
		return fmt.Errorf("%s %s answered %d %q: %w", request.Method, request.URL.Path, response.StatusCode, body, err)
	}
	return nil
}

func (c *Checker) check(request *http.Request, response *http.Response, body []byte) error {
	route, parameters, err := c.router.FindRoute(request)
	switch {
	case errors.Is(err, routers.ErrPathNotFound):
		return c.transport(response, body, http.StatusNotFound)
	case errors.Is(err, routers.ErrMethodNotAllowed):
		// 404 too: not every path of the document exists everywhere.
		return c.transport(response, body, http.StatusMethodNotAllowed, http.StatusNotFound)
	case err != nil:
		return err
	case route.Server.URL == c.basePath && !slices.Contains(route.Operation.Tags, "Tech Adapter"):
		return c.transport(response, body, http.StatusNotFound) // only the contract has the prefix
	}
	if documented := route.Operation.Responses.Status(response.StatusCode); documented != nil && len(documented.Value.Content) == 0 && len(body) > 0 {
		return errors.New("a body where the document has none")
	}
	return openapi3filter.ValidateResponse(request.Context(), &openapi3filter.ResponseValidationInput{
		RequestValidationInput: &openapi3filter.RequestValidationInput{
			Request: request, PathParams: parameters, Route: route,
		},
		Status: response.StatusCode,
		Header: response.Header,
		Body:   io.NopCloser(bytes.NewReader(body)),
		Options: &openapi3filter.Options{
			IncludeResponseStatus: true,
			MultiError:            true,
			ExcludeResponseBody:   route.Path == "/docs", // HTML has no schema
		},
	})
}

// transport checks an answer for which OpenAPI has no place: there is no
// operation, and so no list of its responses.
func (c *Checker) transport(response *http.Response, body []byte, expected ...int) error {
	expected = append(expected, http.StatusUnauthorized, http.StatusTooManyRequests)
	if !slices.Contains(expected, response.StatusCode) {
		return fmt.Errorf("the status is none of %v", expected)
	}
	if response.Request != nil && response.Request.Method == http.MethodHead {
		return nil
	}
	return c.Body("RequestValidationError", body)
}

// Body returns an error unless a JSON text is valid against one of the document's schemas.
func (c *Checker) Body(schema string, body []byte) error {
	ref, ok := c.document.Components.Schemas[schema]
	if !ok {
		return fmt.Errorf("the document has no schema %s", schema)
	}
	var value any
	if err := json.Unmarshal(body, &value); err != nil {
		return fmt.Errorf("the body is no JSON: %w", err)
	}
	return ref.Value.VisitJSON(value)
}

// Transport returns a round tripper that checks every answer and reports those
// that are not in the document. Where next is nil, http.DefaultTransport sends the requests.
func (c *Checker) Transport(next http.RoundTripper, report func(error)) http.RoundTripper {
	if next == nil {
		next = http.DefaultTransport
	}
	return &transport{checker: c, next: next, report: report}
}

type transport struct {
	checker *Checker
	next    http.RoundTripper
	report  func(error)
}

// RoundTrip implements http.RoundTripper.
func (t *transport) RoundTrip(request *http.Request) (*http.Response, error) {
	response, err := t.next.RoundTrip(request)
	if err != nil {
		return nil, err
	}
	if err := t.checker.Check(request, response); err != nil {
		t.report(err)
	}
	return response, nil
}
