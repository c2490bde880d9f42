package airbyte

import (
	"bufio"
	"context"
	"errors"
	"net"
	"slices"
	"sync"
	"syscall"
	"time"
)

const (
	// maxIdle is how many connections to one host are kept while no call uses them.
	maxIdle = 128
	// maxIdleTime is below the 60 s after which usual proxies close an idle
	// connection, so that no POST meets a closed one.
	maxIdleTime = 50 * time.Second
)

// host keeps the idle connections to one host.
type host struct {
	address string
	dialer  *net.Dialer

	mu   sync.Mutex
	idle []*link // the one used last is last
}

// link is a connection that serves one call at a time.
type link struct {
	net.Conn
	reader  *bufio.Reader
	allowed int         // how many bytes may still be read
	expire  *time.Timer // closes it while it is idle
}

// take returns a connection on which the server is silent: the idle one that
// was used last, or a new one.
func (h *host) take(ctx context.Context) (*link, error) {
	for ctx.Err() == nil {
		l := h.last()
		if l == nil {
			return h.dial(ctx)
		}
		if l.expire.Stop() && l.silent() {
			return l, nil
		}
		l.close()
	}
	return nil, ctx.Err()
}

// last takes the connection out that was used last, nil if there is none.
func (h *host) last() *link {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) == 0 {
		return nil
	}
	l := h.idle[len(h.idle)-1]
	h.idle[len(h.idle)-1] = nil
	h.idle = h.idle[:len(h.idle)-1]
	return l
}

func (h *host) dial(ctx context.Context) (*link, error) {
	conn, err := h.dialer.DialContext(ctx, "tcp", h.address)
	if err != nil {
		return nil, err
	}
	l := &link{Conn: conn}
	l.reader = bufio.NewReader(l)
	l.expire = time.AfterFunc(maxIdleTime, func() { h.drop(l) })
	l.expire.Stop() // it is not idle yet
	return l, nil
}

// put keeps a connection for the next call.
func (h *host) put(l *link) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.idle) == maxIdle {
		l.close()
		return
	}
	l.expire.Reset(maxIdleTime)
	h.idle = append(h.idle, l)
}

// drop closes an idle connection.
func (h *host) drop(l *link) {
	h.mu.Lock()
	h.idle = slices.DeleteFunc(h.idle, func(other *link) bool { return other == l })
	h.mu.Unlock()
	l.close()
}

// closeIdle closes all idle connections.
func (h *host) closeIdle() {
	for l := h.last(); l != nil; l = h.last() {
		l.expire.Stop()
		l.close()
	}
}

func (l *link) close() { _ = l.Close() }

var errHeaderTooLong = errors.New("the answer's headers are larger than 64 KB")

// Read reads what is allowed.
func (l *link) Read(p []byte) (int, error) {
	if l.allowed == 0 {
		return 0, errHeaderTooLong
	}
	n, err := l.Conn.Read(p[:min(len(p), l.allowed)])
	l.allowed -= n
	return n, err
}

// silent tells whether the server has neither closed an idle connection nor
// sent something unasked. It does not wait.
func (l *link) silent() bool {
	conn, ok := l.Conn.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := conn.SyscallConn()
	if err != nil {
		return false
	}
	var silent bool
	err = raw.Read(func(socket uintptr) bool {
		silent = nothingToRead(socket)
		return true // do not wait until there is something to read
	})
	return err == nil && silent
}
