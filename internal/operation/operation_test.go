package operation_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/google/uuid"
	"github.com/redis/go-redis/v9"
)

var component = workload.NewComponent("urn:dmb:cmp:d:p:0:c", "dev")

func newStore(t testing.TB, client redis.UniversalClient, change ...func(*operation.Options)) *operation.Store {
	t.Helper()
	opts := operation.Options{Redis: client, StatusTTL: time.Hour}
	for _, f := range change {
		f(&opts)
	}
	return operation.New(opts)
}

func accept(t testing.TB, store *operation.Store, hash string) string {
	t.Helper()
	accepted, err := store.Accept(context.Background(), operation.Request{
		Kind: workload.Provision, Component: component, Payload: []byte("p"), Hash: hash,
	})
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	return accepted.Token
}

func begin(t testing.TB, store *operation.Store, token string) *operation.Lease {
	t.Helper()
	lease, err := store.Begin(context.Background(), token, component, 0)
	if err != nil {
		t.Fatalf("Begin: %v", err)
	}
	return lease
}

func TestATokenNamesItsComponent(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Start(t).Client())
	token := accept(t, store, "x")
	id, err := uuid.Parse(token)
	if err != nil || id.Version() != 8 || id.Variant() != uuid.RFC4122 {
		t.Errorf("%s: version %v, variant %v, %v", token, id.Version(), id.Variant(), err)
	}
	if !strings.HasSuffix(token, component.Digest()[:12]) || operation.Lane(token) != component.Digest()[:12] {
		t.Errorf("%s does not end with the component's %s", token, component.Digest()[:12])
	}
	if _, err := store.Status(context.Background(), strings.ToUpper(token)); err != nil {
		t.Errorf("a token in upper case: %v", err)
	}
	for _, wrong := range []string{"", "x", "urn:uuid:" + token, "{" + token + "}", strings.ReplaceAll(token, "-", ""), uuid.NewString(), token + " "} {
		if _, err := store.Status(context.Background(), wrong); workload.AsFailure(err).Code != workload.CodeUnknownToken {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestPollsAreToldWhatTheyAskFor and nothing of what the operation is about.
func TestPollsAreToldWhatTheyAskFor(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newStore(t, redistest.Start(t).Client())
	token := accept(t, store, "x")
	check := func(when string) {
		whole, err := store.Status(ctx, token)
		if err != nil || whole.Component != component {
			t.Fatalf("%s: %+v, %v", when, whole, err)
		}
		whole.Component, whole.TraceID, whole.Name, whole.DataProduct = workload.Component{}, "", "", workload.DataProduct{}
		polled, err := store.Poll(ctx, strings.ToUpper(token))
		if diff := cmp.Diff(whole, polled); err != nil || diff != "" {
			t.Errorf("%s (-status +poll), %v:\n%s", when, err, diff)
		}
	}
	check("waiting")
	lease := begin(t, store, token)
	check("running")
	if _, err := lease.Finish(ctx, operation.End{Outcome: &workload.Outcome{Message: "done"}}); err != nil {
		t.Fatal(err)
	}
	check("finished, and packed")
	for _, unknown := range []string{"x", strings.Replace(token, token[:4], "ffff", 1)} {
		if _, err := store.Poll(ctx, unknown); workload.AsFailure(err).Code != workload.CodeUnknownToken {
			t.Errorf("%q: %v", unknown, err)
		}
	}
}

func TestMemoryBelongsToWhoHoldsTheLease(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	store := newStore(t, client)
	if known, err := store.Recall(ctx, component); known != nil || err != nil {
		t.Errorf("nothing remembered yet: %q, %v", known, err)
	}
	token := accept(t, store, "x")
	lease := begin(t, store, token)
	held := operation.With(ctx, lease)
	if err := store.Remember(held, component, []byte("ids")); err != nil {
		t.Errorf("Remember: %v", err)
	}
	if known, err := store.Recall(ctx, component); string(known) != "ids" || err != nil {
		t.Errorf("Recall: %q, %v", known, err)
	}
	other := workload.NewComponent("another", "dev")
	refused := map[string]error{
		"without a lease": store.Remember(ctx, component, []byte("x")),
		"of another":      store.Remember(held, other, []byte("x")),
	}
	if _, err := lease.Finish(ctx, operation.End{Outcome: &workload.Outcome{}}); err != nil {
		t.Fatal(err)
	}
	refused["after the end"] = store.Remember(held, component, []byte("x"))
	for name, err := range refused {
		if !errors.Is(err, operation.ErrLost) {
			t.Errorf("%s: %v", name, err)
		}
	}
	key := "airbyte-provisioner:{" + component.Digest()[:2] + "}:known:" + component.Digest()
	if ttl := client.TTL(ctx, key).Val(); ttl != -1 {
		t.Errorf("what is known expires in %v", ttl)
	}
	lease = begin(t, store, accept(t, store, "x"))
	store.Note(operation.With(ctx, lease), component, nil)
	store.Note(ctx, component, []byte("without a lease"))
	store.Note(operation.With(ctx, lease), other, []byte("of another"))
	if known, err := store.Recall(ctx, component); string(known) != "ids" || err != nil {
		t.Errorf("noted, and the attempt has not ended: %q, %v", known, err)
	}
	if _, err := lease.Finish(ctx, operation.End{Outcome: &workload.Outcome{}}); err != nil {
		t.Fatal(err)
	}
	if known, err := store.Recall(ctx, component); known != nil || err != nil {
		t.Errorf("forgotten: %q, %v", known, err)
	}
}

func TestALogIsBounded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newStore(t, redistest.Start(t).Client())
	token := accept(t, store, "x") // writes the first line
	lease := begin(t, store, token)
	for n := 2; n <= 250; n++ {
		lease.Log(workload.Info, workload.PhaseSync, fmt.Sprintf("line %d", n))
		if n%7 == 0 {
			if err := lease.Renew(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	lease.Log(workload.Info, workload.PhaseSync, strings.Repeat("é\n", 1000))
	if err := lease.Renew(ctx); err != nil {
		t.Fatal(err)
	}
	status, err := store.Status(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	if len(status.Logs) != 201 || status.Logs[99].Message != "line 100" || status.Logs[101].Message != "line 152" {
		t.Errorf("%d lines: %q, %q, %q", len(status.Logs), status.Logs[99].Message, status.Logs[100].Message, status.Logs[101].Message)
	}
	if got := status.Logs[100].Message; got != "(51 lines are left out here)" {
		t.Errorf("what is left out: %q", got)
	}
	last := status.Logs[200].Message
	if len(last) > 1100 || !strings.HasSuffix(last, " (shortened)") || !strings.HasPrefix(last, "é\né") || strings.Contains(last, "\ufffd") {
		t.Errorf("a long line: %d bytes, %q", len(last), last)
	}
	lease.Log(workload.Info, workload.PhaseFinish, "the last")
	if _, err := lease.Finish(ctx, operation.End{Outcome: &workload.Outcome{Message: "done"}}); err != nil {
		t.Fatal(err)
	}
	after, err := store.Status(ctx, token)
	if err != nil {
		t.Fatal(err)
	}
	want := status
	want.State, want.Result, want.Outcome = workload.Completed, "done", &workload.Outcome{Message: "done"}
	want.Logs = append(slices.Clone(status.Logs[:100]), after.Logs[100])
	want.Logs = append(append(want.Logs, status.Logs[102:]...), after.Logs[200])
	want.FinishedAt = after.FinishedAt
	if diff := cmp.Diff(want, after); diff != "" || after.Logs[200].Message != "the last" || after.Logs[100].Message != "(52 lines are left out here)" {
		t.Errorf("finished (-want +got):\n%s", diff)
	}
}

// count counts the commands that are sent, and lets a test make Redis unreachable.
type count struct {
	mu       sync.Mutex
	commands []string
	away     bool
}

func (c *count) DialHook(next redis.DialHook) redis.DialHook {
	return func(ctx context.Context, network, addr string) (net.Conn, error) { return next(ctx, network, addr) }
}

func (c *count) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		c.mu.Lock()
		c.commands = append(c.commands, cmd.Name())
		away := c.away
		c.mu.Unlock()
		if away {
			cmd.SetErr(errors.New("connection refused"))
			return cmd.Err()
		}
		return next(ctx, cmd)
	}
}

func (c *count) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return next
}

func (c *count) reset() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.commands = nil
}

func (c *count) sent() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return strings.Join(c.commands, " ")
}

func (c *count) setAway(away bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.away = away
}

func TestAcceptAndStatusAreOneCommandEach(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	counted := &count{}
	client.AddHook(counted)
	store := newStore(t, client)
	accept(t, store, "w") // teaches Redis the script
	counted.reset()
	token := accept(t, store, "x")
	if got := counted.sent(); got != "evalsha" {
		t.Errorf("Accept sends %s", got)
	}
	counted.reset()
	if _, err := store.Status(context.Background(), token); err != nil {
		t.Fatal(err)
	}
	if got := counted.sent(); got != "hmget" {
		t.Errorf("Status sends %s", got)
	}
}

func TestHoldsAsksRedisOnlyAfterAMoment(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	counted := &count{}
	client.AddHook(counted)
	var mu sync.Mutex
	now := time.Now()
	pass := func(d time.Duration) {
		mu.Lock()
		defer mu.Unlock()
		now = now.Add(d)
	}
	store := newStore(t, client, func(o *operation.Options) {
		o.Lease, o.FreshFor = 30*time.Second, 10*time.Millisecond
		o.Now = func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return now
		}
	})
	lease := begin(t, store, accept(t, store, "x"))
	if err := lease.Renew(ctx); err != nil { // teaches Redis the script
		t.Fatal(err)
	}
	steps := []struct {
		reason string
		pass   time.Duration
		away   bool
		want   error
		sends  string
	}{
		{"just renewed", 9 * time.Millisecond, false, nil, ""},
		{"renewed a while ago: a look is enough", time.Millisecond, false, nil, "hmget"},
		{"just looked", 9 * time.Millisecond, false, nil, ""},
		{"a third of the lease is over", 10 * time.Second, false, nil, "evalsha"},
		{"Redis is away, the lease has not lapsed", time.Second, true, nil, "hmget"},
		{"Redis was away a moment ago", time.Millisecond, true, nil, ""},
		{"Redis is away still", 25 * time.Second, true, nil, "evalsha"},
		{"Redis is away, and the lease may have lapsed", time.Second, true, operation.ErrLost, "evalsha"},
		{"Redis is back, and nobody else began", time.Minute, false, nil, "evalsha"},
	}
	for _, step := range steps {
		pass(step.pass)
		counted.setAway(step.away)
		counted.reset()
		if err := lease.Holds(ctx); !errors.Is(err, step.want) || (err == nil) != (step.want == nil) {
			t.Errorf("%s: %v, want %v", step.reason, err, step.want)
		}
		if got := counted.sent(); got != step.sends {
			t.Errorf("%s: sends %q, want %q", step.reason, got, step.sends)
		}
	}
}

// To remember is to ask, too: no second question is needed before the call that
// follows, and a termination is not overlooked.
func TestRememberRenews(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	counted := &count{}
	client.AddHook(counted)
	store := newStore(t, client, func(o *operation.Options) { o.FreshFor = time.Hour })
	token := accept(t, store, "x")
	lease := begin(t, store, token)
	held := operation.With(ctx, lease)
	if err := store.Remember(held, component, []byte("1")); err != nil {
		t.Fatal(err)
	}
	counted.reset()
	if err := lease.Holds(ctx); err != nil || counted.sent() != "" {
		t.Errorf("Holds after Remember: %v, sends %q", err, counted.sent())
	}
	if known, err := store.Recall(held, component); string(known) != "1" || err != nil || counted.sent() != "" {
		t.Errorf("recalled %q, %v, sends %q", known, err, counted.sent())
	}
	if _, err := store.Terminate(ctx, token); err != nil {
		t.Fatal(err)
	}
	if err := store.Remember(held, component, []byte("2")); err != nil {
		t.Errorf("what was done before the termination cannot be remembered: %v", err)
	}
	if err := lease.Holds(ctx); !errors.Is(err, operation.ErrTerminating) {
		t.Errorf("Holds after a termination that Remember met: %v", err)
	}
}

func TestALostLineIsMadeAgain(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	store := newStore(t, client)
	one, two := accept(t, store, "x"), accept(t, store, "y")
	if n, err := client.Del(ctx, "airbyte-provisioner:{"+one[24:26]+"}:line:"+one[24:]).Result(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	lease := begin(t, store, one)
	if _, err := store.Begin(ctx, two, component, 0); !errors.Is(err, operation.ErrWaiting) {
		t.Errorf("the other: %v", err)
	}
	next, err := lease.Finish(ctx, operation.End{Outcome: &workload.Outcome{}})
	if err != nil || next.Token != two {
		t.Errorf("%+v, %v", next, err)
	}
}

func TestAHeadWhoseRecordIsLostDoesNotBlock(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	store := newStore(t, client)
	one, two := accept(t, store, "x"), accept(t, store, "y")
	if n, err := client.Del(ctx, "airbyte-provisioner:{"+one[24:26]+"}:op:"+one).Result(); n != 1 || err != nil {
		t.Fatal(n, err)
	}
	begin(t, store, two)
}

// To look after a backlog must not cost more, the longer it is.
func TestALongBacklogIsLookedAtInLongerRounds(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	store := newStore(t, client, func(o *operation.Options) { o.CheckEvery = time.Second })
	var lanes []string
	for i := 0; len(lanes) < 20; i++ { // all in one part of the keys, as if there were 256 times as many
		c := workload.NewComponent(strconv.Itoa(i), "dev")
		if c.Digest()[:2] != "00" {
			continue
		}
		accepted, err := store.Accept(ctx, operation.Request{Kind: workload.Provision, Component: c, Payload: []byte("p"), Hash: "x"})
		if err != nil {
			t.Fatal(err)
		}
		lanes = append(lanes, operation.Lane(accepted.Token))
		if n := len(lanes); n != 1 && n != 20 {
			continue
		}
		begun, err := store.Clock(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := store.Look(ctx, lanes[:1]); err != nil {
			t.Fatal(err)
		}
		due, err := client.ZScore(ctx, "airbyte-provisioner:{00}:live", lanes[0]).Result()
		if err != nil {
			t.Fatal(err)
		}
		least := max(time.Second, time.Duration(len(lanes))*256*time.Millisecond)
		if again := time.UnixMilli(int64(due)).Sub(begun.Truncate(time.Millisecond)); again < least {
			t.Errorf("one of %d lanes is looked at again after %s, want at least %s", len(lanes), again, least)
		}
	}
}

func TestLongLinesAreLookedAtToTheirEnd(t *testing.T) {
	t.Parallel()
	store := newStore(t, redistest.Start(t).Client())
	const many = 450
	var token string
	for n := range many {
		token = accept(t, store, strconv.Itoa(n))
	}
	found, err := store.Look(context.Background(), []string{operation.Lane(token)})
	if err != nil || len(found) != many || !found[0].First || found[1].First || found[many-1].Token != token {
		t.Errorf("%d found, %v", len(found), err)
	}
}

func TestLeadIsOneAtATime(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	store := newStore(t, client)
	for i, want := range []struct {
		holder string
		leads  bool
	}{{"a", true}, {"b", false}, {"a", true}} {
		if leads, err := store.Lead(ctx, "thing", want.holder, time.Hour); leads != want.leads || err != nil {
			t.Errorf("%d: %s leads: %v, %v", i, want.holder, leads, err)
		}
	}
	client.Del(ctx, "airbyte-provisioner:leader:thing") // as when its time is over
	if leads, err := store.Lead(ctx, "thing", "b", time.Hour); !leads || err != nil {
		t.Errorf("after a: %v, %v", leads, err)
	}
}

func TestKeepIsMadeOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newStore(t, redistest.Start(t).Client())
	for i, offered := range []string{"first", "second"} {
		kept, made, err := store.Keep(ctx, "key", []byte(offered))
		if string(kept) != "first" || made != (i == 0) || err != nil {
			t.Errorf("%s: %q, %v, %v", offered, kept, made, err)
		}
	}
}

func TestUnbrokenTellsOfARestart(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	server := redistest.Start(t, redistest.AOF())
	store := newStore(t, server.Client())
	for range 2 {
		if since, err := store.Unbroken(ctx, "key"); !since.IsZero() || err != nil {
			t.Errorf("the first node: %v, %v", since, err)
		}
	}
	server.Restart()
	first, err := store.Unbroken(ctx, "key")
	if first.IsZero() || err != nil {
		t.Errorf("after a restart: %v, %v", first, err)
	}
	if again, err := store.Unbroken(ctx, "key"); again != first || err != nil {
		t.Errorf("later: %v, %v, want %v", again, err, first)
	}
}

func TestRisks(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	embedded := redis.NewClient(&redis.Options{Addr: miniredis.RunT(t).Addr()})
	t.Cleanup(func() { _ = embedded.Close() })
	safe := redistest.Start(t, redistest.AOF()).Client()
	followed := redistest.StartSentinels(t, redistest.AOF(), redistest.Args("--min-replicas-to-write", "1")).Client()
	cases := map[string]struct {
		client   redis.UniversalClient
		replicas int
		want     []string
	}{
		"safe":        {safe, 0, nil},
		"evicting":    {redistest.Start(t, redistest.AOF(), redistest.Args("--maxmemory-policy", "allkeys-lru")).Client(), 0, []string{"allkeys-lru"}},
		"unsaved":     {redistest.Start(t).Client(), 0, []string{"appendonly is off"}},
		"alone":       {safe, 1, []string{"min-replicas-to-write"}},
		"never alone": {redistest.Start(t, redistest.AOF(), redistest.Args("--min-replicas-to-write", "1")).Client(), 1, nil},
		"unheeded":    {followed, 0, []string{"With REDIS_REPLICAS=1"}},
		"heeded":      {followed, 1, nil},
		"embedded":    {embedded, 0, nil},
	}
	for name, c := range cases {
		risks, err := newStore(t, c.client, func(o *operation.Options) { o.Replicas = c.replicas }).Risks(ctx)
		if err != nil || len(risks) != len(c.want) {
			t.Errorf("%s: %q, %v", name, risks, err)
		}
		for i, want := range c.want {
			if i < len(risks) && !strings.Contains(risks[i], want) {
				t.Errorf("%s: %q, want %q", name, risks[i], want)
			}
		}
	}
}

func TestJobsAreBounded(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	jobs := newStore(t, client).Jobs(2, time.Second)
	other := newStore(t, client).Jobs(2, time.Second) // in another worker
	one, err := jobs.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	two, err := other.Acquire(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var wait *workload.WaitError
	if _, err := jobs.Acquire(ctx); !errors.As(err, &wait) || wait.For != time.Second {
		t.Errorf("a third: %v", err)
	}
	one()
	three, err := jobs.Acquire(ctx)
	if err != nil {
		t.Errorf("after one ended: %v", err)
	}
	two()
	three()
	// A worker that died with its place: the place's time is over.
	client.ZAdd(ctx, "airbyte-provisioner:jobs", redis.Z{Score: 1, Member: "dead"}, redis.Z{Score: 1, Member: "dead too"})
	if four, err := jobs.Acquire(ctx); err != nil {
		t.Errorf("after a worker died: %v", err)
	} else {
		four()
	}
	if free, err := newStore(t, client).Jobs(0, 0).Acquire(ctx); err != nil {
		t.Errorf("without a bound: %v", err)
	} else {
		free()
	}
}

func TestARepeatNeverCrossesAnotherOperation(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	store := newStore(t, redistest.Start(t).Client())
	accept := func(hash string) operation.Accepted {
		t.Helper()
		accepted, err := store.Accept(ctx, operation.Request{Kind: workload.Provision, Component: componentOf(0), Payload: []byte("p"), Hash: hash})
		if err != nil {
			t.Fatal(err)
		}
		return accepted
	}
	first, second := accept("one"), accept("another")
	if _, err := store.Terminate(ctx, second.Token); err != nil {
		t.Fatal(err)
	}
	// The first is the last that is unfinished, and was not the last to be accepted.
	third := accept("one")
	if third.Repeat || third.Token == first.Token {
		t.Errorf("a request like the last but one got its token: %+v", third)
	}
	if again := accept("one"); !again.Repeat || again.Token != third.Token {
		t.Errorf("a request like the last got %+v, want the token %s", again, third.Token)
	}
}

// An operation in back-off begins when that is over, and not when another one of
// its component ends behind it.
func TestAnEndBehindDoesNotCutTheBackOffShort(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	for name, ended := range map[string]func(store *operation.Store, token string) (operation.Next, error){
		"terminated": func(store *operation.Store, token string) (operation.Next, error) {
			ended, err := store.Terminate(ctx, token)
			return ended.Next, err
		},
		"withdrawn": func(store *operation.Store, token string) (operation.Next, error) { return store.Withdraw(ctx, token) },
	} {
		for _, test := range []struct {
			why  operation.Reason
			wait time.Duration
			next bool
		}{
			{operation.AfterFailure, time.Minute, false},
			{operation.Postponed, time.Minute, false},
			{operation.AfterInterruption, 0, true},
		} {
			t.Run(fmt.Sprintf("%s behind one that %s", name, test.why), func(t *testing.T) {
				t.Parallel()
				store := newStore(t, redistest.Start(t).Client())
				first := accept(t, store, "x")
				if err := begin(t, store, first).Release(ctx, test.why, test.wait); err != nil {
					t.Fatal(err)
				}
				next, err := ended(store, accept(t, store, "y"))
				if err != nil {
					t.Fatal(err)
				}
				if got := next.Token == first; got != test.next {
					t.Errorf("next is %+v, want the first one: %t", next, test.next)
				}
			})
		}
	}
}
