package httpapi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/httpapi"
	"airbyte-provisioner/internal/workload"
)

// instant is a store that costs nothing, so that the benchmarks show the API alone.
type instant struct {
	token  string
	status workload.Status
}

func (i instant) Submit(context.Context, workload.Order) (string, error) { return i.token, nil }

func (i instant) Status(context.Context, string) (workload.Status, error) { return i.status, nil }

func (i instant) Poll(context.Context, string) (workload.Status, error) { return i.status, nil }

func (i instant) Terminate(context.Context, string) (workload.Status, error) { return i.status, nil }

// benchServer logs as in production, to nowhere.
func benchServer(b *testing.B) http.Handler {
	b.Helper()
	options := optionsFor(b)
	token := uuid.NewString()
	options.Operations = instant{token: token, status: workload.Status{
		Token: token, Kind: workload.Provision, State: workload.Running, Attempts: 1, Logs: []workload.LogLine{logLine, logLine, logLine},
	}}
	options.Parse = func(workload.Kind, httpapi.ProvisioningRequest) (workload.Work, *workload.Failure) {
		return workload.Work{Component: workload.NewComponent("urn:dmb:cmp:sales:orders:0:ingestion", "production")}, nil
	}
	options.Logger = slog.New(slog.NewJSONHandler(io.Discard, nil)) //nolint:sloglint // rendering a line is part of the cost
	server, err := httpapi.New(options)
	if err != nil {
		b.Fatal(err)
	}
	return server
}

// benchBody is a request with a descriptor of about so many bytes.
func benchBody(b *testing.B, size int) string {
	b.Helper()
	line := "    - {kind: workload, name: \"Orders\", description: 'of the shop'}\n"
	text, err := json.Marshal(map[string]any{
		"descriptorKind": "COMPONENT_DESCRIPTOR", "removeData": false,
		"descriptor": "dataProduct:\n  components:\n" + strings.Repeat(line, size/len(line)),
	})
	if err != nil {
		b.Fatal(err)
	}
	return string(text)
}

// BenchmarkAccept compares the way to a 202, without parsing and without a
// store, with a bare Echo handler that decodes the same JSON.
func BenchmarkAccept(b *testing.B) {
	floor := echo.New()
	floor.POST("/v1/provision", func(c echo.Context) error {
		var r struct {
			DescriptorKind, Descriptor, LatestEnrichedDescriptor string
			RemoveData                                           bool
		}
		if err := json.NewDecoder(c.Request().Body).Decode(&r); err != nil {
			return err
		}
		return c.String(http.StatusAccepted, "0198c8a2-5f0e-8c3a-9b1d-1f2e3d4c5b6a")
	})
	for _, size := range []int{2 << 10, 230 << 10} {
		text := benchBody(b, size)
		for name, handler := range map[string]http.Handler{"floor": floor, "server": benchServer(b)} {
			b.Run(fmt.Sprintf("%s/%dKB", name, size>>10), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					r := post("/v1/provision", text)
					w := httptest.NewRecorder()
					handler.ServeHTTP(w, r)
					if w.Code != http.StatusAccepted {
						b.Fatal(w.Code, w.Body)
					}
				}
			})
		}
	}
}

// BenchmarkPoll compares a status with a bare Echo handler that renders the same.
func BenchmarkPoll(b *testing.B) {
	floor := echo.New()
	floor.GET("/v1/provision/:token/status", func(c echo.Context) error {
		return c.JSON(http.StatusOK, map[string]any{"status": "RUNNING", "result": "It runs.", "logs": []workload.LogLine{logLine, logLine, logLine}})
	})
	for name, handler := range map[string]http.Handler{"floor": floor, "server": benchServer(b)} {
		b.Run(name, func(b *testing.B) {
			path := "/v1/provision/" + uuid.NewString() + "/status"
			b.ReportAllocs()
			for b.Loop() {
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
				if w.Code != http.StatusOK {
					b.Fatal(w.Code, w.Body)
				}
			}
		})
	}
}
