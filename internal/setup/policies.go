package setup

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/trailhouse/trailhouse/internal/access"
	"github.com/trailhouse/trailhouse/internal/aws"
)

// Principal is someone with the policy that they need.
type Principal struct {
	// Name is the ARN of a role, "profile NAME", or access.DefaultPrincipal.
	Name   string `json:"principal"`
	Policy Policy `json:"policy"`
}

// Policies returns the policy of each who needs one: exactly the needs, and kms:Decrypt on
// the keys, ARNs that no configuration names, for those who read from buckets. Statements
// are in the order of the needs; needs on the same resources under the same condition are
// one statement.
func Policies(needs []access.Need, keys []string) []Principal {
	var out []Principal
	for _, name := range access.Principals(needs) {
		p := Principal{Name: name, Policy: Policy{Version: policyVersion}}
		reads := false
		for _, n := range needs {
			if n.Principal() == name {
				p.Policy.allow(n)
				reads = reads || n.Action == aws.ActionGetObject
			}
		}
		if reads && len(keys) > 0 {
			p.Policy.allow(access.Need{Action: aws.ActionDecrypt, Resources: keys})
		}
		p.Policy.name()
		out = append(out, p)
	}
	return out
}

// allow adds a need, to a statement with the same resources and condition where there is
// one.
func (p *Policy) allow(n access.Need) {
	add := Statement{Effect: "Allow", Actions: []string{n.Action}, Resources: n.Resources}
	if len(n.Prefixes) > 0 {
		add.Condition = Condition{"StringLike": {"s3:prefix": n.Prefixes}}
	}
	for i := range p.Statements {
		s := &p.Statements[i]
		if !slices.Equal(s.Resources, add.Resources) || !slices.Equal(s.prefixes(), add.prefixes()) {
			continue
		}
		if !slices.Contains(s.Actions, n.Action) {
			s.Actions = append(s.Actions, n.Action)
			slices.Sort(s.Actions)
		}
		return
	}
	p.Statements = append(p.Statements, add)
}

func (s Statement) prefixes() []string { return s.Condition["StringLike"]["s3:prefix"] }

// name gives each statement an id that says what it is for.
func (p *Policy) name() {
	used := map[string]int{}
	for i := range p.Statements {
		s := &p.Statements[i]
		service, verb, _ := strings.Cut(s.Actions[0], ":")
		id := strings.ToUpper(service[:1]) + service[1:] + verb
		if used[id]++; used[id] > 1 {
			id = fmt.Sprintf("%s%d", id, used[id])
		}
		s.Sid = cmp.Or(s.Sid, id)
	}
}
