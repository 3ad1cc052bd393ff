package clients_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
)

// life is a session as these tests need it; at is its ready.
type life struct {
	name, eif, instance, pcr0, at string
	unready                       bool
}

// view writes lives as enclave_sessions; their slots are 1a, 2a, 3a …
func view(t *testing.T, lives ...life) trailhouse.View {
	t.Helper()
	table := sessions.SessionTable()
	b := trailhouse.NewBatch(table)
	text := func(column, value string) {
		if value != "" {
			b.SetString(table.MustIndex(column), value)
		}
	}
	for i, l := range lives {
		if l.instance == "" {
			l.instance = "i-1"
		}
		if l.at == "" {
			l.at = "2025-11-03T08:00:00Z"
		}
		slot := string(rune('1'+i)) + "a"
		text("session_id", l.instance+"-enc"+slot)
		text("instance_id", l.instance)
		text("enclave_id", l.instance+"-enc"+slot)
		text("slot", slot)
		text("slot_key", slot)
		text("name", l.name)
		text("eif_path", l.eif)
		text("pcr0", l.pcr0)
		text("reason", "terminated")
		text("evidence", "test")
		if !l.unready {
			b.SetTime(table.MustIndex("ready"), instant(t, l.at))
		}
		b.SetTime(table.MustIndex("started"), instant(t, l.at))
		b.SetTime(table.MustIndex("stop_not_before"), instant(t, l.at))
		b.SetBool(table.MustIndex("partial"), false)
		b.EndRow()
	}
	return file(t, b)
}

// file writes a batch and returns it as a table that statements see.
func file(t *testing.T, b *trailhouse.Batch) trailhouse.View {
	t.Helper()
	written, err := columns.Write(filepath.Join(t.TempDir(), b.Table.Name+".parquet"), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	return trailhouse.View{Table: b.Table, Files: []trailhouse.DataFile{written}}
}

func instant(t *testing.T, text string) time.Time {
	t.Helper()
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func compile(t *testing.T, rules []config.ClientRule, hosts map[string]config.Host) *clients.Rules {
	t.Helper()
	for i := range rules {
		rules[i].Line = i + 1
	}
	r, err := clients.Compile("trailhouse.yaml", rules, hosts)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// ask runs a statement over the views of the rules.
func ask(t *testing.T, r *clients.Rules, sql string, views ...trailhouse.View) [][]any {
	t.Helper()
	var out [][]any
	q := trailhouse.Query{SQL: sql, Views: views, Derived: r.Views()}
	err := duckdb.New(duckdb.Options{}).Query(t.Context(), q,
		func([]trailhouse.ResultColumn) error { return nil },
		func(row []any) error { out = append(out, append([]any(nil), row...)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// clientsOf returns the client of each life, in order.
func clientsOf(t *testing.T, r *clients.Rules, lives ...life) string {
	t.Helper()
	var out []string
	for _, row := range ask(t, r, "SELECT client FROM enclave_usage ORDER BY slot_key", view(t, lives...)) {
		out = append(out, row[0].(string))
	}
	return strings.Join(out, " ")
}

func TestClients(t *testing.T) {
	day := func(d int) time.Time { return time.Date(2025, 11, d, 0, 0, 0, 0, time.UTC) }
	pcr := strings.Repeat("0A", 48)
	hosts := map[string]config.Host{
		"i-1": {Account: "000000000012", InstanceType: "m5.2xlarge", Tags: map[string]string{"owner": "o'neill", "stage": "prod"}},
		"i-2": {Tags: map[string]string{"stage": "test"}},
	}
	for name, c := range map[string]struct {
		rules []config.ClientRule
		lives []life
		want  string
	}{
		"no rules": {nil, []life{{name: "x"}, {}}, "unattributed unattributed"},
		"name, numbered and not": {
			[]config.ClientRule{{Client: "one", Name: "acme_1"}, {Client: "acme", Name: "acme"}},
			[]life{{name: "acme"}, {name: "acme_1"}, {name: "acme_1_2"}, {name: "acme_2"}, {name: "acme_02"}, {name: "acme_"}, {name: "ACME"}},
			"acme one one acme unattributed unattributed unattributed",
		},
		"glob": {
			[]config.ClientRule{{Client: "a", Name: "acme-*"}, {Client: "b", Name: "[gh]lo?ex"}},
			[]life{{name: "acme-x_3"}, {name: "globex"}, {name: "hlo\u200bex_1"}, {name: "the acme-x"}},
			"a b b unattributed",
		},
		"expression means the whole name": {
			[]config.ClientRule{{Client: "a", NameRegex: "acme|globex"}, {Client: "b", NameRegex: `(?i)x\d+`}},
			[]life{{name: "acme_1"}, {name: "globex"}, {name: "acme2"}, {name: "X12"}, {name: "X12\n"}},
			"a a unattributed b unattributed",
		},
		"first match wins": {
			[]config.ClientRule{{Client: "a", EIF: "/opt/acme/*"}, {Client: "b", Name: "*"}, {Client: "c"}},
			[]life{{name: "n", eif: "/opt/acme/x/y.eif"}, {name: "n", eif: "/tmp/y.eif"}, {}},
			"a b c",
		},
		"all conditions": {
			[]config.ClientRule{{Client: "a", Name: "n", EIF: "/e", Instance: "i-1", Account: "000000000012", PCR0: pcr, Tag: map[string]string{"owner": "o'neill", "stage": "prod"}}},
			[]life{
				{name: "n", eif: "/e", pcr0: strings.ToLower(pcr)},
				{name: "n", eif: "/e"},
				{name: "n", eif: "/e", pcr0: strings.ToLower(pcr), instance: "i-2"},
				{name: "n", eif: "/e", pcr0: strings.ToLower(pcr), instance: "i-3"},
				{name: "m", eif: "/e", pcr0: strings.ToLower(pcr)},
			},
			"a unattributed unattributed unattributed unattributed",
		},
		"dates are half open and those of ready": {
			[]config.ClientRule{{Client: "old", Name: "n", To: day(3)}, {Client: "new", Name: "n", From: day(3), To: day(5)}},
			[]life{
				{name: "n", at: "2025-11-02T23:59:59.999Z"},
				{name: "n", at: "2025-11-03T00:00:00Z"},
				{name: "n", at: "2025-11-04T00:00:00Z", unready: true},
				{name: "n", at: "2025-11-05T00:00:00Z"},
			},
			"old new new unattributed",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := clientsOf(t, compile(t, c.rules, hosts), c.lives...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestTextIsNeverSQL puts what could end a literal, a comment or a parameter into
// every place that people and enclaves write.
func TestTextIsNeverSQL(t *testing.T) {
	for _, evil := range []string{
		`' OR true --`, `'; DROP TABLE x; --`, `''`, `\'`, `"`, `$1`, `:from`, `/*`, `*/`, `%s`, `a'||'b`, `' UNION SELECT 'x`, `?`, `$$`, `{}`, "\u2019",
	} {
		t.Run(evil, func(t *testing.T) {
			plain := strings.NewReplacer(`\`, `\\`, `*`, `\*`, `?`, `\?`).Replace(evil)
			tag := map[string]string{strings.ReplaceAll(evil, "=", ""): evil}
			r := compile(t,
				[]config.ClientRule{{Client: evil, Name: plain, EIF: plain, Instance: evil, Tag: tag}},
				map[string]config.Host{evil: {InstanceType: evil, Tags: tag}})
			lives := []life{{name: evil, eif: evil, instance: evil}, {name: "x", eif: evil, instance: evil}, {name: evil, eif: evil}}
			rows := ask(t, r, "SELECT client, instance_type FROM enclave_usage ORDER BY slot_key", view(t, lives...))
			if rows[0][0] != evil || rows[0][1] != evil || rows[1][0] != clients.Unattributed || rows[2][0] != clients.Unattributed {
				t.Errorf("%v", rows)
			}
			said, err := r.Explain(t.Context(), duckdb.New(duckdb.Options{}), []trailhouse.View{view(t, lives...)}, evil)
			if err != nil || len(said) != 2 {
				t.Errorf("explain: %v, %v", said, err)
			}
		})
	}
}

func TestAttempts(t *testing.T) {
	table := sessions.AttemptTable()
	b := trailhouse.NewBatch(table)
	for _, name := range []string{"acme_1", "other"} {
		b.SetString(table.MustIndex("instance_id"), "i-1")
		b.SetTime(table.MustIndex("time"), instant(t, "2025-11-03T08:00:00Z"))
		b.SetString(table.MustIndex("outcome"), "failed")
		b.SetString(table.MustIndex("name"), name)
		b.SetString(table.MustIndex("evidence"), "test")
		b.EndRow()
	}
	// A start that failed was never measured: the rule on PCR0 cannot hold.
	r := compile(t, []config.ClientRule{{Client: "p", PCR0: strings.Repeat("00", 48)}, {Client: "acme", Name: "acme"}},
		map[string]config.Host{"i-1": {Account: "000000000012"}})
	rows := ask(t, r, "SELECT client, client_rule, account_id FROM enclave_attempts_usage ORDER BY name", file(t, b))
	if rows[0][0] != "acme" || rows[0][1] != int64(2) || rows[1][0] != clients.Unattributed || rows[1][1] != nil || rows[0][2] != "000000000012" {
		t.Errorf("%v", rows)
	}
}

func TestHosts(t *testing.T) {
	r := compile(t, nil, map[string]config.Host{"i-2": {}, "i-1": {Account: "000000000012", Tags: map[string]string{"b": "2", "a": "1"}}})
	rows := ask(t, r, "SELECT instance_id, account_id, instance_type, array_join(tags, ' ') FROM hosts ORDER BY instance_id")
	if len(rows) != 2 || rows[0][1] != "000000000012" || rows[0][3] != "a=1 b=2" || rows[1][1] != nil || rows[1][3] != nil {
		t.Errorf("%v", rows)
	}
	if rows := ask(t, compile(t, nil, nil), "SELECT * FROM hosts"); len(rows) != 0 {
		t.Errorf("%v", rows)
	}
}

func TestExplain(t *testing.T) {
	r := compile(t, []config.ClientRule{
		{Client: "old", Name: "acme*", To: instant(t, "2025-01-01T00:00:00Z")},
		{Client: "acme", Name: "acme*"},
		{Client: "all"},
	}, nil)
	views := []trailhouse.View{view(t, life{name: "acme_1"}, life{name: "acme"}, life{})}
	engine := duckdb.New(duckdb.Options{})
	for _, asked := range []string{"acme_1", "i-1-enc1a", "i-1-enc000000000000001A"} {
		said, err := r.Explain(t.Context(), engine, views, asked)
		if err != nil || len(said) != 1 {
			t.Fatalf("%s: %v, %v", asked, said, err)
		}
		e := said[0]
		if e.SessionID != "i-1-enc1a" || e.Client != "acme" || e.Rule != 2 || e.Name != "acme_1" || !e.At.Equal(instant(t, "2025-11-03T08:00:00Z")) {
			t.Errorf("%s: %+v", asked, e)
		}
		old := e.Rules[0]
		if old.Matched || old.Line != 1 || !old.Conditions[0].Holds || old.Conditions[1].Holds || old.Conditions[1].Text != "to 2025-01-01T00:00:00Z" {
			t.Errorf("%s: rule 1: %+v", asked, old)
		}
		if !e.Rules[1].Matched || !e.Rules[2].Matched || len(e.Rules[2].Conditions) != 0 {
			t.Errorf("%s: %+v", asked, e.Rules)
		}
	}
	if _, err := r.Explain(t.Context(), engine, views, "nobody"); trailhouse.CodeOf(err) != trailhouse.CodeNotFound || trailhouse.HintOf(err) == "" {
		t.Errorf("unknown enclave: %v", err)
	}
	if said, err := compile(t, nil, nil).Explain(t.Context(), engine, views, "acme"); err != nil || said[0].Client != clients.Unattributed || said[0].Rule != 0 {
		t.Errorf("no rules: %v, %v", said, err)
	}
}
