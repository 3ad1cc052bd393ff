// Package packaging holds the files that are shipped beside the program. They are
// embedded so that what the program writes into an account is what is in this folder.
package packaging

import _ "embed"

// Service is the unit of systemd that makes one pass of everything due.
//
//go:embed systemd/trailhouse.service
var Service string

// AgentService is the unit of systemd that watches the enclaves of a host.
//
//go:embed systemd/trailhouse-agent.service
var AgentService string

// Timer is the unit of systemd that starts Service every hour.
//
//go:embed systemd/trailhouse.timer
var Timer string
