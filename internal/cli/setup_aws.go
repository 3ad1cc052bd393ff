package cli

import (
	"bytes"
	"os"

	"github.com/spf13/cobra"

	"github.com/trailhouse/trailhouse"
	"github.com/trailhouse/trailhouse/internal/setup"
)

func (s *shell) setupAWS() *cobra.Command {
	var out string
	c := &cobra.Command{
		Use:   "aws",
		Short: "Write a CloudFormation template of Trailhouse running unattended in an account",
		Long: `Writes a CloudFormation template with a bucket for reports, the log group of the hosts,
a topic with a subscription by mail, a role with the least rights, and one small
instance that runs trailhouse by a timer, on a data volume of its own and without an
open port. Its parameters are the weeks of look-back, the mail address, the prefix of the
bucket's name, and where the program is. Deleting the stack removes everything but the
data; trailhouse setup clean-up lists what is left.`,
		Example: `  trailhouse setup aws -o trailhouse-stack.yaml
  aws s3 cp bin/trailhouse s3://my-programs/trailhouse
  aws cloudformation deploy --template-file trailhouse-stack.yaml --stack-name trailhouse \
    --capabilities CAPABILITY_IAM --parameter-overrides Email=billing@example.com Weeks=4 \
    BinaryBucket=my-programs BinarySha256=$(sha256sum bin/trailhouse | cut -d' ' -f1)`,
		Args: between(0, 0, ""),
	}
	c.Flags().StringVarP(&out, "out", "o", "", "write to `FILE`; one that holds something else is not replaced")
	c.RunE = func(*cobra.Command, []string) error {
		text := setup.StackTemplate()
		if out == "" {
			return s.print(text)
		}
		if err := s.newFile(out, text); err != nil {
			return err
		}
		return s.say("wrote "+out, struct {
			File string `json:"file"`
		}{out})
	}
	return c
}

// newFile writes a file that is not there yet, or that holds the same already.
func (s *shell) newFile(name string, text []byte) error {
	path := s.absolute(name)
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if os.IsExist(err) {
		return usage("%s is there already and holds something else", name).WithHint("remove it, or name another file")
	}
	if err == nil {
		_, err = f.Write(text)
		if closed := f.Close(); err == nil {
			err = closed
		}
	}
	if err != nil {
		return trailhouse.Errorf(trailhouse.CodeStorage, "%s cannot be written: %w", name, err).WithHint("name another file with --out")
	}
	return nil
}
