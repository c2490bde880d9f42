package operation

import (
	_ "embed" // the dictionary
	"errors"
	"fmt"

	"github.com/klauspost/compress/s2"
)

// dictionary is what payloads and records of every installation have in common.
// What it holds is not repeated in them, which leaves a third of their size. It
// can never be changed, since what was packed with it could not be read: another
// one needs another mark.
//
//go:embed dictionary.txt
var dictionary []byte

// packer is safe for concurrent use.
//
//nolint:gochecknoglobals // made once from the binary, never changed
var packer = s2.MakeDict(dictionary, nil)

// packed marks what Pack made. No text begins with it, or with any other byte
// below the space: those are left for the marks of later versions.
const packed = '\x01'

// maxUnpacked bounds what a packed text may become, far above what the bounds of
// requests and logs allow.
const maxUnpacked = 16 << 20

// Pack makes a text short for Redis. It takes a few microseconds, so that a
// request can afford it: S2 finds what is repeated and leaves it at that.
func Pack(text []byte) []byte {
	if len(text) == 0 {
		return nil // nothing is nothing in any form
	}
	short := make([]byte, 1+s2.MaxEncodedLen(len(text)))
	short[0] = packed
	return short[:1+len(packer.Encode(short[1:], text))]
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
	size, err := s2.DecodedLen(short[1:])
	if err == nil && size > maxUnpacked {
		err = errors.New("it is too large")
	}
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	text, err := packer.Decode(nil, short[1:])
	if err != nil {
		return nil, fmt.Errorf("unpack: %w", err)
	}
	return text, nil
}
