package config

import (
	"crypto/tls"
	"errors"
	"net"
	"net/url"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"
)

const defaultRedisURL = "redis://127.0.0.1:6379/0"

const sentinelScheme = "redis-sentinel://"

// Options are the options of a go-redis client (redis.NewUniversalClient): one
// server, a master behind sentinels, or a cluster. An error never holds the
// URL's user or password.
func (r Redis) Options() (*redis.UniversalOptions, error) {
	options, err := r.address()
	if err != nil {
		return nil, err
	}
	if r.Username != "" || r.Password != "" {
		if options.Username != "" || options.Password != "" {
			return nil, errors.New("holds credentials, and REDIS_USERNAME or REDIS_PASSWORD is given too")
		}
		options.Username, options.Password = r.Username, r.Password.Reveal()
	}
	if r.TLS && options.TLSConfig == nil {
		options.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
	}
	// So that a call can be bounded by its context while Redis is away.
	options.ContextTimeoutEnabled = true
	return options, nil
}

// address reads where Redis is.
func (r Redis) address() (*redis.UniversalOptions, error) {
	text := r.URL.Reveal()
	switch {
	case len(r.ClusterAddrs) > 0 && text != "":
		return nil, errors.New("is given together with REDIS_CLUSTER_ADDRS; one of them says where Redis is")
	case len(r.ClusterAddrs) > 0:
		return &redis.UniversalOptions{Addrs: r.ClusterAddrs, IsClusterMode: true}, nil
	case text == "":
		text = defaultRedisURL
	case strings.HasPrefix(text, sentinelScheme):
		return sentinelOptions(strings.TrimPrefix(text, sentinelScheme))
	}
	return singleOptions(text)
}

// singleOptions reads redis:// and rediss://, with go-redis's own query parameters.
func singleOptions(text string) (*redis.UniversalOptions, error) {
	if !strings.HasPrefix(text, "redis://") && !strings.HasPrefix(text, "rediss://") {
		return nil, errors.New("must begin with redis://, rediss:// or redis-sentinel://")
	}
	o, err := redis.ParseURL(text)
	if err != nil {
		return nil, errURL
	}
	return &redis.UniversalOptions{
		Addrs: []string{o.Addr}, DB: o.DB, Username: o.Username, Password: o.Password, TLSConfig: o.TLSConfig,
		ClientName: o.ClientName, Protocol: o.Protocol,
		MaxRetries: o.MaxRetries, MinRetryBackoff: o.MinRetryBackoff, MaxRetryBackoff: o.MaxRetryBackoff,
		DialTimeout: o.DialTimeout, ReadTimeout: o.ReadTimeout, WriteTimeout: o.WriteTimeout,
		PoolFIFO: o.PoolFIFO, PoolSize: o.PoolSize, PoolTimeout: o.PoolTimeout,
		MinIdleConns: o.MinIdleConns, MaxIdleConns: o.MaxIdleConns, MaxActiveConns: o.MaxActiveConns,
		ConnMaxIdleTime: o.ConnMaxIdleTime, ConnMaxLifetime: o.ConnMaxLifetime,
	}, nil
}

// sentinelOptions reads what follows redis-sentinel://. The list of hosts is
// taken out first: net/url refuses several.
func sentinelOptions(text string) (*redis.UniversalOptions, error) {
	authority, rest := text, ""
	if at := strings.IndexAny(text, "/?"); at >= 0 {
		authority, rest = text[:at], text[at:]
	}
	user, hosts := "", authority
	if at := strings.LastIndex(authority, "@"); at >= 0 {
		user, hosts = authority[:at+1], authority[at+1:]
	}
	u, err := url.Parse("redis://" + user + "host" + rest)
	if err != nil {
		return nil, errURL
	}
	o := &redis.UniversalOptions{Username: u.User.Username()}
	o.Password, _ = u.User.Password()
	for host := range strings.SplitSeq(hosts, ",") {
		addr, err := sentinelAddr(strings.TrimSpace(host))
		if err != nil {
			return nil, err
		}
		o.Addrs = append(o.Addrs, addr)
	}
	if db := strings.Trim(u.Path, "/"); db != "" {
		if o.DB, err = strconv.Atoi(db); err != nil || o.DB < 0 {
			return nil, errors.New("has something else where the number of a database belongs")
		}
	}
	return o, sentinelQuery(o, u.RawQuery)
}

// sentinelAddr is host:port; without a port it is the sentinels' usual one.
func sentinelAddr(host string) (string, error) {
	if name, port, err := net.SplitHostPort(host); err == nil && name != "" && isPort(port) {
		return host, nil
	}
	if name := strings.Trim(host, "[]"); name != "" && (!strings.Contains(name, ":") || net.ParseIP(name) != nil) {
		return net.JoinHostPort(name, "26379"), nil
	}
	return "", errors.New("has something else where a sentinel's host:port belongs; " + percent)
}

func sentinelQuery(o *redis.UniversalOptions, raw string) error {
	query, err := url.ParseQuery(raw)
	if err != nil {
		return errURL
	}
	for key := range query {
		value := query.Get(key)
		switch key {
		case "master":
			o.MasterName = value
		case "sentinel_username":
			o.SentinelUsername = value
		case "sentinel_password":
			o.SentinelPassword = value
		case "tls":
			on, err := parseBool(value)
			if err != nil {
				return errors.New("has a parameter tls that is neither true nor false")
			}
			if on {
				o.TLSConfig = &tls.Config{MinVersion: tls.VersionTLS12}
			}
		default:
			return errors.New("has an unknown parameter; master, sentinel_username, sentinel_password and tls are known")
		}
	}
	if o.MasterName == "" {
		return errors.New("names no master: add ?master=NAME")
	}
	return nil
}

// errURL says as much as can be said without repeating a part of the URL, which
// may be a part of a password that is written without its percent signs.
var errURL = errors.New("cannot be read as a URL; " + percent)

const percent = "special characters of a user or password must be percent-encoded"

// Where says where Redis is, without credentials, for the log.
func (r Redis) Where() string {
	o, err := r.address()
	if err != nil {
		return ""
	}
	switch where := strings.Join(o.Addrs, ","); {
	case o.MasterName != "":
		return "master " + o.MasterName + " by sentinels " + where
	case o.IsClusterMode:
		return "cluster " + where
	default:
		return where + "/" + strconv.Itoa(o.DB)
	}
}
