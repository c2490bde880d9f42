package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// deeds are what an operation does, taken down before it is done: an attempt
// that comes after one which failed tells of both.
type deeds struct {
	Token   string            `json:"token,omitempty"` // of the operation
	Writes  map[Entity]string `json:"writes,omitempty"`
	Removed []Entry           `json:"removed,omitempty"`
}

// of returns the deeds, if they are an operation's own.
func (d deeds) of(token string) deeds {
	if d.Token != token {
		return deeds{Token: token}
	}
	return d
}

// writes adds the create or update that an entry plans. What was made and is
// changed by the same operation was made.
func (d deeds) writes(e Entry) deeds {
	if strings.HasPrefix(d.Writes[e.Entity], past(Create)) && e.Action == Update {
		return d
	}
	text := past(e.Action) + " the " + string(e.Entity)
	if e.Action == Update {
		text += " (" + strings.Join(e.Fields, ", ") + ")"
	}
	d.Writes = with(d.Writes, e.Entity, text)
	return d
}

// tell reports whether they hold what an entry plans.
func (d deeds) tell(e Entry) bool { return d.Writes[e.Entity] == d.writes(e).Writes[e.Entity] }

// back returns them with what they said of an entity before.
func (d deeds) back(e Entity, before deeds) deeds {
	d.Writes = without(d.Writes, e)
	if text := before.of(d.Token).Writes[e]; text != "" {
		d.Writes = with(d.Writes, e, text)
	}
	return d
}

// removes adds the deletes among entries.
func (d deeds) removes(entries []Entry) deeds {
	next := slices.Clone(d.Removed)
	for _, e := range entries {
		if e.Action == Delete && !slices.ContainsFunc(next, func(other Entry) bool { return other.ID == e.ID }) {
			next = append(next, e)
		}
	}
	d.Removed = next
	return d
}

// told are the deeds as parts of a sentence.
func (d deeds) told() []string {
	var parts []string
	for _, e := range []Entity{Source, Destination, Connection} {
		if text := d.Writes[e]; text != "" {
			parts = append(parts, text)
		}
	}
	for i, e := range d.Removed {
		part := fmt.Sprintf("the %s %s", e.Entity, quoted(e.Name))
		if i == 0 {
			part = "removed " + part
		}
		if e.Reason != "" {
			part += " (" + e.Reason + ")"
		}
		parts = append(parts, part)
	}
	return parts
}

// capital makes a sentence of parts.
func capital(parts []string) string {
	text := strings.Join(parts, ", ") + "."
	return strings.ToUpper(text[:1]) + text[1:]
}
