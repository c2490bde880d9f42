package reconcile

import (
	"strings"
)

// Entity is one of the things that a component has in Airbyte.
type Entity string

// The entities, and the discovery, which leaves its mark in Airbyte's cache only.
const (
	Source      Entity = "source"
	Destination Entity = "destination"
	Connection  Entity = "connection"
	Discovery   Entity = "discovery"
)

// Action is what is to be done with an entity.
type Action string

// The actions.
const (
	Create  Action = "create"
	Update  Action = "update"
	Keep    Action = "keep"
	Delete  Action = "delete"
	Replace Action = "replace" // create a new one; the old one has a delete of its own
	Run     Action = "run"     // a discovery
)

// Entry is the plan for one entity.
type Entry struct {
	Entity Entity `json:"entity"`
	Action Action `json:"action"`
	ID     string `json:"id,omitempty"`   // of what exists
	Name   string `json:"name,omitempty"` // that it has, or will have
	// Fields are what an update changes; of a secret it is only said that it changed.
	Fields []string `json:"fields,omitempty"`
	Reason string   `json:"reason,omitempty"`
}

// String renders the entry for people.
func (e Entry) String() string {
	var b strings.Builder
	b.WriteString(string(e.Action) + " " + string(e.Entity))
	if e.Name != "" {
		b.WriteString(" " + quoted(e.Name))
	}
	if len(e.Fields) > 0 {
		b.WriteString(": " + strings.Join(e.Fields, ", "))
	}
	if e.Reason != "" {
		b.WriteString(" (" + e.Reason + ")")
	}
	return b.String()
}

// Plan is what must be done so that Airbyte holds what is wanted, in the order
// in which it is done. Two plans are equal when they hold the same entries.
type Plan struct {
	Entries []Entry `json:"entries"`
	// Notes are what was noticed and is left alone.
	Notes []string `json:"notes,omitempty"`
}

// String renders the plan for people, one line an entry.
func (p Plan) String() string {
	lines := make([]string, 0, len(p.Entries)+len(p.Notes))
	for _, e := range p.Entries {
		lines = append(lines, e.String())
	}
	return strings.Join(append(lines, p.Notes...), "\n")
}

// Empty reports whether nothing needs to be done.
func (p Plan) Empty() bool {
	for _, e := range p.Entries {
		if e.Action != Keep {
			return false
		}
	}
	return true
}

// of returns the entry that is not a delete for an entity.
func (p Plan) of(entity Entity) Entry {
	for _, e := range p.Entries {
		if e.Entity == entity && e.Action != Delete {
			return e
		}
	}
	return Entry{Entity: entity, Action: Keep}
}

func quoted(name string) string { return "\u201c" + name + "\u201d" }
