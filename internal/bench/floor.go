package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"
	"runtime/pprof"
	"time"

	"github.com/google/uuid"
	"github.com/hibiken/asynq"
	"github.com/labstack/echo/v4"
	"github.com/redis/go-redis/v9"
	"gopkg.in/yaml.v3"

	"airbyte-provisioner/internal/app"
)

// parts are what bench starts of itself as processes of their own.
var parts = map[string]func(context.Context, []string) error{
	"floor-api":    floorAPI,
	"floor-worker": floorWorker,
	"idle-worker":  idleWorker,
	"profiled":     profiled,
}

// floorPayload is how many bytes a floor's task carries: about as many as the
// parsed work of the example has. Taking the whole text would be simpler, and slower.
const floorPayload = 1024

// floorAPI is the least that an API could do: decode the request, parse the
// YAML once, enqueue one task; and answer a poll from one GET. Its argument is
// Redis's address.
func floorAPI(ctx context.Context, args []string) error {
	client := redis.NewClient(&redis.Options{Addr: args[0]})
	enqueuer := asynq.NewClientFromRedisClient(client)
	e := echo.New()
	e.POST("/v1/provision", func(c echo.Context) error {
		var request struct {
			DescriptorKind string `json:"descriptorKind"`
			Descriptor     string `json:"descriptor"`
			RemoveData     bool   `json:"removeData"`
		}
		if err := json.NewDecoder(c.Request().Body).Decode(&request); err != nil {
			return err
		}
		tree := map[string]any{}
		if err := yaml.Unmarshal([]byte(request.Descriptor), &tree); err != nil {
			return err
		}
		token := uuid.NewString()
		payload := []byte(request.Descriptor[:min(len(request.Descriptor), floorPayload)])
		_, err := enqueuer.EnqueueContext(c.Request().Context(), asynq.NewTask("provision", payload),
			asynq.TaskID(token), asynq.Queue("floor"), asynq.Retention(24*time.Hour))
		if err != nil {
			return err
		}
		return c.String(http.StatusAccepted, token)
	})
	e.GET("/v1/provision/:token/status", func(c echo.Context) error {
		text, err := client.Get(c.Request().Context(), "floor:"+c.Param("token")).Bytes()
		if err != nil {
			return err
		}
		return c.JSONBlob(http.StatusOK, text)
	})
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	fmt.Fprintln(os.Stdout, "floor on", listener.Addr())
	server := &http.Server{Handler: e, ReadHeaderTimeout: 10 * time.Second}
	go func() {
		<-ctx.Done()
		_ = server.Close()
	}()
	_ = server.Serve(listener) // it ends with the context
	return nil
}

// profiled runs one of the product's programs and writes its profiles. Its
// arguments are the program and the beginning of the files' names.
func profiled(ctx context.Context, args []string) error {
	file, err := os.Create(args[1] + ".cpu.pprof")
	if err != nil {
		return err
	}
	defer func() { _ = file.Close() }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return err
	}
	program := map[string]func() error{
		"api":    func() error { return app.API(ctx, "", os.Environ(), os.Stdout) },
		"worker": func() error { return app.Worker(ctx, "", os.Environ(), os.Stdout) },
	}[args[0]]
	err = program()
	pprof.StopCPUProfile()
	if heap, failed := os.Create(args[1] + ".heap.pprof"); failed == nil {
		defer func() { _ = heap.Close() }()
		runtime.GC()
		_ = pprof.WriteHeapProfile(heap)
	}
	return err
}
