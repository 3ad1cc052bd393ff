package app

import (
	"context"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/config"
)

// tagged returns the ARNs of what carries a tag in the region of the configuration.
func tagged(ctx context.Context, c *config.Config, clock trailhouse.Clock, key, value string) ([]string, error) {
	session, err := sessionAs(ctx, c.AWS)
	if err != nil {
		return nil, err
	}
	return session.Tagged(ctx, clock.Now, key, value)
}
