package cloudtrail

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
)

// columnsOf returns the named columns of a row as text, null as a minus.
func columnsOf(b *trailhouse.Batch, row int, names string) string {
	var out []string
	for _, name := range strings.Fields(names) {
		col := b.Table.MustIndex(name)
		v := "-"
		switch {
		case b.IsNull(col, row):
		case b.Table.Columns[col].Type == trailhouse.TypeInt64:
			v = fmt.Sprint(b.Int(col, row))
		case b.Table.Columns[col].Type == trailhouse.TypeBool:
			v = fmt.Sprint(b.Bool(col, row))
		case b.Table.Columns[col].Type == trailhouse.TypeTimestamp:
			v = b.Time(col, row).Format("15:04:05")
		case b.Table.Columns[col].Type == trailhouse.TypeUUID:
			v = b.Key(col, row).String()
		case b.Table.Columns[col].Type == trailhouse.TypeStrings:
			v = strings.Join(b.Strings(col, row), ",")
		default:
			v = b.String(col, row)
		}
		out = append(out, v)
	}
	return strings.Join(out, " ")
}

// TestAttestedCalls reads the examples of the Nitro Enclaves guide. The one for Decrypt
// has a comma too many (facts/cloudtrail.md 2.4.6) and is read without it, from lines
// and from a document, whose coverage says so.
func TestAttestedCalls(t *testing.T) {
	text, err := os.ReadFile("testdata/attested.json")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	var sink *memorySink
	for _, form := range []string{string(text), `{"Records":[` + strings.Join(lines, ",") + `]}`} {
		sink, err = readText(t, trailName, form)
		if err != nil || sink.records != 3 || len(sink.rejected) != 0 || !strings.HasPrefix(sink.covers[0].Detail, "1 records are no JSON for a comma") {
			t.Fatalf("%v, %d records, %q, %+v", err, sink.records, sink.reasons(), sink.covers)
		}
		_, _, span := WhereIs(sink.events(), 2)
		if got := form[span.Position : span.Position+span.Length]; got != lines[2] {
			t.Errorf("the record's own bytes are %s", got)
		}
		if rebuilt, err := Rebuild(sink.events(), 2); err != nil || !json.Valid(rebuilt) {
			t.Errorf("rebuilt as %s, %v", rebuilt, err)
		}
	}
	const names = "eventname attestation_kind attestation_module_id attestation_instance_id attestation_slot attestation_slot_key instance_ids principal account_id"
	const same = " enclave i-123456789abcde123-enc123456789abcde12 i-123456789abcde123 123456789abcde12 123456789abcde12 i-123456789abcde123 arn:aws:iam::111122223333:user/Alice 111122223333"
	for i, name := range []string{"GenerateRandom", "GenerateDataKey", "Decrypt"} {
		if diff := cmp.Diff(name+same, columnsOf(sink.events(), i, names)); diff != "" {
			t.Error(diff)
		}
		if got := value(sink.events(), i, "pcr0"); got != "ee0d451a2ff9aaaa9bccd07700b9cab123a0ac2386ef7e88ad5ea6c72ebabea840957328e2ec890b408c9b06cb8ebe6a" {
			t.Errorf("pcr0 %s", got)
		}
	}
	const want = "12345ac3-fbbf-4143-abcd-28b39example,EX_PRINCIPAL_ID"
	if got := columnsOf(sink.events(), 2, "entities"); !strings.Contains(got, "arn:aws:kms:us-east-2:111122223333:key/12345ac3-fbbf-4143-abcd-28b39example") || !strings.Contains(got, "i-123456789abcde123-enc123456789abcde12") || strings.Contains(got, want) {
		t.Errorf("entities %s", got)
	}
}

// TestAttestation reads the forms that PCRs and module ids have.
func TestAttestation(t *testing.T) {
	zeros := base64.StdEncoding.EncodeToString(make([]byte, 48))
	hexZeros := strings.Repeat("0", 96)
	raw := make([]byte, 48)
	for i := range raw {
		raw[i] = byte(i * 5)
	}
	ff := fmt.Sprintf("%x", raw)
	for _, c := range []struct{ recipient, want string }{
		{fmt.Sprintf(`{"attestationDocumentModuleId":"i-0a1b2c3d4e5f60718-enc019a48bae81e5f1c","attestationDocumentEnclaveImageDigest":%q,"attestationDocumentEnclavePCR1":%q,"attestationDocumentEnclavePCR2":%q,"attestationDocumentEnclavePCR3":%q,"attestationDocumentEnclavePCR4":"not a hash","attestationDocumentEnclavePCR8":null}`,
			zeros, base64.StdEncoding.EncodeToString(raw), strings.ToUpper(ff), ff),
			"enclave i-0a1b2c3d4e5f60718 019a48bae81e5f1c 19a48bae81e5f1c " + hexZeros + " " + ff + " " + ff + " " + ff + " - -"},
		{fmt.Sprintf(`{"attestationDocumentModuleId":"i-123456789abcde123-tpm0000000000000000","attestationDocumentNitroTPMPCR4":%q,"attestationDocumentNitroTPMPCR7":%q,"attestationDocumentNitroTPMPCR16":%q,"attestationDocumentNitroTPMPCR8":%q}`, zeros, zeros, zeros, ff),
			"nitrotpm i-123456789abcde123 - - - - - - " + hexZeros + " " + ff},
		{`{"attestationDocumentModuleId":"i-abc12345def67890a-enc9876abcd543210ef12"}`, "enclave i-abc12345def67890a 9876abcd543210ef12 9876abcd543210ef12 - - - - - -"},
		{`{"attestationDocumentModuleId":"something else"}`, "- - - - - - - - - -"},
		{`{"attestationDocumentModuleId":7}`, "- - - - - - - - - -"},
		{`"text"`, "- - - - - - - - - -"},
		{`{}`, "- - - - - - - - - -"},
	} {
		sink, err := readText(t, trailName, small(`{"eventTime":"2025-01-02T03:00:02Z","additionalEventData":{"recipient":`+c.recipient+`}}`))
		if err != nil || sink.records != 3 {
			t.Fatal(err, sink.reasons())
		}
		got := columnsOf(sink.events(), 1, "attestation_kind attestation_instance_id attestation_slot attestation_slot_key pcr0 pcr1 pcr2 pcr3 pcr4 pcr8")
		if got != c.want {
			t.Errorf("%s:\n%s, want\n%s", c.recipient, got, c.want)
		}
	}
}

// TestLaunches reads the ways in which instances are launched (facts/cloudtrail.md 2.4).
func TestLaunches(t *testing.T) {
	response := func(options string) string {
		return `"responseElements":{"instancesSet":{"items":[{"instanceId":"i-0000000000000000a","instanceType":"m5.xlarge","cpuOptions":{"coreCount":2,"threadsPerCore":1}` + options + `},{"instanceId":"i-0000000000000000b"}]}}`
	}
	tags := `,"enclaveOptions":{"enabled":true},"tagSet":{"items":[{"key":"Name","value":"x"},{"key":"aws:ec2launchtemplate:id","value":"lt-0000000000000000a"},{"key":"aws:ec2launchtemplate:version","value":"7"}]}`
	for name, c := range map[string]struct{ event, want string }{
		"a person": {`"eventName":"RunInstances","userIdentity":{"type":"IAMUser","arn":"arn:aws:iam::1:user/a"},"userAgent":"console.ec2.amazonaws.com.example","requestParameters":{"instanceType":"t3.micro","clientToken":"x","enclaveOptions":{"enabled":false}},` + response(""),
			"user m5.xlarge 2 1 - - - false i-0000000000000000a,i-0000000000000000b"},
		"failed": {`"eventName":"RunInstances","errorCode":"Client.UnauthorizedOperation","requestParameters":{"instanceType":"t3.micro","cpuOptions":{"coreCount":8},"enclaveOptions":{"enabled":true},"launchTemplate":{"launchTemplateName":"web","version":"$Latest"}},"responseElements":null`,
			"user t3.micro 8 - - web $Latest true -"},
		"group": {`"eventName":"RunInstances","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/AWSServiceRoleForAutoScaling/AutoScaling","invokedBy":"autoscaling.amazonaws.com"},"userAgent":"autoscaling.amazonaws.com","requestParameters":{"launchTemplate":{"launchTemplateId":"lt-0000000000000000b","version":"$Default"},"clientToken":"fleet-1-0"},` + response(tags),
			"autoscaling m5.xlarge 2 1 lt-0000000000000000b - 7 true i-0000000000000000a,i-0000000000000000b"},
		"group without a template in the request": {`"eventName":"RunInstances","userAgent":"autoscaling.amazonaws.com","requestParameters":{},` + response(tags),
			"autoscaling m5.xlarge 2 1 lt-0000000000000000a - 7 true i-0000000000000000a,i-0000000000000000b"},
		"by a fleet": {`"eventName":"RunInstances","userIdentity":{"invokedBy":"ec2fleet.amazonaws.com"},"requestParameters":{"clientToken":"fleet-2"},` + response(""),
			"fleet m5.xlarge 2 1 - - - - i-0000000000000000a,i-0000000000000000b"},
		"fleet": {`"eventName":"CreateFleet","requestParameters":{"CreateFleetRequest":{"LaunchTemplateConfigs":{"tag":1,"LaunchTemplateSpecification":{"LaunchTemplateId":"lt-0000000000000000c","Version":3}}}},"responseElements":{"CreateFleetResponse":{"fleetInstanceSet":{"item":{"instanceIds":{"item":["i-00000001","i-00000002"]}}},"fleetId":"fleet-00000000-0000-0000-0000-000000000000"}}`,
			"fleet - - - lt-0000000000000000c - 3 - i-00000001,i-00000002"},
		"items as an object": {`"eventName":"RunInstances","responseElements":{"instancesSet":{"items":{"instanceId":"i-0000000a","instanceType":"c5.xlarge","enclaveOptions":{"enabled":"True"}}}}`,
			"user c5.xlarge - - - - - true i-0000000a"},
		"told by the second instance": {`"eventName":"RunInstances","requestParameters":{"EnclaveOptions":{"Enabled":false}},"responseElements":{"instancesSet":{"items":[{"instanceId":"i-0000000a"},{"instanceId":"i-0000000b","instanceType":"c5.xlarge","cpuOptions":{"coreCount":"4"},"enclaveOptions":{"enabled":"true"}}]}}`,
			"user c5.xlarge 4 - - - - true i-0000000a,i-0000000b"},
		"fleet with a type": {`"eventName":"CreateFleet","responseElements":{"CreateFleetResponse":{"fleetInstanceSet":{"item":[{"instanceType":"c5.xlarge","instanceIds":{"item":"i-0000000a"}},{"instanceType":"m5.xlarge","instanceIds":{"item":"i-0000000b"}}]}}}`,
			"fleet c5.xlarge - - - - - - i-0000000a,i-0000000b"},
		"empty fleet": {`"eventName":"CreateFleet","responseElements":{"CreateFleetResponse":{"fleetInstanceSet":""}},"requestParameters":{"CreateFleetRequest":""}`, "fleet - - - - - - - -"},
		"service":     {`"eventName":"RunInstances","userIdentity":{"invokedBy":"eks.amazonaws.com"},"requestParameters":null,"responseElements":null`, "service - - - - - - - -"},
		"no launch":   {`"eventName":"StopInstances","requestParameters":{"instancesSet":{"items":[{"instanceId":"i-0000000a"}]},"instanceType":"x"}`, "- - - - - - - - i-0000000a"},
		"by ARN":      {`"eventName":"X","resources":[{"ARN":"arn:aws:ec2:us-east-1:111122223333:instance/i-0000000a"},{"ARN":"arn:aws:ec2:us-east-1:111122223333:instance/i-0000000000000000a"}]`, "- - - - - - - - i-0000000a,i-0000000000000000a"},
	} {
		sink, err := readText(t, trailName, small(`{"eventTime":"2025-01-02T03:00:02Z","eventSource":"ec2.amazonaws.com",`+c.event+`}`))
		if err != nil || sink.records != 3 {
			t.Fatal(name, err, sink.reasons())
		}
		got := columnsOf(sink.events(), 1, "launch_origin instance_type cpu_core_count cpu_threads_per_core launch_template_id launch_template_name launch_template_version enclave_enabled instance_ids")
		if got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

// TestKeyIsTheID wants two records with one id to have one key, whatever the form of the
// id, and records without one a key of their own.
func TestKeyIsTheID(t *testing.T) {
	key := func(member string, n int) trailhouse.Key {
		sink, err := readText(t, trailName, small(fmt.Sprintf(`{"eventTime":"2025-01-02T03:00:02Z","eventName":"N%d"%s}`, n, member)))
		if err != nil || sink.records != 3 {
			t.Fatal(err, sink.reasons())
		}
		return sink.events().Key(sink.events().Table.MustIndex("event_key"), 1)
	}
	seen := map[trailhouse.Key]string{}
	for _, c := range []struct {
		member string
		same   bool
	}{
		{`,"eventID":"0e1a1e9f-7a9b-4c5e-9d7e-1b2c3d4e5f60"`, true}, {`,"eventID":"evt-17"`, true}, {`,"eventID":"17x"`, true}, {`,"eventID":17`, true},
		{`,"eventID":""`, false}, {`,"eventID":null`, false}, {``, false}, {`,"eventID":{"a":1}`, false},
	} {
		one, two := key(c.member, 1), key(c.member, 2)
		if (one == two) != c.same {
			t.Errorf("%s: %s and %s", c.member, one, two)
		}
		if other, ok := seen[one]; ok {
			t.Errorf("%s has the key of %s", c.member, other)
		}
		seen[one] = c.member
	}
}

// TestEntities reads whom and what a record names.
func TestEntities(t *testing.T) {
	sink, err := readText(t, trailName, small(`{"eventTime":"2025-01-02T03:00:02Z","userIdentity":{"type":"AssumedRole","arn":"arn:aws:sts::1:assumed-role/r/s","accessKeyId":"ASIA1","accountId":"1","sessionContext":{"sessionIssuer":{"arn":"arn:aws:iam::1:role/r"}}},
		"requestParameters":{"bucketName":"b","Host":"b.s3.amazonaws.com","key":"k","groupSet":{"items":[{"groupId":"sg-12345678"}]},"functionNames":["f2","f1"],"policyDocument":"{\"Resource\":\"arn:aws:s3:::c\"}","secretId":"arn:aws:secretsmanager:x:1:secret:a\u00e4","instanceState":{"name":"pending"},"vpcs":["vpc-0123456789abcdef0","x"]},
		"responseElements":{"requestId":"r","ownerId":"1","displayName":"d","keyId":"","dBInstanceIdentifier":"db","topicArn":"arn:aws:sns:x:1:t"},
		"resources":[{"ARN":"arn:aws:s3:::b","accountId":"1","type":"AWS::S3::Bucket"}],"vpcEndpointId":"vpce-1"}`))
	if err != nil || sink.records != 3 {
		t.Fatal(err, sink.reasons())
	}
	want := []string{"arn:aws:iam::1:role/r", "arn:aws:s3:::b", "arn:aws:s3:::c", "arn:aws:secretsmanager:x:1:secret:aä", "arn:aws:sns:x:1:t", "arn:aws:sts::1:assumed-role/r/s", "b", "db", "f1", "f2", "sg-12345678", "vpc-0123456789abcdef0", "vpce-1"}
	if diff := cmp.Diff(want, sink.events().Strings(sink.events().Table.MustIndex("entities"), 1)); diff != "" {
		t.Error(diff)
	}
}

// TestEntitiesBesideThePayload reads who is named by the record's own fields: whom the
// error is about, the caller's ARNs, and the object of a bucket.
func TestEntitiesBesideThePayload(t *testing.T) {
	for name, c := range map[string]struct{ event, want string }{
		"error": {`"errorMessage":"User: arn:aws:iam::1:user/a is not authorized to perform: s3:GetObject on resource: arn:aws:s3:::b/k."`,
			"arn:aws:iam::1:user/a,arn:aws:s3:::b/k"},
		"caller": {`"userIdentity":{"type":"AssumedRole","principalId":"AROA1:s","arn":"arn:aws:sts::1:assumed-role/r/s","sessionContext":{"sessionIssuer":{"principalId":"AROA1","arn":"arn:aws:iam::1:role/r","userName":"r"},"webIdFederationData":{"federatedProvider":"arn:aws:iam::1:oidc-provider/p"}}}`,
			"arn:aws:iam::1:oidc-provider/p,arn:aws:iam::1:role/r,arn:aws:sts::1:assumed-role/r/s"},
		"user":          {`"userIdentity":{"type":"IAMUser","userName":"alice","principalId":"AIDA1","accessKeyId":"AKIA1"}`, "-"},
		"object":        {`"eventSource":"s3.amazonaws.com","awsRegion":"eu-west-1","requestParameters":{"bucketName":"b","key":"a/k 1"}`, "arn:aws:s3:::b/a/k 1,b"},
		"object, China": {`"eventSource":"s3.amazonaws.com","awsRegion":"cn-north-1","requestParameters":{"bucketName":"b","key":"k"}`, "arn:aws-cn:s3:::b/k,b"},
		"no object":     {`"eventSource":"s3.amazonaws.com","requestParameters":{"bucketName":"b","key":""}`, "b"},
		"policy": {`"requestParameters":{"bucketPolicy":{"Statement":[{"Resource":["arn:aws:s3:::b/My Docs/*","*"],"NotResource":"arn:aws:s3:::b/a b","message":"arn:aws:s3:::b/a is there"}]}}`,
			"arn:aws:s3:::b/My Docs/*,arn:aws:s3:::b/a,arn:aws:s3:::b/a b"},
		"ids": {`"userAgent":"x i-01234567","errorMessage":"The instance IDs 'i-0ccccccccccccccc1, i-0ccccccccccccccc2' do not exist"`, "i-0ccccccccccccccc1,i-0ccccccccccccccc2"},
		"template of the response": {`"eventSource":"ec2.amazonaws.com","eventName":"RunInstances","responseElements":{"instancesSet":{"items":[{"tagSet":{"items":[{"key":"aws:ec2launchtemplate:id","value":"lt-x"}]}}]}}`,
			"lt-x"},
	} {
		sink, err := readText(t, trailName, small(`{"eventTime":"2025-01-02T03:00:02Z",`+c.event+`}`))
		if err != nil || sink.records != 3 {
			t.Fatal(name, err, sink.reasons())
		}
		if diff := cmp.Diff(c.want, columnsOf(sink.events(), 1, "entities")); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}

const insightRecord = `{"eventVersion":"1.07","eventTime":"2025-01-02T03:00:00Z","awsRegion":"us-east-1","eventID":"e3b0c442-98fc-4c14-9afb-f4c8996fb924","eventType":"AwsCloudTrailInsight","recipientAccountId":"111122223333","sharedEventID":"s1",
	"insightDetails":{"state":"Start","eventSource":"ssm.amazonaws.com","eventName":"UpdateInstanceInformation","insightType":"ApiCallRateInsight","insightContext":{"statistics":{"baseline":{"average":0.0000882145},"insight":{"average":12345678901234567890.5},"insightDuration":1,"baselineDuration":11336},"attributions":[{"attribute":"userIdentityArn","insight":[{"value":"arn:aws:sts::1:assumed-role/r/i-0123456789abcdef0","average":1}]}]}},"eventCategory":"Insight"}`

const aggregatedRecord = `{"eventVersion":"1.0","accountId":"111122223333","eventId":"62759c1a-6248-48e1-a6b3-d5fb7e6c4bc0","eventCategory":"Aggregated","eventType":"AwsAggregatedEvent","awsRegion":"us-west-2","eventSource":"s3.amazonaws.com",
	"timeWindow":{"windowStart":"2025-11-17T19:20:00Z","windowEnd":"2025-11-17T19:25:00Z","windowSize":"PT5M"},
	"summary":{"primaryDimension":{"dimension":"eventName","statistics":[{"name":"PutObject","value":1000}],"aggregationType":"Count"},"details":[{"dimension":"resourceARN","statistics":[{"name":"arn:aws:s3:::bucket-1","value":800},{"name":"arn:aws:s3:::bucket-2","value":12345678901234567890}]}]}}`

// TestKinds reads each kind of record into its table, by what it says itself and by the
// name of its object.
func TestKinds(t *testing.T) {
	sink, err := readText(t, "x.json", "["+insightRecord+","+aggregatedRecord+`,{"eventTime":"2025-01-02T03:00:00Z","eventCategory":"NetworkActivity","eventName":"N","vpcEndpointId":"vpce-1"},{"eventTime":"2025-01-02T03:00:00Z","eventType":"AwsVpceEvent","awsRegion":"r","recipientAccountId":"2"}]`)
	if err != nil || sink.records != 4 || len(sink.rejected) != 0 {
		t.Fatal(err, sink.reasons())
	}
	insights, aggregated, network := sink.Batch(InsightTable()), sink.Batch(AggregatedTable()), sink.Batch(NetworkTable())
	if insights.Len() != 1 || aggregated.Len() != 1 || network.Len() != 2 || sink.events().Len() != 0 {
		t.Fatalf("%d insights, %d aggregated, %d network, %d events", insights.Len(), aggregated.Len(), network.Len(), sink.events().Len())
	}
	got := columnsOf(insights, 0, "insightstate insighteventsource insighteventname insighterrorcode insighttype baseline_average insight_average baseline_duration insight_duration sharedeventid account_id event_key entities")
	if want := "Start ssm.amazonaws.com UpdateInstanceInformation - ApiCallRateInsight 0.0000882145 12345678901234567890.5 11336 1 s1 111122223333 e3b0c442-98fc-4c14-9afb-f4c8996fb924 arn:aws:sts::1:assumed-role/r/i-0123456789abcdef0"; got != want {
		t.Errorf("insight: %s, want %s", got, want)
	}
	if m := mapOf(insights, 0, "insightcontext"); !strings.HasPrefix(m["attributions"], `[{"attribute":"userIdentityArn",`) || len(m) != 2 {
		t.Errorf("insightcontext %v", m)
	}
	got = columnsOf(aggregated, 0, "eventtime windowend windowsize primary_dimension aggregation_type account_id eventid entities")
	if want := "19:20:00 19:25:00 PT5M eventName Count 111122223333 62759c1a-6248-48e1-a6b3-d5fb7e6c4bc0 arn:aws:s3:::bucket-1,arn:aws:s3:::bucket-2"; got != want {
		t.Errorf("aggregated: %s, want %s", got, want)
	}
	col := aggregated.Table.MustIndex("statistics")
	from, to := aggregated.Rows(col, 0)
	var rows []string
	for i := from; i < to; i++ {
		rows = append(rows, columnsOf(aggregated.Child(col), i, "dimension name value"))
	}
	if diff := cmp.Diff([]string{"eventName PutObject 1000", "resourceARN arn:aws:s3:::bucket-1 800", "resourceARN arn:aws:s3:::bucket-2 -"}, rows); diff != "" {
		t.Error(diff)
	}
	scopes := map[string]bool{}
	for _, c := range sink.covers {
		scopes[c.Scope] = c.Result == trailhouse.CoverageRead
	}
	if diff := cmp.Diff(map[string]bool{"111122223333/us-east-1": true, "111122223333/us-west-2": true, "/": true, "2/r": true}, scopes); diff != "" {
		t.Error(diff)
	}
	for kind, table := range map[string]string{"CloudTrail": EventTableName, "CloudTrail-Insight": InsightTableName, "CloudTrail-NetworkActivity": NetworkTableName} {
		sink, err := readText(t, strings.Replace(trailName, "CloudTrail", kind, 1), `[{"eventTime":"2025-01-02T03:00:00Z"}]`)
		if err != nil || sink.records != 1 || sink.batches[table] == nil || sink.batches[table].Len() != 1 || value(sink.batches[table], 0, "account_id") != "111122223333" {
			t.Errorf("%s: %v %q", kind, err, sink.reasons())
		}
	}
}

// TestOtherFiles passes over what is no trail's, unless the user named it.
func TestOtherFiles(t *testing.T) {
	digest := `{"awsAccountId":"111122223333","digestStartTime":"2025-01-02T03:00:00Z","digestS3Bucket":"b","logFiles":[]}`
	for name, c := range map[string]struct{ file, content, detail string }{
		"license":           {"LICENSE", "MIT License", "it is not JSON"},
		"page":              {"index.html", "<html>", "it is not JSON"},
		"empty":             {"_SUCCESS", "", "it is empty"},
		"other JSON":        {"package.json", `{"name":"x"}`, "no record of CloudTrail in it"},
		"broken other JSON": {"tsconfig.json", `{ // comment`, "no record of CloudTrail in it"},
		"digest by name":    {"111122223333_CloudTrail-Digest_us-east-1_trail_us-east-1_20250102T030405Z.json", "whatever", "a digest file: kept for later, when chains are verified"},
		"digest by content": {"digest.json", digest, "a digest file: kept for later, when chains are verified"},
	} {
		path := write(t, c.file, []byte(c.content))
		sink, err := read(t, Options{}, path)
		if err != nil || len(sink.covers) != 1 || sink.covers[0].Result != trailhouse.CoverageIgnored || sink.covers[0].Detail != c.detail {
			t.Errorf("%s: %v %+v", name, err, sink.covers)
		}
		err = New(Options{}).Read(context.Background(), trailhouse.Unit{Object: path, Size: -1, Explicit: true}, newSink())
		if wantsError := !strings.HasPrefix(name, "digest"); wantsError != (trailhouse.CodeOf(err) == trailhouse.CodeInvalid) {
			t.Errorf("%s, named: %v", name, err)
		}
	}
}

// TestRules leaves events out by their fields.
func TestRules(t *testing.T) {
	for _, c := range []struct {
		include, exclude []Rule
		records          int
		filtered         int64
	}{
		{nil, nil, 3, 0},
		{nil, []Rule{{Name: "Describe*"}}, 1, 2},
		{nil, []Rule{{Name: "Describe*", Account: "1*"}}, 1, 2},
		{nil, []Rule{{Name: "Describe*", Account: "2*"}}, 3, 0},
		{[]Rule{{Source: "kms.*"}}, nil, 1, 2},
		{[]Rule{{Source: "*.amazonaws.com"}}, []Rule{{Category: "Data"}}, 2, 1},
		{[]Rule{{Source: "kms?amazonaws.com"}, {Name: "*Vpc?"}}, nil, 3, 0},
	} {
		path := write(t, trailName, []byte(small(`{"eventTime":"2025-01-02T03:00:02Z","eventSource":"kms.amazonaws.com","eventName":"Decrypt","eventCategory":"Data"}`)))
		sink, err := read(t, Options{Include: c.include, Exclude: c.exclude}, path)
		if err != nil || sink.records != c.records || sink.filtered != c.filtered || sink.events().Len() != c.records {
			t.Errorf("%+v: %v, %d records, %d filtered", c, err, sink.records, sink.filtered)
		}
	}
}

// TestUnits gives objects by day of delivery and account.
func TestUnits(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{
		"AWSLogs/222222222222/CloudTrail/us-east-1/2025/01/02/222222222222_CloudTrail_us-east-1_20250102T0005Z_b.json.gz",
		"AWSLogs/111111111111/CloudTrail/us-east-1/2025/01/02/111111111111_CloudTrail_us-east-1_20250102T0005Z_b.json.gz",
		"AWSLogs/111111111111/CloudTrail-Digest/us-east-1/2025/01/03/111111111111_CloudTrail-Digest_us-east-1_t_us-east-1_20250103T000512Z.json.gz",
		"AWSLogs/222222222222/CloudTrail/us-east-1/2025/01/01/renamed.json.gz",
		"LICENSE",
	} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var got []string
	missed := 0
	err := New(Options{Paths: []string{dir, filepath.Join(dir, "nowhere")}}).Units(context.Background(), func(u trailhouse.Unit) error {
		got = append(got, filepath.Base(u.Object))
		if u.ID == "" || u.Size == 0 || u.Modified.IsZero() {
			t.Errorf("%+v", u)
		}
		return nil
	}, func(c trailhouse.Coverage) error {
		missed++
		return nil
	})
	want := []string{"LICENSE", "renamed.json.gz", "111111111111_CloudTrail_us-east-1_20250102T0005Z_b.json.gz", "222222222222_CloudTrail_us-east-1_20250102T0005Z_b.json.gz", "111111111111_CloudTrail-Digest_us-east-1_t_us-east-1_20250103T000512Z.json.gz"}
	if diff := cmp.Diff(want, got); diff != "" || err != nil || missed != 1 {
		t.Error(diff, err, missed)
	}
}

// TestOriginals fetches bytes that are there, and says so where they are not.
func TestOriginals(t *testing.T) {
	path := write(t, trailName, []byte(small("")))
	sink, err := read(t, Options{}, path)
	if err != nil {
		t.Fatal(err)
	}
	object, hash, second := WhereIs(sink.events(), 1)
	_, _, first := WhereIs(sink.events(), 0)
	get := func() ([][]byte, error) {
		return Originals(context.Background(), Files{}, Options{}.Limits, object, hash, []Span{second, first})
	}
	all, err := get()
	if err != nil || !strings.Contains(string(all[0]), "0000-000000000002") || !strings.Contains(string(all[1]), "0000-000000000001") || all[0][0] != '{' {
		t.Fatalf("%s %v", all, err)
	}
	for name, content := range map[string]string{"changed": strings.Replace(small(""), "Vpcs", "Vpc0", 1), "cut": small("")[:100], "longer": small("") + " "} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := get(); trailhouse.CodeOf(err) != trailhouse.CodeConflict || trailhouse.HintOf(err) == "" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if _, err := get(); trailhouse.CodeOf(err) != trailhouse.CodeNotFound || !strings.Contains(err.Error(), "gone") {
		t.Error(err)
	}
}

// TestReplacedObject does not read an object that is not the one that was listed.
func TestReplacedObject(t *testing.T) {
	path := write(t, trailName, []byte(small("")))
	s := New(Options{Paths: []string{path}})
	var unit trailhouse.Unit
	err := s.Units(context.Background(), func(u trailhouse.Unit) error { unit = u; return nil }, nil)
	if err != nil || !unit.Explicit {
		t.Fatal(err, unit)
	}
	if err := os.WriteFile(path, []byte(small("")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := s.Read(context.Background(), unit, newSink()); trailhouse.CodeOf(err) != trailhouse.CodeConflict {
		t.Error(err)
	}
}
