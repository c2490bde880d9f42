package reconcile

import (
	"bytes"
	"context"
	"fmt"
	"strings"
	"sync"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/workload"
)

// specification is a connector's, as Airbyte answered it.
type specification struct {
	airbyte.Specification
	// parsed reads the schema, once.
	parsed func() (*catalog.Specification, error)
}

func specificationOf(answered airbyte.Specification) specification {
	return specification{answered, sync.OnceValues(func() (*catalog.Specification, error) {
		parsed, err := catalog.ParseSpecification(answered.Schema)
		if err != nil {
			return nil, (&workload.Failure{
				Code:      workload.CodeRefused,
				Message:   fmt.Sprintf("The connector's specification, as Airbyte tells it, cannot be used: %v.", err),
				Solutions: []string{"Ask the platform team to update the connector in Airbyte."},
			}).Because(err)
		}
		return parsed, nil
	})}
}

// specifications caches what connectors must be given, by definition and
// version. It is safe for concurrent use.
type specifications struct {
	mu    sync.Mutex
	byKey map[string]specification
}

// maxSpecifications bounds the cache: a specification has some 10 to 200 KB, and
// as much again when it is parsed.
const maxSpecifications = 64

// get returns the specification of the version that the workspace has now. One
// that cannot be used is asked for again each time.
func (s *specifications) get(ctx context.Context, c *airbyte.Client, kind airbyte.ActorKind, workspace, definition string) (specification, error) {
	have, err := c.GetDefinition(ctx, kind, workspace, definition)
	if err != nil {
		return specification{}, err
	}
	key := strings.Join([]string{string(kind), definition, have.DockerRepository, have.DockerImageTag}, "\x00")
	s.mu.Lock()
	cached, ok := s.byKey[key]
	s.mu.Unlock()
	if ok && have.DockerImageTag != "" {
		if _, unusable := cached.parsed(); unusable == nil {
			return cached, nil
		}
	}
	fresh, err := c.GetSpecification(ctx, kind, workspace, definition)
	if err != nil {
		return specification{}, err
	}
	return s.keep(key, fresh), nil
}

// keep puts an answer into the cache. A schema that is there already is not
// parsed again: several attempts may have asked for it, or it has no version.
func (s *specifications) keep(key string, fresh airbyte.Specification) specification {
	s.mu.Lock()
	defer s.mu.Unlock()
	kept := specificationOf(fresh)
	if cached, ok := s.byKey[key]; ok && bytes.Equal(cached.Schema, fresh.Schema) {
		kept.parsed = cached.parsed
	}
	if s.byKey == nil || len(s.byKey) >= maxSpecifications {
		s.byKey = map[string]specification{}
	}
	s.byKey[key] = kept
	return kept
}

// specification reads a connector's specification, once in an attempt. Source
// and destination do not wait for each other.
func (s *session) specification(ctx context.Context, kind airbyte.ActorKind, definition string) (specification, error) {
	if spec, ok := s.specs.get(kind); ok {
		return spec, nil
	}
	spec, err := s.specifications.get(ctx, s.client, kind, s.workspace, definition)
	if err == nil {
		s.specs.put(kind, spec)
	}
	return spec, err
}
