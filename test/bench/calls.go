package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
	"github.com/trailhouse/trailhouse/internal/derive"
	"github.com/trailhouse/trailhouse/internal/derive/attested"
	"github.com/trailhouse/trailhouse/internal/derive/sessions"
	"github.com/trailhouse/trailhouse/internal/ingest"
	"github.com/trailhouse/trailhouse/internal/lake"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail"
	"github.com/trailhouse/trailhouse/internal/source/enclavelog"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// calls measures how attested calls of a year get their sessions, ten calls each: from
// the tables that are there to a new table with all columns.
func (b *bench) calls() error {
	ctx, dir := context.Background(), filepath.Join(b.dir, "calls")
	defer os.RemoveAll(dir)
	l, err := lake.Open(ctx, dir, trailhouse.SystemClock{})
	if err != nil {
		return err
	}
	defer l.Close()
	year := testkit.AttestedYear{Hosts: 1000, Sessions: b.lives, Calls: 10 * b.lives}
	if err := fillYear(ctx, l, year); err != nil {
		return err
	}
	job := derive.Job{
		Lake: l, Lock: func(context.Context, string) (func(), error) { return func() {}, nil }, Trail: cloudtrail.EventTable(),
		Logs: derive.Logs{Enclave: enclavelog.LogTable(), Allocator: enclavelog.AllocatorTable(), Coverage: ingest.CoverageTable(), Source: enclavelog.Name},
	}
	before := ownCPU()
	if _, err := job.Run(ctx); err != nil {
		return err
	}
	cpu := ownCPU() - before
	if n, err := within(ctx, l); err != nil || n != year.Calls {
		return fmt.Errorf("%d of %d calls lie within a session (%w)", n, year.Calls, err)
	}
	b.add(fmt.Sprintf("%s attested calls of a year joined to %s sessions", grouped(int64(year.Calls)), grouped(int64(year.Sessions))),
		"at most 5 CPU-s for a million", fmt.Sprintf("%.1f CPU-s", cpu.Seconds()), "every column read and written")
	return nil
}

// fillYear writes the tables that calls are joined from, as if they had been derived.
func fillYear(ctx context.Context, l *lake.Lake, year testkit.AttestedYear) error {
	all := []*trailhouse.Table{cloudtrail.EventTable(), attested.CallTable(), attested.HostEndTable(), sessions.SessionTable()}
	for _, t := range all {
		if err := l.Ensure(ctx, t); err != nil {
			return err
		}
	}
	if err := year.Write(func(rows *trailhouse.Batch) error { return commitRows(ctx, l, rows) }); err != nil {
		return err
	}
	if err := l.Commit(ctx, trailhouse.Commit{Table: all[0], BatchID: rand.Text()}); err != nil {
		return err
	}
	id, err := l.Current(ctx, all[0].Name)
	if err != nil {
		return err
	}
	for _, t := range all[1:3] {
		c := trailhouse.Commit{Table: t, BatchID: rand.Text(), Summary: map[string]string{
			"trailhouse.derive.version": attested.Version, lake.SourceKey + all[0].Name: strconv.FormatInt(id, 10),
		}}
		if err := l.Commit(ctx, c); err != nil {
			return err
		}
	}
	return nil
}

// commitRows commits rows, cut by month.
func commitRows(ctx context.Context, l *lake.Lake, rows *trailhouse.Batch) error {
	t, c := rows.Table, trailhouse.Commit{Table: rows.Table, BatchID: rand.Text()}
	months := map[time.Time][]int32{}
	for i := range rows.Len() {
		at := rows.Time(t.MustIndex(t.PartitionBy), i)
		m := time.Date(at.Year(), at.Month(), 1, 0, 0, 0, 0, time.UTC)
		months[m] = append(months[m], int32(i))
	}
	for m, index := range months {
		path, err := l.DataPath(t, m, rand.Text()+".parquet")
		if err != nil {
			return err
		}
		f, err := columns.Write(path, rows, index)
		if err != nil {
			return err
		}
		f.Partition = m
		c.Add = append(c.Add, f)
	}
	return l.Commit(ctx, c)
}

// within counts the calls within a session.
func within(ctx context.Context, l *lake.Lake) (n int, err error) {
	t := attested.JoinTable()
	files, _, err := l.Files(ctx, t.Name, trailhouse.Period{})
	if err != nil {
		return 0, err
	}
	match := t.MustIndex("session_match")
	for _, f := range files {
		err := columns.Read(ctx, f.Path, t, nil, func(b *trailhouse.Batch) error {
			for i := range b.Len() {
				if string(b.Text(match, i)) == attested.Within {
					n++
				}
			}
			return nil
		})
		if err != nil {
			return 0, err
		}
	}
	return n, nil
}
