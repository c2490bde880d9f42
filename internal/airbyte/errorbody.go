package airbyte

import (
	"encoding/json"
	"regexp"
	"strings"
	"unicode"
)

// errorBody is what could be understood of an error's body.
type errorBody struct {
	message string
	kind    string // problem type
	errorID string
}

var lockWords = regexp.MustCompile(`(?i)\b(locked|lock)\b`)

// locked reports whether a conflict is about a lock, which is given back by itself.
func (b errorBody) locked() bool {
	return b.kind == "error:connection/locked" || lockWords.MatchString(b.message)
}

// text is a string that may come as something else; anything else reads as empty.
type text string

// UnmarshalJSON reads a JSON string and ignores any other value.
func (t *text) UnmarshalJSON(raw []byte) error {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		*t = text(s)
	}
	return nil
}

// loose is a value of type T that may come in another form, which then reads as
// its zero value: an odd part of an error's body must not hide the rest.
type loose[T any] struct{ value T }

// UnmarshalJSON reads the value and ignores one of another form.
func (l *loose[T]) UnmarshalJSON(raw []byte) error {
	var value T
	if json.Unmarshal(raw, &value) == nil {
		l.value = value
	}
	return nil
}

// wireError is every known form of an error's body in one: Airbyte's known
// exceptions, its validation errors, problem details, the web framework's own
// nested form, and OAuth's.
type wireError struct {
	Message          text `json:"message"`
	ErrorID          text `json:"errorId"`
	Type             text `json:"type"`
	Title            text `json:"title"`
	Detail           text `json:"detail"`
	OAuthError       text `json:"error"`
	OAuthDescription text `json:"error_description"`
	Data             loose[struct {
		Message text `json:"message"`
	}] `json:"data"`
	Embedded loose[struct {
		Errors loose[[]struct {
			Message text `json:"message"`
		}] `json:"errors"`
	}] `json:"_embedded"`
	// ValidationErrors hold the offending value too, which may be a secret: it is left out.
	ValidationErrors loose[[]struct {
		Path    text `json:"propertyPath"`
		Message text `json:"message"`
	}] `json:"validationErrors"`
}

// readErrorBody understands as much of an error's body as it can. A page of a
// proxy says nothing that is of use, so it reads as empty.
func readErrorBody(contentType string, raw []byte) errorBody {
	var wire wireError
	if json.Unmarshal(raw, &wire) != nil {
		return errorBody{message: plainText(contentType, raw)}
	}
	return errorBody{message: wire.words(), kind: string(wire.Type), errorID: short(string(wire.ErrorID), 64)}
}

// words are Airbyte's own words, the most telling first, none twice.
func (w wireError) words() string {
	var said []string
	for _, e := range w.Embedded.value.Errors.value {
		said = append(said, string(e.Message))
	}
	for _, e := range w.ValidationErrors.value {
		if e.Message != "" {
			said = append(said, strings.TrimPrefix(string(e.Path+": "+e.Message), ": "))
		}
	}
	if len(said) == 0 || strings.TrimSpace(strings.Join(said, "")) == "" {
		said = []string{string(w.Message)}
	}
	said = append(said, string(w.Detail), string(w.Data.value.Message))
	if joined(said...) == "" {
		said = []string{string(w.Title), string(w.OAuthDescription)}
	}
	if joined(said...) == "" {
		said = []string{string(w.OAuthError)}
	}
	for i := range said {
		said[i] = trim(said[i])
	}
	return joined(said...)
}

// joined joins texts by ": ", leaving out empty ones and those already said.
func joined(texts ...string) string {
	var out string
	for _, t := range texts {
		switch t = strings.TrimSpace(t); {
		case t == "" || strings.Contains(out, t):
		case out == "":
			out = t
		default:
			out += ": " + t
		}
	}
	return out
}

// plainText takes the first line of a text, or of a JSON string, that is
// neither a page of HTML nor other JSON.
func plainText(contentType string, raw []byte) string {
	s := strings.TrimSpace(string(raw))
	_ = json.Unmarshal(raw, &s) // leaves s as it is unless raw is a JSON string
	if strings.Contains(strings.ToLower(contentType), "html") || strings.HasPrefix(s, "<") || strings.ContainsAny(s[:min(1, len(s))], "{[") {
		return ""
	}
	first, _, _ := strings.Cut(s, "\n")
	return first
}

// noise begins where a message stops being for people: the connector's schema or a stack trace.
var noise = regexp.MustCompile(`\n?\s*\bSchema:\s*\{|\nSchema:|\n\s*at [\w$.<>/]+\(|\n?Caused by: `)

func trim(message string) string {
	if at := noise.FindStringIndex(message); at != nil {
		message = message[:at[0]]
	}
	return message
}

const maxMessage = 1000

// clean takes out of a text from outside what is not for people and this
// client's own secrets. To be shown it must go through Client.shown, too.
func (c *connector) clean(message string) string {
	return without(c.secrets(), trim(message))
}

// secrets are the texts that must never be shown.
func (c *connector) secrets() []string {
	var all []string
	for _, s := range []string{c.options.Auth.ClientSecret, c.options.Auth.Password} {
		if s != "" {
			all = append(all, s)
		}
	}
	if c.tokens != nil {
		if token, _ := c.tokens.get(c.options.Now()); token != "" {
			all = append(all, token)
		}
	}
	return all
}

// short puts a text on one line and cuts it at a number of runes.
func short(s string, limit int) string {
	s = strings.Join(strings.FieldsFunc(strings.ToValidUTF8(s, "\uFFFD"), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	runes := []rune(s)
	if len(runes) <= limit {
		return s
	}
	return string(runes[:limit-1]) + "…"
}
