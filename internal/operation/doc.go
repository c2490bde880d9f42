// Package operation keeps the Redis record of every operation: its state and
// log, the order of operations on one component, the lease of the handler that
// works on it, and what is remembered of a component between operations. It
// knows nothing of asynq; package queue joins the two. It imports workload only.
//
// # Life of a token
//
//	          accept                       begin (head of its line, nobody holds a lease)
//	(none) ----------> RUNNING: in line ------------------------> RUNNING: attempt n holds the lease
//	                     |     ^                                     |   |     |        |
//	                     |     | release: the attempt failed and     |   |     |        | terminate
//	                     |     | may be tried again, or was          |   |     |        v
//	                     |     | interrupted; or its lease lapsed    |   |     |    TERMINATING
//	                     |     +-------------------------------------+   |     |        | the attempt stops, or
//	                     |                                               |     |        | its lease lapsed
//	                     | terminate                              finish |     | finish |
//	                     v                                               v     v        v
//	                 TERMINATED                                 COMPLETED   FAILED  TERMINATED
//
// An operation in line whose task an operator removed, or that killed its
// worker too often, ends FAILED. The three states at the bottom are final: no
// script changes a record in one of them, and the record expires StatusTTL later.
//
// # Order
//
// Operations on one component share a lane: a list of unfinished tokens in the
// order in which they were accepted. Only the first may begin. Validations and
// reverse provisionings change nothing in Airbyte and have a lane each. A lane
// is named by the last twelve digits of its tokens, for a component the start
// of its digest; components whose digests start alike (one pair in 2^48) share
// a lane and so merely wait for each other.
//
// # Leases
//
// Begin lends the operation to one holder for a time, by Redis's clock. The
// holder renews it, and asks Holds before each call to Airbyte. That goes by the
// lease's own clock while Watch would hear of a termination or of another holder,
// and asks Redis otherwise. Every write of an attempt is refused once another holder
// began, so that a handler which hung, was stopped or was cut off can end nothing
// and remember nothing. A renewal succeeds even after the lease lapsed, if nobody
// else began.
//
// # Keys
//
// All keys start with <Instance>airbyte-provisioner:, then {xx}, the first two
// digits of the lane, by which a Redis Cluster spreads lanes over 256 slots.
// Everything that a script touches is in one slot, the index of live lanes too,
// so that no crash can leave the index and the records in disagreement.
//
//	{xx}:op:<token>     hash   the record, with its log
//	{xx}:line:<lane>    list   the unfinished tokens in order
//	{xx}:live           zset   lanes with unfinished tokens, by the time of the sweeper's next look
//	{xx}:listed:<state> zset   tokens of finished operations, and of the open ones, by the time of their acceptance
//	{xx}:known:<digest> string what is remembered of a component; never expires
//
// Keys of the whole installation have no tag: leader:<thing>, node:<key> (which
// Redis process serves it, and since when), kept:<name>, jobs.
//
// While an operation is unfinished its record holds the task's payload, so that
// a lost task can be made again. The record of a finished one is packed: one
// compressed field beside its state and date, a third of the size.
package operation
