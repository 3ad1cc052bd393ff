package lake

import (
	"context"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/apache/iceberg-go"
	"github.com/apache/iceberg-go/catalog"
	sqlcat "github.com/apache/iceberg-go/catalog/sql"
	iceio "github.com/apache/iceberg-go/io"
	"github.com/apache/iceberg-go/table"
	"github.com/trailhouse/trailhouse"
	_ "modernc.org/sqlite" // the catalog's driver
)

// namespace holds all tables. The catalog's name is part of every row.
const (
	namespace   = "trailhouse"
	catalogName = "lake"
	catalogFile = "catalog.db"
)

// Lake is a trailhouse.Lake on this machine's disk. Its methods may be called
// from several goroutines, and any number of processes may have the same
// directory open.
type Lake struct {
	files localIO
	db    *sql.DB
	list  *sqlcat.Catalog
	// cat makes the changes. It is a seam: tests let it answer as catalogs do when
	// things go wrong.
	cat   table.CatalogIO
	clock trailhouse.Clock
	known known
}

var _ trailhouse.Lake = (*Lake)(nil)

// Open opens the lake in a directory, which is made where it is missing. The clock
// decides which partitions are closed and which snapshots are old; it does not
// date snapshots, which carry the machine's time.
func Open(ctx context.Context, dir string, clock trailhouse.Clock) (*Lake, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, storageError("find the directory of the lake", err)
	}
	register()
	if err := makeDir(dir); err != nil {
		return nil, storageError("make the lake's directory "+dir, err)
	}
	db, err := openCatalog(dir)
	if err != nil {
		return nil, storageError("open the lake's catalog in "+dir, err)
	}
	l := &Lake{files: localIO{dir: dir}, db: db, clock: clock}
	if err := l.connect(ctx); err != nil {
		return nil, errors.Join(storageError("open the lake's catalog in "+dir, err), db.Close())
	}
	return l, nil
}

// openCatalog opens the catalog's database. A commit waits up to 10 s for
// another one; reads never wait, since the log is written ahead. synchronous
// FULL makes a commit survive a power cut.
func openCatalog(dir string) (*sql.DB, error) {
	path := filepath.Join(dir, catalogFile)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(f.Close(), syncDir(dir)); err != nil {
		return nil, err
	}
	options := url.Values{"_pragma": {"busy_timeout(10000)", "journal_mode(WAL)", "synchronous(FULL)"}, "_txlock": {"immediate"}}
	source := url.URL{Scheme: "file", Path: path, RawQuery: options.Encode()}
	return sql.Open("sqlite", source.String())
}

// connect makes the catalog's tables and our namespace where they are missing.
// Two processes may do so at once: the one that loses finds them made.
func (l *Lake) connect(ctx context.Context) error {
	props := iceberg.Properties{dirProperty: l.files.dir, "warehouse": locationRoot}
	cat, err := retryBusy(ctx, func() (*sqlcat.Catalog, error) {
		return sqlcat.NewCatalog(catalogName, l.db, sqlcat.SQLite, props)
	})
	if err != nil {
		return err
	}
	l.list, l.cat = cat, cat
	_, err = retryBusy(ctx, func() (bool, error) {
		exists, err := cat.CheckNamespaceExists(ctx, table.Identifier{namespace})
		if err != nil || exists {
			return true, err
		}
		err = cat.CreateNamespace(ctx, table.Identifier{namespace}, nil)
		if errors.Is(err, catalog.ErrNamespaceAlreadyExists) {
			err = nil
		}
		return true, err
	})
	return err
}

// retryBusy repeats fn where SQLite says that it is busy although it was told to
// wait: switching to the write-ahead log and recovering it do not wait.
func retryBusy[T any](ctx context.Context, fn func() (T, error)) (T, error) {
	for attempt := 0; ; attempt++ {
		v, err := fn()
		if err == nil || attempt >= maxBusy || !isBusy(err) {
			return v, err
		}
		if err := pause(ctx, attempt); err != nil {
			return v, err
		}
	}
}

// Close closes the lake.
func (l *Lake) Close() error {
	if err := errors.Join(l.list.Close(), l.db.Close()); err != nil {
		return storageError("close the lake's catalog", err)
	}
	return nil
}

// Tables returns the names of all tables, sorted.
func (l *Lake) Tables(ctx context.Context) ([]string, error) {
	var names []string
	for id, err := range l.list.ListTables(ctx, table.Identifier{namespace}) {
		if err != nil {
			return nil, storageError("list the lake's tables", err)
		}
		names = append(names, id[len(id)-1])
	}
	slices.Sort(names)
	return names, nil
}

// DataPath returns the path of a new data file and makes its directory, which is
// named as Hive names partitions.
func (l *Lake) DataPath(t *trailhouse.Table, partition time.Time, name string) (string, error) {
	dir := filepath.Join(l.files.dir, t.Name, "data", partitionDir(t.Transform, partition))
	if name == "" || name != filepath.Base(name) {
		return "", trailhouse.Errorf(trailhouse.CodeInternal, "%q cannot name a data file", name)
	}
	if err := makeDir(dir); err != nil {
		return "", storageError("make "+dir, err)
	}
	return filepath.Join(dir, name), nil
}

// identifier is a table's name in the catalog.
func identifier(name string) table.Identifier { return table.Identifier{namespace, name} }

// load reads the current state of a table, nil where there is no such table.
func (l *Lake) load(ctx context.Context, name string) (*table.Table, error) {
	tbl, err := l.cat.LoadTable(ctx, identifier(name))
	if errors.Is(err, catalog.ErrNoSuchTable) {
		return nil, nil
	}
	if err != nil {
		return nil, loadError(name, err)
	}
	// The table that the catalog gives commits to the catalog; ours goes through
	// the seam.
	fs := func(context.Context) (iceio.IO, error) { return l.files, nil }
	return table.New(identifier(name), tbl.Metadata(), tbl.MetadataLocation(), fs, l.cat), nil
}

// mustLoad is load where a missing table is an error.
func (l *Lake) mustLoad(ctx context.Context, name string) (*table.Table, error) {
	tbl, err := l.load(ctx, name)
	if err == nil && tbl == nil {
		err = noTable(name)
	}
	return tbl, err
}

func noTable(name string) error {
	return trailhouse.Errorf(trailhouse.CodeNotFound, "the lake has no table %s", name)
}
