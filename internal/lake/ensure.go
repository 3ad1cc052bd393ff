package lake

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/columns"
)

// formatProperty is the table property that holds the version of our own
// conventions: names, ids and summary keys. A table of a later version is left
// alone.
const (
	formatProperty = "trailhouse.format-version"
	formatVersion  = 1
)

// Ensure creates the table where it is missing, adds the columns at the end that it
// does not have yet, and lets those be null that are no longer
// required. Two processes may do so at once.
func (l *Lake) Ensure(ctx context.Context, t *trailhouse.Table) error {
	var last error
	for attempt := range maxAttempts {
		if attempt > 0 {
			if err := pause(ctx, attempt); err != nil {
				return storageError("create table "+t.Name, err)
			}
		}
		done, err := l.ensureOnce(ctx, t)
		if done || isStorage(err) || interrupted(err) {
			return storageError("create table "+t.Name, err)
		}
		last = err
	}
	return trailhouse.Errorf(trailhouse.CodeConflict, "table %s could not be created: %w", t.Name, last)
}

// ensureOnce looks at the table once and makes at most one change. done says that
// the table is right, or that err will not go away.
func (l *Lake) ensureOnce(ctx context.Context, t *trailhouse.Table) (done bool, err error) {
	want, err := icebergSchema(t)
	if err != nil {
		return true, err
	}
	tbl, err := l.load(ctx, t.Name)
	if err != nil {
		return true, err
	}
	if tbl == nil {
		return l.create(ctx, t, want)
	}
	changes, err := compare(t, tbl, want)
	if err != nil || changes == 0 {
		return true, err
	}
	reqs := []table.Requirement{table.AssertTableUUID(tbl.Metadata().TableUUID()), table.AssertCurrentSchemaID(tbl.Schema().ID)}
	updates := []table.Update{table.NewAddSchemaUpdate(want), table.NewSetCurrentSchemaUpdate(-1)}
	_, _, err = l.cat.CommitTable(ctx, identifier(t.Name), reqs, updates)
	return err == nil, err
}

// create makes the table. The catalog's own CreateTable would number the fields
// anew; a commit against no table keeps our numbers, which do not change when a
// column is added.
func (l *Lake) create(ctx context.Context, t *trailhouse.Table, schema *iceberg.Schema) (bool, error) {
	updates := []table.Update{
		table.NewUpgradeFormatVersionUpdate(2),
		table.NewSetLocationUpdate(locationRoot + t.Name),
		table.NewAddSchemaUpdate(schema),
		table.NewSetCurrentSchemaUpdate(-1),
	}
	if t.Transform != trailhouse.Unpartitioned {
		spec, err := partitionSpec(t, schema)
		if err != nil {
			return true, err
		}
		updates = append(updates, table.NewAddPartitionSpecUpdate(&spec, true), table.NewSetDefaultSpecUpdate(-1))
	}
	updates = append(updates, table.NewSetPropertiesUpdate(properties(t)))
	_, _, err := l.cat.CommitTable(ctx, identifier(t.Name), []table.Requirement{table.AssertCreate()}, updates)
	if errors.Is(err, catalog.ErrNoSuchNamespace) {
		return true, err
	}
	return err == nil, err
}

// properties are the table properties. Manifests are merged and metadata is
// compressed, which keeps planning fast (facts/engine.md 2, "Cost growth").
// Retries by the library stay off: it cannot look a batch id up. Old metadata
// files are removed by Expire, not at a commit, where a reader may be about to
// open one.
func properties(t *trailhouse.Table) iceberg.Properties {
	return iceberg.Properties{
		formatProperty:                            strconv.Itoa(formatVersion),
		"comment":                                 t.Doc,
		table.ManifestMergeEnabledKey:             "true",
		table.ManifestMinMergeCountKey:            "50",
		table.MetadataCompressionKey:              table.MetadataCompressionCodecGzip,
		table.MetadataPreviousVersionsMaxKey:      "20",
		table.MetadataDeleteAfterCommitEnabledKey: "false",
		table.CommitNumRetriesKey:                 "0",
		table.ParquetCompressionKey:               "zstd",
		"write.parquet.row-group-limit":           strconv.Itoa(columns.RowGroupRows),
	}
}

// compare checks a table that exists against our description of it and returns
// how many of our columns it lacks or still requires.
func compare(t *trailhouse.Table, tbl *table.Table, want *iceberg.Schema) (changes int, err error) {
	version, _ := strconv.Atoi(tbl.Properties()[formatProperty])
	if version > formatVersion {
		return 0, newer(t, "it is of format version "+strconv.Itoa(version))
	}
	have, ours := tbl.Schema().Fields(), want.Fields()
	if len(have) > len(ours) {
		return 0, newer(t, "it has a column "+have[len(ours)].Name)
	}
	for i, f := range have {
		o := ours[i]
		if f.ID != o.ID || f.Name != o.Name || o.Required && !f.Required || !f.Type.Equals(o.Type) {
			return 0, newer(t, fmt.Sprintf("its column %d is %s %s", i+1, f.Name, f.Type))
		}
		if f.Required != o.Required {
			changes++
		}
	}
	if _, _, tr, _ := specOf(tbl.Spec()); tr != t.Transform {
		return 0, newer(t, "it is partitioned otherwise")
	}
	for _, o := range ours[len(have):] {
		if o.Required {
			return 0, trailhouse.Errorf(trailhouse.CodeInternal, "column %s cannot be added to table %s: it is required and old rows have no value", o.Name, t.Name)
		}
	}
	return changes + len(ours) - len(have), nil
}

func newer(t *trailhouse.Table, why string) error {
	return trailhouse.Errorf(trailhouse.CodeNewer, "table %s was written by a newer Trailhouse: %s", t.Name, why).
		WithHint("install the newest Trailhouse, or use another --data directory")
}
