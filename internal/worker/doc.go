// Package worker is the life of one task: it borrows the operation from its
// record, lets a Performer do the work while it keeps the lease alive, and
// ends the operation, or sends it back for another attempt. It imports
// workload, operation and queue only.
//
// # How an attempt ends
//
//	the performer answers                     completed
//	  a permanent failure                     failed
//	  a failure that may pass                 tried again later, up to MaxRetry times; then failed
//	  panics                                  the same; the stack goes to the log only
//	the attempt takes too long                the same
//	the worker stops, the task is cancelled   back to the queue; no attempt is lost
//	a termination was asked for               terminated
//	the lease is lost                         nothing is written: another attempt is at work
//	the process dies                          another attempt, up to MaxCrashes times; then failed
//
// Where an attempt has to stop, its next call to Airbyte is refused (Holds),
// and the one that runs gets a while to finish before its context ends.
//
// # Sleep
//
// Nothing here waits for a turn or a retry: such a task goes back to the queue
// and its slot to another.
package worker
