// Package demo makes the evidence of enclave hosts over months, always the same
// for the same seed, together with its truth. It is what `make demo` shows, what
// tests compare reports with and what benchmarks read.
//
// A host is simulated command by command: each process of nitro-cli and each
// enclave's daemon prints the lines that facts/nitro.md 2.1 to 2.4 give for its
// version. Every printed line notes at once whom it proves alive or gone, so the
// truth (facts/nitro.md 2.8 to 2.10) is a short sum over those notes. Nothing
// here shares code with the decoder or the derivation that it checks.
package demo
