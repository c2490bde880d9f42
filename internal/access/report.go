package access

import (
	"fmt"
	"strings"

	"airbyte-provisioner/internal/workload"
)

// String tells people what became of the person's access.
func (s step) String() string {
	switch s.effect {
	case effectGranted:
		return fmt.Sprintf("%s was granted %s", s.address, s.role)
	case effectRaised:
		return fmt.Sprintf("%s was raised to %s from a lower role that somebody else gave", s.address, s.role)
	case effectChanged:
		return fmt.Sprintf("%s now has %s instead of the role granted before", s.address, s.role)
	case effectKept:
		return fmt.Sprintf("%s keeps %s", s.address, s.role)
	case effectHeld:
		return fmt.Sprintf("%s has %s already, given by somebody else; it stays as it is", s.address, s.role)
	case effectInvited:
		return fmt.Sprintf("%s is unknown to Airbyte and was invited with %s", s.address, s.role)
	case effectAwaited:
		return s.address + " was invited before and has not joined Airbyte yet"
	case effectRevoked:
		return fmt.Sprintf("%s lost %s, which this product had granted", s.address, s.role)
	case effectRestored:
		return fmt.Sprintf("%s has %s again, as somebody else gave it", s.address, s.role)
	case effectShared:
		return fmt.Sprintf("%s keeps the role: %s wants it too", s.address, s.other)
	case effectLeft:
		return fmt.Sprintf("%s keeps %s, which somebody else gave", s.address, s.role)
	case effectGone:
		return s.address + " had no access any more"
	case effectUninvited:
		return s.address + " is no longer invited"
	case effectOthers:
		return s.address + " was invited before by somebody else and has not joined Airbyte yet"
	case effectMoved:
		return s.address + " is the same user as another one that keeps access"
	case effectConflict:
		return fmt.Sprintf("%s has %s, which cannot be combined with the role to be granted", s.address, s.role)
	}
	return s.address
}

// given reports whether the person has access now, and whether by a grant of this product.
func (s step) given() (has, managed bool) {
	switch s.effect {
	case effectGranted, effectRaised, effectChanged, effectKept:
		return true, true
	case effectHeld:
		return true, false
	default:
		return false, false
	}
}

// lines tells what became of everybody, a line for each.
func (r result) lines() []string {
	lines := make([]string, 0, len(r.steps))
	for _, s := range r.steps {
		lines = append(lines, s.String()+".")
	}
	return lines
}

// outcome tells what became of each principal, then of those who were taken off.
func outcome(principals []principal, here result, elsewhere []result) workload.Outcome {
	byEmail := map[string]step{}
	for _, s := range here.steps {
		byEmail[s.email] = s
	}
	out := workload.Outcome{Access: []workload.Grant{}}
	changed := here.changed
	lines := []string{}
	for _, p := range principals {
		line, given := tell(p, byEmail)
		lines = append(lines, line)
		if given != nil {
			out.Access = append(out.Access, *given)
		}
	}
	for _, s := range here.steps {
		if !s.wanted {
			lines = append(lines, "no longer wanted: "+s.String()+".")
		}
	}
	for _, r := range elsewhere {
		changed = changed || r.changed
		for _, line := range r.lines() {
			lines = append(lines, fmt.Sprintf("in the workspace %s, where the component was before: %s", r.workspace, line))
		}
	}
	head := fmt.Sprintf("The access to the Airbyte workspace %s was as wanted: no changes.", here.workspace)
	if changed {
		head = fmt.Sprintf("The access to the Airbyte workspace %s is as wanted now.", here.workspace)
	}
	out.Message = strings.Join(append([]string{head}, lines...), "\n- ")
	return out
}

// tell is the line about a principal, and its grant where anybody behind it has access.
func tell(p principal, byEmail map[string]step) (string, *workload.Grant) {
	if len(p.emails) == 0 {
		return p.ref + ": has no members.", nil
	}
	var said []string
	given, managed := false, false
	for _, address := range p.emails {
		s := byEmail[strings.ToLower(address)]
		said = append(said, s.String())
		has, ours := s.given()
		given, managed = given || has, managed || ours
	}
	line := p.ref + ": " + strings.Join(said, "; ") + "."
	if !given {
		return line, nil
	}
	return line, &workload.Grant{Identity: p.ref, Locked: !managed}
}
