package setup

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/config"
)

// TestPolicies holds the policies of two principals to the letter.
func TestPolicies(t *testing.T) {
	role := config.AWS{RoleARN: "arn:aws:iam::111122223333:role/Audit"}
	needs := []access.Need{
		{Action: "sts:AssumeRole", Resources: []string{role.RoleARN}},
		{As: role, Action: "s3:ListBucket", Resources: []string{"arn:aws:s3:::b"}, Prefixes: []string{"p/", "p/*"}},
		{As: role, Action: "s3:GetObject", Resources: []string{"arn:aws:s3:::b/p/*"}},
		{As: role, Action: "s3:PutObject", Resources: []string{"arn:aws:s3:::b/p/*"}},
		{As: role, Action: "s3:GetObject", Resources: []string{"arn:aws:s3:::b/p/*"}},
		{As: role, Action: "s3:ListBucket", Resources: []string{"arn:aws:s3:::b"}, Prefixes: []string{"q/", "q/*"}},
	}
	want := []string{
		`{"Version":"2012-10-17","Statement":[{"Sid":"StsAssumeRole","Effect":"Allow","Action":["sts:AssumeRole"],"Resource":["arn:aws:iam::111122223333:role/Audit"]}]}`,
		`{"Version":"2012-10-17","Statement":[` +
			`{"Sid":"S3ListBucket","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::b"],"Condition":{"StringLike":{"s3:prefix":["p/","p/*"]}}},` +
			`{"Sid":"S3GetObject","Effect":"Allow","Action":["s3:GetObject","s3:PutObject"],"Resource":["arn:aws:s3:::b/p/*"]},` +
			`{"Sid":"S3ListBucket2","Effect":"Allow","Action":["s3:ListBucket"],"Resource":["arn:aws:s3:::b"],"Condition":{"StringLike":{"s3:prefix":["q/","q/*"]}}},` +
			`{"Sid":"KmsDecrypt","Effect":"Allow","Action":["kms:Decrypt"],"Resource":["arn:aws:kms:eu-west-1:111122223333:key/k"]}]}`,
	}
	got := Policies(needs, []string{"arn:aws:kms:eu-west-1:111122223333:key/k"})
	if len(got) != 2 || got[0].Name != access.DefaultPrincipal || got[1].Name != role.RoleARN {
		t.Fatalf("%+v", got)
	}
	for i, p := range got {
		text, err := json.Marshal(p.Policy)
		if err != nil || string(text) != want[i] {
			t.Errorf("%s: %v\ngot  %s\nwant %s", p.Name, err, text, want[i])
		}
	}
	if text := string(JSON(got)); !strings.HasPrefix(text, "[\n") || !strings.Contains(text, `"principal": "default credentials"`) {
		t.Errorf("as a list: %s", text)
	}
}
