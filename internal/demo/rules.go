package demo

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/trailhouse/trailhouse/internal/demo/audit"
)

// MaxClients is how many clients the demo knows.
const MaxClients = 5

// Unattributed is the client of what no rule matches.
const Unattributed = "unattributed"

// ConfigName is the name of the configuration in the demo's folder.
const ConfigName = "trailhouse.yaml"

// rule is one rule of clients: in trailhouse.yaml. A glob here is a text, or a
// beginning with * behind it.
type rule struct {
	client   string
	name     string // glob on the enclave's name without _N
	regex    string // or an expression that the whole of it matches
	eif      string // glob on the image's path
	instance string
	from, to Instant
	why      string
}

// rules are those of the first n clients. Names are claims, so an image or a host
// may decide where there is no name.
func rules(o Options) []rule {
	from, to := o.span()
	handover := (from + (to-from)/2) / day * day
	all := []rule{
		{client: "globex", name: "shared-*", to: handover, why: "sold to hooli"},
		{client: "hooli", name: "shared-*", from: handover, why: "bought from globex"},
		{client: "acme", name: "acme-*"},
		{client: "acme", eif: "/opt/eif/tokenizer.eif", why: "old hosts print no names"},
		{client: "globex", name: "globex-*"},
		{client: "umbrella", eif: "/srv/umbrella/*"},
		{client: "initech", regex: "initech-(match|score)"},
		{client: "hooli", instance: instanceID(o.Seed, 4), why: "the rest of this host is theirs"},
	}
	var kept []rule
	for _, r := range all {
		for _, client := range []string{"acme", "globex", "umbrella", "hooli", "initech"}[:o.Clients] {
			if r.client == client {
				kept = append(kept, r)
			}
		}
	}
	return kept
}

// owner returns the client of a session: the first rule that matches and is in
// force when usage begins.
func owner(rules []rule, s Session) string {
	for _, r := range rules {
		if r.matches(s) {
			return r.client
		}
	}
	return Unattributed
}

func (r rule) matches(s Session) bool {
	if s.Started < r.from || r.to != 0 && s.Started >= r.to {
		return false
	}
	if r.instance != "" && r.instance != s.InstanceID {
		return false
	}
	if r.eif != "" && (s.EIFPath == nil || !glob(r.eif, *s.EIFPath)) {
		return false
	}
	if r.name == "" && r.regex == "" {
		return true
	}
	if s.Name == nil {
		return false
	}
	name := baseName(*s.Name)
	if r.regex != "" {
		whole := regexp.MustCompile(`\A(?:` + r.regex + `)\z`)
		return whole.MatchString(name)
	}
	return glob(r.name, name)
}

// glob compares with a pattern whose only * stands at its end.
func glob(pattern, text string) bool {
	if start, star := strings.CutSuffix(pattern, "*"); star {
		return strings.HasPrefix(text, start)
	}
	return pattern == text
}

// baseName cuts off the _N that nitro-cli puts behind a name used twice.
func baseName(name string) string {
	at := strings.LastIndexByte(name, '_')
	if at > 0 && at+1 < len(name) && strings.Trim(name[at+1:], "0123456789") == "" {
		return name[:at]
	}
	return name
}

// writeConfig writes trailhouse.yaml.
func writeConfig(dir string, hosts []Host, rules []rule, images []audit.Image) error {
	var b strings.Builder
	b.WriteString("# What only the owner of the demo's hosts knows.\nhosts:\n")
	for _, h := range hosts {
		fmt.Fprintf(&b, "  %s: {account: %q, instance_type: %s}\n", h.InstanceID, h.Account, h.InstanceType)
	}
	b.WriteString("\n# The first rule that matches and is in force when an enclave is ready decides.\nclients:\n")
	for _, r := range rules {
		b.WriteString("  - client: " + r.client)
		if r.why != "" {
			b.WriteString(" # " + r.why)
		}
		b.WriteByte('\n')
		field(&b, "name", r.name)
		field(&b, "name_regex", r.regex)
		field(&b, "eif", r.eif)
		field(&b, "instance", r.instance)
		if r.from != 0 {
			b.WriteString("    from: " + r.from.Time().Format("2006-01-02") + "\n")
		}
		if r.to != 0 {
			b.WriteString("    to: " + r.to.Time().Format("2006-01-02") + "\n")
		}
	}
	b.WriteString(imagesConfig(images))
	path := filepath.Join(dir, ConfigName)
	if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
		return storage("write", path, err)
	}
	return nil
}

func field(b *strings.Builder, name, value string) {
	if value != "" {
		fmt.Fprintf(b, "    %s: %q\n", name, value)
	}
}
