// Package clients says who an enclave belongs to. The ordered rules of
// trailhouse.yaml are compiled to SQL views over the lake's tables, so that a
// client is decided when a question is asked and never stored: a corrected rule
// corrects every report at once.
//
// A rule holds where all its conditions hold. The first rule in the order of the
// file wins. What decides is the rule in force when the enclave became ready (from
// ≤ ready < to), for the whole session. What no rule claims belongs to
// Unattributed, which is a client like any other and never hidden.
//
// Names are claims of whoever started the enclave (facts/nitro.md 2.3): nitro-cli
// authenticates nothing. A rule on PCR0 or PCR8 is evidence where attested calls
// are known.
package clients
