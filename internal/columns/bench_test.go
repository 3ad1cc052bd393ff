package columns_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// lineBytes is about how long a line of a nitro-cli log is.
const lineBytes = 110

// logLike is a batch in the shape of a day of a host polled every 10 s: 52,000
// lines with the columns of the table enclave_log.
func logLike() *trailhouse.Batch {
	t := &trailhouse.Table{Name: "log", Key: "record_id", Columns: []trailhouse.Column{
		{Name: "record_id", Type: trailhouse.TypeUUID, Required: true},
		{Name: "instance_id", Type: trailhouse.TypeString, Required: true},
		{Name: "time", Type: trailhouse.TypeTimestamp, Required: true},
		{Name: "logger", Type: trailhouse.TypeString, Required: true},
		{Name: "pid", Type: trailhouse.TypeInt64},
		{Name: "slot", Type: trailhouse.TypeString},
		{Name: "level", Type: trailhouse.TypeString, Required: true},
		{Name: "file", Type: trailhouse.TypeString, Required: true},
		{Name: "line", Type: trailhouse.TypeInt64, Required: true},
		{Name: "message", Type: trailhouse.TypeString, Required: true},
		{Name: "continuation", Type: trailhouse.TypeString},
		{Name: "ordinal", Type: trailhouse.TypeInt64, Required: true},
		{Name: "object", Type: trailhouse.TypeString, Required: true},
		{Name: "position", Type: trailhouse.TypeInt64, Required: true},
		{Name: "unit_id", Type: trailhouse.TypeString, Required: true},
	}}
	b := trailhouse.NewBatch(t)
	rnd := rand.New(rand.NewPCG(1, 1))
	for i := range 52000 {
		b.SetKey(0, randomKey(rnd))
		b.SetString(1, "i-0a1b2c3d4e5f60718")
		b.SetMicros(2, 1_700_000_000_000_000+int64(i)*1_661_000+int64(rnd.IntN(1000))*1000)
		b.SetString(3, fmt.Sprint("enc-1c8cf6d2:", i/6))
		b.SetInt(4, int64(i/6))
		if i%6 > 2 {
			b.SetString(5, "1c8cf6d2")
		}
		b.SetString(6, "INFO")
		b.SetString(7, []string{"src/main.rs", "src/common/logger.rs", "src/enclave_proc/commands.rs"}[i%3])
		b.SetInt(8, int64(20+i%6*31))
		b.SetString(9, []string{"Start Command Executor process", "Logger initialized", fmt.Sprint("Received signal for describe of connection ", i),
			"Handling command Describe", fmt.Sprint("Sent response of ", i%977, " bytes"), "The enclave process is done"}[i%6])
		b.SetInt(11, 0)
		b.SetString(12, "/var/log/nitro_enclaves/nitro_enclaves.log")
		b.SetInt(13, int64(i)*lineBytes+int64(rnd.IntN(40)))
		b.SetString(14, "4ad0e37ec3ff8a0ef0b3f0f6b01a4e36")
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
	measure(b, batch.Len(), lineBytes, func(int) {
		rows := 0
		err := columns.Read(context.Background(), path, batch.Table, nil, func(b *trailhouse.Batch) error { rows += b.Len(); return nil })
		if err != nil || rows != batch.Len() {
			b.Fatal(rows, err)
		}
	})
}

func BenchmarkWrite(b *testing.B) { benchmarkWrite(b, logLike(), lineBytes) }

// benchmarkWrite writes a batch over and over; rawBytes is how long a row is as
// evidence.
func benchmarkWrite(b *testing.B, batch *trailhouse.Batch, rawBytes int) {
	dir := b.TempDir()
	var size int64
	measure(b, batch.Len(), rawBytes, func(i int) {
		df, err := columns.Write(filepath.Join(dir, fmt.Sprint(i)), batch, nil)
		if err != nil {
			b.Fatal(err)
		}
		size = df.Bytes
		_ = os.Remove(df.Path)
	})
	b.ReportMetric(float64(size)/float64(batch.Len()), "B/row")
}

// measure runs fn over rows of evidence and reports processor time.
func measure(b *testing.B, rows, rawBytes int, fn func(int)) {
	b.SetBytes(int64(rows * rawBytes))
	b.ReportAllocs()
	start := cpu()
	for i := 0; b.Loop(); i++ {
		fn(i)
	}
	spent := (cpu() - start).Seconds()
	b.ReportMetric(float64(rows*b.N)/spent, "rows/CPU-s")
	b.ReportMetric(float64(rows*b.N*rawBytes)/spent/1e6, "MB/CPU-s")
}
