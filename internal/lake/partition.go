package lake

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/trailhouse/trailhouse"
)

// ordinal counts partitions as Iceberg does: days or months since 1970. Tables
// without partitions have the one ordinal 0.
type ordinal int32

// span is a range of ordinals, both ends included.
type span struct {
	from, to ordinal
}

// everything is the span of all partitions.
func everything() span { return span{math.MinInt32, math.MaxInt32} }

func (s span) contains(o ordinal) bool { return s.from <= o && o <= s.to }

// holds reports whether all of the other span lies in it.
func (s span) holds(o span) bool { return s.from <= o.from && o.to <= s.to }

// overlaps reports whether the spans share a partition.
func (s span) overlaps(o span) bool { return s.from <= o.to && o.from <= s.to }

// ordinalOf returns the partition that an instant lies in.
func ordinalOf(tr trailhouse.Transform, t time.Time) ordinal {
	t = t.UTC()
	switch tr {
	case trailhouse.ByDay:
		const day = 24 * 60 * 60
		s := t.Unix()
		if s < 0 {
			s -= day - 1
		}
		return ordinal(s / day)
	case trailhouse.ByMonth:
		return ordinal((t.Year()-1970)*12 + int(t.Month()) - 1)
	}
	return 0
}

// start returns the first instant of a partition, zero for tables without.
func (o ordinal) start(tr trailhouse.Transform) time.Time {
	switch tr {
	case trailhouse.ByDay:
		return time.Unix(int64(o)*24*60*60, 0).UTC()
	case trailhouse.ByMonth:
		return time.Date(1970, time.Month(1+int(o)), 1, 0, 0, 0, 0, time.UTC)
	}
	return time.Time{}
}

// spanOf returns the partitions that a period touches. A table without partitions
// has no bounds.
func spanOf(tr trailhouse.Transform, p trailhouse.Period) span {
	s := everything()
	if tr == trailhouse.Unpartitioned {
		return s
	}
	if !p.From.IsZero() {
		s.from = ordinalOf(tr, p.From)
	}
	if !p.To.IsZero() {
		s.to = ordinalOf(tr, p.To.Add(-1))
	}
	return s
}

// partitionDir names the directory of a partition as Hive does, for people; no
// reader of ours looks at it.
func partitionDir(tr trailhouse.Transform, t time.Time) string {
	switch tr {
	case trailhouse.ByDay:
		return "day=" + t.UTC().Format("2006-01-02")
	case trailhouse.ByMonth:
		return "month=" + t.UTC().Format("2006-01")
	}
	return ""
}

// specOf returns the field id and transform of the one partition field that our
// tables have, and false for tables without.
func specOf(spec iceberg.PartitionSpec) (field int, source int, tr trailhouse.Transform, ok bool) {
	for _, f := range spec.Fields() {
		switch f.Transform.(type) {
		case iceberg.DayTransform:
			return f.FieldID, f.SourceID(), trailhouse.ByDay, true
		case iceberg.MonthTransform:
			return f.FieldID, f.SourceID(), trailhouse.ByMonth, true
		}
	}
	return 0, 0, trailhouse.Unpartitioned, false
}

// value is the ordinal as iceberg-go wants it in a data file: days are dates,
// months plain numbers.
func (o ordinal) value(tr trailhouse.Transform) any {
	if tr == trailhouse.ByDay {
		return iceberg.Date(o)
	}
	return int32(o)
}

// fileOrdinal returns the partition of a data file.
func fileOrdinal(f iceberg.DataFile, field int) ordinal {
	switch v := f.Partition()[field].(type) {
	case iceberg.Date:
		return ordinal(v)
	case int32:
		return ordinal(v)
	}
	return 0
}

// manifestSpan returns the partitions that a manifest's files lie in, everything
// where the manifest does not say.
func manifestSpan(m iceberg.ManifestFile) span {
	parts := m.Partitions()
	if len(parts) != 1 || parts[0].ContainsNull || parts[0].LowerBound == nil || parts[0].UpperBound == nil {
		return everything()
	}
	lower, upper := *parts[0].LowerBound, *parts[0].UpperBound
	if len(lower) != 4 || len(upper) != 4 {
		return everything()
	}
	return span{ordinal(int32(binary.LittleEndian.Uint32(lower))), ordinal(int32(binary.LittleEndian.Uint32(upper)))}
}
