package cli

import (
	"context"

	"github.com/spf13/cobra"
)

func (s *shell) importCloudTrail() *cobra.Command {
	c := &cobra.Command{
		Use:   "cloudtrail [PATH…]",
		Short: "Read trails from files, directories and S3",
		Long: `Reads the files that CloudTrail delivers: gzip or plain, {"Records":[…]}, an array,
or one event a line; events, Insights events, network activity and aggregated events.
A place is a file, a directory, or s3://bucket/prefix of any server that speaks S3.
Without a place, all sources of the kind cloudtrail in trailhouse.yaml are read.

An event that was read before, from whatever object or trail, is not written again.`,
		Example: `  trailhouse import cloudtrail ./AWSLogs
  trailhouse import cloudtrail s3://my-trail --profile audit --region eu-west-1
  trailhouse import cloudtrail s3://my-trail/AWSLogs/111122223333 --role-arn arn:aws:iam::111122223333:role/Audit`,
	}
	accessFlags(c)
	c.Flags().Int64("batch-records", 0, "most records of one commit (setting ingest.batch_records)")
	c.RunE = func(c *cobra.Command, args []string) error {
		places, err := s.places(args)
		r := ImportRequest{Source: "cloudtrail", Paths: places}
		if err == nil {
			err = s.somewhere(c, r)
		}
		if err != nil {
			return err
		}
		return s.withHouse(c, func(ctx context.Context, h House) error { return s.runImport(ctx, h, r) })
	}
	return c
}

// accessFlags are the flags that say who we are at AWS, and where the server is.
func accessFlags(c *cobra.Command) {
	c.Flags().String("profile", "", "`PROFILE` of the AWS CLI's files (setting aws.profile)")
	c.Flags().String("role-arn", "", "`ARN` of a role to assume (setting aws.role_arn)")
	c.Flags().String("external-id", "", "external `ID` that the role's owner asks for (setting aws.external_id)")
	c.Flags().String("region", "", "`REGION` of the bucket or log group (setting aws.region)")
	c.Flags().String("endpoint", "", "`URL` of a server that speaks as AWS does (setting aws.endpoint)")
}
