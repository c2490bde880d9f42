// Package chaos tests that no accepted token is lost, whatever dies: the real
// programs on real Redis servers and a simulated Airbyte, with processes killed,
// stopped and paused at random, Redis killed, and calls dropped after they acted.
// It holds tests and what they share, and nothing that a program uses.
//
// A soak ends with a settlement. Every accepted token is in a final state and
// never left one; Airbyte holds what the last accepted operation of each
// component asks for, nothing twice and nothing beside it; and the log of
// Airbyte's calls shows that operations on one component ran in the order of
// their acceptance and no two attempts wrote at the same time (see judge).
//
// The same code runs briefly with the other tests and for long by itself:
//
//	go test ./internal/chaos                      # a minute, a part of CI
//	make chaos                                    # minutes, thousands of operations
//	go test ./internal/chaos -run TestSoak -v -chaos.seed 7 -chaos.for 1h -chaos.operations 100000
//
// The seed decides what is asked for and what is harmed, and is printed; when
// that meets what is not the seed's to decide.
package chaos
