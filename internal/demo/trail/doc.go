// Package trail makes the CloudTrail files of the demo's organisation, always the same
// for the same options, together with their truth.
//
// Two things are mixed. The script is a bounded number of events that the truth lists
// one by one: launches of enclave hosts, attested KMS calls that fit the enclave logs
// of the same demo, what was done to some chosen resources, and the awkward records of
// facts/cloudtrail.md 2.4. The noise is everything else an organisation does, as much
// of it as is asked for; the truth counts it. Memory does not grow with the noise: an
// object is made, written and forgotten.
//
// Bodies are templates (see compile) whose shapes follow real records; every value in
// them is invented. Nothing here shares code with the decoder that it checks.
package trail
