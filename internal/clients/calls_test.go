package clients_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
)

// TestCalls wants a call to have the client of its session, and without a session the
// client that the rules give to what the call shows.
func TestCalls(t *testing.T) {
	table := attested.JoinTable()
	b := trailhouse.NewBatch(table)
	ours, theirs := strings.Repeat("0a", 48), strings.Repeat("0b", 48)
	for i, c := range []struct{ session, kind, instance, pcr0, pcr8 string }{
		{"i-1-enc1a", "enclave", "i-1", theirs, ""}, // the session's name decides
		{"", "enclave", "i-9", ours, ""},
		{"", "enclave", "i-9", theirs, ours},
		{"", "nitrotpm", "i-9", "", ours}, // the PCR 8 of a NitroTPM is no certificate
		{"", "enclave", "i-2", theirs, ""},
	} {
		b.SetKey(table.MustIndex("event_key"), trailhouse.Key{byte(i)})
		for column, value := range map[string]string{
			"session_id": c.session, "kind": c.kind, "instance_id": c.instance, "pcr0": c.pcr0, "pcr8": c.pcr8, "object": "o", "object_sha256": "s",
		} {
			if value != "" || column == "object" {
				b.SetString(table.MustIndex(column), value)
			}
		}
		b.SetTime(table.MustIndex("eventtime"), instant(t, "2025-11-03T08:00:00Z"))
		b.SetInt(table.MustIndex("position"), int64(i))
		b.SetInt(table.MustIndex("length"), 1)
		b.EndRow()
	}
	r := compile(t, []config.ClientRule{{Client: "acme", Name: "acme"}, {Client: "ours", PCR0: ours}, {Client: "signed", PCR8: ours}, {Client: "second", Account: "000000000012"}},
		map[string]config.Host{"i-2": {Account: "000000000012"}})
	rows := ask(t, r, `SELECT client, client_rule, enclave_name FROM kms_usage ORDER BY "position"`, file(t, b), view(t, life{name: "acme_1"}))
	want := []string{"acme", "ours", "signed", clients.Unattributed, "second"}
	for i, row := range rows {
		if row[0] != want[i] || (row[2] != nil) != (i == 0) {
			t.Errorf("call %d: %v, want %s", i, row, want[i])
		}
	}
	if len(rows) != len(want) {
		t.Errorf("%d calls, want %d", len(rows), len(want))
	}
}

// TestOneCallInSeveralAccounts wants a call that several accounts have to count once: the
// record of the caller's account, else that of the least, in whatever order they came.
func TestOneCallInSeveralAccounts(t *testing.T) {
	table := attested.JoinTable()
	const caller = "arn:aws:sts::222222222222:assumed-role/Host/i-1"
	records := []struct{ id, shared, account, principal string }{
		{"a", "", "111111111111", caller}, {"b", "", "111111111111", caller}, // two calls
		{"c", "s1", "111111111111", caller}, {"d", "s1", "222222222222", caller}, {"e", "s1", "333333333333", "222222222222"},
		{"f", "s2", "333333333333", caller}, {"g", "s2", "111111111111", ""},
		{"h", "s3", "333333333333", ""}, // the only one that was read
	}
	for range 2 {
		b := trailhouse.NewBatch(table)
		for i, c := range records {
			b.SetKey(table.MustIndex("event_key"), trailhouse.Key{c.id[0]})
			for column, value := range map[string]string{
				"eventid": c.id, "sharedeventid": c.shared, "account_id": c.account, "principal": c.principal, "kind": "enclave", "instance_id": "i-1",
			} {
				if value != "" {
					b.SetString(table.MustIndex(column), value)
				}
			}
			b.SetString(table.MustIndex("object"), "o")
			b.SetString(table.MustIndex("object_sha256"), "s")
			b.SetTime(table.MustIndex("eventtime"), instant(t, "2025-11-03T08:00:00Z"))
			b.SetInt(table.MustIndex("position"), int64(i))
			b.SetInt(table.MustIndex("length"), 1)
			b.EndRow()
		}
		var got []string
		for _, row := range ask(t, compile(t, nil, nil), "SELECT eventid FROM kms_usage ORDER BY eventid", file(t, b), view(t)) {
			got = append(got, row[0].(string))
		}
		if all := strings.Join(got, " "); all != "a b d g h" {
			t.Errorf("%s, want a b d g h", all)
		}
		slices.Reverse(records)
	}
}
