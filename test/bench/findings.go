package main

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/clients"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/config"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/policy"
	"github.com/trailhouse/trailhouse/internal/query/duckdb"
	"github.com/trailhouse/trailhouse/internal/report"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
)

// callsOfSession is how many attested calls a session of the bench makes.
const callsOfSession = 10

// auditYear is a year of sessions and attested calls as a report.Planner: one call in a
// thousand failed, one session in five thousand is of debug mode, the rest is in order.
type auditYear struct {
	tables  []*trailhouse.Table
	derived []trailhouse.DerivedView
	files   map[string][]trailhouse.DataFile
}

// Tables implements report.Planner.
func (y *auditYear) Tables() ([]*trailhouse.Table, []trailhouse.DerivedView) {
	return y.tables, y.derived
}

// Plan implements report.Planner.
func (y *auditYear) Plan(_ context.Context, wanted []*trailhouse.Table, _ []string, _ trailhouse.Period) ([]trailhouse.View, error) {
	var views []trailhouse.View
	for _, t := range wanted {
		files := slices.Clone(y.files[t.Name])
		slices.Reverse(files) // newest first, as the house plans them
		views = append(views, trailhouse.View{Table: t, Files: files})
	}
	return views, nil
}

func owners() []string { return []string{"acme", "globex", "umbrella", "hooli", "initech"} }

// imageOf is PCR0 of the n-th of twenty images, of which each client has four.
func imageOf(n int) string { return strings.Repeat(fmt.Sprintf("%02x", 16+n%20), 48) }

// newAuditYear writes the year.
func (b *bench) newAuditYear(lives int) (*auditYear, error) {
	var rules []config.ClientRule
	var images []config.ApprovedImage
	for i, client := range owners() {
		rules = append(rules, config.ClientRule{Client: client, Name: client + "-*"})
		for n := range 4 {
			images = append(images, config.ApprovedImage{PCR0: imageOf(i + 5*n), Client: client})
		}
	}
	compiled, err := clients.Compile("bench", rules, nil)
	if err != nil {
		return nil, err
	}
	y := &auditYear{
		tables: []*trailhouse.Table{
			attested.JoinTable(), attested.GroupTable(), sessions.SessionTable(), sessions.AttemptTable(), policy.AcknowledgementTable(), cloudtrail.EventTable(), ingest.CoverageTable(),
		},
		derived: append(compiled.Views(), policy.New(images).Views(compiled)...), files: map[string][]trailhouse.DataFile{},
	}
	ran, calls := trailhouse.NewBatch(sessions.SessionTable()), trailhouse.NewBatch(attested.JoinTable())
	for n := range lives {
		s := lifeOf(n, lives)
		sessions.EncodeSessions([]sessions.Session{s}, ran)
		for i := range callsOfSession {
			fillCall(calls, s, n, i)
		}
		if month := lives / 12; n%month == month-1 || n == lives-1 {
			groups := attested.NewGroups(s.Started)
			groups.Add(calls)
			if err := y.write(b, ran, calls, groups.Rows()); err != nil {
				return nil, err
			}
		}
	}
	return y, nil
}

// write writes the rows so far as a file of each table.
func (y *auditYear) write(b *bench, batches ...*trailhouse.Batch) error {
	for _, rows := range batches {
		name := rows.Table.Name
		f, err := columns.Write(filepath.Join(b.dir, fmt.Sprintf("%s-%d.parquet", name, len(y.files[name]))), rows, nil)
		if err != nil {
			return err
		}
		f.Columns = len(rows.Table.Columns) // as a lake whose tables were made with all of them says
		y.files[name] = append(y.files[name], f)
		rows.Reset()
	}
	return nil
}

// lifeOf is the n-th session of the year.
func lifeOf(n, lives int) sessions.Session {
	host := trailhouse.InstanceID(fmt.Sprintf("i-0%016x", n%1000))
	at := firstDay().Add(time.Duration(n) * (365 * 24 * time.Hour / time.Duration(lives)))
	slot := fmt.Sprintf("%x", at.UnixMilli()<<16|int64(n%65536))
	id, name := string(host)+"-enc"+slot, owners()[n%5]+"-x"
	return sessions.Session{
		SessionID: id, Instance: host, EnclaveID: id, Slot: trailhouse.Slot(slot), Request: sessions.Request{Name: &name}, Ready: at, Started: at,
		StopNotBefore: at.Add(48 * time.Hour), Stop: at.Add(48 * time.Hour), Reason: "terminated", Evidence: "x",
	}
}

// fillCall appends the i-th call of the n-th session.
func fillCall(calls *trailhouse.Batch, s sessions.Session, n, i int) {
	t := calls.Table
	set := func(name, v string) { calls.SetString(t.MustIndex(name), v) }
	var key trailhouse.Key
	for k := range 8 {
		key[k] = byte(uint64(n*callsOfSession+i) * 0x9E3779B97F4A7C15 >> (8 * k))
		key[15-k] = byte(uint64(n*callsOfSession+i) * 0xD1B54A32D192ED03 >> (8 * k))
	}
	debug, pcr0 := n%5000 == 7, imageOf(n)
	if debug {
		pcr0 = strings.Repeat("00", 48)
	}
	calls.SetKey(t.MustIndex("event_key"), key)
	set("eventid", fmt.Sprintf("%x-%x-%x-%x-%x", key[:4], key[4:6], key[6:8], key[8:10], key[10:]))
	calls.SetTime(t.MustIndex("eventtime"), s.Started.Add(time.Duration(i)*time.Hour).Truncate(time.Second))
	calls.SetBool(t.MustIndex("debug"), debug)
	calls.SetInt(t.MustIndex("position"), int64(n%100*1500))
	calls.SetInt(t.MustIndex("length"), 1490)
	if (n*callsOfSession+i)%1000 == 3 {
		set("errorcode", "AccessDenied")
	}
	for _, c := range [][2]string{
		{"account_id", "111122223333"},
		{"awsregion", "us-east-1"},
		{"operation", "Decrypt"},
		{"key_arn", fmt.Sprint("arn:aws:kms:us-east-1:111122223333:key/", n%50)},
		{"principal", "arn:aws:sts::111122223333:assumed-role/EnclaveHost/" + string(s.Instance)},
		{"caller_instance_id", string(s.Instance)},
		{"kind", "enclave"},
		{"module_id", string(s.Instance) + "-enc0" + string(s.Slot)},
		{"instance_id", string(s.Instance)},
		{"slot_key", string(s.Slot)},
		{"pcr0", pcr0},
		{"pcr8", strings.Repeat("c8", 48)},
		{"session_id", s.SessionID},
		{"session_match", attested.Within},
		{"object", fmt.Sprintf("s3://bucket/AWSLogs/%d.json.gz", n/10)},
		{"object_sha256", fmt.Sprintf("%064x", n/10)},
	} {
		set(c[0], c[1])
	}
	calls.EndRow()
}

// tally is a report.Writer that counts rows.
type tally int

// Begin implements report.Writer.
func (t *tally) Begin(report.Head) error { return nil }

// Row implements report.Writer.
func (t *tally) Row([]any) error { *t++; return nil }

// End implements report.Writer.
func (t *tally) End() error { return nil }

// findings measures the reports on attested calls over a year, warm.
func (b *bench) findings() error {
	year, err := b.newAuditYear(b.lives)
	if err != nil {
		return err
	}
	library, err := report.NewLibrary(nil)
	if err != nil {
		return err
	}
	engine := duckdb.New(duckdb.Options{})
	runner := &report.Runner{Library: library, Engine: engine, Planner: year, Clock: trailhouse.SystemClock{}}
	var beside []string
	took, worked := map[string]time.Duration{}, map[string]time.Duration{}
	for _, name := range []string{"findings", "kms-by-key", "kms-by-image", "kms-calls"} {
		var all, cpu []time.Duration
		for range b.rounds + 1 {
			var rows tally
			engine.Warm(context.Background(), 2)
			time.Sleep(200 * time.Millisecond) // a database is ready, as it is for who asks again
			begun, before := time.Now(), ownCPU()
			if _, err := runner.Run(context.Background(), report.Request{Name: name}, &rows); err != nil {
				return err
			}
			all, cpu = append(all, time.Since(begun)), append(cpu, ownCPU()-before)
			if rows == 0 {
				return fmt.Errorf("%s has no rows", name)
			}
		}
		took[name], worked[name] = median(slices.Clone(all[1:])), median(slices.Clone(cpu[1:]))
		if name != "findings" {
			beside = append(beside, fmt.Sprintf("%s %d ms", name, took[name].Milliseconds()))
		}
	}
	b.add(fmt.Sprintf("findings over a year of %d attested calls of %d sessions, warm", b.lives*callsOfSession, b.lives), "under 200 ms",
		fmt.Sprintf("%d ms (%d ms of processors)", took["findings"].Milliseconds(), worked["findings"].Milliseconds()), strings.Join(beside, ", "))
	return nil
}
