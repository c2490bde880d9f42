package airbyte

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
)

// newDirect returns NewTransport's, whose library asks for no compression either.
func newDirect(t testing.TB) *direct {
	t.Helper()
	d, ok := NewTransport().(*direct)
	if !ok {
		t.Fatal("NewTransport returns something else")
	}
	d.library.DisableCompression = true
	t.Cleanup(d.CloseIdleConnections)
	return d
}

// raw is a server that says what it is told to, on each connection as often as it is asked.
type raw struct {
	url    string
	conns  atomic.Int32
	asked  atomic.Int32
	closed chan struct{} // told of each connection that a client has closed
}

// serveRaw starts a server whose say answers one request and returns whether
// the connection is to be gone on with.
func serveRaw(t testing.TB, say func(net.Conn, *bufio.Reader) bool) *raw {
	t.Helper()
	ctx := t.Context()
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &raw{url: "http://" + listener.Addr().String(), closed: make(chan struct{}, 1000)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			server.conns.Add(1)
			context.AfterFunc(ctx, func() { _ = conn.Close() })
			all.Go(func() { server.serve(conn, say) })
		}
	})
	t.Cleanup(func() {
		_ = listener.Close()
		all.Wait()
	})
	return server
}

func (s *raw) serve(conn net.Conn, say func(net.Conn, *bufio.Reader) bool) {
	defer func() { _ = conn.Close() }()
	reader := bufio.NewReader(conn)
	for {
		if _, err := reader.Peek(1); err != nil {
			s.closed <- struct{}{}
			return
		}
		s.asked.Add(1)
		if !say(conn, reader) {
			return
		}
	}
}

// read reads one request whole.
func read(from *bufio.Reader) bool {
	r, err := http.ReadRequest(from)
	if err != nil {
		return false
	}
	_, err = io.Copy(io.Discard, r.Body)
	return err == nil
}

// replies reads a request and answers it.
func replies(text string, stay bool) func(net.Conn, *bufio.Reader) bool {
	return func(conn net.Conn, reader *bufio.Reader) bool {
		if !read(reader) {
			return false
		}
		_, err := io.WriteString(conn, text)
		return err == nil && stay
	}
}

const hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"

// outcome is all that a caller sees of a call.
type outcome struct {
	Status, Proto, Body string
	Header, Trailer     http.Header
	Length              int64
	Close, Failed       bool
}

func asking(ctx context.Context, t testing.TB, method, url string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// do makes a call and reads its answer to the end.
func do(ctx context.Context, t testing.TB, over http.RoundTripper, method, url string) outcome {
	t.Helper()
	var body []byte
	if method == http.MethodPost {
		body = []byte("question")
	}
	response, err := over.RoundTrip(asking(ctx, t, method, url, body))
	if err != nil {
		return outcome{Failed: true}
	}
	defer func() { _ = response.Body.Close() }()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return outcome{Status: response.Status, Failed: true}
	}
	return outcome{
		Status: response.Status, Proto: response.Proto, Body: string(text), Header: response.Header,
		Trailer: response.Trailer, Length: response.ContentLength, Close: response.Close,
	}
}

func TestDirectAnswers(t *testing.T) {
	t.Parallel()
	const get, head, post = http.MethodGet, http.MethodHead, http.MethodPost
	for _, test := range []struct {
		name, method, answer string
		stay                 bool // the server keeps the connection
		conns                int32
		failed               bool
	}{
		{"a length", post, hello, true, 1, false},
		{"no content", post, "HTTP/1.1 204 No Content\r\n\r\n", true, 1, false},
		{"no content, with a length all the same", post, "HTTP/1.1 204 No Content\r\nContent-Length: 7\r\n\r\n", true, 1, false},
		{"no content, with a body all the same", post, "HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\nhi", true, 2, false},
		{"not modified", get, "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n", true, 1, false},
		{"a length of nothing", post, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", true, 1, false},
		{"only the head", head, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n", true, 1, false},
		{"only the head of chunks", head, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", true, 1, false},
		{"chunks", post, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n1\r\n!\r\n0\r\n\r\n", true, 1, false},
		{
			"chunks and a trailer", post,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Sum\r\n\r\n2\r\nhi\r\n0\r\nSum: 12\r\nMore: 1\r\n\r\n", true, 1, false,
		},
		{
			"a trailer that is too long", post,
			"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nSum: " + strings.Repeat("1", 5000) + "\r\n\r\n", true, 2, true,
		},
		{"news first", post, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" + hello, true, 1, false},
		{"nothing but news", post, strings.Repeat("HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n", 2000), true, 2, true},
		{"news only, then the end", post, "HTTP/1.1 103 Early Hints\r\n\r\n", false, 2, true},
		{"a farewell", post, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nhi", true, 2, false},
		{"old", post, "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", true, 2, false},
		{"old, but stays", post, "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nhi", true, 1, false},
		{"no length", post, "HTTP/1.1 200 OK\r\n\r\nhi", false, 2, false},
		{"more than its length", post, hello + "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", true, 2, false},
		{"less than its length", post, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", false, 2, true},
		{"less than its chunk", post, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhi", false, 2, true},
		{"no last chunk", post, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n", false, 2, true},
		{"no chunk's size", post, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nhi\r\n", true, 2, true},
		{"nothing", post, "", false, 2, true},
		{"half a head", post, "HTTP/1.1 200 OK\r\nContent-Le", false, 2, true},
		{"no HTTP", post, "220 mail.example.org ready\r\n\r\n", true, 2, true},
		{"no status", post, "HTTP/1.1 OK\r\n\r\n", true, 2, true},
		{"a status of two digits", post, "HTTP/1.1 20 OK\r\n\r\n", true, 2, true},
		{"a status below all", post, "HTTP/1.1 099 Odd\r\nContent-Length: 0\r\n\r\n", true, 2, false},
		{"a status above all", post, "HTTP/1.1 999 Odd\r\nContent-Length: 0\r\n\r\n", true, 1, false},
		{"no reason", post, "HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", true, 1, false},
		{"a header without a colon", post, "HTTP/1.1 200 OK\r\nnothing\r\n\r\n", true, 2, true},
		{"a header over two lines", post, "HTTP/1.1 200 OK\r\nA: b\r\n c\r\nContent-Length: 0\r\n\r\n", true, 1, false},
		{"line feeds alone", post, "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", true, 1, false},
		{"the length twice", post, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", true, 1, false},
		{"two lengths", post, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", true, 2, true},
		{"a negative length", post, "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nhi", true, 2, true},
		{"length and chunks", post, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n", true, 1, false},
		{"an unknown encoding", post, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nhi", true, 2, true},
		{"large headers", post, "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 60<<10) + "\r\nContent-Length: 0\r\n\r\n", true, 1, false},
		{"too large headers", post, "HTTP/1.1 200 OK\r\nA: " + strings.Repeat("b", 64<<10) + "\r\nContent-Length: 0\r\n\r\n", true, 2, true},
		{"a large body", post, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n" + strings.Repeat("x", 300000), true, 1, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDirect(t)
			server := serveRaw(t, replies(test.answer, test.stay))
			got := do(t.Context(), t, d, test.method, server.url)
			again := do(t.Context(), t, d, test.method, server.url)
			if conns := server.conns.Load(); conns != test.conns {
				t.Errorf("two calls over %d connections, want %d", conns, test.conns)
			}
			if got.Failed != test.failed {
				t.Errorf("failed: %v, want %v", got.Failed, test.failed)
			}
			if diff := cmp.Diff(got, again); diff != "" {
				t.Errorf("the second call differs (-first +second):\n%s", diff)
			}
			want := do(t.Context(), t, d.library, test.method, server.url)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("differs from the library (-library +direct):\n%s", diff)
			}
		})
	}
}

func TestDirectSwitchesNoProtocol(t *testing.T) {
	t.Parallel()
	d := newDirect(t)
	server := serveRaw(t, replies("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n", true))
	for range 2 {
		if got := do(t.Context(), t, d, http.MethodPost, server.url); got.Status != "101 Switching Protocols" || got.Body != "" {
			t.Errorf("got %q, %q", got.Status, got.Body)
		}
	}
	if conns := server.conns.Load(); conns != 2 {
		t.Errorf("%d connections, want 2: nobody knows what follows on the first", conns)
	}
}

func TestDirectRequests(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name, method, path string
		header             http.Header
		body               string
	}{
		{"get", http.MethodGet, "/a%20b?c=d", http.Header{"User-Agent": {"me"}, "Traceid": {"1"}}, ""},
		{"head", http.MethodHead, "", nil, ""},
		{"post", http.MethodPost, "/x", http.Header{"Authorization": {"Basic dTpw"}, "A": {"1", "2"}}, "question"},
		{"post nothing", http.MethodPost, "/x", http.Header{"User-Agent": {""}}, ""},
		{"post more than a buffer of the library", http.MethodPost, "/x", nil, strings.Repeat("x", maxDirect)},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var got []string
			server := serveRaw(t, func(conn net.Conn, reader *bufio.Reader) bool {
				var text bytes.Buffer
				if !read(bufio.NewReader(io.TeeReader(reader, &text))) {
					return false
				}
				lines := strings.Split(text.String(), "\r\n")
				slices.Sort(lines[1:]) // the order of headers is no matter
				got = append(got, strings.Join(lines, "\r\n"))
				_, err := io.WriteString(conn, "HTTP/1.1 204 No Content\r\n\r\n")
				return err == nil
			})
			d := newDirect(t)
			for _, over := range []http.RoundTripper{d.library, d} {
				r := asking(t.Context(), t, test.method, server.url+test.path, []byte(test.body))
				for name, values := range test.header {
					r.Header[name] = values
				}
				before := r.Header.Clone()
				response, err := over.RoundTrip(r)
				if err != nil {
					t.Fatal(err)
				}
				_ = response.Body.Close()
				if response.Request != r || !cmp.Equal(before, r.Header) {
					t.Error("another request is named, or it was changed")
				}
			}
			if len(got) != 2 || server.conns.Load() != 2 {
				t.Fatalf("%d requests over %d connections", len(got), server.conns.Load())
			}
			if diff := cmp.Diff(got[0], got[1]); diff != "" {
				t.Errorf("differs from the library (-library +direct):\n%s", diff)
			}
		})
	}
}

func TestDirectOrLibrary(t *testing.T) {
	t.Parallel()
	library, own := errors.New("library"), errors.New("direct")
	for _, test := range []struct {
		name  string
		alter func(*direct, *http.Request)
		want  error
	}{
		{"plain", func(*direct, *http.Request) {}, own},
		{"a large body", func(_ *direct, r *http.Request) { r.ContentLength = maxDirect + 1 }, library},
		{"a body that may be waited for", func(_ *direct, r *http.Request) { r.GetBody = nil }, library},
		{"a body of unknown length", func(_ *direct, r *http.Request) { r.ContentLength = -1 }, library},
		{"TLS", func(_ *direct, r *http.Request) { r.URL.Scheme = "https" }, library},
		{"an international name", func(_ *direct, r *http.Request) { r.URL.Host = "bücher.example" }, library},
		{"a proxy", func(d *direct, _ *http.Request) {
			d.library.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy"})
		}, library},
		{"a wrong proxy", func(d *direct, _ *http.Request) {
			d.library.Proxy = func(*http.Request) (*url.URL, error) { return nil, library }
		}, library},
		{"another protocol wanted", func(_ *direct, r *http.Request) { r.Header.Set("Upgrade", "x") }, library},
		{"the last request of a connection", func(_ *direct, r *http.Request) { r.Close = true }, library},
		{"another method", func(_ *direct, r *http.Request) { r.Method = http.MethodConnect }, library},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			d := newDirect(t)
			d.library.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, library }
			d.library.Proxy = noProxy
			d.dialer = &net.Dialer{ControlContext: func(context.Context, string, string, syscall.RawConn) error { return own }}
			r := asking(t.Context(), t, http.MethodPost, "http://127.0.0.1/", []byte("x"))
			body := &closes{ReadCloser: r.Body}
			r.Body = body
			test.alter(d, r)
			response, err := d.RoundTrip(r)
			if err == nil {
				_ = response.Body.Close()
			}
			if !errors.Is(err, test.want) {
				t.Errorf("got %v, want it sent by %v", err, test.want)
			}
			if !body.closed.Load() {
				t.Error("the request's body stays open")
			}
		})
	}
}

func TestDirectDials(t *testing.T) {
	t.Parallel()
	for url, want := range map[string]string{
		"http://airbyte-server:8001/api": "airbyte-server:8001", "http://airbyte": "airbyte:80", "http://airbyte:/": "airbyte:80",
		"http://[::1]/": "[::1]:80", "http://[fe80::1%25eth0]:8001/": "[fe80::1%eth0]:8001", "http://10.0.0.1": "10.0.0.1:80",
	} {
		d := newDirect(t)
		d.library.Proxy = noProxy
		if got := d.host(asking(t.Context(), t, http.MethodGet, url, nil)); got == nil || got.address != want {
			t.Errorf("%s: got %+v, want %s", url, got, want)
		}
	}
}

func TestDirectIsTraced(t *testing.T) {
	t.Parallel()
	server := serveRaw(t, replies(hello, true))
	d := newDirect(t)
	d.library.DialContext = func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("not direct") }
	traced := otelhttp.NewTransport(d)
	for range 3 {
		if got := do(t.Context(), t, traced, http.MethodPost, server.url); got.Body != "hello" {
			t.Errorf("got %+v", got)
		}
	}
	if conns := server.conns.Load(); conns != 1 {
		t.Errorf("three calls over %d connections, want 1", conns)
	}
}

func TestDirectRefusesWhatTheLibraryRefuses(t *testing.T) {
	t.Parallel()
	for _, header := range []http.Header{nil, {"A b": {"x"}}, {"A": {"b\r\nEvil: x"}}, {"A": {"b\x00"}}} {
		d := newDirect(t)
		server := serveRaw(t, replies(hello, true))
		r := asking(t.Context(), t, http.MethodGet, server.url, nil)
		r.Header = header
		if response, err := d.RoundTrip(r); err == nil {
			_ = response.Body.Close()
			t.Errorf("%q is sent", header)
		}
		if asked := server.asked.Load(); asked != 0 {
			t.Errorf("%q: the server was asked %d times", header, asked)
		}
	}
}

func noProxy(*http.Request) (*url.URL, error) { return nil, nil }

// closes tells whether a body was closed.
type closes struct {
	io.ReadCloser
	closed atomic.Bool
}

func (c *closes) Close() error {
	c.closed.Store(true)
	return c.ReadCloser.Close()
}

func TestDirectSendsToOpenConnections(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ name, unasked string }{
		{"closed", ""},
		{"closed with a word", "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			leave := make(chan struct{})
			server := serveRaw(t, func(conn net.Conn, reader *bufio.Reader) bool {
				if replies(hello, true)(conn, reader) {
					<-leave
					_, _ = io.WriteString(conn, test.unasked)
				}
				return false
			})
			d := newDirect(t)
			for range 5 {
				if got := do(t.Context(), t, d, http.MethodPost, server.url); got.Body != "hello" {
					t.Fatalf("got %+v", got)
				}
				leave <- struct{}{}
				awaitNoise(t, d)
			}
			if conns, asked := server.conns.Load(), server.asked.Load(); conns != 5 || asked != 5 {
				t.Errorf("%d requests over %d connections, want 5 over 5", asked, conns)
			}
		})
	}
}

// idle returns the idle connections.
func idle(d *direct) []*link {
	d.mu.Lock()
	defer d.mu.Unlock()
	var all []*link
	for _, h := range d.hosts {
		h.mu.Lock()
		all = append(all, h.idle...)
		h.mu.Unlock()
	}
	return all
}

// awaitNoise waits until what the server did on the idle connection has come to it.
func awaitNoise(t *testing.T, d *direct) {
	t.Helper()
	links := idle(d)
	if len(links) != 1 {
		t.Fatalf("%d idle connections, want 1", len(links))
	}
	for links[0].silent() {
		runtime.Gosched()
	}
}

func TestDirectEndsWithItsContext(t *testing.T) {
	t.Parallel()
	half := func(text string) func(net.Conn, *bufio.Reader) bool { return replies(text, true) }
	for _, test := range []struct {
		name string
		say  func(net.Conn, *bufio.Reader) bool
		body string // what can be read before
	}{
		{"waiting for the answer", half(""), ""},
		{"in the head", half("HTTP/1.1 200 OK\r\nContent-"), ""},
		{"after news", half("HTTP/1.1 100 Continue\r\n\r\n"), ""},
		{"before the body", half("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), ""},
		{"in the body", half("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), "half"},
		{"in a chunk", half("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhalf"), "half"},
		{"in a body without an end", half("HTTP/1.1 200 OK\r\n\r\nhalf"), "half"},
	} {
		for name, want := range map[string]error{"cancelled": context.Canceled, "late": context.DeadlineExceeded} {
			t.Run(test.name+", "+name, func(t *testing.T) {
				t.Parallel()
				answered := make(chan struct{}, 1)
				server := serveRaw(t, func(conn net.Conn, reader *bufio.Reader) bool {
					stay := test.say(conn, reader)
					answered <- struct{}{}
					return stay
				})
				ctx, cancel := context.WithCancel(t.Context())
				if want == context.DeadlineExceeded { //nolint:errorlint // one of two
					ctx, cancel = context.WithTimeout(t.Context(), 50*time.Millisecond)
				}
				defer cancel()
				d := newDirect(t)
				go func() {
					<-answered
					if want == context.Canceled { //nolint:errorlint // one of two
						cancel()
					}
				}()
				response, err := d.RoundTrip(asking(ctx, t, http.MethodPost, server.url, []byte("question")))
				if err == nil {
					var text []byte
					text, err = io.ReadAll(response.Body)
					if !strings.HasPrefix(test.body, string(text)) {
						t.Errorf("read %q, want %q", text, test.body)
					}
					if err := errors.Join(response.Body.Close(), response.Body.Close()); err != nil {
						t.Errorf("Close: %v", err)
					}
				}
				if !errors.Is(err, want) {
					t.Errorf("got %v, want %v", err, want)
				}
				<-server.closed
				if n := len(idle(d)); n != 0 {
					t.Errorf("%d connections are kept", n)
				}
			})
		}
	}
}

func TestDirectEndsBeforeItIsSent(t *testing.T) {
	t.Parallel()
	server := serveRaw(t, replies(hello, true))
	d := newDirect(t)
	if got := do(t.Context(), t, d, http.MethodPost, server.url); got.Body != "hello" {
		t.Fatalf("got %+v", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	response, err := d.RoundTrip(asking(ctx, t, http.MethodPost, server.url, []byte("question")))
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.Canceled) || server.asked.Load() != 1 || len(idle(d)) != 1 {
		t.Errorf("got %v, %d requests, %d connections kept", err, server.asked.Load(), len(idle(d)))
	}
	ctx, cancel = context.WithCancel(t.Context())
	d = newDirect(t)
	d.dialer = &net.Dialer{ControlContext: func(ctx context.Context, _, _ string, _ syscall.RawConn) error {
		cancel()
		<-ctx.Done()
		return nil
	}}
	if response, err = d.RoundTrip(asking(ctx, t, http.MethodPost, server.url, []byte("question"))); err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, context.Canceled) || server.asked.Load() != 1 {
		t.Errorf("while it dials: got %v, %d requests", err, server.asked.Load())
	}
}

func TestDirectKeepsAConnectionWhoseContextEndsLater(t *testing.T) {
	t.Parallel()
	server := serveRaw(t, replies(hello, true))
	d := newDirect(t)
	for range 20 {
		ctx, cancel := context.WithCancel(t.Context())
		if got := do(ctx, t, d, http.MethodPost, server.url); got.Body != "hello" {
			t.Fatalf("got %+v", got)
		}
		cancel()
	}
	if conns := server.conns.Load(); conns != 1 {
		t.Errorf("20 calls over %d connections, want 1", conns)
	}
}

func TestDirectClosesWhatWasNotReadToItsEnd(t *testing.T) {
	t.Parallel()
	server := serveRaw(t, replies(hello, true))
	d := newDirect(t)
	response, err := d.RoundTrip(asking(t.Context(), t, http.MethodPost, server.url, []byte("question")))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(response.Body, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := response.Body.Close(); err != nil {
			t.Errorf("Close: %v", err)
		}
	}
	<-server.closed
	if _, err := response.Body.Read(make([]byte, 1)); err == nil || errors.Is(err, io.EOF) {
		t.Errorf("a closed body's Read returns %v", err)
	}
	if n := len(idle(d)); n != 0 {
		t.Errorf("%d connections are kept", n)
	}
}

func TestDirectClosesWhatWasReadAfterItsContextEnded(t *testing.T) {
	t.Parallel()
	server := serveRaw(t, replies(hello, true))
	d := newDirect(t)
	ctx, cancel := context.WithCancel(t.Context())
	response, err := d.RoundTrip(asking(ctx, t, http.MethodPost, server.url, []byte("question")))
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	<-server.closed
	text, err := io.ReadAll(response.Body) // it came together with the head
	_ = response.Body.Close()
	if n := len(idle(d)); n != 0 || string(text) != "hello" || err != nil {
		t.Errorf("got %q, %v, and %d connections are kept", text, err, n)
	}
}

func TestDirectSaysThatHeadersAreTooLarge(t *testing.T) {
	t.Parallel()
	server := serveRaw(t, replies("HTTP/1.1 200 OK\r\nA: "+strings.Repeat("b", maxHeader), true))
	response, err := newDirect(t).RoundTrip(asking(t.Context(), t, http.MethodGet, server.url, nil))
	if err == nil {
		_ = response.Body.Close()
	}
	if !errors.Is(err, errHeaderTooLong) {
		t.Errorf("got %v, want %v", err, errHeaderTooLong)
	}
}

func TestDirectClosesIdleConnections(t *testing.T) {
	t.Parallel()
	server := serveRaw(t, replies(hello, true))
	d := newDirect(t)
	for _, end := range []func(){
		func() { idle(d)[0].expire.Reset(0) },
		d.CloseIdleConnections,
	} {
		if got := do(t.Context(), t, d, http.MethodPost, server.url); got.Body != "hello" {
			t.Fatalf("got %+v", got)
		}
		end()
		<-server.closed
		if n := len(idle(d)); n != 0 {
			t.Errorf("%d connections are kept", n)
		}
	}
}

func TestDirectKeepsSomeOfManyConnections(t *testing.T) {
	t.Parallel()
	const calls = maxIdle + 3
	var here sync.WaitGroup
	here.Add(calls)
	server := serveRaw(t, func(conn net.Conn, reader *bufio.Reader) bool {
		ok := read(reader)
		here.Done()
		here.Wait() // all at once
		_, err := io.WriteString(conn, hello)
		return ok && err == nil
	})
	d := newDirect(t)
	var all sync.WaitGroup
	for range calls {
		all.Go(func() {
			if got := do(t.Context(), t, d, http.MethodPost, server.url); got.Body != "hello" {
				t.Errorf("got %+v", got)
			}
		})
	}
	all.Wait()
	if n := len(idle(d)); n != maxIdle {
		t.Errorf("%d of %d connections are kept, want %d", n, calls, maxIdle)
	}
}

func TestDirectReadsAnEarlyAnswer(t *testing.T) {
	t.Parallel()
	for name, size := range map[string]int{"small": 8, "largest": maxDirect, "left to the library": 8 << 20} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			done := make(chan struct{})
			server := serveRaw(t, func(conn net.Conn, _ *bufio.Reader) bool {
				_, _ = io.WriteString(conn, "HTTP/1.1 413 Too Large\r\nConnection: close\r\nContent-Length: 2\r\n\r\nno")
				<-done
				return false
			})
			defer close(done)
			response, err := newDirect(t).RoundTrip(asking(t.Context(), t, http.MethodPost, server.url, make([]byte, size)))
			if err != nil {
				t.Fatal(err)
			}
			text, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if response.StatusCode != http.StatusRequestEntityTooLarge || string(text) != "no" || err != nil {
				t.Errorf("got %d, %q, %v", response.StatusCode, text, err)
			}
		})
	}
}

// echo answers what it is asked, once it has read it all.
func echo(w http.ResponseWriter, r *http.Request) {
	text, _ := io.ReadAll(r.Body)
	_, _ = w.Write(text)
}

// Calls that end in every way at once neither mix up answers nor lose connections.
func TestDirectManyAtOnce(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(echo))
	t.Cleanup(server.Close)
	d := newDirect(t)
	var all sync.WaitGroup
	for worker := range 8 {
		all.Go(func() {
			for i := range 200 {
				want := strings.Repeat(string(rune('a'+worker)), 1+i*7%9000)
				ctx, cancel := context.WithCancel(t.Context())
				if i%5 == 0 {
					go cancel()
				}
				response, err := d.RoundTrip(asking(ctx, t, http.MethodPost, server.URL, []byte(want)))
				if err == nil {
					var got []byte
					if got, err = io.ReadAll(response.Body); err == nil && string(got) != want {
						t.Errorf("got %d bytes of %.2q, want %d of %.2q", len(got), got, len(want), want)
					}
					_ = response.Body.Close()
				}
				if err != nil && (i%5 != 0 || !errors.Is(err, context.Canceled)) {
					t.Errorf("call %d: %v", i, err)
				}
				cancel()
			}
		})
	}
	all.Wait()
}

// Not parallel: others would start goroutines meanwhile.
func TestDirectLeavesNoGoroutine(t *testing.T) { //nolint:paralleltest // see above
	server := httptest.NewServer(http.HandlerFunc(echo))
	before := runtime.NumGoroutine()
	d := newDirect(t)
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() { do(t.Context(), t, d, http.MethodPost, server.URL) })
	}
	all.Wait()
	d.CloseIdleConnections()
	server.Close()
	for runtime.NumGoroutine() > before {
		runtime.Gosched()
	}
}

// FuzzDirect gives arbitrary bytes as a server's answer: direct makes of them what the library does.
func FuzzDirect(f *testing.F) {
	for _, seed := range []string{
		"", hello, "HTTP/1.1 200 OK\r\n\r\nhi", "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nhi", "HTTP/1.1 100 \r\n\r\n" + hello,
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: A\r\n\r\n1;x=y\r\nz\r\n0\r\nA: b\r\n\r\n",
		"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx" + hello,
		"HTTP/1.1 304 \r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "HTTP/1.1 199 x\nA:b\n\nHTTP/1.1 200 x\n\n", "HTTP/1.1 -01 x\r\n\r\n",
	} {
		for _, head := range []bool{false, true} {
			f.Add([]byte(seed), head)
		}
	}
	// One server for all, since a listener's port is not free at once after its connections.
	var said atomic.Pointer[[]byte]
	server := serveRaw(f, func(conn net.Conn, reader *bufio.Reader) bool {
		return replies(string(*said.Load()), false)(conn, reader)
	})
	f.Fuzz(func(t *testing.T, answer []byte, head bool) {
		method := http.MethodPost
		if head {
			method = http.MethodHead
		}
		said.Store(&answer)
		d := newDirect(t)
		got := do(t.Context(), t, d, method, server.url)
		want := do(t.Context(), t, d.library, method, server.url)
		if strings.HasPrefix(got.Status, "101") {
			return // only the library would talk on in another protocol
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("differs from the library (-library +direct):\n%s", diff)
		}
	})
}
