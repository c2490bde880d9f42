// Package mutants holds deliberate breaks of the product, one for each row of
// the vendor's checklist: a small change of the source that the row's test must
// notice. Its program, kill, builds each broken product and runs the test.
//
// It imports nothing of ours.
package mutants

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Mutant is one break of the product.
type Mutant struct {
	Row    string // of the checklist
	Breaks string // what is broken, for people
	Edits  []Edit
}

// Edit replaces one text of one file, in which it is exactly once.
type Edit struct {
	File     string // from the module's root
	Old, New string
}

// For returns the mutant of a row.
func For(row string) (Mutant, error) {
	for _, m := range All() {
		if m.Row == row {
			return m, nil
		}
	}
	return Mutant{}, fmt.Errorf("mutants: there is no mutant for the row %q", row)
}

// Sources are the files as the mutant has them, by their path from the module's
// root. The error names a text that the source no longer has exactly once.
func (m Mutant) Sources(root string) (map[string]string, error) {
	sources := map[string]string{}
	for _, e := range m.Edits {
		text, ok := sources[e.File]
		if !ok {
			raw, err := os.ReadFile(filepath.Join(root, e.File)) //nolint:gosec // a file of this module
			if err != nil {
				return nil, fmt.Errorf("mutants: %s: %w", m.Row, err)
			}
			text = string(raw)
		}
		if n := strings.Count(text, e.Old); n != 1 {
			return nil, fmt.Errorf("mutants: %s: %s holds the text to be changed %d times, want once: %q", m.Row, e.File, n, e.Old)
		}
		sources[e.File] = strings.Replace(text, e.Old, e.New, 1)
	}
	return sources, nil
}
