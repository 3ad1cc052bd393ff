package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/setup"
)

func (s *shell) setupCleanUp() *cobra.Command {
	var stack, file string
	c := &cobra.Command{
		Use:   "clean-up --stack NAME",
		Short: "List what a deleted stack left, with the commands that remove it",
		Long: `Asks AWS what carries the tag of a stack that trailhouse setup aws wrote: after the
stack was deleted these are the bucket, the log group and the data volume. Prints each
with what is lost with it and the commands of the AWS CLI that remove it, and removes
nothing. It needs the permission tag:GetResources in the stack's region.

--template FILE makes no request and says which resources of a template deletion keeps.`,
		Example: `  trailhouse setup clean-up --stack trailhouse --region eu-west-1
  trailhouse setup clean-up --template trailhouse-stack.yaml`,
		Args: between(0, 0, ""),
	}
	c.Flags().StringVar(&stack, "stack", "", "`NAME` of the stack")
	c.Flags().StringVar(&file, "template", "", "say what deletion keeps of the template in `FILE`")
	c.Flags().String("region", "", "`REGION` of the stack (setting aws.region)")
	c.Flags().String("profile", "", "`PROFILE` of the AWS CLI's files (setting aws.profile)")
	c.RunE = func(c *cobra.Command, _ []string) error {
		switch {
		case (stack == "") == (file == ""):
			return usage("%s needs --stack NAME or --template FILE", c.CommandPath())
		case file != "":
			return s.keptBy(file)
		}
		settings, err := s.config(c)
		if err != nil {
			return err
		}
		arns, err := s.env.Tagged(c.Context(), settings, setup.StackTag, stack)
		if err != nil {
			return err
		}
		return s.leftovers(stack, setup.Leftovers(arns))
	}
	return c
}

// keptBy says what deletion keeps of a template.
func (s *shell) keptBy(name string) error {
	text, err := s.readAll(name)
	if err != nil {
		return err
	}
	kept := setup.KeptByTemplate(string(text))
	if len(kept) == 0 {
		return s.say("deleting a stack of "+name+" keeps nothing", []string{})
	}
	return s.say("deleting a stack of "+name+" keeps "+strings.Join(kept, ", "), kept)
}

// leftovers prints what is left of a stack as a script that does nothing by itself.
func (s *shell) leftovers(stack string, left []setup.Left) error {
	if s.flags.json {
		if left == nil {
			left = []setup.Left{}
		}
		return s.print(append(mustJSON(left), '\n'))
	}
	if len(left) == 0 {
		return s.say("nothing carries the tag of a stack "+stack+" in this region", nil)
	}
	others := 0
	for _, l := range left {
		if l.Kind == "other" {
			others++
			continue
		}
		text := fmt.Sprintf("# %s %s: %s\n%s\n", l.Kind, l.Name, l.Holds, strings.Join(l.Commands, "\n"))
		if err := s.print([]byte(text)); err != nil {
			return err
		}
	}
	if others > 0 {
		return trailhouse.Errorf(trailhouse.CodePartial, "%s of the stack are there beside its data", plural(others, "resource")).
			WithHint("delete the stack first: aws cloudformation delete-stack --stack-name %s; the list may name for an hour what was removed", stack)
	}
	return nil
}
