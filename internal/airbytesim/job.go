package airbytesim

import (
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// Job is one sync, reset or clear.
type Job struct {
	ID           int64     `json:"id"`
	ConfigType   string    `json:"configType"` // sync, reset_connection or clear
	ConnectionID string    `json:"connectionId"`
	Status       string    `json:"status"`
	CreatedAt    time.Time `json:"createdAt"`
	UpdatedAt    time.Time `json:"updatedAt"`
	// Polls is how often it was asked for.
	Polls int `json:"polls"`
	// Streams are the names of the streams it is about.
	Streams []StreamState `json:"streams"`
}

// over says whether the job has ended; what is "incomplete" is tried again.
func (j *Job) over() bool {
	return j.Status == "succeeded" || j.Status == "failed" || j.Status == "cancelled"
}

// running is the connection's job that is not over, if any; mu is held.
func (s *Sim) running(connection string) *Job {
	j := s.world.jobs[s.world.current[connection]]
	if j == nil || j.over() {
		return nil
	}
	return j
}

// start begins a job for a connection; mu is held.
func (s *Sim) start(c *Connection, configType string) *Job {
	s.world.lastJob++
	j := &Job{
		ID: s.world.lastJob, ConfigType: configType, ConnectionID: c.ID, Status: "pending",
		CreatedAt: s.now(), UpdatedAt: s.now(), Streams: []StreamState{},
	}
	for _, stream := range c.Streams {
		if stream.selected() {
			name, _ := stream.Stream["name"].(string)
			namespace, _ := stream.Stream["namespace"].(string)
			j.Streams = append(j.Streams, StreamState{Name: name, Namespace: namespace})
		}
	}
	s.world.jobs[j.ID] = j
	s.world.current[c.ID] = j.ID
	return j
}

// finish ends a job. A sync that succeeds leaves state behind, a reset or clear takes it away (trap 8).
func (s *Sim) finish(j *Job, status string) {
	j.Status, j.UpdatedAt = status, s.now()
	c := s.world.connections[j.ConnectionID]
	if status != "succeeded" || c == nil {
		return
	}
	for _, stream := range j.Streams {
		key := stream.Name
		if stream.Namespace != "" {
			key = stream.Namespace + "." + stream.Name
		}
		if j.ConfigType != "sync" {
			delete(c.State, key)
			continue
		}
		stream.Syncs = c.State[key].Syncs + 1
		c.State[key] = stream
	}
}

// poll is what being asked for does to a job: it comes one step further.
func (s *Sim) poll(j *Job) {
	if j.over() {
		return
	}
	j.Polls++
	j.Status, j.UpdatedAt = "running", s.now()
	if polls := s.behavior.jobPolls(); polls > 0 && j.Polls >= polls {
		s.finish(j, "succeeded")
	}
}

// sync is connections/sync: 409 while a job runs, 500 on a connection that is not active.
func syncConnection(s *Sim, c *call) (any, error) {
	connection, err := s.connection(c.id("connectionId"))
	if err != nil {
		return nil, err
	}
	if connection.Status != "active" {
		return nil, opaque("the connection is not active")
	}
	if s.running(connection.ID) != nil {
		return nil, &problem{
			status: http.StatusConflict, message: "Connection " + connection.ID + " has a job under way",
			class: "io.airbyte.commons.server.errors.ValueConflictKnownException",
		}
	}
	return s.start(connection, "sync").info(), nil
}

// erase makes connections/reset and connections/clear: a running job is pushed aside.
func erase(configType string) handler {
	return func(s *Sim, c *call) (any, error) {
		connection, err := s.connection(c.id("connectionId"))
		if err != nil {
			return nil, err
		}
		if connection.Status == "deprecated" {
			return nil, opaque("connection %s is deprecated", connection.ID)
		}
		if j := s.running(connection.ID); j != nil {
			s.finish(j, "cancelled")
		}
		return s.start(connection, configType).info(), nil
	}
}

func (s *Sim) job(id int64) (*Job, error) {
	j, ok := s.world.jobs[id]
	if !ok {
		return nil, notFound("JOB", strconv.FormatInt(id, 10))
	}
	return j, nil
}

func getJob(s *Sim, c *call) (any, error) {
	j, err := s.job(c.number("id", 0))
	if err != nil {
		return nil, err
	}
	s.poll(j)
	return j.info(), nil
}

func cancelJob(s *Sim, c *call) (any, error) {
	j, err := s.job(c.number("id", 0))
	if err != nil {
		return nil, err
	}
	if !j.over() {
		s.finish(j, "cancelled")
	}
	return j.info(), nil
}

// listJobs is jobs/list: the newest first, by pages of 20; a configId is a connection's
// id. It brings no job further: only asking for one does.
func listJobs(s *Sim, c *call) (any, error) {
	types, _ := c.body["configTypes"].([]any)
	statuses, _ := c.body["statuses"].([]any)
	config := c.id("configId")
	var found []*Job
	for _, j := range s.world.jobs {
		if !slices.Contains(types, any(j.ConfigType)) || config != "" && j.ConnectionID != config {
			continue
		}
		if len(statuses) == 0 || slices.Contains(statuses, any(j.Status)) {
			found = append(found, j)
		}
	}
	slices.SortFunc(found, func(a, b *Job) int {
		if c.text("orderByMethod") == "ASC" {
			a, b = b, a
		}
		return int(b.ID - a.ID)
	})
	pagination, _ := c.body["pagination"].(map[string]any)
	jobs := []any{}
	for _, j := range page(found, pagination) {
		jobs = append(jobs, map[string]any{"job": j.read(), "attempts": j.attempts()})
	}
	return map[string]any{"jobs": jobs, "totalJobCount": len(found)}, nil
}

func (j *Job) read() map[string]any {
	streams := []any{}
	for _, stream := range j.Streams {
		descriptor := map[string]any{"name": stream.Name}
		if stream.Namespace != "" {
			descriptor["namespace"] = stream.Namespace
		}
		streams = append(streams, descriptor)
	}
	body := map[string]any{
		"id": j.ID, "configType": j.ConfigType, "configId": j.ConnectionID, "enabledStreams": streams,
		"createdAt": j.CreatedAt.Unix(), "updatedAt": j.UpdatedAt.Unix(), "status": j.Status,
	}
	if j.ConfigType != "sync" {
		body["resetConfig"] = map[string]any{"streamsToReset": streams}
	}
	return body
}

func (j *Job) attempts() []any {
	if j.Status == "pending" {
		return []any{}
	}
	status := map[string]string{"succeeded": "succeeded", "failed": "failed", "cancelled": "failed"}[j.Status]
	if status == "" {
		status = "running"
	}
	attempt := map[string]any{"id": 0, "status": status, "createdAt": j.CreatedAt.Unix(), "updatedAt": j.UpdatedAt.Unix()}
	if status == "failed" {
		kind, text := "system_error", "Something went wrong during the job."
		if j.Status == "cancelled" {
			kind, text = "manual_cancellation", "The job was cancelled."
		}
		attempt["failureSummary"] = map[string]any{"partialSuccess": false, "failures": []any{map[string]any{
			"failureOrigin": "airbyte_platform", "failureType": kind, "externalMessage": text, "timestamp": j.UpdatedAt.UnixMilli(),
		}}}
	}
	return []any{attempt}
}

// info is a JobInfoRead.
func (j *Job) info() map[string]any {
	attempts := []any{}
	for _, attempt := range j.attempts() {
		attempts = append(attempts, map[string]any{
			"attempt": attempt, "logType": "formatted", "logs": map[string]any{"logLines": []string{}},
		})
	}
	return map[string]any{"job": j.read(), "attempts": attempts}
}

// FinishJob ends a job that runs: as succeeded, failed or cancelled.
func (s *Sim) FinishJob(id int64, status string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	j, err := s.job(id)
	if err != nil {
		return err
	}
	if !slices.Contains([]string{"succeeded", "failed", "cancelled"}, status) {
		return fmt.Errorf("airbytesim: a job cannot end as %q", status)
	}
	if j.over() {
		return fmt.Errorf("airbytesim: job %d is already %s", id, j.Status)
	}
	s.finish(j, status)
	return nil
}

// getState is state/get.
func getState(s *Sim, c *call) (any, error) {
	connection, err := s.connection(c.id("connectionId"))
	if err != nil {
		return nil, err
	}
	return connection.readState(), nil
}

func (c *Connection) readState() map[string]any {
	if len(c.State) == 0 {
		return map[string]any{"stateType": "not_set", "connectionId": c.ID}
	}
	streams := []any{}
	for _, state := range c.State {
		descriptor := map[string]any{"name": state.Name}
		if state.Namespace != "" {
			descriptor["namespace"] = state.Namespace
		}
		streams = append(streams, map[string]any{
			"streamDescriptor": descriptor, "streamState": map[string]any{"syncs": state.Syncs},
		})
	}
	return map[string]any{"stateType": "stream", "connectionId": c.ID, "streamState": streams}
}

// setState is state/create_or_update and, with safe, the one that refuses while a job runs.
func setState(safe bool) handler {
	return func(s *Sim, c *call) (any, error) {
		connection, err := s.connection(c.id("connectionId"))
		if err != nil {
			return nil, err
		}
		if safe && s.running(connection.ID) != nil {
			return nil, &problem{
				status: http.StatusLocked, message: "The state is in use by a job",
				class: "io.airbyte.commons.server.errors.SyncIsRunningException",
			}
		}
		wanted, _ := c.body["connectionState"].(map[string]any)
		entries, _ := wanted["streamState"].([]any)
		state := map[string]StreamState{}
		for _, entry := range entries {
			members, _ := entry.(map[string]any)
			descriptor, _ := members["streamDescriptor"].(map[string]any)
			blob, _ := members["streamState"].(map[string]any)
			name, _ := descriptor["name"].(string)
			namespace, _ := descriptor["namespace"].(string)
			state[Stream{Stream: descriptor}.key()] = StreamState{
				Name: name, Namespace: namespace, Syncs: int(number(blob["syncs"], 0)),
			}
		}
		connection.State = state
		return connection.readState(), nil
	}
}
