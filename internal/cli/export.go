package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
)

// ExportRequest says which records to write, and where.
type ExportRequest struct {
	// Report is the report whose rows are the records. Its Format is not looked at.
	Report ReportRequest
	// File is the absolute path of the file to make.
	File string
}

// ExportResult is what was written.
type ExportResult struct {
	// File holds the records, Hashes the SHA-256 of the files in the form of sha256sum,
	// Lost what is known of the records that are left out, empty where there are none.
	File   string `json:"file"`
	Hashes string `json:"hashes"`
	Lost   string `json:"lost,omitempty"`
	SHA256 string `json:"sha256"` // of File
	Bytes  int64  `json:"bytes"`  // of File
	// Records are in File, LostRecords are left out.
	Records     int64 `json:"records"`
	LostRecords int64 `json:"lost_records"`
	// Missing is as in Answer.
	Missing int64 `json:"-"`
}

// export checks the flags and writes the records of a report.
func (s *shell) export(c *cobra.Command, f reportFlags, r ReportRequest) error {
	switch {
	case f.export == "":
		return usage("--out names the file of an export: say what with --export records")
	case f.export != "records":
		return usage("--export: %q is not records", f.export)
	case f.out == "":
		return usage("--export needs --out, a new file or a directory for it")
	case c.Flags().Changed("format"):
		return usage("--export writes records as they were, so it cannot stand beside --format")
	}
	return s.withHouse(c, func(ctx context.Context, h House) error {
		done, err := h.Export(ctx, ExportRequest{Report: r, File: s.exportFile(f.out, r.Name)})
		if err != nil && trailhouse.CodeOf(err) != trailhouse.CodePartial {
			return err
		}
		text := fmt.Sprintf("%s in %s (%s), SHA-256 %s", records(done.Records), done.File, size(done.Bytes), done.SHA256)
		if said := s.say(text, done); said != nil {
			return said
		}
		return s.complete(Answer{Missing: done.Missing}, err)
	})
}

// exportFile returns the file to make: in a directory it is named after the report and
// the time.
func (s *shell) exportFile(out, report string) string {
	path := s.absolute(out)
	info, err := os.Stat(path)
	if strings.HasSuffix(out, "/") || err == nil && info.IsDir() {
		return filepath.Join(path, report+"-"+s.env.Clock.Now().UTC().Format("20060102T150405Z")+".json")
	}
	return path
}

func records(n int64) string {
	if n == 1 {
		return "1 record"
	}
	return count(n) + " records"
}
