package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/aws"
	"github.com/trailhouse/trailhouse/internal/setup"
)

func (s *shell) setupCommand() *cobra.Command {
	return group("setup", "Set up what stands around Trailhouse in an account", s.setupAgent(), s.setupAWS(), s.setupPolicy(), s.setupCleanUp())
}

// agentFlags are the flags of setup cloudwatch-agent.
type agentFlags struct {
	group           string
	retention       int
	weeks           int
	check           string
	role            bool
	hostAgent       string
	region, account string
}

func (s *shell) setupAgent() *cobra.Command {
	var f agentFlags
	c := &cobra.Command{
		Use:   "cloudwatch-agent",
		Short: "Print or check the configuration of the CloudWatch agent of a host with enclaves",
		Long: `Prints the configuration (JSON) with which the CloudWatch agent sends the log of
nitro-cli to CloudWatch Logs: each record whole, in a stream that is the host's
instance id, kept at least as long as reports look back.

--check FILE reads a configuration that is there and says what in it loses evidence or
gives it to the wrong host; exit code 1 where something does. --role prints the policy
that the role of the host needs, with --agent-log-group also what trailhouse agent needs.`,
		Example: `  trailhouse setup cloudwatch-agent >/opt/aws/amazon-cloudwatch-agent/etc/amazon-cloudwatch-agent.json
  trailhouse setup cloudwatch-agent --check amazon-cloudwatch-agent.json
  trailhouse setup cloudwatch-agent --role --region eu-west-1 --account 111122223333
  trailhouse setup cloudwatch-agent --role --agent-log-group /trailhouse/agent`,
		Args: between(0, 0, ""),
	}
	c.Flags().StringVar(&f.group, "log-group", "", "`NAME` of the log group (default "+setup.DefaultLogGroup+"; with --check any)")
	c.Flags().IntVar(&f.retention, "retention-days", 0, "`DAYS` that lines are kept, -1 for ever (default 90, or more for a longer look-back)")
	c.Flags().IntVar(&f.weeks, "weeks", setup.DefaultWeeks, "weeks that reports look back")
	c.Flags().StringVar(&f.check, "check", "", "check the configuration in `FILE`, - for standard input")
	c.Flags().BoolVar(&f.role, "role", false, "print the policy of the host's role")
	c.Flags().StringVar(&f.hostAgent, "agent-log-group", "", "log group `NAME` that trailhouse agent on the host writes to, with --role")
	c.Flags().StringVar(&f.region, "region", "*", "`REGION` of the log group, with --role")
	c.Flags().StringVar(&f.account, "account", "*", "`ACCOUNT` of the log group, with --role")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if (c.Flags().Changed("region") || c.Flags().Changed("account") || f.hostAgent != "") && !f.role {
			return usage("--region, --account and --agent-log-group are of use only with --role")
		}
		return s.agent(f)
	}
	return c
}

// agent does what the flags of setup cloudwatch-agent ask for.
func (s *shell) agent(f agentFlags) error {
	o := setup.AgentOptions{LogGroup: f.group, RetentionDays: f.retention, Weeks: f.weeks, HostAgentGroup: f.hostAgent}
	switch {
	case f.role && f.check != "":
		return usage("--role and --check do not go together")
	case f.weeks < 1:
		return usage("--weeks: a look-back of %d weeks is not one of 1 to %d", f.weeks, setup.MaxWeeks)
	case f.check != "":
		return s.checkAgent(f.check, o)
	case f.role:
		policy, err := setup.HostRole(o, aws.Partition(f.region), f.region, f.account)
		if err != nil {
			return err
		}
		return s.print(policy.JSON())
	}
	text, err := setup.AgentConfig(o)
	if err != nil {
		return err
	}
	return s.print(text)
}

func (s *shell) print(text []byte) error {
	_, err := s.env.Out.Write(text)
	return err
}

// checkAgent checks the configuration of an agent.
func (s *shell) checkAgent(name string, o setup.AgentOptions) error {
	text, err := s.readAll(name)
	if err != nil {
		return err
	}
	found, err := setup.CheckAgent(text, o)
	if err != nil {
		return err
	}
	return s.findings(name, found)
}

// readAll reads a small file that the command line names, - for standard input.
func (s *shell) readAll(name string) (text []byte, err error) {
	if name == "-" {
		text, err = io.ReadAll(s.env.In)
	} else {
		text, err = os.ReadFile(s.absolute(name))
	}
	if err == nil {
		return text, nil
	}
	code := trailhouse.CodeStorage
	if errors.Is(err, fs.ErrNotExist) {
		code = trailhouse.CodeNotFound
	}
	return nil, trailhouse.Errorf(code, "%s cannot be read: %w", name, err).WithHint("check the name of the file")
}

// findings prints what is wrong with a file; only what loses evidence is a failure.
func (s *shell) findings(name string, found []setup.Finding) error {
	if len(found) == 0 {
		return s.say(name+" is in order", []setup.Finding{})
	}
	err := printList(s.env.Out, s.flags.json, found, "RESULT\tWHERE\tPROBLEM\tWHAT TO DO", func(f setup.Finding) string {
		return fmt.Sprintf("%s\t%s\t%s\t%s", f.Severity, f.Where, f.What, f.Hint)
	})
	if err != nil {
		return err
	}
	fails := 0
	for _, f := range found {
		if f.Severity == setup.Fail {
			fails++
		}
	}
	if fails == 0 {
		return nil
	}
	return trailhouse.Errorf(trailhouse.CodeInvalid, "%s has %s that lose evidence or give it to the wrong host", name, plural(fails, "mistake")).
		WithHint("trailhouse setup cloudwatch-agent prints a configuration that does not")
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
