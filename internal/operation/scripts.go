package operation

import (
	"context"
	"crypto/rand"
	"embed"
	"errors"
	"fmt"
	"strconv"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

//go:embed lua/*.lua
var lua embed.FS

// The scripts, each with what they share in front.
//
//nolint:gochecknoglobals // read once from the binary, never changed
var (
	acceptScript    = script("accept")
	withdrawScript  = script("withdraw")
	beginScript     = script("begin")
	renewScript     = script("renew")
	releaseScript   = script("release")
	finishScript    = script("finish")
	terminateScript = script("terminate")
	lookScript      = script("look")
	markScript      = script("mark")
	anewScript      = script("anew")
	rememberScript  = script("remember")
)

func script(name string) *redis.Script {
	prelude, err := lua.ReadFile("lua/prelude.lua")
	if err != nil {
		panic(err) // it is embedded
	}
	body, err := lua.ReadFile("lua/" + name + ".lua")
	if err != nil {
		panic(err)
	}
	return redis.NewScript(string(prelude) + string(body))
}

// newCaller names one call of a script, so that it knows itself where the client
// sends it a second time because the answer to the first was lost.
func newCaller() string { return rand.Text()[:16] }

// answer is a script's answer: a word and what belongs to it.
type answer []string

func (a answer) word() string { return a.at(0) }

func (a answer) at(i int) string {
	if i >= len(a) {
		return ""
	}
	return a[i]
}

func (a answer) int(i int) int {
	n, _ := strconv.Atoi(a.at(i)) // the scripts write whole numbers; absent is 0
	return n
}

func (a answer) time(i int) time.Time { return millis(a.at(i)) }

func (a answer) next(i int) Next {
	return Next{Token: a.at(i), Kind: workload.Kind(a.at(i + 1)), Task: a.int(i + 2)}
}

// target is what a script works on: an operation and, where that has a key,
// what is known of its component.
type target struct{ token, lane, known string }

func (s *Store) keysAndArgs(t target, args []any) ([]string, []any) {
	k := s.keysOf(t.lane)
	keys := []string{k.line(), k.live(), k.op(t.token)}
	if t.known != "" {
		keys = append(keys, t.known)
	}
	return keys, append([]any{k.prefix + "op:", t.token, t.lane}, args...)
}

// run runs a script on a target.
func (s *Store) run(ctx context.Context, script *redis.Script, t target, args ...any) (answer, error) {
	keys, all := s.keysAndArgs(t, args)
	result, err := script.Run(ctx, s.batched, keys, all...).Slice()
	if err != nil {
		return nil, unavailable(err)
	}
	return answerOf(result), nil
}

// runReplicated is run, and waits until as many replicas as the options ask for have what was written.
func (s *Store) runReplicated(ctx context.Context, script *redis.Script, t target, args ...any) (answer, error) {
	r, _, err := s.replicate(ctx, s.opts.ReplicaWait, script, t, args...)
	return r, err
}

// replicate is runReplicated, and tells whether so many replicas have it.
func (s *Store) replicate(
	ctx context.Context, wait time.Duration, script *redis.Script, t target, args ...any,
) (r answer, have bool, err error) {
	if s.opts.Replicas <= 0 {
		r, err = s.run(ctx, script, t, args...)
		return r, true, err
	}
	keys, all := s.keysAndArgs(t, args)
	node, err := s.nodeOf(ctx, keys[0])
	if err != nil {
		return nil, false, unavailable(err)
	}
	var result, waited *redis.Cmd
	// WAIT counts what its own connection wrote, so both go in one pipeline.
	write := func(p redis.Pipeliner) error {
		result = script.EvalSha(ctx, p, keys, all...)
		waited = p.Do(ctx, "wait", s.opts.Replicas, wait.Milliseconds())
		return nil
	}
	_, err = node.Pipelined(ctx, write)
	if redis.HasErrorPrefix(err, "NOSCRIPT") {
		if err = script.Load(ctx, node).Err(); err == nil {
			_, err = node.Pipelined(ctx, write)
		}
	}
	if err != nil {
		return nil, false, unavailable(err)
	}
	values, err := result.Slice()
	if err != nil {
		return nil, false, unavailable(err)
	}
	confirmed, err := waited.Int()
	return answerOf(values), err == nil && confirmed >= s.opts.Replicas, nil
}

// nodeOf is the client of the node that serves a key.
func (s *Store) nodeOf(ctx context.Context, key string) (redis.UniversalClient, error) {
	if cluster, ok := s.redis.(*redis.ClusterClient); ok {
		return cluster.MasterForKey(ctx, key)
	}
	return s.redis, nil
}

func answerOf(values []any) answer {
	a := make(answer, len(values))
	for i, value := range values {
		switch v := value.(type) {
		case string:
			a[i] = v
		case int64:
			a[i] = strconv.FormatInt(v, 10)
		case nil:
		default:
			a[i] = fmt.Sprint(v)
		}
	}
	return a
}

// millis reads a time as the scripts write it; absent is the zero time.
func millis(text string) time.Time {
	ms, err := strconv.ParseInt(text, 10, 64)
	if err != nil || ms == 0 {
		return time.Time{}
	}
	return time.UnixMilli(ms).UTC()
}

// unavailable is the failure of a Redis that does not answer, or answers with an error.
func unavailable(err error) error {
	var failure *workload.Failure
	if errors.As(err, &failure) {
		return failure
	}
	return (&workload.Failure{
		Code:      workload.CodeUnavailable,
		Message:   "Redis, which keeps the operations, cannot be used now.",
		Solutions: []string{"Try again in a moment; if it stays so, ask the operators of the Airbyte provisioner to check Redis."},
		Retry:     true,
	}).Because(err)
}

func unknownToken(token string) error {
	return &workload.Failure{
		Code:      workload.CodeUnknownToken,
		Message:   fmt.Sprintf("There is no operation with the token %.64q, or it has expired.", token),
		Solutions: []string{"Check the token; submit the request again if its operation is older than the time for which results are kept."},
	}
}
