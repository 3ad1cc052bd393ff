package config

import "time"

// Unattributed is the client of everything that no rule claims. No rule may name
// it.
const Unattributed = "unattributed"

// ClientRule is one rule of clients: as it stands in trailhouse.yaml. This
// package checks its keys and types; internal/clients owns what a rule means and
// checks its patterns. An empty pattern says nothing about its property; every
// pattern that is there must match. The first rule of the file that matches wins.
type ClientRule struct {
	// Line is the line of trailhouse.yaml on which the rule starts, for messages.
	Line int `yaml:"-"`

	// The client that what matches belongs to; any name but `unattributed`.
	Client string `yaml:"client"`
	// Enclave name as a glob: `*` is any text, `?` any character, `[a-z]` one of a
	// class, `\` takes the next character as it is. The `_1`, `_2`, … that nitro-cli
	// puts behind a name in use may be there or not.
	Name string `yaml:"name"`
	// Enclave name as a regular expression (RE2), which must match the whole name,
	// with or without `_1`, `_2`, ….
	NameRegex string `yaml:"name_regex"`
	// Path of the enclave image file as a glob.
	EIF string `yaml:"eif"`
	// PCR0, the measurement of the image, as hexadecimal.
	PCR0 string `yaml:"pcr0"`
	// PCR8, the measurement of the image's signing certificate, as hexadecimal.
	PCR8 string `yaml:"pcr8"`
	// Instance id of the host: `i-` and lower-case hexadecimal digits.
	Instance string `yaml:"instance"`
	// Account id of the host, which `hosts` names.
	Account string `yaml:"account"`
	// Tags of the host, which `hosts` names: each must be there with this value.
	Tag map[string]string `yaml:"tag"`
	// First instant at which the rule is in force: a date (midnight UTC) or RFC 3339.
	From time.Time `yaml:"from"`
	// First instant at which the rule is no longer in force.
	To time.Time `yaml:"to"`
}

// Host is what only the user knows about a host: no log of the host itself says it.
type Host struct {
	// Account id that the instance belongs to.
	Account string `yaml:"account"`
	// EC2 instance type, such as m5.2xlarge.
	InstanceType string `yaml:"instance_type"`
	// Tags of the instance.
	Tags map[string]string `yaml:"tags"`
}
