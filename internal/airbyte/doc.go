// Package airbyte is the client of Airbyte's Configuration API (/api/v1): one
// method per call, with request and response types of its own, tokens, and
// errors that say whether trying again may help.
//
// Every call is a POST with a JSON body unless the API says otherwise. Answers
// are decoded tolerantly: unknown fields are ignored and missing optional ones
// survive. An answer that lacks what its caller must have (an id, a list, a
// catalog) is an error of class [ClassMalformed], never an empty value.
//
// Failures come in three sorts:
//
//   - [*Error]: the call failed, or its answer cannot be used;
//   - [*JobFailure]: the call was answered with 200, but the check or discovery
//     that it started failed;
//   - whatever the guard of [Client.Guarded] returned: nothing was sent.
//
// Sources and destinations have the same calls under different names; both are
// an [Actor], and an [ActorKind] picks the paths and field names.
//
// The package imports nothing else of this module.
package airbyte
