package operation

import (
	"context"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

// Version is the newest version of records that this program understands.
const Version = 1

// Options are what a Store needs.
type Options struct {
	// Redis is the connection; its options decide how quickly an absent Redis is given up.
	Redis redis.UniversalClient
	// Batched, if set, takes the short commands that many goroutines send at the
	// same time and sends those that wait together: each then costs client and
	// server a fraction of a round trip. See package redisbatch.
	Batched redis.Cmdable
	// Instance separates installations that share one Redis; it starts every key.
	Instance string
	// StatusTTL is how long a finished operation can be asked for.
	StatusTTL time.Duration
	// Lease is for how long an attempt may be silent before another may take over (30 s when zero).
	Lease time.Duration
	// FreshFor is how old the last renewal may be for Holds not to ask Redis (1 ms when zero).
	FreshFor time.Duration
	// CheckEvery is how often the sweeper looks at each live lane (45 s when zero), unless there are too many.
	CheckEvery time.Duration
	// Replicas is how many replicas of Redis are to confirm that an operation was
	// accepted before its token is answered, and that it ended before the next one
	// runs, 0 for none: a failover loses what no replica had.
	// It is waited for during ReplicaWait at most (100 ms when zero; less than the
	// client's read time-out); a replica that is away does not stop work.
	Replicas    int
	ReplicaWait time.Duration
	// Now is the local clock (time.Now when nil).
	Now func() time.Time
}

// Store holds the records in Redis. Its only state is what Watch hears; any number
// of them, in any number of processes, work on the same records.
type Store struct {
	redis redis.UniversalClient
	// batched is for what every operation does; it is redis where the options name no other.
	batched redis.Cmdable
	prefix  string
	opts    Options
	watch   watch
}

// New returns a Store. It opens nothing.
func New(opts Options) *Store {
	if opts.Lease <= 0 {
		opts.Lease = 30 * time.Second
	}
	if opts.FreshFor <= 0 {
		opts.FreshFor = time.Millisecond
	}
	if opts.CheckEvery <= 0 {
		opts.CheckEvery = 45 * time.Second
	}
	if opts.StatusTTL <= 0 {
		opts.StatusTTL = 7 * 24 * time.Hour
	}
	if opts.ReplicaWait <= 0 {
		opts.ReplicaWait = 100 * time.Millisecond
	}
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.Batched == nil {
		opts.Batched = opts.Redis
	}
	return &Store{redis: opts.Redis, batched: opts.Batched, prefix: opts.Instance + "airbyte-provisioner:", opts: opts}
}

// Lease is for how long an attempt may be silent before another may take over.
func (s *Store) Lease() time.Duration { return s.opts.Lease }

// Next names an operation that may run now, with the number of its current
// task; its token is empty where there is none.
type Next struct {
	Token string
	Kind  workload.Kind
	Task  int
}

// Request is an operation to be accepted.
type Request struct {
	Kind      workload.Kind
	Component workload.Component
	TraceID   string
	// Payload is what a task of the operation carries; it is kept until the
	// operation is finished, so that a lost task can be made again.
	Payload []byte
	// Hash is equal for equal content.
	Hash string
	// Name is the component's own, and DataProduct what it belongs to: for people.
	Name        string
	DataProduct workload.DataProduct
}

// Accepted is the answer to a Request.
type Accepted struct {
	Token string
	// Head says that nothing stands before it.
	Head bool
	// Repeat says that the token is that of an equal operation which was
	// accepted before, is unfinished, and is the last one of its component.
	Repeat bool
	// Task is the number of the operation's current task, 0 for the first.
	Task int
	// Payload and TraceID are, with Repeat, those of the request that was accepted.
	Payload []byte
	TraceID string
}

// Accept writes the record of a new operation and puts it into its
// component's line, or finds that it is a repeat. One script, one round trip.
func (s *Store) Accept(ctx context.Context, request Request) (Accepted, error) {
	token := newToken(request.Kind, request.Component)
	_, lane, _ := laneOf(token)
	meta, err := encodeMeta(metaOf(request))
	if err != nil {
		return Accepted{}, err
	}
	line := encodeLine(workload.LogLine{
		Time: s.opts.Now(), Level: workload.Info, Phase: workload.PhaseAccept,
		Message: "The request was accepted.",
	})
	r, err := s.runReplicated(ctx, acceptScript, target{token: token, lane: lane}, string(request.Kind), request.Hash, meta, request.Payload,
		Version, s.opts.CheckEvery.Milliseconds(), line)
	if err != nil {
		return Accepted{Token: token}, err
	}
	return acceptedOf(r)
}

func acceptedOf(r answer) (Accepted, error) {
	accepted := Accepted{Token: r.at(0), Head: r.int(1) == 1, Repeat: r.int(2) == 0, Task: r.int(3)}
	if !accepted.Repeat {
		return accepted, nil
	}
	var first meta
	err := decode(r.at(5), &first)
	accepted.Payload, accepted.TraceID = []byte(r.at(4)), first.TraceID
	return accepted, err
}

// Withdraw takes back an operation whose task could not be made and whose
// token nobody was told. It answers what may run now. Where a repeat of the
// request was told the token in the meantime, the operation stays.
func (s *Store) Withdraw(ctx context.Context, token string) (Next, error) {
	token, lane, ok := laneOf(token)
	if !ok {
		return Next{}, unknownToken(token)
	}
	r, err := s.run(ctx, withdrawScript, target{token: token, lane: lane})
	if err != nil {
		return Next{}, err
	}
	return r.next(1), nil
}

// IsHead reports whether nothing stands before the operation now.
func (s *Store) IsHead(ctx context.Context, token string) (bool, error) {
	token, lane, ok := laneOf(token)
	if !ok {
		return false, unknownToken(token)
	}
	first, err := s.batched.LIndex(ctx, s.keysOf(lane).line(), 0).Result()
	if err != nil && err != redis.Nil { //nolint:errorlint // go-redis answers redis.Nil itself
		return false, unavailable(err)
	}
	return first == token, nil
}
