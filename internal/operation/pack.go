package operation

import (
	"bytes"
	"compress/flate"
	_ "embed" // the dictionary
	"errors"
	"fmt"
	"io"
	"sync"
)

// dictionary is what payloads and records of every installation have in common.
// What it holds is not repeated in them, which leaves a third of their size. It
// can never be changed, since what was packed with it could not be read: another
// one needs another mark.
//
//go:embed dictionary.txt
var dictionary []byte

// packed marks what Pack made. No text begins with it, or with any other byte
// below the space: those are left for the marks of later versions.
const packed = '\x01'

// maxUnpacked bounds what a packed text may become, far above what the bounds of
// requests and logs allow.
const maxUnpacked = 16 << 20

// Pack makes a text short for Redis.
func Pack(text []byte) []byte {
	var short bytes.Buffer
	short.WriteByte(packed)
	w, _ := packers.Get().(*flate.Writer) // the pool holds nothing else
	defer packers.Put(w)
	w.Reset(&short)
	_, err := w.Write(text)
	if closed := w.Close(); err != nil || closed != nil {
		panic("operation: a buffer refused to be written") // cannot be
	}
	return short.Bytes()
}

// Unpack returns the text that Pack was given. One that was never packed is
// returned as it is; one with another mark can only be a newer version's: ErrNewer.
func Unpack(short []byte) ([]byte, error) {
	switch {
	case len(short) == 0 || short[0] >= ' ':
		return short, nil
	case short[0] != packed:
		return nil, ErrNewer
	}
	r, _ := unpackers.Get().(io.ReadCloser) // the pool holds nothing else
	defer unpackers.Put(r)
	if err := r.(flate.Resetter).Reset(bytes.NewReader(short[1:]), dictionary); err != nil { //nolint:forcetypeassert // flate says so
		return nil, fmt.Errorf("unpack: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(r, maxUnpacked+1))
	if err == nil && len(text) > maxUnpacked {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return text, nil
}

// Both are kept: a new writer takes half a megabyte.
//
//nolint:gochecknoglobals // pools
var (
	packers = sync.Pool{New: func() any {
		w, err := flate.NewWriterDict(nil, flate.DefaultCompression, dictionary)
		if err != nil {
			panic(err) // the level is a constant
		}
		return w
	}}
	unpackers = sync.Pool{New: func() any { return flate.NewReaderDict(bytes.NewReader(nil), dictionary) }}
)
