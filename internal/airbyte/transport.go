package airbyte

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// NewTransport returns a client's own transport, for who wraps it (see
// Options.Transport): for one host that many workers call at once.
func NewTransport() http.RoundTripper {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &direct{
		dialer: dialer, hosts: map[string]*host{},
		library: &http.Transport{
			Proxy:                  http.ProxyFromEnvironment,
			DialContext:            dialer.DialContext,
			ForceAttemptHTTP2:      true,
			TLSHandshakeTimeout:    10 * time.Second,
			ExpectContinueTimeout:  time.Second,
			MaxIdleConns:           maxIdle,
			MaxIdleConnsPerHost:    maxIdle,
			IdleConnTimeout:        maxIdleTime,
			MaxResponseHeaderBytes: maxHeader,
		},
	}
}

// apiBase returns the base URL of the Configuration API, whose path ends in a slash.
func apiBase(text string) (*url.URL, error) {
	text = strings.TrimSpace(text)
	if text == "" {
		return nil, errors.New("airbyte: the base URL is missing")
	}
	u, err := url.Parse(text)
	if err != nil {
		// The parser's error repeats the URL, which may hold a password.
		return nil, errors.New("airbyte: the base URL cannot be parsed")
	}
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, errors.New("airbyte: the base URL must begin with http:// or https://")
	case u.Host == "":
		return nil, errors.New("airbyte: the base URL names no host")
	case u.User != nil:
		return nil, errors.New("airbyte: the base URL must hold no credentials; give username and password as settings of their own")
	case u.RawQuery != "" || u.Fragment != "":
		return nil, errors.New("airbyte: the base URL must have neither a query nor a fragment")
	}
	path := strings.TrimRight(u.EscapedPath(), "/")
	if strings.Contains(path, "/api/public") {
		return nil, fmt.Errorf("airbyte: %s is the public API; the Configuration API (/api/v1) is needed", path)
	}
	path = strings.TrimSuffix(strings.TrimSuffix(path, "/v1"), "/api")
	return url.Parse(u.Scheme + "://" + u.Host + path + "/api/v1/")
}
