package config

import (
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"time"
)

// checkDeliver checks deliveries and makes their paths absolute.
func (c *Config) checkDeliver(env map[string]string) []error {
	var wrong []error
	names := map[string]bool{}
	for i := range c.Deliver {
		d, key := &c.Deliver[i], fmt.Sprintf("deliver[%d]", i+1)
		fail := func(name, text string) { wrong = append(wrong, c.wrong(key, name, text)) }
		if strings.Trim(d.Name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" || d.Name == "" || len(d.Name) > 64 {
			fail("name", fmt.Sprintf("%q is not a name of lower-case letters, digits, - and _", d.Name))
		}
		if names[d.Name] {
			fail("name", "there are two deliveries "+d.Name)
		}
		names[d.Name] = true
		d.Formats, d.Format = append(d.Formats, d.Format...), nil
		d.problems(fail)
		c.findKinds(d, key)
		c.checkClientsOf(d, fail)
		for _, name := range slices.Sorted(maps.Keys(d.Clients)) {
			for _, m := range d.clientMistakes(d.Clients[name]) {
				wrong = append(wrong, c.wrong(key+".clients."+name, m.key, m.text).WithHint("%s", m.hint))
			}
		}
		if len(d.Kinds()) == 0 {
			fail("target", "is missing: a delivery must say where to, by directory, s3, sns or mail")
		}
		for j := range d.Targets {
			c.checkTarget(&d.Targets[j], d, env, fail)
		}
		c.checkTarget(&d.Target, d, env, fail)
	}
	return wrong
}

// findKinds notes which kinds of targets the file names for a delivery.
func (c *Config) findKinds(d *Deliver, key string) {
	find := func(t *DeliverTarget, key string) {
		t.kinds = nil
		for _, kind := range strings.Fields("directory s3 sns mail") {
			if _, named := c.origins[key+"."+kind]; named {
				t.kinds = append(t.kinds, kind)
			}
		}
	}
	find(&d.Target, key+".target")
	for i := range d.Targets {
		find(&d.Targets[i], fmt.Sprintf("%s.targets[%d]", key, i+1))
	}
}

// problems checks what a delivery sends.
func (d *Deliver) problems(fail func(name, text string)) {
	switch {
	case d.Report == "" && len(d.Reports) == 0:
		fail("report", "is missing: a delivery must name a report, or reports")
	case d.Report != "" && len(d.Reports) > 0:
		fail("reports", "give report or reports, not both")
	case d.Report == "" && (d.Argument != "" || len(d.Columns) > 0):
		fail("reports", "argument and columns stand with each of the reports")
	}
	if d.Report != "" {
		d.Reports = []DeliverReport{{Report: d.Report, Argument: d.Argument, Columns: d.Columns}}
		d.Report, d.Argument, d.Columns = "", "", nil
	}
	seen := map[string]bool{}
	for _, r := range d.Reports {
		name := r.As
		if name == "" {
			name = r.Report
		}
		if r.Report == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyz0123456789_-") != "" {
			fail("reports", fmt.Sprintf("%q is not the name of a report", name))
		}
		if seen[name] {
			fail("reports", fmt.Sprintf("%s is there twice: name one of them with as", name))
		}
		seen[name] = true
	}
	if len(d.Formats) == 0 {
		d.Formats = []string{"csv"}
	}
	known := map[string]bool{}
	for _, f := range d.Formats {
		if !contains(strings.Fields("table json jsonl csv seed"), f) || known[f] {
			fail("formats", fmt.Sprintf("%q is not one of table, json, jsonl, csv, seed, each once", f))
		}
		known[f] = true
	}
}

// checkClientsOf checks what a delivery says of clients.
func (c *Config) checkClientsOf(d *Deliver, fail func(name, text string)) {
	if !d.ForEachClient && len(d.Clients) > 0 {
		fail("clients", "is of use only with for_each_client: true")
	}
	names := c.ClientNames()
	if d.ForEachClient && len(names) == 0 && !c.told("clients") {
		fail("for_each_client", "there are no clients: no rule of clients names one")
	}
	for _, name := range slices.Sorted(maps.Keys(d.Clients)) {
		if d.ForEachClient && !contains(names, name) && !c.told("clients") {
			fail("clients", fmt.Sprintf("no rule of clients names %q", name))
		}
	}
	if d.ForEachClient {
		if _, own := d.Parameters["client"]; own {
			fail("parameters", "client is what for_each_client gives")
		}
	}
}

// mistake is what is wrong at a key, and what to do.
type mistake struct{ key, text, hint string }

// clientMistakes checks what differs for one client. What no target takes would never
// reach the client while the delivery counts as sent, so it is refused.
func (d *Deliver) clientMistakes(o DeliverClient) []mistake {
	var out []mistake
	if o.To != nil && len(o.To) == 0 {
		out = append(out, mistake{"to", "names nobody: the client's mail could never be sent", "name its recipients, or leave to out for those of the target"})
	}
	for _, x := range []struct {
		key, kind string
		given     bool
	}{{"to", "mail", o.To != nil}, {"cc", "mail", o.CC != nil}, {"topic_arn", "sns", o.TopicARN != ""}} {
		if x.given && !d.sends(x.kind) {
			out = append(out, mistake{x.key, "is of use only with a target " + x.kind + ", and the delivery has none", "add " + x.kind + " to target, or leave " + x.key + " out"})
		}
	}
	if o.TopicARN != "" && !isTopic(o.TopicARN) {
		out = append(out, mistake{"topic_arn", notTopic(o.TopicARN), ""})
	}
	return out
}

// checkTarget checks the kinds of a target.
func (c *Config) checkTarget(t *DeliverTarget, d *Deliver, env map[string]string, fail func(name, text string)) {
	if t.has("directory") {
		if t.Directory.Path == "" {
			fail("target", "directory.path is missing")
		} else {
			t.Directory.Path = c.besideFile(t.Directory.Path, env)
		}
	}
	if s := t.S3; t.has("s3") {
		if s.Bucket == "" || strings.ContainsAny(s.Bucket, "/: ") {
			fail("target", fmt.Sprintf("s3.bucket: %q is not the name of a bucket", s.Bucket))
		}
		if key, text := s.Identity.problem(s.Endpoint); key != "" {
			fail("target", "s3."+key+": "+text)
		}
	}
	if s := t.SNS; t.has("sns") {
		if !isTopic(s.TopicARN) && !(s.TopicARN == "" && !d.anyone(c, func(o DeliverClient) bool { return o.TopicARN == "" })) {
			fail("target", "sns.topic_arn: "+notTopic(s.TopicARN))
		}
		if s.LinkExpires < 0 || s.LinkExpires > 7*24*time.Hour {
			fail("target", "sns.link_expires: no link holds longer than 168h")
		}
		if key, text := s.Identity.problem(s.Endpoint); key != "" {
			fail("target", "sns."+key+": "+text)
		}
	}
	if t.has("mail") {
		c.checkMail(&t.Mail, d, env, fail)
	}
}

func (c *Config) checkMail(m *MailTarget, d *Deliver, env map[string]string, fail func(name, text string)) {
	if m.TLS == "" {
		m.TLS = "starttls"
	}
	find := func(bad bool, text string) {
		if bad {
			fail("target", text)
		}
	}
	password := m.PasswordEnv != "" || m.PasswordFile != ""
	find(m.Host == "", "mail.host is missing")
	find(!contains(strings.Fields("starttls tls none"), m.TLS), fmt.Sprintf("mail.tls: %q is not one of starttls, tls, none", m.TLS))
	find(m.Port < 0 || m.Port > 65535, fmt.Sprintf("mail.port: %d is not a port", m.Port))
	find(m.From == "", "mail.from is missing")
	find(d.anyone(c, func(o DeliverClient) bool { return m.For(o).reachesNobody() }), "mail.to is missing: nobody would get the mail, or that of some clients")
	find(m.PasswordEnv != "" && m.PasswordFile != "", "mail: give password_env or password_file, not both")
	find(password && m.User == "", "mail.user is missing: a password is of use only with a user")
	find(m.User != "" && !password, "mail.user needs password_env or password_file: a password never stands in this file")
	find(m.User != "" && m.TLS == "none" && !localHost(m.Host),
		"mail.tls: a password is never sent without TLS but to this machine itself: take starttls or tls, or leave user out")
	m.FromEnv = Secret(env[m.PasswordEnv])
	for _, path := range []*string{&m.CAFile, &m.PasswordFile} {
		if *path != "" {
			*path = c.besideFile(*path, env)
		}
	}
}

// localHost reports whether a mail server is on this machine.
func localHost(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// anyone asks of each client of the delivery, or of what is for all, and reports whether
// it is so for one of them.
func (d *Deliver) anyone(c *Config, is func(DeliverClient) bool) bool {
	if !d.ForEachClient {
		return is(DeliverClient{})
	}
	for _, name := range c.ClientNames() {
		if is(d.Clients[name]) {
			return true
		}
	}
	return false
}

func (m MailTarget) reachesNobody() bool { return len(m.To)+len(m.CC) == 0 }

func isTopic(arn string) bool {
	parts := strings.Split(arn, ":")
	return len(parts) == 6 && parts[0] == "arn" && parts[2] == "sns" && parts[3] != "" && isAccount(parts[4]) && parts[5] != ""
}

func notTopic(text string) string {
	return fmt.Sprintf("%q is not the ARN of a topic such as arn:aws:sns:eu-west-1:111122223333:reports", text)
}
