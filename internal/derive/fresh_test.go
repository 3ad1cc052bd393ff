package derive_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/state"
)

// freshWorld is a world whose imports tell the derivation what they write.
func freshWorld(t *testing.T) *world {
	t.Helper()
	w := newWorld(t)
	st, err := state.Open(t.Context(), t.TempDir(), trailhouse.SystemClock{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	w.job.Fresh = derive.NewFresh(cloudtrail.EventTable())
	w.ingest = ingest.New(w, st, ingest.Files{Write: func(path string, b *trailhouse.Batch, rows []int32) (trailhouse.DataFile, error) {
		f, err := columns.Write(path, b, rows)
		if err == nil {
			w.job.Fresh.Wrote(path, b, rows)
		}
		return f, err
	}, Read: columns.Read}, trailhouse.SystemClock{}, "test")
	return w
}

// TestFreshEqualsFiles derives from events once as they were written and once as they
// are in files, and expects the same rows. That the first does not read files is seen by
// cutting them.
func TestFreshEqualsFiles(t *testing.T) {
	at := day(11, 3)
	const other = "i-0bbbbbbbbbbbbbbb2"
	lines := []string{
		attest(host, slotA, at.Add(time.Minute), `,"resources":[{"ARN":"arn:aws:kms:eu-west-1:111122223333:key/1","type":"AWS::KMS::Key"}],"requestParameters":{"keyId":"alias/a"}`),
		attest(other, slotB, at.Add(30*time.Hour), `,"errorCode":"AccessDenied"`),
		frame("kms.amazonaws.com", "Decrypt", at.Add(time.Hour), `,"requestParameters":{"keyId":"k"}`),
		frame("s3.amazonaws.com", "GetObject", at.Add(time.Hour), `,"requestParameters":{"key":"k"}`),
		frame("kms.amazonaws.com", "GenerateDataKey", at.Add(2*time.Hour), `,"additionalEventData":{"recipient":{"attestationDocumentEnclaveImageDigest":"00"}}`),
		stop(host, at.Add(3*time.Hour)),
		frame("ec2.amazonaws.com", "TerminateInstances", at.Add(4*time.Hour), `,"errorCode":"Client.DryRunOperation","requestParameters":{"instancesSet":{"items":[{"instanceId":"`+other+`"}]}}`),
		frame("ec2.amazonaws.com", "BidEvictedEvent", at.Add(40*time.Hour), `,"eventType":"AwsServiceEvent","serviceEventDetails":{"instanceIdSet":["`+other+`","`+host+`"]}`),
		frame("ec2.amazonaws.com", "DescribeInstances", at.Add(41*time.Hour), ""),
		// Alone in the file of its day: nothing but its recipient tells of it.
		frame("kms.amazonaws.com", "Decrypt", at.Add(100*time.Hour), `,"additionalEventData":{"recipient":["text"]}`),
		frame("kms.amazonaws.com", "Decrypt", at.Add(101*time.Hour), `,"additionalEventData":{"recipient":{}}`),
	}
	read, fresh := newWorld(t), freshWorld(t)
	path := filepath.Join(t.TempDir(), "events.json")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o600); err != nil {
		t.Fatal(err)
	}
	read.trailFile(path)
	fresh.trailFile(path)
	files, _, err := fresh.Files(t.Context(), cloudtrail.EventTableName, trailhouse.Period{})
	if err != nil || len(files) < 2 {
		t.Fatal(err, files)
	}
	for _, f := range files {
		if err := os.Truncate(f.Path, 3); err != nil {
			t.Fatal(err)
		}
	}
	for _, w := range []*world{read, fresh} {
		if result, err := w.job.Run(t.Context()); err != nil || result.Calls != 4 {
			t.Fatal(err, result)
		}
	}
	for table, rows := range map[*trailhouse.Table]int{attested.CallTable(): 4, attested.HostEndTable(): 3} {
		want, _ := read.rows(table)
		got, _ := fresh.rows(table)
		if diff := cmp.Diff(want, got); diff != "" || len(want) != rows {
			t.Errorf("%s, %d rows:\n%s", table.Name, len(want), diff)
		}
	}
	later := attest(host, slotA, at.Add(50*time.Hour), "")
	fresh.trail(later)
	if result, err := fresh.job.Run(t.Context()); err != nil || result.Calls != 1 {
		t.Errorf("one call more: %v, %+v", err, result)
	}
}
