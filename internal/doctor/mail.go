package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net"
	"net/smtp"
	"os"
	"strconv"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

// mailTimeout is how long a mail server may take for everything that is asked of it.
const mailTimeout = 15 * time.Second

// mail greets each mail server as a delivery would, and sends nothing.
func (e *examination) mail(ctx context.Context) {
	for i := range e.Config.Deliver {
		place := fmt.Sprintf("deliver[%d]", i+1)
		for _, t := range e.Config.Deliver[i].Kinds() {
			if t.Kind() != "mail" {
				continue
			}
			at := mailAddress(t.Mail)
			if e.tried["mail "+at+t.Mail.User] {
				continue
			}
			e.tried["mail "+at+t.Mail.User] = true
			if err := greet(ctx, t.Mail); err != nil {
				e.fail("mail", place, trailhouse.Errorf(trailhouse.CodeUnavailable, "the mail server %s: %w", at, err).
					WithHint("check host, port and tls of the target, user and password, and that the network lets this machine out to it"))
				continue
			}
			e.ok("mail", place, "%s greets and takes who we are", at)
		}
	}
}

func mailAddress(m config.MailTarget) string {
	port := m.Port
	if port == 0 {
		port = map[string]int64{"tls": 465, "none": 25}[m.TLS]
	}
	if port == 0 {
		port = 587
	}
	return net.JoinHostPort(m.Host, strconv.FormatInt(port, 10))
}

// greet goes as far with a mail server as one can without a mail.
func greet(ctx context.Context, m config.MailTarget) error {
	ctx, cancel := context.WithTimeout(ctx, mailTimeout)
	defer cancel()
	secure, err := tlsConfig(m)
	if err != nil {
		return err
	}
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", mailAddress(m))
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing was written that could be lost
	if deadline, ok := ctx.Deadline(); ok {
		if err := conn.SetDeadline(deadline); err != nil {
			return err
		}
	}
	if m.TLS == "tls" {
		conn = tls.Client(conn, secure)
	}
	c, err := smtp.NewClient(conn, m.Host)
	if err != nil {
		return err
	}
	if m.TLS != "tls" && m.TLS != "none" {
		if err := c.StartTLS(secure); err != nil {
			return fmt.Errorf("STARTTLS: %w", err)
		}
	}
	if err := login(c, m); err != nil {
		return err
	}
	return c.Quit()
}

// login gives user and password where there are any.
func login(c *smtp.Client, m config.MailTarget) error {
	if m.User == "" {
		return nil
	}
	password, err := m.Password()
	if err != nil {
		return err
	}
	return c.Auth(smtp.PlainAuth("", m.User, string(password), m.Host))
}

// tlsConfig trusts the machine's certificates and those of the target.
func tlsConfig(m config.MailTarget) (*tls.Config, error) {
	c := &tls.Config{ServerName: m.Host, MinVersion: tls.VersionTLS12}
	if m.CAFile == "" {
		return c, nil
	}
	text, err := os.ReadFile(m.CAFile)
	if err != nil {
		return nil, err
	}
	if c.RootCAs, err = x509.SystemCertPool(); err != nil {
		c.RootCAs = x509.NewCertPool()
	}
	if !c.RootCAs.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate", m.CAFile)
	}
	return c, nil
}
