// Package httpapi is Witboost's Tech Adapter contract over HTTP, and the few
// routes beside it: health, metrics, the API's own document.
//
// A request becomes work through the functions in Options, the work becomes a
// token through Operations, and a token becomes a status. The package knows
// neither Redis, asynq nor Airbyte. It may import workload only.
//
// Every answer is in openapi.yaml, which says the same as the public contract
// plus the transport errors. There is one table from failure codes to answers
// (failure.go); no handler writes an error of its own.
package httpapi
