package setup

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"
	"text/template"

	"github.com/trailhouse/trailhouse/packaging"
)

// stackText is the CloudFormation template; what another file of ours says too is filled
// in, so that it is said once.
//
//go:embed files/aws.yaml.tmpl
var stackText string

//go:embed files/user-data.sh.tmpl
var userDataText string

// stackConfig is the trailhouse.yaml of the instance, in which CloudFormation fills in
// parameters.
//
//go:embed files/trailhouse.yaml
var stackConfig string

// StackTag is the key of the tag that everything of a stack carries, also what stays when
// the stack is deleted; its value is the stack's name.
const StackTag = "trailhouse:stack"

// weekRow is a row of the template's table of retentions.
type weekRow struct{ Weeks, Days int }

// StackTemplate returns the CloudFormation template of an unattended meter: bucket, log
// group, topic with subscription, role, and one instance with a timer and a data volume.
func StackTemplate() []byte {
	var weeks []weekRow
	for w := 1; w <= MaxWeeks; w++ {
		weeks = append(weeks, weekRow{w, leastRetention(max(DefaultRetentionDays, 7*w))})
	}
	userData := fill("user-data.sh", userDataText, map[string]any{
		"Config": trimmed(stackConfig), "Service": trimmed(packaging.Service), "Timer": trimmed(packaging.Timer),
	})
	return fill("aws.yaml", stackText, map[string]any{
		"LogGroup": DefaultLogGroup, "Retention": DefaultRetentionDays, "Weeks": weeks, "UserData": string(userData),
	})
}

// fill executes a template of ours. Its marks are [[ and ]], because CloudFormation and
// shells use braces.
func fill(name, text string, data any) []byte {
	t, err := template.New(name).Delims("[[", "]]").Option("missingkey=error").
		Funcs(template.FuncMap{"indent": indent}).Parse(text)
	if err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		panic(fmt.Sprintf("BUG: %v", err))
	}
	return b.Bytes()
}

// indent puts blanks before each line that is not empty.
func indent(by int, text string) string {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	for i, line := range lines {
		if line != "" {
			lines[i] = strings.Repeat(" ", by) + line
		}
	}
	return strings.Join(lines, "\n")
}

func trimmed(text string) string { return strings.TrimSuffix(text, "\n") }
