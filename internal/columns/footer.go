package columns

import (
	"os"
	"time"

	"github.com/trailhouse/trailhouse"
)

// Footer is what the end of a file says about it.
type Footer struct {
	// File has the path, rows and size; Partition is zero.
	File trailhouse.DataFile
	// Metadata is the Parquet metadata with the statistics of the columns, as a
	// value that internal/lake hands to iceberg-go unread.
	Metadata any
	// Modified is when the file was last written, by this machine's clock.
	Modified time.Time
}

// ReadFooter reads the footer of a file. CodeNotFound where there is no file,
// CodeDamaged where its end is not that of a Parquet file.
func ReadFooter(path string) (Footer, error) {
	info, err := os.Stat(path)
	if err != nil {
		return Footer{}, readError(path, err)
	}
	rdr, err := open(path)
	if err != nil {
		return Footer{}, err
	}
	defer rdr.Close()
	return Footer{
		File:     trailhouse.DataFile{Path: path, Rows: rdr.NumRows(), Bytes: info.Size()},
		Metadata: rdr.MetaData(), Modified: info.ModTime(),
	}, nil
}
