// Package testkit holds fakes of the outside for tests: a real emulator of AWS, and a
// proxy before it that fails on demand. Product code never imports it.
package testkit
