package app

import (
	"context"
	"errors"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/cli"
	"github.com/trailhouse/trailhouse/internal/ingest"
)

// Describe lists what statements can ask, or the one table or view with the name. No
// data is read.
func (h *House) Describe(ctx context.Context, name string) ([]cli.TableInfo, error) {
	all, views := h.Tables()
	var list []cli.TableInfo
	for _, t := range all {
		if name == "" || strings.EqualFold(t.Name, name) {
			list = append(list, tableInfo(t))
		}
	}
	for _, v := range views {
		if name != "" && !strings.EqualFold(v.Name, name) {
			continue
		}
		info, err := h.viewInfo(ctx, v)
		if err != nil {
			return nil, err
		}
		list = append(list, info)
	}
	if len(list) == 0 {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "there is no table %s", name).WithHint("`trailhouse tables` lists them")
	}
	return list, nil
}

// tableInfo describes a table of the lake.
func tableInfo(t *trailhouse.Table) cli.TableInfo {
	info := cli.TableInfo{Name: t.Name, Kind: cli.KindEvidence, Doc: t.Doc}
	switch {
	case isDerived(t):
		info.Kind = cli.KindDerived
	case slices.ContainsFunc(ingest.Tables(), func(o *trailhouse.Table) bool { return o.Name == t.Name }):
		info.Kind = cli.KindAccounting
	}
	for i := range t.Columns {
		c := &t.Columns[i]
		info.Columns = append(info.Columns, cli.ColumnInfo{Name: c.Name, Type: c.SQLType(), Doc: c.Doc})
	}
	return info
}

// viewInfo describes a view. Its columns are what the engine makes of it over tables
// without files; one that has its name from a table has its type and meaning too.
func (h *House) viewInfo(ctx context.Context, v trailhouse.DerivedView) (cli.TableInfo, error) {
	all, derived := h.Tables()
	info := cli.TableInfo{Name: v.Name, Kind: cli.KindView, Doc: v.Doc}
	var under []*trailhouse.Table
	q := trailhouse.Query{
		SQL: `SELECT * FROM "` + v.Name + `"`, Views: empty(all), Derived: derived, Limits: h.reports.Limits,
		Plan: func(_ context.Context, tables []*trailhouse.Table) ([]trailhouse.View, error) {
			under = tables
			return empty(tables), nil
		},
	}
	err := h.engine.Query(ctx, q, func(columns []trailhouse.ResultColumn) error {
		for _, c := range columns {
			info.Columns = append(info.Columns, columnInfo(c, v, under))
		}
		return errFound
	}, func([]any) error { return nil })
	if errors.Is(err, errFound) {
		err = nil
	}
	return info, err
}

// columnInfo describes a column of a view over tables.
func columnInfo(c trailhouse.ResultColumn, v trailhouse.DerivedView, under []*trailhouse.Table) cli.ColumnInfo {
	info := cli.ColumnInfo{Name: c.Name, Type: c.Type, Doc: v.Meanings[c.Name]}
	for _, t := range under {
		if i := t.Index(c.Name); i >= 0 {
			info.Type = t.Columns[i].SQLType()
			if info.Doc == "" {
				info.Doc = t.Columns[i].Doc
			}
			break
		}
	}
	return info
}

// empty returns views of tables without files.
func empty(tables []*trailhouse.Table) []trailhouse.View {
	views := make([]trailhouse.View, len(tables))
	for i, t := range tables {
		views[i] = trailhouse.View{Table: t}
	}
	return views
}
