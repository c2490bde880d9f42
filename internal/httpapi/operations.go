package httpapi

import (
	"context"
	"net/http"
	"time"

	"github.com/google/uuid"

	"airbyte-provisioner/internal/workload"
)

// storeTimeout bounds what one request may ask of Operations.
const storeTimeout = 15 * time.Second

// accept returns a handler that makes an order of the body and answers its token.
func (s *Server) accept(kind workload.Kind, parse func(workload.Kind, []byte) (workload.Work, *workload.Failure)) func(*exchange) error {
	return func(x *exchange) error {
		return x.withBody(func(body []byte) error {
			work, failure := parse(kind, body)
			if failure != nil {
				return failure
			}
			x.about = work.Component.String()
			// A caller that goes away must not leave an order half made.
			ctx, cancel := context.WithTimeout(context.WithoutCancel(x.Request().Context()), storeTimeout)
			defer cancel()
			token, err := s.options.Operations.Submit(ctx, workload.Order{Kind: kind, Work: work, TraceID: x.traceID})
			if err != nil {
				return err
			}
			x.token = token
			if s.options.JSONToken {
				return x.json(http.StatusAccepted, token)
			}
			return x.blob(http.StatusAccepted, textType, []byte(token))
		})
	}
}

func (s *Server) provisioningWork(kind workload.Kind, body []byte) (workload.Work, *workload.Failure) {
	request, failure := readProvisioning(body)
	if failure != nil {
		return workload.Work{}, failure
	}
	return s.options.Parse(kind, request)
}

func (s *Server) accessWork(_ workload.Kind, body []byte) (workload.Work, *workload.Failure) {
	request, failure := readUpdateACL(body)
	if failure != nil {
		return workload.Work{}, failure
	}
	return s.options.ParseAccess(request)
}

func (s *Server) reverseWork(_ workload.Kind, body []byte) (workload.Work, *workload.Failure) {
	request, failure := readReverse(body)
	if failure != nil {
		return workload.Work{}, failure
	}
	return s.options.ParseReverse(request)
}

// validate answers at once. What is wrong with the request is a result, not an
// error: the contract has no 400 here.
func (s *Server) validate(x *exchange) error {
	err := x.withBody(func(body []byte) error {
		work, failure := s.provisioningWork(workload.Validate, body)
		if failure != nil {
			return failure
		}
		x.about = work.Component.String()
		return x.json(http.StatusOK, validationResult{Valid: true})
	})
	if failure, ok := err.(*workload.Failure); ok && statusOf(failure, http.MethodPost) < http.StatusInternalServerError { //nolint:errorlint // withBody returns it unwrapped
		return x.json(http.StatusOK, validationResult{Error: &validationError{Errors: problemTexts(failure)}})
	}
	return err
}

// terminate asks for the end of an operation: 200 with its status if it has
// ended, 202 without a body while it is about to.
func (s *Server) terminate(x *exchange) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.Request().Context()), storeTimeout)
	defer cancel()
	status, err := s.known(ctx, x, provisioning)
	if err != nil {
		return err
	}
	if status, err = s.options.Operations.Terminate(ctx, status.Token); err != nil {
		return err
	}
	if status.State == workload.Terminating {
		x.Response().WriteHeader(http.StatusAccepted)
		return nil
	}
	return x.json(http.StatusOK, renderProvisioning(status))
}

func (s *Server) provisioningStatus(x *exchange) error {
	return s.status(x, provisioning, func(status workload.Status) any { return renderProvisioning(status) })
}

func (s *Server) validationStatus(x *exchange) error {
	return s.status(x, validating, func(status workload.Status) any { return renderValidation(status) })
}

func (s *Server) reverseStatus(x *exchange) error {
	return s.status(x, reversing, func(status workload.Status) any { return renderReverse(status) })
}

func (s *Server) status(x *exchange, at family, render func(workload.Status) any) error {
	ctx, cancel := context.WithTimeout(x.Request().Context(), storeTimeout)
	defer cancel()
	status, err := s.known(ctx, x, at)
	if err != nil {
		return err
	}
	return x.json(http.StatusOK, render(status))
}

// known returns the status of the path's token, if that is of the route's family.
func (s *Server) known(ctx context.Context, x *exchange, at family) (workload.Status, error) {
	id, err := uuid.Parse(x.Param("token"))
	if err != nil || len(x.Param("token")) != len(uuid.Nil.String()) {
		return workload.Status{}, &workload.Failure{
			Code: workload.CodeUnknownToken, Phase: workload.PhaseAccept,
			Message:   "This is no token of this provisioner.",
			Problems:  []workload.Problem{{Path: "token", Message: "must be a token that this provisioner answered, such as 0198c8a2-5f0e-8c3a-9b1d-1f2e3d4c5b6a"}},
			Solutions: []string{"Ask with the token exactly as the provisioner answered it, without quotes."},
		}
	}
	x.token = id.String()
	ask := s.options.Operations.Poll
	if x.logged(http.StatusOK) { // with the component
		ask = s.options.Operations.Status
	}
	status, err := ask(ctx, x.token)
	if err != nil {
		return workload.Status{}, err
	}
	x.about = status.Component.String()
	if right := familyOf(status.Kind); right != at {
		return workload.Status{}, right.elsewhere()
	}
	return status, nil
}
