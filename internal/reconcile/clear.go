package reconcile

import (
	"context"
	"fmt"

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

// clearJob returns the job that clears a connection: one that is under way, one
// of an earlier attempt after which nothing ran any more, or a new one.
func (s *session) clearJob(ctx context.Context, connection string) (airbyte.Job, error) {
	if id := s.ledger.look().ClearJobs[connection]; id != 0 {
		latest, err := s.client.ListJobs(ctx, airbyte.JobFilter{ConnectionID: connection, Limit: 1})
		if err != nil {
			return airbyte.Job{}, err
		}
		if len(latest) > 0 && latest[0].ID == id && latest[0].Status == airbyte.JobSucceeded {
			return latest[0], nil
		}
	}
	jobs, err := s.client.ActiveJobs(ctx, connection)
	if err != nil {
		return airbyte.Job{}, err
	}
	for _, job := range jobs {
		if job.ConfigType == airbyte.JobClear || job.ConfigType == airbyte.JobReset {
			return job, nil
		}
	}
	if err := s.cancelJobs(ctx, jobs); err != nil {
		return airbyte.Job{}, err
	}
	job, err := s.client.ClearConnection(ctx, connection)
	if airbyte.NotFound(err) { // an older server
		return s.client.ResetConnection(ctx, connection)
	}
	return job, err
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
