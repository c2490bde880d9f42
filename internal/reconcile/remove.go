package reconcile

import (
	"context"
	"fmt"
	"slices"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/workload"
)

// removing remembers what is about to be removed.
func (s *session) removing(ctx context.Context, entries []Entry) error {
	if !slices.ContainsFunc(entries, func(e Entry) bool { return e.Action == Delete }) {
		return nil
	}
	return s.ledger.remember(ctx, func(k *known) { k.Deeds = k.Deeds.of(s.attempt.Token).removes(entries) })
}

// deleteConnection stops what runs for a connection, deletes it, and looks
// whether it is gone. One that is gone already is fine.
func (s *session) deleteConnection(ctx context.Context, id string) error {
	const what = "The connection could not be deleted"
	jobs, err := s.client.ActiveJobs(ctx, id)
	if err != nil {
		return s.failed(workload.PhaseSync, "The jobs of the connection could not be read", err)
	}
	if err := s.cancelJobs(ctx, jobs); err != nil {
		return err
	}
	if err := s.client.DeleteConnection(ctx, id); err != nil && !airbyte.NotFound(err) {
		return s.failed(workload.PhaseConnection, what, err)
	}
	left, err := s.connection(ctx, id)
	if err != nil {
		return s.failed(workload.PhaseConnection, what, err)
	}
	if left != nil {
		return stillThere(workload.PhaseConnection, "connection "+id)
	}
	return nil
}

// deleteActor deletes a source or destination. Whether it is gone only a list tells: see confirmGone.
func (s *session) deleteActor(ctx context.Context, kind airbyte.ActorKind, id string) error {
	err := s.client.DeleteActor(ctx, kind, id)
	if err == nil || airbyte.NotFound(err) {
		return nil
	}
	return s.failed(phaseOf(kind), fmt.Sprintf("The %s could not be deleted", kind), err)
}

// confirmGone lists the entities of a kind once more: Airbyte's answer to a
// delete says nothing about whether the entity is still alive.
func (s *session) confirmGone(ctx context.Context, kind airbyte.ActorKind, deleted []found) error {
	for search, ids := range bySearch(deleted, s.digest) {
		listed, err := s.client.ListActors(ctx, kind, s.workspace, search)
		if err != nil {
			return s.failed(phaseOf(kind), fmt.Sprintf("Whether the %s is gone could not be seen", kind), err)
		}
		for _, a := range listed {
			if slices.Contains(ids, a.ID) {
				return stillThere(phaseOf(kind), string(kind)+" "+a.ID)
			}
		}
	}
	return nil
}

// bySearch groups ids by the text that finds them: the digest where they carry it, else their name.
func bySearch(actors []found, digest string) map[string][]string {
	groups := map[string][]string{}
	for _, f := range actors {
		search := f.Name
		if ownerOf(f.Name) == digest {
			search = searchTerm(digest)
		}
		groups[search] = append(groups[search], f.ID)
	}
	return groups
}

func stillThere(phase workload.Phase, what string) error {
	return &workload.Failure{
		Code: workload.CodeUnavailable, Phase: phase, Retry: true,
		Message:   "Airbyte accepted the deletion of the " + what + " but still has it.",
		Solutions: []string{"Look at the entity in Airbyte."},
	}
}

// cancelJobs stops jobs.
func (s *session) cancelJobs(ctx context.Context, jobs []airbyte.Job) error {
	for _, job := range jobs {
		s.log(workload.Info, workload.PhaseSync, "Cancelling job %d (%s, %s).", job.ID, job.ConfigType, job.Status)
		if _, err := s.client.CancelJob(ctx, job.ID); err != nil && !airbyte.NotFound(err) && !s.ended(ctx, job.ID) {
			return s.failed(workload.PhaseSync, fmt.Sprintf("Job %d could not be cancelled", job.ID), err)
		}
	}
	return nil
}

// ended reports whether a job has ended: then there is nothing to cancel.
func (s *session) ended(ctx context.Context, id int64) bool {
	job, err := s.client.GetJob(ctx, id)
	return err == nil && job.Ended()
}
