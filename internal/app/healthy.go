package app

import (
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"time"

	"airbyte-provisioner/internal/config"
)

// Healthy asks the program that runs with these settings on this machine
// whether it is alive; for health checks of containers that hold nothing else.
func Healthy(ctx context.Context, file string, environ []string, program config.Program) error {
	cfg, err := config.Load(file, environ, program)
	if err != nil {
		return err
	}
	address, scheme := cfg.HTTP.Addr, "http"
	if program == config.ForWorker {
		address = cfg.Worker.HTTPAddr
	} else if cfg.HTTP.TLSCertFile != "" {
		scheme = "https"
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return err
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, scheme+"://"+net.JoinHostPort(host, port)+"/healthz", http.NoBody)
	if err != nil {
		return err
	}
	client := http.Client{Transport: &http.Transport{
		// The certificate is for the outside's name of this very machine.
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // explained above
	}}
	response, err := client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close() //nolint:errcheck // nothing was read
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s", request.URL, response.Status)
	}
	return nil
}
