package cloudtrail

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/source/cloudtrail/tape"
)

// named returns what a value of a record names.
func named(t *testing.T, text string) (entities, instances string) {
	t.Helper()
	var nodes tape.Tape
	b := []byte(text + string(make([]byte, tape.Padding)))
	if _, ok := nodes.Scan(b, 0); !ok {
		t.Fatalf("no JSON: %s", text)
	}
	r := row{b: b, nodes: nodes.Nodes}
	r.nameMembers(0, 0, nil)
	r.nameAll(0)
	batch := trailhouse.NewBatch(&trailhouse.Table{Columns: []trailhouse.Column{{Name: "entities", Type: trailhouse.TypeStrings}}})
	r.names.SetEntities(batch, 0)
	batch.EndRow()
	return strings.Join(batch.Strings(0, 0), " "), strings.Join(r.names.Instances(), " ")
}

// TestWithin finds ARNs within texts and wants them to end where they end.
func TestNamesWithinTexts(t *testing.T) {
	for name, c := range map[string]struct{ text, want string }{
		"error message": {`{"errorMessage":"User: arn:aws:sts::1:assumed-role/r/s is not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::b/k\" because no policy allows it"}`,
			"arn:aws:s3:::b/k arn:aws:sts::1:assumed-role/r/s"},
		"end of a sentence": {`{"m":"no access to arn:aws:kms:us-east-1:1:key/k. Ask arn:aws:iam::1:user/a: he knows, or (arn:aws:iam::1:user/b), or <arn:aws:iam::1:user/c>!"}`,
			"arn:aws:iam::1:user/a arn:aws:iam::1:user/b arn:aws:iam::1:user/c arn:aws:kms:us-east-1:1:key/k"},
		"policy": {`{"policy":"{\"Statement\":[{\"Principal\":{\"AWS\":[\"arn:aws:iam::1:root\",\"arn:aws:iam::2:root\"]},\"Resource\":\"arn:aws:s3:::b\\/*\",\"NotResource\":\"arn:aws:s3:::c-?\"}]}"}`,
			"arn:aws:iam::1:root arn:aws:iam::2:root arn:aws:s3:::b/* arn:aws:s3:::c-?"},
		"policy in a policy": {`{"p":"{\"inner\":\"{\\\"Resource\\\":\\\"arn:aws:sqs:eu-west-1:1:q\\\"}\"}"}`, "arn:aws:sqs:eu-west-1:1:q"},
		"policy variable":    {`{"p":"{\"Resource\":\"arn:aws:iam::*:user/${aws:username}\"}"}`, "arn:aws:iam::*:user/${aws:username}"},
		"URL-encoded": {`{"policyDocument":"%7B%22Resource%22%3A%5B%22arn%3Aaws%3As3%3A%3A%3Ab%2F%2A%22%2C%22arn%3aaws%3as3%3A%3A%3Ac%22%5D%7D"}`,
			"arn:aws:s3:::b/* arn:aws:s3:::c"},
		"URL-encoded twice":     {`{"p":"arn%253Aaws%253As3%253A%253A%253Ab%252Fk"}`, "arn:aws:s3:::b/k"},
		"list in a text":        {`{"arns":"arn:aws:iam::1:role/a,arn:aws:iam::1:role/b"}`, "arn:aws:iam::1:role/a arn:aws:iam::1:role/a,arn:aws:iam::1:role/b arn:aws:iam::1:role/b"},
		"key of an object":      {`{"map":{"arn:aws:iam::1:role/a":true}}`, "arn:aws:iam::1:role/a"},
		"with a blank":          {`{"resources":[{"ARN":"arn:aws:s3:::b/my file.txt"}],"m":"at arn:aws:s3:::c"}`, "arn:aws:s3:::b/my file.txt arn:aws:s3:::c"},
		"with a comma":          {`{"x":"arn:aws:secretsmanager:x:1:secret:a,b","m":"at arn:aws:s3:::c"}`, "arn:aws:s3:::c arn:aws:secretsmanager:x:1:secret:a,b"},
		"not one":               {`{"m":"learn: arn:aws, warn:aws:s3:::b and arn:aws:s3::: and arn:x","n":"arn","o":"arn%zz","p":"arn%"}`, ""},
		"instance":              {`{"m":"on resource: arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0."}`, "arn:aws:ec2:eu-west-1:1:instance/i-0123456789abcdef0"},
		"cut behind a variable": {`{"p":"arn:aws:iam::1:user/${x"}`, "arn:aws:iam::1:user/${x"},
		"in quotes": {`{"errorMessage":"not authorized to perform: s3:GetObject on resource: \"arn:aws:s3:::bk/My Docs/a (1).txt\" because no policy"}`,
			"arn:aws:s3:::bk/My Docs/a (1).txt"},
		"in quotes of all kinds": {"{\"m\":\"'arn:aws:s3:::b/a 1', `arn:aws:s3:::b/a, 2`, “arn:aws:s3:::b/a;3.” ‘arn:aws:s3:::b/Bob’s 4’ 'arn:aws:s3:::b/Bob's 5'\"}",
			"arn:aws:s3:::b/Bob's 5 arn:aws:s3:::b/Bob’s 4 arn:aws:s3:::b/a 1 arn:aws:s3:::b/a, 2 arn:aws:s3:::b/a;3."},
		"in quotes of JSON in JSON": {`{"p":"{\"in\":\"{\\\"Resource\\\":\\\"arn:aws:s3:::b/my \\\\\\\"own\\\\\\\" file\\\"}\"}"}`, `arn:aws:s3:::b/my "own" file`},
		"sentence in quotes":        {`{"m":"{\"error\":\"arn:aws:sts::1:assumed-role/r/s is not authorized on arn:aws:s3:::b/k\"}"}`, "arn:aws:s3:::b/k arn:aws:sts::1:assumed-role/r/s"},
		"another in quotes":         {`{"m":"{\"error\":\"arn:aws:s3:::b has no policy for 'arn:aws:iam::1:role/r'\"}"}`, "arn:aws:iam::1:role/r arn:aws:s3:::b"},
		"list in quotes":            {`{"m":"\"arn:aws:s3:::b/a b,arn:aws:s3:::c\""}`, "arn:aws:s3:::b/a arn:aws:s3:::c"},
		"quote that is not closed":  {`{"m":"at \"arn:aws:s3:::b/My Do"}`, "arn:aws:s3:::b/My"},
		"escapes of Gson":           {`{"p":"{\"Resource\":\"arn:aws:s3:::bk/year\\u003d2024/\\ud83d\\ude00*\"}"}`, "arn:aws:s3:::bk/year=2024/😀*"},
		"escapes without quotes":    {`{"m":"[\\u0027arn:aws:s3:::b/it\\u003d1 2\\u0027, \\u003carn:aws:s3:::c\\\\u003d1\\u003e\\narn:aws:s3:::d]"}`, "arn:aws:s3:::b/it=1 2 arn:aws:s3:::c=1 arn:aws:s3:::d"},
		"parameters of a URL":       {`{"u":"https://x/?r=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Furlrole&z=1&s=arn%3Aaws%3As3%3A%3A%3Ab%2Fa%26b"}`, "arn:aws:iam::1:role/urlrole arn:aws:s3:::b/a&b"},
		"not at the end of words":   {`{"m":"learn:aws:s3:::b x\\u0061arn:aws:s3:::c xarn:aws:s3:::d"}`, ""},
	} {
		got, instances := named(t, c.text)
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		if (instances != "") != (name == "instance") {
			t.Errorf("%s: instances %s", name, instances)
		}
	}
}

// TestIDsWithinTexts finds ids of EC2 among other words, and nothing that looks alike.
func TestIDsWithinTexts(t *testing.T) {
	for name, c := range map[string]struct{ text, want, instances string }{
		"error": {`{"errorMessage":"The instance IDs 'i-0ccccccccccccccc1, i-12345678' do not exist"}`,
			"i-0ccccccccccccccc1 i-12345678", "i-0ccccccccccccccc1 i-12345678"},
		"policy":           {`{"p":"{\"aws:sourceVpce\":\"vpce-0123456789abcdef0\",\"x\":[\"subnet-0123456789abcdef0\"]}"}`, "subnet-0123456789abcdef0 vpce-0123456789abcdef0", ""},
		"policy in policy": {`{"p":"{\"in\":\"{\\\"aws:sourceVpc\\\":\\\"vpc-12345678\\\"}\"}"}`, "vpc-12345678", ""},
		"sentence":         {`{"p":"in tgw-attach-0123456789abcdef0 (sg-12345678) and eipalloc-12345678.\nvol-12345678: ami-12345678, AMI:snap-12345678"}`, "ami-12345678 eipalloc-12345678 sg-12345678 snap-12345678 tgw-attach-0123456789abcdef0 vol-12345678", ""},
		"escapes":          {`{"p":"\\u0027i-12345678\\u0027\\nlt-12345678"}`, "i-12345678 lt-12345678", "i-12345678"},
		"others": {`{"p":"report-20250102 of us-east-1, 12345678-1234-1234-1234-123456789012, xi-12345678, i-123456789, i-1234567, I-12345678, i-1234567g, /i-12345678/k, i-12345678-x, vpce-12345678.vpce.amazonaws.com, a.i-12345678, my-i-12345678"}`,
			"", ""},
	} {
		got, instances := named(t, c.text)
		if got != c.want || instances != c.instances {
			t.Errorf("%s: %s; instances %s", name, got, instances)
		}
	}
}

// TestTags wants the values of AWS's own tags, whatever their form, and no others.
func TestNamesOfTags(t *testing.T) {
	got, _ := named(t, `{"tagSet":{"items":[{"key":"aws:ec2launchtemplate:id","value":"lt-example1"},{"key":"aws:ec2launchtemplate:version","value":"3"},
		{"Value":"web-asg","Key":"aws:autoscaling:groupName"},{"key":"Name","value":"mine"},{"value":"alone"}]}}`)
	if diff := cmp.Diff("lt-example1 web-asg", got); diff != "" {
		t.Error(diff)
	}
}

// TestNamesOfHostileTexts wants texts that are made to take time to take none.
func TestNamesOfHostileTexts(t *testing.T) {
	for _, unit := range []string{`\"arn:`, "“arn:", "'arn:a:b:c:d:e/ ", `\\u0027arn:`, `\\\"arn:`, "arn%3A&", "${", "arn:", "arn%3A", "arn:a:b:c:d:e ", `\\/`, "%", ":", "i-0123456789abcdef0 "} {
		begun := cpuTime()
		named(t, `{"x":"arn:aws:s3:::`+strings.Repeat(unit, (4<<20)/len(unit))+`"}`)
		if took := cpuTime() - begun; took > 5*time.Second {
			t.Errorf("%s: %s", unit, took)
		}
	}
}
