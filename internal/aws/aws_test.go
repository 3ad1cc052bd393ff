package aws

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/testkit"
)

// open returns a session at a server that pauses hardly at all.
func open(t *testing.T, endpoint string) *Session {
	t.Helper()
	s, err := Open(t.Context(), Options{Endpoint: endpoint, MaxBackoff: 5 * time.Millisecond, IdleTimeout: 300 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// list returns the keys below a prefix.
func list(ctx context.Context, b *Bucket, prefix, after string) ([]string, error) {
	var keys []string
	err := b.List(ctx, prefix, after, func(o Object) error {
		keys = append(keys, o.Key)
		return nil
	})
	return keys, err
}

// expect fails the test where err has another code or does not hold the words.
func expect(t *testing.T, err error, code trailhouse.Code, words ...string) {
	t.Helper()
	if trailhouse.CodeOf(err) != code {
		t.Fatalf("code %q, want %q: %v", trailhouse.CodeOf(err), code, err)
	}
	for _, w := range words {
		if !strings.Contains(err.Error(), w) {
			t.Errorf("%q does not say %q", err, w)
		}
	}
	if err != nil && code != trailhouse.CodeInterrupted && trailhouse.HintOf(err) == "" && code != trailhouse.CodeInvalid {
		t.Errorf("no hint for %v", err)
	}
}

func isList(r *http.Request) bool { return r.URL.Query().Get("list-type") == "2" }

func isGet(r *http.Request) bool { return r.Method == http.MethodGet && !isList(r) }

// each returns a rule that fails every request of a kind.
func each(kind func(*http.Request) bool, f testkit.Fault) func(int, *http.Request) testkit.Fault {
	return func(_ int, r *http.Request) testkit.Fault {
		if kind(r) {
			return f
		}
		return nil
	}
}

// first returns a rule that fails the first n requests of a kind.
func first(n int, kind func(*http.Request) bool, f testkit.Fault) func(int, *http.Request) testkit.Fault {
	return func(_ int, r *http.Request) testkit.Fault {
		if kind(r) && n > 0 {
			n--
			return f
		}
		return nil
	}
}

func TestListPagesAndOddKeys(t *testing.T) {
	server := testkit.Moto(t)
	name := testkit.Bucket(t, server)
	want := []string{"p/+x", "p/a b", "p/a%2Fb", "p/ä", "p/q\"uote", "p/z/1", "p/z/2"}
	for i := range 30 {
		want = append(want, fmt.Sprintf("p/n/%02d", i))
	}
	slices.Sort(want)
	for _, key := range append(want, "o/other", "p0") {
		testkit.Put(t, server, name, key, "x")
	}
	b := open(t, server).Bucket(name)
	l, got := b.Listing("p/", "", 7), []string(nil)
	for {
		page, err := l.Next(t.Context())
		if err == io.EOF {
			break
		}
		if err != nil || len(page) == 0 || len(page) > 7 {
			t.Fatalf("page of %d: %v", len(page), err)
		}
		for _, o := range page {
			if got = append(got, o.Key); o.Size != 1 || o.ETag != "9dd4e461268c8034f5c8564e155c67a6" || o.Modified.IsZero() {
				t.Errorf("%+v", o)
			}
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
	if got, err := list(t.Context(), b, "p/n/", "p/n/27"); err != nil || !slices.Equal(got, []string{"p/n/28", "p/n/29"}) {
		t.Errorf("after 27: %q, %v", got, err)
	}
	if got, _, err := b.ListFolder(t.Context(), ""); err != nil || !slices.Equal(got, []string{"o/", "p/"}) {
		t.Errorf("folders %q, %v", got, err)
	}
	if got, _, err := b.ListFolder(t.Context(), "p/"); err != nil || !slices.Equal(got, []string{"n/", "z/"}) {
		t.Errorf("folders of p/ %q, %v", got, err)
	}
	if got, _, err := b.ListFolder(t.Context(), "none/"); err != nil || len(got) != 0 {
		t.Errorf("folders of none/ %q, %v", got, err)
	}
}

// TestListingsThatNeverEnd has servers that go in circles. Each must end, and where the
// server gave everything, nothing may be missing or twice (facts/reliability.md C7).
func TestListingsThatNeverEnd(t *testing.T) {
	page := func(token string, keys ...string) string {
		var b strings.Builder
		b.WriteString("<ListBucketResult><IsTruncated>" + fmt.Sprint(token != "-") + "</IsTruncated>")
		if token != "" && token != "-" {
			b.WriteString("<NextContinuationToken>" + token + "</NextContinuationToken>")
		}
		for _, k := range keys {
			b.WriteString("<Contents><Key>" + k + "</Key><Size>1</Size><ETag>&quot;e&quot;</ETag></Contents>" +
				"<CommonPrefixes><Prefix>" + k + "/</Prefix></CommonPrefixes>")
		}
		return b.String() + "</ListBucketResult>"
	}
	cases := []struct {
		name  string
		pages func(n int) string
		want  string // keys, "" where it must fail
	}{
		{"same token", func(int) string { return page("t", "a") }, ""},
		{"same token, new keys", func(n int) string { return page("t", fmt.Sprintf("k%03d", n)) }, ""},
		{"same token, empty", func(int) string { return page("t") }, ""},
		{"two tokens in turn", func(n int) string { return page(fmt.Sprint("t", n%2), "a") }, ""},
		{"ever new tokens, nothing new", func(n int) string { return page(fmt.Sprint("t", n)) }, ""},
		{"more, and not where", func(int) string { return page("", "a") }, ""},
		{"page given twice", func(n int) string {
			return []string{page("1", "a", "b"), page("2", "a", "b"), page("3"), page("4", "b", "c"), page("-", "d")}[n-1]
		}, "a b c d"},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			testkit.Credentials(t)
			p := testkit.NewProxy(t, "http://127.0.0.1:1")
			p.Fail(func(n int, _ *http.Request) testkit.Fault { return testkit.Answer(200, tt.pages(n)) })
			b := open(t, p.URL).Bucket("bucket")
			keys, err := list(t.Context(), b, "", "")
			if asked := len(p.Seen()); asked > maxIdlePages+5 {
				t.Errorf("%d requests", asked)
			}
			p.Fail(func(n int, _ *http.Request) testkit.Fault { return testkit.Answer(200, tt.pages(n)) })
			folders, _, err2 := b.ListFolder(t.Context(), "")
			if tt.want == "" {
				expect(t, err, trailhouse.CodeInvalid, "does not come to an end")
				expect(t, err2, trailhouse.CodeInvalid, "does not come to an end")
				return
			}
			if err != nil || strings.Join(keys, " ") != tt.want {
				t.Errorf("keys %q, %v", keys, err)
			}
			if err2 != nil || strings.ReplaceAll(strings.Join(folders, " "), "/", "") != tt.want {
				t.Errorf("folders %q, %v", folders, err2)
			}
		})
	}
}

// stored puts an object of random bytes and returns it as a listing names it.
func stored(t *testing.T, server, bucket, key string, size int) (Object, []byte) {
	t.Helper()
	content := make([]byte, size)
	for i := range content {
		content[i] = byte(rand.Uint32())
	}
	etag := testkit.Put(t, server, bucket, key, string(content))
	return Object{Key: key, ETag: etag, Size: int64(size)}, content
}

// TestGetThroughFaults holds that a body is whole, byte for byte, or an error: never
// short (facts/reliability.md C1 to C3).
func TestGetThroughFaults(t *testing.T) {
	server := testkit.Moto(t)
	p := testkit.NewProxy(t, server)
	name := testkit.Bucket(t, server)
	o, content := stored(t, server, name, "k/ey", 300_000)
	b := open(t, p.URL).Bucket(name)
	short := func(n int, r *http.Request) testkit.Fault {
		if n <= 3 {
			return testkit.CutAfter(70_000)
		}
		return nil
	}
	noRange := testkit.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
		r.Header.Del("Range")
		next.ServeHTTP(w, r)
	})
	cases := []struct {
		name string
		rule func(int, *http.Request) testkit.Fault
		code trailhouse.Code
		asks int // requests at least
	}{
		{"nothing", func(int, *http.Request) testkit.Fault { return nil }, "", 1},
		{"slow down, for a while", first(5, isGet, testkit.S3Error(503, "SlowDown")), "", 6},
		{"500, 502, 504, an HTML page", func(n int, _ *http.Request) testkit.Fault {
			return map[int]testkit.Fault{1: testkit.S3Error(500, "InternalError"), 2: testkit.Answer(502, "<html>bad</html>"), 3: testkit.Answer(504, ""), 4: testkit.Answer(429, "")}[n]
		}, "", 5},
		{"reset before the answer", first(3, isGet, testkit.Reset()), "", 4},
		{"body cut thrice", short, "", 4},
		{"body stalls", first(2, isGet, testkit.StallAfter(100_000)), "", 3},
		{"short by one, and says so", first(3, isGet, testkit.ShortBy(1)), "", 4},
		{"short by one, always", each(isGet, testkit.ShortBy(1)), trailhouse.CodeUnavailable, 10},
		{"longer than it is, always", each(isGet, testkit.Change(func(a *testkit.Recorded) { a.Body = append(a.Body, 'x') })), trailhouse.CodeUnavailable, 10},
		{"always cut at the same place", each(isGet, testkit.CutAfter(0)), trailhouse.CodeUnavailable, 10},
		{"slow down, for ever", each(isGet, testkit.S3Error(503, "SlowDown")), trailhouse.CodeUnavailable, 10},
		{"range is not understood", func(n int, _ *http.Request) testkit.Fault {
			if n == 1 {
				return testkit.CutAfter(200_000)
			}
			return noRange
		}, "", 2},
		{"not there", each(isGet, testkit.S3Error(404, "NoSuchKey")), trailhouse.CodeNotFound, 1},
		{"denied, no body", each(isGet, testkit.Answer(403, "")), trailhouse.CodeDenied, 1},
	}
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			p.Fail(tt.rule)
			got, err := b.Bytes(t.Context(), o)
			if trailhouse.CodeOf(err) != tt.code {
				t.Fatalf("code %q, want %q: %v", trailhouse.CodeOf(err), tt.code, err)
			}
			if err == nil && !bytes.Equal(got, content) {
				t.Error("other bytes")
			}
			if asked := len(p.Seen()); asked < tt.asks || asked > tt.asks+2 {
				t.Errorf("%d requests, want about %d: %v", asked, tt.asks, p.Seen())
			}
		})
	}
}

// TestThrottledRun asks 300 times with 30 % of the answers SlowDown or a reset.
func TestThrottledRun(t *testing.T) {
	server := testkit.Moto(t)
	p := testkit.NewProxy(t, server)
	name := testkit.Bucket(t, server)
	o, content := stored(t, server, name, "k", 1000)
	b := open(t, p.URL).Bucket(name)
	chance := rand.New(rand.NewPCG(1, 2))
	p.Fail(func(int, *http.Request) testkit.Fault {
		switch n := chance.IntN(100); {
		case n < 25:
			return testkit.S3Error(503, "SlowDown")
		case n < 30:
			return testkit.Reset()
		}
		return nil
	})
	for i := range 300 {
		if got, err := b.Bytes(t.Context(), o); err != nil || !bytes.Equal(got, content) {
			t.Fatalf("get %d: %v", i, err)
		}
	}
}

// TestReplacedBetweenRanges cuts a body at 100 places and replaces the object before the
// rest is asked for, at servers that mind If-Match and at those that do not: never a
// mixture (facts/reliability.md A7).
func TestReplacedBetweenRanges(t *testing.T) {
	server := testkit.Moto(t)
	p := testkit.NewProxy(t, server)
	name := testkit.Bucket(t, server)
	b := open(t, p.URL).Bucket(name)
	for seed := range 100 {
		o, _ := stored(t, server, name, "k", 5000)
		cut, minds := rand.IntN(5000), seed%2 == 0
		p.Fail(func(n int, r *http.Request) testkit.Fault {
			if n > 1 {
				return testkit.Fault(func(w http.ResponseWriter, r *http.Request, next http.Handler) {
					if !minds {
						r.Header.Del("If-Match")
					}
					next.ServeHTTP(w, r)
				})
			}
			return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
				answer := testkit.Record(next, r)
				stored(t, server, name, "k", 5000)
				testkit.CutAfter(cut)(w, r, answer)
			}
		})
		_, err := b.Bytes(t.Context(), o)
		expect(t, err, trailhouse.CodeConflict, "s3://"+name+"/k", "replaced")
	}
}

func TestDeniedNamesThePermission(t *testing.T) {
	testkit.Credentials(t)
	p := testkit.NewProxy(t, "http://127.0.0.1:1")
	b := open(t, p.URL).Bucket("trail")
	long := "User: arn:aws:sts::111122223333:assumed-role/Audit/x is not authorized to perform: kms:Decrypt on resource: arn:aws:kms:eu-west-1:111122223333:key/1 because no resource-based policy allows the kms:Decrypt action"
	short := "User: arn:aws:iam::111122223333:user/x is not authorized to perform: kms:Decrypt on the resource associated with this ciphertext because the resource does not exist"
	p.Fail(each(isGet, testkit.Answer(403, testkit.ErrorXML("AccessDenied", "Access Denied"))))
	_, err := b.Bytes(t.Context(), Object{Key: "a/b", Size: 1})
	expect(t, err, trailhouse.CodeDenied, "s3://trail/a/b", "permission s3:GetObject on arn:aws:s3:::trail/a/b is missing")
	p.Fail(each(isGet, testkit.Answer(403, testkit.ErrorXML("AccessDenied", long))))
	_, err = b.Bytes(t.Context(), Object{Key: "a/b", Size: 1})
	expect(t, err, trailhouse.CodeDenied, "permission kms:Decrypt on arn:aws:kms:eu-west-1:111122223333:key/1 is missing")
	p.Fail(each(isGet, testkit.Answer(403, testkit.ErrorXML("AccessDenied", short))))
	_, err = b.Bytes(t.Context(), Object{Key: "a/b", Size: 1})
	expect(t, err, trailhouse.CodeDenied, "permission kms:Decrypt on the key or resource behind arn:aws:s3:::trail/a/b is missing")
	p.Fail(each(isGet, testkit.S3Error(403, "InvalidObjectState")))
	_, err = b.Bytes(t.Context(), Object{Key: "a/b", Size: 1})
	expect(t, err, trailhouse.CodeDenied, "s3://trail/a/b is archived")
	p.Fail(each(isGet, testkit.S3Error(403, "AccountOnFire")))
	_, err = b.Bytes(t.Context(), Object{Key: "a/b", Size: 1})
	expect(t, err, trailhouse.CodeDenied, "AccountOnFire: the proxy says so")
	p.Fail(each(func(r *http.Request) bool { return r.Method == http.MethodHead }, testkit.Answer(403, "")))
	_, err = b.Stat(t.Context(), "a/b")
	expect(t, err, trailhouse.CodeDenied, "permission s3:GetObject on arn:aws:s3:::trail/a/b is missing")
	p.Fail(each(isList, testkit.Answer(403, testkit.ErrorXML("AccessDenied", "Access Denied"))))
	_, err = list(t.Context(), b, "a/", "")
	expect(t, err, trailhouse.CodeDenied, "s3://trail/a/", "permission s3:ListBucket on arn:aws:s3:::trail is missing")
	p.Fail(each(isList, testkit.S3Error(404, "NoSuchBucket")))
	_, _, err = b.ListFolder(t.Context(), "")
	expect(t, err, trailhouse.CodeNotFound, "s3://trail/", "NoSuchBucket")
}

// TestExpiredCredentials renews the keys in the CLI's file while requests run: after
// call n the server takes only the new ones. One refresh must do, and where there is
// none the error must say so (facts/reliability.md C5).
func TestExpiredCredentials(t *testing.T) {
	server := testkit.Moto(t)
	p := testkit.NewProxy(t, server)
	name := testkit.Bucket(t, server)
	o, content := stored(t, server, name, "k", 1000)
	file := filepath.Join(t.TempDir(), "credentials")
	keys := func(id string) {
		if err := os.WriteFile(file, []byte("[audit]\naws_access_key_id = "+id+"\naws_secret_access_key = s\naws_session_token = t\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", file)
	for expiresAt := 1; expiresAt <= 21; expiresAt += 5 {
		keys("OLD")
		s, err := Open(t.Context(), Options{Endpoint: p.URL, Profile: "audit", MaxBackoff: time.Millisecond})
		if err != nil {
			t.Fatal(err)
		}
		refused := 0
		p.Fail(func(n int, r *http.Request) testkit.Fault {
			if n == expiresAt {
				keys("NEW")
			}
			if n >= expiresAt && strings.Contains(r.Header.Get("Authorization"), "Credential=OLD/") {
				refused++
				return testkit.S3Error(400, "ExpiredToken")
			}
			return nil
		})
		for range 25 {
			if got, err := s.Bucket(name).Bytes(t.Context(), o); err != nil || !bytes.Equal(got, content) {
				t.Fatal(err)
			}
		}
		if refused != 1 {
			t.Errorf("%d requests with expired keys", refused)
		}
	}
	s, err := Open(t.Context(), Options{Endpoint: p.URL, Profile: "audit", MaxBackoff: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	p.Fail(each(isGet, testkit.S3Error(400, "ExpiredToken")))
	_, err = s.Bucket(name).Bytes(t.Context(), o)
	expect(t, err, trailhouse.CodeCredentials, "profile audit", "ExpiredToken")
	if n := len(p.Seen()); n != 1 {
		t.Errorf("%d requests where nothing could be renewed", n)
	}
}

func TestRoles(t *testing.T) {
	server := testkit.Moto(t)
	p := testkit.NewProxy(t, server)
	name := testkit.Bucket(t, server)
	o, content := stored(t, server, name, "k", 100)
	t.Setenv("AWS_ENDPOINT_URL_STS", p.URL)
	options := Options{
		Endpoint: server, RoleARN: "arn:aws:iam::111122223333:role/Audit", ExternalID: "ticket-7", SessionName: "me",
		MaxBackoff: time.Millisecond,
	}
	s, err := Open(t.Context(), options)
	if err != nil {
		t.Fatal(err)
	}
	var asked string
	p.Fail(func(_ int, r *http.Request) testkit.Fault {
		body, _ := io.ReadAll(r.Body)
		asked = string(body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		return nil
	})
	if got, err := s.Bucket(name).Bytes(t.Context(), o); err != nil || !bytes.Equal(got, content) {
		t.Fatal(err)
	}
	for _, want := range []string{"Action=AssumeRole", "ExternalId=ticket-7", "RoleSessionName=me", "role%2FAudit"} {
		if !strings.Contains(asked, want) {
			t.Errorf("%q is not in %q", want, asked)
		}
	}
	if s, err = Open(t.Context(), options); err != nil {
		t.Fatal(err)
	}
	p.Fail(func(int, *http.Request) testkit.Fault {
		return testkit.Answer(403, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
	})
	_, err = s.Bucket(name).Bytes(t.Context(), o)
	expect(t, err, trailhouse.CodeDenied, "sts:AssumeRole", "arn:aws:iam::111122223333:role/Audit")
}

// TestRegionOfTheBucket has a server that sends us to the bucket's own region.
func TestRegionOfTheBucket(t *testing.T) {
	server := testkit.Moto(t)
	p := testkit.NewProxy(t, server)
	name := testkit.Bucket(t, server)
	testkit.Put(t, server, name, "k", "x")
	p.Fail(func(_ int, r *http.Request) testkit.Fault {
		if strings.Contains(r.Header.Get("Authorization"), "/eu-south-1/") {
			return nil
		}
		return func(w http.ResponseWriter, r *http.Request, next http.Handler) {
			w.Header().Set("X-Amz-Bucket-Region", "eu-south-1")
			testkit.S3Error(301, "PermanentRedirect")(w, r, next)
		}
	})
	b := open(t, p.URL).Bucket(name)
	for range 2 {
		if keys, err := list(t.Context(), b, "", ""); err != nil || len(keys) != 1 {
			t.Fatalf("%q, %v", keys, err)
		}
	}
	if n := len(p.Seen()); n != 3 {
		t.Errorf("%d requests: the region was not kept: %v", n, p.Seen())
	}
}

func TestOptionsThatCannotWork(t *testing.T) {
	testkit.Credentials(t)
	for name, o := range map[string]Options{
		"profile":             {Profile: "none"},
		"endpoint":            {Endpoint: "s3.example.com"},
		"endpoint with a key": {Endpoint: "https://user:secret@s3.example.com"},
		"role":                {RoleARN: "Audit"},
		"external id alone":   {ExternalID: "x"},
	} {
		if _, err := Open(t.Context(), o); trailhouse.CodeOf(err) != trailhouse.CodeUsage {
			t.Errorf("%s: %v", name, err)
		}
	}
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "")
	s := open(t, "http://127.0.0.1:1")
	_, _, err := s.Bucket("b").ListFolder(t.Context(), "")
	expect(t, err, trailhouse.CodeCredentials, "the default credentials")
}

func TestInterrupted(t *testing.T) {
	testkit.Credentials(t)
	p := testkit.NewProxy(t, "http://127.0.0.1:1")
	ctx, cancel := context.WithCancel(t.Context())
	p.Fail(func(n int, _ *http.Request) testkit.Fault {
		if n == 2 {
			cancel()
		}
		return testkit.S3Error(503, "SlowDown")
	})
	_, err := list(ctx, open(t, p.URL).Bucket("b"), "", "")
	expect(t, err, trailhouse.CodeInterrupted)
}

func TestPathStyle(t *testing.T) {
	for endpoint, want := range map[string]bool{
		"": false, "https://s3.example.com": false, "http://127.0.0.1:9000": true, "http://[::1]:9000": true, "http://localhost": true,
	} {
		if got := (Options{Endpoint: endpoint}).pathStyle(); got != want {
			t.Errorf("%q: %v", endpoint, got)
		}
	}
	if !(Options{PathStyle: true}).pathStyle() {
		t.Error("not even where it is asked for")
	}
}
