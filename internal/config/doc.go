// Package config reads what the user decides: flags before environment before
// trailhouse.yaml before defaults. It reads strictly: an unknown key or a value of
// the wrong type is an error that names file, line and key.
package config
