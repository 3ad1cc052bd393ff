// Package mail delivers by SMTP: text, HTML, and the files as attachments.
package mail

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	netmail "net/mail"
	"net/textproto"
	"os"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/trailhouse/trailhouse"
)

// The ways to encrypt.
const (
	StartTLS = "starttls" // the server must offer it
	TLS      = "tls"      // from the first byte
	NoTLS    = "none"
)

// Options say which server to send by, as whom, and to whom.
type Options struct {
	Host string
	// Port is 0 for the usual one: 587 with StartTLS, 465 with TLS, 25 with NoTLS.
	Port int
	// TLS is one of StartTLS, TLS and NoTLS.
	TLS string
	// CAFile holds certificates (PEM) that are trusted beside those of the machine; may be
	// empty.
	CAFile string
	// User and Password are for the login, empty for none.
	User, Password string
	// From, To, CC and ReplyTo are addresses, with names or without.
	From    string
	To, CC  []string
	ReplyTo string
}

// Sender sends one mail for a delivery. Its Message-ID is made of the delivery's id, so
// that a repeated mail is the same mail to every server and reader that looks.
type Sender struct {
	options Options
}

var _ trailhouse.Sender = (*Sender)(nil)

// New returns the sender of a server and its recipients.
func New(o Options) *Sender { return &Sender{o} }

// Header names the header that holds the id of a delivery.
const Header = "X-Trailhouse-Delivery"

const (
	// slowest is how long one mail may take on its way.
	slowest = 5 * time.Minute
	// reach is how long a connection may take to come about.
	reach = 30 * time.Second
)

// Send implements trailhouse.Sender. The receipt is the Message-ID. The server has the
// mail once it has answered to its end; that it says no good-bye changes nothing.
func (s *Sender) Send(ctx context.Context, d *trailhouse.Delivery) (string, error) {
	if err := ctx.Err(); err != nil {
		return "", err
	}
	msg, err := s.message(d)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // closes the connection, which the library leaves open where it fails early
	client, err := s.client(ctx)
	if err != nil {
		return "", err
	}
	smtp, err := client.DialToSMTPClientWithContext(ctx)
	if err != nil {
		return "", s.fault(err)
	}
	err = client.SendWithSMTPClient(smtp, msg)
	_ = client.CloseWithSMTPClient(smtp) // the mail is there or not by now
	if err != nil && !msg.IsDelivered() {
		return "", s.fault(err)
	}
	return msg.GetMessageID(), nil
}

// message writes the mail.
func (s *Sender) message(d *trailhouse.Delivery) (*mail.Msg, error) {
	o := s.options
	msg := mail.NewMsg(mail.WithNoDefaultUserAgent())
	err := errors.Join(msg.From(o.From), msg.To(o.To...))
	if len(o.CC) > 0 {
		err = errors.Join(err, msg.Cc(o.CC...))
	}
	if o.ReplyTo != "" {
		err = errors.Join(err, msg.ReplyTo(o.ReplyTo))
	}
	from, parsing := netmail.ParseAddress(o.From)
	if err = errors.Join(err, parsing); err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "mail by %s: an address is none: %w", o.Host, err)
	}
	_, domain, _ := strings.Cut(from.Address, "@")
	msg.SetMessageIDWithValue(d.ID + "@" + domain)
	msg.SetGenHeader(Header, d.ID)
	msg.SetGenHeader("Auto-Submitted", "auto-generated") // no answer of an absent reader (RFC 3834)
	msg.SetDateWithValue(d.Made)
	msg.Subject(d.Subject)
	msg.SetBodyString(mail.TypeTextPlain, d.Text)
	msg.AddAlternativeString(mail.TypeTextHTML, d.HTML)
	for _, f := range d.Files {
		err := msg.AttachReader(f.Name(d), bytes.NewReader(f.Content), mail.WithFileContentType(mail.ContentType(f.MediaType)))
		if err != nil {
			return nil, trailhouse.Errorf(trailhouse.CodeInternal, "mail by %s: attaching %s: %w", o.Host, f.Name(d), err)
		}
	}
	return msg, nil
}

// client returns the client of the server, without a connection.
func (s *Sender) client(ctx context.Context) (*mail.Client, error) {
	o := s.options
	secure, err := s.tls()
	if err != nil {
		return nil, err
	}
	port, policy := 587, mail.TLSMandatory
	with := []mail.Option{mail.WithTLSConfig(secure), mail.WithTimeout(slowest), mail.WithoutNoop(), mail.WithDialContextFunc(dial(ctx))}
	switch o.TLS {
	case TLS:
		// The library asks for nothing more where the connection is encrypted already. Its
		// own WithSSL does not see that of a connection that we made.
		port, policy = 465, mail.TLSOpportunistic
		with = append(with, mail.WithDialContextFunc(dialTLS(ctx, secure)))
	case NoTLS:
		port, policy = 25, mail.NoTLS
	}
	if o.Port != 0 {
		port = o.Port
	}
	with = append(with, mail.WithTLSPolicy(policy), mail.WithPort(port))
	if o.User != "" {
		auth := mail.SMTPAuthAutoDiscover
		if o.TLS == NoTLS {
			if !local(o.Host) {
				return nil, trailhouse.Errorf(trailhouse.CodeUsage, "mail by %s: a password is not sent without TLS", o.Host).
					WithHint("set tls to starttls or tls")
			}
			auth = mail.SMTPAuthPlainNoEnc
		}
		with = append(with, mail.WithSMTPAuth(auth), mail.WithUsername(o.User), mail.WithPassword(o.Password))
	}
	client, err := mail.NewClient(o.Host, with...)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "mail by %s: %w", o.Host, err)
	}
	return client, nil
}

// tls returns how the server is recognised.
func (s *Sender) tls() (*tls.Config, error) {
	out := &tls.Config{ServerName: s.options.Host, MinVersion: tls.VersionTLS12}
	if s.options.CAFile == "" {
		return out, nil
	}
	text, err := os.ReadFile(s.options.CAFile)
	if err != nil {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "mail by %s: the certificates cannot be read: %w", s.options.Host, err)
	}
	pool, err := x509.SystemCertPool()
	if err != nil {
		pool = x509.NewCertPool()
	}
	if !pool.AppendCertsFromPEM(text) {
		return nil, trailhouse.Errorf(trailhouse.CodeUsage, "mail by %s: %s holds no certificate in PEM", s.options.Host, s.options.CAFile)
	}
	out.RootCAs = pool
	return out, nil
}

// dial connects so that the end of the delivery's context ends the connection too: the
// library looks at it only while it dials.
func dial(ctx context.Context) mail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := (&net.Dialer{Timeout: reach}).DialContext(dialing, network, address)
		if err == nil {
			context.AfterFunc(ctx, func() { _ = conn.Close() })
		}
		return conn, err
	}
}

// dialTLS is dial for servers that speak TLS from the first byte.
func dialTLS(ctx context.Context, secure *tls.Config) mail.DialContextFunc {
	return func(dialing context.Context, network, address string) (net.Conn, error) {
		conn, err := dial(ctx)(dialing, network, address)
		if err != nil {
			return nil, err
		}
		wrapped := tls.Client(conn, secure)
		if err := wrapped.HandshakeContext(dialing); err != nil {
			return nil, errors.Join(err, conn.Close())
		}
		return wrapped, nil
	}
}

// local reports whether a host is this machine.
func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// tooLarge reports whether a server refuses mails of that size. 552 stands for a mailbox
// that is full too, which passes: its enhanced code is 5.2.2 (RFC 1870 6, RFC 3463 3.3 and
// 3.4).
func tooLarge(e *mail.SendError) bool {
	switch e.EnhancedStatusCode() {
	case "5.2.3", "5.3.4":
		return true
	case "5.2.2":
		return false
	}
	return e.ErrorCode() == 552
}

// fault gives an error of the library its code. A server that says no for good (5xx) has
// to be listened to; anything else may pass.
func (s *Sender) fault(err error) error {
	host := s.options.Host
	var refused *mail.SendError
	var answer *textproto.Error
	var unknown *tls.CertificateVerificationError
	switch {
	case errors.As(err, &unknown):
		return trailhouse.Errorf(trailhouse.CodeDenied, "the mail server %s is not the one it should be: %w", host, err).
			WithHint("check the name of the host, or name its certificates with ca_file")
	case errors.As(err, &refused) && refused.Reason == mail.ErrSMTPDataClose && refused.ErrorCode() == 0:
		return trailhouse.Errorf(trailhouse.CodeUncertain, "the mail server %s got the whole mail, and its answer was lost: %w", host, err)
	case errors.As(err, &refused) && tooLarge(refused):
		return trailhouse.Errorf(trailhouse.CodeLimit, "the mail server %s refused the mail as too large: %w", host, err).
			WithHint("attach less (fewer formats or columns, a shorter period), or use s3 with a link by sns")
	case errors.As(err, &refused) && refused.ErrorCode() >= 500:
		return trailhouse.Errorf(trailhouse.CodeDenied, "the mail server %s refused the mail: %w", host, err).
			WithHint("its own words say why: check sender and recipients")
	case errors.As(err, &answer) && answer.Code >= 500, strings.Contains(err.Error(), "not support"):
		return trailhouse.Errorf(trailhouse.CodeDenied, "the mail server %s refused: %w", host, err).
			WithHint("check user, password and tls")
	}
	return trailhouse.Errorf(trailhouse.CodeUnavailable, "the mail server %s did not take the mail: %w", host, err).
		WithHint("check the name of the host, its port and the network")
}
