package httpapi

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/workload"
)

// buffers are reused: a body is copied into its decoded strings and then done with.
var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// keptBuffer is the largest buffer that is worth keeping.
const keptBuffer = 1 << 20

// withBody reads the request's body, at most the limit, and lends it to use.
func (x *exchange) withBody(use func(body []byte) error) error {
	if !x.readable() {
		return unsupportedMedia()
	}
	limit := x.server.options.MaxBody
	if x.Request().ContentLength > limit {
		return x.overrun(limit)
	}
	buffer := buffers.Get().(*bytes.Buffer)
	defer func() {
		if buffer.Cap() <= keptBuffer {
			buffers.Put(buffer)
		}
	}()
	buffer.Reset()
	if announced := x.Request().ContentLength; announced > 0 && announced <= keptBuffer {
		buffer.Grow(int(announced) + bytes.MinRead)
	}
	if err := readAll(buffer, x, limit); err != nil {
		return err
	}
	return use(buffer.Bytes())
}

// overrun is the failure of a body over the limit. It reads on for a while and
// throws away what comes: most callers write all before they read, and would
// see a broken connection instead of why. Who asks first is told first.
func (x *exchange) overrun(limit int64) error {
	const further = 4
	x.Response().Header()["Connection"] = []string{"close"}
	if x.Request().Header.Get("Expect") == "" {
		_, _ = io.CopyN(io.Discard, x.Request().Body, further*limit)
	}
	return tooLarge(limit)
}

// readAll reads the body, and tells one that is too large from one that broke off.
func readAll(buffer *bytes.Buffer, x *exchange, limit int64) error {
	_, err := buffer.ReadFrom(http.MaxBytesReader(x.Response().Writer, x.Request().Body, limit))
	var over *http.MaxBytesError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &over):
		return x.overrun(limit)
	case errors.Is(err, io.ErrUnexpectedEOF):
		return badBody(workload.Problem{Message: "The body ended before its announced length."})
	case errors.Is(err, os.ErrDeadlineExceeded):
		return badBody(workload.Problem{Message: "The body did not arrive in time."})
	default:
		return badBody(workload.Problem{Message: "The body could not be read: it breaks the rules of HTTP."}).Because(err)
	}
}

// readable reports whether the body is said to be plain JSON. Programs that
// name no type are taken at their word; a browser's page could do so too, on a
// user's behalf and without asking first, and is not.
func (x *exchange) readable() bool {
	h := x.Request().Header
	if encoding := h.Get(echo.HeaderContentEncoding); encoding != "" && !strings.EqualFold(encoding, "identity") {
		return false
	}
	switch declared := h.Get(echo.HeaderContentType); declared {
	case "application/json":
		return true
	case "":
		return h.Get(echo.HeaderOrigin) == "" && h.Get("Sec-Fetch-Site") == ""
	default:
		mediaType, _, err := mime.ParseMediaType(declared)
		return err == nil && mediaType == "application/json"
	}
}
