package clients

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"regexp/syntax"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

// Unattributed is the client of everything that no rule claims.
const Unattributed = config.Unattributed

// numbering is what nitro-cli puts behind a name that a live enclave has already:
// _1, _2, … (facts/nitro.md 2.3). \z is the end of the text in RE2 and in Trino.
const numbering = `_[1-9][0-9]*\z`

// Rules are the compiled client rules together with what the user knows about
// hosts. They never change once compiled.
type Rules struct {
	rules []rule
	hosts []host
}

// rule is one compiled rule: conditions that must all hold.
type rule struct {
	line       int
	client     string
	conditions []condition
}

// condition is one property that a rule asks for.
type condition struct {
	// text is the condition as a person wrote it.
	text string
	// sql gives a boolean expression that is never null.
	sql func(subject) string
}

// subject names the SQL expressions of what rules speak about. An expression that
// is empty stands for something that the rows do not have.
type subject struct {
	name, eif, pcr0, pcr8, instance, account, tags, at string
}

// host is one host of the configuration.
type host struct {
	instance string
	config.Host
}

// Compile checks the rules and hosts of the configuration file and compiles them.
// The error of the first rule that cannot be used is of CodeUsage and names file
// and line.
func Compile(file string, rules []config.ClientRule, hosts map[string]config.Host) (*Rules, error) {
	r := &Rules{}
	var wrong []error
	for i, given := range rules {
		compiled, err := compile(given)
		if err != nil {
			wrong = append(wrong, trailhouse.Errorf(trailhouse.CodeUsage, "%s:%d: clients: rule %d: %w", file, given.Line, i+1, err).
				WithHint("correct the rule in %s; `trailhouse config check` tells whether it can be used", file))
		}
		r.rules = append(r.rules, compiled)
	}
	for _, instance := range slices.Sorted(maps.Keys(hosts)) {
		if err := checkHost(instance, hosts[instance]); err != nil {
			wrong = append(wrong, trailhouse.Errorf(trailhouse.CodeUsage, "%s: hosts: %s: %w", file, strconv.Quote(instance), err).
				WithHint("correct the host in %s", file))
		}
		r.hosts = append(r.hosts, host{instance, hosts[instance]})
	}
	if len(wrong) > 0 {
		return nil, errors.Join(wrong...)
	}
	slices.SortFunc(r.hosts, func(a, b host) int { return strings.Compare(a.instance, b.instance) })
	return r, nil
}

// Clients returns the clients that rules name, each once, in the order of the file,
// and Unattributed behind them.
func (r *Rules) Clients() []string {
	var out []string
	for _, rule := range r.rules {
		if !slices.Contains(out, rule.client) && rule.client != Unattributed {
			out = append(out, rule.client)
		}
	}
	return append(out, Unattributed)
}

func compile(given config.ClientRule) (rule, error) {
	r := rule{line: given.Line, client: given.Client}
	if strings.TrimSpace(given.Client) == "" {
		return r, fmt.Errorf("client is missing")
	}
	if err := checkText("client", given.Client); err != nil {
		return r, err
	}
	steps := []func(*rule, config.ClientRule) error{addName, addNameRegex, addEIF, addPCRs, addPlace, addTags, addDates}
	for _, step := range steps {
		if err := step(&r, given); err != nil {
			return r, err
		}
	}
	return r, nil
}

// add appends a condition whose SQL is false where the property is null or where
// the rows have no such property.
func (r *rule) add(text string, property func(subject) string, sql func(of string) string) {
	r.conditions = append(r.conditions, condition{text, func(s subject) string {
		of := property(s)
		if of == "" {
			return "false"
		}
		return "coalesce(" + sql(of) + ", false)"
	}})
}

func nameOf(s subject) string     { return s.name }
func eifOf(s subject) string      { return s.eif }
func pcr0Of(s subject) string     { return s.pcr0 }
func pcr8Of(s subject) string     { return s.pcr8 }
func instanceOf(s subject) string { return s.instance }
func accountOf(s subject) string  { return s.account }
func tagsOf(s subject) string     { return s.tags }
func instantOf(s subject) string  { return s.at }

func addName(r *rule, given config.ClientRule) error {
	if given.Name == "" {
		return nil
	}
	p, err := checkedGlob("name", given.Name)
	if err != nil {
		return err
	}
	r.add("name "+quoted(given.Name), nameOf, eitherName(p.test))
	return nil
}

func addNameRegex(r *rule, given config.ClientRule) error {
	if given.NameRegex == "" {
		return nil
	}
	if err := checkText("name_regex", given.NameRegex); err != nil {
		return err
	}
	whole, err := wholeRegex(given.NameRegex)
	if err != nil {
		return fmt.Errorf("name_regex %s: %w", quoted(given.NameRegex), err)
	}
	r.add("name_regex "+quoted(given.NameRegex), nameOf, eitherName(pattern{regex: whole}.test))
	return nil
}

// wholeRegex returns the expression so that it matches a whole text only. It is
// read alone first: a stray ) must not end the group around it.
func wholeRegex(text string) (string, error) {
	parsed, err := syntax.Parse(text, syntax.Perl)
	if err != nil {
		return "", err
	}
	if slices.ContainsFunc(parsed.CapNames(), func(name string) bool { return name != "" }) {
		return "", fmt.Errorf("a group with a name, which engines spell differently: write ( … )")
	}
	whole := `\A(?:` + text + `)\z`
	_, err = regexp.Compile(whole)
	return whole, err
}

// eitherName asks of a name as it is and of the name without nitro-cli's
// numbering: a rule may name client_1 itself.
func eitherName(test func(of string) string) func(string) string {
	return func(name string) string {
		base := "regexp_replace(" + name + ", " + literal(numbering) + ", '')"
		return "(" + test(name) + " OR " + test(base) + ")"
	}
}

func addEIF(r *rule, given config.ClientRule) error {
	if given.EIF == "" {
		return nil
	}
	p, err := checkedGlob("eif", given.EIF)
	if err != nil {
		return err
	}
	r.add("eif "+quoted(given.EIF), eifOf, p.test)
	return nil
}

func addPCRs(r *rule, given config.ClientRule) error {
	for _, pcr := range []struct {
		key, value string
		of         func(subject) string
	}{{"pcr0", given.PCR0, pcr0Of}, {"pcr8", given.PCR8, pcr8Of}} {
		if pcr.value == "" {
			continue
		}
		value, err := config.ParsePCR(pcr.value)
		if err != nil {
			return fmt.Errorf("%s: %w", pcr.key, err)
		}
		r.add(pcr.key+" "+value, pcr.of, pattern{literal: value}.test)
	}
	return nil
}

func addPlace(r *rule, given config.ClientRule) error {
	if given.Instance != "" {
		if err := checkText("instance", given.Instance); err != nil {
			return err
		}
		r.add("instance "+quoted(given.Instance), instanceOf, pattern{literal: given.Instance}.test)
	}
	if given.Account != "" {
		if err := checkAccount(given.Account); err != nil {
			return err
		}
		r.add("account "+given.Account, accountOf, pattern{literal: given.Account}.test)
	}
	return nil
}

func addTags(r *rule, given config.ClientRule) error {
	keys := make([]string, 0, len(given.Tag))
	for key := range given.Tag {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		value := given.Tag[key]
		if err := checkTag(key, value); err != nil {
			return err
		}
		r.add("tag "+quoted(key)+" = "+quoted(value), tagsOf, func(tags string) string {
			return "contains(" + tags + ", " + literal(tagText(key, value)) + ")"
		})
	}
	return nil
}

func addDates(r *rule, given config.ClientRule) error {
	from, to := given.From.UTC(), given.To.UTC()
	if !from.IsZero() && !to.IsZero() && !from.Before(to) {
		return fmt.Errorf("from %s is not before to %s, so the rule is never in force", from.Format(time.RFC3339), to.Format(time.RFC3339))
	}
	if !from.IsZero() {
		r.add("from "+from.Format(time.RFC3339Nano), instantOf, func(at string) string { return at + " >= " + timestamp(from) })
	}
	if !to.IsZero() {
		r.add("to "+to.Format(time.RFC3339Nano), instantOf, func(at string) string { return at + " < " + timestamp(to) })
	}
	return nil
}

// test gives the SQL that asks whether an expression matches the pattern.
func (p pattern) test(of string) string {
	if p.regex == "" {
		return of + " = " + literal(p.literal)
	}
	return "regexp_like(" + of + ", " + literal(p.regex) + ")"
}

func checkedGlob(key, glob string) (pattern, error) {
	if err := checkText(key, glob); err != nil {
		return pattern{}, err
	}
	p, err := compileGlob(glob)
	if err != nil {
		return pattern{}, fmt.Errorf("%s %s: %w", key, quoted(glob), err)
	}
	return p, nil
}

func checkHost(instance string, h config.Host) error {
	if instance == "" {
		return fmt.Errorf("the instance id is missing")
	}
	if err := checkText("instance", instance); err != nil {
		return err
	}
	if h.Account != "" {
		if err := checkAccount(h.Account); err != nil {
			return err
		}
	}
	if err := checkText("instance_type", h.InstanceType); err != nil {
		return err
	}
	for key, value := range h.Tags {
		if err := checkTag(key, value); err != nil {
			return err
		}
	}
	return nil
}

// checkAccount accepts 12 digits: a YAML number loses the zeros in front, which
// would name another account or none.
func checkAccount(account string) error {
	if len(account) != 12 || strings.Trim(account, "0123456789") != "" {
		return fmt.Errorf("account %s: an account id has 12 digits; write it in quotes", quoted(account))
	}
	return nil
}

// checkTag keeps key=value unambiguous.
func checkTag(key, value string) error {
	if key == "" || strings.Contains(key, "=") {
		return fmt.Errorf("tag %s: a tag key is not empty and holds no =", quoted(key))
	}
	if err := checkText("tag", key); err != nil {
		return err
	}
	return checkText("tag", value)
}

// checkText refuses what cannot be written in SQL or shown in a table.
func checkText(key, text string) error {
	if !utf8.ValidString(text) {
		return fmt.Errorf("%s %s is not UTF-8", key, quoted(text))
	}
	if strings.ContainsFunc(text, unicode.IsControl) {
		return fmt.Errorf("%s %s holds a control character", key, quoted(text))
	}
	return nil
}

func quoted(text string) string { return strconv.Quote(text) }
