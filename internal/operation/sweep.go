package operation

import (
	"context"
	"strconv"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

// Unfinished is an unfinished operation as the sweeper sees it. Times are by
// Redis's clock; zero means never.
type Unfinished struct {
	Token    string
	State    workload.State
	Kind     workload.Kind
	Task     int  // number of the current task
	First    bool // nothing stands before it
	Held     bool // an attempt holds the lease
	Lapsed   bool // an attempt held the lease and was silent for too long
	Attempts int
	Accepted time.Time
	// SeenTask is the newest task that is known to have existed, SeenAt when that was last noted.
	SeenTask int
	SeenAt   time.Time
	// SuspectAt is since when its task has been active although no attempt holds the
	// operation; zero where that was not seen.
	SuspectAt time.Time
	// RetryAt is when a further attempt is due.
	RetryAt time.Time
	// LookedAt is when this was read.
	LookedAt time.Time
}

// Due returns lanes whose next look is due, at most limit of each of the Tags parts.
func (s *Store) Due(ctx context.Context, limit int64) ([]string, error) {
	now, err := s.Clock(ctx)
	if err != nil {
		return nil, err
	}
	by := &redis.ZRangeBy{Min: "-inf", Max: strconv.FormatInt(now.UnixMilli(), 10), Count: limit}
	answers := make([]*redis.StringSliceCmd, 0, Tags)
	_, err = s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for tag := range Tags {
			answers = append(answers, p.ZRangeByScore(ctx, s.keysOf(hexByte(tag)).live(), by))
		}
		return nil
	})
	if err != nil {
		return nil, unavailable(err)
	}
	var due []string
	for _, answer := range answers {
		due = append(due, answer.Val()...)
	}
	return due, nil
}

func hexByte(n int) string {
	const digits = "0123456789abcdef"
	return string([]byte{digits[n>>4], digits[n&15]})
}

// lookEvery bounds how often lanes are looked at, all together: a backlog must not
// take from those who work it off. With 45,000 lanes each is looked at every 45 s,
// with a million every 17 minutes; one on which an attempt is at work soon after
// its lease has lapsed in any case.
const lookEvery = time.Millisecond

// pageSize is how many operations of one line one look reads at once.
const pageSize = 200

// Look reads the unfinished operations of lanes, and sets the time of each
// lane's next look. A lane without any is taken out of the index.
func (s *Store) Look(ctx context.Context, lanes []string) ([]Unfinished, error) {
	var found []Unfinished
	for from := 0; len(lanes) > 0; from += pageSize {
		page, more, err := s.lookPage(ctx, lanes, from)
		if err != nil {
			return found, err
		}
		found = append(found, page...)
		lanes = more
	}
	return found, nil
}

func (s *Store) lookPage(ctx context.Context, lanes []string, from int) (found []Unfinished, more []string, err error) {
	answers := make([]*redis.Cmd, 0, len(lanes))
	run := func(p redis.Pipeliner) error {
		for _, lane := range lanes {
			k := s.keysOf(lane)
			answers = append(answers, lookScript.EvalSha(ctx, p, []string{k.line(), k.live()},
				k.prefix+"op:", "", lane, s.opts.CheckEvery.Milliseconds(), from, from+pageSize-1, (Tags*lookEvery).Milliseconds()))
		}
		return nil
	}
	_, err = s.redis.Pipelined(ctx, run)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err = Teach(ctx, s.redis, lookScript); err == nil {
			answers = answers[:0]
			_, err = s.redis.Pipelined(ctx, run)
		}
	}
	if err != nil {
		return nil, nil, unavailable(err)
	}
	for i, answer := range answers {
		rows, err := answer.Slice()
		if err != nil {
			return nil, nil, unavailable(err)
		}
		for j, row := range rows {
			if values, ok := row.([]any); ok {
				found = append(found, unfinished(answerOf(values), from+j == 0))
			}
		}
		if len(rows) == pageSize {
			more = append(more, lanes[i])
		}
	}
	return found, more, nil
}

func unfinished(r answer, first bool) Unfinished {
	return Unfinished{
		Token: r.at(0), State: workload.State(r.at(1)), Kind: workload.Kind(r.at(2)), Task: r.int(3), First: first,
		Attempts: r.int(4), Accepted: r.time(5), SeenTask: r.int(6), SeenAt: r.time(7), SuspectAt: r.time(8),
		RetryAt: r.time(9), Held: r.at(10) == "held", Lapsed: r.at(10) == "lapsed", LookedAt: r.time(11),
	}
}

// Lane is the lane of a token; empty for what cannot be a token.
func Lane(token string) string {
	_, lane, _ := laneOf(token)
	return lane
}

// Seen notes that the operation's current task exists.
func (s *Store) Seen(ctx context.Context, token string) error { return s.mark(ctx, token, "seen") }

// Suspect notes, once, that the operation's current task is active although no
// attempt holds the operation.
func (s *Store) Suspect(ctx context.Context, token string) error {
	return s.mark(ctx, token, "suspect")
}

func (s *Store) mark(ctx context.Context, token, what string) error {
	token, lane, ok := laneOf(token)
	if !ok {
		return ErrUnknown
	}
	k := s.keysOf(lane)
	err := markScript.Run(ctx, s.redis, []string{k.line(), k.live(), k.op(token)}, k.prefix+"op:", token, lane, what).Err()
	if err != nil {
		return unavailable(err)
	}
	return nil
}

// Anew is a lost task that is to be made again under a new number.
type Anew struct {
	Next
	Payload []byte
	Head    bool
}

// Anew replaces the operation's task with the number by a new one, unless an
// attempt holds the lease, or it was replaced or finished in the meantime: ErrStale.
func (s *Store) Anew(ctx context.Context, token string, task int, why string) (Anew, error) {
	token, lane, ok := laneOf(token)
	if !ok {
		return Anew{}, ErrUnknown
	}
	line := encodeLine(workload.LogLine{Time: s.opts.Now(), Level: workload.Warning, Message: why})
	r, err := s.run(ctx, anewScript, target{token: token, lane: lane}, task, newCaller(), line)
	if err != nil {
		return Anew{}, err
	}
	if r.word() != "anew" {
		return Anew{}, ErrStale
	}
	return Anew{
		Next:    Next{Token: token, Kind: workload.Kind(r.at(3)), Task: r.int(1)},
		Payload: []byte(r.at(2)),
		Head:    r.at(4) == "1",
	}, nil
}

// Abandon ends an operation on which no attempt works, as the failure says,
// unless its current task is no longer the one with the number. An operation
// whose termination was asked for ends as terminated.
func (s *Store) Abandon(ctx context.Context, token string, task int, failure *workload.Failure) (Next, error) {
	token, lane, ok := laneOf(token)
	if !ok {
		return Next{}, ErrUnknown
	}
	line := workload.LogLine{Time: s.opts.Now(), Level: workload.Error, Phase: workload.PhaseFinish, Message: failure.Message}
	return s.finish(ctx, ending{
		token: token, lane: lane, task: strconv.Itoa(task), end: End{Failure: failure}, lines: lines{line}.encode(),
	})
}

// AbandonTerminating ends an operation whose termination was asked for and
// whose attempt is gone.
func (s *Store) AbandonTerminating(ctx context.Context, token string) (Next, error) {
	token, lane, ok := laneOf(token)
	if !ok {
		return Next{}, ErrUnknown
	}
	line := workload.LogLine{
		Time: s.opts.Now(), Level: workload.Warning, Phase: workload.PhaseFinish,
		Message: "The worker that ran the operation is gone; the termination ends it here. What exists in Airbyte stays as the log above tells.",
	}
	return s.finish(ctx, ending{token: token, lane: lane, end: End{Failure: terminated()}, lines: lines{line}.encode()})
}

// Clock is Redis's clock, by which records are dated.
func (s *Store) Clock(ctx context.Context) (time.Time, error) {
	now, err := s.redis.Time(ctx).Result()
	if err != nil {
		return time.Time{}, unavailable(err)
	}
	return now, nil
}
