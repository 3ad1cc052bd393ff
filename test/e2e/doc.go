// Package e2e tests the built binary the way its users run it: real files, real
// processes, real kills. Nothing here reaches into a package of the product but
// the demo's generator, whose truth the reports are held against.
package e2e
