package operation

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"airbyte-provisioner/internal/workload"

	"github.com/redis/go-redis/v9"
)

// Filter says which operations are wanted; the zero value wants all.
type Filter struct {
	State workload.State
	Kind  workload.Kind
	// Component wants the operations of one component; those that only read,
	// which have a lane each, are not found by it but by Text.
	Component workload.Component
	// Text is searched for, without regard to case, in tokens, trace ids,
	// components, environments and data products.
	Text string
}

// Position is a place in the list, which goes from the newest to the oldest.
// The zero value is its beginning.
type Position struct {
	AcceptedAt time.Time
	Token      string
}

// Page is a part of the list.
type Page struct {
	// Operations are without their logs, results and outcomes.
	Operations []workload.Status
	// Next is where the list goes on; zero at its end.
	Next Position
	// Unfinished says that the search was not finished: it has looked at as
	// many operations as one call may, and goes on at Next.
	Unfinished bool
}

const (
	// maxLooked bounds how many records one call reads.
	maxLooked = 5000
	// readAtOnce bounds how many records are read in one round trip.
	readAtOnce = 250
	// firstChunk and maxChunk are how many entries of each index are read at once.
	firstChunk, maxChunk = 4, 4096
)

// open is the index of the unfinished operations; the others are named by their final states.
const open = "open"

// List returns operations, the newest first, from behind a position on. No
// key is searched for: every tag has an index of its operations by state, and
// the newest entries of all are read and merged. An operation is listed until
// its record expires.
func (s *Store) List(ctx context.Context, filter Filter, from Position, limit int) (Page, error) {
	g := gathering{filter: filter, limit: limit, left: maxLooked}
	lists := s.lists(filter)
	for chunk := firstChunk; ; {
		entries, rest, err := s.entries(ctx, lists, from, chunk)
		if err != nil {
			return Page{}, err
		}
		done, err := s.gather(ctx, lists, filter.mayHold(entries), &g)
		if err != nil {
			return Page{}, err
		}
		if done || rest.zero() {
			if g.last == (entry{}) && rest.zero() {
				g.page.Next, g.page.Unfinished = Position{}, false // nothing is behind it
			}
			return g.page, nil
		}
		if chunk < maxChunk || rest == from {
			chunk *= 2
		}
		from = rest
	}
}

// gathering fills a page.
type gathering struct {
	filter      Filter
	limit, left int // operations on a page, records that may still be read
	page        Page
	last        entry // that was found behind where the gathering stopped
}

// gather reads the records of entries until the page is full or enough was read.
func (s *Store) gather(ctx context.Context, lists []string, entries []entry, g *gathering) (done bool, err error) {
	for len(entries) > 0 {
		n := min(len(entries), readAtOnce, g.left, max(2*(g.limit-len(g.page.Operations)), 20))
		found, err := s.read(ctx, lists, entries[:n])
		if err != nil {
			return false, err
		}
		for i, status := range found {
			g.left--
			if g.filter.wants(status) {
				g.page.Operations = append(g.page.Operations, status)
			}
			full := len(g.page.Operations) == g.limit
			if !full && g.left > 0 {
				continue
			}
			g.page.Next, g.page.Unfinished = entries[i].position(), !full
			if i+1 < len(entries) {
				g.last = entries[i+1]
			}
			return true, nil
		}
		entries = entries[n:]
	}
	return false, nil
}

func (p Position) zero() bool { return p.Token == "" }

// lists are the indexes in which operations that the filter wants can be.
func (s *Store) lists(filter Filter) []string {
	states := []string{open, string(workload.Completed), string(workload.Failed), string(workload.Terminated)}
	switch {
	case filter.State.Terminal():
		states = []string{string(filter.State)}
	case filter.State != "":
		states = []string{open}
	}
	var lists []string
	for tag := range Tags {
		if lane := filter.lane(); lane != "" && !strings.HasPrefix(lane, hexByte(tag)) {
			continue
		}
		for _, state := range states {
			lists = append(lists, s.keysOf(hexByte(tag)).listed(state))
		}
	}
	return lists
}

func (k keys) listed(state string) string { return k.prefix + "listed:" + state }

// lane is the lane in which all wanted operations stand; empty where that is not known.
func (f Filter) lane() string {
	if f.Component == (workload.Component{}) {
		return ""
	}
	return f.Component.Digest()[:12]
}

// mayHold drops entries whose token tells that they are of another component.
func (f Filter) mayHold(entries []entry) []entry {
	lane := f.lane()
	if lane == "" {
		return entries
	}
	return slices.DeleteFunc(entries, func(e entry) bool { return Lane(e.token) != lane })
}

func (f Filter) wants(s workload.Status) bool {
	return s.Token != "" && (f.State == "" || s.State == f.State) && (f.Kind == "" || s.Kind == f.Kind) &&
		(f.Component == workload.Component{} || s.Component == f.Component) && (f.Text == "" || mentions(s, strings.ToLower(f.Text)))
}

func mentions(s workload.Status, text string) bool {
	d := s.DataProduct
	for _, field := range []string{
		s.Token, s.TraceID, s.Component.ID, s.Component.Environment, s.Name, d.ID, d.Name, d.Domain,
	} {
		if strings.Contains(strings.ToLower(field), text) {
			return true
		}
	}
	return false
}

// entry is an operation in an index.
type entry struct {
	at    int64 // milliseconds
	token string
	list  int // in which it was found
}

func (e entry) position() Position {
	return Position{AcceptedAt: time.UnixMilli(e.at).UTC(), Token: e.token}
}

// newestFirst is the order of the list.
func newestFirst(a, b entry) int {
	return cmp.Or(cmp.Compare(b.at, a.at), cmp.Compare(b.token, a.token))
}

// entries reads the newest entries behind a position, at most chunk of each
// index, and returns those down to where all are known, in order. rest is where
// to go on; zero at the end.
func (s *Store) entries(ctx context.Context, lists []string, from Position, chunk int) (known []entry, rest Position, err error) {
	by := &redis.ZRangeBy{Min: "-inf", Max: "+inf", Count: int64(chunk)}
	if !from.zero() {
		by.Max = strconv.FormatInt(from.AcceptedAt.UnixMilli(), 10)
	}
	answers := make([]*redis.ZSliceCmd, len(lists))
	_, err = s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, list := range lists {
			answers[i] = p.ZRevRangeByScoreWithScores(ctx, list, by)
		}
		return nil
	})
	if err != nil {
		return nil, Position{}, unavailable(err)
	}
	var horizon entry // the newest of the last entries of those indexes that have more
	for i, answer := range answers {
		var last entry
		for _, z := range answer.Val() {
			if token, _ := z.Member.(string); Lane(token) != "" {
				last = entry{at: int64(z.Score), token: token, list: i}
				known = append(known, last)
			}
		}
		if len(answer.Val()) == chunk && (horizon.token == "" || newestFirst(last, horizon) < 0) {
			horizon = last
		}
	}
	known, rest = merge(known, from, horizon)
	return known, rest, nil
}

// merge puts entries in order, those behind a position and not behind the
// horizon, up to which all are known; without one all are.
func merge(entries []entry, from Position, horizon entry) (known []entry, rest Position) {
	behind := entry{at: from.AcceptedAt.UnixMilli(), token: from.Token}
	if horizon.token != "" {
		rest = horizon.position()
		if !from.zero() && newestFirst(horizon, behind) <= 0 {
			return nil, from // more of one moment than a chunk holds: the next is larger
		}
	}
	entries = slices.DeleteFunc(entries, func(e entry) bool {
		return !from.zero() && newestFirst(e, behind) <= 0 || horizon.token != "" && newestFirst(e, horizon) > 0
	})
	slices.SortFunc(entries, newestFirst)
	// An operation that ended between two reads is in two indexes.
	return slices.CompactFunc(entries, func(a, b entry) bool { return a.token == b.token }), rest
}

// read reads records, and takes those out of the indexes that have expired;
// their places in the answer have no token.
func (s *Store) read(ctx context.Context, lists []string, entries []entry) ([]workload.Status, error) {
	answers := make([]*redis.SliceCmd, len(entries))
	_, err := s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i, e := range entries {
			answers[i] = p.HMGet(ctx, s.keysOf(Lane(e.token)).op(e.token), statusFields...)
		}
		return nil
	})
	if err != nil {
		return nil, unavailable(err)
	}
	found := make([]workload.Status, len(entries))
	var expired []entry
	for i, answer := range answers {
		status, err := readStatus(entries[i].token, answerOf(answer.Val()))
		var failure *workload.Failure
		switch {
		case errors.As(err, &failure):
			expired = append(expired, entries[i])
		case err == nil: // another error is a record of a newer version
			status.Logs, status.Result, status.Outcome, status.Failure = nil, "", nil, nil
			found[i] = status
		}
	}
	s.forget(ctx, lists, expired)
	return found, nil
}

// forget takes entries out of their indexes; where it fails, somebody else will.
func (s *Store) forget(ctx context.Context, lists []string, entries []entry) {
	if len(entries) == 0 {
		return
	}
	_, _ = s.redis.Pipelined(ctx, func(p redis.Pipeliner) error {
		for _, e := range entries {
			p.ZRem(ctx, lists[e.list], e.token)
		}
		return nil
	})
}

// maxName bounds a name that is kept for people, in bytes.
const maxName = 200

// metaOf is what a record keeps of a request.
func metaOf(r Request) meta {
	clip := func(text string) string { return clipped(text, maxName) }
	return meta{
		Component: r.Component, TraceID: r.TraceID, Name: clip(r.Name),
		DataProduct: workload.DataProduct{
			ID: clip(r.DataProduct.ID), Name: clip(r.DataProduct.Name), Domain: clip(r.DataProduct.Domain), Version: clip(r.DataProduct.Version),
		},
	}
}
