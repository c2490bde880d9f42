package app

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"airbyte-provisioner/internal/access"
	"airbyte-provisioner/internal/airbyte"
	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/config"
	"airbyte-provisioner/internal/reconcile"
	"airbyte-provisioner/internal/reverse"
	"airbyte-provisioner/internal/validation"
	"airbyte-provisioner/internal/worker"
	"airbyte-provisioner/internal/workload"
)

// performers are what this worker can do: every kind of operation.
func (b *base) performers(ctx context.Context, client *airbyte.Client) (map[workload.Kind]worker.Performer, error) {
	connectors, err := b.catalog()
	if err != nil {
		return nil, err
	}
	secrets, err := catalog.NewSecretStore(catalog.SecretOptions{
		Dir: b.config.Secrets.Dir, Lookup: b.config.Secrets.Variable, Prefix: b.config.Secrets.EnvPrefix, Allow: secretRules(b.config.Secrets.Allow),
	})
	if err != nil {
		return nil, fmt.Errorf("SECRETS_DIR: %w", err)
	}
	key, err := b.fingerprintKey(ctx)
	if err != nil {
		return nil, err
	}
	a := b.config.Airbyte
	reconciler, err := reconcile.New(reconcile.Options{
		Client: client, Catalog: connectors, Secrets: secrets, Memory: b.store,
		Workspace: a.WorkspaceID, Workspaces: a.Workspaces, UIURL: a.UIURL,
		FingerprintKey: key, Adopt: a.Adopt, CascadeForeign: a.CascadeForeign, Job: b.store.Jobs(a.MaxJobs, 0).Acquire, Log: b.log,
	})
	if err != nil {
		return nil, err
	}
	grants, err := b.access(client, reconciler)
	if err != nil {
		return nil, err
	}
	return map[workload.Kind]worker.Performer{
		workload.Provision:   traced(reconciler.Provision()),
		workload.Unprovision: traced(reconciler.Unprovision(grants.Release)),
		workload.UpdateACL:   traced(grants),
		workload.Validate: traced(validation.New(validation.Options{
			Reconciler: reconciler, Quick: !b.config.Validation.Connections,
		})),
		workload.Reverse: traced(reverse.New(reverse.Options{
			Airbyte: client, Workspace: a.WorkspaceID, Workspaces: a.Workspaces,
			ConnectorName: connectorNames(connectors), Completed: completed(connectors),
		})),
	}, nil
}

// access grants and takes back. Its error is a *config.Error.
func (b *base) access(client *airbyte.Client, reconciler *reconcile.Reconciler) (*access.Performer, error) {
	settings := b.config.Access
	principals, err := access.LoadPrincipals(settings.PrincipalsFile, b.log)
	if err != nil {
		return nil, &config.Error{Problems: []config.Problem{{Name: "PRINCIPALS_FILE", Message: err.Error()}}}
	}
	performer, err := access.New(access.Options{
		Airbyte: client, Redis: b.redis, Instance: b.config.Queue.Instance,
		Workspace: b.config.Airbyte.WorkspaceID, Workspaces: b.config.Airbyte.Workspaces, Located: reconciler.Located,
		Role: settings.Role, Invite: settings.Invite, Principals: principals, Log: b.log,
	})
	if err != nil {
		return nil, &config.Error{Problems: []config.Problem{{Name: "ACL_ROLE", Message: err.Error()}}}
	}
	return performer, nil
}

type callerKey struct{}

// caller tells Airbyte, and its proxies' logs, who calls: an attempt, and which run
// of it, since an attempt that has to wait for others begins more than once.
func caller(attempt workload.Attempt, run string) http.Header {
	header := http.Header{}
	if attempt.TraceID != "" {
		header.Set("Traceid", attempt.TraceID)
	}
	if attempt.Token != "" {
		header.Set("Attempt", attempt.Token+"/"+strconv.Itoa(attempt.Number)+"/"+run)
	}
	return header
}

// traced gives a performer's calls to Airbyte the trace id of the request, and
// the attempt that makes them.
func traced(p worker.Performer) worker.Performer {
	return reconcile.Performer(func(ctx context.Context, work workload.Work, attempt workload.Attempt) (workload.Outcome, error) {
		return p.Perform(context.WithValue(ctx, callerKey{}, caller(attempt, rand.Text()[:8])), work, attempt)
	})
}

// connectorNames finds the catalogue's name of a definition.
func connectorNames(connectors *catalog.Catalog) func(definitionID string) string {
	names := map[string]string{}
	for _, profile := range connectors.Profiles() { // by name: of several with one id the first stands for it
		if _, known := names[profile.DefinitionID]; !known {
			names[profile.DefinitionID] = profile.Name
		}
	}
	return func(definitionID string) string { return names[strings.ToLower(definitionID)] }
}

// completed is what provisioning would make of a configuration that was read
// from Airbyte and is to be taken over.
func completed(connectors *catalog.Catalog) func(context.Context, airbyte.ActorKind, workload.Actor, json.RawMessage) (map[string]any, error) {
	return func(ctx context.Context, kind airbyte.ActorKind, actor workload.Actor, specification json.RawMessage) (map[string]any, error) {
		own, err := catalog.ParseSpecification(specification)
		if err != nil {
			return nil, err
		}
		final, failure := connectors.Configuration(ctx, catalog.Input{
			Role: catalog.Role(kind), Actor: actor, Secrets: catalog.Forgiving(nil), Adopted: true,
			DataProduct: workload.DataProduct{Name: "unknown", Domain: "unknown", Version: "0"},
		}, own)
		if failure != nil {
			return nil, failure
		}
		return final.Configuration, nil
	}
}

func secretRules(rules []config.Rule) []catalog.SecretRule {
	if rules == nil {
		return nil
	}
	converted := make([]catalog.SecretRule, len(rules))
	for i, rule := range rules {
		converted[i] = catalog.SecretRule(rule)
	}
	return converted
}
