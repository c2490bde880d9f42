// Package queue joins the records of package operation with asynq's tasks, and
// is the only package that knows asynq. It takes orders (Queue), hands tasks to
// a handler (Server), and finds operations and tasks that lost each other
// (Sweeper). It imports workload and operation only.
//
// # One operation, one task
//
// A task's id is its operation's token; its queue follows from the kind. The
// first operation of a component's line has a pending task. The others have
// scheduled ones, which cost no worker anything: when an operation ends, the
// next one's task is run. Their own dates, an hour ahead, and the sweeper are
// the safety net of that hand-over:
//
//	accept -> head of its line? -- yes -> enqueue
//	                  |
//	                  no -> schedule -> head by now? -- yes -> run it
//
// The end of an operation takes it out of the line and runs the next task,
// whether or not that is there yet: whoever is scheduling it looks again
// afterwards, so one of the two sees the other.
//
// # Retries
//
// asynq carries a task to its next attempt, but does not decide: attempts are
// counted in the operation's record, MaxRetry is far out of reach, and the
// handler alone ends an operation. Waiting (for a turn, a lease, a newer
// worker, another worker at a shutdown) is no failure and costs no attempt.
//
// asynq may start a task while its first handler is at work (after a lost
// lease, a time-out, a cancellation): the second finds the record's lease held
// and goes back to wait.
package queue
