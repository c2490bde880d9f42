package access

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// find finds the Airbyte users of all principals, each once, in a fixed order.
// It fails by the names of those whom Airbyte does not know and who may not be invited.
func (s *session) find(ctx context.Context, principals []principal, seen []airbyte.Access) ([]person, error) {
	known := map[string]string{} // ids by address
	for _, a := range seen {
		known[strings.ToLower(a.Email)] = a.UserID
	}
	addresses := map[string]string{} // as they are written, by themselves in lower case
	for _, address := range emailsOf(principals) {
		if isGroupKey(address) {
			group := s.personOf(address)
			addresses[address], known[address] = group.address, group.id
			continue
		}
		addresses[strings.ToLower(address)] = address
	}
	var unknown []string
	for email := range addresses {
		if known[email] == "" {
			unknown = append(unknown, email)
		}
	}
	slices.Sort(unknown)
	if err := s.search(ctx, unknown, addresses, known); err != nil {
		return nil, err
	}
	if err := s.strangers(principals, known); err != nil {
		return nil, err
	}
	people := make([]person, 0, len(addresses))
	for email, address := range addresses {
		people = append(people, person{email: email, address: address, id: known[email]})
	}
	slices.SortFunc(people, func(a, b person) int { return strings.Compare(a.email, b.email) })
	return people, nil
}

// search asks Airbyte for the users with the addresses, and adds those that it
// knows. It compares them in their very case, which is that of the identity
// provider; so whom it does not find may still be among the organization's users.
func (s *session) search(ctx context.Context, emails []string, addresses, known map[string]string) error {
	missing := false
	for _, email := range emails {
		user, err := s.airbyte.GetUserByEmail(ctx, addresses[email])
		switch {
		case airbyte.Forbidden(err):
			return s.searchOrganization(ctx, known)
		case airbyte.NotFound(err):
			missing = true
		case err != nil:
			return failed(err, "Looking up a user by email address")
		default:
			known[email] = user.ID
		}
	}
	if !missing {
		return nil
	}
	err := s.searchOrganization(ctx, known)
	if airbyte.Forbidden(err) || airbyte.NotFound(err) || errors.Is(err, errNoOrganization) {
		return nil // then they stay unknown
	}
	return err
}

var errNoOrganization = errors.New("the workspace has no organization")

// searchOrganization adds everybody in the workspace's organization: only an
// administrator of the whole instance may look users up by their address.
func (s *session) searchOrganization(ctx context.Context, known map[string]string) error {
	workspace, err := s.airbyte.GetWorkspace(ctx, s.workspace)
	if err != nil {
		return failed(err, "Reading the workspace's organization")
	}
	if workspace.OrganizationID == "" {
		return (&workload.Failure{
			Code: workload.CodeUnsupported, Phase: workload.PhaseAccess,
			Message:   "Users cannot be looked up: Airbyte allows the look-up by address to administrators of the instance only, and the workspace has no organization whose users could be listed. Nothing was changed.",
			Solutions: []string{"Ask the operators of the Airbyte provisioner to give its Airbyte application the rights of an administrator of the instance."},
		}).Because(errNoOrganization)
	}
	users, err := s.airbyte.ListOrganizationUsers(ctx, workspace.OrganizationID)
	if err != nil {
		return failed(err, "Listing the users of the workspace's organization")
	}
	for _, user := range users {
		if email := strings.ToLower(user.Email); known[email] == "" {
			known[email] = user.ID
		}
	}
	return nil
}

// strangers fails by the names of the principals whom Airbyte does not know,
// unless they may be invited.
func (s *session) strangers(principals []principal, known map[string]string) error {
	if s.options.Invite {
		return nil
	}
	var problems []workload.Problem
	for _, p := range principals {
		for _, address := range p.emails {
			if known[strings.ToLower(address)] == "" {
				problems = append(problems, problem(p, fmt.Sprintf("stands for %s, and Airbyte knows no user with this address", address)))
			}
		}
	}
	if problems == nil {
		return nil
	}
	return &workload.Failure{
		Code: workload.CodeInvalid, Phase: workload.PhaseAccess,
		Message:  "Some users are unknown to Airbyte; nothing was changed.",
		Problems: problems,
		Solutions: []string{
			"Ask these users to sign in to Airbyte once, or an Airbyte administrator to invite them, then request the access again.",
			"Where an address is wrong, ask the operators of the Airbyte provisioner to map the identity to the right one in its principals file (PRINCIPALS_FILE).",
		},
	}
}
