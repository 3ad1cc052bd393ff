package cloudtrail

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"net/http"
	"os"
	"path"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// kept are Positions in memory.
type kept map[string]string

func (k kept) Positions(context.Context, string, string) (map[string]string, error) {
	return maps.Clone(k), nil
}

func (k kept) SetPositions(_ context.Context, _, _ string, positions map[string]string) error {
	maps.Copy(k, positions)
	return nil
}

// s3Bucket is a bucket with a trail, behind a proxy.
type s3Bucket struct {
	t      *testing.T
	server string
	name   string
	proxy  *testkit.Proxy
	events map[string]int // by key
}

func newS3Bucket(t *testing.T) *s3Bucket {
	t.Helper()
	server := testkit.Moto(t)
	return &s3Bucket{t: t, server: server, name: testkit.Bucket(t, server), proxy: testkit.NewProxy(t, server), events: map[string]int{}}
}

// deliver puts a file with n events into the folder of its delivery day and returns its
// key. The random part of its name is made from the day and the number.
func (b *s3Bucket) deliver(folder, account, kind, region, day string, number, n int) string {
	b.t.Helper()
	at, err := time.Parse(time.DateOnly, day)
	if err != nil {
		b.t.Fatal(err)
	}
	key := fmt.Sprintf("%s%s/%s/%s/%s/%s_%s_%s_%sT%02d05Z_%016x.json.gz", folder, account, kind, region,
		at.Format("2006/01/02"), account, kind, region, at.Format("20060102"), number%24, number)
	b.put(key, s3Gzip(s3File(key, account, region, at, n)))
	b.events[key] = n
	return key
}

func (b *s3Bucket) put(key, content string) string {
	return testkit.Put(b.t, b.server, b.name, key, content)
}

// s3File returns a file of a trail with n events, whose ids come from the key.
func s3File(key, account, region string, at time.Time, n int) string {
	var s strings.Builder
	s.WriteString(`{"Records":[`)
	for i := range n {
		if i > 0 {
			s.WriteByte(',')
		}
		h := sha256.Sum256(fmt.Appendf(nil, "%s %d", key, i))
		fmt.Fprintf(&s, `{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::%[1]s:user/u","accountId":"%[1]s"},`+
			`"eventTime":"%[2]s","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"%[3]s","sourceIPAddress":"10.0.0.1",`+
			`"eventID":"%[4]x-%[5]x-4%[6]x-8%[7]x-%[8]x","readOnly":true,"eventType":"AwsApiCall","managementEvent":true,"recipientAccountId":"%[1]s","eventCategory":"Management"}`,
			account, at.Add(time.Duration(i)*time.Second).Format(time.RFC3339), region, h[:4], h[4:6], fmt.Sprintf("%x", h[6:8])[:3], fmt.Sprintf("%x", h[8:10])[:3], h[10:16])
	}
	return s.String() + "]}"
}

func s3Gzip(text string) string {
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(text))
	_ = z.Close()
	return b.String()
}

// source returns a source of the bucket as the proxy shows it.
func (b *s3Bucket) source(o S3Options) *Source {
	b.t.Helper()
	session, err := aws.Open(b.t.Context(), aws.Options{Endpoint: b.proxy.URL, MaxBackoff: 2 * time.Millisecond, IdleTimeout: time.Second})
	if err != nil {
		b.t.Fatal(err)
	}
	o.Bucket = session.Bucket(b.name)
	if o.TempDir == "" {
		o.TempDir = b.t.TempDir()
	}
	return New(Options{Store: NewS3(o)})
}

// listed returns the keys of a source's units, in order, and what is missed.
func (b *s3Bucket) listed(s *Source) (keys []string, units []trailhouse.Unit, missed []trailhouse.Coverage, err error) {
	err = s.Units(b.t.Context(), func(u trailhouse.Unit) error {
		keys = append(keys, strings.TrimPrefix(u.Object, "s3://"+b.name+"/"))
		units = append(units, u)
		return nil
	}, func(c trailhouse.Coverage) error {
		missed = append(missed, c)
		return nil
	})
	return keys, units, missed, err
}

// run lists and reads like an import with a ledger, and returns how many events came,
// how many objects were new and what was missed.
func (b *s3Bucket) run(s *Source, ledger map[string]bool) (events, read int, missed []trailhouse.Coverage, err error) {
	_, units, missed, err := b.listed(s)
	if err != nil {
		return 0, 0, missed, err
	}
	units = slices.DeleteFunc(units, func(u trailhouse.Unit) bool { return ledger[u.ID] })
	s.Planned(units)
	for _, u := range units {
		sink := newSink()
		err := s.Read(b.t.Context(), u, sink)
		switch trailhouse.CodeOf(err) {
		case "":
			events, read, ledger[u.ID] = events+sink.records, read+1, true
		case trailhouse.CodeDenied, trailhouse.CodeNotFound, trailhouse.CodeConflict, trailhouse.CodeUnavailable:
			missed = append(missed, trailhouse.Coverage{Object: u.Object, Detail: err.Error()})
		default:
			return events, read, missed, err
		}
	}
	return events, read, missed, s.Settled(b.t.Context())
}

func (b *s3Bucket) total() (n int) {
	for _, events := range b.events {
		n += events
	}
	return n
}

func lists(below string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.URL.Query().Get("list-type") == "2" && strings.Contains(r.URL.Query().Get("prefix"), below)
	}
}

func gets(part string) func(*http.Request) bool {
	return func(r *http.Request) bool {
		return r.URL.Query().Get("list-type") == "" && strings.Contains(r.URL.Path, part)
	}
}

// when returns a rule that fails the requests of a kind.
func when(kind func(*http.Request) bool, f testkit.Fault) func(int, *http.Request) testkit.Fault {
	return func(_ int, r *http.Request) testkit.Fault {
		if kind(r) {
			return f
		}
		return nil
	}
}

// organisation puts 3 accounts × 2 regions × 3 days below an organisation's folder.
func (b *s3Bucket) organisation(folder string) {
	for a := range 3 {
		for r, region := range []string{"eu-west-1", "us-east-1"} {
			for d := range 3 {
				b.deliver(folder+"AWSLogs/o-a1b2c3d4e5/", fmt.Sprintf("11112222333%d", a), "CloudTrail", region, fmt.Sprintf("2025-03-0%d", d+1), a*6+r*3+d, 5+a)
			}
		}
	}
}

func TestS3Layouts(t *testing.T) {
	b := newS3Bucket(t)
	b.organisation("corp/audit/")
	single := b.deliver("team/AWSLogs/", "444455556666", "CloudTrail", "eu-west-1", "2025-02-28", 1, 3)
	insight := b.deliver("team/AWSLogs/", "444455556666", "CloudTrail-Insight", "eu-west-1", "2025-02-28", 2, 0)
	b.put("team/AWSLogs/444455556666/CloudTrail-Digest/eu-west-1/2025/02/28/x.json.gz", "digest")
	b.put("team/AWSLogs/444455556666/Config/eu-west-1/2025/2/28/ConfigHistory/x.json.gz", "config")
	b.put("team/AWSLogs/444455556666/CloudTrail/LICENSE", "no region")
	b.put("team/AWSLogs/444455556666/CloudTrail/eu-west-1/LICENSE", "no evidence")
	b.put("copies/some trail+1.json.gz", s3Gzip(s3File("copy", "777788889999", "eu-west-1", time.Unix(1_700_000_000, 0), 2)))
	cases := []struct {
		prefix string
		want   int // units
		first  string
		ignore int
	}{
		{"", 20, insight, 3},
		{"team", 2, insight, 2},
		{"team/", 2, insight, 2},
		{"team/AWSLogs/444455556666", 2, insight, 2},
		{"team/AWSLogs/444455556666/CloudTrail-Insight/", 1, insight, 0},
		{"corp", 18, "corp/audit/AWSLogs/o-a1b2c3d4e5/111122223330/CloudTrail/eu-west-1/2025/03/01/", 0},
		{"corp/audit/AWSLogs/o-a1b2c3d4e5/111122223332", 6, "corp/audit/AWSLogs/o-a1b2c3d4e5/111122223332/CloudTrail/eu-west-1/2025/03/01/", 0},
		{"corp/audit/AWSLogs/o-a1b2c3d4e5/111122223332/CloudTrail/us-east-1/2025/03", 3, "corp/audit/AWSLogs/o-a1b2c3d4e5/111122223332/CloudTrail/us-east-1/2025/03/01", 0},
		{"copies", 1, "copies/some trail+1.json.gz", 0},
		{single, 1, single, 0},
	}
	for _, tt := range cases {
		t.Run(tt.prefix, func(t *testing.T) {
			s := b.source(S3Options{Prefix: tt.prefix})
			keys, units, missed, err := b.listed(s)
			if err != nil || len(keys) != tt.want || !strings.HasPrefix(keys[0], tt.first) || len(missed) != tt.ignore {
				t.Fatalf("%d units, first %q, %v\nmissed %v", len(keys), keys, err, missed)
			}
			for _, c := range missed {
				if c.Result != trailhouse.CoverageIgnored {
					t.Errorf("%+v", c)
				}
			}
			if units[0].Explicit != (tt.prefix == single) {
				t.Errorf("%+v", units[0])
			}
			sink := newSink()
			if err := s.Read(t.Context(), units[0], sink); err != nil {
				t.Error(err)
			}
			again, _, _, err := b.listed(b.source(S3Options{Prefix: tt.prefix}))
			if err != nil || !slices.Equal(again, keys) {
				t.Errorf("another order: %q, %v", again, err)
			}
		})
	}
	for _, prefix := range []string{"none", "team/AWSLogs/000000000000", "none.json.gz"} {
		keys, _, missed, err := b.listed(b.source(S3Options{Prefix: prefix}))
		if err != nil || len(keys) != 0 || len(missed) != 1 || missed[0].Result != trailhouse.CoverageMissing {
			t.Errorf("%s: %q %v %v", prefix, keys, missed, err)
		}
	}
}

// TestS3Loose puts files of a trail into every folder on the way down to a region's, and
// folders there that are none of a trail's: the files are read, at each import anew where
// they are new, and the folders are told and can be named.
func TestS3Loose(t *testing.T) {
	b, ledger, positions := newS3Bucket(t), map[string]bool{}, kept{}
	loose := func(folder string, n int) {
		key := folder + fmt.Sprintf("111122223333_CloudTrail_eu-west-1_20250301T00%02dZ_%016x.json.gz", n, n)
		b.put(key, s3Gzip(s3File(key, "111122223333", "eu-west-1", time.Unix(1_740_000_000, 0), n)))
		b.events[key] = n
	}
	b.deliver("AWSLogs/", "111122223333", "CloudTrail", "eu-west-1", "2025-03-01", 1, 1)
	b.deliver("AWSLogs/o-a1b2c3d4e5/", "111122223334", "CloudTrail", "eu-west-1", "2025-03-01", 2, 2)
	b.deliver("deep/er/AWSLogs/", "111122223335", "CloudTrail", "eu-west-1", "2025-03-01", 3, 3)
	for i, folder := range []string{"", "deep/", "deep/er/", "AWSLogs/", "AWSLogs/111122223333/", "AWSLogs/111122223333/CloudTrail/", "AWSLogs/o-a1b2c3d4e5/", "deep/er/AWSLogs/111122223335/"} {
		loose(folder, 10+i)
	}
	want := b.total()
	b.put("AWSLogs/README", "no evidence")
	b.put("AWSLogs/111122223333/Config/eu-west-1/x.json.gz", "of another service")
	loose("AWSLogs/prod-account/CloudTrail/", 5)
	loose("AWSLogs/o-a1b2c3d4e5/010101010101.bak/", 5)
	loose("AWSLogs/111122223333/old/", 5)
	loose("deep/copies/", 5)
	events, read, missed, err := b.run(b.source(S3Options{Positions: positions}), ledger)
	if err != nil || events != want || read != 11 || len(missed) != 3 {
		t.Fatalf("%d events of %d, %d objects, %v\n%v", events, want, read, err, missed)
	}
	told := missed[0].Detail + missed[1].Detail + missed[2].Detail
	for _, part := range []string{"3 folders within AWSLogs", "AWSLogs/prod-account/", "AWSLogs/o-a1b2c3d4e5/010101010101.bak/", "AWSLogs/111122223333/old/", "1 folders beside AWSLogs are not read (deep/copies/)", "1 objects are neither"} {
		if !strings.Contains(told, part) || missed[0].Result != trailhouse.CoverageIgnored {
			t.Errorf("%q is not told: %s", part, told)
		}
	}
	loose("AWSLogs/111122223333/", 30)
	if events, read, _, err = b.run(b.source(S3Options{Positions: positions}), ledger); err != nil || events != 30 || read != 1 {
		t.Errorf("later: %d events, %d objects, %v", events, read, err)
	}
	for _, prefix := range []string{"AWSLogs/prod-account", "AWSLogs/o-a1b2c3d4e5/010101010101.bak/", "AWSLogs/111122223333/old", "deep/copies"} {
		if events, _, missed, err = b.run(b.source(S3Options{Prefix: prefix}), map[string]bool{}); err != nil || events != 5 || len(missed) != 0 {
			t.Errorf("%s: %d events, %v %v", prefix, events, missed, err)
		}
	}
}

// TestS3LateFile imports, has a file arrive two delivery days late, and one far too
// late, and imports again: the listing must begin two days before the newest day and
// not at the beginning.
func TestS3LateFile(t *testing.T) {
	b, ledger, positions := newS3Bucket(t), map[string]bool{}, kept{}
	b.organisation("")
	events, read, missed, err := b.run(b.source(S3Options{Positions: positions}), ledger)
	if err != nil || events != b.total() || read != 18 || len(missed) != 0 {
		t.Fatalf("%d events of %d, %d objects, %v %v", events, b.total(), read, missed, err)
	}
	if len(positions) != 6 {
		t.Fatalf("positions %v", positions)
	}
	for place, day := range positions {
		if day != "2025-03-03" || !strings.HasPrefix(place, b.proxy.URL+" s3://"+b.name+"/AWSLogs/") {
			t.Errorf("position %q of %q", day, place)
		}
	}
	late := b.deliver("AWSLogs/o-a1b2c3d4e5/", "111122223331", "CloudTrail", "us-east-1", "2025-03-01", 77, 9)
	b.deliver("AWSLogs/o-a1b2c3d4e5/", "111122223331", "CloudTrail", "us-east-1", "2025-02-28", 78, 9)
	fresh := b.source(S3Options{Positions: positions})
	keys, _, _, err := b.listed(fresh)
	if err != nil || len(keys) != 19 || !slices.Contains(keys, late) {
		t.Errorf("%d units, %v", len(keys), err)
	}
	b.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	events, read, _, err = b.run(b.source(S3Options{Positions: positions}), ledger)
	if err != nil || events != 9 || read != 1 {
		t.Errorf("%d events, %d objects, %v", events, read, err)
	}
	for _, asked := range b.proxy.Seen() {
		if strings.Contains(asked, "list-type") && !strings.Contains(asked, "delimiter") && !strings.Contains(asked, "start-after") {
			t.Errorf("listed from the beginning: %s", asked)
		}
	}
	if events, _, _, err = b.run(b.source(S3Options{Positions: positions, LookBackDays: 30}), ledger); err != nil || events != 9 {
		t.Errorf("looking back far: %d events, %v", events, err)
	}
}

// TestS3PositionIsNoTrap has somebody write an object whose day is years ahead: what is
// delivered until then must not be hidden.
func TestS3PositionIsNoTrap(t *testing.T) {
	b, ledger, positions := newS3Bucket(t), map[string]bool{}, kept{}
	b.deliver("AWSLogs/", "111122223333", "CloudTrail", "eu-west-1", "2025-03-01", 1, 1)
	b.deliver("AWSLogs/", "111122223333", "CloudTrail", "eu-west-1", "2099-01-01", 2, 1)
	if events, _, _, err := b.run(b.source(S3Options{Positions: positions}), ledger); err != nil || events != 2 {
		t.Fatalf("%d events, %v", events, err)
	}
	b.deliver("AWSLogs/", "111122223333", "CloudTrail", "eu-west-1", "2025-03-02", 3, 1)
	if events, _, _, err := b.run(b.source(S3Options{Positions: positions}), ledger); err != nil || events != 1 {
		t.Errorf("%d events, %v, positions %v", events, err, positions)
	}
}

// TestS3DeniedPrefix refuses one account's listing and one region's objects: both are
// missing with their permission, the rest is read, and what was refused is read once it
// is allowed.
func TestS3DeniedPrefix(t *testing.T) {
	b, ledger, positions := newS3Bucket(t), map[string]bool{}, kept{}
	b.organisation("")
	denied := testkit.S3Error(403, "AccessDenied")
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if lists("/111122223331/")(r) || gets("/111122223332/CloudTrail/us-east-1/")(r) {
			return denied
		}
		return nil
	})
	events, _, missed, err := b.run(b.source(S3Options{Positions: positions}), ledger)
	if err != nil || events != 6*5+3*7 {
		t.Fatalf("%d events, %v", events, err)
	}
	if len(missed) != 1+3 || missed[0].Scope != "111122223331" || missed[0].Result != trailhouse.CoverageMissing ||
		!strings.Contains(missed[0].Detail, "permission s3:ListBucket on arn:aws:s3:::"+b.name) ||
		!strings.Contains(missed[1].Detail, "permission s3:GetObject on arn:aws:s3:::"+b.name+"/AWSLogs/o-a1b2c3d4e5/111122223332/CloudTrail/us-east-1/2025/03/01/") {
		t.Errorf("missed %+v", missed)
	}
	// A whole month passes until it is allowed: the missing days are listed all the same.
	b.deliver("AWSLogs/o-a1b2c3d4e5/", "111122223332", "CloudTrail", "us-east-1", "2025-04-03", 50, 1)
	if _, _, _, err = b.run(b.source(S3Options{Positions: positions}), ledger); err != nil {
		t.Fatal(err)
	}
	b.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	more, _, missed, err := b.run(b.source(S3Options{Positions: positions}), ledger)
	if err != nil || events+more != b.total() || len(missed) != 0 {
		t.Errorf("%d events more, want %d in all, %v %v", more, b.total(), missed, err)
	}
}

// TestS3Weather imports under throttling, resets, short and stalled bodies.
func TestS3Weather(t *testing.T) {
	b := newS3Bucket(t)
	b.organisation("")
	chance, mu := rand.New(rand.NewPCG(3, 4)), sync.Mutex{}
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		mu.Lock()
		defer mu.Unlock()
		switch n := chance.IntN(100); {
		case n < 30:
			return testkit.S3Error(503, "SlowDown")
		case n < 36:
			return testkit.Reset()
		case n < 42:
			return testkit.CutAfter(chance.IntN(400))
		case n < 46:
			return testkit.ShortBy(40 + chance.IntN(100))
		}
		return nil
	})
	events, read, missed, err := b.run(b.source(S3Options{}), map[string]bool{})
	if err != nil || events != b.total() || read != 18 || len(missed) != 0 {
		t.Errorf("%d events of %d, %d objects, %v %v", events, b.total(), read, missed, err)
	}
}

// TestS3ListingCut has each listing end within its body the first time: after half of it
// with the length of the whole, and with no body at all. Nothing may be lost.
func TestS3ListingCut(t *testing.T) {
	b := newS3Bucket(t)
	b.organisation("")
	for name, fault := range map[string]testkit.Fault{
		"half": half, "reset": testkit.CutAfter(200), "short": testkit.ShortBy(150), "nothing": testkit.ShortBy(1 << 20),
	} {
		t.Run(name, func(t *testing.T) {
			asked := map[string]int{}
			b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
				asked[r.URL.RequestURI()]++
				if lists("")(r) && asked[r.URL.RequestURI()] == 1 {
					return fault
				}
				return nil
			})
			events, read, missed, err := b.run(b.source(S3Options{}), map[string]bool{})
			if err != nil || events != b.total() || read != 18 || len(missed) != 0 {
				t.Errorf("%d events of %d, %d objects, %v %v", events, b.total(), read, missed, err)
			}
		})
	}
}

// half sends half of the body with the length of the whole, and ends the connection in
// good order.
func half(w http.ResponseWriter, r *http.Request, next http.Handler) {
	answer := testkit.Record(next, r)
	w.Header().Set("Content-Type", answer.Header.Get("Content-Type"))
	w.Header().Set("Content-Length", fmt.Sprint(len(answer.Body)))
	_, _ = w.Write(answer.Body[:len(answer.Body)/2])
}

// TestS3ListingOutage has the server refuse every listing for good.
func TestS3ListingOutage(t *testing.T) {
	b := newS3Bucket(t)
	b.organisation("")
	b.proxy.Fail(when(lists(""), testkit.S3Error(503, "SlowDown")))
	keys, _, missed, err := b.listed(b.source(S3Options{}))
	if err != nil || len(keys) != 0 || len(missed) != 1 || missed[0].Result != trailhouse.CoverageMissing {
		t.Errorf("%q %+v %v", keys, missed, err)
	}
}

// TestS3CredentialsExpire lets credentials expire for good at each of the first calls:
// the run stops, nothing is settled, and a later run reads everything.
func TestS3CredentialsExpire(t *testing.T) {
	b := newS3Bucket(t)
	b.organisation("")
	for _, at := range []int{1, 4, 9, 14, 20, 30} {
		ledger, positions := map[string]bool{}, kept{}
		b.proxy.Fail(func(n int, _ *http.Request) testkit.Fault {
			if n < at {
				return nil
			}
			return testkit.S3Error(400, "ExpiredToken")
		})
		events, _, _, err := b.run(b.source(S3Options{Positions: positions}), ledger)
		if trailhouse.CodeOf(err) != trailhouse.CodeCredentials || len(positions) != 0 {
			t.Fatalf("at call %d: %v, positions %v", at, err, positions)
		}
		b.proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
		more, _, missed, err := b.run(b.source(S3Options{Positions: positions}), ledger)
		if err != nil || events+more != b.total() || len(missed) != 0 {
			t.Errorf("at call %d: %d + %d events of %d, %v %v", at, events, more, b.total(), missed, err)
		}
	}
}

// TestS3Replaced replaces an object between its listing and its reading: it is missing
// now and a new unit at the next import.
func TestS3Replaced(t *testing.T) {
	b, ledger, positions := newS3Bucket(t), map[string]bool{}, kept{}
	b.organisation("")
	key := slices.Sorted(maps.Keys(b.events))[4]
	replaced := false
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if gets(path.Base(key))(r) && !replaced {
			replaced = true
			b.put(key, s3Gzip(s3File(key, "111122223330", "us-east-1", time.Unix(1_740_000_000, 0), 50)))
			b.events[key] = 50
		}
		return nil
	})
	events, _, missed, err := b.run(b.source(S3Options{Positions: positions}), ledger)
	if err != nil || len(missed) != 1 || !strings.Contains(missed[0].Detail, "was replaced") || events != b.total()-50 {
		t.Fatalf("%d events, %v %v", events, missed, err)
	}
	events, read, missed, err := b.run(b.source(S3Options{Positions: positions}), ledger)
	if err != nil || events != 50 || read != 1 || len(missed) != 0 {
		t.Errorf("%d events, %d objects, %v %v", events, read, missed, err)
	}
}

// TestS3EndlessListing has one region's listing go in circles: it is missing, and the
// others are read.
func TestS3EndlessListing(t *testing.T) {
	b, positions := newS3Bucket(t), kept{}
	b.organisation("")
	b.proxy.Fail(when(lists("/111122223330/CloudTrail/eu-west-1/"), testkit.Answer(200,
		"<ListBucketResult><IsTruncated>true</IsTruncated><NextContinuationToken>x</NextContinuationToken></ListBucketResult>")))
	events, _, missed, err := b.run(b.source(S3Options{Positions: positions}), map[string]bool{})
	if err != nil || events != b.total()-15 || len(missed) != 1 || missed[0].Scope != "111122223330/eu-west-1" || len(positions) != 5 {
		t.Errorf("%d events of %d, %+v %v, positions %v", events, b.total(), missed, err, positions)
	}
}

// TestS3InOrderAhead reads many small objects with gaps, as a second import does, and
// counts: nothing is asked for twice, and never more than eight at a time.
func TestS3InOrderAhead(t *testing.T) {
	b := newS3Bucket(t)
	for i := range 60 {
		b.deliver("AWSLogs/", "111122223333", "CloudTrail", "eu-west-1", fmt.Sprintf("2025-03-%02d", 1+i%3), i, 1+i%4)
	}
	ledger := map[string]bool{}
	s := b.source(S3Options{})
	_, units, _, err := b.listed(s)
	if err != nil {
		t.Fatal(err)
	}
	known := 0
	for i, u := range units {
		if i%5 == 2 {
			ledger[u.ID] = true
			known++
		}
	}
	var mu sync.Mutex
	now, most, asked := 0, 0, map[string]int{}
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if !gets("")(r) {
			return nil
		}
		asked[r.URL.Path]++
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			mu.Lock()
			now++
			most = max(most, now)
			mu.Unlock()
			time.Sleep(5 * time.Millisecond)
			mu.Lock()
			now--
			mu.Unlock()
			next.ServeHTTP(w, r)
		}
	})
	_, read, missed, err := b.run(s, ledger)
	if err != nil || read != 60-known || len(missed) != 0 {
		t.Fatalf("%d objects, %v %v", read, missed, err)
	}
	for key, n := range asked {
		if n != 1 {
			t.Errorf("%s was asked for %d times", key, n)
		}
	}
	if len(asked) != read || most < 4 || most > 9 {
		t.Errorf("%d objects asked for, %d at a time", len(asked), most)
	}
}

// TestS3LargeObject reads one that goes through a file, in several passes, and leaves
// no file behind.
func TestS3LargeObject(t *testing.T) {
	b := newS3Bucket(t)
	text := s3File("large", "111122223333", "eu-west-1", time.Unix(1_740_000_000, 0), 40_000)
	text += strings.Repeat(" ", max(0, 16<<20+1-len(text)))
	b.put("x/large.json", text)
	dir := t.TempDir()
	s := b.source(S3Options{Prefix: "x", TempDir: dir})
	_, units, _, err := b.listed(s)
	if err != nil || len(units) != 1 {
		t.Fatalf("%v %v", units, err)
	}
	asked := 0
	b.proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if asked++; asked == 1 {
			return testkit.CutAfter(10 << 20)
		}
		return nil
	})
	s.Planned(units)
	sink := newSink()
	sink.each = func(*memorySink) error { return nil }
	if err := s.Read(t.Context(), units[0], sink); err != nil || sink.records != 40_000 {
		t.Errorf("%d records, %v", sink.records, err)
	}
	if asked != 2 {
		t.Errorf("asked %d times", asked)
	}
	if err := s.Settled(t.Context()); err != nil {
		t.Error(err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) != 0 {
		t.Errorf("left behind: %v %v", left, err)
	}
}

// TestS3ObjectAsItIsNow opens an object of which only the address is known.
func TestS3ObjectAsItIsNow(t *testing.T) {
	b := newS3Bucket(t)
	b.put("a b/x.json", "[1]")
	store := b.source(S3Options{}).store
	in, err := store.Open(t.Context(), trailhouse.Unit{Object: "s3://" + b.name + "/a b/x.json"})
	if err != nil {
		t.Fatal(err)
	}
	if got, err := io.ReadAll(in); err != nil || string(got) != "[1]" {
		t.Errorf("%q %v", got, err)
	}
	_, err = store.Open(t.Context(), trailhouse.Unit{Object: "s3://" + b.name + "/gone.json"})
	if trailhouse.CodeOf(err) != trailhouse.CodeNotFound {
		t.Error(err)
	}
}

func TestSplitAddress(t *testing.T) {
	for address, want := range map[string]string{"s3://b": "b||true", "s3://b/": "b||true", "s3://b/p/q": "b|p/q|true", "s3:///p": "||false", "/b/p": "||false"} {
		bucket, prefix, ok := aws.SplitAddress(address)
		if got := fmt.Sprint(bucket, "|", prefix, "|", ok); got != want {
			t.Errorf("%s: %s, want %s", address, got, want)
		}
	}
}
