package monitoring

import (
	"bytes"
	"encoding/json"

	"airbyte-provisioner/internal/catalog"
	"airbyte-provisioner/internal/queue"
	"airbyte-provisioner/internal/workload"
)

// notOurs is shown instead of what this version cannot read: it may hold anything.
const notOurs = "(not shown: written by another product or a newer version)"

// shownTask is a payload as people see it.
type shownTask struct {
	Kind    workload.Kind `json:"kind"`
	TraceID string        `json:"traceId,omitempty"`
	Work    workload.Work `json:"work"`
}

// Payload renders a task's payload as JSON for people. References to secrets
// are shown as they are; sealed values, and values that may be secrets, are not.
func Payload(text []byte) string {
	order, err := queue.ReadPayload(text)
	if err != nil {
		return notOurs
	}
	order.Work.Source.Configuration = catalog.Masked(order.Work.Source.Configuration)
	order.Work.Destination.Configuration = catalog.Masked(order.Work.Destination.Configuration)
	if previous := order.Work.Previous; previous != nil {
		plain := *previous
		plain.Fingerprints, plain.Signature = nil, "" // nothing to people
		order.Work.Previous = &plain
	}
	var shown bytes.Buffer
	encoder := json.NewEncoder(&shown)
	encoder.SetEscapeHTML(false) // the page escapes what it shows itself
	if err := encoder.Encode(shownTask{Kind: order.Kind, TraceID: order.TraceID, Work: order.Work}); err != nil {
		return notOurs
	}
	return string(bytes.TrimSpace(shown.Bytes()))
}

// Result renders a task's result. Tasks of this product have none: what an
// operation came to is in its record.
func Result(result []byte) string {
	if len(result) == 0 {
		return ""
	}
	return notOurs
}
