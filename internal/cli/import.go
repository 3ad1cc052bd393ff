package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

// importFlags are the flags of import enclave-log.
type importFlags struct {
	instance, zone, through string
	year                    int
	groups                  []string
}

func (s *shell) importCommand() *cobra.Command {
	return group("import", "Read evidence into the lake", s.importEnclaveLog(), s.importCloudTrail())
}

func (s *shell) importEnclaveLog() *cobra.Command {
	var f importFlags
	c := &cobra.Command{
		Use:   "enclave-log [PATH…]",
		Short: "Read logs of nitro-cli and journals of the allocator",
		Long: `Reads files and directories with logs of nitro-cli (plain, gzip, rotated, or as
CloudWatch Logs gives them out) and journals of nitro-enclaves-allocator.service, the
same below s3://bucket/prefix, with exports of CloudWatch Logs and what Firehose
delivers, and log groups of CloudWatch Logs, where each host writes a stream.

A record that was read before, in whatever file, is not written again. The host is
the instance id in the name of a directory, file or stream, else what the log's own
enclave ids say, else --instance. Without a place, all sources of the kind enclave-log
in trailhouse.yaml are read.`,
		Example: `  trailhouse import enclave-log /var/log/nitro_enclaves
  trailhouse import enclave-log --instance i-0a1b2c3d4e5f60718 nitro_enclaves.log
  trailhouse import enclave-log --log-group '/aws/nitro/*' --region eu-west-1 --profile audit
  trailhouse import enclave-log s3://my-logs/exports
  trailhouse import enclave-log logs/i-0a1b2c3d4e5f60718 --complete-through 2025-11-03T12:00:00Z`,
	}
	c.Flags().StringVar(&f.instance, "instance", "", "instance `ID` of the host, where neither path nor content names it")
	c.Flags().IntVar(&f.year, "year", 0, "year of journal lines, which print none (default: from the file's time)")
	c.Flags().StringVar(&f.zone, "tz", "UTC", "time `ZONE` of journal lines, which print none")
	c.Flags().StringVar(&f.through, "complete-through", "", "the evidence is complete through this `TIME`: enclaves without an end ran at least until then")
	c.Flags().StringArrayVar(&f.groups, "log-group", nil, "log group of CloudWatch Logs, a `NAME` in which * is any text and ? any character (may be given several times)")
	accessFlags(c)
	c.Flags().Int64("batch-records", 0, "most records of one commit (setting ingest.batch_records)")
	c.RunE = func(c *cobra.Command, args []string) error {
		r, err := f.request(s, args)
		if err == nil {
			err = s.somewhere(c, r)
		}
		if err != nil {
			return err
		}
		return s.withHouse(c, func(ctx context.Context, h House) error { return s.runImport(ctx, h, r) })
	}
	return c
}

// request checks the flags.
func (f importFlags) request(s *shell, paths []string) (ImportRequest, error) {
	r := ImportRequest{Source: "enclave-log", Instance: trailhouse.InstanceID(f.instance), Year: f.year}
	if f.instance != "" && !strings.HasPrefix(f.instance, "i-") {
		return r, usage("--instance: %q is not an instance id such as i-0a1b2c3d4e5f60718", f.instance)
	}
	if f.year != 0 && (f.year < 2020 || f.year > 9999) {
		return r, usage("--year: there were no enclaves in %d", f.year)
	}
	zone, err := time.LoadLocation(f.zone)
	if err != nil || f.zone == "" || f.zone == "Local" {
		return r, usage("--tz: %q is not a time zone such as UTC or Europe/Paris", f.zone)
	}
	r.Zone = zone
	if r.CompleteThrough, err = instant("--complete-through", f.through); err != nil {
		return r, err
	}
	if r.CompleteThrough.After(s.env.Clock.Now()) {
		return r, usage("--complete-through: %s lies ahead: evidence is complete through an instant that was", f.through)
	}
	for _, group := range f.groups {
		if !config.ValidLogGroup(group) {
			return r, usage("--log-group: %q is not the name of a log group such as /aws/nitro/enclave (not its ARN)", group)
		}
	}
	r.LogGroups = f.groups
	r.Paths, err = s.places(paths)
	return r, err
}

// places returns the files and directories of a command as absolute paths, and
// addresses as they are. Where none of them is there, nothing is read: that is a slip of
// the pen. One that is not there beside others is evidence that is missing.
func (s *shell) places(args []string) ([]string, error) {
	var places []string
	absent := 0
	for _, place := range args {
		if place == "" {
			return nil, usage("a path is empty").WithHint("is a variable of your shell not set? The working directory is called .")
		}
		if strings.HasPrefix(place, "s3://") {
			places = append(places, place)
			continue
		}
		path := s.absolute(place)
		if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) {
			absent++
		}
		places = append(places, path)
	}
	if absent > 0 && absent == len(args) {
		return nil, usage("%s is not there", strings.Join(args, ", ")).WithHint("nothing was read")
	}
	return places, nil
}

// somewhere checks, before anything is opened, that an import has a place to read.
func (s *shell) somewhere(c *cobra.Command, r ImportRequest) error {
	if len(r.Paths)+len(r.LogGroups) > 0 {
		return nil
	}
	settings, err := s.config(c)
	if err == nil && len(settings.SourcesOf(r.Source)) == 0 {
		err = NothingToImport(r.Source)
	}
	return err
}

// NothingToImport is the error of an import that names no place where the configuration
// names none either: CodeUsage.
func NothingToImport(source string) error {
	return usage("there is nothing to import: neither the command nor sources in the configuration name a place").
		WithHint("see trailhouse import %s --help", source)
}

// progress returns what tells how far an import is, as the flags ask for it.
func (s *shell) progress() func(Progress) {
	if s.flags.noProgress || s.flags.quiet {
		return func(Progress) {}
	}
	return func(p Progress) { s.screen.progress(p, s.flags.json) }
}

// runImport imports and prints what became of it, also where it failed midway.
func (s *shell) runImport(ctx context.Context, h House, r ImportRequest) error {
	result, err := h.Import(ctx, r, s.progress())
	s.screen.finish()
	if err == nil || result.RunID != "" {
		s.printImport(result)
	}
	if err == nil && !s.flags.quiet {
		s.noteEmpty(r, result)
	}
	if err == nil {
		err = result.partial()
	}
	return err
}

// noteEmpty says where an import found nothing to read: a directory without files is no
// error, but seldom what was meant.
func (s *shell) noteEmpty(r ImportRequest, done ImportResult) {
	where := "the places of the configuration"
	if all := slices.Concat(r.Paths, r.LogGroups); len(all) > 0 {
		where = strings.Join(all, ", ")
	}
	switch {
	case done.Units+done.UnitsKnown+done.UnitsMissing+done.UnitsQuarantined > 0:
	case done.UnitsIgnored > 0:
		s.note("there is no evidence of the kind " + r.Source + " in " + where + ": what is there was ignored")
	default:
		s.note("there is nothing to read in " + where)
	}
}

// Add adds what another source gave to the counts. The first run stands for all.
func (r *ImportResult) Add(o ImportResult) {
	r.RunID = cmp.Or(r.RunID, o.RunID)
	r.Units += o.Units
	r.UnitsKnown += o.UnitsKnown
	r.UnitsMissing += o.UnitsMissing
	r.UnitsQuarantined += o.UnitsQuarantined
	r.UnitsIgnored += o.UnitsIgnored
	r.Records += o.Records
	r.Written += o.Written
	r.Duplicate += o.Duplicate
	r.Filtered += o.Filtered
	r.Quarantined += o.Quarantined
}

// partial is the error of an import that is done but for named parts.
func (r ImportResult) partial() error {
	if r.Quarantined == 0 && r.UnitsQuarantined == 0 && r.UnitsMissing == 0 {
		return nil
	}
	var parts []string
	add := func(n int64, one, many string) {
		if n == 1 {
			parts = append(parts, "1 "+one)
		} else if n > 1 {
			parts = append(parts, count(n)+" "+many)
		}
	}
	add(r.Quarantined, "record is in quarantine", "records are in quarantine")
	add(r.UnitsQuarantined, "file is in quarantine whole", "files are in quarantine whole")
	add(r.UnitsMissing, "file or directory could not be read", "files or directories could not be read")
	e := trailhouse.Errorf(trailhouse.CodePartial, "done, but %s", strings.Join(parts, ", "))
	if r.Quarantined+r.UnitsQuarantined > 0 {
		return e.WithHint("trailhouse sql \"SELECT object, position, reason FROM quarantine\"")
	}
	return e.WithHint("trailhouse sql \"SELECT object, detail FROM coverage WHERE result = 'missing'\"")
}

// printImport prints the accounting of an import.
func (s *shell) printImport(r ImportResult) {
	if s.flags.json {
		fmt.Fprintf(s.env.Out, "%s\n", mustJSON(r))
		return
	}
	fmt.Fprintf(s.env.Out, "units    %s read", count(r.Units))
	for _, part := range []struct {
		n    int64
		text string
	}{{r.UnitsKnown, "known already"}, {r.UnitsQuarantined, "quarantined"}, {r.UnitsMissing, "missing"}, {r.UnitsIgnored, "ignored"}} {
		if part.n > 0 {
			fmt.Fprintf(s.env.Out, ", %s %s", count(part.n), part.text)
		}
	}
	fmt.Fprintf(s.env.Out, "\nrecords  %s = %s written + %s duplicate + %s filtered + %s quarantined\n",
		count(r.Records), count(r.Written), count(r.Duplicate), count(r.Filtered), count(r.Quarantined))
}
