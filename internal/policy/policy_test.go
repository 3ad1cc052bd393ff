package policy_test

import (
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/policy"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
)

// call is an attested call as these tests need it.
type call struct{ client, key, pcr0, pcr8 string }

// verdicts returns what the policy says of each call. A call's client is given to it by
// a rule on its instance.
func verdicts(t *testing.T, images []config.ApprovedImage, calls ...call) string {
	t.Helper()
	table := attested.JoinTable()
	b := trailhouse.NewBatch(table)
	var rules []config.ClientRule
	for i, c := range calls {
		instance := "i-" + string(rune('a'+i))
		rules = append(rules, config.ClientRule{Client: c.client, Instance: instance})
		b.SetKey(table.MustIndex("event_key"), trailhouse.Key{byte(i)})
		b.SetTime(table.MustIndex("eventtime"), time.Date(2025, 10, 1, 8, 0, 0, 0, time.UTC))
		b.SetInt(table.MustIndex("position"), int64(i))
		b.SetInt(table.MustIndex("length"), 1)
		for column, value := range map[string]string{
			"kind": "enclave", "instance_id": instance, "key_arn": c.key, "key_id": c.key, "pcr0": c.pcr0, "pcr8": c.pcr8, "object": "o", "object_sha256": "s",
		} {
			if value != "" {
				b.SetString(table.MustIndex(column), value)
			}
		}
		b.EndRow()
	}
	file, err := columns.Write(filepath.Join(t.TempDir(), "calls.parquet"), b, nil)
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := clients.Compile("trailhouse.yaml", rules, nil)
	if err != nil {
		t.Fatal(err)
	}
	q := trailhouse.Query{
		SQL:     `SELECT verdict FROM kms_verdicts ORDER BY "position"`,
		Views:   []trailhouse.View{{Table: table, Files: []trailhouse.DataFile{file}}, {Table: sessions.SessionTable()}},
		Derived: append(compiled.Views(), policy.New(images).Views(compiled)...),
	}
	var out []string
	err = duckdb.New(duckdb.Options{}).Query(t.Context(), q,
		func([]trailhouse.ResultColumn) error { return nil },
		func(row []any) error { out = append(out, row[0].(string)); return nil })
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, " ")
}

func TestVerdicts(t *testing.T) {
	const arn = "arn:aws:kms:eu-west-1:111122223333:key/"
	for name, c := range map[string]struct {
		images []config.ApprovedImage
		calls  []call
		want   string
	}{
		"no entries": {nil, []call{{client: "a", pcr0: "aa"}}, "no-list"},
		"many images of one scope": {
			[]config.ApprovedImage{{PCR0: "aa"}, {PCR8: "bb"}, {PCR0: "cc"}, {PCR0: "dd", PCR8: "ee"}},
			[]call{{client: "a", pcr0: "aa"}, {client: "a", pcr0: "x", pcr8: "bb"}, {client: "a", pcr0: "cc"}, {client: "a", pcr0: "dd"}, {client: "a", pcr0: "dd", pcr8: "ee"}, {client: "a"}},
			"approved approved approved not-approved approved not-approved",
		},
		"client and key together": {
			[]config.ApprovedImage{{PCR0: "aa", Client: "a", Key: "k1"}},
			[]call{{"a", arn + "k1", "aa", ""}, {"a", arn + "k1", "x", ""}, {"a", arn + "k2", "x", ""}, {"b", arn + "k1", "x", ""}, {"a", "", "x", ""}},
			"approved not-approved no-list no-list no-list",
		},
		"a wildcard is the star alone": {
			[]config.ApprovedImage{{PCR0: "aa", Key: arn + "k_1*"}, {PCR0: "bb", Key: "*:key/%"}},
			[]call{{"a", arn + "k_1x", "aa", ""}, {"a", arn + "kx1x", "aa", ""}, {"a", arn + "%", "aa", ""}},
			"approved no-list not-approved",
		},
	} {
		t.Run(name, func(t *testing.T) {
			if got := verdicts(t, c.images, c.calls...); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

// TestTextIsNeverSQL puts what could end a literal into every text of an entry.
func TestTextIsNeverSQL(t *testing.T) {
	for _, evil := range []string{`' OR true --`, `''`, `\'`, `\`, `%`, `_`, `:from`, `$1`, `/*`, `*/`} {
		plain := strings.ReplaceAll(evil, "*", "")
		images := []config.ApprovedImage{{PCR0: plain, PCR8: plain, Client: evil, Key: plain, Note: evil}}
		if got := verdicts(t, images, call{evil, plain, plain, plain}, call{evil, plain, "x", plain}, call{"other", plain, plain, plain}); got != "approved not-approved no-list" {
			t.Errorf("%s: %s", evil, got)
		}
	}
}
