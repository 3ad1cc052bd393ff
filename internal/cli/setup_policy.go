package cli

import (
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/setup"
)

func (s *shell) setupPolicy() *cobra.Command {
	var keys []string
	var principal string
	c := &cobra.Command{
		Use:   "policy",
		Short: "Print the policy of IAM that the configured sources and deliveries need, and nothing more",
		Long: `Prints the policy (JSON) that the sources and deliveries of trailhouse.yaml need: exactly
their actions on exactly their resources. Where sources act as different roles or
profiles, it prints a list with the policy of each; --principal picks one.

Objects that are encrypted with a key of your own need kms:Decrypt on it: name the keys
with --kms-key. A bucket of another account must allow the same in its own policy.`,
		Example: `  trailhouse setup policy --config trailhouse.yaml
  trailhouse setup policy --principal arn:aws:iam::111122223333:role/Audit
  trailhouse setup policy --kms-key arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab`,
		Args: between(0, 0, ""),
	}
	c.Flags().StringSliceVar(&keys, "kms-key", nil, "`ARN` of a key that objects of sources are encrypted with; may be given several times")
	c.Flags().StringVar(&principal, "principal", "", "print the policy of this `ROLE`, as the list names it")
	c.RunE = func(c *cobra.Command, _ []string) error {
		for _, key := range keys {
			if !strings.HasPrefix(key, "arn:") || !strings.Contains(key, ":key/") {
				return usage("--kms-key: %q is not the ARN of a key, such as arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab", key)
			}
		}
		settings, err := s.config(c)
		if err != nil {
			return err
		}
		return s.printPolicies(setup.Policies(access.Needs(settings), keys), principal)
	}
	return c
}

// printPolicies prints the one policy that is asked for, or all with who needs them.
func (s *shell) printPolicies(list []setup.Principal, principal string) error {
	if len(list) == 0 {
		return trailhouse.Errorf(trailhouse.CodeNotFound, "the configuration needs nothing of AWS: no source and no delivery is there").
			WithHint("add sources with s3:// paths or log groups, or deliveries to S3 or SNS, to trailhouse.yaml")
	}
	if principal == "" && len(list) > 1 {
		return s.print(setup.JSON(list))
	}
	names := make([]string, len(list))
	for i, p := range list {
		if principal == "" || p.Name == principal {
			return s.print(p.Policy.JSON())
		}
		names[i] = p.Name
	}
	return usage("--principal: nothing acts as %s", principal).WithHint("there are %s", strings.Join(names, ", "))
}
