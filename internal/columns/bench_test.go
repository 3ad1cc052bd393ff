package columns_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// logLike is a batch in the shape of a day of a host polled every 10 s: 52,000
// lines.
func logLike() *trailhouse.Batch {
	t := &trailhouse.Table{Name: "log", Columns: []trailhouse.Column{
		{Name: "record_id", Type: trailhouse.TypeUUID, Required: true},
		{Name: "instance_id", Type: trailhouse.TypeString, Required: true},
		{Name: "time", Type: trailhouse.TypeTimestamp, Required: true},
		{Name: "logger", Type: trailhouse.TypeString, Required: true},
		{Name: "pid", Type: trailhouse.TypeInt64},
		{Name: "level", Type: trailhouse.TypeString, Required: true},
		{Name: "message", Type: trailhouse.TypeString, Required: true},
		{Name: "ordinal", Type: trailhouse.TypeInt64, Required: true},
	}}
	b := trailhouse.NewBatch(t)
	for i := range 52000 {
		b.SetKey(0, trailhouse.Key{byte(i), byte(i >> 8), 7, byte(i * 31)})
		b.SetString(1, "i-0a1b2c3d4e5f60718")
		b.SetMicros(2, 1_700_000_000_000_000+int64(i)*10_000_000)
		b.SetString(3, fmt.Sprint("nitro-cli:", i%5000))
		b.SetInt(4, int64(i%5000))
		b.SetString(5, "INFO")
		b.SetString(6, fmt.Sprint("Received signal for describe of connection ", i))
		b.SetInt(7, 0)
		b.EndRow()
	}
	return b
}

func BenchmarkRead(b *testing.B) {
	batch := logLike()
	path := filepath.Join(b.TempDir(), "x.parquet")
	if _, err := columns.Write(path, batch, nil); err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		rows := 0
		err := columns.Read(context.Background(), path, batch.Table, nil, func(b *trailhouse.Batch) error { rows += b.Len(); return nil })
		if err != nil || rows != batch.Len() {
			b.Fatal(rows, err)
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	batch := logLike()
	dir := b.TempDir()
	b.SetBytes(int64(batch.Bytes()))
	for i := 0; b.Loop(); i++ {
		if _, err := columns.Write(filepath.Join(dir, fmt.Sprint(i)), batch, nil); err != nil {
			b.Fatal(err)
		}
	}
}
