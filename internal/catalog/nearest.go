package catalog

import (
	"cmp"
	"slices"
	"strings"
	"unicode/utf8"
)

// maxNearest is how many names Nearest offers.
const maxNearest = 3

// Nearest picks, nearest first, at most three of the candidates that somebody
// who wrote name may have meant: equal but for case, a few letters off, or one
// holding the other. None may be near enough.
func Nearest(name string, candidates []string) []string {
	type near struct {
		name     string
		distance int
	}
	wanted := strings.ToLower(strings.TrimSpace(name))
	if wanted == "" || len(wanted) > 300 {
		return nil
	}
	allowed := max(1, min(utf8.RuneCountInString(wanted)/3, 6))
	var found []near
	for _, candidate := range candidates {
		lower := strings.ToLower(candidate)
		distance := editDistance(wanted, lower, allowed)
		if distance > allowed && len(wanted) >= 3 && len(lower) >= 3 && (strings.Contains(lower, wanted) || strings.Contains(wanted, lower)) {
			distance = allowed
		}
		if distance <= allowed {
			found = append(found, near{candidate, distance})
		}
	}
	slices.SortStableFunc(found, func(a, b near) int {
		return cmp.Or(cmp.Compare(a.distance, b.distance), strings.Compare(a.name, b.name))
	})
	var names []string
	for _, each := range found[:min(len(found), maxNearest)] {
		if each.distance <= found[0].distance+1 { // a clear winner needs no company
			names = append(names, each.name)
		}
	}
	return slices.Compact(names)
}

// editDistance counts the insertions, deletions, replacements and swaps of
// neighbours between two texts; anything above limit may come as limit+1.
func editDistance(a, b string, limit int) int {
	from, to := []rune(a), []rune(b)
	if len(from)-len(to) > limit || len(to)-len(from) > limit {
		return limit + 1
	}
	rows := [3][]int{make([]int, len(to)+1), make([]int, len(to)+1), make([]int, len(to)+1)}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(from); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(to); j++ {
			replace := 1
			if from[i-1] == to[j-1] {
				replace = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+replace)
			if i > 1 && j > 1 && from[i-1] == to[j-2] && from[i-2] == to[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(to)]
}
