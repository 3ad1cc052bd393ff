package trail

import "github.com/trailhouse/trailhouse/internal/demo/trail/cast"

// OrgID is the id of the demo's organisation.
const OrgID = "o-demo7trail"

// management is the account of the organisation itself; it also holds the trail.
const management = "777788889999"

// fakeRegion is a region that does not exist, as anonymised sets have them
// (facts/cloudtrail.md 2.4, 9).
const fakeRegion = "us-north-2r"

// share is one account or region and its part of the traffic.
type share struct {
	name   string
	weight int
}

// accounts are the members, busiest first. One number begins with a zero: it is text.
func accounts() []share {
	return []share{
		{"111122223333", 300}, {"444455556666", 220}, {"210987654321", 130}, {"345678901234", 90}, {management, 70},
		{"012345678901", 50}, {"456789012345", 40}, {"567890123456", 30}, {"678901234567", 25}, {"789012345678", 18},
		{"890123456789", 12}, {"901234567890", 9}, {"121212121212", 6},
	}
}

func regions() []share {
	return []share{{"us-east-1", 46}, {"eu-west-1", 20}, {"us-west-2", 14}, {"eu-central-1", 9}, {"ap-southeast-2", 7}, {"ap-northeast-1", 4}}
}

// globalRegion is where services without regions record.
const globalRegion = "us-east-1"

// cell is one account in one region: where a trail makes its files.
type cell struct {
	account, region string
	index           int
	weight          int
	endpoint        string // VPC endpoint
	pools           [registerCount][]string
	callers         [classCount][]*caller
	scaling, fleet  *caller // service-linked roles that launch instances
}

// organisation is who is there and what they have.
type organisation struct {
	cells []*cell
	// people are those who may log in, busiest first.
	people []string
	callers
}

func newOrganisation(seed uint64) *organisation {
	c := newChance(seed, streamOrg)
	org := &organisation{people: cast.People()}
	for _, a := range accounts() {
		for _, r := range regions() {
			org.add(c, a.name, r.name, a.weight*r.weight)
		}
	}
	org.add(c, accounts()[2].name, fakeRegion, 0)
	return org
}

func (o *organisation) add(c chance, account, region string, weight int) {
	cell := &cell{account: account, region: region, index: len(o.cells), weight: weight}
	cell.endpoint = string(c.hex([]byte("vpce-0"), 16))
	for r := range registerCount {
		cell.pools[r] = make([]string, poolSize)
		for n := range cell.pools[r] {
			cell.pools[r][n] = invent(c, r, account, n)
		}
	}
	o.cells = append(o.cells, cell)
	o.hire(c, cell)
	cell.scaling = linkedCaller(c, account, "AWSServiceRoleForAutoScaling", "AutoScaling", "autoscaling.amazonaws.com")
	cell.fleet = linkedCaller(c, account, "AWSServiceRoleForEC2Fleet", "EC2Fleet", "ec2fleet.amazonaws.com")
}

// cell returns the cell of an account in a region.
func (o *organisation) cell(account, region string) *cell {
	for _, c := range o.cells {
		if c.account == account && c.region == region {
			return c
		}
	}
	panic("BUG: the organisation has no " + account + " in " + region)
}
