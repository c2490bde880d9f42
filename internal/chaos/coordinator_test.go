package chaos

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"strings"
	"time"
)

// reply is an answer of an API. An API that dies or is away answers nothing: err is set.
type reply struct {
	status int
	body   string
	err    error
}

// unanswered reports whether the request must be made again, as the Coordinator
// would: nobody answered, or Redis was away.
func (r reply) unanswered() bool { return r.err != nil || r.status == http.StatusInternalServerError }

// caller makes requests of the APIs, as the Coordinator does. Connections are
// not shared between requests, so that each meets whoever lives now.
var caller = &http.Client{
	Timeout:   patience,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// ask makes one request of one API.
func (s *slot) ask(ctx context.Context, method, path, trace string, body any) reply {
	addr := s.address()
	if addr == "" {
		return reply{err: fmt.Errorf("%s does not listen", s.name)}
	}
	var content io.Reader
	if body != nil {
		text, err := json.Marshal(body)
		if err != nil {
			return reply{err: err}
		}
		content = bytes.NewReader(text)
	}
	request, err := http.NewRequestWithContext(ctx, method, "http://"+addr+path, content)
	if err != nil {
		return reply{err: err}
	}
	request.Header.Set("Authorization", "Bearer "+apiToken)
	request.Header.Set("Traceid", trace)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := caller.Do(request)
	if err != nil {
		return reply{err: err}
	}
	defer func() { _ = response.Body.Close() }()
	answer, err := io.ReadAll(response.Body)
	return reply{response.StatusCode, string(answer), err}
}

// insist makes a request of one API after another until one answers.
func (h *house) insist(ctx context.Context, random *rand.Rand, method, path, trace string, body any) (reply, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*patience)
	defer cancel()
	for {
		r := h.apis[random.IntN(len(h.apis))].ask(ctx, method, path, trace, body)
		if !r.unanswered() {
			return r, nil
		}
		select {
		case <-ctx.Done():
			return r, fmt.Errorf("%s %s was never answered; last: %d %s, %w", method, path, r.status, r.body, r.err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// submission is a ProvisioningRequest.
type submission struct {
	DescriptorKind string `json:"descriptorKind"`
	Descriptor     string `json:"descriptor"`
	RemoveData     bool   `json:"removeData"`
}

// aclRequest is an UpdateAclRequest.
type aclRequest struct {
	Refs          []string `json:"refs"`
	ProvisionInfo struct {
		Request string `json:"request"`
		Result  string `json:"result"`
	} `json:"provisionInfo"`
}

// status is what is looked at of a ProvisioningStatus.
type status struct {
	Status string `json:"status"`
	Result string `json:"result"`
	Logs   []struct {
		Timestamp time.Time `json:"timestamp"`
		Level     string    `json:"level"`
		Message   string    `json:"message"`
	} `json:"logs"`
}

func (s status) final() bool {
	return s.Status == "COMPLETED" || s.Status == "FAILED" || s.Status == "TERMINATED"
}

// logText is the log as one text.
func (s status) logText() string {
	var b strings.Builder
	for _, line := range s.Logs {
		fmt.Fprintf(&b, "%s %s %s\n", line.Timestamp.Format("15:04:05.000"), line.Level, line.Message)
	}
	return b.String()
}

// statusOf asks for a token until somebody answers. A token that is not known is an error.
func (h *house) statusOf(ctx context.Context, random *rand.Rand, one *accepted) (status, error) {
	r, err := h.insist(ctx, random, http.MethodGet, one.statusPath(one.token), "", nil)
	if err != nil {
		return status{}, err
	}
	return readStatus(one.token, r)
}

func readStatus(token string, r reply) (status, error) {
	if r.status != http.StatusOK {
		return status{}, fmt.Errorf("the status of %s was answered with %d: %s", token, r.status, r.body)
	}
	var st status
	if err := json.Unmarshal([]byte(r.body), &st); err != nil {
		return status{}, fmt.Errorf("the status of %s: %w", token, err)
	}
	return st, nil
}
