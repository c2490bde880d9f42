package catalog

import (
	"fmt"
	"reflect"
	"slices"
)

// provide puts in what settings and the operator's catalogue say. They win over
// the descriptor, as they always did: a host of one account makes no sense with
// the user of another. Of several entries for one field the first whose
// settings are all set counts.
func (m *making) provide() {
	m.unset = map[string][]string{}
	for _, entry := range m.profile.provided {
		switch {
		case slices.Contains(m.operator, entry.Field):
		case len(entry.unset) > 0:
			m.unset[entry.Field] = append(m.unset[entry.Field], entry.unset...)
		default:
			m.give(entry)
		}
	}
}

// give puts the value of an entry into the configuration, unless it belongs
// elsewhere or what is there was taken over.
func (m *making) give(entry provision) {
	own := getPath(m.configuration, entry.Field)
	same := reflect.DeepEqual(own, entry.filled)
	switch {
	case entry.OnlyWith != "" && !slices.Contains(m.operator, entry.OnlyWith):
		if absent(own) {
			m.warnings = append(m.warnings, fmt.Sprintf("%s: the platform's value is not given, since it belongs to the platform's own %s", m.path(entry.Field), entry.OnlyWith))
		}
		return
	case m.in.Adopted && !absent(own) && !same:
		return
	case !absent(own) && !same:
		m.warnings = append(m.warnings, fmt.Sprintf("%s: the descriptor's value is not used, since the platform sets this field for %s", m.path(entry.Field), m.profile.Name))
	}
	if setPath(m.configuration, entry.Field, withoutNulls(entry.filled)) { // a copy: later entries may add to it
		m.operator, m.given = append(m.operator, entry.Field), append(m.given, entry)
	}
}
