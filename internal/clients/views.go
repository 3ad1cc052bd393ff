package clients

import (
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// countedSQL is CountedSQL. The caller's own account has the record of a call that counts,
// else the least account, so that the order of imports leaves no trace.
//
//go:embed counted.sql
var countedSQL string

// onceSQL is kms_calls without further records of the same call. Rows without a
// sharedeventid are not looked up.
const onceSQL = "(SELECT * FROM kms_calls WHERE sharedeventid IS NULL\n  UNION ALL\n" +
	"  SELECT * FROM kms_calls WHERE sharedeventid IS NOT NULL AND event_key IN (SELECT event_key FROM kms_counted))"

// Views returns the derived views of the rules, in the Trino subset, in the order
// in which they build on one another:
//
//	hosts                  instance_id, account_id, instance_type, tags (array of key=value)
//	enclave_usage          enclave_sessions with account_id, instance_type, client_rule, client
//	enclave_attempts_usage enclave_attempts with the same four columns
//	kms_counted            event_key of the record that counts, of each call that may be in
//	                       the trails of several accounts
//	kms_usage              each call of kms_calls once, with enclave_name (of the session), client_rule, client
//
// A call has the client of its session. Where it has none, the rules are asked about
// what the call itself shows: PCRs of an enclave, its instance, what is known of the host.
//
// client_rule is the number of the rule in the file, from 1; null where the client
// is Unattributed for want of a rule.
func (r *Rules) Views() []trailhouse.DerivedView {
	return []trailhouse.DerivedView{
		{Name: "hosts", SQL: r.hostsSQL(), Doc: "Hosts of the configuration.", Meanings: meanings()},
		{
			Name: "enclave_usage", SQL: r.usageSQL("enclave_sessions", sessionSubject()),
			Doc: "enclave_sessions with the host's account and type and the client.", Meanings: meanings(),
		},
		{
			Name: "enclave_attempts_usage", SQL: r.usageSQL("enclave_attempts", attemptSubject()),
			Doc: "enclave_attempts with the host's account and type and the client.", Meanings: meanings(),
		},
		{
			Name: "kms_counted", SQL: r.CountedSQL("kms_calls"), Meanings: map[string]string{"event_key": "key of the record in cloudtrail and kms_calls"},
			Doc: "The record that counts of each call of kms_calls with a sharedeventid; others are from the trails of other accounts.",
		},
		{
			Name: "kms_usage", SQL: r.CallsSQL(onceSQL, "enclave_usage"), Meanings: meanings(),
			Doc: "kms_calls with the name of the enclave and the client, each call once where several accounts have it.",
		},
	}
}

// meanings says what the columns hold that the rules and the configuration add.
func meanings() map[string]string {
	return map[string]string{
		"instance_id":   "EC2 instance of the configuration",
		"account_id":    "account of the host, from the configuration",
		"instance_type": "EC2 instance type of the host, from the configuration",
		"tags":          "tags of the host as key=value, from the configuration",
		"enclave_name":  "name of the session's enclave, self-declared",
		"client_rule":   "number of the rule in the configuration, from 1; null where none matches",
		"client":        "client by the first rule that matches; " + Unattributed + " where none does",
	}
}

// Hash is equal exactly where two sets of rules and hosts give the same answers
// for the same rows: comments, line numbers and the spelling of a PCR do not count.
func (r *Rules) Hash() string {
	h := sha256.New()
	for _, view := range r.Views() {
		fmt.Fprintf(h, "%d %s\n%d %s\n", len(view.Name), view.Name, len(view.SQL), view.SQL)
	}
	return hex.EncodeToString(h.Sum(nil))
}

// sessionSubject are the properties of a session. The rule in force when it became
// ready holds for all of it.
func sessionSubject() subject {
	return subject{
		name: "s.name", eif: "s.eif_path", pcr0: "s.pcr0", pcr8: "s.pcr8", instance: "s.instance_id",
		account: "h.account_id", tags: "h.tags", at: "coalesce(s.ready, s.started)",
	}
}

// attemptSubject are the properties of a start that gave no enclave: it was never
// measured, and the instant that counts is when it failed.
func attemptSubject() subject {
	return subject{
		name: "s.name", eif: "s.eif_path", instance: "s.instance_id",
		account: "h.account_id", tags: "h.tags", at: "s.time",
	}
}

// callSubject are the properties of an attested call without a session. The PCRs of a
// NitroTPM measure something else than those of an enclave (facts/nitro.md 3).
func callSubject() subject {
	return subject{
		pcr0: "s.pcr0", pcr8: "CASE WHEN s.kind = 'enclave' THEN s.pcr8 END", instance: "s.instance_id",
		account: "h.account_id", tags: "h.tags", at: "s.eventtime",
	}
}

// CallsSQL gives the view kms_usage over another relation that has the columns of
// kms_calls, and maybe more: who asks about few calls need not join all of them. sessions
// is enclave_usage or has of it what a call takes: session_id, name and client_rule.
func (r *Rules) CallsSQL(calls, sessions string) string {
	return "SELECT u.*, " + r.clientSQL("u.client_rule") + " AS client\nFROM (" +
		"SELECT s.*, e.name AS enclave_name, CASE WHEN s.session_id IS NOT NULL THEN e.client_rule ELSE " + r.ruleSQL(callSubject()) + " END AS client_rule\n" +
		fromSQL(calls) + " LEFT JOIN " + sessions + " AS e ON e.session_id = s.session_id) AS u"
}

// CountedSQL gives the view kms_counted over another relation that has columns of
// kms_calls, and for each sharedeventid all records or none: who asks about few calls need
// not compare all of them.
func (r *Rules) CountedSQL(calls string) string {
	return strings.ReplaceAll(countedSQL, "{calls}", calls)
}

func (r *Rules) usageSQL(table string, s subject) string {
	return "SELECT u.*, " + r.clientSQL("u.client_rule") + " AS client\nFROM (" +
		"SELECT s.*, h.account_id, h.instance_type, " + r.ruleSQL(s) + " AS client_rule\n" +
		fromSQL(table) + ") AS u"
}

// fromSQL joins a table with what is known about its hosts, at most one row each.
func fromSQL(table string) string {
	return "FROM " + table + " AS s LEFT JOIN hosts AS h ON h.instance_id = s.instance_id"
}

// ruleSQL gives the number of the first rule that matches, or null.
func (r *Rules) ruleSQL(s subject) string {
	if len(r.rules) == 0 {
		return "CAST(NULL AS bigint)"
	}
	var b strings.Builder
	b.WriteString("CASE")
	for i, rule := range r.rules {
		fmt.Fprintf(&b, "\n  WHEN %s THEN CAST(%d AS bigint)", rule.sql(s), i+1)
	}
	b.WriteString("\n  ELSE CAST(NULL AS bigint) END")
	return b.String()
}

// sql gives the conditions of the rule as one expression; a rule without any
// claims everything.
func (r rule) sql(s subject) string {
	if len(r.conditions) == 0 {
		return "true"
	}
	all := make([]string, len(r.conditions))
	for i, c := range r.conditions {
		all[i] = c.sql(s)
	}
	return strings.Join(all, " AND ")
}

// clientSQL gives the client of a rule's number.
func (r *Rules) clientSQL(number string) string {
	if len(r.rules) == 0 {
		return "CAST(" + literal(Unattributed) + " AS varchar)"
	}
	var b strings.Builder
	b.WriteString("CAST(CASE " + number)
	for i, rule := range r.rules {
		b.WriteString(" WHEN " + strconv.Itoa(i+1) + " THEN " + literal(rule.client))
	}
	b.WriteString(" ELSE " + literal(Unattributed) + " END AS varchar)")
	return b.String()
}

// hostsSQL gives the configured hosts as rows.
func (r *Rules) hostsSQL() string {
	const empty = "SELECT CAST(NULL AS varchar) AS instance_id, CAST(NULL AS varchar) AS account_id, " +
		"CAST(NULL AS varchar) AS instance_type, split(CAST(NULL AS varchar), '=') AS tags WHERE false"
	if len(r.hosts) == 0 {
		return empty
	}
	rows := make([]string, len(r.hosts))
	for i, h := range r.hosts {
		rows[i] = "  (" + varchar(h.instance) + ", " + varchar(h.Account) + ", " + varchar(h.InstanceType) + ", " + tagsSQL(h.Tags) + ")"
	}
	return "SELECT * FROM (VALUES\n" + strings.Join(rows, ",\n") + "\n) AS h (instance_id, account_id, instance_type, tags)"
}

func tagsSQL(tags map[string]string) string {
	all := make([]string, 0, len(tags))
	for key, value := range tags {
		all = append(all, "CAST("+literal(tagText(key, value))+" AS varchar)")
	}
	if len(all) == 0 {
		return "split(CAST(NULL AS varchar), '=')"
	}
	slices.Sort(all)
	return "ARRAY[" + strings.Join(all, ", ") + "]"
}

func tagText(key, value string) string { return key + "=" + value }

// varchar gives a text as SQL, null where it is empty.
func varchar(text string) string {
	if text == "" {
		return "CAST(NULL AS varchar)"
	}
	return "CAST(" + literal(text) + " AS varchar)"
}

// literal quotes a text for SQL. Standard SQL knows one special character in a
// text; checkText has refused NUL and what is not UTF-8.
func literal(text string) string {
	return "'" + strings.ReplaceAll(text, "'", "''") + "'"
}

// timestamp gives an instant as SQL, in microseconds.
func timestamp(t time.Time) string {
	return "TIMESTAMP " + literal(t.UTC().Format("2006-01-02 15:04:05.000000"))
}
