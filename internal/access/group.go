package access

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// groupKey names a group of Airbyte's in the ledger, where users are named by
// their addresses. A group keeps its id when it is renamed.
func groupKey(id string) string { return groupPrefix + strings.ToLower(id) }

func isGroupKey(name string) bool {
	return strings.HasPrefix(name, groupPrefix) && !strings.Contains(name, "@")
}

// personOf is who a name of the ledger stands for. That Airbyte knows a user is found out elsewhere.
func (s *session) personOf(name string) person {
	if !isGroupKey(name) {
		return person{email: name, address: name}
	}
	id := strings.TrimPrefix(name, groupPrefix)
	called := "the Airbyte group " + id
	if s.groups[name] != "" {
		called = fmt.Sprintf("the Airbyte group %q", s.groups[name])
	}
	return person{email: name, address: called, id: id}
}

// findGroups finds the groups that principals stand for; it fails by the names
// of those that Airbyte does not have.
func (s *session) findGroups(ctx context.Context, principals []principal) error {
	if !slices.ContainsFunc(principals, func(p principal) bool { return p.group != "" }) {
		return nil
	}
	all, err := s.listGroups(ctx, principals)
	if err != nil {
		return err
	}
	var problems []workload.Problem
	for i, p := range principals {
		if p.group == "" {
			continue
		}
		at := slices.IndexFunc(all, func(g airbyte.Group) bool { return g.Name == p.group })
		if at < 0 {
			problems = append(problems, problem(p, fmt.Sprintf("stands for the Airbyte group %q, and the workspace's organization has no group of this name", p.group)))
			continue
		}
		key := groupKey(all[at].ID)
		s.groups[key] = p.group
		principals[i].emails = []string{key}
	}
	if problems == nil {
		return nil
	}
	return &workload.Failure{
		Code: workload.CodeInvalid, Phase: workload.PhaseAccess,
		Message:  "Some groups are unknown to Airbyte; nothing was changed.",
		Problems: problems,
		Solutions: []string{
			"Ask the operators of the Airbyte provisioner to correct the name after airbyteGroup in the principals file (PRINCIPALS_FILE), or an Airbyte administrator to make the group, then request the access again.",
		},
	}
}

// listGroups lists the groups of the workspace's organization.
func (s *session) listGroups(ctx context.Context, principals []principal) ([]airbyte.Group, error) {
	workspace, err := s.airbyte.GetWorkspace(ctx, s.workspace)
	if err != nil {
		return nil, failed(err, "Reading the workspace's organization")
	}
	if workspace.OrganizationID == "" {
		return nil, withoutGroups(principals, nil)
	}
	all, err := s.airbyte.ListGroups(ctx, workspace.OrganizationID)
	if airbyte.Forbidden(err) || airbyte.NotFound(err) {
		return nil, withoutGroups(principals, err)
	}
	return all, failed(err, "Listing the groups of the workspace's organization")
}

// withoutGroups is the failure where Airbyte has no groups, or shows none.
func withoutGroups(principals []principal, cause error) error {
	failure := &workload.Failure{
		Code: workload.CodeUnsupported, Phase: workload.PhaseAccess,
		Message: "This Airbyte has no groups of users, or does not let the provisioner see them; nothing was changed.",
		Solutions: []string{
			"Ask the operators of the Airbyte provisioner to map these identities to the email addresses of users in its principals file (PRINCIPALS_FILE), then request the access again.",
			"Where Airbyte's edition and licence have groups, ask them to make the provisioner's Airbyte application an administrator of the organization.",
		},
	}
	for _, p := range principals {
		if p.group != "" {
			failure.Problems = append(failure.Problems, problem(p, fmt.Sprintf("stands for the Airbyte group %q", p.group)))
		}
	}
	if cause == nil {
		return failure
	}
	return failure.Because(cause)
}

// observation is what Airbyte shows of everybody's access.
type observation struct {
	users []airbyte.Access
	// groups are the permissions of groups, in all workspaces, by groupKey.
	groups map[string][]airbyte.Permission
}

// observe reads who has access to the workspace, and what the groups among the names were granted.
func (s *session) observe(ctx context.Context, names []string) (observation, error) {
	seen := observation{groups: map[string][]airbyte.Permission{}}
	var err error
	if seen.users, err = s.airbyte.ListAccess(ctx, s.workspace); err != nil {
		return seen, failed(err, "Reading who has access to the workspace")
	}
	for _, name := range names {
		if _, done := seen.groups[name]; done || !isGroupKey(name) {
			continue
		}
		permissions, err := s.groupPermissions(ctx, s.personOf(name))
		if err != nil {
			return seen, err
		}
		seen.groups[name] = permissions
	}
	return seen, nil
}

// groupPermissions lists what a group was granted; a group that is gone has
// nothing. For people it also finds out what a group is called.
func (s *session) groupPermissions(ctx context.Context, group person) ([]airbyte.Permission, error) {
	permissions, err := s.airbyte.ListGroupPermissions(ctx, group.id)
	if airbyte.NotFound(err) {
		return nil, nil
	}
	if err != nil || s.groups[group.email] != "" {
		return permissions, failed(err, "Reading what "+group.address+" was granted")
	}
	called, err := s.airbyte.GetGroup(ctx, group.id)
	if airbyte.NotFound(err) {
		return nil, nil
	}
	s.groups[group.email] = called.Name
	return permissions, failed(err, "Reading what "+group.address+" is called")
}

// groupSight is what counts of a group's permissions: ours, else one that
// includes the role; where no role is wanted, any. One that somebody else gave
// and that does not include the role is no obstacle: a group may have several.
func groupSight(permissions []airbyte.Permission, workspace, role string, known *grant) sight {
	var seen sight
	rank := func(p *airbyte.Permission) int {
		switch {
		case p == nil:
			return 0
		case ours(sight{workspace: p}, known) && p.Type == known.From:
			return 3 // it is still to be replaced
		case ours(sight{workspace: p}, known):
			return 2
		case role == "" || covers(p.Type, role):
			return 1
		}
		return 0
	}
	for i := range permissions {
		p := &permissions[i]
		switch {
		case strings.EqualFold(p.WorkspaceID, workspace) && rank(p) > rank(seen.workspace):
			seen.workspace = p
		case p.OrganizationID != "" && covers(p.Type, role):
			seen.organization = p
		}
	}
	return seen
}

// doForGroup is do for a group. Its permission cannot be changed; where the
// first of the two calls was the last, the next attempt makes the second.
func (s *session) doForGroup(ctx context.Context, step *step) (sure bool, err error) {
	if step.deed == remove || step.deed == change {
		err = s.airbyte.DeleteGroupPermission(ctx, step.id, step.permission)
		if airbyte.NotFound(err) {
			err = nil // it is gone, or the whole group
		}
	}
	if err == nil && (step.deed == create || step.deed == change) {
		var permission airbyte.Permission
		permission, err = s.airbyte.CreateGroupPermission(ctx, step.id, s.workspace, step.role)
		step.final.PermissionID = permission.ID
	}
	return s.undone(step, err)
}
