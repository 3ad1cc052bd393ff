package app

import (
	"context"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/config"
)

// tagged returns the ARNs of what carries a tag in the region of the configuration.
func tagged(ctx context.Context, c *config.Config, clock trailhouse.Clock, key, value string) ([]string, error) {
	a := c.AWS
	session, err := aws.Open(ctx, aws.Options{
		Profile: a.Profile, RoleARN: a.RoleARN, ExternalID: a.ExternalID, SessionName: a.SessionName,
		Region: a.Region, Endpoint: a.Endpoint, Attempts: int(a.Attempts), IdleTimeout: a.IdleTimeout,
	})
	if err != nil {
		return nil, err
	}
	return session.Tagged(ctx, clock.Now, key, value)
}
