package reconcile

import (
	"context"

	"airbyte-provisioner/internal/workload"
)

// Preview observes and plans as a provision would, and changes nothing: neither
// Airbyte nor what is remembered. What a discovery would tell is not in it.
func (r *Reconciler) Preview(ctx context.Context, work workload.Work, attempt workload.Attempt) (Plan, error) {
	s, err := r.frozen().begin(ctx, work, attempt)
	if err != nil {
		return Plan{}, err
	}
	s.settle(moves)
	d, err := s.draft(ctx)
	if err != nil {
		return Plan{}, err
	}
	return d.plan, nil
}

// frozen is the reconciler with a memory that keeps nothing.
func (r *Reconciler) frozen() *Reconciler {
	frozen := &Reconciler{Options: r.Options, specifications: r.specifications}
	frozen.Memory = readOnly{r.Memory}
	return frozen
}

// readOnly recalls, and keeps nothing.
type readOnly struct{ Memory }

// Remember keeps nothing.
func (readOnly) Remember(context.Context, workload.Component, []byte) error { return nil }

// Note notes nothing.
func (readOnly) Note(context.Context, workload.Component, []byte) {}
