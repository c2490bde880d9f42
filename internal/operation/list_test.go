package operation_test

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/operation"
	"airbyte-provisioner/internal/redistest"
	"airbyte-provisioner/internal/workload"

	"github.com/alicebob/miniredis/v2"
	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"
)

// request is an operation of a component by its number.
func request(kind workload.Kind, n int) operation.Request {
	return operation.Request{
		Kind: kind, Component: workload.NewComponent(fmt.Sprintf("urn:dmb:cmp:sales:orders:0:c%d", n), "dev"),
		TraceID: fmt.Sprintf("trace-%d", n), Payload: []byte("p"), Hash: fmt.Sprint(kind, n),
		Name: fmt.Sprintf("Component %d", n), DataProduct: workload.DataProduct{ID: "urn:dmb:dp:sales:orders:0", Name: "Orders", Domain: "sales"},
	}
}

func acceptAs(t testing.TB, store *operation.Store, r operation.Request) string {
	t.Helper()
	accepted, err := store.Accept(context.Background(), r)
	if err != nil {
		t.Fatalf("Accept: %v", err)
	}
	return accepted.Token
}

// end begins an operation and ends it.
func end(t testing.TB, store *operation.Store, token string, end operation.End) {
	t.Helper()
	if _, err := begin(t, store, token).Finish(context.Background(), end); err != nil {
		t.Fatalf("Finish: %v", err)
	}
}

// all lists everything, in pages of a size, and checks that each page but the last is full.
func all(t testing.TB, store *operation.Store, filter operation.Filter, size int) []string {
	t.Helper()
	var tokens []string
	var from operation.Position
	for {
		page, err := store.List(context.Background(), filter, from, size)
		if err != nil {
			t.Fatalf("List: %v", err)
		}
		for _, status := range page.Operations {
			tokens = append(tokens, status.Token)
		}
		if page.Next == (operation.Position{}) {
			return tokens
		}
		if len(page.Operations) != size && !page.Unfinished {
			t.Fatalf("a page in the middle has %d operations, want %d", len(page.Operations), size)
		}
		from = page.Next
	}
}

func sorted(tokens []string) []string { return slices.Sorted(slices.Values(tokens)) }

func TestListOnRedis(t *testing.T) {
	t.Parallel()
	checkList(t, redistest.Start(t).Client())
}

func TestListOnTheEmbeddedRedis(t *testing.T) {
	t.Parallel()
	embedded := miniredis.RunT(t)
	embedded.ClockTTL(true)
	client := redis.NewClient(&redis.Options{Addr: embedded.Addr()})
	t.Cleanup(func() { _ = client.Close() })
	checkList(t, client)
}

func TestListOnACluster(t *testing.T) {
	t.Parallel()
	checkList(t, redistest.StartCluster(t, 3).Client())
}

// checkList has operations in every state and finds them by all that can be asked for.
func checkList(t *testing.T, client redis.UniversalClient) {
	t.Helper()
	store := newStore(t, client)
	done := acceptAs(t, store, request(workload.Provision, 1))
	end(t, store, done, operation.End{Outcome: &workload.Outcome{Message: "made"}})
	failed := acceptAs(t, store, request(workload.Unprovision, 1))
	end(t, store, failed, operation.End{Failure: &workload.Failure{Code: workload.CodeRefused, Message: "no"}})
	running := acceptAs(t, store, request(workload.Provision, 1))
	begin(t, store, running)
	waiting := acceptAs(t, store, request(workload.UpdateACL, 1))
	terminated := acceptAs(t, store, request(workload.Provision, 2))
	if _, err := store.Terminate(context.Background(), terminated); err != nil {
		t.Fatal(err)
	}
	terminating := acceptAs(t, store, request(workload.Provision, 3))
	begin(t, store, terminating)
	if _, err := store.Terminate(context.Background(), terminating); err != nil {
		t.Fatal(err)
	}
	checked := acceptAs(t, store, request(workload.Validate, 1))
	withdrawn := acceptAs(t, store, request(workload.Provision, 4))
	if _, err := store.Withdraw(context.Background(), withdrawn); err != nil {
		t.Fatal(err)
	}
	everything := []string{done, failed, running, waiting, terminated, terminating, checked}

	for reason, c := range map[string]struct {
		filter operation.Filter
		want   []string
	}{
		"everything":             {operation.Filter{}, everything},
		"completed":              {operation.Filter{State: workload.Completed}, []string{done}},
		"failed":                 {operation.Filter{State: workload.Failed}, []string{failed}},
		"terminated":             {operation.Filter{State: workload.Terminated}, []string{terminated}},
		"running":                {operation.Filter{State: workload.Running}, []string{running, waiting, checked}},
		"terminating":            {operation.Filter{State: workload.Terminating}, []string{terminating}},
		"a kind":                 {operation.Filter{Kind: workload.Unprovision}, []string{failed}},
		"a component's line":     {operation.Filter{Component: request("", 1).Component}, []string{done, failed, running, waiting}},
		"its completed ones":     {operation.Filter{Component: request("", 1).Component, State: workload.Completed}, []string{done}},
		"an unknown component":   {operation.Filter{Component: workload.NewComponent("nobody", "dev")}, nil},
		"text of a component":    {operation.Filter{Text: "ORDERS:0:C1"}, []string{done, failed, running, waiting, checked}},
		"text of its own name":   {operation.Filter{Text: "component 2"}, []string{terminated}},
		"text of a product":      {operation.Filter{Text: "dmb:dp:sales"}, everything},
		"text of an environment": {operation.Filter{Text: "dev"}, everything},
		"text of a trace":        {operation.Filter{Text: "trace-3"}, []string{terminating}},
		"text of a token":        {operation.Filter{Text: strings.ToUpper(failed[:20])}, []string{failed}},
		"text of nothing":        {operation.Filter{Text: "nothing"}, nil},
	} {
		for _, size := range []int{1, 2, 100} {
			if diff := cmp.Diff(sorted(c.want), sorted(all(t, store, c.filter, size))); diff != "" {
				t.Errorf("%s, in pages of %d (-want +got):\n%s", reason, size, diff)
			}
		}
	}
	page, err := store.List(context.Background(), operation.Filter{State: workload.Completed}, operation.Position{}, 10)
	if err != nil {
		t.Fatal(err)
	}
	got, r := page.Operations[0], request(workload.Provision, 1)
	if got.Component != r.Component || got.Name != r.Name || got.DataProduct != r.DataProduct || got.TraceID != r.TraceID ||
		got.Attempts != 1 || got.AcceptedAt.IsZero() || got.FinishedAt.Before(got.AcceptedAt) || got.Kind != r.Kind || len(got.Logs) > 0 {
		t.Errorf("a listed operation is %+v", got)
	}
	status, err := store.Status(context.Background(), done)
	if err != nil || status.Name != r.Name || status.DataProduct != r.DataProduct {
		t.Errorf("its status is %+v, %v", status, err)
	}
}

// TestListIsInOrder has many operations, more of one moment than are read at once, and compares the pages with the times of acceptance.
func TestListIsInOrder(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	store := newStore(t, client)
	tokens := make([]string, 600)
	for i := range tokens {
		kind := workload.Validate // spread over all tags
		if i%3 == 0 {
			kind = workload.Provision // many of one tag
		}
		r := request(kind, i%2)
		r.Hash = strconv.Itoa(i)
		tokens[i] = acceptAs(t, store, r)
	}
	// Thirty of one moment in one tag.
	crowd := client.ZRange(context.Background(), listKey(request("", 0).Component), 0, -1).Val()
	for _, token := range crowd[:30] {
		client.ZAdd(context.Background(), listKey(request("", 0).Component), redis.Z{Score: 1000, Member: token})
	}
	for _, size := range []int{7, 50, 1000} {
		got := all(t, store, operation.Filter{}, size)
		if diff := cmp.Diff(sorted(tokens), sorted(got)); diff != "" {
			t.Fatalf("pages of %d (-want +got):\n%s", size, diff)
		}
		if diff := cmp.Diff(sorted(crowd[:30]), sorted(got[570:])); diff != "" {
			t.Errorf("the oldest, in pages of %d (-want +got):\n%s", size, diff)
		}
		times := map[string]time.Time{}
		for _, token := range got[:570] {
			status, err := store.Status(context.Background(), token)
			if err != nil {
				t.Fatal(err)
			}
			times[token] = status.AcceptedAt
		}
		if !slices.IsSortedFunc(got[:570], func(a, b string) int { return times[b].Compare(times[a]) }) {
			t.Errorf("pages of %d are not in order", size)
		}
	}
}

func listKey(component workload.Component) string {
	return "airbyte-provisioner:{" + component.Digest()[:2] + "}:listed:open"
}

// TestASearchIsBounded looks for what is not there among more operations than one call may read.
func TestASearchIsBounded(t *testing.T) {
	t.Parallel()
	client := redistest.Start(t).Client()
	store := newStore(t, client)
	const many = 5100
	for i := range many {
		acceptAs(t, store, request(workload.Validate, i))
	}
	page, err := store.List(context.Background(), operation.Filter{Text: "nothing"}, operation.Position{}, 10)
	if err != nil || len(page.Operations) != 0 || !page.Unfinished || page.Next == (operation.Position{}) {
		t.Fatalf("got %d operations, unfinished %t, next %v, %v", len(page.Operations), page.Unfinished, page.Next, err)
	}
	page, err = store.List(context.Background(), operation.Filter{Text: "nothing"}, page.Next, 10)
	if err != nil || page.Unfinished || page.Next != (operation.Position{}) {
		t.Errorf("the rest: unfinished %t, next %v, %v", page.Unfinished, page.Next, err)
	}
	if got := all(t, store, operation.Filter{Text: "component 17"}, 10); len(got) != 111 { // 17, 170 to 179, 1700 to 1799
		t.Errorf("found %d operations, want 111", len(got))
	}
}

// TestListForgets has records expire, and looks at what is left of the index.
func TestListForgets(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	client := redistest.Start(t).Client()
	store := newStore(t, client)
	var tokens []string
	for i := range 3 {
		r := request(workload.Provision, 0)
		r.Hash = strconv.Itoa(i)
		token := acceptAs(t, store, r)
		end(t, store, token, operation.End{Outcome: &workload.Outcome{Message: "made"}})
		tokens = append(tokens, token)
	}
	lists := client.Keys(ctx, "*:listed:*").Val()
	if len(lists) != 1 || client.ZCard(ctx, lists[0]).Val() != 3 {
		t.Fatalf("the indexes are %v", lists)
	}
	if ttl := client.PTTL(ctx, lists[0]).Val(); ttl <= 0 || ttl > time.Hour {
		t.Errorf("the index lives for %v, want as long as its records", ttl)
	}
	if err := client.Del(ctx, client.Keys(ctx, "*:op:"+tokens[1]).Val()...).Err(); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{tokens[2], tokens[0]}, all(t, store, operation.Filter{}, 10)); diff != "" {
		t.Errorf("listed (-want +got):\n%s", diff)
	}
	if left := client.ZCard(ctx, lists[0]).Val(); left != 2 {
		t.Errorf("the index has %d entries, want the expired one gone", left)
	}
	client.ZAdd(ctx, lists[0], redis.Z{Score: 1, Member: tokens[0]})
	r := request(workload.Provision, 0)
	end(t, store, acceptAs(t, store, r), operation.End{Outcome: &workload.Outcome{Message: "made"}})
	if client.ZScore(ctx, lists[0], tokens[0]).Val() != 0 {
		t.Error("what was accepted twice the records' time ago is still in the index")
	}
}

// TestListWithoutRedis is told as such.
func TestListWithoutRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t)
	store := newStore(t, server.Client())
	server.Kill()
	_, err := store.List(context.Background(), operation.Filter{}, operation.Position{}, 10)
	if workload.AsFailure(err).Code != workload.CodeUnavailable {
		t.Errorf("got %v", err)
	}
}
