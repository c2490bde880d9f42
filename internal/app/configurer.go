package app

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync"

	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/reconcile"
	"airbyte-provisioner/internal/workload"
)

// configurer lets the reconciler use the catalogue. It is safe for concurrent use.
type configurer struct {
	catalog *catalog.Catalog
	secrets catalog.Secrets

	mu             sync.Mutex
	specifications map[[sha256.Size]byte]*catalog.Specification // parsed, by their text
}

// maxSpecifications bounds the parsed specifications: one takes some 100 KB.
const maxSpecifications = 64

func role(kind airbyte.ActorKind) catalog.Role {
	if kind == airbyte.Source {
		return catalog.Source
	}
	return catalog.Destination
}

// Definition is reconcile.Configurer's.
func (c *configurer) Definition(kind airbyte.ActorKind, actor workload.Actor) string {
	return c.catalog.DefinitionID(role(kind), actor)
}

// Names is reconcile.Configurer's.
func (c *configurer) Names(kind airbyte.ActorKind) []string {
	return c.catalog.Names(role(kind))
}

// Configure is reconcile.Configurer's.
func (c *configurer) Configure(ctx context.Context, kind airbyte.ActorKind, work workload.Work, spec json.RawMessage) (reconcile.Configured, error) {
	specification, err := c.specification(spec)
	if err != nil {
		return reconcile.Configured{}, err
	}
	in := catalog.Input{
		Role: role(kind), Actor: work.Source, Component: work.Component, DataProduct: work.DataProduct,
		Secrets: c.secrets, Specification: specification, Adopted: work.Adopt != "",
	}
	if kind == airbyte.Destination {
		in.Actor = work.Destination
	}
	final, failure := c.catalog.Configuration(ctx, in)
	if failure != nil {
		return reconcile.Configured{}, failure
	}
	return reconcile.Configured{
		Configuration: final.Configuration,
		Secrets:       slices.Sorted(maps.Keys(final.Secrets)),
		Revealed:      final.Revealed,
		Warnings:      final.Warnings,
	}, nil
}

// specification parses a connector's specification, once for equal texts; nil for none.
func (c *configurer) specification(text json.RawMessage) (*catalog.Specification, error) {
	if len(text) == 0 {
		return nil, nil //nolint:nilnil // none was given and none is there
	}
	key := sha256.Sum256(text)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known := c.specifications[key]; known != nil {
		return known, nil
	}
	parsed, err := catalog.ParseSpecification(text)
	if err != nil {
		return nil, (&workload.Failure{
			Code:      workload.CodeRefused,
			Message:   fmt.Sprintf("The connector's specification, as Airbyte tells it, cannot be used: %v.", err),
			Solutions: []string{"Ask the platform team to update the connector in Airbyte."},
		}).Because(err)
	}
	if c.specifications == nil || len(c.specifications) >= maxSpecifications {
		c.specifications = map[[sha256.Size]byte]*catalog.Specification{}
	}
	c.specifications[key] = parsed
	return parsed, nil
}
