// Package app wires the programs together, each in one straight line: settings,
// logger, Redis, store, queue, and what the program is for; and takes them down
// in the opposite order. It may import every other package; nothing imports it
// but the programs.
package app
