// Package checks tests what is deployed rather than run: the Helm chart, the
// compose file, the image's recipe, the Prometheus rules, the Grafana dashboard
// and the Witboost policy. Each is read by the project that defines its format.
//
// It is a module of its own, so that the product's go.mod stays free of Helm,
// Kubernetes, compose, Prometheus and CUE:
//
//	cd deploy/checks && go test -count=1 ./...           # what is checked lies outside of this module: never trust the cache
//	cd deploy/checks && go test -count=1 ./... -update   # write golden files and copies anew
package checks
