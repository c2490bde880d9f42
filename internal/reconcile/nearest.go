package reconcile

import (
	"slices"
	"strings"
)

// nearest returns up to three of the names that a person may have meant, the likeliest first.
func nearest(asked string, names []string) []string {
	type scored struct {
		name     string
		distance int
	}
	var likely []scored
	for _, name := range names {
		distance := distanceOf(strings.ToLower(asked), strings.ToLower(name))
		// The last part counts too: people leave out the namespace.
		if at := strings.LastIndexByte(name, '.'); at >= 0 {
			distance = min(distance, 1+distanceOf(strings.ToLower(asked), strings.ToLower(name[at+1:])))
		}
		if distance <= max(2, len(asked)/2) {
			likely = append(likely, scored{name, distance})
		}
	}
	slices.SortStableFunc(likely, func(a, b scored) int {
		if a.distance != b.distance {
			return a.distance - b.distance
		}
		return strings.Compare(a.name, b.name)
	})
	var best []string
	for _, s := range likely[:min(3, len(likely))] {
		best = append(best, s.name)
	}
	return best
}

// distanceOf is the Levenshtein distance of two texts, in bytes.
func distanceOf(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost++
			}
			diagonal = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
