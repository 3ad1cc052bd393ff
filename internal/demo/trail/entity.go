package trail

import (
	"fmt"
	"strconv"
)

// register is a kind of resource that an event speaks of. Its value is drawn when an
// event first needs it and stays for the whole event.
type register int

const (
	regInstance register = iota
	regVolume
	regSnapshot
	regSecurityGroup
	regSubnet
	regVPC
	regImage
	regInterface
	regTemplate // launch template
	regFleet
	regKey // KMS key, its UUID
	regBucket
	regObject
	regFunction
	regRole
	regUser
	regPolicy
	regParameter
	regSecret
	regTable
	regTopic
	regQueue
	regLogGroup
	regStack
	regCluster
	regGroup // Auto Scaling group
	regType  // instance type
	regPrivate
	regFresh    // the id of an instance that is launched
	regToken    // a UUID
	regRequest  // request id
	regMaterial // of a KMS key, which rotates rarely
	registerCount
)

func registerNames() [registerCount]string {
	return [registerCount]string{
		"instance", "volume", "snapshot", "sg", "subnet", "vpc", "ami", "eni", "template", "fleet", "key", "bucket", "object", "function",
		"role", "user", "policy", "parameter", "secret", "table", "topic", "queue", "loggroup", "stack", "cluster", "group", "type", "private",
		"fresh", "token", "request", "material",
	}
}

func registerNamed(name string) register {
	for i, known := range registerNames() {
		if known == name {
			return register(i)
		}
	}
	panic("BUG: a template has no value named " + name)
}

// poolSize is how many resources of a kind an account has in a region.
const poolSize = 48

// entity returns the value of a register.
func (w *writer) entity(r register) string {
	if w.memo[r] == "" {
		w.memo[r] = w.drawEntity(r)
	}
	return w.memo[r]
}

func (w *writer) drawEntity(r register) string {
	switch r {
	case regFresh:
		return string(w.hex([]byte("i-0"), 16))
	case regToken, regRequest:
		return w.uuidText()
	case regFleet:
		return "fleet-" + w.uuidText()
	case regObject:
		folders := [...]string{"raw/orders/dt=2025-0", "curated/payments/year=2025/part-0000", "exports/ledger/", "logs/alb/AWSLogs/", "models/v"}
		b := append([]byte(nil), folders[w.below(len(folders))]...)
		b = strconv.AppendInt(b, int64(w.below(10)), 10)
		b = w.hex(append(b, '-'), 12)
		return string(append(b, ".snappy.parquet"...))
	}
	return w.cell.pools[r][w.ranks.pick(w.chance)]
}

// prefixes of the ids that EC2 gives.
func idPrefix(r register) string {
	switch r {
	case regInstance:
		return "i-0"
	case regVolume:
		return "vol-0"
	case regSnapshot:
		return "snap-0"
	case regSecurityGroup:
		return "sg-0"
	case regSubnet:
		return "subnet-0"
	case regVPC:
		return "vpc-0"
	case regImage:
		return "ami-0"
	case regInterface:
		return "eni-0"
	case regTemplate:
		return "lt-0"
	}
	return ""
}

// invent returns a resource for a pool.
func invent(c chance, r register, account string, n int) string {
	if p := idPrefix(r); p != "" {
		return string(c.hex([]byte(p), 16))
	}
	teams := [...]string{"payments", "ledger", "risk", "search", "media", "identity", "data", "platform"}
	things := [...]string{"api", "worker", "ingest", "export", "batch", "gateway", "cache", "index", "report"}
	team, thing := teams[c.below(len(teams))], things[c.below(len(things))]
	base := fmt.Sprintf("%s-%s-%d", team, thing, n)
	switch r {
	case regKey:
		return c.uuidText()
	case regMaterial:
		return string(c.hex(nil, 64))
	case regBucket:
		return base + "-" + account[:6]
	case regRole:
		return team + "-" + thing + "-role-" + strconv.Itoa(n)
	case regUser:
		return team + ".svc" + strconv.Itoa(n)
	case regParameter:
		return fmt.Sprintf("/%s/%s/setting-%d", team, thing, n)
	case regSecret:
		return fmt.Sprintf("prod/%s/%s-%d-", team, thing, n) + string(c.upper(nil, 6))
	case regLogGroup:
		return "/aws/lambda/" + base
	case regType:
		types := [...]string{"m5.large", "m6i.xlarge", "c6i.2xlarge", "r5.xlarge", "t3.micro", "t3.large", "c7g.xlarge", "m6g.2xlarge"}
		return types[c.below(len(types))]
	case regPrivate:
		return fmt.Sprintf("10.%d.%d.%d", c.below(4), c.below(250), 4+c.below(240))
	}
	return base
}
