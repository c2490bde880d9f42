package config

import (
	"slices"
	"strings"
)

// nearest is the candidate that differs least from a text, without regard to case and levels.
func nearest(text string, candidates []string) string {
	slices.Sort(candidates) // the same answer whatever the order
	plain := func(s string) string { return strings.ToLower(strings.ReplaceAll(s, ".", "")) }
	best, least := "", -1
	for _, candidate := range candidates {
		if d := distance(plain(text), plain(candidate)); least < 0 || d < least {
			best, least = candidate, d
		}
	}
	return best
}

// distance is the number of letters to insert, delete, replace or swap with
// their neighbour (optimal string alignment).
func distance(a, b string) int {
	rows := make([][]int, len(a)+1)
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
		rows[i][0] = i
	}
	for j := range rows[0] {
		rows[0][j] = j
	}
	for i := 1; i <= len(a); i++ {
		for j := 1; j <= len(b); j++ {
			replaced := rows[i-1][j-1]
			if a[i-1] != b[j-1] {
				replaced++
			}
			rows[i][j] = min(replaced, rows[i-1][j]+1, rows[i][j-1]+1)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				rows[i][j] = min(rows[i][j], rows[i-2][j-2]+1)
			}
		}
	}
	return rows[len(a)][len(b)]
}
