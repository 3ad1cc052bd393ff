package mail

import (
	"testing"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// TestGreet is let in by servers of each kind, is not where login, certificate or port are
// wrong, and never sends a mail.
func TestGreet(t *testing.T) {
	for _, way := range []string{StartTLS, TLS, NoTLS} {
		t.Run(way, func(t *testing.T) {
			server := testkit.NewMailServer(t, testkit.MailOptions{TLS: way, User: "meter", Password: "right"})
			right := Options{Host: server.Host, Port: server.Port, TLS: way, CAFile: server.CAFile, User: "meter", Password: "right"}
			if err := New(right).Greet(t.Context()); err != nil {
				t.Error(err)
			}
			wrong, away, stranger := right, right, right
			wrong.Password, away.Port, stranger.CAFile = "wrong", 1, ""
			bad := map[string]Options{"password": wrong, "port": away}
			if way != NoTLS {
				bad["certificate"] = stranger
			}
			for what, o := range bad {
				if err := New(o).Greet(t.Context()); err == nil || trailhouse.CodeOf(err) == trailhouse.CodeInternal || trailhouse.HintOf(err) == "" {
					t.Errorf("wrong %s: %v", what, err)
				}
			}
			if n := len(server.Mails()); n != 0 {
				t.Errorf("%d mails were sent", n)
			}
		})
	}
}
