package airbyte

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync"
	"time"
)

// Options configure a client.
type Options struct {
	// BaseURL is where the Configuration API answers, with or without /api/v1.
	BaseURL string
	// Auth holds the credentials; its zero value sends none.
	Auth Auth
	// Timeout bounds one HTTP call, reading the answer included. Zero means ten minutes.
	Timeout time.Duration
	// MaxBody is the largest answer that is read, in bytes. Zero means 32 MiB.
	// The listing of a workspace's connections, which is never held whole, may be 32 times as large.
	MaxBody int64
	// Observe is told of every HTTP call that was sent, for metrics: the API's
	// path (such as "sources/create"), the class of its outcome and how long it took.
	Observe func(operation string, class Class, took time.Duration)
	// Header gives further headers for one call, such as a trace id. They are not changed.
	Header func(context.Context) http.Header
	// Transport replaces the client's own transport.
	Transport http.RoundTripper
	// Now is the clock by which tokens age. Nil means time.Now.
	Now func() time.Time
}

const (
	defaultTimeout = 10 * time.Minute
	defaultMaxBody = 32 << 20
	userAgent      = "airbyte-provisioner"
)

// Client calls one Airbyte. It is safe for concurrent use.
type Client struct {
	*connector
	guard     func() error
	concealed *Concealed // nil conceals nothing
}

// connector is what a client and its guarded copies share.
type connector struct {
	options Options
	base    url.URL // its path ends in /api/v1/
	tokens  *tokens // nil without client credentials
}

// New returns a client, or an error that says what is wrong with the base URL
// or the credentials. It sends nothing.
func New(options Options) (*Client, error) {
	base, err := apiBase(options.BaseURL)
	if err != nil {
		return nil, err
	}
	if err := options.Auth.check(); err != nil {
		return nil, err
	}
	if options.Timeout <= 0 {
		options.Timeout = defaultTimeout
	}
	if options.MaxBody <= 0 {
		options.MaxBody = defaultMaxBody
	}
	if options.Now == nil {
		options.Now = time.Now
	}
	if options.Transport == nil {
		options.Transport = NewTransport()
	}
	shared := &connector{options: options, base: *base}
	if options.Auth.ClientID != "" {
		shared.tokens = &tokens{}
	}
	return &Client{connector: shared}, nil
}

// Guarded returns a client that shares everything with c but asks the guard
// before each HTTP call, token renewals and further pages included. When the
// guard returns an error, nothing is sent and the call returns that error as it is.
func (c *Client) Guarded(guard func() error) *Client {
	return &Client{connector: c.connector, guard: guard, concealed: c.concealed}
}

// answer is a decoded 200 that can tell whether it holds what it must.
type answer[T any] interface {
	*T
	// verify returns errLacks for a part that is missing, or the failure that the answer tells of.
	verify(operation string) error
}

// post calls an operation and returns its verified answer.
func post[T any, P answer[T]](ctx context.Context, c *Client, operation string, body any) (T, error) {
	return call[T, P](ctx, c, http.MethodPost, operation, body)
}

// call is post with any method.
func call[T any, P answer[T]](ctx context.Context, c *Client, method, operation string, body any) (T, error) {
	var out T
	err := c.exchange(ctx, method, operation, body, func(from io.Reader) error {
		if err := decode(from, &out); err != nil {
			return err
		}
		return P(&out).verify(operation)
	})
	if err != nil {
		var none T
		return none, err
	}
	return out, nil
}

// texts holds the buffers in which answers are read: growing one for each would
// take as long as a good part of the decoding.
//
//nolint:gochecknoglobals // a cache of memory
var texts = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// maxText is how large a buffer may be to be kept, in bytes.
const maxText = 256 << 10

// decode reads exactly one JSON value. What is decoded does not refer to the text.
func decode(from io.Reader, to any) error {
	text, _ := texts.Get().(*bytes.Buffer)
	defer func() {
		if text.Cap() <= maxText {
			texts.Put(text)
		}
	}()
	text.Reset()
	_, err := text.ReadFrom(from)
	if err == nil {
		err = json.Unmarshal(text.Bytes(), to)
	}
	if err != nil {
		return lacks("JSON of the expected form").because(err)
	}
	return nil
}

// send calls an operation that answers nothing of interest.
func (c *Client) send(ctx context.Context, operation string, body any) error {
	return c.exchange(ctx, http.MethodPost, operation, body, func(io.Reader) error { return nil })
}

// exchange sends a call and makes its error fit to be shown.
func (c *Client) exchange(ctx context.Context, method, operation string, body any, read func(io.Reader) error) error {
	return c.shown(c.attempt(ctx, method, operation, body, read))
}

// attempt sends a call, again once after a 401 with a renewed token.
func (c *Client) attempt(ctx context.Context, method, operation string, body any, read func(io.Reader) error) error {
	payload, err := encode(body)
	if err != nil {
		return fmt.Errorf("airbyte: encode the body of %s: %w", operation, err)
	}
	header := http.Header{}
	token, err := c.authorize(ctx, header)
	if err != nil {
		return err
	}
	err = c.once(ctx, request{method, operation, payload, header}, read)
	if token == "" || !hasClass(err, ClassUnauthorized) {
		return err
	}
	c.tokens.drop(token)
	if _, err := c.authorize(ctx, header); err != nil {
		return err
	}
	return c.once(ctx, request{method, operation, payload, header}, read)
}

// encode renders a body; no body is rendered as none.
func encode(body any) ([]byte, error) {
	if body == nil {
		return nil, nil
	}
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	err := encoder.Encode(body)
	return b.Bytes(), err
}

// request is one HTTP call to be sent.
type request struct {
	method    string
	operation string
	payload   []byte
	header    http.Header
}

// once asks the guard, sends one HTTP call, reads its answer and reports it.
func (c *Client) once(ctx context.Context, r request, read func(io.Reader) error) error {
	if err := c.allowed(ctx, r.operation); err != nil {
		return err
	}
	return c.transact(ctx, r, read)
}

// allowed asks the guard, unless the caller has already given up.
func (c *Client) allowed(ctx context.Context, operation string) error {
	if ctx.Err() != nil {
		return c.failed(ctx, operation, ctx.Err())
	}
	if c.guard == nil {
		return nil
	}
	return c.guard()
}

// transact sends one HTTP call and reports it, without asking the guard.
func (c *connector) transact(ctx context.Context, r request, read func(io.Reader) error) error {
	begun := time.Now()
	err := c.roundTrip(ctx, r, read)
	if c.options.Observe != nil {
		c.options.Observe(r.operation, classOf(err), time.Since(begun))
	}
	return err
}

func (c *connector) roundTrip(ctx context.Context, r request, read func(io.Reader) error) error {
	bounded, cancel := context.WithTimeout(ctx, c.options.Timeout)
	defer cancel()
	httpRequest, err := http.NewRequestWithContext(bounded, r.method, "", bytes.NewReader(r.payload))
	if err != nil {
		return fmt.Errorf("airbyte: build the request of %s: %w", r.operation, err)
	}
	where := c.base
	where.Path += r.operation
	if where.RawPath != "" {
		where.RawPath += r.operation
	}
	httpRequest.URL, httpRequest.Host = &where, where.Host
	c.dress(ctx, httpRequest, r)
	// Not over an http.Client, which follows redirects: one turns a POST into a GET
	// or carries credentials elsewhere.
	response, err := c.options.Transport.RoundTrip(httpRequest)
	if err != nil {
		return c.failed(ctx, r.operation, err)
	}
	defer func() {
		// A connection is used again only when its answer was read to the end.
		_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxErrorBody))
		_ = response.Body.Close()
	}()
	return c.receive(ctx, r.operation, response, read)
}

// dress sets the headers of a call.
func (c *connector) dress(ctx context.Context, to *http.Request, r request) {
	if c.options.Header != nil {
		for name, values := range c.options.Header(ctx) {
			to.Header[http.CanonicalHeaderKey(name)] = values
		}
	}
	for name, values := range r.header {
		to.Header[name] = values
	}
	to.Header.Set("User-Agent", userAgent)
	to.Header.Set("Accept", "application/json")
	if len(r.payload) > 0 {
		to.Header.Set("Content-Type", "application/json")
	}
}

// receive reads an answer and turns everything but a usable one into an error.
func (c *connector) receive(ctx context.Context, operation string, response *http.Response, read func(io.Reader) error) error {
	if response.StatusCode < 200 || response.StatusCode > 299 {
		// What could be read of it is enough: the status has said the most.
		raw, _ := io.ReadAll(io.LimitReader(response.Body, maxErrorBody))
		return c.refused(operation, response, raw)
	}
	limit := c.options.MaxBody
	if operation == listConnections {
		limit *= 32
	}
	body := &body{from: http.MaxBytesReader(nil, response.Body, limit)}
	err := read(body)
	var tooLarge *http.MaxBytesError
	var missing *lack
	switch {
	case errors.As(body.err, &tooLarge):
		return &Error{
			Operation: operation, Status: response.StatusCode, Class: ClassTooLarge,
			Message: fmt.Sprintf("the answer is larger than the limit of %d bytes", tooLarge.Limit),
		}
	case body.err != nil:
		return c.failed(ctx, operation, body.err)
	case errors.As(err, &missing):
		return &Error{
			Operation: operation, Status: response.StatusCode, Class: ClassMalformed, Retryable: true,
			Message: missing.Error(), cause: missing.cause,
		}
	}
	return err
}

// maxErrorBody bounds what is read where the answer itself is of little use, in bytes.
const maxErrorBody = 1 << 20

// body remembers why reading an answer failed, which a decoder does not tell
// apart from a wrong answer.
type body struct {
	from io.Reader
	err  error
}

// Read reads on.
func (b *body) Read(p []byte) (int, error) {
	n, err := b.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		b.err = err
	}
	return n, err
}

// lack tells that an answer does not hold what it must.
type lack struct {
	what  string
	cause error
}

func lacks(what string) *lack { return &lack{what: what} }

func (l *lack) because(cause error) *lack {
	l.cause = cause
	return l
}

func (l *lack) Error() string { return "the answer lacks " + l.what }
func (l *lack) Unwrap() error { return l.cause }
