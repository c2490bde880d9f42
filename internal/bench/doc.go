// Command bench measures the product and writes what it found to
// docs/performance.md. It runs the real programs as processes of their own,
// with a real redis-server and the Airbyte simulator, all on loopback.
//
// Absolute times do not repeat from machine to machine, nor on one machine
// from hour to hour. So every figure is a ratio to a floor: the least that
// anybody would have to do for the same purpose, measured in the same run. What
// is compared alternates in short pairs, of which the median counts; the
// quartiles are shown.
//
//	go run ./internal/bench                 all measurements; writes docs/performance.md
//	go run ./internal/bench -quick          fewer pairs; one line a goal: name measured goal ok|short
//	go run ./internal/bench -only accept    those whose name begins so
//	go run ./internal/bench -limits         where growth ends; writes docs/scaling.md
//	go run ./internal/bench -profile DIR    CPU and heap profiles of the programs, for go tool pprof
//
// It ends with 0 also where a goal was missed, and with 1 if something could
// not be measured.
package main
