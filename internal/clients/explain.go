package clients

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Explanation says for one session which rule gave it its client, and why the
// rules before it did not.
type Explanation struct {
	SessionID string                `json:"session_id"`
	EnclaveID string                `json:"enclave_id"`
	Instance  trailhouse.InstanceID `json:"instance_id"`
	// Name and EIF are empty where the log does not show them.
	Name string `json:"name"`
	EIF  string `json:"eif_path"`
	// At is the instant that decides which rules are in force: ready, else the first
	// proof of life. In JSON it is UTC with milliseconds, null where it is zero.
	At time.Time `json:"at"`
	// Client is the session's client; Rule the number of its rule, from 1, or 0 where
	// no rule matched.
	Client string `json:"client"`
	Rule   int    `json:"rule"`
	// Rules are all rules in order, those behind the winner too.
	Rules []RuleVerdict `json:"rules"`
}

// Millis is the form in which an instant is shown: RFC 3339 in UTC with the
// milliseconds that nitro-cli's log has.
const Millis = "2006-01-02T15:04:05.000Z07:00"

// MarshalJSON implements json.Marshaler.
func (e Explanation) MarshalJSON() ([]byte, error) {
	type plain Explanation
	out := struct {
		plain
		At *string `json:"at"` // hides the one of plain
	}{plain: plain(e)}
	if !e.At.IsZero() {
		at := e.At.UTC().Format(Millis)
		out.At = &at
	}
	if out.Rules == nil {
		out.Rules = []RuleVerdict{}
	}
	return json.Marshal(out)
}

// RuleVerdict is what became of one rule for one session.
type RuleVerdict struct {
	// Index is the rule's number from 1, Line its line in the configuration file.
	Index  int    `json:"index"`
	Line   int    `json:"line"`
	Client string `json:"client"`
	// Matched says that all conditions hold. The first matched rule wins.
	Matched    bool               `json:"matched"`
	Conditions []ConditionVerdict `json:"conditions"`
}

// ConditionVerdict is one condition of a rule, as a person wrote it, and whether
// it holds.
type ConditionVerdict struct {
	Text  string `json:"text"`
	Holds bool   `json:"holds"`
}

// Explain runs the rules over the sessions of one enclave: its id with the slot
// padded or not, a session id, or a name, which may be that of many. The truth of
// each condition comes from the very SQL that reports run. views must hold
// enclave_sessions. CodeNotFound where there is no such session.
func (r *Rules) Explain(ctx context.Context, engine trailhouse.Engine, views []trailhouse.View, enclave string) ([]Explanation, error) {
	query := r.explainQuery(enclave)
	query.Views = views
	var out []Explanation
	err := engine.Query(ctx, query,
		func([]trailhouse.ResultColumn) error { return nil },
		func(row []any) error {
			e, err := r.explanation(row)
			out = append(out, e)
			return err
		})
	if err != nil {
		return nil, err
	}
	if len(out) == 0 {
		return nil, trailhouse.Errorf(trailhouse.CodeNotFound, "there is no session of an enclave %s", strconv.Quote(enclave)).
			WithHint("give an enclave id, a session id or a name as `trailhouse report enclave-usage` shows them")
	}
	return out, nil
}

// explained are the columns in front of the conditions, in the order in which
// explanation reads them.
const explained = "s.session_id, s.enclave_id, s.instance_id, s.name, s.eif_path, coalesce(s.ready, s.started) AS in_force"

// explainQuery asks for the sessions with each condition as a column, rule by
// rule.
func (r *Rules) explainQuery(enclave string) trailhouse.Query {
	s := sessionSubject()
	var b strings.Builder
	b.WriteString("SELECT " + explained + ",\n" + r.ruleSQL(s) + " AS client_rule")
	for i, rule := range r.rules {
		for j, c := range rule.conditions {
			fmt.Fprintf(&b, ",\n%s AS rule_%d_condition_%d", c.sql(s), i+1, j+1)
		}
	}
	b.WriteString("\n" + fromSQL("enclave_sessions"))
	b.WriteString("\nWHERE s.session_id = :enclave OR s.name = :enclave OR s.session_id = :session_id" +
		" OR (s.instance_id = :instance_id AND s.slot_key = :slot_key)" +
		"\nORDER BY in_force, s.session_id")
	q := trailhouse.Query{SQL: b.String(), Parameters: enclaveParameters(enclave)}
	q.Derived = r.Views()[:1]
	return q
}

// enclaveParameters reads what the user may have meant. A session id with a padded
// slot and a life's number (#2) is spelled as the table spells it.
func enclaveParameters(enclave string) map[string]any {
	out := map[string]any{"enclave": enclave, "session_id": "", "instance_id": "", "slot_key": ""}
	text, life, numbered := strings.Cut(enclave, "#")
	id, ok := trailhouse.ParseEnclaveID(text)
	if !ok {
		return out
	}
	if numbered {
		out["session_id"] = string(id.Instance) + "-enc" + id.Slot.Key() + "#" + life
		return out
	}
	out["instance_id"], out["slot_key"] = string(id.Instance), id.Slot.Key()
	return out
}

// explanation reads one row of explainQuery.
func (r *Rules) explanation(row []any) (Explanation, error) {
	e := Explanation{
		SessionID: text(row[0]), EnclaveID: text(row[1]), Instance: trailhouse.InstanceID(text(row[2])),
		Name: text(row[3]), EIF: text(row[4]), Client: Unattributed,
	}
	e.At, _ = row[5].(time.Time)
	if number, ok := row[6].(int64); ok {
		e.Rule, e.Client = int(number), r.rules[number-1].client
	}
	truths := row[7:]
	for i, rule := range r.rules {
		v := RuleVerdict{Index: i + 1, Line: rule.line, Client: rule.client, Matched: true, Conditions: []ConditionVerdict{}}
		for _, c := range rule.conditions {
			holds, ok := truths[0].(bool)
			if !ok {
				return e, trailhouse.Errorf(trailhouse.CodeInternal, "rule %d: the engine gave %T for %s", i+1, truths[0], c.text)
			}
			truths = truths[1:]
			v.Matched = v.Matched && holds
			v.Conditions = append(v.Conditions, ConditionVerdict{c.text, holds})
		}
		e.Rules = append(e.Rules, v)
	}
	return e, nil
}

// text is the value of a varchar, empty for null.
func text(v any) string {
	s, _ := v.(string)
	return s
}
