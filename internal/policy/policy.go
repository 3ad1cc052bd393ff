package policy

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

//go:embed finding_evidence.sql
var findingEvidenceSQL string

//go:embed finding_calls.sql
var findingCallsSQL string

//go:embed acknowledgements.sql
var acknowledgementsSQL string

// Policy is the list of approved images. It never changes.
type Policy struct {
	images []config.ApprovedImage
}

// New returns the policy of entries that config.Load has checked.
func New(images []config.ApprovedImage) *Policy {
	return &Policy{images: slices.Clone(images)}
}

// Calls gives views of attested calls over other relations than kms_calls, as
// clients.Rules does.
type Calls interface {
	// CallsSQL gives kms_usage over relations with the columns of kms_calls and of
	// enclave_usage.
	CallsSQL(calls, sessions string) string
	// CountedSQL gives kms_counted over a relation with the columns of kms_calls.
	CountedSQL(calls string) string
}

// Views returns the derived views of the policy, in the Trino subset, in the order in
// which they build on one another. They stand on kms_calls, kms_call_groups, kms_usage
// and enclave_usage.
//
//	approved_images  the entries, numbered from 1 in the order of the file
//	kms_verdicts     kms_usage with verdict (approved, not-approved, no-list; null for a
//	                 NitroTPM), approved_once (approved at another time) and failed
//	finding_evidence a row for each finding of a call, with finding_kind, subject and
//	                 calls = 1, and one with calls = 0 for each session that is a finding
//	finding_calls    the same with all that the calls show
//	acknowledgements the newest acknowledgement of each finding
func (p *Policy) Views(calls Calls) []trailhouse.DerivedView {
	return []trailhouse.DerivedView{
		{Name: "approved_images", SQL: p.imagesSQL(), Doc: "Entries of approved_images in the configuration.", Meanings: imageMeanings()},
		{Name: "kms_verdicts", SQL: p.verdictsSQL("kms_usage"), Doc: "kms_usage with what approved_images says of each call.", Meanings: callMeanings()},
		{Name: "finding_evidence", SQL: p.evidenceSQL(calls), Doc: "Calls that are evidence of findings, a row for each finding of a call, and sessions that are findings.", Meanings: callMeanings()},
		{Name: "finding_calls", SQL: findingCallsSQL, Doc: "finding_evidence with all that the calls show.", Meanings: callMeanings()},
		{Name: "acknowledgements", SQL: acknowledgementsSQL, Doc: "The newest acknowledgement of each finding."},
	}
}

// imageMeanings says what the columns of approved_images hold.
func imageMeanings() map[string]string {
	return map[string]string{
		"entry": "number of the entry in the file, from 1", "pcr0": "image digest that is approved, lower-case hex",
		"pcr8": "signing certificate that is approved, lower-case hex", "client": "only for this client; null for every client",
		"key": "only for this key; null for every key", "valid_from": "approved from then on; null for ever", "valid_until": "approved before then; null for ever",
		"note": "note of the file",
	}
}

// callMeanings says what the columns hold that judge a call.
func callMeanings() map[string]string {
	return map[string]string{
		"enclave_name": "name of the session's enclave, self-declared", "client_rule": "number of the rule in the configuration, from 1; null where none matches",
		"client": "client by the first rule that matches", "verdict": "approved, not-approved or no-list; null for a NitroTPM",
		"approved_once": "the image was or will be approved at another time", "failed": "the call failed",
		"finding_kind": "kind of the finding", "subject": "what the finding is about", "calls": "1 for a call, 0 for a session without any",
		"key_name": "ARN of the key, else as it was asked for", "enclave_id": "enclave, its slot without padding",
		"ended": "end of a session without calls, as far as it is known; eventtime is its start", "eif_path": "image file of a session without calls",
	}
}

// imagesSQL gives the entries as rows.
func (p *Policy) imagesSQL() string {
	const types = "CAST(entry AS bigint) AS entry, CAST(pcr0 AS varchar) AS pcr0, CAST(pcr8 AS varchar) AS pcr8, CAST(client AS varchar) AS client, " +
		"CAST(key AS varchar) AS key, CAST(valid_from AS timestamp) AS valid_from, CAST(valid_until AS timestamp) AS valid_until, CAST(note AS varchar) AS note"
	rows := []string{"  (0, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"}
	for i, a := range p.images {
		rows = append(rows, fmt.Sprintf("  (%d, %s, %s, %s, %s, %s, %s, %s)", i+1, text(a.PCR0), text(a.PCR8), text(a.Client), text(a.Key), instant(a.From), instant(a.Until), text(a.Note)))
	}
	return "SELECT " + types + " FROM (VALUES\n" + strings.Join(rows, ",\n") +
		"\n) AS i (entry, pcr0, pcr8, client, key, valid_from, valid_until, note) WHERE entry > 0"
}

// verdictsSQL judges each call of a relation.
func (p *Policy) verdictsSQL(calls string) string {
	var scopes, once, now []string
	for _, g := range p.groups() {
		measured := g.measured()
		scopes = append(scopes, g.scope)
		once = append(once, both(g.scope, measured))
		now = append(now, both(g.scope, measured, g.after("u.eventtime"), g.before("u.eventtime")))
	}
	return `SELECT
  u.*,
  CASE
    WHEN u.kind = 'nitrotpm' THEN NULL
    WHEN NOT ` + anyOf(scopes) + ` THEN 'no-list'
    WHEN NOT coalesce(u.debug, false) AND ` + anyOf(now) + ` THEN 'approved'
    ELSE 'not-approved'
  END AS verdict,
  NOT coalesce(u.debug, false) AND ` + anyOf(once) + ` AS approved_once,
  u.errorcode IS NOT NULL OR u.errormessage IS NOT NULL AS failed
FROM ` + calls + ` AS u`
}

// evidenceSQL gives the view finding_evidence.
func (p *Policy) evidenceSQL(calls Calls) string {
	var named []string
	for _, a := range p.images {
		if c := text(a.Client); a.Client != "" && !slices.Contains(named, c) {
			named = append(named, c)
		}
	}
	careful := "false"
	if len(named) > 0 {
		careful = "client IN (" + strings.Join(named, ", ") + ")"
	}
	return strings.NewReplacer(
		"{careful}", careful, "{unsure}", p.unsureSQL(), "{judged}", p.verdictsSQL("("+calls.CallsSQL("raw", "lives")+")"),
		"{counted}", calls.CountedSQL("records"),
	).Replace(findingEvidenceSQL)
}

// unsureSQL asks of a group of equal calls between first_call and last_call whether one
// of them may not be approved.
func (p *Policy) unsureSQL() string {
	var scopes, always []string
	for _, g := range p.groups() {
		scopes = append(scopes, g.scope)
		always = append(always, both(g.scope, g.measured(), g.after("u.first_call"), g.before("u.last_call")))
	}
	return anyOf(scopes) + " AND NOT " + anyOf(always)
}

// group are entries for the same calls at the same time: engines look a measurement up
// among many faster than they evaluate as many conditions.
type group struct {
	scope       string // condition, "" where there is none
	from, until time.Time
	pcr0, pcr8  []string
	pairs       []string // conditions on both
}

// groups returns the groups in the order in which the file begins them.
func (p *Policy) groups() []*group {
	var out []*group
	for _, a := range p.images {
		scope := both(clientSQL(a.Client), keySQL(a.Key))
		i := slices.IndexFunc(out, func(g *group) bool { return g.scope == scope && g.from.Equal(a.From) && g.until.Equal(a.Until) })
		if i < 0 {
			i = len(out)
			out = append(out, &group{scope: scope, from: a.From, until: a.Until})
		}
		switch g := out[i]; {
		case a.PCR8 == "":
			g.pcr0 = append(g.pcr0, text(a.PCR0))
		case a.PCR0 == "":
			g.pcr8 = append(g.pcr8, text(a.PCR8))
		default:
			g.pairs = append(g.pairs, "u.pcr0 = "+text(a.PCR0)+" AND u.pcr8 = "+text(a.PCR8))
		}
	}
	return out
}

// measured asks whether the call's document has a measurement of the group.
func (g *group) measured() string {
	all := slices.Clone(g.pairs)
	if len(g.pcr0) > 0 {
		all = append(all, "u.pcr0 IN ("+strings.Join(g.pcr0, ", ")+")")
	}
	if len(g.pcr8) > 0 {
		all = append(all, "u.pcr8 IN ("+strings.Join(g.pcr8, ", ")+")")
	}
	return anyOf(all)
}

// keyName is what comes behind key/ in a key's ARN, else the key as it was asked for.
const keyName = "coalesce(nullif(split_part(u.key_arn, ':key/', 2), ''), u.key_id)"

func clientSQL(client string) string {
	if client == "" {
		return ""
	}
	return "u.client = " + text(client)
}

// keySQL asks whether the call's key is the one of an entry: its ARN where the entry
// gives one, else its id.
func keySQL(key string) string {
	of := keyName
	if strings.HasPrefix(key, "arn:") || strings.HasPrefix(key, "*") {
		of = "u.key_arn"
	}
	switch {
	case key == "":
		return ""
	case !strings.Contains(key, "*"):
		return of + " = " + text(key)
	}
	pattern := strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`, `*`, `%`).Replace(key)
	return of + " LIKE " + text(pattern) + ` ESCAPE '\'`
}

// after asks whether an instant does not lie before the group's dates, before whether
// it does not lie behind them.
func (g *group) after(at string) string {
	if g.from.IsZero() {
		return ""
	}
	return at + " >= " + instant(g.from)
}

func (g *group) before(at string) string {
	if g.until.IsZero() {
		return ""
	}
	return at + " < " + instant(g.until)
}

// both gives the conditions that are not empty as one, "" where all are.
func both(conditions ...string) string {
	kept := slices.DeleteFunc(conditions, func(c string) bool { return c == "" })
	return strings.Join(kept, " AND ")
}

// anyOf gives an expression, never null, that is true where one of the conditions is; an
// empty condition is true always.
func anyOf(conditions []string) string {
	switch {
	case len(conditions) == 0:
		return "false"
	case slices.Contains(conditions, ""):
		return "true"
	}
	return "coalesce((" + strings.Join(conditions, ") OR (") + "), false)"
}

// text quotes a text for SQL, which knows one special character in it; null where it
// is empty.
func text(s string) string {
	if s == "" {
		return "NULL"
	}
	return "'" + strings.ReplaceAll(s, "'", "''") + "'"
}

// instant gives an instant as SQL, null where it is zero.
func instant(t time.Time) string {
	if t.IsZero() {
		return "NULL"
	}
	return "TIMESTAMP '" + t.UTC().Format("2006-01-02 15:04:05.000000") + "'"
}
