package reconcile

import (
	"context"
	"fmt"
	"slices"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/mishap"
	"airbyte-provisioner/internal/workload"
)

// clearAll deletes the data of the connections that are to be removed. Nothing
// has been deleted yet when it fails.
func (s *session) clearAll(ctx context.Context, removals []removal) error {
	none := true
	for _, r := range removals {
		for _, c := range r.connections {
			none = false
			if err := r.clearData(ctx, c); err != nil {
				return err
			}
		}
	}
	if none {
		s.log(workload.Info, workload.PhaseSync, "There is no connection, so there is no data to clear.")
	}
	return nil
}

// clearData has Airbyte clear the data of a connection's streams and waits for
// the end of that job.
func (s *session) clearData(ctx context.Context, c airbyte.ConnectionSummary) error {
	job, err := s.clearJob(ctx, c.ID)
	if err != nil {
		return s.failed(workload.PhaseSync, "The job that clears the data could not be started; nothing was deleted yet", err)
	}
	if err := s.ledger.remember(ctx, func(k *known) { k.clearing(c.ID, job.ID) }); err != nil {
		return err
	}
	if job.Status == airbyte.JobSucceeded {
		s.log(workload.Info, workload.PhaseSync, "The data of connection %s is cleared already (job %d).", quoted(c.Name), job.ID)
		return nil
	}
	s.log(workload.Info, workload.PhaseSync, "Clearing the data of connection %s (job %d).", quoted(c.Name), job.ID)
	job, err = s.await(ctx, job)
	if err != nil {
		return s.failed(workload.PhaseSync, "The job that clears the data could not be followed; nothing was deleted yet", err)
	}
	if job.Status != airbyte.JobSucceeded {
		return clearFailure(c, job)
	}
	return nil
}

func clearFailure(c airbyte.ConnectionSummary, job airbyte.Job) error {
	said := ""
	if job.Message != "" {
		said = " Airbyte says: " + mishap.Sentence(job.Message)
	}
	return &workload.Failure{
		Code: workload.CodeCheck, Phase: workload.PhaseSync,
		Message: fmt.Sprintf("The data of connection %s could not be cleared: job %d ended as %s. Nothing was deleted yet.%s", quoted(c.Name), job.ID, job.Status, said),
		Solutions: []string{
			"Look at the job in Airbyte, remove its cause, then unprovision again.",
			"Unprovision without the data (removeData: false) to keep it in the destination.",
		},
	}
}

// latestJobs is how many jobs of a connection are looked at: at most one is under way.
const latestJobs = 5

// clearJob returns the job that clears all of a connection: one that is under
// way, one after which nothing ran any more, or a new one.
func (s *session) clearJob(ctx context.Context, connection string) (airbyte.Job, error) {
	jobs, err := s.client.ListJobs(ctx, airbyte.JobFilter{ConnectionID: connection, Limit: latestJobs})
	if err != nil {
		return airbyte.Job{}, err
	}
	if len(jobs) > 0 {
		if whole, err := s.clearsAll(ctx, connection, jobs[0]); whole || err != nil {
			return jobs[0], err
		}
	}
	if err := s.cancelJobs(ctx, slices.DeleteFunc(jobs, airbyte.Job.Ended)); err != nil {
		return airbyte.Job{}, err
	}
	job, err := s.client.ClearConnection(ctx, connection)
	if airbyte.NotFound(err) { // an older server
		return s.client.ResetConnection(ctx, connection)
	}
	return job, err
}

// clearsAll reports whether a job clears, or has cleared, all of a connection.
// One that is not remembered may be ours, if nobody heard that it began, or that
// of somebody who clears a single stream: its streams tell.
func (s *session) clearsAll(ctx context.Context, connection string, job airbyte.Job) (bool, error) {
	switch {
	case job.Ended() && job.Status != airbyte.JobSucceeded:
		return false, nil
	case job.ID == s.ledger.look().ClearJobs[connection]:
		return true, nil
	case job.ConfigType != airbyte.JobClear && job.ConfigType != airbyte.JobReset, len(job.Clears) == 0:
		return false, nil
	}
	c, err := s.connection(ctx, connection)
	if err != nil || c == nil {
		return false, err
	}
	return !slices.ContainsFunc(c.Catalog.Streams, func(stream airbyte.ConfiguredStream) bool {
		return !slices.Contains(job.Clears, stream.Stream.Key())
	}), nil
}

// await follows a job to its end and logs how it goes on.
func (s *session) await(ctx context.Context, job airbyte.Job) (airbyte.Job, error) {
	status := job.Status
	for !job.Ended() {
		if err := wait(ctx, s.PollInterval); err != nil {
			return job, err
		}
		var err error
		if job, err = s.client.GetJob(ctx, job.ID); err != nil {
			return job, err
		}
		if job.Status != status {
			status = job.Status
			s.log(workload.Info, workload.PhaseSync, "Job %d is %s.", job.ID, status)
		}
	}
	return job, nil
}
