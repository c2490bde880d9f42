package airbytesim

import (
	"cmp"
	"slices"
	"strings"
)

// defaultPageSize is what lists answer when they are not told (trap 1).
const defaultPageSize = 20

// listPage is {sources,destinations}/list: by pages, searched, without deleted ones (trap 1).
func (side side) listPage(s *Sim, c *call) (any, error) {
	workspace := c.id("workspaceId")
	if _, err := s.workspace(workspace); err != nil {
		return nil, err
	}
	term, states := "", []any(nil)
	var after *Actor
	if !s.behavior.IgnorePaging {
		filters, _ := c.body["filters"].(map[string]any)
		term, _ = filters["searchTerm"].(string)
		states, _ = filters["states"].([]any)
		if cursor := c.id("cursor"); cursor != "" {
			a, err := s.actor(side.kind, cursor)
			if err != nil {
				return nil, err
			}
			if a.Deleted || a.WorkspaceID != workspace {
				return nil, notFound(strings.ToUpper(string(side.kind))+"_CURSOR", cursor)
			}
			after = a
		}
	}
	order := s.order(c.text("sortKey"))
	found := s.search(side.kind, workspace, term, func(a *Actor) bool {
		return (after == nil || order(a, after) > 0) && (len(states) == 0 || slices.Contains(states, s.readActor(a)["status"]))
	})
	slices.SortFunc(found, order)
	total, size := len(found), c.number("pageSize", defaultPageSize)
	if !s.behavior.IgnorePaging && int64(total) > size {
		found = found[:max(size, 0)]
	}
	return s.readActors(side, found, total, size), nil
}

func (s *Sim) readActors(side side, actors []*Actor, total int, size int64) map[string]any {
	reads := make([]any, 0, len(actors))
	for _, a := range actors {
		reads = append(reads, s.readActor(a))
	}
	return map[string]any{side.list: reads, "page_size": size, "num_connections": total}
}

// search answers the actors of a workspace that are alive and whose own or
// definition's name matches the term.
func (s *Sim) search(kind Kind, workspace, term string, keep func(*Actor) bool) []*Actor {
	like := ilike(term)
	definitions := map[string]bool{}
	for id, d := range s.world.definitions {
		definitions[id] = like(d.lowerName)
	}
	var found []*Actor
	for _, a := range s.world.actors {
		if a.Kind != kind || a.Deleted || a.WorkspaceID != workspace {
			continue
		}
		if (like(a.lowerName) || definitions[a.DefinitionID]) && keep(a) {
			found = append(found, a)
		}
	}
	return found
}

// order compares as the sort key says; by lower-case name, then id, when it says nothing.
func (s *Sim) order(sortKey string) func(a, b *Actor) int {
	field, direction, _ := strings.Cut(sortKey, "_")
	compare := func(a, b *Actor) int { return strings.Compare(a.lowerName, b.lowerName) }
	switch field {
	case "actorDefinitionName":
		compare = func(a, b *Actor) int {
			return strings.Compare(s.world.definitions[a.DefinitionID].lowerName, s.world.definitions[b.DefinitionID].lowerName)
		}
	case "lastSync": // no sync is remembered by actor; the order of creation stands for it
		compare = func(a, b *Actor) int { return cmp.Compare(a.number, b.number) }
	}
	return func(a, b *Actor) int {
		order := cmp.Or(compare(a, b), strings.Compare(a.ID, b.ID))
		if direction == "desc" {
			return -order
		}
		return order
	}
}

// listRows is sources/list_paginated: several workspaces, by row offset.
func (side side) listRows(s *Sim, c *call) (any, error) {
	workspaces, _ := c.body["workspaceIds"].([]any)
	pagination, _ := c.body["pagination"].(map[string]any)
	like := ilike(c.text("nameContains"))
	var found []*Actor
	for _, a := range s.world.actors {
		if a.Kind == side.kind && slices.Contains(workspaces, any(a.WorkspaceID)) && (!a.Deleted || c.flag("includeDeleted")) &&
			like(a.lowerName) {
			found = append(found, a)
		}
	}
	slices.SortFunc(found, s.order(""))
	return s.readActors(side, page(found, pagination), len(found), number(pagination["pageSize"], defaultPageSize)), nil
}

// page cuts a list as a Pagination object says.
func page[T any](all []T, pagination map[string]any) []T {
	offset := min(max(number(pagination["rowOffset"], 0), 0), int64(len(all)))
	size := max(number(pagination["pageSize"], defaultPageSize), 0)
	return all[offset:min(offset+size, int64(len(all)))]
}

// ilike is SQL's ILIKE '%term%': _ is any character, % any text, \ takes the
// next one as it is. What it compares with must be in lower case.
func ilike(term string) func(lower string) bool {
	term = strings.ToLower(term)
	if !strings.ContainsAny(term, `_%\`) {
		return func(lower string) bool { return strings.Contains(lower, term) }
	}
	pattern := likeTokens("%" + term + "%")
	return func(lower string) bool { return likeMatch(pattern, []rune(lower)) }
}

// likeToken is one character, or a wildcard.
type likeToken struct {
	char rune
	any  bool // _ when true
	many bool // % when true
}

func likeTokens(pattern string) []likeToken {
	var tokens []likeToken
	escaped := false
	for _, r := range pattern {
		switch {
		case escaped:
			tokens, escaped = append(tokens, likeToken{char: r}), false
		case r == '\\':
			escaped = true
		case r == '_':
			tokens = append(tokens, likeToken{any: true})
		case r == '%':
			tokens = append(tokens, likeToken{many: true})
		default:
			tokens = append(tokens, likeToken{char: r})
		}
	}
	return tokens
}

// likeMatch walks the text once for each %, going back to the last one on a mismatch.
func likeMatch(pattern []likeToken, text []rune) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p].many:
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p].any || pattern[p].char == text[t]):
			p++
			t++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p].many {
		p++
	}
	return p == len(pattern)
}
