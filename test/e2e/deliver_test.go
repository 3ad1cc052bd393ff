package e2e

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// unattended is an account with logs of three hosts and places that reports go to.
type unattended struct {
	*house
	server, bucket string
	s3, sns        *testkit.Proxy
	messages       func() []testkit.TopicMessage
	mail           *testkit.MailServer
}

// delivered is what run and deliveries print of one delivery.
type delivered struct {
	ID      string `json:"delivery_id"`
	Again   bool
	Targets []struct{ Target, State, Receipt, Error string }
}

func newUnattended(t *testing.T) *unattended {
	t.Helper()
	server := testkit.Moto(t)
	u := &unattended{
		house: newHouse(t), server: server, bucket: testkit.Bucket(t, server),
		s3: testkit.NewProxy(t, server), sns: testkit.NewProxy(t, server), mail: testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"}),
	}
	group := testkit.LogGroup(t, server, "/aws/nitro/")
	for _, host := range []string{sampleHost, "i-0bbbbbbbbbbbbbbbb", "i-0cccccccccccccccc"} {
		testkit.LogStream(t, server, group, host)
		testkit.PutLogs(t, server, group, host, logLines(read(t, sampleLog(t)), true)...)
	}
	var topic string
	topic, u.messages = testkit.Topic(t, server)
	u.config = write(t, filepath.Join(u.cwd, "trailhouse.yaml"), fmt.Sprintf(`
sources:
  - {source: enclave-log, log_group: %s, regions: [us-east-1], endpoint: %s}
deliver:
  - name: usage
    reports: [enclave-usage, client-usage]
    formats: [csv, json]
    schedule: daily
    target:
      s3: {bucket: %s, prefix: reports, endpoint: %s, region: us-east-1}
      sns: {topic_arn: %q, endpoint: %s}
      mail: {host: 127.0.0.1, port: %d, tls: none, from: reports@sender.example, to: [a@x.example]}
`, group, server, u.bucket, u.s3.URL, topic, u.sns.URL, u.mail.Port))
	return u
}

// killWhen starts a run of the delivery, and kills it at the moment that arm chooses.
func (u *unattended) killWhen(arm func(kill func())) {
	u.t.Helper()
	cmd := u.command("run", "--now", "usage")
	arm(func() { _ = cmd.Process.Kill() })
	var exit *exec.ExitError
	if err := cmd.Run(); !errors.As(err, &exit) || exit.Exited() {
		u.t.Fatalf("nobody was killed: %v", err)
	}
}

// resumed runs once more and returns the delivery that the killed run left.
func (u *unattended) resumed() delivered {
	u.t.Helper()
	done := decode[struct{ Deliveries []delivered }](u.t, u.must(0, "run", "--json").out).Deliveries
	if len(done) != 1 || !done[0].Again {
		u.t.Fatalf("not resumed: %+v", done)
	}
	return done[0]
}

// mailsOf returns the mails of a delivery.
func (u *unattended) mailsOf(id string) int {
	n := 0
	for _, m := range u.mail.Mails() {
		if m.Header.Get("X-Trailhouse-Delivery") == id && m.Header.Get("Message-Id") == "<"+id+"@sender.example>" {
			n++
		}
	}
	return n
}

// messagesOf returns the messages of a delivery.
func (u *unattended) messagesOf(id string) (n int, text string) {
	for _, m := range u.messages() {
		if m.Attributes["delivery_id"].Value == id {
			n, text = n+1, m.Message
		}
	}
	return n, text
}

// objectsOf returns the objects of a delivery by what is around its id.
func (u *unattended) objectsOf(id string) map[string]string {
	out := map[string]string{}
	for key, text := range testkit.Objects(u.t, u.server, u.bucket) {
		if before, after, ok := strings.Cut(key, id); ok {
			out[before+"*"+after] = text
		}
	}
	return out
}

// TestUnattended goes from an empty data directory to report objects, a message and a
// mail; then nothing is new; then each kind of target is killed between sending and
// noting it, and the next run sends the same under the same id.
func TestUnattended(t *testing.T) {
	u := newUnattended(t)
	if o := u.must(0, "run", "--dry-run"); !strings.Contains(o.out, "would import enclave-log") || !strings.Contains(o.out, "is due mail") {
		t.Errorf("dry run: %s", o.out)
	}
	first := decode[struct {
		Imports    []struct{ Written int64 }
		Deliveries []delivered
	}](t, u.must(0, "run", "--json").out)
	if len(first.Imports) != 1 || first.Imports[0].Written == 0 || len(first.Deliveries) != 1 || len(first.Deliveries[0].Targets) != 3 {
		t.Fatalf("%+v", first)
	}
	id := first.Deliveries[0].ID
	objects := u.objectsOf(id)
	for _, key := range []string{"reports/usage/enclave-usage/all/*.csv", "reports/usage/enclave-usage/all/*.json", "reports/usage/client-usage/all/*.csv"} {
		if objects[key] == "" {
			t.Errorf("there is no object %s", key)
		}
	}
	for _, host := range []string{sampleHost, "i-0bbbbbbbbbbbbbbbb", "i-0cccccccccccccccc"} {
		if !strings.Contains(objects["reports/usage/enclave-usage/all/*.csv"], host) {
			t.Errorf("the report does not know %s", host)
		}
	}
	n, text := u.messagesOf(id)
	_, link, _ := strings.Cut(text, "\nhttp")
	link, _, _ = strings.Cut("http"+link, "\n")
	if n != 1 || !strings.Contains(text, id) || fetched(t, link) != objects["reports/usage/enclave-usage/all/*.csv"] {
		t.Errorf("%d messages: %s", n, text)
	}
	mails := u.mail.Mails()
	if u.mailsOf(id) != 1 || mails[0].Files["usage-enclave-usage.csv"] != objects["reports/usage/enclave-usage/all/*.csv"] || !strings.Contains(mails[0].HTML, sampleHost) || !strings.Contains(mails[0].Text, id) {
		t.Errorf("mails: %+v", mails)
	}
	if o := u.must(0, "run"); !strings.Contains(o.out, "no delivery is due") || len(u.mail.Mails()) != 1 || len(u.messages()) != 1 || len(u.objectsOf("")) != 4 {
		t.Errorf("again: %s", o.out)
	}

	u.killWhen(func(kill func()) { u.mail.Then(kill) })
	u.mail.Then(nil)
	done := u.resumed()
	if n, _ := u.messagesOf(done.ID); u.mailsOf(done.ID) != 2 || n != 1 || len(u.objectsOf(done.ID)) != 4 {
		t.Errorf("killed behind the mail: %d mails, %d messages, %d objects of %s", u.mailsOf(done.ID), n, len(u.objectsOf(done.ID)), done.ID)
	}

	u.killWhen(func(kill func()) { u.s3.Fail(behind(http.MethodPut, kill)) })
	u.s3.Fail(behind("", nil))
	before := u.objectsOf("")
	done = u.resumed()
	kept := 0
	for key, text := range u.objectsOf("") {
		if before[key] == text {
			kept++
		}
	}
	if n, _ := u.messagesOf(done.ID); u.mailsOf(done.ID) != 1 || n != 1 || len(u.objectsOf(done.ID)) != 4 || kept != len(before) || len(before) != 9 {
		t.Errorf("killed behind an object: %d mails, %d messages, %d objects of %s, %d of %d kept", u.mailsOf(done.ID), n, len(u.objectsOf(done.ID)), done.ID, kept, len(before))
	}

	u.killWhen(func(kill func()) { u.sns.Fail(behind(http.MethodPost, kill)) })
	u.sns.Fail(behind("", nil))
	done = u.resumed()
	if n, _ := u.messagesOf(done.ID); u.mailsOf(done.ID) != 1 || n != 2 || len(u.objectsOf(done.ID)) != 4 {
		t.Errorf("killed behind the message: %d mails, %d messages of %s", u.mailsOf(done.ID), n, done.ID)
	}
	if o := u.must(0, "deliveries", "--open"); strings.Contains(o.out, "usage") {
		t.Errorf("left open: %s", o.out)
	}
}

// TestLostStateAmongDeliveredObjects loses the state beside a lake and objects that were
// delivered: the same evidence gives the same delivery, which counts as delivered; where
// there is more evidence by now, what is there stays, and the error says what to do.
func TestLostStateAmongDeliveredObjects(t *testing.T) {
	server := testkit.Moto(t)
	h, bucket := newHouse(t), testkit.Bucket(t, server)
	h.config = write(t, filepath.Join(h.cwd, "trailhouse.yaml"), fmt.Sprintf(`
sources:
  - {source: enclave-log, path: logs}
deliver:
  - name: usage
    report: enclave-usage
    formats: [csv, json]
    schedule: yearly
    targets:
      - {s3: {bucket: %s, endpoint: %s, region: us-east-1}}
      - {directory: out}
`, bucket, server))
	write(t, filepath.Join(h.cwd, "logs", sampleHost, "nitro_enclaves.log"), read(t, sampleLog(t)))
	h.must(0, "run")
	before := testkit.Objects(t, server, bucket)
	if len(before) != 2 {
		t.Fatalf("%d objects", len(before))
	}
	lose := func() {
		for _, name := range []string{"state.db", "state.db-wal", "state.db-shm", "deliveries"} {
			if err := os.RemoveAll(filepath.Join(h.data, name)); err != nil {
				t.Fatal(err)
			}
		}
	}
	lose()
	again := decode[struct{ Deliveries []delivered }](t, h.must(0, "run", "--json").out).Deliveries
	if len(again) != 1 || again[0].Targets[0].State != "sent" || again[0].Targets[1].State != "sent" {
		t.Errorf("the same evidence: %+v", again)
	}
	lose()
	write(t, filepath.Join(h.cwd, "logs", "i-0bbbbbbbbbbbbbbbb", "nitro_enclaves.log"), strings.ReplaceAll(read(t, sampleLog(t)), sampleHost, "i-0bbbbbbbbbbbbbbbb"))
	o := h.must(3, "run")
	id := again[0].ID
	if strings.Count(o.err, "is there with other content") != 2 || !strings.Contains(o.err, "end this with trailhouse deliveries give-up "+id) || !strings.Contains(o.err, "trailhouse run --now usage") {
		t.Errorf("more evidence: %s", o.err)
	}
	if diff := cmp.Diff(before, testkit.Objects(t, server, bucket)); diff != "" {
		t.Errorf("objects changed: %s", diff)
	}
	h.must(0, "deliveries", "give-up", id)
	h.must(0, "run")
	h.must(0, "run", "--now", "usage")
	if n := len(testkit.Objects(t, server, bucket)); n != 4 {
		t.Errorf("%d objects after --now", n)
	}
}

// behind returns a rule that lets requests of the method through and calls then before
// their answer goes back.
func behind(method string, then func()) func(int, *http.Request) testkit.Fault {
	return func(_ int, r *http.Request) testkit.Fault {
		if r.Method != method {
			return nil
		}
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			answer := testkit.Record(next, r)
			then()
			answer.ServeHTTP(w, r)
		}
	}
}

func fetched(t *testing.T, link string) string {
	t.Helper()
	res, err := http.Get(link)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s %v", link, res.Status, err)
	}
	return string(text)
}

// TestTargetsThatFail has a topic denied and a mail server drop the connection behind the
// mail: the bucket gets its objects, a row of coverage and exit code 3 tell of the rest,
// and the next run makes it good.
func TestTargetsThatFail(t *testing.T) {
	u := newUnattended(t)
	u.sns.Fail(func(int, *http.Request) testkit.Fault {
		return testkit.Answer(http.StatusForbidden, `<ErrorResponse><Error><Type>Sender</Type><Code>AuthorizationError</Code><Message>no</Message></Error></ErrorResponse>`)
	})
	u.mail.Lose(true)
	o := u.must(3, "run")
	if len(u.objectsOf("")) != 4 || !strings.Contains(o.err, "permission sns:Publish on arn:aws:sns:") || !strings.Contains(o.err, "the next run tries it again") {
		t.Errorf("%d objects; %s", len(u.objectsOf("")), o.err)
	}
	const missing = "SELECT count(*) FROM coverage WHERE source = 'deliver' AND result = 'missing'"
	if n := u.count(missing + " AND scope = 'usage' AND object LIKE 'delivery %' AND detail <> ''"); n != 2 {
		t.Errorf("%d rows of coverage", n)
	}
	tries := len(u.mail.Mails())
	u.sns.Fail(behind("", nil))
	u.mail.Lose(false)
	done := u.resumed()
	if n, _ := u.messagesOf(done.ID); n != 1 || u.mailsOf(done.ID) != tries+1 || tries != 1 {
		t.Errorf("%d messages, %d mails after %d without an answer", n, u.mailsOf(done.ID), tries)
	}
	if n := u.count("SELECT count(*) FROM coverage WHERE source = 'deliver' AND result = 'read'"); n != 2 {
		t.Errorf("%d rows tell that it arrived", n)
	}
	if text := u.must(0, "report", "coverage-objects", "--param", "source=deliver").out; strings.Contains(text, "missing") {
		t.Errorf("coverage still misses it: %s", text)
	}
}

// mailed is a house with a log, damage beside it, and a delivery to a directory and by
// mail for each client.
func mailed(t *testing.T, sources string) (*house, *testkit.MailServer) {
	t.Helper()
	h := newHouse(t)
	server := testkit.NewMailServer(t, testkit.MailOptions{TLS: "none"})
	write(t, filepath.Join(h.cwd, "logs", sampleHost, "nitro_enclaves.log"), read(t, sampleLog(t)))
	h.config = write(t, filepath.Join(h.cwd, "trailhouse.yaml"), fmt.Sprintf(`
sources:
  - {source: enclave-log, path: logs}
%s
clients:
  - {client: acme, name: "*"}
deliver:
  - name: usage
    report: client-usage
    schedule: monthly on day 3
    for_each_client: true
    target:
      directory: out
      mail: {host: 127.0.0.1, port: %d, tls: none, from: reports@sender.example, to: [a@x.example]}
`, sources, server.Port))
	return h, server
}

// TestIncompleteEvidenceIsDeliveredAndTold damages a file: the report is delivered, says
// how much it lacks, and the exit code is 3. A client is not told of places: they may be
// another's.
func TestIncompleteEvidenceIsDeliveredAndTold(t *testing.T) {
	h, server := mailed(t, "")
	write(t, filepath.Join(h.cwd, "logs", sampleHost, "nitro_enclaves.log.1.gz"), string(gzipped(t, read(t, sampleLog(t)))[:900]))
	o := h.must(3, "run")
	if !strings.Contains(o.err, "rests on incomplete evidence: 1 object is") || !strings.Contains(o.out, "sent mail") {
		t.Errorf("%s\n%s", o.out, o.err)
	}
	mails := server.Mails()
	if len(mails) != 1 || len(mails[0].Files) != 1 {
		t.Fatalf("%d mails", len(mails))
	}
	for name, text := range map[string]string{"text": mails[0].Text, "HTML": mails[0].HTML} {
		if !strings.Contains(text, "rests on incomplete evidence: 1 object is") || !strings.Contains(text, "enclave-log damaged: 1 place") || strings.Contains(text, "nitro_enclaves.log.1.gz") || !strings.Contains(text, "acme") {
			t.Errorf("the %s does not say what is missing: %s", name, text)
		}
	}
}

// TestSourceThatFailsKeepsNothingFromBeingDelivered has a source without credentials: the
// rest is imported and delivered, the text says what failed, and the exit code is 3.
func TestSourceThatFailsKeepsNothingFromBeingDelivered(t *testing.T) {
	server := testkit.Moto(t)
	proxy := testkit.NewProxy(t, server)
	proxy.Fail(func(int, *http.Request) testkit.Fault {
		return testkit.S3Error(http.StatusForbidden, "InvalidAccessKeyId")
	})
	bucket := testkit.Bucket(t, server)
	h, mail := mailed(t, "  - {source: cloudtrail, path: s3://"+bucket+", region: us-east-1, endpoint: "+proxy.URL+"}")
	o := h.must(3, "run")
	if !strings.Contains(o.err, "the import of cloudtrail failed") {
		t.Error(o.err)
	}
	mails := mail.Mails()
	if len(mails) != 1 || !strings.Contains(mails[0].Text, "imports of evidence that failed: 1; figures may be too low") {
		t.Fatalf("%+v", mails)
	}
	if files, _ := filepath.Glob(filepath.Join(h.cwd, "out", "usage", "acme", "client-usage", "all", "*.csv")); len(files) != 1 || !strings.Contains(read(t, files[0]), "acme") {
		t.Errorf("files %v", files)
	}
	const rows = "SELECT count(*) FROM coverage WHERE source = 'cloudtrail' AND object = 'import of cloudtrail' AND result = "
	if n := h.count(rows + "'missing' AND detail LIKE '%no valid credentials%'"); n != 1 {
		t.Errorf("%d rows of coverage", n)
	}
	if o := h.must(3, "report", "events"); !strings.Contains(o.err, "rests on incomplete evidence") {
		t.Error(o.err)
	}
	content, _, _ := trailObject("111122223333", "us-east-1", "2025-05-30", 1, 4)
	testkit.Put(t, server, bucket, "AWSLogs/111122223333/CloudTrail/us-east-1/2025/05/30/111122223333_CloudTrail_us-east-1_20250530T1005Z_0000000000000001.json.gz", content)
	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	h.must(0, "run")
	h.must(0, "report", "events")
	if n := h.count(rows + "'read'"); n != 1 {
		t.Errorf("%d rows tell that the import came to its end", n)
	}
	h.must(0, "run")
	if n := h.count("SELECT count(*) FROM coverage WHERE object = 'import of cloudtrail'"); n != 2 {
		t.Errorf("%d rows of coverage in the end", n)
	}
}

// TestRunsAtOnceSendOnce starts several runs at the same time on an empty house.
func TestRunsAtOnceSendOnce(t *testing.T) {
	h, server := mailed(t, "")
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			if out, err := h.command("run").CombinedOutput(); err != nil {
				t.Errorf("%v: %s", err, out)
			}
		})
	}
	wg.Wait()
	files, _ := filepath.Glob(filepath.Join(h.cwd, "out", "usage", "acme", "client-usage", "all", "*"))
	if n := len(server.Mails()); n != 1 || len(files) != 1 {
		t.Errorf("%d mails, files %v", n, files)
	}
}
