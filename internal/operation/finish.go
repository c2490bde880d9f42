package operation

import (
	"bytes"
	"compress/flate"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"
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
}

func (s *Store) finish(ctx context.Context, e ending) (Next, error) {
	state, field, text, err := e.end.fields()
	if err != nil {
		return Next{}, fmt.Errorf("write the end of the operation: %w", err)
	}
	packed, known := "", 0
	if e.lease != nil {
		if packed, err = e.lease.pack(field, string(text), e.lines); err != nil {
			return Next{}, fmt.Errorf("write the end of the operation: %w", err)
		}
		known = e.lease.log.lines
	}
	// The next operation must not begin before the end of this one is safe: a
	// failover that lost the end would repeat this one after it.
	r, err := s.runReplicated(ctx, finishScript, e.token, e.lane, args(e.lines, e.holder, e.task, string(state),
		s.opts.StatusTTL.Milliseconds(), field, text, packed, known)...)
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

// pack is the finished record as one compressed text, which takes a third of
// the room: the values of statusFields, of which state and date are kept beside it.
func (l *Lease) pack(field, text string, lines []string) (string, error) {
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
	plain, err := json.Marshal(values)
	if err != nil {
		return "", err
	}
	var packed bytes.Buffer
	w, _ := packers.Get().(*flate.Writer) // the pool holds nothing else
	defer packers.Put(w)
	w.Reset(&packed)
	if _, err := w.Write(plain); err != nil {
		return "", err
	}
	if err := w.Close(); err != nil {
		return "", err
	}
	return packed.String(), nil
}

// packers are kept, since a new one takes half a megabyte.
//
//nolint:gochecknoglobals // a pool
var packers = sync.Pool{New: func() any {
	w, err := flate.NewWriter(nil, flate.DefaultCompression)
	if err != nil {
		panic(err) // the level is a constant
	}
	return w
}}

// maxUnpacked bounds what a packed record may become, far above what the bounds of a log allow.
const maxUnpacked = 4 << 20

func unpack(packed string) (answer, error) {
	plain, err := io.ReadAll(io.LimitReader(flate.NewReader(bytes.NewReader([]byte(packed))), maxUnpacked))
	if err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	var values answer
	if err := json.Unmarshal(plain, &values); err != nil {
		return nil, fmt.Errorf("read the record: %w", err)
	}
	return values, nil
}

func ms(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 10)
}
