package airbytesim

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func named(read m, field string) []string {
	names := []string{}
	for _, item := range read[field].([]any) {
		names = append(names, item.(m)["name"].(string))
	}
	return names
}

func TestTrap1_ListAnswersTwentyUnlessTold(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	if err := f.sim.Fill(Filler{Sources: 45, Destinations: 30, Connections: 30}); err != nil {
		t.Fatal(err)
	}
	first := f.ok("sources/list", m{"workspaceId": workspace})
	if n := len(named(first, "sources")); n != 20 {
		t.Errorf("%d sources without a page size, want 20", n)
	}
	if first["num_connections"] != 45.0 {
		t.Errorf("the count of all is %v, want 45", first["num_connections"])
	}
	if n := len(named(f.ok("destinations/list", m{"workspaceId": workspace, "pageSize": 25}), "destinations")); n != 25 {
		t.Errorf("%d destinations on a page of 25", n)
	}
	if n := len(named(f.ok("connections/list", m{"workspaceId": workspace}), "connections")); n != 30 {
		t.Errorf("connections/list has pages: %d of 30", n)
	}
}

func TestTrap1_CursorWalksByLowerCaseNameThenID(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Seed: 7})
	for _, name := range []string{"beta", "Alpha", "alpha", "ALPHA", "Gamma", "delta", "beta"} {
		f.source(name, fakerID, m{})
	}
	var names, ids []string
	body := m{"workspaceId": workspace, "pageSize": 2}
	for {
		page := f.ok("sources/list", body)["sources"].([]any)
		if len(page) == 0 {
			break
		}
		for _, item := range page {
			names = append(names, item.(m)["name"].(string))
			ids = append(ids, item.(m)["sourceId"].(string))
		}
		body["cursor"] = ids[len(ids)-1]
	}
	keys := make([]string, len(names))
	for i := range names {
		keys[i] = strings.ToLower(names[i]) + ids[i]
	}
	if len(names) != 7 || !slices.IsSorted(keys) {
		t.Errorf("the pages are not ordered by lower-case name, then id: %v", keys)
	}
}

func TestTrap1_CursorWhoseRowIsGoneIsNotFound(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	id := f.source("a", fakerID, m{})
	f.source("b", fakerID, m{})
	f.call(http.StatusNoContent, "sources/delete", m{"sourceId": id})
	f.call(http.StatusNotFound, "sources/list", m{"workspaceId": workspace, "cursor": id})
	f.call(http.StatusNotFound, "sources/list", m{"workspaceId": workspace, "cursor": devNullID})
}

func TestTrap1_SearchTermIsILike(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	for _, name := range []string{"orders_eu [wb-0a]", "ordersXeu [wb-0b]", "100% sure", "Straße"} {
		f.source(name, fakerID, m{})
	}
	f.source("plain", postgresID, postgres("db.example.com"))
	for _, c := range []struct {
		reason, term string
		want         []string
	}{
		{"an empty term is no filter", "", []string{"100% sure", "orders_eu [wb-0a]", "ordersXeu [wb-0b]", "plain", "Straße"}},
		{"a part of the name, in any case", "WB-0A", []string{"orders_eu [wb-0a]"}},
		{"an underscore is any character", "orders_eu", []string{"orders_eu [wb-0a]", "ordersXeu [wb-0b]"}},
		{"an escaped underscore is itself", `orders\_eu`, []string{"orders_eu [wb-0a]"}},
		{"a percent sign is any text", "o%0b", []string{"ordersXeu [wb-0b]"}},
		{"an escaped percent sign is itself", `0\%`, []string{"100% sure"}},
		{"the definition's name counts too", "postgres", []string{"plain"}},
		{"one character is one character", "stra_e", []string{"Straße"}},
		{"nothing", "nowhere", []string{}},
	} {
		read := f.ok("sources/list", m{"workspaceId": workspace, "filters": m{"searchTerm": c.term}})
		got := named(read, "sources")
		less := func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) }
		slices.SortFunc(c.want, less)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s (%q) (-want +got):\n%s", c.reason, c.term, diff)
		}
	}
}

func TestTrap1_OlderServersIgnorePagesAndSearch(t *testing.T) {
	t.Parallel()
	f := start(t, Options{Behavior: Behavior{IgnorePaging: true}})
	if err := f.sim.Fill(Filler{Sources: 33}); err != nil {
		t.Fatal(err)
	}
	read := f.ok("sources/list", m{
		"workspaceId": workspace, "pageSize": 5, "cursor": devNullID, "filters": m{"searchTerm": "nowhere"},
	})
	if n := len(named(read, "sources")); n != 33 {
		t.Errorf("an older server answered %d of 33", n)
	}
}

func TestListSortKeysAndStates(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	f.connection() // the source "shop" is active
	f.source("zoo", fakerID, m{})
	for _, c := range []struct {
		reason string
		body   m
		want   []string
	}{
		{"names downwards", m{"sortKey": "actorName_desc"}, []string{"zoo", "shop"}},
		{"definitions upwards", m{"sortKey": "actorDefinitionName_asc"}, []string{"shop", "zoo"}},
		{"last sync downwards", m{"sortKey": "lastSync_desc"}, []string{"zoo", "shop"}},
		{"only active ones", m{"filters": m{"states": []any{"active"}}}, []string{"shop"}},
		{"only inactive ones", m{"filters": m{"states": []any{"inactive"}}}, []string{"zoo"}},
	} {
		c.body["workspaceId"] = workspace
		if diff := cmp.Diff(c.want, named(f.ok("sources/list", c.body), "sources")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}

func TestListPaginatedGoesByRows(t *testing.T) {
	t.Parallel()
	f := start(t, Options{})
	var ids []string
	for i := range 5 {
		ids = append(ids, f.source(fmt.Sprintf("s%d", i), fakerID, m{}))
	}
	f.call(http.StatusNoContent, "sources/delete", m{"sourceId": ids[0]})
	for _, c := range []struct {
		reason string
		body   m
		want   []string
	}{
		{"a page in the middle", m{"pagination": m{"pageSize": 2, "rowOffset": 1}}, []string{"s2", "s3"}},
		{"deleted ones on demand", m{"pagination": m{"pageSize": 2}, "includeDeleted": true}, []string{"s0", "s1"}},
		{"by a part of the name", m{"pagination": m{}, "nameContains": "S4"}, []string{"s4"}},
		{"beyond the end", m{"pagination": m{"rowOffset": 9}}, []string{}},
	} {
		c.body["workspaceIds"] = []any{workspace}
		if diff := cmp.Diff(c.want, named(f.ok("sources/list_paginated", c.body), "sources")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", c.reason, diff)
		}
	}
}
