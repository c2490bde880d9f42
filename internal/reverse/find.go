package reverse

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// mark is what this product puts behind the names of sources and destinations.
var mark = regexp.MustCompile(`(?i)(\s*\[wb-[0-9a-f]{16}\])+\s*$`)

// plain is a name without our mark.
func plain(name string) string { return strings.TrimSpace(mark.ReplaceAllString(name, "")) }

// called reports whether an entity's name is the one asked for, with or without our mark.
func called(name, asked string) bool { return name == asked || plain(name) == asked }

// find returns the one live connection in the workspace that the request means.
func (s *session) find(ctx context.Context, asked workload.ReverseRequest) (airbyte.ConnectionSummary, error) {
	all, err := s.airbyte.ListConnections(ctx, s.workspace)
	if err != nil {
		return airbyte.ConnectionSummary{}, failed(err, "Listing the connections of the workspace")
	}
	all = slices.DeleteFunc(all, func(c airbyte.ConnectionSummary) bool { return c.Status == airbyte.StatusDeprecated })
	found := all
	keep := func(fits func(airbyte.ConnectionSummary) bool) {
		found = slices.DeleteFunc(slices.Clone(found), func(c airbyte.ConnectionSummary) bool { return !fits(c) })
	}
	if asked.ConnectionID != "" {
		keep(func(c airbyte.ConnectionSummary) bool { return strings.EqualFold(c.ID, asked.ConnectionID) })
	}
	if asked.ConnectionName != "" {
		keep(func(c airbyte.ConnectionSummary) bool { return called(c.Name, asked.ConnectionName) })
	}
	if asked.SourceName != "" {
		sources, err := s.actors(ctx, airbyte.Source, asked.SourceName)
		if err != nil {
			return airbyte.ConnectionSummary{}, err
		}
		destinations, err := s.actors(ctx, airbyte.Destination, asked.DestinationName)
		if err != nil {
			return airbyte.ConnectionSummary{}, err
		}
		keep(func(c airbyte.ConnectionSummary) bool {
			return slices.Contains(sources, c.SourceID) && slices.Contains(destinations, c.DestinationID)
		})
	}
	if len(found) == 1 {
		return found[0], nil
	}
	return airbyte.ConnectionSummary{}, s.undecided(asked, found, all)
}

// actors are the ids of the sources or destinations with the name.
func (s *session) actors(ctx context.Context, kind airbyte.ActorKind, name string) ([]string, error) {
	listed, err := s.airbyte.ListActors(ctx, kind, s.workspace, name)
	if err != nil {
		return nil, failed(err, fmt.Sprintf("Listing the %ss of the workspace", kind))
	}
	var ids []string
	for _, a := range listed {
		if called(a.Name, name) {
			ids = append(ids, a.ID)
		}
	}
	return ids, nil
}

// maxCandidates bounds how many connections a failure names.
const maxCandidates = 10

// undecided is the failure of a request that means no connection, or several.
func (s *session) undecided(asked workload.ReverseRequest, found, all []airbyte.ConnectionSummary) *workload.Failure {
	failure := &workload.Failure{Code: workload.CodeInvalid, Phase: workload.PhaseObserve}
	path, what := wish(asked)
	candidates := found
	if len(found) > 1 {
		failure.Message = fmt.Sprintf("%d connections in the workspace %s have %s; it is not clear which one is meant.", len(found), s.workspace, what)
		failure.Solutions = []string{"Give the connectionId of the one that is meant."}
	} else {
		failure.Message = fmt.Sprintf("No connection in the workspace %s has %s.", s.workspace, what)
		failure.Solutions = []string{
			"Correct the request; the candidates are the connections of the workspace with the most similar names.",
			"Where the connection is in another workspace, ask for the environment that this workspace belongs to.",
		}
		candidates = similar(all, asked)
	}
	failure.Problems = []workload.Problem{{Path: path, Message: "matches " + number(len(found))}}
	for i, c := range candidates {
		if i == maxCandidates {
			failure.Problems = append(failure.Problems, workload.Problem{Message: fmt.Sprintf("and %d more", len(candidates)-i)})
			break
		}
		failure.Problems = append(failure.Problems, workload.Problem{Message: fmt.Sprintf("candidate: %.200q, connectionId %s", c.Name, c.ID)})
	}
	return failure
}

func number(n int) string {
	if n == 0 {
		return "no connection"
	}
	return fmt.Sprintf("%d connections", n)
}

// wish renders what was asked for, and names the parameter that is to be corrected.
func wish(asked workload.ReverseRequest) (path, what string) {
	var all []string
	for _, each := range []struct{ param, text, value string }{
		{"destinationName", "a destination called", asked.DestinationName},
		{"sourceName", "a source called", asked.SourceName},
		{"connectionName", "the name", asked.ConnectionName},
		{"connectionId", "the id", asked.ConnectionID},
	} {
		if each.value != "" {
			path = "params." + each.param
			all = append(all, fmt.Sprintf("%s %.200q", each.text, each.value))
		}
	}
	slices.Reverse(all)
	return path, strings.Join(all, " and ")
}

// similar are the connections whose names share the most with what was asked
// for, the best first; where nothing is shared, the first of all.
func similar(all []airbyte.ConnectionSummary, asked workload.ReverseRequest) []airbyte.ConnectionSummary {
	words := strings.Fields(strings.ToLower(strings.Join([]string{asked.ConnectionName, asked.SourceName, asked.DestinationName}, " ")))
	score := func(c airbyte.ConnectionSummary) int {
		n := 0
		for _, word := range words {
			if strings.Contains(strings.ToLower(c.Name), word) {
				n += len(word)
			}
		}
		return n
	}
	sorted := slices.Clone(all)
	slices.SortStableFunc(sorted, func(a, b airbyte.ConnectionSummary) int {
		if by := score(b) - score(a); by != 0 {
			return by
		}
		return strings.Compare(a.Name, b.Name)
	})
	return sorted
}
