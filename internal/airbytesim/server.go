package airbytesim

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Server is a simulator on listeners of its own.
type Server struct {
	// API and Management are where it listens, such as 127.0.0.1:8001; Management is empty when there is none.
	API        string
	Management string

	sim     *Sim
	servers []*http.Server
	failed  chan error
}

// Listen serves the API and, when its address is not empty, the management. Port
// 0 takes a free one. The simulator serves until Shutdown.
func (s *Sim) Listen(ctx context.Context, api, management string) (*Server, error) {
	server := &Server{sim: s, failed: make(chan error, 2)}
	var err error
	if server.API, err = server.open(ctx, api, s.API()); err != nil {
		return nil, err
	}
	if management == "" {
		return server, nil
	}
	if server.Management, err = server.open(ctx, management, s.Management()); err != nil {
		return nil, errors.Join(err, server.Shutdown(ctx))
	}
	return server, nil
}

func (s *Server) open(ctx context.Context, address string, handler http.Handler) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return "", err
	}
	// Holds and long polls may last: only the reading of a request has a limit.
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	s.servers = append(s.servers, server)
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.failed <- err
		}
	}()
	return listener.Addr().String(), nil
}

// Failed tells of a listener that broke while it should serve.
func (s *Server) Failed() <-chan error { return s.failed }

// Shutdown lets held calls go on and stops when every call is answered, or, at
// the latest, when the context ends; then connections are cut.
func (s *Server) Shutdown(ctx context.Context) error {
	s.sim.Close()
	var errs []error
	for _, server := range s.servers {
		if err := server.Shutdown(ctx); err != nil {
			errs = append(errs, err, server.Close())
		}
	}
	return errors.Join(errs...)
}
