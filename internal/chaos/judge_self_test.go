package chaos

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"airbyte-provisioner/internal/airbytesim"
	"airbyte-provisioner/internal/workload"
)

// called is a call of an attempt at the request with the number, from one time to another.
func called(operation, attempt string, number, from, to int, body string) airbytesim.Call {
	at := func(n int) time.Time { return time.UnixMilli(int64(n)) }
	call := airbytesim.Call{
		Seq: int64(from), Operation: operation, Body: body, Start: at(from), Status: 200, Acted: true,
		Header: http.Header{"Traceid": {fmt.Sprintf("c001-%06d", number)}, "Attempt": {attempt}, processHeader: {"worker"}},
	}
	if to > 0 {
		call.End = at(to)
	}
	return call
}

func writing(version int) string {
	return fmt.Sprintf(`{"connectionConfiguration":{"url":%q}}`, urlOf(version))
}

// TestTheJudgeSees gives the judge logs that are wrong in one way each.
func TestTheJudgeSees(t *testing.T) {
	t.Parallel()
	wishes := map[int]wish{1: {Kind: workload.Provision, Version: 1}, 2: {Kind: workload.Provision, Version: 2}, 3: {Kind: workload.Unprovision, Version: 2}}
	cases := []struct {
		name, want, reason string
		calls              []airbytesim.Call
	}{
		{"order", "", "one after the other is as it should be", []airbytesim.Call{
			called("sources/list", "a/1", 1, 1, 2, ""), called("sources/create", "a/1", 1, 3, 4, writing(1)),
			called("sources/list", "b/1", 2, 5, 6, ""), called("sources/update", "b/1", 2, 7, 8, writing(2)),
		}},
		{"one call late", "", "a call that was under way cannot be taken back", []airbytesim.Call{
			called("sources/create", "a/1", 1, 1, 9, writing(1)), called("sources/list", "a/2", 1, 5, 6, ""),
		}},
		{"one call late in each branch", "", "source and destination are worked on at the same time", []airbytesim.Call{
			called("sources/create", "a/1", 1, 1, 9, writing(1)), called("destinations/create", "a/1", 1, 1, 0, ""),
			called("sources/list", "a/2", 1, 5, 6, ""),
		}},
		{"two calls late", "attempt a/1 of worker makes sources/discover_schema", "the second must not have been made", []airbytesim.Call{
			called("sources/create", "a/1", 1, 1, 9, writing(1)), called("sources/list", "a/2", 1, 5, 6, ""),
			called("sources/discover_schema", "a/1", 1, 10, 11, ""),
		}},
		{"two calls late, without ends", "makes destinations/list", "calls under way count", []airbytesim.Call{
			called("destinations/create", "a/1", 1, 1, 0, ""), called("destinations/list", "a/1", 1, 2, 0, ""), called("sources/list", "a/2", 1, 5, 6, ""),
		}},
		{"order turned round", "request 1 begins (5) after request 2", "acceptance decides", []airbytesim.Call{
			called("sources/list", "b/1", 2, 1, 2, ""), called("sources/list", "a/1", 1, 5, 6, ""),
		}},
		{"version going down", "writes version 1 after version 2", "an old content must not come back", []airbytesim.Call{
			called("sources/create", "b/1", 2, 1, 9, writing(2)), called("sources/update", "a/1", 1, 5, 6, writing(1)),
		}},
		{"another's content", "writes version 2 for request 1", "each request has its own", []airbytesim.Call{
			called("sources/create", "a/1", 1, 1, 2, writing(2)),
		}},
		{"writing while unprovisioning", "writes version 2 for request 3, which is unprovision", "nothing is to be written", []airbytesim.Call{
			called("sources/update", "a/1", 3, 1, 2, writing(2)),
		}},
		{"nobody's call", "request 4, which was never made", "every call has a request", []airbytesim.Call{
			called("sources/list", "a/1", 4, 1, 2, ""),
		}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := strings.Join(judge(visitsOf(c.calls)["c001"], wishes), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q: %s", got, c.want, c.reason)
			}
		})
	}
}

// TestTheInventorySees compares contents that are wrong in one way each.
func TestTheInventorySees(t *testing.T) {
	t.Parallel()
	at := &component{index: 1}
	name := func(n string) string { return n + " [wb-" + at.digest() + "]" }
	source := airbytesim.Actor{ID: "s", Name: name("File"), Configuration: map[string]any{"url": urlOf(7)}}
	destination := airbytesim.Actor{ID: "d", Name: name("Snowflake"), Configuration: map[string]any{"schema": schemaOf(7)}}
	connection := airbytesim.Connection{ID: "c", SourceID: "s", DestinationID: "d", Status: "active", ScheduleData: map[string]any{
		"basicSchedule": map[string]any{"timeUnit": "hours", "units": unitsOf(7)},
	}}
	provision, none := wish{Kind: workload.Provision, Version: 7}, wish{Kind: workload.Unprovision, Version: 7}
	cases := []struct {
		name, want string
		wish       wish
		change     func(*airbytesim.Contents)
	}{
		{"as asked for", "", provision, func(*airbytesim.Contents) {}},
		{"still there", "has 1 sources", none, func(*airbytesim.Contents) {}},
		{"gone", "", none, func(c *airbytesim.Contents) {
			c.Sources[0].Deleted, c.Destinations[0].Deleted, c.Connections[0].Status = true, true, "deprecated"
		}},
		{"missing", "has 1 sources, 1 destinations and 0 connections", provision, func(c *airbytesim.Contents) { c.Connections = nil }},
		{"twice", "has 2 sources", provision, func(c *airbytesim.Contents) { c.Sources = append(c.Sources, source) }},
		{"old URL", "has the URL", provision, func(c *airbytesim.Contents) { c.Sources[0].Configuration = map[string]any{"url": urlOf(6)} }},
		{"old schema", "has the schema", provision, func(c *airbytesim.Contents) { c.Destinations[0].Configuration = map[string]any{"schema": "V000006"} }},
		{"other schedule", "has the schedule", provision, func(c *airbytesim.Contents) { c.Connections[0].ScheduleData = nil }},
		{"joins others", "joins other", provision, func(c *airbytesim.Contents) { c.Connections[0].DestinationID = "x" }},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			contents := airbytesim.Contents{
				Sources: []airbytesim.Actor{source}, Destinations: []airbytesim.Actor{destination}, Connections: []airbytesim.Connection{connection},
			}
			c.change(&contents)
			got := strings.Join(inventory(contents)[at.digest()].compare(c.wish), "\n")
			if c.want == "" && got != "" || !strings.Contains(got, c.want) {
				t.Errorf("got %q, want %q", got, c.want)
			}
		})
	}
	orphan := inventory(airbytesim.Contents{Connections: []airbytesim.Connection{connection}})[""]
	if orphan == nil || len(orphan.connections) != 1 {
		t.Errorf("a connection without a source is not seen: %+v", orphan)
	}
}
