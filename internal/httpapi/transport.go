package httpapi

import (
	"fmt"
	"net/http"

	"github.com/labstack/echo/v4"

	"airbyte-provisioner/internal/workload"
)

// transportFailure is what people are told when a request got no further than
// HTTP itself.
func transportFailure(status int) *workload.Failure {
	if f, ok := transportFailures[status]; ok {
		return f
	}
	return &workload.Failure{
		Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
		Message:   "The request cannot be served: " + http.StatusText(status) + ".",
		Solutions: []string{"Send what /openapi.yaml describes."},
	}
}

var transportFailures = map[int]*workload.Failure{
	http.StatusUnauthorized: {
		Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
		Message:   "The request carries no accepted token.",
		Solutions: []string{"Send 'Authorization: Bearer TOKEN' with one of the provisioner's tokens (setting API_TOKENS), or HTTP basic with the token as password."},
	},
	http.StatusNotFound: {
		Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
		Message:   "There is nothing at this path.",
		Solutions: []string{"See /openapi.yaml for the paths. Under a prefix of your own, the setting BASE_PATH must name it."},
	},
	http.StatusMethodNotAllowed: {
		Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
		Message:   "This path does not answer this method.",
		Solutions: []string{"Use a method that the answer's Allow header names."},
	},
	http.StatusUnsupportedMediaType: {
		Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
		Message:   "The request's body is not of a media type that can be read here.",
		Solutions: []string{"Send JSON as 'Content-Type: application/json', without Content-Encoding."},
	},
	http.StatusTooManyRequests: {
		Code: workload.CodeInvalid, Phase: workload.PhaseAccept,
		Message:   "There were too many requests with a wrong token from this address.",
		Solutions: []string{"Wait as long as the answer's Retry-After header says, then use an accepted token."},
	},
}

// notImplemented answers an operation that this installation does not have.
func notImplemented(what string) func(*exchange) error {
	return func(x *exchange) error {
		return x.fail(&workload.Failure{
			Code: workload.CodeUnsupported, Phase: workload.PhaseAccept,
			Message:   what + " is not implemented.",
			Solutions: []string{"Use the operations that /openapi.yaml describes as implemented."},
		})
	}
}

// tooLarge is the failure for a body over the limit.
func tooLarge(limit int64) *workload.Failure {
	return &workload.Failure{
		Code: workload.CodeTooLarge, Phase: workload.PhaseAccept,
		Message:   fmt.Sprintf("The request's body is too large: at most %d bytes are accepted.", limit),
		Solutions: []string{"Make the data product smaller, or move large values out of its descriptor."},
	}
}

// unsupportedMedia is the error for a body of another media type.
func unsupportedMedia() error { return echo.NewHTTPError(http.StatusUnsupportedMediaType) }
