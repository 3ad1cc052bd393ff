package aws

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/aws/aws-sdk-go-v2/feature/ec2/imds"

	"github.com/trailhouse/trailhouse"
)

// Machine is what EC2 says of the machine that asks.
type Machine struct {
	Instance        trailhouse.InstanceID
	Region, Account string
}

// AskMachine asks the metadata of the machine (IMDSv2 alone: its first version answers
// whoever can make any host here send a request). AWS_EC2_METADATA_SERVICE_ENDPOINT and
// AWS_EC2_METADATA_DISABLED say where and whether. CodeUnavailable where nothing answers.
func AskMachine(ctx context.Context) (Machine, error) {
	loaded, err := config.LoadDefaultConfig(ctx)
	if err != nil {
		return Machine{}, trailhouse.Errorf(trailhouse.CodeUnavailable, "the AWS configuration cannot be used: %w", cause(err))
	}
	client := imds.NewFromConfig(loaded, func(o *imds.Options) { o.EnableFallback = aws.FalseTernary })
	out, err := client.GetInstanceIdentityDocument(ctx, &imds.GetInstanceIdentityDocumentInput{})
	if err != nil {
		return Machine{}, trailhouse.Errorf(trailhouse.CodeUnavailable, "the metadata service of EC2 (IMDSv2) gave no answer: %w", cause(err)).
			WithHint("in a container its hop limit must be 2: aws ec2 modify-instance-metadata-options --http-put-response-hop-limit 2")
	}
	return Machine{trailhouse.InstanceID(out.InstanceID), out.Region, out.AccountID}, nil
}
