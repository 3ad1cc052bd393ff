package config

import (
	"fmt"
	"sort"
	"strings"

	"github.com/trailhouse/trailhouse"
)

// checkClients checks what needs no knowledge of enclaves: internal/clients checks
// the patterns.
func (c *Config) checkClients() []error {
	var wrong []error
	for i, rule := range c.Clients {
		key := fmt.Sprintf("clients[%d]", i+1)
		if strings.TrimSpace(rule.Client) == "" {
			wrong = append(wrong, c.wrong(key, "client", "is missing: a rule must name its client"))
		}
		if !rule.From.IsZero() && !rule.To.IsZero() && !rule.From.Before(rule.To) {
			wrong = append(wrong, c.wrong(key, "to", "is not after from, so the rule is never in force"))
		}
		if rule.Account != "" && !isAccount(rule.Account) {
			wrong = append(wrong, c.wrong(key, "account", notAccount(rule.Account)))
		}
	}
	return wrong
}

// checkHosts checks what is said about hosts.
func (c *Config) checkHosts() []error {
	var wrong []error
	for _, id := range c.hostIDs() {
		if host := c.Hosts[id]; host.Account != "" && !isAccount(host.Account) {
			wrong = append(wrong, c.wrong("hosts."+id, "account", notAccount(host.Account)))
		}
	}
	return wrong
}

// wrong is an error at a key of the file, or at the mapping that should hold it.
func (c *Config) wrong(parent, name, text string) error {
	place, ok := c.origins[parent+"."+name]
	if !ok {
		place = c.Origin(parent)
	}
	return trailhouse.Errorf(trailhouse.CodeUsage, "%s: %s.%s: %s", place, parent, name, text)
}

func notAccount(text string) string { return fmt.Sprintf("%q is not an account id of 12 digits", text) }

func isAccount(id string) bool {
	return len(id) == 12 && strings.Trim(id, "0123456789") == ""
}

// hostIDs returns the instance ids of hosts, sorted.
func (c *Config) hostIDs() []string {
	ids := make([]string, 0, len(c.Hosts))
	for id := range c.Hosts {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	return ids
}
