package cloudtrail

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse"
)

// TestSameCallerSameRow reads events of few callers and ways to call, of every odd kind, once into one
// batch, where a caller that was there is repeated, and once into a batch that is emptied
// behind each record, where none is; and then again into the batch that was cut.
func TestSameCallerSameRow(t *testing.T) {
	callers := []string{
		`{"type":"AssumedRole","principalId":"AROA:i-0aaaaaaaaaaaaaaa1","arn":"arn:aws:sts::111122223333:assumed-role/R/s","accountId":"111122223333","accessKeyId":"ASIA1",` +
			`"sessionContext":{"sessionIssuer":{"type":"Role","arn":"arn:aws:iam::111122223333:role/R","userName":"R"},"webIdFederationData":{"federatedProvider":"p","attributes":{"a":"b","c":1}},` +
			`"attributes":{"creationDate":"2025-01-02T03:04:05Z","mfaAuthenticated":"false"}},"invokedBy":"AWS Internal"}`,
		`{"type":"IAMUser","userName":"b\u00f6b","accountId":"444455556666"}`,
		`{"type":"IdentityCenterUser","onBehalfOf":{"userId":"u-1","identityStoreArn":"arn:aws:identitystore::111122223333:identitystore/d-1"}}`,
		`{ "type" : "Root", "accountId":null,"invokedBy":"x" }`,
		`{"type":"Unknown","novel":{"a":1},"principalId":7}`,
		`{"type":"Twice","type":"Last","userName":"u"}`,
		`{}`, `null`, `"text"`,
		`{"type":"AssumedRole","arn":"arn:aws:ec2:us-east-1:111122223333:instance/i-0aaaaaaaaaaaaaaa1","principalId":"at arn:aws:iam::1:role\/x, arn%3Aaws%3As3%3A%3A%3Ab"}`,
		`{"type":"Long","principalId":"` + strings.Repeat("x", 3000) + `"}`,
	}
	ways := []string{
		`{"tlsVersion":"TLSv1.3","cipherSuite":"TLS_AES_128_GCM_SHA256","clientProvidedHostHeader":"kms.us-east-1.amazonaws.com"}`, `{"tlsVersion":"TLSv1.2"}`,
		`{"tlsVersion":"TLSv1.2","novel":true}`, `{"tlsVersion":"a","tlsVersion":"b"}`, `{}`, `null`, `[]`, `{"keyExchange":"arn:aws:s3:::b"}`,
	}
	before := []string{"", `"requestParameters":{"instanceId":"i-0aaaaaaaaaaaaaaa1","also":"arn:aws:iam::1:role/x"},`, `"errorMessage":"arn:aws:ec2:us-east-1:111122223333:instance/i-0aaaaaaaaaaaaaaa1",`}
	var records []string
	for i := range 400 {
		records = append(records, fmt.Sprintf(`{"eventTime":"2025-01-02T03:04:%02dZ","eventID":"%08x-0000-4000-8000-000000000000",%s"userIdentity":%s,"tlsDetails":%s}`,
			i%60, i, before[i*i/7%3], callers[(i*i%7+i%5)%len(callers)], ways[i*7/3%len(ways)]))
	}
	path := write(t, "111122223333_CloudTrail_us-east-1_20250102T0305Z_AAAAaaaa00001111.json", []byte(`{"Records":[`+strings.Join(records, ",")+`]}`))
	unit, source := trailhouse.Unit{ID: "unit", Object: path, Size: -1}, New(Options{})
	var want []string
	alone := newSink()
	alone.each = func(s *memorySink) error {
		want = append(want, string(s.events().AppendRow(nil, 0)))
		return nil
	}
	together := newSink()
	check := func(from int) {
		t.Helper()
		b := together.events()
		if b.Len() != from+len(want) {
			t.Fatalf("%d rows, want %d", b.Len(), from+len(want))
		}
		for i, row := range want {
			if got := string(b.AppendRow(nil, from+i)); got != row {
				t.Errorf("record %d: %q, want %q", i, got, row)
			}
		}
	}
	for _, sink := range []*memorySink{alone, together} {
		if err := source.Read(context.Background(), unit, sink); err != nil || len(sink.rejected) > 0 {
			t.Fatal(err, sink.reasons())
		}
	}
	check(0)
	for _, rest := range []int{231, 2, 0} {
		together.events().Truncate(rest)
		if err := source.Read(context.Background(), unit, together); err != nil {
			t.Fatal(err)
		}
		check(rest)
	}
}
