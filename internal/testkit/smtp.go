package testkit

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/pem"
	"errors"
	"io"
	"math/big"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/mail"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"
)

// MailServer is a real SMTP server on loopback that keeps what it gets.
type MailServer struct {
	// Host and Port are where it listens.
	Host string
	Port int
	// CAFile holds its certificate, for TLS.
	CAFile string

	mu    sync.Mutex
	mails []Mail
	// refuse is what it answers to recipients, lose has it take mails and drop the
	// connection without an answer.
	refuse error
	lose   bool
	then   func()
}

// Mail is a mail that arrived.
type Mail struct {
	From string
	To   []string
	// Raw is the mail as it came; Header, Text and HTML are what is in it, Files its
	// attachments by name.
	Raw        string
	Header     mail.Header
	Text, HTML string
	Files      map[string]string
}

// MailOptions say how a server is.
type MailOptions struct {
	// TLS is starttls, tls or none.
	TLS string
	// User and Password are what it asks for, empty for no login.
	User, Password string
}

// NewMailServer starts a server that ends with the test.
func NewMailServer(t *testing.T, o MailOptions) *MailServer {
	t.Helper()
	m := &MailServer{Host: "127.0.0.1"}
	server := smtp.NewServer(smtp.BackendFunc(func(c *smtp.Conn) (smtp.Session, error) {
		return &mailSession{server: m, conn: c, options: o, known: o.User == ""}, nil
	}))
	server.Domain = "mail.example"
	server.AllowInsecureAuth = true
	server.ErrorLog = quiet{}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	m.Port = listener.Addr().(*net.TCPAddr).Port //nolint:forcetypeassert // it is TCP
	if o.TLS != "none" {
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{m.certificate(t)}, MinVersion: tls.VersionTLS12}
	}
	if o.TLS == "tls" {
		listener = tls.NewListener(listener, server.TLSConfig)
		server.TLSConfig = nil
	}
	go func() { _ = server.Serve(listener) }()
	t.Cleanup(func() { _ = server.Close() })
	return m
}

// certificate makes a certificate for 127.0.0.1 and writes it to a file.
func (m *MailServer) certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "mail.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	m.CAFile = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(m.CAFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Refuse has the server answer every recipient so; nil has it take them again. A
// *smtp.SMTPError has a code.
func (m *MailServer) Refuse(code int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = nil
	if code > 0 {
		m.refuse = &smtp.SMTPError{Code: code, EnhancedCode: smtp.NoEnhancedCode, Message: text}
	}
}

// RefuseAs is Refuse with an enhanced code such as 5.3.4.
func (m *MailServer) RefuseAs(code int, enhanced [3]int, text string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.refuse = &smtp.SMTPError{Code: code, EnhancedCode: smtp.EnhancedCode(enhanced), Message: text}
}

// Lose has the server take each mail whole and drop the connection without an answer.
func (m *MailServer) Lose(lose bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.lose = lose
}

// Then has the server call fn for each mail that it has taken, before it answers; nil ends
// that.
func (m *MailServer) Then(fn func()) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.then = fn
}

// Mails returns what arrived so far, also what it did not answer for.
func (m *MailServer) Mails() []Mail {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]Mail(nil), m.mails...)
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

// mailSession is one connection.
type mailSession struct {
	server  *MailServer
	conn    *smtp.Conn
	options MailOptions
	known   bool
	mail    Mail
}

// AuthMechanisms implements smtp.AuthSession.
func (s *mailSession) AuthMechanisms() []string {
	if s.options.User == "" {
		return nil
	}
	return []string{sasl.Plain}
}

// Auth implements smtp.AuthSession.
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if user != s.options.User || password != s.options.Password {
			return smtp.ErrAuthFailed
		}
		s.known = true
		return nil
	}), nil
}

func (s *mailSession) Reset()        { s.mail = Mail{} }
func (s *mailSession) Logout() error { return nil }

func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	if !s.known {
		return smtp.ErrAuthRequired
	}
	s.mail.From = from
	return nil
}

func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.mail.To = append(s.mail.To, to)
	return s.server.refuse
}

func (s *mailSession) Data(r io.Reader) error {
	raw, err := io.ReadAll(r)
	if err != nil {
		return err
	}
	s.mail.Raw = string(raw)
	if err := s.mail.parse(); err != nil {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.NoEnhancedCode, Message: err.Error()}
	}
	s.server.mu.Lock()
	defer s.server.mu.Unlock()
	s.server.mails = append(s.server.mails, s.mail)
	if s.server.then != nil {
		s.server.then()
	}
	if s.server.lose {
		return errors.Join(s.conn.Conn().Close(), io.ErrClosedPipe)
	}
	return nil
}

// parse reads the parts of a mail.
func (m *Mail) parse() error {
	msg, err := mail.ReadMessage(strings.NewReader(m.Raw))
	if err != nil {
		return err
	}
	m.Header, m.Files = msg.Header, map[string]string{}
	return m.part(msg.Header.Get("Content-Type"), msg.Header.Get("Content-Transfer-Encoding"), "", msg.Body)
}

// part reads one part and those below it.
func (m *Mail) part(contentType, encoding, name string, body io.Reader) error {
	kind, parameters, err := mime.ParseMediaType(contentType)
	if err != nil {
		return err
	}
	if strings.HasPrefix(kind, "multipart/") {
		parts := multipart.NewReader(body, parameters["boundary"])
		for {
			p, err := parts.NextRawPart()
			if errors.Is(err, io.EOF) {
				return nil
			}
			if err != nil {
				return err
			}
			if err := m.part(p.Header.Get("Content-Type"), p.Header.Get("Content-Transfer-Encoding"), p.FileName(), p); err != nil {
				return err
			}
		}
	}
	switch encoding {
	case "quoted-printable":
		body = quotedprintable.NewReader(body)
	case "base64":
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	text, err := io.ReadAll(body)
	switch {
	case err != nil:
		return err
	case name != "":
		m.Files[name] = string(text)
	case kind == "text/html":
		m.HTML = string(text)
	default:
		m.Text = string(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	}
	return nil
}
