package descriptor

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

// Limits on a descriptor's text. Real data products are far below them: one of
// 200 components has 230 KB, some 15,000 values and a depth of 15.
const (
	// MaxBytes is the greatest size of a descriptor, and of latestEnrichedDescriptor.
	MaxBytes = 4 << 20
	// maxDepth bounds nesting, for our own recursion too.
	maxDepth = 100
	// maxMarks bounds the characters that can begin a value. A parsed value takes
	// some 200 bytes of memory, far more than the two of text that it may cost.
	maxMarks = 400_000
)

// errEmpty is told of a text without any content.
var errEmpty = errors.New("it is empty")

// parseText reads one YAML (or JSON) document and returns its root; a text that
// is not one is explained by the error, which is safe to show.
func parseText(text string) (*yaml.Node, error) {
	text = strings.TrimPrefix(text, "\ufeff")
	if err := checkText(text); err != nil {
		return nil, err
	}
	if strings.HasPrefix(strings.TrimLeft(text, " \t\r\n"), "{") {
		// YAML is nearly a superset of JSON, but not of its surrogate pairs.
		if root, ok := parseJSON(text); ok {
			return root, nil
		}
	}
	return parseYAML(text)
}

// checkText refuses what would cost more to parse than a descriptor is worth.
func checkText(text string) error {
	if len(text) > MaxBytes {
		return fmt.Errorf("it has %d bytes; at most %d are accepted", len(text), MaxBytes)
	}
	if !utf8.ValidString(text) {
		return fmt.Errorf("line %d: it is not valid UTF-8 text", lineOf(text, invalidAt(text)))
	}
	if at := strings.IndexByte(text, 0); at >= 0 {
		return fmt.Errorf("line %d: it holds a NUL character", lineOf(text, at))
	}
	if marks := countMarks(text); marks > maxMarks {
		return fmt.Errorf("it holds some %d values; at most %d are accepted", marks, maxMarks)
	}
	return nil
}

// invalidAt is the offset of the first byte that is not UTF-8.
func invalidAt(text string) int {
	for i := 0; i < len(text); {
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size <= 1 {
			return i
		}
		i += size
	}
	return len(text)
}

func lineOf(text string, at int) int { return strings.Count(text[:at], "\n") + 1 }

// countMarks estimates, from above, how many values the text holds: each begins
// after one of these marks.
func countMarks(text string) int {
	n := 0
	for i := range len(text) {
		switch text[i] {
		case '\n', ',', '[', '{':
			n++
		case ':', '-', '?':
			if i+1 == len(text) || text[i+1] <= ' ' || text[i+1] == ',' || i > 0 && text[i-1] == '"' {
				n++
			}
		}
	}
	return n
}

// parseYAML reads the only document of the text.
func parseYAML(text string) (root *yaml.Node, err error) {
	defer func() {
		if recover() != nil { // the parser panics on a few malformed texts instead of failing
			root, err = nil, errors.New("it cannot be read as YAML")
		}
	}()
	decoder := yaml.NewDecoder(strings.NewReader(text))
	var document yaml.Node
	switch err := decoder.Decode(&document); {
	case errors.Is(err, io.EOF):
		return nil, errEmpty
	case err != nil:
		return nil, yamlError(text, err)
	}
	var second yaml.Node
	switch err := decoder.Decode(&second); {
	case errors.Is(err, io.EOF), err == nil && isNull(second.Content[0]):
		return document.Content[0], nil
	case err != nil:
		return nil, yamlError(text, err)
	default:
		return nil, fmt.Errorf("line %d: a second YAML document begins here; exactly one is expected", second.Line)
	}
}

// yamlError is the parser's message, with the line that the parser leaves out
// where it is the first. An unknown anchor is not named: it may be a password
// that begins with * and lacks its quotes.
func yamlError(text string, err error) error {
	message := strings.TrimPrefix(err.Error(), "yaml: ")
	if anchor, ok := strings.CutPrefix(message, "unknown anchor '"); ok {
		at := strings.Index(text, "*"+strings.TrimSuffix(anchor, "' referenced"))
		return fmt.Errorf("line %d: an alias (*name) has no anchor; a text that begins with * needs quotes", lineOf(text, max(0, at)))
	}
	if !strings.HasPrefix(message, "line ") {
		message = "line 1: " + message
	}
	if len(message) > 200 {
		message = strings.ToValidUTF8(message[:200], "") + "…"
	}
	return errors.New(message)
}
