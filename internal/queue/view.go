package queue

import (
	"airbyte-provisioner/internal/workload"
)

// ReadPayload reads what a task of this product carries. The error says that the
// payload is of something else, or of a newer version.
func ReadPayload(text []byte) (workload.Order, error) {
	order, err := decode(text)
	if err == nil && !known(order.Kind) {
		err = errNewer
	}
	return order, err
}

// TaskOf names the task of an operation as asynq's tools do: its queue and its id.
func (q *Queue) TaskOf(status workload.Status) (queue, id string) {
	return q.name(status.Kind), taskID(status.Token, status.Task)
}
