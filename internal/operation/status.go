package operation

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"airbyte-provisioner/internal/workload"
)

// meta is what a record holds of its request.
type meta struct {
	Component workload.Component `json:"component"`
	TraceID   string             `json:"traceId,omitempty"`
	// Name and DataProduct are for people.
	Name        string               `json:"name,omitempty"`
	DataProduct workload.DataProduct `json:"dataProduct,omitzero"`
}

func encodeMeta(m meta) ([]byte, error) {
	text, err := json.Marshal(m)
	if err != nil {
		return nil, fmt.Errorf("write the record: %w", err)
	}
	return text, nil
}

// The fields that make a status, in the order in which decodeStatus reads them.
//
//nolint:gochecknoglobals // a constant list
var statusFields = []string{
	"state", "kind", "meta", "attempts", "accepted", "started", "finished", "lines", "log", "tail", "outcome", "failure", "n",
	"packed", // all of the above but state and finished, in the record of a finished operation
}

// Status returns what is known of an operation, in one Redis command. The
// error is a Failure with CodeUnknownToken or CodeUnavailable.
func (s *Store) Status(ctx context.Context, token string) (workload.Status, error) {
	return s.ask(ctx, token, readStatus)
}

// Poll is Status without what the operation is about: component, trace id, name
// and data product. Polls have no use for those, and they take a tenth of a poll's time.
func (s *Store) Poll(ctx context.Context, token string) (workload.Status, error) {
	return s.ask(ctx, token, readPoll)
}

// ask reads the record of a token.
func (s *Store) ask(ctx context.Context, token string, read func(string, answer) (workload.Status, error)) (workload.Status, error) {
	canonical, lane, ok := laneOf(token)
	if !ok {
		return workload.Status{}, unknownToken(token)
	}
	values, err := s.batched.HMGet(ctx, s.keysOf(lane).op(canonical), statusFields...).Result()
	if err != nil {
		return workload.Status{}, unavailable(err)
	}
	return read(canonical, answerOf(values))
}

// unpacked is a record's statusFields as they were before it was packed.
func unpacked(token string, r answer) (answer, error) {
	if r.word() == "" {
		return nil, unknownToken(token)
	}
	packed := r.at(len(statusFields) - 1)
	if packed == "" {
		return r, nil
	}
	whole, err := unpack(packed)
	if err != nil {
		return nil, err
	}
	if len(whole) < len(statusFields)-1 {
		return nil, errors.New("read the record: it is too short")
	}
	whole[0], whole[6] = r[0], r[6] // the state, and when it was reached
	return whole, nil
}

// readStatus reads a record's statusFields.
func readStatus(token string, fields answer) (workload.Status, error) {
	r, err := unpacked(token, fields)
	if err != nil {
		return workload.Status{}, err
	}
	status, err := decodeStatus(token, r)
	if err != nil {
		return status, err
	}
	var m meta
	if err := decode(r.at(2), &m); err != nil {
		return status, err
	}
	status.Component, status.TraceID, status.Name, status.DataProduct = m.Component, m.TraceID, m.Name, m.DataProduct
	return status, nil
}

// readPoll reads them without what the operation is about.
func readPoll(token string, fields answer) (workload.Status, error) {
	r, err := unpacked(token, fields)
	if err != nil {
		return workload.Status{}, err
	}
	return decodeStatus(token, r)
}

// decodeStatus makes a status of all unpacked statusFields but the meta.
func decodeStatus(token string, r answer) (workload.Status, error) {
	status := workload.Status{
		Token: token, State: workload.State(r.at(0)), Kind: workload.Kind(r.at(1)), Attempts: r.int(3), Task: r.int(12),
		AcceptedAt: r.time(4), StartedAt: r.time(5), FinishedAt: r.time(6),
		Logs: decodeLines(r.int(7), r.at(8), r.at(9)),
	}
	if err := decode(r.at(10), &status.Outcome); err != nil {
		return status, err
	}
	if err := decode(r.at(11), &status.Failure); err != nil {
		return status, err
	}
	switch {
	case status.Outcome != nil:
		status.Result = status.Outcome.Message
	case status.Failure != nil:
		status.Result = status.Failure.Text()
	}
	if status.State == workload.Terminated {
		status.Failure = nil // a termination that was asked for is no failure
	}
	return status, nil
}

func decode(text string, into any) error {
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("read the record: %w", err)
	}
	return nil
}

// Termination is the answer to a wish to terminate.
type Termination struct {
	// Ended says that the operation ended at once, by this call.
	Ended bool
	Kind  workload.Kind
	Task  int  // the number of its current task, with Ended
	Next  Next // what may run now, with Ended
}

// Terminate ends an operation on which no attempt works, marks one on which an
// attempt works as TERMINATING, and leaves a finished one as it is.
func (s *Store) Terminate(ctx context.Context, token string) (Termination, error) {
	canonical, lane, ok := laneOf(token)
	if !ok {
		return Termination{}, unknownToken(token)
	}
	failure, err := json.Marshal(terminated())
	if err != nil {
		return Termination{}, fmt.Errorf("write the record: %w", err)
	}
	now := s.opts.Now()
	// As with any other end, the next operation must not begin before this one is safe.
	r, err := s.runReplicated(ctx, terminateScript, target{token: canonical, lane: lane}, s.opts.StatusTTL.Milliseconds(), failure,
		encodeLine(workload.LogLine{
			Time: now, Level: workload.Warning, Phase: workload.PhaseFinish,
			Message: "The termination was asked for while no attempt was at work; the operation ends here.",
		}),
		encodeLine(workload.LogLine{
			Time: now, Level: workload.Warning, Phase: workload.PhaseFinish,
			Message: "The termination was asked for; the running attempt stops before its next call to Airbyte.",
		}), newCaller())
	if err != nil {
		return Termination{}, err
	}
	switch r.word() {
	case "unknown":
		return Termination{}, unknownToken(token)
	case "ended":
		return Termination{Ended: true, Kind: workload.Kind(r.at(1)), Task: r.int(2), Next: r.next(3)}, nil
	default:
		return Termination{}, nil
	}
}

// terminated is the result of an operation that ended because somebody asked for it.
func terminated() *workload.Failure {
	return &workload.Failure{
		Code:      workload.CodeTerminated,
		Message:   "The operation was terminated on request.",
		Solutions: []string{"Submit the request again to finish what it began; nothing is made twice."},
	}
}
