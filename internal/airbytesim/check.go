package airbytesim

import (
	"fmt"
	"net/url"
	"strings"
)

// isJob says whether an operation starts a container, whose time is the
// operation's latency (trap 10).
func isJob(op string) bool {
	return matches("check_connection", op) || matches("check_connection_for_update", op) || matches("discover_schema", op)
}

// Configurations that a connector cannot work with, so that tests can have a
// failure without a fault. A host is any text of the configuration that is a
// host name or a URL with one.
const (
	invalidHost   = ".invalid"         // a configuration error
	transientHost = ".timeout.invalid" // a transient error
	diedHost      = ".died.invalid"    // the job itself dies
)

// trouble is how the job for a configuration ends by itself; nil means well.
func trouble(configuration any) *JobFailure {
	switch value := configuration.(type) {
	case map[string]any:
		if value["test_destination_type"] == "FAILING" {
			return &JobFailure{Message: "The destination is configured to fail."}
		}
		for _, member := range value {
			if f := trouble(member); f != nil {
				return f
			}
		}
	case []any:
		for _, item := range value {
			if f := trouble(item); f != nil {
				return f
			}
		}
	case string:
		return hostTrouble(value)
	}
	return nil
}

func hostTrouble(value string) *JobFailure {
	host := value
	if u, err := url.Parse(value); err == nil && u.Host != "" {
		host = u.Hostname()
	}
	host = "." + strings.ToLower(host)
	switch {
	case strings.ContainsAny(host, " \n") || !strings.HasSuffix(host, invalidHost):
		return nil
	case strings.HasSuffix(host, diedHost):
		return &JobFailure{Died: true}
	case strings.HasSuffix(host, transientHost):
		return &JobFailure{Type: "transient_error", Message: "The connection to " + host[1:] + " timed out."}
	default:
		return &JobFailure{Message: "Could not connect with provided configuration. Error: unknown host " + host[1:]}
	}
}

// jobInfo tells of a job that is over; times are in milliseconds. mu is held.
func (s *Sim) jobInfo(configType, configID string, reason map[string]any) map[string]any {
	now := s.now().UnixMilli()
	info := map[string]any{
		"id": s.newID(), "configType": configType, "configId": configID, "createdAt": now, "endedAt": now,
		"succeeded": reason == nil, "connectorConfigurationUpdated": false, "logType": "formatted",
		"logs": map[string]any{"logLines": []string{}},
	}
	if reason != nil {
		info["failureReason"] = reason
	}
	return info
}

// reason is a FailureReason. Its internal message and stack hold what real
// connectors let slip: the configuration's secrets. mu is held.
func (s *Sim) reason(f *JobFailure, origin string, d *definition, configuration map[string]any) map[string]any {
	kind, external, internal := f.Type, f.Message, f.Internal
	if kind == "" {
		kind = "config_error"
		if f.Died {
			kind = "system_error"
		}
	}
	if external == "" {
		external = "Could not connect with provided configuration."
		if f.Died {
			external = "Something went wrong within the " + origin + " connector."
		}
	}
	if internal == "" {
		internal = "java.lang.IllegalStateException: cannot use " + fmt.Sprint(d.secrets(configuration))
	}
	return map[string]any{
		"failureOrigin": origin, "failureType": kind, "externalMessage": external, "internalMessage": internal,
		"stacktrace": internal + "\n\tat io.airbyte.cdk.integrations.base.IntegrationRunner.runInternal(IntegrationRunner.kt:185)",
		"retryable":  kind != "config_error", "timestamp": s.now().UnixMilli(), "fromTraceMessage": !f.Died,
	}
}

// secrets are the secret values of a configuration.
func (d *definition) secrets(configuration map[string]any) []any {
	var found []any
	var walk func(value any, schemas []map[string]any)
	walk = func(value any, schemas []map[string]any) {
		if secret(schemas) {
			found = append(found, value)
			return
		}
		switch value := value.(type) {
		case map[string]any:
			for name, member := range value {
				walk(member, under(schemas, name))
			}
		case []any:
			for _, item := range value {
				walk(item, items(schemas))
			}
		}
	}
	walk(configuration, alternatives(d.plain))
	return found
}

// target is what a check or a discovery looks at.
type target struct {
	side          side
	definition    *definition
	actor         *Actor // nil for a configuration that is not stored
	configuration map[string]any
}

// stored is the target of an operation that names an entity.
func (side side) stored(s *Sim, c *call) (*target, error) {
	a, err := s.actor(side.kind, c.id(side.id))
	if err != nil {
		return nil, err
	}
	return &target{side: side, definition: s.world.definitions[a.DefinitionID], actor: a, configuration: a.Configuration}, nil
}

// proposed is the target of an operation that brings a configuration for an entity.
func (side side) proposed(s *Sim, c *call) (*target, error) {
	a, d, err := side.alive(s, c)
	if err != nil {
		return nil, err
	}
	wanted, _ := c.body["connectionConfiguration"].(map[string]any)
	t := &target{side: side, definition: d, actor: a, configuration: d.unmasked(wanted, a.Configuration)}
	return t, d.validate(t.configuration)
}

// unsaved is the target of the scheduler's operations. A sourceId lends its stored secrets to masks.
func (side side) unsaved(s *Sim, c *call) (*target, error) {
	workspace := c.id("workspaceId")
	if _, err := s.workspace(workspace); err != nil {
		return nil, err
	}
	d, err := s.definition(side.kind, c.id(side.definitionID), workspace)
	if err != nil {
		return nil, err
	}
	configuration, _ := c.body["connectionConfiguration"].(map[string]any)
	t := &target{side: side, definition: d, configuration: configuration}
	if id := c.id(side.id); id != "" {
		a, err := s.actor(side.kind, id)
		if err != nil {
			return nil, err
		}
		if a.WorkspaceID != workspace {
			return nil, opaque("%s %s is not in workspace %s", side.kind, id, workspace)
		}
		t.configuration = d.unmasked(configuration, a.Configuration)
	}
	return t, d.validate(t.configuration)
}

// check makes a check operation of a way to find its target.
func (side side) check(find func(*Sim, *call) (*target, error)) handler {
	return func(s *Sim, c *call) (any, error) {
		s.mu.Lock()
		t, err := find(s, c)
		s.mu.Unlock()
		if err != nil {
			return nil, err
		}
		s.wait(c.ctx, s.traffic.latency(c.op))
		s.mu.Lock()
		defer s.mu.Unlock()
		s.world.checks++
		return s.checked(c, t), nil
	}
}

// checked is the answer of a check: 200 also when it failed (trap 4).
func (s *Sim) checked(c *call, t *target) map[string]any {
	configType := "check_connection_" + string(t.side.kind)
	failure := c.failure
	if failure == nil {
		failure = trouble(t.configuration)
	}
	if failure == nil {
		return map[string]any{"status": "succeeded", "jobInfo": s.jobInfo(configType, t.definition.ID, nil)}
	}
	reason := s.reason(failure, string(t.side.kind), t.definition, t.configuration)
	if failure.Died {
		return map[string]any{"jobInfo": s.jobInfo(configType, t.definition.ID, reason)}
	}
	info := s.jobInfo(configType, t.definition.ID, nil) // the job did its work: it found out that the check fails
	if failure.Type != "" {
		info = s.jobInfo(configType, t.definition.ID, reason)
	}
	return map[string]any{"status": "failed", "message": reason["externalMessage"], "jobInfo": info}
}
