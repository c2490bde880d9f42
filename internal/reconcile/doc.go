// Package reconcile brings Airbyte to what descriptors want: it observes, plans,
// and acts. It may import workload, catalog, airbyte, mishap and stack.
//
//	recall what is known            Memory: ids, fingerprints, intents
//	   |
//	observe                         lists by the digest in the names; reads the connection
//	   |
//	choose                          pure: which entity is ours, which is one too many, which is foreign
//	   |
//	decide                          pure: a Plan, one Entry for each entity
//	   |
//	act      source branch ------ destination branch
//	         write, discover      check, write
//	                  \            /
//	                   connection                 decided again once the streams are known
//	                       |
//	              what is one too many            connections, destinations, sources
//
// # What is trusted
//
// Nothing that is remembered is trusted before Airbyte was looked at. An entity
// is the component's own if its name carries the component's digest, or if we
// remember its id and no other digest is in its name; and only if a list shows it alive.
//
// # Why a second run finds nothing to do
//
// Airbyte does not answer what was written: secrets are masked, defaults are
// filled in. So what is kept of each write is a keyed fingerprint of what was
// sent and one of what Airbyte answered. Where both are the same again, nothing
// changed, whatever the difference between the two. Only where one of them is
// another are the fields compared, normalised.
//
// # What survives a crash
//
// Before the first create or update all that is intended is remembered; what came
// of it is kept with the end of the attempt. A create whose answer
// never came is found at the next attempt by the digest. An update whose answer
// never came leaves open what Airbyte holds, so it is sent again once. Nothing is
// tried twice in one attempt: the queue does that.
package reconcile
