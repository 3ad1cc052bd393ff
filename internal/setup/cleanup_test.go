package setup

import (
	"slices"
	"strings"
	"testing"
)

func TestLeftovers(t *testing.T) {
	left := Leftovers([]string{
		"arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1",
		"arn:aws:s3:::trailhouse-eu-west-1-111122223333",
		"arn:aws:ec2:eu-west-1:111122223333:volume/vol-0123456789abcdef0",
		"arn:aws-cn:logs:cn-north-1:111122223333:log-group:/aws/nitro/enclave:*",
		"arn:aws:s3:::trailhouse-eu-west-1-111122223333",
		"nonsense",
	})
	var got []string
	for _, l := range left {
		got = append(got, l.Kind+" "+l.Name+" "+strings.Join(l.Commands, " && "))
		if l.Holds == "" {
			t.Errorf("%s: nobody says what is lost", l.Name)
		}
	}
	for i, want := range []string{
		"log group /aws/nitro/enclave aws logs delete-log-group --region cn-north-1 --log-group-name '/aws/nitro/enclave'",
		"volume vol-0123456789abcdef0 aws ec2 delete-volume --region eu-west-1 --volume-id vol-0123456789abcdef0",
		"bucket trailhouse-eu-west-1-111122223333 while objects=$(aws s3api list-object-versions --bucket trailhouse-eu-west-1-111122223333 ",
		"other arn:aws:ec2:eu-west-1:111122223333:vpc/vpc-1 ",
		"other nonsense ",
	} {
		if i >= len(got) || !strings.HasPrefix(got[i], want) {
			t.Errorf("%d: want %q in\n%s", i, want, strings.Join(got, "\n"))
		}
	}
	if len(got) != 5 {
		t.Errorf("%d are left", len(got))
	}
}

func TestKeptByTemplate(t *testing.T) {
	want := []string{"Bucket (AWS::S3::Bucket)", "BucketPolicy (AWS::S3::BucketPolicy)", "LogGroup (AWS::Logs::LogGroup)", "AgentLogGroup (AWS::Logs::LogGroup)", "DataVolume (AWS::EC2::Volume)"}
	if got := KeptByTemplate(string(StackTemplate())); !slices.Equal(got, want) {
		t.Errorf("%q", got)
	}
	if got := KeptByTemplate("Resources:\n  A:\n    Type: T\n    DeletionPolicy: Delete\nOutputs:\n  B:\n    DeletionPolicy: Retain\n"); got != nil {
		t.Errorf("%q", got)
	}
}
