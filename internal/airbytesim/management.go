package airbytesim

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"
)

// defaultPatience bounds a wait that names no timeout.
const defaultPatience = 30 * time.Second

// Management serves the control of the simulator; it belongs on a listener of
// its own, never on the API's. The package's documentation lists its routes.
func (s *Sim) Management() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]any{"available": true}) })
	mux.HandleFunc("GET /contents", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Contents()) })
	mux.HandleFunc("POST /reset", command(func(struct{}) (any, error) { return nil, s.Reset() }))
	s.manageTraffic(mux)
	s.manageFaults(mux)
	s.manageWorld(mux)
	return mux
}

func (s *Sim) manageTraffic(mux *http.ServeMux) {
	mux.HandleFunc("GET /calls", func(w http.ResponseWriter, r *http.Request) {
		after, _ := strconv.ParseInt(r.FormValue("after"), 10, 64) // anything else means from the start
		reply(w, map[string]any{"calls": s.Calls(pattern(r), after)})
	})
	mux.HandleFunc("DELETE /calls", func(w http.ResponseWriter, _ *http.Request) {
		s.ClearCalls()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /counters", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Counters()) })
	mux.HandleFunc("GET /wait/started", waiting(s.WaitStarted))
	mux.HandleFunc("GET /wait/finished", waiting(s.WaitFinished))
	mux.HandleFunc("GET /wait/acted", waiting(s.WaitActed))
	mux.HandleFunc("GET /wait/held", waiting(s.WaitHeld))
	mux.HandleFunc("PUT /latencies", command(func(latencies map[string]Latency) (any, error) {
		s.SetLatencies(latencies)
		return nil, nil //nolint:nilnil // no body: 204
	}))
}

func (s *Sim) manageFaults(mux *http.ServeMux) {
	mux.HandleFunc("POST /faults", command(func(f Fault) (any, error) {
		id, err := s.AddFault(f)
		return map[string]any{"id": id}, err
	}))
	mux.HandleFunc("GET /faults", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]any{"faults": s.Faults()}) })
	mux.HandleFunc("DELETE /faults", func(w http.ResponseWriter, _ *http.Request) {
		s.RemoveFaults()
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("DELETE /faults/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			refuse(w, err)
			return
		}
		s.RemoveFault(id)
		w.WriteHeader(http.StatusNoContent)
	})
	mux.HandleFunc("GET /held", func(w http.ResponseWriter, _ *http.Request) { reply(w, map[string]any{"calls": s.Held()}) })
	mux.HandleFunc("POST /release", command(func(wanted struct {
		Operation string `json:"operation"`
		Seq       int64  `json:"seq"`
	},
	) (any, error) {
		if wanted.Operation == "" {
			wanted.Operation = "*"
		}
		return map[string]any{"released": s.Release(wanted.Operation, wanted.Seq)}, nil
	}))
}

func (s *Sim) manageWorld(mux *http.ServeMux) {
	mux.HandleFunc("GET /behavior", func(w http.ResponseWriter, _ *http.Request) { reply(w, s.Behavior()) })
	mux.HandleFunc("PUT /behavior", command(func(b Behavior) (any, error) {
		if err := b.check(); err != nil {
			return nil, err
		}
		s.SetBehavior(b)
		return s.Behavior(), nil
	}))
	mux.HandleFunc("PUT /catalogs", command(func(wanted struct {
		Key     string   `json:"key"`
		Catalog *Catalog `json:"catalog"`
	},
	) (any, error) {
		s.SetCatalog(wanted.Key, wanted.Catalog)
		return nil, nil //nolint:nilnil // no body: 204
	}))
	mux.HandleFunc("POST /definitions", command(func(d Definition) (any, error) { return nil, s.AddDefinition(d) }))
	mux.HandleFunc("POST /users", command(func(u User) (any, error) { return map[string]any{"userId": s.AddUser(u)}, nil }))
	mux.HandleFunc("POST /groups", command(func(g Group) (any, error) { return map[string]any{"groupId": s.AddGroup(g)}, nil }))
	mux.HandleFunc("POST /fill", command(func(f Filler) (any, error) { return nil, s.Fill(f) }))
	mux.HandleFunc("POST /tokens/expire", command(func(struct{}) (any, error) {
		s.ExpireTokens()
		return nil, nil //nolint:nilnil // no body: 204
	}))
	mux.HandleFunc("POST /jobs/finish", command(func(wanted struct {
		ID     int64  `json:"id"`
		Status string `json:"status"`
	},
	) (any, error) {
		return nil, s.FinishJob(wanted.ID, wanted.Status)
	}))
	mux.HandleFunc("POST /connections/status", command(func(wanted struct {
		ID     string `json:"connectionId"`
		Status string `json:"status"`
	},
	) (any, error) {
		return nil, s.SetStatus(wanted.ID, wanted.Status)
	}))
}

// command reads a JSON body, empty for none, and answers what is done with it; nil is 204.
func command[T any](do func(T) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var wanted T
		decoder := json.NewDecoder(r.Body)
		decoder.DisallowUnknownFields()
		if r.ContentLength != 0 {
			if err := decoder.Decode(&wanted); err != nil {
				refuse(w, err)
				return
			}
		}
		done, err := do(wanted)
		switch {
		case err != nil:
			refuse(w, err)
		case done == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			reply(w, done)
		}
	}
}

// waiting is a long poll: 204 when it came true, 408 when it did not within "timeout".
func waiting(wait func(ctx context.Context, pattern string, n int) error) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		patience := defaultPatience
		if text := r.FormValue("timeout"); text != "" {
			d, err := time.ParseDuration(text)
			if err != nil {
				refuse(w, err)
				return
			}
			patience = d
		}
		n, err := strconv.Atoi(r.FormValue("count"))
		if err != nil {
			n = 1
		}
		ctx, cancel := context.WithTimeout(r.Context(), patience)
		defer cancel()
		if err := wait(ctx, pattern(r), n); errors.Is(err, context.DeadlineExceeded) {
			w.WriteHeader(http.StatusRequestTimeout)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	}
}

func pattern(r *http.Request) string {
	if operation := r.FormValue("operation"); operation != "" {
		return operation
	}
	return "*"
}

func reply(w http.ResponseWriter, body any) {
	write(w, answer{status: http.StatusOK, body: encode(body)})
}

func refuse(w http.ResponseWriter, err error) {
	write(w, answer{status: http.StatusBadRequest, body: encode(map[string]any{"message": err.Error()})})
}
