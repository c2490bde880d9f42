package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// client speaks the Tech Adapter contract.
type client struct {
	server, token string
	http          *http.Client
}

func newClient(server, token string) *client {
	return &client{
		server: strings.TrimRight(server, "/"), token: token,
		http: &http.Client{
			Timeout: 30 * time.Second,
			// A redirect would carry the token and a body to where nobody meant to send them.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// refusal is an answer of the API that is no success.
type refusal struct {
	status    int
	message   string
	problems  []string
	solutions []string
}

func (r *refusal) Error() string { return r.message }

// passing reports whether the same question may be answered later.
func (r *refusal) passing() bool {
	return r.status >= http.StatusInternalServerError || r.status == http.StatusTooManyRequests
}

// request is the contract's ProvisioningRequest.
type request struct {
	DescriptorKind           string `json:"descriptorKind"`
	Descriptor               string `json:"descriptor"`
	LatestEnrichedDescriptor string `json:"latestEnrichedDescriptor,omitempty"`
	RemoveData               bool   `json:"removeData"`
}

// status is the contract's ProvisioningStatus or ValidationStatus.
type status struct {
	Status string `json:"status"`
	Result string `json:"result"`
	Info   struct {
		Public  json.RawMessage `json:"publicInfo"` // entries, or a validation's result
		Private map[string]any  `json:"privateInfo"`
	} `json:"info"`
	Logs []logLine `json:"logs"`
}

type logLine struct {
	Time    time.Time `json:"timestamp"`
	Level   string    `json:"level"`
	Phase   string    `json:"phase"`
	Message string    `json:"message"`
}

// terminal reports whether the status is final.
func (s status) terminal() bool {
	return s.Status == "COMPLETED" || s.Status == "FAILED" || s.Status == "TERMINATED"
}

// verdict is the contract's ValidationResult.
type verdict struct {
	Valid bool `json:"valid"`
	Error struct {
		Errors []string `json:"errors"`
	} `json:"error"`
}

// validate asks for a check that is answered at once.
func (c *client) validate(ctx context.Context, r request) (verdict, error) {
	var v verdict
	body, _, err := c.do(ctx, http.MethodPost, "/v1/validate", r)
	if err != nil {
		return v, err
	}
	return v, understand(body, &v)
}

// submit sends a descriptor and returns the token of what was begun.
func (c *client) submit(ctx context.Context, path string, r request) (string, error) {
	body, mediaType, err := c.do(ctx, http.MethodPost, path, r)
	if err != nil {
		return "", err
	}
	token := string(bytes.TrimSpace(body))
	if mediaType == "application/json" {
		if err := understand(body, &token); err != nil {
			return "", err
		}
	}
	if token == "" || len(token) > 200 || strings.ContainsFunc(token, func(r rune) bool { return r <= ' ' || r > '~' || r == '<' || r == '>' }) {
		return "", errors.New("the answer holds no token: is -server the provisioner's address?")
	}
	return token, nil
}

// status asks how a token stands.
func (c *client) status(ctx context.Context, path string) (status, error) {
	var s status
	body, _, err := c.do(ctx, http.MethodGet, path, nil)
	if err != nil {
		return s, err
	}
	return s, understand(body, &s)
}

// terminate asks for the end of an operation.
func (c *client) terminate(ctx context.Context, token string) error {
	_, _, err := c.do(ctx, http.MethodDelete, "/v1/provision/"+url.PathEscape(token), nil)
	return err
}

// do sends one request and returns the body and media type of a success.
func (c *client) do(ctx context.Context, method, path string, body any) ([]byte, string, error) {
	var sent io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return nil, "", err
		}
		sent = bytes.NewReader(text)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.server+path, sent)
	if err != nil {
		return nil, "", err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "provisionctl")
	if c.token != "" {
		r.Header.Set("Authorization", "Bearer "+c.token)
	}
	response, err := c.http.Do(r)
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = response.Body.Close() }()
	const most = 64 << 20
	answer, err := io.ReadAll(io.LimitReader(response.Body, most))
	if err != nil {
		return nil, "", err
	}
	mediaType, _, _ := mime.ParseMediaType(response.Header.Get("Content-Type"))
	if response.StatusCode/100 != 2 {
		return nil, "", refused(response.StatusCode, answer)
	}
	return answer, mediaType, nil
}

// refused reads a RequestValidationError or a SystemError, or what a proxy has put in its place.
func refused(code int, body []byte) *refusal {
	var told struct {
		Error       string   `json:"error"`
		Errors      []string `json:"errors"`
		UserMessage string   `json:"userMessage"`
		MoreInfo    struct {
			Problems  []string `json:"problems"`
			Solutions []string `json:"solutions"`
		} `json:"moreInfo"`
	}
	r := &refusal{status: code}
	if json.Unmarshal(body, &told) != nil || told.UserMessage+told.Error == "" && len(told.Errors) == 0 {
		r.message = fmt.Sprintf("The server answered %d %s.", code, http.StatusText(code))
		r.solutions = []string{"See that -server is the provisioner's address, with its base path if it has one."}
		return r
	}
	r.message, r.problems, r.solutions = told.UserMessage, told.MoreInfo.Problems, told.MoreInfo.Solutions
	if r.message == "" {
		r.message = told.Error
	}
	if len(r.problems) == 0 {
		r.problems = told.Errors
	}
	return r
}

// understand parses a success.
func understand(body []byte, into any) error {
	if err := json.Unmarshal(body, into); err != nil {
		return fmt.Errorf("the answer is not what the contract says: %w", err)
	}
	return nil
}
