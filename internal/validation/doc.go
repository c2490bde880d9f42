// Package validation carries out the asynchronous validation of a descriptor:
// it asks Airbyte whether provisioning would succeed, and changes nothing. What
// can be told without Airbyte was told when the request was accepted.
//
//	credentials, workspace
//	source: connector, secrets, configuration -> check -> discovery ---+
//	                                                                   +-> plan, streams
//	destination: connector, secrets, configuration -> check -----------+
//
// # What is wrong with what
//
// What the descriptor's author, or who keeps the secrets, can mend is a problem
// of the descriptor: the validation is complete, and its result says invalid,
// with every problem at once. What has nothing to do with the descriptor
// (credentials, an Airbyte that cannot be reached, a job that died) ends the
// attempt, and another follows if that may help; the failure then holds the
// problems found so far.
//
// It may import workload, airbyte and reconcile only.
package validation
