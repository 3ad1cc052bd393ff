// Package cli is the command line: one file for each command. A command turns
// flags and arguments into a request to the House and prints the answer; it holds
// neither SQL nor logic. Results go to standard output, everything else (logs,
// progress, notes, errors) to standard error.
package cli
