package access

import (
	"time"

	"airbyte-provisioner/internal/airbyte"
)

// person is whom a grant is for.
type person struct {
	// email names the person in the ledger, in lower case. That of a group is no address; see groupKey.
	email string
	// address is the email as it was written, or what people are told of a group.
	address string
	// id is Airbyte's; empty for who is unknown to Airbyte.
	id string
}

func (p person) isGroup() bool { return isGroupKey(p.email) }

// sight is what Airbyte shows of a person's access to a workspace; either may be nil.
type sight struct {
	workspace    *airbyte.Permission // given for the workspace itself
	organization *airbyte.Permission // inherited
}

func (s sight) role() string {
	if s.workspace == nil {
		return ""
	}
	return s.workspace.Type
}

// deed is what is to be done in Airbyte for one person.
type deed string

const (
	nothing deed = ""
	create  deed = "create"  // a new permission
	change  deed = "change"  // another role for a permission that is there
	remove  deed = "remove"  // the permission
	invite  deed = "invite"  // an invitation
	retract deed = "retract" // the invitation
)

// effect is what became, or is to become, of a person's access, for people.
type effect string

const (
	effectGranted   effect = "granted"   // ours, new
	effectRaised    effect = "raised"    // somebody else's lower role was raised
	effectChanged   effect = "changed"   // ours, with another role than before
	effectKept      effect = "kept"      // ours, as it was
	effectHeld      effect = "held"      // somebody else's, and enough
	effectInvited   effect = "invited"   // an invitation was sent
	effectAwaited   effect = "awaited"   // an invitation was sent before
	effectRevoked   effect = "revoked"   // ours is gone
	effectRestored  effect = "restored"  // somebody else's lower role is back
	effectShared    effect = "shared"    // another component wants it
	effectLeft      effect = "left"      // somebody else's
	effectGone      effect = "gone"      // it was not there any more
	effectUninvited effect = "uninvited" // the invitation is taken back
	effectOthers    effect = "others"    // somebody else's invitation
	effectMoved     effect = "moved"     // the same user is wanted under another address
	effectConflict  effect = "conflict"  // neither role includes the other
)

// step is the decision about one person.
type step struct {
	person
	deed   deed
	effect effect
	// role is the role to be given, or the one that is taken back or stands.
	role string
	// permission is the id of the permission to be changed or removed.
	permission string
	// intent is written before the deed, and final after it; nil is no grant.
	// Where there is no deed, final alone is written.
	intent, final *grant
	// wanted says whether the component wants it after the step.
	wanted bool
	// before is what the ledger knew.
	before entry
	// note says that the ledger has to be written.
	note bool
	// other is a component that wants it, with effectShared.
	other string
}

// idle reports whether the step changes nothing anywhere.
func (s step) idle() bool { return s.deed == nothing && !s.note }

// ours reports whether what Airbyte shows is the grant that the ledger has.
func ours(seen sight, g *grant) bool {
	switch {
	case g == nil || seen.workspace == nil:
		return false
	case g.PermissionID != "" && g.PermissionID != seen.workspace.ID:
		return false
	case g.State == granting && g.From != "" && seen.workspace.Type == g.From:
		return true // the change of our own role was not carried out
	}
	return seen.workspace.Type == g.Role
}

// invitationTime is for how long Airbyte's invitations are good.
const invitationTime = 7 * 24 * time.Hour

// want decides what a person who is to have the role needs.
func want(p person, role string, seen sight, known entry, now time.Time) step {
	s := step{person: p, role: role, wanted: true, before: known}
	have := known.grant
	mine := ours(seen, have)
	switch {
	case p.id == "":
		return s.inviting(have, !known.mine, now)
	case mine && covers(have.Base, role):
		s.role = have.Base
		s.alter(effectHeld, seen, &grant{State: revoking, Role: seen.workspace.Type, Base: have.Base}, nil, now)
	case mine && seen.workspace.Type == role:
		s.effect = effectKept
		s.final = have.as(granted, seen, now)
		s.note = *s.final != *have
	case mine:
		s.alter(effectChanged, seen, &grant{State: granting, Role: role, From: seen.workspace.Type, Base: have.Base},
			&grant{State: granted, Role: role, Base: have.Base}, now)
	case seen.organization != nil && covers(seen.organization.Type, role):
		s.effect, s.role, s.note = effectHeld, seen.organization.Type, have != nil
	case seen.workspace == nil:
		s.deed, s.effect = create, effectGranted
		s.intent = &grant{Version: grantVersion, State: granting, UserID: p.id, Role: role, At: now}
		s.final = &grant{Version: grantVersion, State: granted, UserID: p.id, Role: role, At: now}
	case covers(seen.workspace.Type, role):
		s.effect, s.role, s.note = effectHeld, seen.workspace.Type, have != nil
	case !covers(role, seen.workspace.Type):
		s.effect, s.role, s.wanted = effectConflict, seen.workspace.Type, false
	default:
		s.alter(effectRaised, seen, &grant{State: granting, Role: role, Base: seen.workspace.Type},
			&grant{State: granted, Role: role, Base: seen.workspace.Type}, now)
	}
	s.note = s.note || !known.mine
	return s
}

// alter makes the step one that gives the permission that is there another role.
func (s *step) alter(e effect, seen sight, intent, final *grant, now time.Time) {
	s.deed, s.effect, s.permission = change, e, seen.workspace.ID
	for _, g := range []*grant{intent, final} {
		if g != nil {
			g.Version, g.UserID, g.PermissionID, g.At = grantVersion, s.id, s.permission, now
			if s.isGroup() {
				g.PermissionID = "" // a group's permission cannot be changed: another takes its place
			}
		}
	}
	s.intent, s.final = intent, final
}

// as is the grant in a state, with what Airbyte shows of it.
func (g *grant) as(to state, seen sight, now time.Time) *grant {
	after := *g
	after.State, after.PermissionID, after.Role, after.From = to, seen.workspace.ID, seen.workspace.Type, ""
	if seen.workspace.UserID != "" {
		after.UserID = seen.workspace.UserID
	}
	if after != *g {
		after.At = now
	}
	return &after
}

// inviting decides what a person whom Airbyte does not know needs.
func (s step) inviting(have *grant, note bool, now time.Time) step {
	if have != nil && have.State == invited && have.Role == s.role && now.Sub(have.At) < invitationTime {
		s.effect, s.final, s.note = effectAwaited, have, note
		return s
	}
	s.deed, s.effect = invite, effectInvited
	s.intent = &grant{Version: grantVersion, State: granting, Role: s.role, At: now}
	s.final = &grant{Version: grantVersion, State: invited, Role: s.role, At: now}
	return s
}

// release decides what is to be done for a person whom the component does not want any more.
func release(p person, seen sight, known entry, now time.Time) step {
	s := step{person: p, note: true, before: known}
	have := known.grant
	if have != nil {
		s.role = have.Role
	}
	switch {
	case known.others > 0:
		s.effect, s.final, s.other = effectShared, have, known.other
	case seen.workspace == nil && have != nil && have.UserID == "":
		s.deed, s.effect = retract, effectUninvited
		intent := *have
		intent.State = revoking
		s.intent = &intent
	case seen.workspace == nil:
		s.effect = effectGone
	case !ours(seen, have):
		s.effect, s.role = effectLeft, seen.role()
	case have.Base != "":
		s.role = have.Base
		s.alter(effectRestored, seen, &grant{State: revoking, Role: seen.role(), Base: have.Base}, nil, now)
	default:
		s.deed, s.effect = remove, effectRevoked
		s.permission = seen.workspace.ID
		s.intent = have.as(revoking, seen, now)
	}
	return s
}
