// Package policy says which attested KMS calls were allowed. The entries of
// approved_images and the kinds of findings are derived views over the lake's tables,
// so that a corrected list corrects every verdict at once; nothing of them is stored
// but the acknowledgements that people give.
//
// A list is there for a call where an entry, whatever its dates, is for its client and
// its key; a call without a key (GenerateRandom) is none of an entry that names one.
// Where there is a list the call is approved if one of these entries has its
// measurements and is in force at its time. A document of debug mode never is: its
// PCR0 says nothing of the image (facts/nitro.md 3).
//
// A finding is about one thing, its subject, and has the same id as long as it is
// about that: not the order of imports, nor times or numbers of calls, nor the period
// that is asked for play a part in it. What distinguishes its calls (images, keys,
// clients, callers, error codes) are its facts. An acknowledgement holds as long as
// the finding has no fact that it had not when it was acknowledged.
//
//	kind                   subject                                         severity
//	debug-attestation      the enclave                                     critical
//	image-not-approved     account, client and image; not of debug mode    critical
//	relayed-document       the enclave and the instance that called        critical
//	call-outside-session   the enclave                                     high
//	enclave-without-log    the enclave; its host where that has no log     high; medium
//	key-shared-by-clients  the key; of calls that did not fail             high
//	never-attested         the session                                     medium
//	failed-attested-calls  account, client, key and image                  medium
//
// A host without any log was never metered, which is said once, however many enclaves
// it runs; an enclave that is missing from the log of its host is worse: lines of that
// log are lost or were removed, and it is not billed. A session never attested where its
// client is one that approved_images names, no attested call is of it, and the trail
// of its account, of any account where its own is not known, has KMS events of the
// days on which it began and ended: without them the trail was not read or does not
// hold KMS, and that is a matter of coverage. Calls of a NitroTPM are no enclave's.
package policy
