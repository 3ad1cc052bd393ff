package deliver

import (
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/schedule"
)

// Plan is one delivery of the configuration.
type Plan struct {
	Name string
	// Schedule is nil where the delivery is sent only by hand.
	Schedule *schedule.Schedule
	Zone     *time.Location
	Period   schedule.Period
	Reports  []Report
	Formats  []string
	Targets  []Target
	// Clients are those that get a delivery of their own; else it is one without a name.
	Clients []Client
}

// Report is one report of a delivery.
type Report struct {
	// As is what its files are called, Name which report it is.
	As, Name, Argument string
	Parameters         map[string]string
	Columns            []string
}

// Client is whom a delivery is for.
type Client struct {
	// Name is empty for a delivery that is for all.
	Name string
	config.DeliverClient
}

// Target is one place of a delivery.
type Target struct {
	// ID names it in the state: its kind, and a number from the second of a kind on.
	ID string
	config.DeliverTarget
	// Template is that of keys, Subject that of subjects; empty where there is none.
	Template, Subject string
}

// Compile reads the deliveries of a configuration that config has checked. It collects
// everything that is wrong, with file and line: CodeUsage.
func Compile(c *config.Config) ([]Plan, error) {
	var plans []Plan
	var wrong []error
	for i := range c.Deliver {
		d, key := &c.Deliver[i], fmt.Sprintf("deliver[%d]", i+1)
		fail := func(name string, err error) {
			if err == nil {
				return
			}
			place := c.Origin(key + "." + name)
			if place == "default" {
				place = c.Origin(key)
			}
			wrong = append(wrong, trailhouse.Errorf(trailhouse.CodeUsage, "%s: %s.%s: %w", place, key, name, err).WithHint("%s", trailhouse.HintOf(err)))
		}
		plans = append(plans, compile(c, d, fail))
	}
	return plans, errors.Join(wrong...)
}

// compile reads one delivery.
func compile(c *config.Config, d *config.Deliver, fail func(name string, err error)) Plan {
	p := Plan{Name: d.Name, Formats: d.Formats, Zone: time.UTC}
	var err error
	if zone, err := schedule.Zone(d.TimeZone); err == nil {
		p.Zone = zone
	} else {
		fail("time_zone", err)
	}
	if d.Schedule != "" {
		p.Schedule, err = schedule.Parse(d.Schedule, p.Zone)
		fail("schedule", err)
	}
	p.Period, err = schedule.ParsePeriod(d.Period)
	fail("period", err)
	for _, r := range d.Reports {
		p.Reports = append(p.Reports, reportOf(d, r))
	}
	p.Clients = []Client{{}}
	if d.ForEachClient {
		p.Clients = nil
		for _, name := range c.ClientNames() {
			p.Clients = append(p.Clients, Client{name, d.Clients[name]})
		}
	}
	counts := map[string]int{}
	for _, kind := range d.Kinds() {
		t := Target{ID: kind.Kind(), DeliverTarget: kind}
		if counts[t.ID]++; counts[t.ID] > 1 {
			t.ID = fmt.Sprintf("%s %d", t.ID, counts[t.ID])
		}
		t.Template, t.Subject = templates(kind)
		fail("target", t.check(&p))
		p.Targets = append(p.Targets, t)
	}
	slices.SortStableFunc(p.Targets, func(a, b Target) int { return order(a) - order(b) })
	return p
}

// order has what is stored go before what links to it.
func order(t Target) int {
	return slices.Index([]string{"directory", "s3", "sns", "mail"}, t.Kind())
}

// reportOf returns a report with the parameters of the whole delivery below its own.
func reportOf(d *config.Deliver, r config.DeliverReport) Report {
	out := Report{As: r.As, Name: r.Report, Argument: r.Argument, Parameters: map[string]string{}, Columns: r.Columns}
	if out.As == "" {
		out.As = r.Report
	}
	for _, from := range []map[string]string{d.Parameters, r.Parameters} {
		for name, value := range from {
			out.Parameters[name] = value
		}
	}
	return out
}

// DefaultKey is the template of keys where none is given.
const DefaultKey = "{delivery}/{client}/{report}/{period_from}/{delivery_id}.{ext}"

// templates returns the templates of key and subject of a target.
func templates(t config.DeliverTarget) (key, subject string) {
	switch t.Kind() {
	case "directory":
		key = t.Directory.Key
	case "s3":
		key = t.S3.Key
		if key == "" {
			key = DefaultKey
		}
		return strings.Trim(t.S3.Prefix, "/") + "/" + strings.TrimLeft(key, "/"), ""
	case "sns":
		return "", t.SNS.Subject
	case "mail":
		return "", t.Mail.Subject
	}
	if key == "" {
		key = DefaultKey
	}
	return key, ""
}

var placeholder = regexp.MustCompile(`\{([^{}]*)\}`)

// placeholders are the words that templates know.
func placeholders() []string {
	return []string{"delivery", "client", "report", "period_from", "period_to", "scheduled", "delivery_id", "format", "ext"}
}

// check finds what is wrong with templates and addresses.
func (t Target) check(p *Plan) error {
	for _, template := range []string{t.Template, t.Subject} {
		for _, m := range placeholder.FindAllStringSubmatch(template, -1) {
			if !slices.Contains(placeholders(), m[1]) {
				return trailhouse.Errorf(trailhouse.CodeUsage, "%s: there is no {%s} in templates", t.ID, m[1]).
					WithHint("there are {%s}", strings.Join(placeholders(), "}, {"))
			}
		}
		if strings.ContainsAny(placeholder.ReplaceAllString(template, ""), "{}\n\r") {
			return trailhouse.Errorf(trailhouse.CodeUsage, "%s: %q is not a template: braces stand around words only", t.ID, template)
		}
	}
	if t.Kind() == "mail" {
		return t.checkAddresses(p)
	}
	if t.Template == "" {
		return nil
	}
	if slices.Contains(strings.Split(t.Template, "/"), "..") {
		return trailhouse.Errorf(trailhouse.CodeUsage, "%s.key: %q leads out of its folder with ..", t.ID, t.Template).
			WithHint("a key goes below the target's own folder: name another folder there")
	}
	need := map[string]bool{
		"delivery_id": true, "report": len(p.Reports) > 1,
		"ext": len(p.Formats) > 1 && !strings.Contains(t.Template, "{format}"),
	}
	for _, word := range placeholders() {
		if need[word] && !strings.Contains(t.Template, "{"+word+"}") {
			return trailhouse.Errorf(trailhouse.CodeUsage, "%s.key must hold {%s}, so that no two files have one name", t.ID, word)
		}
	}
	return nil
}

// checkAddresses reads every address of a mail.
func (t Target) checkAddresses(p *Plan) error {
	all := slices.Concat([]string{t.Mail.From}, t.Mail.To, t.Mail.CC)
	if t.Mail.From == "" {
		all = all[1:] // which config tells
	}
	if t.Mail.ReplyTo != "" {
		all = append(all, t.Mail.ReplyTo)
	}
	for _, c := range p.Clients {
		all = append(append(all, c.To...), c.CC...)
	}
	var bad []string
	for _, a := range all {
		if _, err := mail.ParseAddress(a); err != nil && !slices.Contains(bad, strconv.Quote(a)) {
			bad = append(bad, strconv.Quote(a))
		}
	}
	if len(bad) == 0 {
		return nil
	}
	text := " is not one mail address"
	if len(bad) > 1 {
		text = " are not one mail address each"
	}
	return trailhouse.Errorf(trailhouse.CodeUsage, "%s: %s%s", t.ID, strings.Join(bad, ", "), text).
		WithHint("write several addresses as a list: [a@example.com, b@example.com]")
}

// For returns the target with what differs for the client. What does is of one kind, and
// changes targets of that kind alone.
func (t Target) For(c Client) Target {
	switch t.Kind() {
	case "mail":
		t.Mail = t.Mail.For(c.DeliverClient)
	case "sns":
		if c.TopicARN != "" {
			t.SNS.TopicARN = c.TopicARN
		}
	}
	return t
}

// Address says in words where the target is.
func (t Target) Address() string {
	switch t.Kind() {
	case "s3":
		return strings.TrimSuffix("s3://"+t.S3.Bucket+"/"+strings.Trim(t.S3.Prefix, "/"), "/")
	case "sns":
		return t.SNS.TopicARN
	case "mail":
		return "mailto:" + strings.Join(append(slices.Clone(t.Mail.To), t.Mail.CC...), ",")
	}
	return t.Directory.Path
}
