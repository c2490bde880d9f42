package airbytesim

import (
	"fmt"
	"net/http"
)

// problem is an error answer. How it is written depends on the server's age (trap 9).
type problem struct {
	status  int
	message string
	class   string         // the exception that old servers name
	body    map[string]any // a "problem" body, which every server writes alike
	id      string         // an errorId, for those that hold nothing else
}

// Error makes a problem an error, so that handlers can return it.
func (p *problem) Error() string { return fmt.Sprintf("%d %s", p.status, p.message) }

// opaque is a 500: since 2.0 its reader learns nothing but an id.
func opaque(format string, args ...any) *problem {
	return &problem{
		status: http.StatusInternalServerError, message: "Internal Server Error: " + fmt.Sprintf(format, args...),
		class: "java.lang.RuntimeException",
	}
}

func notFound(what, id string) *problem {
	return &problem{
		status: http.StatusNotFound, message: fmt.Sprintf("No %s with id %s.", what, id),
		class: "io.airbyte.commons.server.errors.IdNotFoundKnownException",
	}
}

func badRequest(format string, args ...any) *problem {
	return &problem{
		status: http.StatusBadRequest, message: fmt.Sprintf(format, args...),
		class: "io.airbyte.commons.server.errors.BadRequestException",
	}
}

func unprocessable(format string, args ...any) *problem {
	return &problem{
		status:  http.StatusUnprocessableEntity,
		message: "The request does not fit. Errors: " + fmt.Sprintf(format, args...),
		class:   "io.airbyte.commons.server.errors.BadObjectSchemaKnownException",
	}
}

func forbidden(message string) *problem {
	return &problem{
		status: http.StatusForbidden, message: message,
		class: "io.airbyte.commons.server.errors.OperationNotAllowedException",
	}
}

func conflict(message string) *problem {
	return &problem{
		status: http.StatusConflict, message: message,
		class: "io.airbyte.commons.server.errors.ValueConflictKnownException",
	}
}

// typed is a "problem" body, such as error:connection/locked.
func typed(status int, kind, title, detail string, data map[string]any) *problem {
	return &problem{status: status, message: detail, body: map[string]any{
		"status": status, "type": kind, "title": title, "detail": detail,
		"documentationUrl": "https://docs.airbyte.com/", "data": data,
	}}
}

// nested is a body of the framework below the server, such as Core's for bad credentials.
func nested(status int, title, message, path string) *problem {
	return &problem{status: status, message: message, body: map[string]any{
		"message": title,
		"_links":  map[string]any{"self": map[string]any{"href": path, "templated": false}},
		"_embedded": map[string]any{
			"errors": []any{map[string]any{"message": message}},
		},
	}}
}

// render is the body of the answer.
func (p *problem) render(old bool) map[string]any {
	switch {
	case p.body != nil:
		return p.body
	case old:
		body := map[string]any{
			"message": p.message, "exceptionClassName": p.class,
			"exceptionStack":              []string{p.class + ": " + p.message, "\tat io.airbyte.server.apis.ApiHelper.execute(ApiHelper.java:28)"},
			"rootCauseExceptionClassName": p.class, "rootCauseExceptionStack": []string{},
		}
		if p.status == http.StatusUnprocessableEntity {
			body["validationErrors"] = []any{}
		}
		return body
	case p.status == http.StatusNotFound || p.status >= http.StatusInternalServerError:
		return map[string]any{"errorId": p.id}
	default:
		return map[string]any{"message": p.message}
	}
}
