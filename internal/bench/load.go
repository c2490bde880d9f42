package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"sync/atomic"
	"time"
)

// clients is how many connections a load has; each waits for an answer before
// it sends the next request.
const clients = 64

// gun is one connection with as little HTTP as is needed: what the client costs
// is taken from the same processors as what is measured.
type gun struct {
	conn   net.Conn
	reader *bufio.Reader
}

func dial(ctx context.Context, addr string) (*gun, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	return &gun{conn: conn, reader: bufio.NewReaderSize(conn, 8<<10)}, nil
}

// send sends a request and returns the status and, if wanted, the body of its answer.
func (g *gun) send(request []byte, body *bytes.Buffer) (status int, err error) {
	if _, err := g.conn.Write(request); err != nil {
		return 0, err
	}
	line, err := g.reader.ReadSlice('\n')
	if err != nil || len(line) < 12 {
		return 0, fmt.Errorf("no answer: %w", err)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, err
	}
	length := -1
	for {
		if line, err = g.reader.ReadSlice('\n'); err != nil {
			return 0, err
		}
		if len(line) <= 2 {
			break
		}
		const name = "Content-Length: "
		if bytes.HasPrefix(line, []byte(name)) {
			if length, err = strconv.Atoi(string(bytes.TrimSpace(line[len(name):]))); err != nil {
				return 0, err
			}
		}
	}
	if length < 0 {
		return 0, errors.New("the answer tells no length")
	}
	if body != nil {
		body.Reset()
		_, err = io.CopyN(body, g.reader, int64(length))
		return status, err
	}
	_, err = g.reader.Discard(length)
	return status, err
}

// magazine gives a connection its next request; the slice is used before the next call.
type magazine func() []byte

// fire sends requests over all connections for a while and returns how many were
// answered a second. Every answer must have the status.
func fire(ctx context.Context, addr string, status int, during time.Duration, magazines []magazine) (float64, error) {
	guns := make([]*gun, len(magazines))
	for i := range guns {
		var err error
		if guns[i], err = dial(ctx, addr); err != nil {
			return 0, err
		}
		defer func() { _ = guns[i].conn.Close() }()
	}
	var (
		group  sync.WaitGroup
		total  atomic.Int64
		failed = make(chan error, len(guns))
		begun  = time.Now()
		over   = begun.Add(during)
	)
	for i, g := range guns {
		_ = g.conn.SetDeadline(over.Add(30 * time.Second))
		group.Go(func() {
			for time.Now().Before(over) && ctx.Err() == nil {
				got, err := g.send(magazines[i](), nil)
				if err == nil && got != status {
					err = fmt.Errorf("%s answered %d instead of %d", addr, got, status)
				}
				if err != nil {
					failed <- err
					return
				}
				total.Add(1)
			}
		})
	}
	group.Wait()
	elapsed := time.Since(begun)
	select {
	case err := <-failed:
		return 0, err
	default:
	}
	if err := ctx.Err(); err != nil {
		return 0, err
	}
	return float64(total.Load()) / elapsed.Seconds(), nil
}
