package e2e

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse/internal/testkit"
)

// trailObject returns a file of a trail with n events and the first one's id and bytes.
func trailObject(account, region, day string, number, n int) (content, id, first string) {
	var records []string
	for i := range n {
		event := fmt.Sprintf("%08x-%04x-4000-8000-%s", number, i, account)
		records = append(records, fmt.Sprintf(`{"eventVersion":"1.11","userIdentity":{"type":"IAMUser","accountId":"%[1]s","userName":"ann"},`+
			`"eventTime":"%[2]sT10:00:%02[3]dZ","eventSource":"ec2.amazonaws.com","eventName":"DescribeInstances","awsRegion":"%[4]s",`+
			`"sourceIPAddress":"10.0.0.1","eventID":"%[5]s","readOnly":true,"eventType":"AwsApiCall","recipientAccountId":"%[1]s"}`,
			account, day, i, region, event))
	}
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	_, _ = z.Write([]byte(`{"Records":[` + strings.Join(records, ",") + `]}`))
	_ = z.Close()
	return b.String(), fmt.Sprintf("%08x-0000-4000-8000-%s", number, account), records[0]
}

// TestTrailFromABucket imports an organisation's trail from a real S3 server by the
// sources of trailhouse.yaml: three accounts in two regions, of which one may not be
// listed at first, and a file that comes two days late.
func TestTrailFromABucket(t *testing.T) {
	server := testkit.Moto(t)
	bucket, proxy := testkit.Bucket(t, server), testkit.NewProxy(t, server)
	h := newHouse(t)
	h.config = filepath.Join(h.cwd, "trailhouse.yaml")
	settings := "sources:\n  - source: cloudtrail\n    path: s3://" + bucket + "/audit\n    endpoint: " + proxy.URL + "\n"
	if err := os.WriteFile(h.config, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	number, id, record := 0, "", ""
	deliver := func(account, region, day string) {
		number++
		var content string
		content, id, record = trailObject(account, region, day, number, 4)
		testkit.Put(t, server, bucket, fmt.Sprintf("audit/AWSLogs/o-a1b2c3d4e5/%[1]s/CloudTrail/%[2]s/%[3]s/%[1]s_CloudTrail_%[2]s_%[4]sT1005Z_%016[5]d.json.gz",
			account, region, strings.ReplaceAll(day, "-", "/"), strings.ReplaceAll(day, "-", ""), number), content)
	}
	for _, account := range []string{"111122223331", "111122223332", "111122223333"} {
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			for _, day := range []string{"2025-05-30", "2025-05-31", "2025-06-01"} {
				deliver(account, region, day)
			}
		}
	}
	proxy.Fail(func(_ int, r *http.Request) testkit.Fault {
		if strings.Contains(r.URL.Query().Get("prefix"), "/111122223332/CloudTrail/us-east-1/") {
			return testkit.S3Error(403, "AccessDenied")
		}
		return nil
	})
	o := h.must(3, "import", "cloudtrail")
	if !strings.Contains(o.err, "s3:ListBucket on arn:aws:s3:::"+bucket) {
		t.Errorf("stderr does not name the permission: %s", o.err)
	}
	if n := h.count("SELECT count(*) FROM cloudtrail"); n != 15*4 {
		t.Errorf("%d events", n)
	}
	missing := "SELECT count(*) FROM coverage WHERE result = 'missing' AND scope = '111122223332/us-east-1' AND detail LIKE '%s3:ListBucket%'"
	if n := h.count(missing); n != 1 {
		t.Errorf("%d coverage rows of the denied region", n)
	}
	proxy.Fail(func(int, *http.Request) testkit.Fault { return nil })
	deliver("111122223331", "us-east-1", "2025-05-30")
	h.must(0, "import", "cloudtrail")
	if n := h.count("SELECT count(DISTINCT eventid) FROM cloudtrail"); n != 19*4 {
		t.Errorf("%d events once everything is allowed", n)
	}
	o = h.must(0, "import", "cloudtrail")
	if !strings.Contains(o.out, "0 written") || h.count("SELECT count(*) FROM cloudtrail") != 19*4 {
		t.Errorf("a third import: %s", o.out)
	}
	if o = h.must(0, "show", "event", id); !strings.Contains(o.out, record) {
		t.Errorf("show event gave %s", o.out)
	}
}
