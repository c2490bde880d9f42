package airbyte

import (
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"sync"
)

// Concealed is a set of secrets that Airbyte is sent and may repeat in its
// messages, which then show *** in their place. It is safe for concurrent use.
type Concealed struct {
	mu    sync.RWMutex
	texts []string
}

// shortestLine is the least length of a line of a longer secret that is
// concealed by itself: the ends of keys are shorter than what gives them away.
const shortestLine = 8

// Add adds secrets, in every form in which a message may hold them.
func (c *Concealed) Add(secrets ...string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, secret := range secrets {
		if secret == "" {
			continue
		}
		quoted, _ := json.Marshal(secret) // a string can always be encoded
		// The longest form first: a shorter one may be a part of it.
		c.texts = append(c.texts, string(quoted[1:len(quoted)-1]), url.QueryEscape(secret), secret)
		for line := range strings.Lines(secret) {
			if line = strings.TrimSpace(line); len(line) >= shortestLine && line != secret {
				c.texts = append(c.texts, line)
			}
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
	for _, text := range c.texts {
		message = strings.ReplaceAll(message, text, "***")
	}
	return message
}

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
		shown.Message = short(c.concealed.conceal(call.Message), maxMessage)
		return &shown
	case errors.As(err, &job):
		job.Message = short(c.concealed.conceal(c.clean(job.Message)), maxMessage)
	}
	return err
}
