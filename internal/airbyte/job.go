package airbyte

import (
	"cmp"
	"context"
	"slices"
)

// JobFailure is a check or discovery (or another short job) that Airbyte
// answered with 200 but that failed. Its text is safe to show.
type JobFailure struct { //nolint:errname // it is the failure of a job, beside Error
	Operation string
	Message   string // Airbyte's or the connector's words for people; may be empty
	Type      string // config_error, transient_error, system_error, ...; empty when unknown
	Origin    string // source, destination, airbyte_platform, ...; empty when unknown
	// Retryable says whether trying again may help; a configuration error never gets better by itself.
	Retryable bool
}

// Error renders the failure for people.
func (f *JobFailure) Error() string {
	if f.Message == "" {
		return "Airbyte reports that " + f.Operation + " failed and does not say why"
	}
	return "Airbyte reports that " + f.Operation + " failed: " + f.Message
}

// The failure types that decide something here.
const (
	failureConfig = "config_error"
)

// wireJobInfo is SynchronousJobRead.
type wireJobInfo struct {
	Succeeded *bool              `json:"succeeded"`
	Failure   *wireFailureReason `json:"failureReason"`
}

// wireFailureReason is FailureReason without what is not for people.
type wireFailureReason struct {
	Origin    text  `json:"failureOrigin"`
	Type      text  `json:"failureType"`
	Message   text  `json:"externalMessage"`
	Retryable *bool `json:"retryable"`
}

func (i *wireJobInfo) failed() bool { return i != nil && i.Succeeded != nil && !*i.Succeeded }

// failureOr returns the job's failure, or other if the job does not say that it failed.
func (i *wireJobInfo) failureOr(operation string, other error) error {
	if !i.failed() {
		return other
	}
	return i.Failure.failure(operation, "", true)
}

// failure builds the error. The type decides whether trying again may help, and
// fallback does where the type says nothing.
func (r *wireFailureReason) failure(operation, message string, fallback bool) *JobFailure {
	f := &JobFailure{Operation: operation, Message: message, Retryable: fallback}
	if r != nil {
		f.Type, f.Origin = string(r.Type), string(r.Origin)
		f.Message = joined(message, string(r.Message))
		f.Retryable = r.retryable(fallback)
	}
	return f
}

func (r *wireFailureReason) retryable(fallback bool) bool {
	switch {
	case r.Type == failureConfig:
		return false
	case r.Retryable != nil:
		return *r.Retryable
	case r.Type == "":
		return fallback
	}
	return true // a fault of the platform, a heartbeat, a cancellation: none of them need come again
}

// wireCheck is CheckConnectionRead.
type wireCheck struct {
	Status  string       `json:"status"`
	Message text         `json:"message"`
	JobInfo *wireJobInfo `json:"jobInfo"`
}

func (w *wireCheck) verify(operation string) error {
	switch w.Status {
	case "succeeded":
		return nil
	case "failed": // the connector itself looked and said no
		var reason *wireFailureReason
		if w.JobInfo != nil {
			reason = w.JobInfo.Failure
		}
		return reason.failure(operation, string(w.Message), false)
	}
	return w.JobInfo.failureOr(operation, lacks("the status of the check"))
}

// Discovery is what a source's schema discovery found.
type Discovery struct {
	Catalog Catalog `json:"catalog"`
	// CatalogID is passed on as sourceCatalogId of a connection; may be empty.
	CatalogID string `json:"catalogId"`
}

// DiscoverSource has a stored source discover its schema. Airbyte caches the
// answer by configuration, so asking again after a cut connection is cheap,
// unless disableCache asks the source itself.
func (c *Client) DiscoverSource(ctx context.Context, sourceID string, disableCache bool) (Discovery, error) {
	body := map[string]any{"sourceId": sourceID}
	if disableCache {
		body["disable_cache"] = true
	}
	return c.discover(ctx, "sources/discover_schema", body)
}

// DiscoverUnsaved discovers the schema of a source that need not be stored;
// see [Client.CheckActor]. It is never cached.
func (c *Client) DiscoverUnsaved(ctx context.Context, source Actor) (Discovery, error) {
	return c.discover(ctx, "scheduler/sources/discover_schema", coreConfig(source))
}

func (c *Client) discover(ctx context.Context, operation string, body map[string]any) (Discovery, error) {
	got, err := post[wireDiscovery](ctx, c, operation, body)
	if err != nil {
		return Discovery{}, err
	}
	return Discovery{Catalog: *got.Catalog, CatalogID: got.CatalogID}, nil
}

// wireDiscovery is SourceDiscoverSchemaRead.
type wireDiscovery struct {
	Catalog   *Catalog     `json:"catalog"`
	CatalogID string       `json:"catalogId"`
	JobInfo   *wireJobInfo `json:"jobInfo"`
}

func (w *wireDiscovery) verify(operation string) error {
	if w.JobInfo.failed() {
		return w.JobInfo.failureOr(operation, nil)
	}
	if w.Catalog == nil || w.Catalog.Streams == nil {
		return lacks("a catalog")
	}
	for _, s := range w.Catalog.Streams {
		if s.Stream.Name == "" {
			return lacks("the name of a stream")
		}
	}
	return nil
}

// Job is a sync, reset, refresh or clear of a connection.
type Job struct {
	ID           int64
	ConfigType   string
	ConnectionID string // Airbyte's configId
	Status       string // pending, queued, running, incomplete, failed, succeeded, cancelled
	Attempts     int
	// Message is what Airbyte said of the last failed attempt; empty without one.
	Message string
	// Clears are the streams whose data a clear or reset deletes; nil where Airbyte does not say.
	Clears []StreamKey
}

// The types of job that run for a connection.
const (
	JobSync    = "sync"
	JobReset   = "reset_connection"
	JobRefresh = "refresh"
	JobClear   = "clear"
)

// JobSucceeded is the status of a job that ended well.
const JobSucceeded = "succeeded"

// Ended reports whether the job's status is final.
func (j Job) Ended() bool {
	return j.Status == JobSucceeded || j.Status == "failed" || j.Status == "cancelled"
}

// ActiveJobs lists the jobs that run or wait for a connection, the newest first.
func (c *Client) ActiveJobs(ctx context.Context, connectionID string) ([]Job, error) {
	jobs, err := c.ListJobs(ctx, JobFilter{
		ConnectionID: connectionID,
		Statuses:     []string{"pending", "queued", "running", "incomplete"},
	})
	// Servers that do not know the filter answer ended ones too.
	return slices.DeleteFunc(jobs, Job.Ended), err
}

// JobFilter says which jobs to list.
type JobFilter struct {
	ConnectionID string
	Statuses     []string // none means all
	Limit        int      // how many at most; 0 means 100
}

// ListJobs lists what ran, runs or waits for a connection, the newest first.
func (c *Client) ListJobs(ctx context.Context, filter JobFilter) ([]Job, error) {
	if filter.Limit <= 0 {
		filter.Limit = pageSize
	}
	body := map[string]any{
		"configTypes": []string{JobSync, JobReset, JobRefresh, JobClear},
		"configId":    filter.ConnectionID,
		"pagination":  map[string]any{"pageSize": filter.Limit, "rowOffset": 0},
	}
	if len(filter.Statuses) > 0 {
		body["statuses"] = filter.Statuses
	}
	got, err := post[wireJobs](ctx, c, "jobs/list", body)
	if err != nil {
		return nil, err
	}
	jobs := make([]Job, 0, len(got.Jobs))
	for _, w := range got.Jobs {
		jobs = append(jobs, c.told(w.Job, w.Attempts))
	}
	return jobs, nil
}

// GetJob reads a job.
func (c *Client) GetJob(ctx context.Context, id int64) (Job, error) {
	return c.job(ctx, "jobs/get", map[string]any{"id": id})
}

// CancelJob stops a job and returns what became of it.
func (c *Client) CancelJob(ctx context.Context, id int64) (Job, error) {
	return c.job(ctx, "jobs/cancel", map[string]any{"id": id})
}

func (c *Client) job(ctx context.Context, operation string, body map[string]any) (Job, error) {
	got, err := post[wireJobRead](ctx, c, operation, body)
	if err != nil {
		return Job{}, err
	}
	attempts := make([]wireAttempt, 0, len(got.Attempts))
	for _, a := range got.Attempts {
		attempts = append(attempts, a.Attempt)
	}
	return c.told(got.Job, attempts), nil
}

// told is a job with what its last failed attempt says for people.
func (c *Client) told(w wireJob, attempts []wireAttempt) Job {
	job := Job{ID: w.ID, ConfigType: w.ConfigType, ConnectionID: w.ConfigID, Status: w.Status, Attempts: len(attempts)}
	for _, a := range attempts {
		job.Message = cmp.Or(a.message(), job.Message)
	}
	job.Message = c.fit(c.clean(job.Message))
	for _, stream := range w.ResetConfig.Streams {
		job.Clears = append(job.Clears, stream.Key())
	}
	return job
}

// wireJob is JobRead.
type wireJob struct {
	ID         int64  `json:"id"`
	ConfigType string `json:"configType"`
	ConfigID   string `json:"configId"`
	Status     string `json:"status"`
	// ResetConfig tells what a clear or reset is about.
	ResetConfig struct {
		Streams []Stream `json:"streamsToReset"` // StreamDescriptor: of a stream, its name and namespace
	} `json:"resetConfig"`
}

func (w wireJob) verify() error {
	if w.ID == 0 || w.Status == "" {
		return lacks("a job's id or status")
	}
	return nil
}

// wireAttempt is AttemptRead.
type wireAttempt struct {
	Summary struct {
		Failures []wireFailureReason `json:"failures"`
	} `json:"failureSummary"`
}

// message is what the attempt says for people; empty when it says nothing.
func (a wireAttempt) message() string {
	for _, f := range a.Summary.Failures {
		if f.Message != "" {
			return string(f.Message)
		}
	}
	return ""
}

// wireJobRead is JobInfoRead.
type wireJobRead struct {
	Job      wireJob `json:"job"`
	Attempts []struct {
		Attempt wireAttempt `json:"attempt"`
	} `json:"attempts"`
}

func (w *wireJobRead) verify(string) error { return w.Job.verify() }

// wireJobs is JobReadList.
type wireJobs struct {
	Jobs []struct {
		Job      wireJob       `json:"job"`
		Attempts []wireAttempt `json:"attempts"`
	} `json:"jobs"`
}

func (w *wireJobs) verify(string) error {
	if w.Jobs == nil {
		return lacks("a list of jobs")
	}
	for _, j := range w.Jobs {
		if err := j.Job.verify(); err != nil {
			return err
		}
	}
	return nil
}
