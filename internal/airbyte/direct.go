package airbyte

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/http"
	"sync"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
)

// direct sends small plain requests over HTTP from the goroutine of its
// caller, and leaves all others (HTTPS, proxies, large bodies) to the library.
//
// A worker spends much of its processor time on calls to an Airbyte in the
// same cluster. The library's transport has two goroutines for each connection
// and hands every call to and fro between them, since it must be ready for
// bodies and answers of any length at once. A small request fits into the
// buffer of its socket, so it can be written before its answer is read; that
// takes a quarter to a half less processor time (see BenchmarkCall).
//
// It behaves as the library's transport, but asks for no compression, never
// sends a request twice, and reports to no httptrace what becomes of a connection.
type direct struct {
	library *http.Transport
	dialer  *net.Dialer

	mu    sync.Mutex
	hosts map[string]*host // by the URL's host; nil for one that is left to the library
}

const (
	// maxDirect is the largest body, in bytes, that is written before the answer
	// is looked for: the buffer of a new socket takes it whole, whether or not the server reads.
	maxDirect = 16 << 10
	// maxHeader bounds the headers of an answer, informational ones before it included.
	maxHeader = 64 << 10
)

// RoundTrip sends one request.
func (d *direct) RoundTrip(r *http.Request) (*http.Response, error) {
	if !plain(r) {
		return d.library.RoundTrip(r)
	}
	h := d.host(r)
	if h == nil {
		return d.library.RoundTrip(r)
	}
	response, err := h.send(r)
	return response, ended(r.Context(), err)
}

// CloseIdleConnections closes all connections that no call uses.
func (d *direct) CloseIdleConnections() {
	d.library.CloseIdleConnections()
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, h := range d.hosts {
		if h != nil {
			h.closeIdle()
		}
	}
}

// plain tells whether a request is one for direct, as far as itself is concerned.
func plain(r *http.Request) bool {
	if r.URL == nil || r.URL.Scheme != "http" || r.URL.Host == "" || r.Close || r.Trailer != nil || r.TransferEncoding != nil {
		return false
	}
	// A body that can be had again is in memory: nobody waits for it.
	if r.Body != nil && r.Body != http.NoBody && (r.GetBody == nil || r.ContentLength <= 0 || r.ContentLength > maxDirect) {
		return false
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost {
		return false
	}
	for name, values := range r.Header {
		if name == "Connection" || name == "Expect" || name == "Upgrade" || !httpguts.ValidHeaderFieldName(name) {
			return false
		}
		for _, value := range values {
			if !httpguts.ValidHeaderFieldValue(value) {
				return false
			}
		}
	}
	return r.Header != nil
}

// host returns the host of a request, or nil when it is left to the library.
// That is found out once.
func (d *direct) host(r *http.Request) *host {
	d.mu.Lock()
	defer d.mu.Unlock()
	h, known := d.hosts[r.URL.Host]
	if known {
		return h
	}
	proxy, err := d.library.Proxy(r)
	name := r.URL.Hostname()
	if proxy == nil && err == nil && len(name) == utf8.RuneCountInString(name) {
		h = &host{address: net.JoinHostPort(name, cmp.Or(r.URL.Port(), "80")), dialer: d.dialer}
	}
	d.hosts[r.URL.Host] = h
	return h
}

// requests holds the buffers in which requests are written down.
var requests = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// send sends a request over a connection of its own and reads the answer's head.
func (h *host) send(r *http.Request) (*http.Response, error) {
	text, _ := requests.Get().(*bytes.Buffer)
	defer requests.Put(text)
	text.Reset()
	if err := r.Write(text); err != nil { // closes the body
		return nil, err
	}
	l, err := h.take(r.Context())
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(r.Context(), l.close)
	_, unsent := l.Write(text.Bytes())
	response, err := l.answer(r)
	if err != nil {
		stop()
		l.close()
		return nil, cmp.Or(unsent, err)
	}
	again := unsent == nil && !response.Close && response.StatusCode >= 200
	body := &stream{from: response.Body, context: r.Context, finish: func(whole bool) {
		if stop() && whole && again && l.reader.Buffered() == 0 {
			h.put(l)
		} else {
			l.close()
		}
	}}
	if response.Body == http.NoBody {
		_ = body.end(io.EOF)
	} else {
		response.Body = body
	}
	return response, nil
}

// answer reads the head of the answer to a request, and past informational ones.
func (l *link) answer(r *http.Request) (*http.Response, error) {
	l.allowed = maxHeader
	for {
		response, err := http.ReadResponse(l.reader, r)
		if err != nil {
			return nil, fmt.Errorf("read the answer: %w", err)
		}
		if response.StatusCode < 100 || response.StatusCode > 199 || response.StatusCode == http.StatusSwitchingProtocols {
			l.allowed = math.MaxInt
			return response, nil
		}
	}
}

// ended returns the context's error in place of one that it led to.
func ended(ctx context.Context, err error) error {
	if err != nil && ctx.Err() != nil {
		return ctx.Err()
	}
	return err
}

var errBodyClosed = errors.New("the answer's body is closed")

// stream is an answer's body. Its connection can be used again once it was
// read to its end, and is closed with it before.
type stream struct {
	from    io.Reader
	context func() context.Context
	finish  func(whole bool)

	mu  sync.Mutex
	err error // why nothing more can be read
}

// Read reads on.
func (s *stream) Read(p []byte) (int, error) {
	s.mu.Lock()
	err := s.err
	s.mu.Unlock()
	if err != nil {
		return 0, err
	}
	n, err := s.from.Read(p)
	if err != nil {
		err = s.end(err)
	}
	return n, err
}

// Close ends reading. It may be called at any time.
func (s *stream) Close() error {
	_ = s.end(errBodyClosed)
	return nil
}

// end ends reading for a reason, and returns the reason for which it has ended.
func (s *stream) end(reason error) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		if !errors.Is(reason, io.EOF) {
			reason = ended(s.context(), reason)
		}
		s.err = reason
		s.finish(errors.Is(reason, io.EOF))
	}
	return s.err
}
