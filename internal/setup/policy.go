package setup

import (
	"strings"

	"github.com/trailhouse/trailhouse/internal/aws"
)

// policyVersion is the language that policies are written in.
const policyVersion = "2012-10-17"

// Policy is a policy of IAM.
type Policy struct {
	Version    string      `json:"Version"`
	Statements []Statement `json:"Statement"`
}

// Statement allows actions on resources under conditions.
type Statement struct {
	Sid       string    `json:"Sid"`
	Effect    string    `json:"Effect"`
	Actions   []string  `json:"Action"`
	Resources []string  `json:"Resource"`
	Condition Condition `json:"Condition,omitempty"`
}

// Condition is operator, key, values.
type Condition map[string]map[string][]string

// JSON returns the policy as indented JSON.
func (p Policy) JSON() []byte { return JSON(p) }

// HostRole returns the policy of the role of a host with enclaves: what the CloudWatch
// agent needs to write the configuration's log group and, where a group of it is named,
// what trailhouse agent needs to write its own, and nothing else. Partition is aws, aws-cn
// or aws-us-gov; region and account may be * for any.
func HostRole(o AgentOptions, partition, region, account string) (Policy, error) {
	o, err := o.complete()
	if err != nil {
		return Policy{}, err
	}
	arn := strings.Join([]string{"arn", partition, "logs", region, account, "log-group", ""}, ":")
	group := arn + o.LogGroup
	p := Policy{policyVersion, []Statement{
		{
			Sid: "WriteLinesOfEnclaves", Effect: "Allow",
			Actions:   []string{"logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"},
			Resources: []string{group + ":*"},
		},
		{
			Sid: "MakeGroupAndSetRetention", Effect: "Allow",
			Actions:   []string{"logs:CreateLogGroup", "logs:PutRetentionPolicy"},
			Resources: []string{group, group + ":*"},
		},
	}}
	if o.HostAgentGroup != "" {
		p.Statements = append(p.Statements, Statement{
			Sid: "WriteLinesOfHostAgent", Effect: "Allow",
			Actions:   []string{aws.ActionCreateLogStream, aws.ActionPutLogEvents},
			Resources: []string{arn + o.HostAgentGroup + ":*"},
		})
	}
	return p, nil
}
