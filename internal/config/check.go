package config

import (
	"errors"
	"fmt"
	"os"
	"sort"
	"strings"
	"syscall"

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
		if strings.EqualFold(strings.TrimSpace(rule.Client), Unattributed) {
			wrong = append(wrong, c.wrong(key, "client", Unattributed+" is what no rule claims: leave the rule out, or give the client another name"))
		}
		if rule.Instance != "" && !isInstance(rule.Instance) {
			wrong = append(wrong, c.wrong(key, "instance", notInstance(rule.Instance)))
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
		if !isInstance(id) {
			c.faulty["hosts"] = true
			wrong = append(wrong, trailhouse.Errorf(trailhouse.CodeUsage, "%s: hosts: %s", c.Origin("hosts."+id), notInstance(id)))
		}
		if host := c.Hosts[id]; host.Account != "" && !isAccount(host.Account) {
			wrong = append(wrong, c.wrong("hosts."+id, "account", notAccount(host.Account)))
		}
	}
	return wrong
}

// wrong is an error at a key of the file, or at the mapping that should hold it.
// It says nothing where the value could not be read, because that is told.
func (c *Config) wrong(parent, name, text string) *trailhouse.Error {
	c.faulty[sectionOf(parent)] = true
	if c.told(parent + "." + name) {
		return &trailhouse.Error{Code: trailhouse.CodeUsage}
	}
	place, ok := c.origins[parent+"."+name]
	if !ok {
		place = c.Origin(parent)
	}
	return trailhouse.Errorf(trailhouse.CodeUsage, "%s: %s.%s: %s", place, parent, name, text)
}

// told reports whether a value at the key, below it or around it could not be read.
func (c *Config) told(key string) bool {
	for broken := range c.broken {
		if broken == key || within(broken, key) || within(key, broken) {
			return true
		}
	}
	return false
}

// within reports whether a key is below another.
func within(key, other string) bool {
	rest, ok := strings.CutPrefix(key, other)
	return ok && rest != "" && strings.ContainsAny(rest[:1], ".[")
}

// sectionOf returns the first part of a key.
func sectionOf(key string) string {
	if i := strings.IndexAny(key, ".["); i >= 0 {
		return key[:i]
	}
	return key
}

func notAccount(text string) string { return fmt.Sprintf("%q is not an account id of 12 digits", text) }

func isAccount(id string) bool {
	return len(id) == 12 && strings.Trim(id, "0123456789") == ""
}

func notInstance(text string) string {
	return fmt.Sprintf("%q is not an instance id such as i-0a1b2c3d4e5f60718", text)
}

// isInstance accepts i- and lower-case hexadecimal digits of any number: EC2 has
// given 8 and gives 17. What the logs say is compared as text, so no other
// spelling would ever match.
func isInstance(id string) bool {
	digits, ok := strings.CutPrefix(id, "i-")
	return ok && digits != "" && strings.Trim(digits, "0123456789abcdef") == ""
}

// checkDataDir finds a data directory that is a file, or lies below one. One that is
// not there yet is made.
func (c *Config) checkDataDir() error {
	if c.DataDir == "" {
		return trailhouse.Errorf(trailhouse.CodeUsage, "data_dir: there is no data directory, because neither HOME nor XDG_DATA_HOME is set").
			WithHint("name one with --data DIR")
	}
	info, err := os.Stat(c.DataDir)
	if errors.Is(err, syscall.ENOTDIR) || err == nil && !info.IsDir() {
		return trailhouse.Errorf(trailhouse.CodeUsage, "%s: data_dir: %s is a file or lies below one, and must be a directory", c.Origin("data_dir"), c.DataDir).
			WithHint("name a directory with --data DIR")
	}
	return nil
}

// CheckFolders finds a reports.folder that is not a directory. Load does not ask
// for it: an import needs no reports.
func (c *Config) CheckFolders() error {
	folder := c.Reports.Folder
	if folder == "" {
		return nil
	}
	switch info, err := os.Stat(folder); {
	case err != nil:
		return trailhouse.Errorf(trailhouse.CodeUsage, "%s: reports.folder: %w", c.Origin("reports.folder"), err).
			WithHint("make the folder, or correct reports.folder")
	case !info.IsDir():
		return trailhouse.Errorf(trailhouse.CodeUsage, "%s: reports.folder: %s is not a directory", c.Origin("reports.folder"), folder).
			WithHint("name the folder that holds the .sql files")
	}
	return nil
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
