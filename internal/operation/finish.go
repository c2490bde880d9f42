package operation

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"airbyte-provisioner/internal/workload"
)

// End is how an operation ends: with an outcome COMPLETED, with a failure
// FAILED, with a failure of CodeTerminated TERMINATED.
type End struct {
	Outcome *workload.Outcome
	Failure *workload.Failure
}

func (e End) fields() (state workload.State, field string, text []byte, err error) {
	if e.Outcome != nil {
		text, err = json.Marshal(e.Outcome)
		return workload.Completed, "outcome", text, err
	}
	text, err = json.Marshal(e.Failure)
	if e.Failure.Code == workload.CodeTerminated {
		return workload.Terminated, "failure", text, err
	}
	return workload.Failed, "failure", text, err
}

// ending is what one call needs to end an operation.
type ending struct {
	token, lane string
	holder      string // empty: the caller holds no lease
	task        string // the current task's number, where that is a condition
	end         End
	lines       []string
	lease       *Lease // nil without a holder
	note        *note  // what is to be known of the component; nil where that stays
}

// end runs the script. The next operation must not begin before the end of this
// one is safe: a failover that lost the end would repeat this one after it.
func (s *Store) end(ctx context.Context, e ending, values []any) (answer, error) {
	return s.runReplicated(ctx, finishScript, target{e.token, e.lane, e.note.key()}, values...)
}

func (s *Store) finish(ctx context.Context, e ending) (Next, error) {
	state, field, text, err := e.end.fields()
	if err != nil {
		return Next{}, fmt.Errorf("write the end of the operation: %w", err)
	}
	first := []any{e.holder, e.task, string(state), s.opts.StatusTTL.Milliseconds(), e.note.packed()}
	var r answer
	if e.lease != nil {
		r, err = s.end(ctx, e, append(slices.Clone(first), "packed", e.lease.pack(field, string(text), e.lines), e.lease.log.lines))
	}
	// A renewal of which no answer came may have written lines that the lease does not know of.
	if e.lease == nil || err == nil && r.word() == "unpacked" {
		r, err = s.end(ctx, e, args(e.lines, append(first, field, text, "")...))
	}
	if err != nil {
		return Next{}, err
	}
	switch r.word() {
	case "ended", "done": // done: the client repeated the script after a lost answer
		return r.next(1), nil
	case "terminating":
		return Next{}, ErrTerminating
	case "unknown":
		return Next{}, ErrUnknown
	case "stale":
		return Next{}, ErrStale
	case "busy":
		return Next{}, &BusyError{}
	default:
		return Next{}, ErrLost
	}
}

// args are a script's arguments, with log lines at their end.
func args(lines []string, first ...any) []any {
	for _, line := range lines {
		first = append(first, line)
	}
	return first
}

// pack is the finished record as one packed text: the values of statusFields,
// of which state and date are kept beside it. None of them can hold the zero
// byte between them: they are words, numbers and JSON.
func (l *Lease) pack(field, text string, lines []string) string {
	log := l.log
	log.append(lines)
	values := answer{
		"", l.kind, l.meta, strconv.Itoa(l.Number), ms(l.AcceptedAt), ms(l.StartedAt), "",
		strconv.Itoa(log.lines), log.head, log.tail, "", "", strconv.Itoa(l.task),
	}
	if field == "outcome" {
		values[10] = text
	} else {
		values[11] = text
	}
	return string(Pack([]byte(strings.Join(values, "\x00"))))
}

func unpack(short string) (answer, error) {
	text, err := Unpack([]byte(short))
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	return strings.Split(string(text), "\x00"), nil
}

func ms(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
