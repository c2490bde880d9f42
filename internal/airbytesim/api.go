package airbytesim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// bodyLimit is the server's own (trap 11).
const bodyLimit = 10 << 20

// prefix is where the Configuration API is served.
const prefix = "/api/v1/"

// call is one request on its way through the simulator.
type call struct {
	record  *Call
	ctx     context.Context //nolint:containedctx // it lives exactly as long as its request
	op      string
	body    map[string]any
	failure *JobFailure // what a fault wants of the call's job
}

// handler carries out an operation whose request has been checked. What it
// returns is the answer's body; nil means 204.
type handler func(s *Sim, c *call) (any, error)

// locked is a handler that needs the world all along and waits for nothing.
func locked(h handler) handler {
	return func(s *Sim, c *call) (any, error) {
		s.mu.Lock()
		defer s.mu.Unlock()
		return h(s, c)
	}
}

// created wraps an answer whose status is 201.
type created struct{ body any }

// answer is what goes back to the caller.
type answer struct {
	status int
	header map[string]string
	body   []byte
	drop   bool
}

// API serves the Configuration API under /api/v1/.
func (s *Sim) API() http.Handler { return http.HandlerFunc(s.serve) }

func (s *Sim) serve(w http.ResponseWriter, r *http.Request) {
	raw, err := io.ReadAll(io.LimitReader(r.Body, bodyLimit+1))
	if err != nil {
		return // the caller went away in the middle of its request
	}
	record := &Call{
		Operation: strings.TrimPrefix(r.URL.Path, prefix), Method: r.Method, Body: string(raw),
		Header: r.Header.Clone(), Start: s.now(),
	}
	s.traffic.begin(record)
	a := s.respond(r, record, raw)
	status := a.status
	if a.drop {
		status = 0
	}
	s.log.DebugContext(r.Context(), "airbyte call", "seq", record.Seq, "operation", record.Operation, "status", status)
	defer func() { s.traffic.end(record, s.now(), status) }()
	if a.drop {
		panic(http.ErrAbortHandler) // the way net/http offers to hang up on both HTTP/1 and HTTP/2
	}
	write(w, a)
}

func write(w http.ResponseWriter, a answer) {
	w.Header().Set("Content-Type", "application/json")
	for key, value := range a.header {
		w.Header().Set(key, value)
	}
	if a.status != http.StatusNoContent {
		w.Header().Set("Content-Length", strconv.Itoa(len(a.body)))
	}
	w.WriteHeader(a.status)
	_, _ = w.Write(a.body) // a caller that is gone needs no answer
}

// respond finds the answer: faults first, then the operation, then faults again.
func (s *Sim) respond(r *http.Request, record *Call, raw []byte) answer {
	hold, other := s.traffic.pick(record)
	if hold != nil && !hold.Acts {
		s.traffic.hold(record)
	}
	var a answer
	if other == nil || other.Acts {
		a = s.act(r, record, raw, other)
	}
	if hold != nil && hold.Acts {
		s.traffic.hold(record)
	}
	if other != nil {
		a = other.disturb(a)
	}
	return a
}

// disturb turns the operation's own answer into what the fault wants.
func (f *Fault) disturb(own answer) answer {
	switch f.Do {
	case DoDrop:
		return answer{drop: true}
	case DoAnswer:
		return answer{status: f.Status, header: f.Header, body: []byte(f.Body)}
	case DoEmpty:
		return answer{status: http.StatusOK}
	case DoMalformed:
		own.body = own.body[:len(own.body)/2]
	case DoOmit:
		var body map[string]json.RawMessage
		if json.Unmarshal(own.body, &body) == nil {
			for _, field := range f.Omit {
				delete(body, field)
			}
			own.body = encode(body)
		}
	}
	return own
}

// act carries the operation out as a server without faults would.
func (s *Sim) act(r *http.Request, record *Call, raw []byte, f *Fault) answer {
	c := &call{record: record, ctx: r.Context(), op: record.Operation}
	if f != nil && f.Do == DoFail {
		c.failure = f.Failure
		if c.failure == nil {
			c.failure = &JobFailure{}
		}
	}
	if !isJob(c.op) {
		s.wait(c.ctx, s.traffic.latency(c.op))
		return s.perform(r, c, raw)
	}
	patience := s.Behavior().ProxyTimeout
	if patience.Min <= 0 {
		return s.perform(r, c, raw)
	}
	c.ctx = context.WithoutCancel(c.ctx) // the job goes on when the proxy has given up
	done := make(chan answer, 1)
	go func() { done <- s.perform(r, c, raw) }()
	select {
	case a := <-done:
		return a
	case <-s.after(s.draw(patience)):
		return answer{
			status: http.StatusGatewayTimeout, header: map[string]string{"Content-Type": "text/html"},
			body: []byte("<html><body><h1>504 Gateway Time-out</h1></body></html>"),
		}
	}
}

// perform checks the request and acts; it is a job's whole time.
func (s *Sim) perform(r *http.Request, c *call, raw []byte) answer {
	body, err := s.operate(c, r, raw)
	if err != nil {
		return s.failed(err)
	}
	s.traffic.acted(c.record)
	switch body := body.(type) {
	case nil:
		return answer{status: http.StatusNoContent}
	case created:
		return answer{status: http.StatusCreated, body: encode(body.body)}
	default:
		return answer{status: http.StatusOK, body: encode(body)}
	}
}

// operate checks the request in the order in which a server does, then acts.
func (s *Sim) operate(c *call, r *http.Request, raw []byte) (any, error) {
	if err := s.authenticate(c.op, r); err != nil {
		return nil, err
	}
	handle, known := s.routes[c.op]
	get := slices.Contains(s.rules.get, c.op)
	switch {
	case !strings.HasPrefix(r.URL.Path, prefix) || !known:
		return nil, nested(http.StatusNotFound, "Not Found", "Page Not Found", r.URL.Path)
	case get && r.Method != http.MethodGet || !get && r.Method != http.MethodPost:
		return nil, nested(http.StatusMethodNotAllowed, "Method Not Allowed",
			"Method ["+r.Method+"] not allowed for URI ["+r.URL.Path+"]", r.URL.Path)
	case get:
		return handle(s, c)
	}
	if err := s.read(c, r, raw); err != nil {
		return nil, err
	}
	return handle(s, c)
}

// read parses a body and checks it against the rules.
func (s *Sim) read(c *call, r *http.Request, raw []byte) error {
	media, _, _ := strings.Cut(r.Header.Get("Content-Type"), ";")
	shape := s.rules.shape[c.op]
	empty := len(bytes.TrimSpace(raw)) == 0
	switch {
	case len(raw) > bodyLimit:
		return nested(http.StatusRequestEntityTooLarge, "Request Entity Too Large",
			"The content length exceeds the maximum allowed content length [10485760]", r.URL.Path)
	case empty && s.bodyless(c.op):
		c.body = map[string]any{}
		return nil
	case !strings.EqualFold(strings.TrimSpace(media), "application/json"):
		return nested(http.StatusUnsupportedMediaType, "Unsupported Media Type",
			"Content Type ["+media+"] not allowed. Allowed types: [application/json]", r.URL.Path)
	case !utf8.Valid(raw):
		return badRequest("Invalid JSON: the body is not UTF-8")
	}
	decoder := json.NewDecoder(bytes.NewReader(raw))
	decoder.UseNumber()
	var body any
	if err := decoder.Decode(&body); err != nil {
		return badRequest("Invalid JSON: %v", err)
	}
	if _, err := decoder.Token(); !errors.Is(err, io.EOF) {
		return badRequest("Invalid JSON: something follows the body")
	}
	if refused := shape.check("$", body); refused != nil {
		if refused.null {
			return opaque("null pointer: %s", refused.path)
		}
		return badRequest("Failed to convert argument for %s: %s %s", c.op, refused.path, refused.message)
	}
	c.body, _ = body.(map[string]any) // every rule is an object
	return nil
}

// bodyless operations may come without any body.
func (s *Sim) bodyless(op string) bool {
	o, ok := s.rules.shape[op].(*object)
	return ok && len(o.fields) == 0
}

func (s *Sim) failed(err error) answer {
	var p *problem
	if !errors.As(err, &p) {
		p = opaque("%v", err)
	}
	s.mu.Lock()
	p.id = s.newID()
	old := s.behavior.OldErrors
	s.mu.Unlock()
	return answer{status: p.status, body: encode(p.render(old))}
}

// encode writes JSON as the server does: no HTML escapes, since masks and cron expressions hold none anyway.
func encode(value any) []byte {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(value); err != nil {
		panic("airbytesim: an answer cannot be JSON: " + err.Error()) // everything in it came from JSON
	}
	return bytes.TrimSpace(b.Bytes())
}

// text is a string field of the request; a null or missing one is "".
func (c *call) text(field string) string {
	text, _ := c.body[field].(string)
	return text
}

// id is an id of the request in the form in which it is stored.
func (c *call) id(field string) string { return strings.ToLower(c.text(field)) }

// number is an integer field of the request, or the default when it is missing.
func (c *call) number(field string, missing int64) int64 {
	return number(c.body[field], missing)
}

func number(value any, missing int64) int64 {
	n, ok := value.(json.Number)
	if !ok {
		return missing
	}
	i, err := n.Int64()
	if err != nil {
		return missing
	}
	return i
}

// flag is a boolean field of the request; missing means false.
func (c *call) flag(field string) bool {
	b, _ := c.body[field].(bool)
	return b
}
