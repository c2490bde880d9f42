// Package airbytesim is a simulated Airbyte server: the Configuration API over
// HTTP, stricter and ruder than the real one, for tests, for local work and for
// the embedded mode. It imports nothing else of this module and shares nothing
// with its Airbyte client, so that the two cannot make the same mistake.
//
//	sim, err := airbytesim.New(airbytesim.Options{Seed: 1})
//	server := httptest.NewServer(sim.API()) // the API, under /api/v1/
//	defer server.Close()
//	defer sim.Close()                       // lets held calls go, so that the server can close
//
// Everything is in memory. Ids and jitter come from the seed: the same calls in
// the same order get the same ids.
//
// # What it imitates
//
// Every request is checked against rules.yaml, which a test proves equal to the
// public API description: unknown fields, missing ones, wrong types, values and
// ids that are no UUIDs are a 400. Beyond that, by the numbers of the known
// traps, each of which has tests of its name:
//
//  1. Lists answer 20 entries unless pageSize says otherwise; cursor is the last id; the order is by lower-case
//     name, then id; a cursor whose row is gone is a 404; searchTerm is an ILIKE over the entity's and its
//     definition's name. Behavior.IgnorePaging makes it an older server. connections/list has no pages.
//  2. Names are not unique, create is not idempotent.
//  3. Deletes are soft and make connections deprecated; get does not tell, update is a 500, connections/create
//     does not mind.
//  4. Failed checks and discoveries are a 200. A configuration fails by itself when a text in it is a host, or a
//     URL on a host, below .invalid (a configuration error), .timeout.invalid (a transient error) or
//     .died.invalid (the job itself dies, so a check has no status), or when a dev-null destination is FAILING.
//     Internal messages and stack traces hold the configuration's secrets, as careless connectors let slip.
//  5. Secrets read masked; update with a mask keeps the stored one, leaving it out drops it, partial_update
//     merges and stores a mask literally.
//  6. A syncCatalog without selected, with mappers null, or with a stream twice is a 500, as are tags null on
//     create and a sourceCatalogId that was never discovered; modes, cursors and keys are not checked.
//  7. Schedules: the 500s of update, the silent manual of create, 400 for cron expressions, zones and
//     frequencies that are not allowed. Null in a patch means "as it is".
//  8. State belongs to the connection's id: see Connection.State. A sync mode's change loses a stream's.
//  9. Errors are opaque ({errorId}) for 404 and 500, a message otherwise, or the old form with
//     Behavior.OldErrors; a 422 embeds the whole specification; a locked connection is a problem body with 409;
//     ids of another workspace are a 500.
//  10. Checks and discoveries take their latency; sources/discover_schema is cached by configuration;
//     Behavior.ProxyTimeout answers 504 while the job goes on; with a connectionId a breaking change disables.
//  11. The body limit is 10 MB. A 429 is a fault that tests set.
//  12. Operations do not exist: operations/create is a 404.
//  13. Reads are not what was written: only selected streams, suggested false, aliasName recomputed,
//     selectedFields emptied or jsonSchema cut, namespaceDefinition source.
//
// A sync, reset or clear is a job: pending when it begins, running once it was
// asked for, succeeded after Behavior.JobPolls questions (jobs/get, not
// jobs/list) or when FinishJob says so. A connection has one running job.
//
// Editions differ by Behavior.Edition: on "community" (Core) every operation on
// users, permissions, groups and invitations is a 403.
//
// Sources discover: File one stream named by dataset_name; faker users,
// products and purchases, with cursor and key; S3 the streams it lists, with a
// cursor; databases customers, orders and audit_log (without a key) in each of
// their schemas, with a cursor under CDC. SetCatalog replaces any of that.
//
// # Control
//
// Methods of Sim set faults, latencies, catalogs and behavior, hold and release
// calls, wait for calls, and tell contents, calls and counters. The same as JSON
// is served by Management, which belongs on a listener of its own. An operation
// is named by its path below /api/v1/, by its last parts ("create" is every
// create), or by "*".
//
//	GET    /healthz
//	GET    /contents                               Contents, with secrets as they are stored
//	GET    /calls?operation=&after=                {calls: [Call]}, after a number
//	DELETE /calls                                  empties the log and the counters
//	GET    /counters                               Counter by operation
//	GET    /wait/started?operation=&count=&timeout=  long poll: 204 once it is true, 408 after the timeout (30s)
//	GET    /wait/finished, /wait/acted, /wait/held   likewise
//	POST   /faults                                 Fault; answers {id}
//	GET    /faults                                 {faults: [Fault]} that are not used up
//	DELETE /faults, /faults/{id}
//	GET    /held                                   {calls: [Call]}
//	POST   /release                                {operation, seq}, both optional; answers {released}
//	PUT    /latencies                              {operation: "2s" or "1s..3s"}, replacing all
//	PUT    /catalogs                               {key, catalog}: key is a definition id, source id or source name
//	POST   /definitions                            Definition
//	POST   /users                                  User; answers {userId}
//	POST   /groups                                 Group; answers {groupId}
//	POST   /fill                                   Filler
//	POST   /jobs/finish                            {id, status}
//	POST   /connections/status                     {connectionId, status}, such as locked
//	POST   /tokens/expire
//	GET    /behavior, PUT /behavior                Behavior, replacing all
//	POST   /reset                                  everything as at the start
package airbytesim
