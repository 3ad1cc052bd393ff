package deliver

import (
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
)

func samplePage(t *testing.T, zone string, reports ...Rendered) *page {
	t.Helper()
	z, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	return &page{Delivery: &trailhouse.Delivery{
		ID: "0123", Name: "bill", Scheduled: time.Date(2025, 11, 3, 5, 0, 0, 0, time.UTC), Made: time.Date(2025, 11, 3, 5, 0, 9, 0, time.UTC),
		Period: trailhouse.Period{From: time.Date(2025, 9, 30, 22, 0, 0, 0, time.UTC), To: time.Date(2025, 10, 31, 23, 0, 0, 0, time.UTC)},
	}, Zone: z, Reports: reports}
}

func usage(rows int64, cells ...[]string) Rendered {
	return Rendered{Title: "Client usage", Columns: []Column{{"client", false}, {"hours", true}}, Cells: cells, Rows: rows}
}

func TestPage(t *testing.T) {
	p := samplePage(t, "Europe/Paris", usage(70, []string{"acme", "12.5"}, []string{"zeta ü", "1050.0"}), Rendered{Title: "Failed starts"})
	p.Client = "acme"
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	if p.Subject != "Client usage, Failed starts for acme, 2025-10-01 to 2025-11-01" {
		t.Errorf("subject %q", p.Subject)
	}
	const want = `Client usage, Failed starts
2025-10-01 to 2025-11-01 (Europe/Paris, the end not included)
For acme

Client usage: 70 rows; the first 2 are here, the files hold all.

client   hours
acme      12.5
zeta ü  1050.0

Failed starts: No rows: the evidence of this time holds nothing of this kind.


Delivery 0123 of "bill", scheduled for 2025-11-03 06:00 CET, made 2025-11-03 05:00:09 UTC. The same id again is the same delivery.
`
	if p.Text != want {
		t.Errorf("text\n%s\nwant\n%s", p.Text, want)
	}
	if strings.Contains(p.Summary, "zeta") || !strings.Contains(p.Summary, "Client usage: 70 rows\n") || !strings.Contains(p.Summary, "Delivery 0123") {
		t.Errorf("summary\n%s", p.Summary)
	}
	for _, part := range []string{`<th class="n">hours</th>`, `<td class="n">1050.0</td>`, "<td>zeta ü</td>", "prefers-color-scheme: dark", "max-width: 480px", "No rows: ", "Delivery 0123"} {
		if !strings.Contains(p.HTML, part) {
			t.Errorf("HTML lacks %s", part)
		}
	}
	if strings.Contains(p.HTML, `class="warn"`) {
		t.Error("a warning without a reason")
	}
}

func TestPageSaysWhatIsMissing(t *testing.T) {
	lacking := usage(1, []string{"acme", "1"})
	lacking.Missing, lacking.Lost = 2, []string{"enclave-log missing i-0a: denied"}
	nothing := usage(0)
	nothing.Title, nothing.NoEvidence = "Host pool", true
	limited := usage(5)
	limited.Title, limited.Limit = "Events", 5
	p := samplePage(t, "UTC", lacking, nothing, limited)
	p.Missed, p.Notes, p.Forced = 1, []string{"the import of cloudtrail failed: no credentials"}, true
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	for _, part := range []string{
		"Client usage rests on incomplete evidence: 2 objects are missing", "enclave-log missing i-0a: denied",
		"Host pool: there is no evidence of its sources", "Events holds the first 5 rows", "Nothing ran at 1 earlier instant",
		"the import of cloudtrail failed: no credentials", "asked for at 2025-11-03 05:00 UTC",
	} {
		for name, text := range map[string]string{"summary": p.Summary, "text": p.Text, "HTML": p.HTML} {
			if !strings.Contains(text, part) {
				t.Errorf("%s lacks %q", name, part)
			}
		}
	}
}

// TestHostileValuesStayText puts what an enclave's name may hold into every place of the
// words.
func TestHostileValuesStayText(t *testing.T) {
	const evil = `<script>alert(1)</script>"><img src=x onerror=alert(1)>` + "\r\nBcc: x@y\u202e\x00"
	r := usage(1, []string{evil, "1"})
	r.Title, r.Missing, r.Lost = evil, 1, []string{evil}
	p := samplePage(t, "UTC", r)
	p.Client, p.Notes = evil, []string{evil}
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(p.HTML, "<script>") || strings.Contains(p.HTML, "<img") {
		t.Error("HTML of a value is HTML of the page")
	}
	if strings.ContainsAny(p.Subject, "\r\n\x00") || strings.Contains(p.Text, "\nBcc:") || strings.Contains(p.Summary, "\nBcc:") {
		t.Errorf("a value begins a line: %q %q", p.Subject, p.Text)
	}
}

func TestWideTablesStandInLines(t *testing.T) {
	r := usage(2, []string{strings.Repeat("x", 200), "1"}, []string{"", "2"})
	p := samplePage(t, "UTC", r)
	if err := p.write(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(p.Text, "client: xxx") || !strings.Contains(p.Text, "hours: 1\n\nhours: 2\n") {
		t.Errorf("text\n%s", p.Text)
	}
}

func TestPeriodText(t *testing.T) {
	at := time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		period trailhouse.Period
		want   string
	}{
		{trailhouse.Period{}, "all there is"}, {trailhouse.Period{From: at}, "from 2025-10-01"}, {trailhouse.Period{To: at.Add(time.Minute)}, "before 2025-10-01 00:01:00"},
	} {
		p := samplePage(t, "UTC")
		p.Period = tt.period
		if got := p.PeriodText(); got != tt.want {
			t.Errorf("%q, want %q", got, tt.want)
		}
	}
}
