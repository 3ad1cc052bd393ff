// Package aws is the door to AWS and to servers that speak S3: profiles, roles,
// regions and endpoints, retries, guards against listings that never end, and errors
// that name the permission that is missing. It is the only importer of the SDK, and it
// knows no business words: what an object means is for a source to say.
package aws
