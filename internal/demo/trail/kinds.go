package trail

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"
)

// networkEvents and aggregatedEvents are how many a trail has in all.
func networkEvents(events int64) int64    { return min(events/50, 20_000) }
func aggregatedEvents(events int64) int64 { return min(events/100, 10_000) }

// otherKinds makes the day's files of the other kinds.
func (m *maker) otherKinds(d int64) error {
	if d < 0 {
		return nil
	}
	c := m.org.cells[m.below(4*len(regions()))]
	share := func(total int64) int64 { return total*(d+1)/m.plan.days() - total*d/m.plan.days() }
	if err := m.kindFile(KindNetwork, c, d, share(networkEvents(m.o.Events)), m.networkRecord()); err != nil {
		return err
	}
	if err := m.kindFile(KindAggregated, c, d, share(aggregatedEvents(m.o.Events)), m.aggregatedRecord()); err != nil {
		return err
	}
	if d%3 != 0 {
		return nil
	}
	// An activity starts and, on the same day, ends; both say how unusual it was.
	start, end := insightRecords(m.uuidText(), d%2 == 0)
	if err := m.kindFile(KindInsight, c, d, 1, func(int64) template { return start }); err != nil {
		return err
	}
	return m.kindFile(KindInsight, c, d, 1, func(int64) template { return end })
}

// kindFile makes an object with n records.
func (m *maker) kindFile(kind string, c *cell, d, n int64, record func(at int64) template) error {
	if n == 0 {
		return nil
	}
	obj := m.open(kind, c)
	from := m.plan.from + d*day + 8*hour + int64(m.below(int(8*hour)))
	for i := range n {
		at := from + i*40*minute/n
		if kind == KindAggregated {
			at -= at % (5 * minute)
		}
		m.begin(c, at, "")
		m.caller = c.callers[classHost][m.below(8)]
		t := record(at)
		m.enter(obj, func() { m.put(t) })
	}
	m.days[dayKey{tableOf(kind), c.index, d}] += n
	return m.deliver(obj)
}

// networkRecord returns records of calls through a VPC endpoint.
func (m *maker) networkRecord() func(int64) template {
	record := func(source, name, failed, kind string) template {
		return compile(`{"eventVersion":"1.11","userIdentity":{"type":"AssumedRole","principalId":"AROA<upper 17>:<instance>","arn":"<caller>","accountId":"<account>","accessKeyId":"<temporary>",` +
			`"sessionContext":{"sessionIssuer":{"type":"Role","principalId":"AROA<upper 17>","arn":"arn:aws:iam::<account>:role/<role>","accountId":"<account>","userName":"<role>"},"attributes":{"creationDate":"<since>","mfaAuthenticated":"false"}}},` +
			`"eventTime":"<time>","eventSource":"` + source + `.amazonaws.com","eventName":"` + name + `","awsRegion":"<region>","sourceIPAddress":"<private>",` + failed +
			`"requestID":"<upper 16>","eventID":"<eventid>","eventType":"` + kind + `","recipientAccountId":"<account>","sharedEventID":"<uuid>","vpcEndpointId":"vpce-0<hex 16>","vpcEndpointAccountId":"<account>","eventCategory":"NetworkActivity"}`)
	}
	list := []template{
		record("s3", "GetObject", "", "AwsVpceEvent"),
		record("kms", "Decrypt", "", "AwsVpceEvent"),
		record("secretsmanager", "GetSecretValue", "", "AwsVpceEvents"), // the plural is the documentation's
		record("s3", "PutObject", `"errorCode":"VpceAccessDenied","errorMessage":"The request was denied due to a VPC endpoint policy",`, "AwsVpceEvent"),
	}
	return func(int64) template { return list[m.below(len(list))] }
}

// aggregatedRecord returns five-minute summaries of data events.
func (m *maker) aggregatedRecord() func(int64) template {
	statistics := func(dimension string, values ...string) string {
		var list []string
		for _, v := range values {
			list = append(list, fmt.Sprintf(`{"name":%q,"value":<number 5000>}`, v))
		}
		return fmt.Sprintf(`{"dimension":%q,"statistics":[%s],"aggregationType":"Count"}`, dimension, strings.Join(list, ","))
	}
	record := func(end, primary string, details ...string) template {
		return compile(`{"eventVersion":"1.0","accountId":"<account>","eventId":"<eventid>","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"<region>","eventSource":"s3.amazonaws.com",` +
			`"timeWindow":{"windowStart":"<time>","windowEnd":"` + end + `","windowSize":"PT5M"},"summary":{"primaryDimension":` + primary + `,"details":[` + strings.Join(details, ",") + `]}}`)
	}
	return func(at int64) template {
		end := string(m.clock.append(nil, at+5*minute))
		switch m.below(3) {
		case 0:
			return record(end, statistics("eventName", "GetObject", "PutObject", "HeadObject"), statistics("userIdentity", "<caller>"), statistics("sourceIpAddress", "<private>", "192.0.2.10"))
		case 1:
			return record(end, statistics("resourceARN", "arn:aws:s3:::<bucket>/<object>", "arn:aws:s3:::<bucket>"), statistics("eventName", "GetObject"))
		}
		return record(end, statistics("userIdentity", "<caller>"), statistics("eventName", "GetObject", "DeleteObject"), statistics("errorCodes", "AccessDenied"))
	}
}

// insightRecords returns the start and the end of one unusual activity
// (facts/cloudtrail.md 2.2).
func insightRecords(shared string, failures bool) (start, end template) {
	kind, code := "ApiCallRateInsight", ""
	if failures {
		kind, code = "ApiErrorRateInsight", `"errorCode":"AccessDenied",`
	}
	record := func(state, durations string) template {
		return compile(`{"eventVersion":"1.07","eventTime":"<time>","awsRegion":"<region>","eventID":"<eventid>","eventType":"AwsCloudTrailInsight","recipientAccountId":"<account>","sharedEventID":"` + shared + `",` +
			`"insightDetails":{"state":"` + state + `","eventSource":"ssm.amazonaws.com","eventName":"GetParameter",` + code + `"insightType":"` + kind + `","insightContext":{"statistics":{"baseline":{"average":9.82222E-5},"insight":{"average":<number 90>.6},` + durations + `},` +
			`"attributions":[{"attribute":"userIdentityArn","insight":[{"value":"<caller>","average":5.0}],"baseline":[{"value":"<caller>","average":9.82222E-5}]},` +
			`{"attribute":"userAgent","insight":[{"value":"ssm.amazonaws.com","average":5.0}],"baseline":[]},{"attribute":"errorCode","insight":[{"value":"null","average":5.0}],"baseline":[{"value":"null","average":9.82222E-5}]}]}},"eventCategory":"Insight"}`)
	}
	return record("Start", `"insightDuration":1,"baselineDuration":10181`), record("End", `"insightDuration":14,"baselineDuration":10181`)
}

// digestLog is an object that a digest names.
type digestLog struct {
	path string
	sum  *[sha256.Size]byte
	last int64
}

// maxDigested is how many objects digests name.
const maxDigested = 12

// digested notes an object of the account that has digests.
func (m *maker) digested(obj *object) {
	if obj.kind == KindEvents && obj.cell.account == management && obj.cell.region == globalRegion && len(m.logs) < maxDigested {
		obj.sum = new([sha256.Size]byte)
		m.logs = append(m.logs, digestLog{obj.path, obj.sum, obj.last})
	}
}

// digests writes a few digest files, three objects each. Their hashes are right and
// their signatures are not.
func (m *maker) digests() error {
	const bucket = "example-trail-logs"
	pack, c := newPacker(), m.org.cell(management, globalRegion)
	previous := `"previousDigestS3Bucket":null,"previousDigestS3Object":null,"previousDigestHashValue":null,"previousDigestHashAlgorithm":null,"previousDigestSignature":null`
	for ; len(m.logs) >= 3; m.logs = m.logs[3:] {
		obj := &object{kind: KindDigest, cell: c, delivered: m.logs[2].last + hour}
		end := unix(obj.delivered)
		obj.path = Folder + "/AWSLogs/" + OrgID + "/" + management + "/" + KindDigest + "/" + globalRegion + end.Format("/2006/01/02/") + management + "_" + KindDigest + "_" +
			globalRegion + "_org-trail_" + globalRegion + end.Format("_20060102T150405Z.json.gz")
		var logs []string
		for _, l := range m.logs[:3] {
			at := unix(l.last).Format("2006-01-02T15:04:05Z")
			logs = append(logs, fmt.Sprintf(`{"s3Bucket":%q,"s3Object":%q,"hashValue":%q,"hashAlgorithm":"SHA-256","newestEventTime":%q,"oldestEventTime":%q}`,
				bucket, strings.TrimPrefix(l.path, Folder+"/"), hex.EncodeToString(l.sum[:]), at, at))
		}
		key := strings.TrimPrefix(obj.path, Folder+"/")
		obj.raw = fmt.Appendf(nil, `{"awsAccountId":%q,"digestStartTime":%q,"digestEndTime":%q,"digestS3Bucket":%q,"digestS3Object":%q,"digestPublicKeyFingerprint":%q,"digestSignatureAlgorithm":"SHA256withRSA",%s,"logFiles":[%s]}`,
			management, end.Add(-time.Hour).Format("2006-01-02T15:04:05Z"), end.Format("2006-01-02T15:04:05Z"), bucket, key, string(m.hex(nil, 32)), previous, strings.Join(logs, ","))
		obj.sum = new([sha256.Size]byte)
		if err := pack.write(m.sink.dir, obj); err != nil {
			return err
		}
		m.sink.bytes += int64(pack.zipped.Len())
		previous = fmt.Sprintf(`"previousDigestS3Bucket":%q,"previousDigestS3Object":%q,"previousDigestHashValue":%q,"previousDigestHashAlgorithm":"SHA-256","previousDigestSignature":%q`,
			bucket, key, hex.EncodeToString(obj.sum[:]), string(m.hex(nil, 512)))
		m.truth.Files[KindDigest]++
		m.truth.Inflated += int64(len(obj.raw))
	}
	return nil
}
