package config

import (
	"os"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Deliver is one delivery: reports that `trailhouse run` sends by a schedule. This
// package checks its keys and types; internal/deliver owns what schedule, period and
// templates mean and checks them.
type Deliver struct {
	// Line is the line of trailhouse.yaml on which the delivery starts, for messages.
	Line int `yaml:"-"`

	// What the delivery is called, once in the file: lower-case letters, digits, - and _.
	// The name is part of each delivery id, so another name is another delivery.
	Name string `yaml:"name"`
	// Report to deliver; `reports` where there are several.
	Report string `yaml:"report"`
	// What the report asks for behind its name; with `report` only.
	Argument string `yaml:"argument"`
	// Parameters of the report by name; with `reports` those of all of them, where a
	// report says nothing else for itself.
	Parameters map[string]string `yaml:"parameters"`
	// Columns of the answer, in this order; empty for all. With `report` only.
	Columns []string `yaml:"columns"`
	// Reports to deliver together.
	Reports []DeliverReport `yaml:"reports"`
	// Time that the reports cover, counted from the instant of the schedule and never from
	// the moment of sending: `last 4w` (as `--last 4w`), `yesterday`, `last week`,
	// `last month`, `last quarter`, `last year`, `today`, `week to date`, `month to date`,
	// `year to date`. Empty for all there is. Days, weeks (from Monday) and months are
	// those of `time_zone`.
	Period string `yaml:"period"`
	// Formats of the files: table, json, jsonl, csv, or seed where the report has it.
	// Empty for csv.
	Formats []string `yaml:"formats"`
	// The same as `formats`.
	Format []string `yaml:"format"`
	// When to deliver: five fields of cron (`0 6 3 * *`), or `hourly`, `daily`,
	// `daily at 06:00`, `weekdays at 07:00`, `weekly on monday at 07:00`, `monthly`,
	// `monthly on day 3`, `monthly on the last day at 18:00`, `quarterly`, `yearly`. A day
	// that a month does not have is its last day (not so with cron). Without a schedule
	// only `trailhouse run --now NAME` delivers it.
	Schedule string `yaml:"schedule"`
	// Time zone of schedule and period, such as Europe/Paris. A wall-clock time that a
	// change of the clock leaves out is the first instant behind it; one that comes twice
	// is the first. Empty for UTC.
	TimeZone string `yaml:"time_zone"`
	// Where to: at least one of the four kinds, and one or more of them.
	Target DeliverTarget `yaml:"target"`
	// Further places, also of a kind that is there already.
	Targets []DeliverTarget `yaml:"targets"`
	// One delivery for each client of `clients` in this file, with the report's parameter
	// `client`, which it must have, so that nobody gets the figures of another.
	ForEachClient bool `yaml:"for_each_client"`
	// What differs for a client, by its name; with `for_each_client` only.
	Clients map[string]DeliverClient `yaml:"clients"`
}

// DeliverReport is one of several reports of a delivery.
type DeliverReport struct {
	// Name of the report. A text in place of the mapping stands for it.
	Report string `yaml:"report" short:"true"`
	// What the report asks for behind its name.
	Argument string `yaml:"argument"`
	// Parameters of the report by name.
	Parameters map[string]string `yaml:"parameters"`
	// Columns of the answer, in this order; empty for all.
	Columns []string `yaml:"columns"`
	// What its files are called; needed where one report is there twice. Empty for the
	// report's name.
	As string `yaml:"as"`
}

// DeliverTarget is a place that reports are sent to: one of its kinds, or several.
type DeliverTarget struct {
	// A directory of this machine.
	Directory DirectoryTarget `yaml:"directory"`
	// A bucket.
	S3 S3Target `yaml:"s3"`
	// A topic of SNS: a summary, and links to the objects of the s3 target before it.
	SNS SNSTarget `yaml:"sns"`
	// Mail by SMTP: text and HTML with the first rows, and all files attached. There is no
	// size limit of ours; a server that refuses a mail as too large (552) gets it no more,
	// see docs/deliver.md.
	Mail MailTarget `yaml:"mail"`

	// kinds are those that the file names, also where nothing stands below one: of what is
	// read from the fields, what differs for a client would change the kind.
	kinds []string `yaml:"-"`
}

// DirectoryTarget is a directory.
type DirectoryTarget struct {
	// Its path, made where it is missing. A text in place of the mapping stands for it.
	Path string `yaml:"path" short:"true"`
	// As the key of `s3`: path of a file below the directory.
	Key string `yaml:"key"`
}

// S3Target is a bucket. Who we are and where the server is comes from `aws` as far as
// the target does not say otherwise, as it does for sources.
type S3Target struct {
	// Name of the bucket.
	Bucket string `yaml:"bucket"`
	// Folder in the bucket, before the key. May be empty.
	Prefix string `yaml:"prefix"`
	// Key of an object, with {delivery}, {client}, {report}, {period_from}, {period_to},
	// {scheduled}, {delivery_id}, {format} and {ext}. It must hold {delivery_id}, and
	// {report} and {ext} where there are several. Empty for
	// {delivery}/{client}/{report}/{period_from}/{delivery_id}.{ext}; a part that is empty
	// falls out.
	Key string `yaml:"key"`
	// Key of KMS to encrypt with; empty for what the bucket does by itself.
	KMSKeyID string `yaml:"kms_key_id"`
	Access
}

// SNSTarget is a topic.
type SNSTarget struct {
	// ARN of the topic; it names the region too.
	TopicARN string `yaml:"topic_arn"`
	// How long a link holds at most, up to 168h, the default. With credentials that expire
	// a link ends with them.
	LinkExpires time.Duration `yaml:"link_expires"`
	// Subject, with the words of a key in braces. Empty for title and period.
	Subject string `yaml:"subject"`
	Identity
	// URL of a server that speaks SNS. Empty for `aws.endpoint`: where that speaks only S3,
	// name SNS's own here, such as https://sns.eu-west-1.amazonaws.com.
	Endpoint string `yaml:"endpoint"`
}

// MailTarget is a mail server and who gets mail through it.
type MailTarget struct {
	// Name or address of the SMTP server.
	Host string `yaml:"host"`
	// Its port. Empty for 587 with starttls, 465 with tls and 25 with none.
	Port int64 `yaml:"port"`
	// starttls (the default; it must be offered), tls from the first byte, or none.
	TLS string `yaml:"tls"`
	// File with certificates (PEM) that are trusted beside those of the machine.
	CAFile string `yaml:"ca_file"`
	// User to log in as; empty for none. Never without TLS but at this machine itself.
	User string `yaml:"user"`
	// Variable of the environment that holds the password.
	PasswordEnv string `yaml:"password_env"`
	// File that holds the password on its first line.
	PasswordFile string `yaml:"password_file"`
	// Sender, such as "Trailhouse <reports@example.com>".
	From string `yaml:"from"`
	// Recipients.
	To []string `yaml:"to"`
	// Recipients of a copy.
	CC []string `yaml:"cc"`
	// Whom an answer goes to.
	ReplyTo string `yaml:"reply_to"`
	// Subject, with the words of a key in braces. Empty for title and period.
	Subject string `yaml:"subject"`

	// FromEnv is what PasswordEnv holds.
	FromEnv Secret `yaml:"-"`
}

// DeliverClient is what differs for one client.
type DeliverClient struct {
	// Recipients of mail, in place of `to` of each mail target; its `cc` stays.
	To []string `yaml:"to"`
	// Recipients of a copy, in place of `cc` of each mail target; [] for none. Its `to`
	// stays.
	CC []string `yaml:"cc"`
	// Topic, in place of that of each sns target.
	TopicARN string `yaml:"topic_arn"`
}

// Kinds returns the targets with one kind each, in the order directory, s3, sns, mail
// for each mapping of the file.
func (d *Deliver) Kinds() []DeliverTarget {
	var out []DeliverTarget
	for _, t := range append([]DeliverTarget{d.Target}, d.Targets...) {
		for _, kind := range t.kinds {
			one := DeliverTarget{kinds: []string{kind}}
			switch kind {
			case "directory":
				one.Directory = t.Directory
			case "s3":
				one.S3 = t.S3
			case "sns":
				one.SNS = t.SNS
			case "mail":
				one.Mail = t.Mail
			}
			out = append(out, one)
		}
	}
	return out
}

// Kind returns directory, s3, sns or mail for a target of Kinds, and nothing for another.
func (t DeliverTarget) Kind() string {
	if len(t.kinds) != 1 {
		return ""
	}
	return t.kinds[0]
}

// has reports whether the file names the kind.
func (t *DeliverTarget) has(kind string) bool { return contains(t.kinds, kind) }

// sends reports whether the delivery has a target of the kind.
func (d *Deliver) sends(kind string) bool {
	for _, t := range d.Kinds() {
		if t.Kind() == kind {
			return true
		}
	}
	return false
}

// Password returns the password of the mail server: the variable's or the file's first
// line. CodeUsage where it is not there. It is read when it is needed, so that nothing
// else fails where it is missing and a new one is found.
func (m MailTarget) Password() (Secret, error) {
	switch {
	case m.PasswordEnv != "":
		if m.FromEnv == "" {
			return "", trailhouse.Errorf(trailhouse.CodeUsage, "the variable %s, which holds the password of %s, is not set", m.PasswordEnv, m.Host)
		}
		return m.FromEnv, nil
	case m.PasswordFile != "":
		text, err := os.ReadFile(m.PasswordFile)
		if err != nil {
			return "", trailhouse.Errorf(trailhouse.CodeUsage, "the password of %s cannot be read: %w", m.Host, err)
		}
		line, _, _ := strings.Cut(string(text), "\n")
		return Secret(strings.TrimSuffix(line, "\r")), nil
	}
	return "", nil
}

// For returns the target with the recipients of a client: its to and its cc, each where
// it has one, in place of those of the target.
func (m MailTarget) For(o DeliverClient) MailTarget {
	if o.To != nil {
		m.To = o.To
	}
	if o.CC != nil {
		m.CC = o.CC
	}
	return m
}

// AccessS3 returns who we are and where the server is for a target.
func (c *Config) AccessS3(t S3Target) AWS {
	return c.accessOf(t.Access)
}

// AccessSNS returns who we are and where the server is for a topic, which is in the
// region of its ARN.
func (c *Config) AccessSNS(t SNSTarget) AWS {
	a := c.accessOf(Access{Identity: t.Identity, Endpoint: t.Endpoint})
	if parts := strings.Split(t.TopicARN, ":"); len(parts) == 6 {
		a.Region = parts[3]
	}
	return a
}

// ClientNames returns the clients that the rules name, each once, in the order of the
// file.
func (c *Config) ClientNames() []string {
	var out []string
	for _, rule := range c.Clients {
		if !contains(out, rule.Client) {
			out = append(out, rule.Client)
		}
	}
	return out
}
