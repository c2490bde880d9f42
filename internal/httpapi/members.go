package httpapi

import (
	"bytes"
	"encoding/json"
	"iter"
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
			var name string
			_ = json.Unmarshal(raw[at:end], &name) // a valid string, by the check before
			at = skipSpace(raw, end) + 1           // behind ':'
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
