package attested_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// sink keeps the rows of events.
type sink struct {
	rows     map[string]*trailhouse.Batch
	rejected int
}

func (s *sink) Batch(t *trailhouse.Table) *trailhouse.Batch {
	if s.rows[t.Name] == nil {
		s.rows[t.Name] = trailhouse.NewBatch(t)
	}
	return s.rows[t.Name]
}
func (s *sink) Next(context.Context) error { return nil }
func (s *sink) Reject(trailhouse.Rejected) { s.rejected++ }
func (s *sink) Filter(int64)               {}
func (s *sink) Cover(trailhouse.Coverage)  {}

// events reads records, one to a line, as the source does.
func events(t testing.TB, lines ...string) (*trailhouse.Batch, int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "111122223333_CloudTrail_us-east-1_20251103T0005Z_AAAAaaaa00001111.json")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	s := &sink{rows: map[string]*trailhouse.Batch{}}
	if err := cloudtrail.New(cloudtrail.Options{}).Read(t.Context(), trailhouse.Unit{ID: "unit", Object: path, Size: -1}, s); err != nil {
		t.Fatal(err)
	}
	all := s.Batch(cloudtrail.EventTable())
	if all.Len() == 0 {
		return trailhouse.NewBatch(attested.NewEvents(all.Table).Table()), s.rejected
	}
	// The lake gives less than the source does: the table that is asked for.
	stored := filepath.Join(t.TempDir(), "x.parquet")
	if _, err := columns.Write(stored, all, nil); err != nil {
		t.Fatal(err)
	}
	narrow := attested.NewEvents(all.Table).Table()
	out := trailhouse.NewBatch(narrow)
	err := columns.Read(t.Context(), stored, narrow, nil, func(b *trailhouse.Batch) error {
		for i := range b.Len() {
			out.CopyRow(b, i)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out, s.rejected
}

// calls takes the attested calls out of records.
func calls(t testing.TB, lines ...string) *trailhouse.Batch {
	t.Helper()
	b, _ := events(t, lines...)
	out := trailhouse.NewBatch(attested.CallTable())
	attested.NewEvents(cloudtrail.EventTable()).AppendCalls(b, out)
	return out
}

// columnsOf spells columns of a row, - for null.
func columnsOf(b *trailhouse.Batch, row int, names string) string {
	var out []string
	for _, name := range strings.Fields(names) {
		col := b.Table.MustIndex(name)
		switch {
		case b.IsNull(col, row):
			out = append(out, "-")
		case b.Table.Columns[col].Type == trailhouse.TypeBool:
			out = append(out, fmt.Sprint(b.Bool(col, row)))
		case b.Table.Columns[col].Type == trailhouse.TypeTimestamp:
			out = append(out, b.Time(col, row).Format("2006-01-02T15:04:05Z"))
		case b.Table.Columns[col].Type == trailhouse.TypeMap:
			from, to := b.Rows(col, row)
			for i := from; i < to; i++ {
				out = append(out, b.Child(col).String(0, i)+"="+b.Child(col).String(1, i))
			}
		default:
			out = append(out, b.String(col, row))
		}
	}
	return strings.Join(out, " ")
}

// TestExamplesOfTheGuide reads the records of the Nitro Enclaves guide as they stand
// there: the one for Decrypt has a comma too many.
func TestExamplesOfTheGuide(t *testing.T) {
	text, err := os.ReadFile("testdata/seed.json")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	const (
		names = "operation key_arn key_id kind module_id instance_id slot slot_key pcr0 pcr1 debug principal session_name caller_instance_id errorcode attestation"
		pcr0  = "ee0d451a2ff9aaaa9bccd07700b9cab123a0ac2386ef7e88ad5ea6c72ebabea840957328e2ec890b408c9b06cb8ebe6a"
		who   = " enclave i-123456789abcde123-enc123456789abcde12 i-123456789abcde123 123456789abcde12 123456789abcde12 " + pcr0 +
			" - false arn:aws:iam::111122223333:user/Alice - - - attestationDocumentModuleId=i-123456789abcde123-enc123456789abcde12 attestationDocumentEnclaveImageDigest=" + pcr0
	)
	got := calls(t, lines...)
	for i, want := range []string{
		"GenerateRandom - -",
		"GenerateDataKey arn:aws:kms:us-west-2:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab 1234abcd-12ab-34cd-56ef-1234567890ab",
		"Decrypt arn:aws:kms:us-east-2:111122223333:key/12345ac3-fbbf-4143-abcd-28b39example 12345ac3-fbbf-4143-abcd-28b39example",
	} {
		if diff := cmp.Diff(want+who, columnsOf(got, i, names)); diff != "" {
			t.Errorf("record %d (-want +got):\n%s", i, diff)
		}
	}
	if got.Len() != 3 {
		t.Errorf("%d calls, want 3", got.Len())
	}
}

// record is a call to KMS; more is put behind its members.
func record(n int, recipient, more string) string {
	additional := ""
	if recipient != "" {
		additional = `,"additionalEventData":{"recipient":` + recipient + `}`
	}
	return fmt.Sprintf(`{"eventVersion":"1.08","eventTime":"2025-11-03T08:00:%02dZ","eventSource":"kms.amazonaws.com","eventName":"Decrypt","awsRegion":"eu-west-1","eventID":"00000000-0000-4000-8000-%012d","recipientAccountId":"111122223333"%s%s}`,
		n, n, additional, more)
}

func enclave(slot string, pcrs ...string) string {
	names := []string{"EnclaveImageDigest", "EnclavePCR1", "EnclavePCR2", "EnclavePCR3", "EnclavePCR4", "EnclavePCR8"}
	out := `{"attestationDocumentModuleId":"i-0a1b2c3d4e5f60718-enc` + slot + `"`
	for i, pcr := range pcrs {
		if pcr != "" {
			out += `,"attestationDocument` + names[i] + `":"` + pcr + `"`
		}
	}
	return out + "}"
}

// TestSpellingsAreEqual reads one enclave's calls with padded and unpadded slots, and
// PCRs in hex and base64.
func TestSpellingsAreEqual(t *testing.T) {
	raw := bytes.Repeat([]byte{0xAB, 0xCD, 0x01}, 16)
	coded, spelled := base64.StdEncoding.EncodeToString(raw), hex.EncodeToString(raw)
	b := calls(t,
		record(1, enclave("19a48bae81e5f1c", coded, coded), ""),
		record(2, enclave("019a48bae81e5f1c", strings.ToUpper(spelled), spelled), ""),
	)
	const names = "instance_id slot_key pcr0 pcr1"
	if a, c := columnsOf(b, 0, names), columnsOf(b, 1, names); a != c || !strings.Contains(a, spelled) {
		t.Errorf("%s\n%s", a, c)
	}
	if slots := b.String(b.Table.MustIndex("slot"), 1); slots != "019a48bae81e5f1c" {
		t.Errorf("the slot is %s, not as printed", slots)
	}
}

// TestDebug wants debug mode where what is printed of PCR 0, 1 and 2 is zero.
func TestDebug(t *testing.T) {
	zeros, z64, one := strings.Repeat("0", 96), strings.Repeat("A", 64), strings.Repeat("01", 48)
	for _, c := range []struct{ recipient, want string }{
		{enclave("1a", zeros, zeros, zeros, one, one, zeros), "true"},
		{enclave("1a", z64), "true"},
		{enclave("1a", zeros, zeros), "true"},
		{enclave("1a", zeros, zeros, one), "false"},
		{enclave("1a", one, zeros, zeros), "false"},
		{enclave("1a", "", zeros, zeros), "-"},
		{enclave("1a"), "-"},
		{`{"attestationDocumentModuleId":"i-0a1b2c3d4e5f60718-tpm0000000000000000","attestationDocumentNitroTPMPCR4":"` + zeros + `"}`, "-"},
	} {
		if got := columnsOf(calls(t, record(1, c.recipient, "")), 0, "debug"); got != c.want {
			t.Errorf("%s: %s, want %s", c.recipient, got, c.want)
		}
	}
}

// TestWhatCarriesAnAttestation takes whatever has a document and nothing else, with all
// that is printed of it, in whatever form.
func TestWhatCarriesAnAttestation(t *testing.T) {
	b := calls(t,
		record(1, "", ""),
		record(2, `null`, ""),
		record(3, `{"other":"attestationDocument"}`, ""),
		record(4, `"attestationDocumentModuleId"`, ""),
		record(5, `{"attestationDocumentModuleId":"i-0a1b2c3d4e5f60718-tpm0000000000000000","attestationDocumentNitroTPMPCR12":"x\ny","more":{"a": [1, 2]}}`, ""),
		record(6, `{"attestationDocumentOfTomorrow":1.50}`, ""),
		strings.Replace(record(7, enclave("1a"), ""), `"Decrypt"`, `"DeriveNothing"`, 1),
		record(8, `{}`, ""),
		record(9, `[]`, ""),
		record(10, `[{"attestationDocumentModuleId":"x"}, 2]`, ""),
		record(11, `"{"`, ""),
		record(12, `false`, ""),
		record(13, `{"attestationDocumentModuleId":12345}`, ""),
		record(14, `{"attestationDocumentModuleId":null}`, ""),
		record(15, `""`, ""),
	)
	want := []string{
		"Decrypt - - - other=attestationDocument",
		"Decrypt - - - recipient=attestationDocumentModuleId",
		"Decrypt nitrotpm i-0a1b2c3d4e5f60718-tpm0000000000000000 - attestationDocumentModuleId=i-0a1b2c3d4e5f60718-tpm0000000000000000 attestationDocumentNitroTPMPCR12=x\ny more={\"a\":[1,2]}",
		"Decrypt - - - attestationDocumentOfTomorrow=1.50",
		"Decrypt - - - recipient=[]",
		`Decrypt - - - recipient=[{"attestationDocumentModuleId":"x"},2]`,
		"Decrypt - - - recipient={",
		"Decrypt - - - recipient=false",
		"Decrypt - - - attestationDocumentModuleId=12345",
		"Decrypt - - - attestationDocumentModuleId=null",
		"Decrypt - - - recipient=",
		"DeriveNothing enclave i-0a1b2c3d4e5f60718-enc1a 1a attestationDocumentModuleId=i-0a1b2c3d4e5f60718-enc1a",
	}
	for i, w := range want {
		if diff := cmp.Diff(w, columnsOf(b, i, "operation kind module_id slot attestation")); diff != "" {
			t.Error(diff)
		}
	}
	if b.Len() != len(want) {
		t.Errorf("%d calls, want %d", b.Len(), len(want))
	}
}

func TestCallersAndKeys(t *testing.T) {
	const key, alias = "arn:aws-cn:kms:cn-north-1:1:key/k", "arn:aws:kms:eu-west-1:1:alias/a"
	role := func(session, more string) string {
		return `"userIdentity":{"type":"AssumedRole","principalId":"AROA1:` + session + `","arn":"arn:aws:sts::1:assumed-role/path/Role/` + session + `"` + more + `}`
	}
	for _, c := range []struct{ more, names, want string }{
		{role("i-0a1b2c3d4e5f60718", ""), "session_name caller_instance_id", "i-0a1b2c3d4e5f60718 i-0a1b2c3d4e5f60718"},
		{role("i-0000000000000000", ""), "session_name caller_instance_id", "i-0000000000000000 -"},
		{role("deploy", ""), "session_name caller_instance_id", "deploy -"},
		{role("deploy", `,"sessionContext":{"sourceIdentity":"i-0a1b2c3d4e5f60719"}`), "session_name caller_instance_id", "deploy i-0a1b2c3d4e5f60719"},
		{role("deploy", `,"inScopeOf":{"credentialsIssuedTo":"arn:aws:ec2:eu-west-1:1:instance/i-0a1b2c3d4e5f60719"}`), "session_name caller_instance_id", "deploy i-0a1b2c3d4e5f60719"},
		{`"userIdentity":{"type":"AssumedRole","principalId":"AROA1:i-0a1b2c3d4e5f60718"}`, "session_name caller_instance_id", "i-0a1b2c3d4e5f60718 i-0a1b2c3d4e5f60718"},
		{`"userIdentity":{"type":"AWSAccount","principalId":"AROA1:i-0a1b2c3d4e5f60718","accountId":"2"}`, "session_name caller_instance_id", "i-0a1b2c3d4e5f60718 i-0a1b2c3d4e5f60718"},
		{`"userIdentity":{"type":"AWSAccount","principalId":"AIDA1","accountId":"2"}`, "session_name caller_instance_id", "- -"},
		{`"userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/i-0a1b2c3d4e5f60718"}`, "session_name caller_instance_id", "- -"},
		{`"resources":[{"ARN":"` + alias + `"},{"ARN":"arn:aws:s3:::b"},{"ARN":"` + key + `","type":"AWS::KMS::Key"}]`, "key_arn key_id", key + " -"},
		{`"resources":[{"ARN":"` + alias + `"}],"requestParameters":{"keyId":"k"}`, "key_arn key_id", alias + " k"},
		{`"resources":[],"requestParameters":{"keyId":"` + key + `"}`, "key_arn key_id", key + " " + key},
		{`"requestParameters":{"keyId":"alias/a"}`, "key_arn key_id", "- alias/a"},
		{`"requestParameters":null`, "key_arn key_id", "- -"},
	} {
		if got := columnsOf(calls(t, record(1, enclave("1a"), ","+c.more)), 0, c.names); got != c.want {
			t.Errorf("%s: %s, want %s", c.more, got, c.want)
		}
	}
}

// TestEnds takes the ends of hosts that succeeded, of the hosts that they name and not
// of the callers.
func TestEnds(t *testing.T) {
	ec2 := func(n int, name, more string) string {
		return strings.NewReplacer("kms.amazonaws.com", "ec2.amazonaws.com", `"Decrypt"`, `"`+name+`"`).Replace(record(n, "", ","+more))
	}
	set := func(ids ...string) string {
		return `{"instancesSet":{"items":[{"instanceId":"` + strings.Join(ids, `","currentState":{"code":64,"name":"stopping"}},{"instanceId":"`) + `"}]}}`
	}
	const a, c, caller = "i-0a1b2c3d4e5f60718", "i-0a1b2c3d4e5f60719", "i-0aaaaaaaaaaaaaaaa"
	by := `"userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/R/` + caller + `"},`
	service := `"eventType":"AwsServiceEvent","serviceEventDetails":`
	b, _ := events(t,
		ec2(1, "StopInstances", by+`"requestParameters":`+set(a, c)+`,"responseElements":`+set(c, a, c)),
		ec2(2, "TerminateInstances", by+`"requestParameters":`+set(a)),
		ec2(3, "TerminateInstances", `"errorCode":"Client.DryRunOperation","requestParameters":`+set(a)),
		ec2(4, "StopInstances", `"errorMessage":"no","requestParameters":`+set(a)),
		ec2(5, "StartInstances", `"requestParameters":`+set(a)),
		ec2(6, "BidEvictedEvent", service+`{"instanceIdSet":["`+c+`","`+a+`"]}`),
		ec2(7, "EC2 Instance State-change Notification", service+`{"instance-id":"`+a+`","state":"running"}`),
		ec2(8, "EC2 Instance State-change Notification", service+`{"instance-id":"`+a+`","state":"shutting-down"}`),
		ec2(9, "EC2 Spot Instance Interruption Warning", service+`{"instance-id":"`+a+`"}`),
		strings.Replace(ec2(10, "StopInstances", `"requestParameters":`+set(a)), "ec2.amazonaws.com", "other.amazonaws.com", 1),
		ec2(11, "BidEvictedEvent", `"eventType":"AwsApiCall","serviceEventDetails":{"instanceIdSet":["`+c+`"]}`),
	)
	out := trailhouse.NewBatch(attested.HostEndTable())
	attested.NewEvents(cloudtrail.EventTable()).AppendEnds(b, out)
	var got []string
	keys := map[trailhouse.Key]bool{}
	for i := range out.Len() {
		got = append(got, columnsOf(out, i, "eventtime eventname instance_id account_id"))
		keys[out.Key(0, i)] = true
	}
	slices.Sort(got)
	want := []string{
		"2025-11-03T08:00:01Z StopInstances " + a + " 111122223333",
		"2025-11-03T08:00:01Z StopInstances " + c + " 111122223333",
		"2025-11-03T08:00:02Z TerminateInstances " + a + " 111122223333",
		"2025-11-03T08:00:06Z BidEvictedEvent " + a + " 111122223333",
		"2025-11-03T08:00:06Z BidEvictedEvent " + c + " 111122223333",
		"2025-11-03T08:00:08Z EC2 Instance State-change Notification " + a + " 111122223333",
	}
	if diff := cmp.Diff(want, got); diff != "" || len(keys) != len(want) {
		t.Errorf("%d keys (-want +got):\n%s", len(keys), diff)
	}
	var g attested.Glance
	attested.NewEvents(cloudtrail.EventTable()).Glance(b, &g)
	if len(g.EndRows) == 0 || g.Calls || len(g.CallRows) > 0 {
		t.Errorf("%+v", g)
	}
}
