package airbyte

import (
	"cmp"
	"encoding/json"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
)

// Concealed is a set of secrets that Airbyte is sent and may repeat in its
// messages, which then show *** in their place. It is safe for concurrent use.
type Concealed struct {
	mu      sync.RWMutex
	secrets []string
}

// Add adds secrets.
func (c *Concealed) Add(secrets ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range secrets {
		if secret != "" && !slices.Contains(c.secrets, secret) {
			c.secrets = append(c.secrets, secret)
		}
	}
}

// conceal returns the message without the secrets.
func (c *Concealed) conceal(message string) string {
	if c == nil {
		return message
	}
	c.mu.RLock()
	defer c.mu.RUnlock()
	return without(c.secrets, message)
}

// without returns the message without the secrets, in whichever form it holds them.
func without(secrets []string, message string) string {
	if message == "" {
		return ""
	}
	var texts []string
	for _, secret := range secrets {
		texts = append(texts, forms(secret)...)
	}
	// The longest first: a shorter one, of another secret too, may be a part of it.
	slices.SortFunc(texts, func(a, b string) int { return cmp.Or(len(b)-len(a), strings.Compare(a, b)) })
	for _, text := range slices.Compact(texts) {
		message = strings.ReplaceAll(message, text, "***")
	}
	return message
}

// shortestLine is the least length of a line of a longer secret that is
// concealed by itself: the ends of keys are shorter than what gives them away.
const shortestLine = 8

// forms are the texts by which a message may hold a secret: as it is, line by
// line, within JSON, and within a URL, as whoever wrote the message escapes it.
func forms(secret string) []string {
	all := []string{secret}
	for line := range strings.Lines(secret) {
		if line = strings.TrimSpace(line); len(line) >= shortestLine {
			all = append(all, line)
		}
	}
	for _, html := range []bool{true, false} {
		var quoted strings.Builder
		encoder := json.NewEncoder(&quoted)
		encoder.SetEscapeHTML(html)
		_ = encoder.Encode(secret) // a string can always be encoded
		text := strings.TrimSpace(quoted.String())
		text = text[1 : len(text)-1]
		all = append(all, text, strings.ReplaceAll(text, "/", `\/`))
	}
	query := url.QueryEscape(secret)
	for _, text := range []string{query, strings.ReplaceAll(query, "+", "%20"), url.PathEscape(secret), url.User(secret).String()} {
		all = append(all, text, escapes.ReplaceAllStringFunc(text, strings.ToLower))
	}
	return all
}

var escapes = regexp.MustCompile(`%[0-9A-F]{2}`)

// Concealing returns a client that shares everything with c, whose errors show
// none of the secrets that are in the set, now or later.
func (c *Client) Concealing(secrets *Concealed) *Client {
	return &Client{connector: c.connector, guard: c.guard, concealed: secrets}
}

// shown makes an error fit to be shown: without secrets, on one line, of bounded length.
func (c *Client) shown(err error) error {
	var call *Error
	var job *JobFailure
	switch {
	case errors.As(err, &call):
		shown := *call // callers that share a token's renewal share its error
		shown.Message = c.fit(call.Message)
		return &shown
	case errors.As(err, &job):
		job.Message = c.fit(c.clean(job.Message))
	}
	return err
}

// fit is a clean message as it may be shown.
func (c *Client) fit(message string) string {
	return short(c.concealed.conceal(message), maxMessage)
}
