package deliver

import (
	_ "embed"
	"fmt"
	"html/template"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/trailhouse/trailhouse"
)

//go:embed page.html
var pageHTML string

// page is what the words of a delivery are made of.
type page struct {
	*trailhouse.Delivery
	Zone    *time.Location
	Missed  int
	Forced  bool
	Notes   []string
	Reports []Rendered
}

// write makes subject, summary, text and HTML.
func (p *page) write() error {
	p.Subject = oneLine(p.titles() + ", " + p.PeriodText())
	if p.Client != "" {
		p.Subject = oneLine(p.titles() + " for " + p.Client + ", " + p.PeriodText())
	}
	p.Summary = p.words(false)
	p.Text = p.words(true)
	t, err := template.New("page").Parse(pageHTML)
	if err != nil {
		panic("BUG: " + err.Error())
	}
	var html strings.Builder
	if err := t.Execute(&html, p); err != nil {
		return trailhouse.Errorf(trailhouse.CodeInternal, "delivery %s as HTML: %w", p.ID, err)
	}
	p.HTML = html.String()
	return nil
}

// titles names the reports.
func (p *page) titles() string {
	var names []string
	for _, r := range p.Reports {
		names = append(names, oneLine(r.Title))
	}
	if len(names) > 3 {
		return fmt.Sprintf("%s, %s and %d more", names[0], names[1], len(names)-2)
	}
	return strings.Join(names, ", ")
}

// PeriodText says in words what the reports cover. The end is not part of it.
func (p *page) PeriodText() string {
	from, to := p.instant(p.Period.From), p.instant(p.Period.To)
	switch {
	case from == "" && to == "":
		return "all there is"
	case from == "":
		return "before " + to
	case to == "":
		return "from " + from
	}
	return from + " to " + to
}

// instant writes an end of the period in the delivery's zone, as a date where it is
// midnight there.
func (p *page) instant(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	t = t.In(p.Zone)
	if t.Equal(time.Date(t.Year(), t.Month(), t.Day(), 0, 0, 0, 0, p.Zone)) {
		return t.Format(time.DateOnly)
	}
	return t.Format("2006-01-02 15:04:05")
}

// ZoneText names the zone of the dates.
func (p *page) ZoneText() string { return p.Zone.String() }

// Warnings say what the reader must know before believing a figure.
func (p *page) Warnings() []string {
	var out []string
	if p.Missed > 0 {
		out = append(out, fmt.Sprintf("Nothing ran at %s of this schedule before; this delivery is for the last one only.", counted(p.Missed, "earlier instant", mostMissed)))
	}
	for _, n := range p.Notes {
		out = append(out, "Before this was made: "+n)
	}
	for _, r := range p.Reports {
		switch {
		case r.Missing > 0:
			out = append(out, fmt.Sprintf("%s rests on incomplete evidence: %s missing, damaged or quarantined in part.", r.Title, objects(r.Missing)))
			out = append(out, r.Lost...)
		case r.NoEvidence:
			out = append(out, fmt.Sprintf("%s: there is no evidence of its sources: nothing is known, which is not the same as nothing used.", r.Title))
		}
		if r.Limit > 0 {
			out = append(out, fmt.Sprintf("%s holds the first %d rows, its limit; there may be more.", r.Title, r.Limit))
		}
	}
	return out
}

func counted(n int, what string, most int) string {
	switch {
	case n == 1:
		return "1 " + what
	case n >= most:
		return fmt.Sprintf("%d or more %ss", n, what)
	}
	return fmt.Sprintf("%d %ss", n, what)
}

func objects(n int) string {
	if n == 1 {
		return "1 object is"
	}
	return fmt.Sprintf("%d objects are", n)
}

// RowsText says how many rows a report has.
func (r Rendered) RowsText() string {
	switch {
	case r.Rows == 0:
		return "No rows: the evidence of this time holds nothing of this kind."
	case r.Rows == 1:
		return "1 row."
	case r.Rows > int64(len(r.Cells)):
		return fmt.Sprintf("%d rows; the first %d are here, the files hold all.", r.Rows, len(r.Cells))
	}
	return fmt.Sprintf("%d rows.", r.Rows)
}

// words writes the text, with tables or without.
func (p *page) words(tables bool) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n%s", p.titles(), p.PeriodText())
	if p.Period != (trailhouse.Period{}) {
		fmt.Fprintf(&b, " (%s, the end not included)", p.ZoneText())
	}
	b.WriteString("\n")
	if p.Client != "" {
		fmt.Fprintf(&b, "For %s\n", oneLine(p.Client))
	}
	for _, w := range p.Warnings() {
		fmt.Fprintf(&b, "\nNote: %s", oneLine(w))
	}
	if len(p.Warnings()) > 0 {
		b.WriteString("\n")
	}
	for _, r := range p.Reports {
		if tables {
			fmt.Fprintf(&b, "\n%s: %s\n\n", oneLine(r.Title), r.RowsText())
			writeTable(&b, r)
			continue
		}
		fmt.Fprintf(&b, "\n%s: %d rows", oneLine(r.Title), r.Rows)
	}
	fmt.Fprintf(&b, "\n%s\n", p.Footer())
	return b.String()
}

// Footer says what a repeated delivery is known by.
func (p *page) Footer() string {
	why := "scheduled for "
	if p.Forced {
		why = "asked for at "
	}
	return fmt.Sprintf("Delivery %s of %q, %s%s, made %s UTC. The same id again is the same delivery.",
		p.ID, p.Name, why, p.Scheduled.In(p.Zone).Format("2006-01-02 15:04 MST"), p.Made.Format("2006-01-02 15:04:05"))
}

// widest is how wide a table may be in a text; a wider one is left to the files.
const widest = 160

// writeTable writes the rows in columns, or one below the other where these are too wide.
func writeTable(b *strings.Builder, r Rendered) {
	if len(r.Cells) == 0 {
		return
	}
	names := make([]string, len(r.Columns))
	widths := make([]int, len(r.Columns))
	for i, c := range r.Columns {
		names[i] = c.Name
	}
	rows := append([][]string{names}, r.Cells...)
	line := 0
	for i := range widths {
		for _, row := range rows {
			widths[i] = max(widths[i], utf8.RuneCountInString(row[i]))
		}
		line += widths[i] + 2
	}
	if line-2 <= widest {
		for _, row := range rows {
			b.WriteString(aligned(r.Columns, widths, row))
		}
		return
	}
	for _, row := range r.Cells {
		for i, cell := range row {
			if cell != "" {
				fmt.Fprintf(b, "%s: %s\n", names[i], oneLine(cell))
			}
		}
		b.WriteString("\n")
	}
}

// aligned writes a row, numbers to the right.
func aligned(columns []Column, widths []int, row []string) string {
	var line strings.Builder
	for i, cell := range row {
		blanks := strings.Repeat(" ", widths[i]-utf8.RuneCountInString(cell))
		if columns[i].Number {
			line.WriteString(blanks + oneLine(cell) + "  ")
		} else {
			line.WriteString(oneLine(cell) + blanks + "  ")
		}
	}
	return strings.TrimRight(line.String(), " ") + "\n"
}
