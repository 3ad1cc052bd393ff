// Package doctor looks at everything that Trailhouse needs and says what is wrong before a
// run finds out: configuration, data directory, credentials, each permission by trying it,
// clocks, log groups, topics and mail servers. Nothing it does changes anything, but that
// state which is there is opened as every run opens it.
package doctor
