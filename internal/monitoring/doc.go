// Package monitoring shows the queues in asynqmon, the web console of asynq,
// inside the API. Payloads are shown readable and without anything that could
// be a secret. The queues of other installations and products that share the
// Redis are not shown, and cannot be changed.
// asynqmon's page wants fonts and icons from elsewhere: they are left out, so
// that nothing outside is asked for. It imports workload, catalog and queue.
package monitoring
