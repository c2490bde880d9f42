package httpapi

import (
	"bytes"
	"encoding/json"
	"iter"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// members yields the names and values of a JSON object that json.Valid has
// accepted. encoding/json itself keeps silent about names that come twice and
// scans each value several times; after the check, finding the ends is enough.
func members(raw []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		at := skipSpace(raw, 0) + 1 // behind '{'
		for {
			at = skipSpace(raw, at)
			if raw[at] == '}' {
				return
			}
			if raw[at] == ',' {
				at = skipSpace(raw, at+1)
			}
			end := valueEnd(raw, at)
			name := unquote(raw[at:end])
			at = skipSpace(raw, end) + 1 // behind ':'
			at = skipSpace(raw, at)
			end = valueEnd(raw, at)
			if !yield(name, raw[at:end]) {
				return
			}
			at = end
		}
	}
}

// skipSpace returns the index of the first byte from at on that is no blank.
func skipSpace(raw []byte, at int) int {
	for raw[at] == ' ' || raw[at] == '\t' || raw[at] == '\n' || raw[at] == '\r' {
		at++
	}
	return at
}

// valueEnd returns the index behind the value that begins at at.
func valueEnd(raw []byte, at int) int {
	switch raw[at] {
	case '"':
		return stringEnd(raw, at)
	case '{', '[':
		return nestedEnd(raw, at)
	default: // a number or a literal ends before a delimiter
		if n := bytes.IndexAny(raw[at:], ",}] \t\r\n"); n >= 0 {
			return at + n
		}
		return len(raw)
	}
}

// stringEnd returns the index behind the string that begins at at.
func stringEnd(raw []byte, at int) int {
	for at++; ; at++ {
		switch raw[at] {
		case '"':
			return at + 1
		case '\\':
			at++ // whatever is escaped, it is no end
		}
	}
}

// nestedEnd returns the index behind the object or array that begins at at.
func nestedEnd(raw []byte, at int) int {
	for depth := 0; ; {
		switch raw[at] {
		case '"':
			at = stringEnd(raw, at)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			depth--
		}
		at++
		if depth == 0 {
			return at
		}
	}
}

// unquote returns the text of a JSON string that is known to be well-formed.
// A descriptor is one long string: json.Unmarshal would check it once more.
func unquote(raw []byte) string {
	raw = raw[1 : len(raw)-1]
	at := bytes.IndexByte(raw, '\\')
	if at < 0 {
		return string(raw)
	}
	var text strings.Builder
	text.Grow(len(raw))
	for at >= 0 {
		text.Write(raw[:at])
		r, length := unescape(raw[at:])
		text.WriteRune(r)
		raw = raw[at+length:]
		at = bytes.IndexByte(raw, '\\')
	}
	text.Write(raw)
	return text.String()
}

// unescape returns the character of the escape with which raw begins, and its
// length. Half a surrogate pair becomes U+FFFD, as in encoding/json.
func unescape(raw []byte) (r rune, length int) {
	switch raw[1] {
	case 'b':
		return '\b', 2
	case 'f':
		return '\f', 2
	case 'n':
		return '\n', 2
	case 'r':
		return '\r', 2
	case 't':
		return '\t', 2
	case 'u':
		r = hexRune(raw[2:6])
	default: // quote, slash and backslash stand for themselves
		return rune(raw[1]), 2
	}
	if !utf16.IsSurrogate(r) {
		return r, 6
	}
	if len(raw) >= 12 && raw[6] == '\\' && raw[7] == 'u' {
		if pair := utf16.DecodeRune(r, hexRune(raw[8:12])); pair != utf8.RuneError {
			return pair, 12
		}
	}
	return utf8.RuneError, 6
}

// hexRune reads the four digits of a \u escape.
func hexRune(digits []byte) rune {
	r, _ := strconv.ParseUint(string(digits), 16, 16) // four digits, by the check before
	return rune(r)
}
