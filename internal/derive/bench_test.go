package derive

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
)

const (
	benchSessions = 100_000
	benchCalls    = 1_000_000
	benchHosts    = 1000
)

// BenchmarkJoin joins a million calls of a year to a hundred thousand sessions, with
// all columns read and written.
func BenchmarkJoin(b *testing.B) {
	if testing.Short() {
		b.Skip("takes long")
	}
	l, err := lake.Open(b.Context(), filepath.Join(b.TempDir(), "lake"), trailhouse.SystemClock{})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	job := &Job{Lake: l, Logs: Logs{Enclave: enclavelog.LogTable(), Allocator: enclavelog.AllocatorTable(), Coverage: ingest.CoverageTable()}, Trail: cloudtrail.EventTable()}
	benchFill(b, l)
	for b.Loop() {
		b.StopTimer()
		p := &pass{Job: job}
		b.StartTimer()
		if err := p.joinCalls(b.Context()); err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		files, _, err := l.Files(b.Context(), joinTable(), trailhouse.Period{})
		if err != nil || benchWithin(b, files) != benchCalls {
			b.Fatalf("%d calls within a session, %v", benchWithin(b, files), err)
		}
		// All of them again the next time.
		c := trailhouse.Commit{Table: attested.JoinTable(), BatchID: fmt.Sprint(time.Now().UnixNano()), Summary: map[string]string{versionKey: "none"}}
		if err := l.Commit(b.Context(), c); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/benchCalls, "ns/call")
}

// benchWithin reads all columns and counts the calls within a session.
func benchWithin(b *testing.B, files []trailhouse.DataFile) (n int) {
	t := attested.JoinTable()
	for _, f := range files {
		err := columns.Read(b.Context(), f.Path, t, nil, func(rows *trailhouse.Batch) error {
			for i := range rows.Len() {
				if rows.String(t.MustIndex("session_match"), i) == attested.Within && rows.String(t.MustIndex("object"), i) != "" {
					n++
				}
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	return n
}

// benchFill writes the year.
func benchFill(b *testing.B, l *lake.Lake) {
	for _, t := range derived() {
		if err := l.Ensure(b.Context(), t); err != nil {
			b.Fatal(err)
		}
	}
	year := time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)
	lives := trailhouse.NewBatch(sessions.SessionTable())
	var all []sessions.Session
	step := 365 * 24 * time.Hour / benchSessions
	for n := range benchSessions {
		host := trailhouse.InstanceID(fmt.Sprintf("i-0%016x", n%benchHosts))
		at := year.Add(time.Duration(n) * step)
		slot := fmt.Sprintf("%x", at.UnixMilli()<<16|int64(n%65536))
		id := string(host) + "-enc" + slot
		all = append(all, sessions.Session{
			SessionID: id, Instance: host, EnclaveID: id, Slot: trailhouse.Slot(slot), Started: at,
			StopNotBefore: at.Add(48 * time.Hour), StopNotAfter: at.Add(48 * time.Hour), Stop: at.Add(48 * time.Hour), Reason: "terminated", Evidence: "x",
		})
	}
	sessions.EncodeSessions(all, lives)
	benchWrite(b, l, lives)
	t := attested.CallTable()
	calls := trailhouse.NewBatch(t)
	set := func(name, v string) { calls.SetString(t.MustIndex(name), v) }
	for n := range benchCalls {
		s := &all[n/10]
		at := s.Started.Add(time.Duration(n%10) * time.Hour)
		var key trailhouse.Key
		for i := range 8 {
			key[i] = byte(uint64(n) * 0x9E3779B97F4A7C15 >> (8 * i))
			key[15-i] = byte(uint64(n) * 0xD1B54A32D192ED03 >> (8 * i))
		}
		calls.SetKey(0, key)
		set("eventid", fmt.Sprintf("%x-%x-%x-%x-%x", key[:4], key[4:6], key[6:8], key[8:10], key[10:]))
		calls.SetTime(t.MustIndex("eventtime"), at)
		set("account_id", "111122223333")
		set("awsregion", "us-east-1")
		set("operation", "Decrypt")
		set("key_arn", "arn:aws:kms:us-east-1:111122223333:key/"+fmt.Sprint(n/10%50))
		set("principal", "arn:aws:sts::111122223333:assumed-role/EnclaveHost/"+string(s.Instance))
		set("session_name", string(s.Instance))
		set("caller_instance_id", string(s.Instance))
		set("sourceipaddress", "10.0.0.1")
		set("useragent", "aws-nitro-enclaves-sdk-c")
		set("kind", "enclave")
		module := string(s.Instance) + "-enc0" + string(s.Slot)
		set("module_id", module)
		set("instance_id", string(s.Instance))
		set("slot", "0"+string(s.Slot))
		set("slot_key", string(s.Slot))
		m := calls.Child(t.MustIndex("attestation"))
		put := func(k, v string) { m.SetString(0, k); m.SetString(1, v); m.EndRow() }
		put("attestationDocumentModuleId", module)
		for i, name := range []string{"pcr0", "pcr1", "pcr2", "pcr3", "pcr4", "pcr8"} {
			v := strings.Repeat(fmt.Sprintf("%02x", n/10%40+i), 48)
			set(name, v)
			put("attestationDocumentEnclavePCR"+name[3:], v)
		}
		calls.SetRows(t.MustIndex("attestation"))
		calls.SetBool(t.MustIndex("debug"), false)
		set("object", fmt.Sprintf("s3://bucket/AWSLogs/%d.json.gz", n/100))
		calls.SetInt(t.MustIndex("position"), int64(n%100*1500))
		calls.SetInt(t.MustIndex("length"), 1490)
		set("object_sha256", fmt.Sprintf("%064x", n/100))
		calls.EndRow()
		if calls.Len() == 50_000 || n == benchCalls-1 {
			benchWrite(b, l, calls)
			calls.Reset()
		}
	}
}

// benchWrite commits rows, cut by month.
func benchWrite(b *testing.B, l *lake.Lake, rows *trailhouse.Batch) {
	c := trailhouse.Commit{Table: rows.Table, BatchID: fmt.Sprint(rows.Table.Name, time.Now().UnixNano())}
	at := rows.Table.MustIndex(rows.Table.PartitionBy)
	months := map[time.Time][]int32{}
	for i := range rows.Len() {
		m := month(rows.Time(at, i))
		months[m] = append(months[m], int32(i))
	}
	for m, index := range months {
		path, err := l.DataPath(rows.Table, m, fmt.Sprint(time.Now().UnixNano(), ".parquet"))
		if err != nil {
			b.Fatal(err)
		}
		f, err := columns.Write(path, rows, index)
		if err != nil {
			b.Fatal(err)
		}
		f.Partition = m
		c.Add = append(c.Add, f)
	}
	if err := l.Commit(context.Background(), c); err != nil {
		b.Fatal(err)
	}
}
