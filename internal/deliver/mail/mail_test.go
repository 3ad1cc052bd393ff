package mail

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

func options(m *testkit.MailServer, tls string) Options {
	return Options{
		Host: m.Host, Port: m.Port, TLS: tls, CAFile: m.CAFile,
		From: "Trailhouse für alle <reports@sender.example>", To: []string{"A <a@x.example>", "b@x.example"}, CC: []string{"c@x.example"}, ReplyTo: "d@x.example",
	}
}

func TestConformance(t *testing.T) {
	testkit.Senders(t, func(t *testing.T) testkit.Target {
		server := testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"})
		return testkit.Target{
			Sender: New(options(server, NoTLS)),
			Got: func() map[string]string {
				got := map[string]string{}
				for i, m := range server.Mails() {
					got[fmt.Sprint(i+1)] = m.Raw
				}
				return got
			},
		}
	})
}

func delivery() *trailhouse.Delivery {
	return &trailhouse.Delivery{
		ID: "00112233445566778899aabbccddeeff", Name: "bill", Made: time.Date(2025, 11, 3, 5, 1, 2, 0, time.UTC),
		Period:  trailhouse.Period{From: time.Date(2025, 10, 1, 0, 0, 0, 0, time.UTC)},
		Subject: "Nutzung für Zoë, 2025-10-01 to 2025-11-01", Text: "Zeile äöü\n.\nnext " + strings.Repeat("long ", 300), HTML: "<p>äöü</p>",
		Files: []trailhouse.DeliveryFile{
			{Report: "client-usage", Ext: "csv", MediaType: "text/csv; charset=utf-8", Content: []byte("a,b\r\nä,1\r\n")},
			{Report: "client-usage", Ext: "json", MediaType: "application/json", Content: []byte(`{"a":1}`)},
			{Report: "bill", Ext: "jsonl", MediaType: "application/x-ndjson"},
		},
	}
}

// TestMail reads a mail as its receiver does.
func TestMail(t *testing.T) {
	for _, tls := range []string{NoTLS, StartTLS, TLS} {
		t.Run(tls, func(t *testing.T) {
			server := testkit.NewMailServer(t, testkit.MailOptions{TLS: tls, User: "u", Password: "hush"})
			o := options(server, tls)
			o.User, o.Password = "u", "hush"
			d := delivery()
			receipt, err := New(o).Send(t.Context(), d)
			got := server.Mails()
			if err != nil || len(got) != 1 {
				t.Fatalf("%v, %d mails", err, len(got))
			}
			m := got[0]
			if fmt.Sprintf("%s %s", m.From, m.To) != "reports@sender.example [a@x.example b@x.example c@x.example]" {
				t.Errorf("envelope %s %v", m.From, m.To)
			}
			for name, want := range map[string]string{
				"Message-Id": "<" + d.ID + "@sender.example>", Header: d.ID, "Date": "Mon, 03 Nov 2025 05:01:02 +0000", "Auto-Submitted": "auto-generated",
				"Cc": "<c@x.example>", "Reply-To": "<d@x.example>",
			} {
				if m.Header.Get(name) != want {
					t.Errorf("%s: %q, want %q", name, m.Header.Get(name), want)
				}
			}
			if receipt != m.Header.Get("Message-Id") || !strings.Contains(m.Header.Get("Subject"), "=?UTF-8?") {
				t.Errorf("receipt %q, subject %q", receipt, m.Header.Get("Subject"))
			}
			if strings.TrimSpace(m.Text) != strings.TrimSpace(d.Text) || strings.TrimSpace(m.HTML) != d.HTML {
				t.Errorf("text %q, HTML %q", m.Text, m.HTML)
			}
			want := map[string]string{
				"bill-client-usage-2025-10-01.csv": "a,b\r\nä,1\r\n", "bill-client-usage-2025-10-01.json": `{"a":1}`, "bill-2025-10-01.jsonl": "",
			}
			if fmt.Sprint(m.Files) != fmt.Sprint(want) {
				t.Errorf("files %q", m.Files)
			}
			if strings.Contains(m.Raw, "hush") {
				t.Error("the password is in the mail")
			}
		})
	}
}

// TestCopiesAlone: a mail needs no To, only someone who gets it.
func TestCopiesAlone(t *testing.T) {
	server := testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"})
	o := options(server, NoTLS)
	o.To = nil
	if _, err := New(o).Send(t.Context(), delivery()); err != nil || len(server.Mails()) != 1 || fmt.Sprint(server.Mails()[0].To) != "[c@x.example]" {
		t.Errorf("%v, %d mails", err, len(server.Mails()))
	}
}

// TestLostAnswer has the server take the mail and drop the connection: that is told, and
// the mail of the next attempt is the same one.
func TestLostAnswer(t *testing.T) {
	server := testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"})
	s := New(options(server, NoTLS))
	server.Lose(true)
	if _, err := s.Send(t.Context(), delivery()); trailhouse.CodeOf(err) != trailhouse.CodeUncertain {
		t.Errorf("a mail without an answer: %v", err)
	}
	server.Lose(false)
	if _, err := s.Send(t.Context(), delivery()); err != nil {
		t.Error(err)
	}
	got := server.Mails()
	if len(got) != 2 || got[0].Header.Get("Message-Id") != got[1].Header.Get("Message-Id") || got[0].Text != got[1].Text || fmt.Sprint(got[0].Files) != fmt.Sprint(got[1].Files) {
		t.Errorf("%d mails: %v", len(got), got)
	}
}

func TestRefusals(t *testing.T) {
	plain := testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"})
	login := testkit.NewMailServer(t, testkit.MailOptions{TLS: "starttls", User: "u", Password: "hush"})
	wrong := options(login, StartTLS)
	wrong.User, wrong.Password = "u", "s3cret"
	stranger := options(login, StartTLS)
	stranger.CAFile = ""
	nobody := options(login, StartTLS)
	closed := options(plain, NoTLS)
	closed.Port = 1
	far := options(plain, NoTLS)
	far.Host, far.User, far.Password = "mail.example.com", "u", "s3cret"
	missing := options(plain, StartTLS)
	missing.CAFile = filepath.Join(t.TempDir(), "none.pem")
	noPEM := options(plain, StartTLS)
	noPEM.CAFile = filepath.Join(t.TempDir(), "x.pem")
	if err := os.WriteFile(noPEM.CAFile, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		options Options
		want    trailhouse.Code
	}{
		{"no TLS offered", options(plain, StartTLS), trailhouse.CodeDenied},
		{"wrong password", wrong, trailhouse.CodeDenied},
		{"unknown certificate", stranger, trailhouse.CodeDenied},
		{"no login", nobody, trailhouse.CodeDenied},
		{"nobody there", closed, trailhouse.CodeUnavailable},
		{"password without TLS", far, trailhouse.CodeUsage},
		{"no certificates", missing, trailhouse.CodeUsage},
		{"no PEM", noPEM, trailhouse.CodeUsage},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.options).Send(t.Context(), delivery())
			if trailhouse.CodeOf(err) != tt.want || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("%v", err)
			}
		})
	}
	for code, want := range map[int]trailhouse.Code{550: trailhouse.CodeDenied, 451: trailhouse.CodeUnavailable, 552: trailhouse.CodeLimit} {
		plain.Refuse(code, "we do not want it")
		_, err := New(options(plain, NoTLS)).Send(t.Context(), delivery())
		if trailhouse.CodeOf(err) != want || !strings.Contains(err.Error(), "we do not want it") {
			t.Errorf("%d: %v", code, err)
		}
	}
	for enhanced, want := range map[[3]int]trailhouse.Code{{5, 3, 4}: trailhouse.CodeLimit, {5, 2, 3}: trailhouse.CodeLimit, {5, 2, 2}: trailhouse.CodeDenied} {
		plain.RefuseAs(552, enhanced, "no")
		if _, err := New(options(plain, NoTLS)).Send(t.Context(), delivery()); trailhouse.CodeOf(err) != want {
			t.Errorf("%v: %v", enhanced, err)
		}
	}
	if n := len(plain.Mails()) + len(login.Mails()); n > 0 {
		t.Errorf("%d mails arrived", n)
	}
}
